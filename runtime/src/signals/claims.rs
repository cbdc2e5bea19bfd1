//! Who listens to which signal.
//!
//! The operating system knows one handler for a signal and process, and a handler, once installed, replaces what
//! the signal does by default. So the default action has to be part of the handler, and be left out while somebody
//! listens. The handler asks an atomic flag for that, one for each signal, which is all that it may ask.

use super::ctrl_c::TakenOver;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

static CLAIMS: Mutex<BTreeMap<i32, Claimed>> = Mutex::new(BTreeMap::new());

struct Claimed {
    listeners: usize,
    nobody_listens: Arc<AtomicBool>,
}

/// As long as there is one, its signal does not do what it does by default.
pub(super) struct Claim {
    signal: i32,
}

impl Claim {
    /// # Errors
    /// The operating system refuses a handler for it.
    pub(super) fn new(signal: i32) -> io::Result<Claim> {
        super::pipe::check(signal)?;
        let mut claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = match claims.get_mut(&signal) {
            Some(claimed) => claimed,
            None => {
                let nobody_listens = Arc::new(AtomicBool::new(false));
                // For good, and before anything else is done at this signal. It fails for signals whose default
                // action is not known (those without a name); they will be without effect when nobody listens.
                let _ = flag::register_conditional_default(signal, Arc::clone(&nobody_listens));
                claims.entry(signal).or_insert(Claimed { listeners: 0, nobody_listens })
            }
        };
        claimed.listeners += 1;
        claimed.nobody_listens.store(false, Ordering::SeqCst);
        Ok(Claim { signal })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claimed) = claims.get_mut(&self.signal) {
            claimed.listeners -= 1;
            claimed.nobody_listens.store(claimed.listeners == 0, Ordering::SeqCst);
        }
    }
}

/// A program's own claim: SIGINT is no longer the kernel's business then.
pub(super) struct OwnClaim {
    _claim: Claim,
    _taken_over: Option<TakenOver>,
}

impl OwnClaim {
    /// # Errors
    /// As [`Claim::new`].
    pub(super) fn new(signal: i32) -> io::Result<OwnClaim> {
        let claim = Claim::new(signal)?;
        Ok(OwnClaim { _claim: claim, _taken_over: (signal == SIGINT).then(TakenOver::new) })
    }
}

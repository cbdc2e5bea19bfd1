//! Who listens to which signal.
//!
//! The operating system knows one handler for a signal and process, and a handler, once installed, replaces what
//! the signal does by default. So the default action has to be part of the handler, and be left out while somebody
//! listens. The handler asks an atomic flag for that, one for each signal, which is all that it may ask.

use super::ctrl_c::SigintOwner;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

static LISTENERS: Mutex<BTreeMap<i32, Listeners>> = Mutex::new(BTreeMap::new());

struct Listeners {
    listeners: usize,
    nobody_listens: Arc<AtomicBool>,
}

/// As long as there is one, its signal does not do what it does by default.
pub(super) struct Listener {
    signal: i32,
}

impl Listener {
    /// # Errors
    /// The operating system refuses a handler for it.
    pub(super) fn new(signal: i32) -> io::Result<Listener> {
        super::pipe::check(signal)?;
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match listeners.get_mut(&signal) {
            Some(found) => found,
            None => {
                let nobody_listens = Arc::new(AtomicBool::new(false));
                // For good, and before anything else is done at this signal. It fails for signals whose default
                // action is not known (those without a name); they will be without effect when nobody listens.
                let _ = flag::register_conditional_default(signal, Arc::clone(&nobody_listens));
                listeners.entry(signal).or_insert(Listeners { listeners: 0, nobody_listens })
            }
        };
        found.listeners += 1;
        found.nobody_listens.store(false, Ordering::SeqCst);
        Ok(Listener { signal })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = listeners.get_mut(&self.signal) {
            found.listeners -= 1;
            found.nobody_listens.store(found.listeners == 0, Ordering::SeqCst);
        }
    }
}

/// A program's own listener: SIGINT is no longer the kernel's business then.
pub(super) struct ProgramListener {
    _listener: Listener,
    _sigint_owner: Option<SigintOwner>,
}

impl ProgramListener {
    /// # Errors
    /// As [`Listener::new`].
    pub(super) fn new(signal: i32) -> io::Result<ProgramListener> {
        let listener = Listener::new(signal)?;
        Ok(ProgramListener { _listener: listener, _sigint_owner: (signal == SIGINT).then(SigintOwner::new) })
    }
}

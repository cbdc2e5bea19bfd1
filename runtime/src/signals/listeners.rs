//! Which signals are listened to, and what they do when they no longer are.
//!
//! The operating system has one handler for each signal of a process, and a handler, once installed, replaces what
//! the signal did before. To put that back takes `unsafe`, and would be wrong as soon as other code has installed a
//! handler in the meantime. So the handler stays, and does itself what the signal did before while there is no
//! listener: nothing for one that was ignored, or that other code handles (that handler is called in any case), the
//! default action for all others. It asks an atomic flag, one for each signal, which is about all that a handler may
//! do.

use super::ctrl_c::SigintOwner;
use super::disposition::Disposition;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The signals that are or were listened to.
static SIGNALS: Mutex<BTreeMap<i32, Signal>> = Mutex::new(BTreeMap::new());

struct Signal {
    listeners: usize,
    /// The signal's disposition before the first listener was added.
    before: Disposition,
    /// Whether the handler carries out the default action.
    acts_by_default: Arc<AtomicBool>,
}

impl Signal {
    /// If the disposition is the default one, also installs a handler that carries out the default action.
    fn new(signal: i32) -> Signal {
        let before = Disposition::of(signal);
        let acts_by_default = Arc::new(AtomicBool::new(false));
        if before == Disposition::Default {
            // Permanently, and before all other handlers of this signal. It fails for signals whose default action is not
            // known (those without a name); they have no effect when there is no listener.
            let _ = flag::register_conditional_default(signal, Arc::clone(&acts_by_default));
        }
        Signal { listeners: 0, before, acts_by_default }
    }

    fn settle(&self) {
        self.acts_by_default.store(self.listeners == 0, Ordering::SeqCst);
    }
}

fn signals() -> MutexGuard<'static, BTreeMap<i32, Signal>> {
    SIGNALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process was started with the signal ignored. (A listener of the program's own does not change that.)
pub(super) fn was_ignored(signal: i32) -> bool {
    let known = signals().get(&signal).map(|signal| signal.before);
    known.unwrap_or_else(|| Disposition::of(signal)) == Disposition::Ignored
}

/// As long as there is one, its signal does not do what it did before.
pub(super) struct Listener {
    signal: i32,
}

impl Listener {
    /// # Errors
    /// It is no signal, or one that cannot be listened to.
    pub(super) fn new(signal: i32) -> io::Result<Listener> {
        super::pipe::check(signal)?;
        let mut signals = signals();
        let found = signals.entry(signal).or_insert_with(|| Signal::new(signal));
        found.listeners += 1;
        found.settle();
        Ok(Listener { signal })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(found) = signals().get_mut(&self.signal) {
            found.listeners -= 1;
            found.settle();
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

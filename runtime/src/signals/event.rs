//! Whether a signal has arrived.

use super::queue::Signals;
use crate::cancel::race;
use crate::sync::Event;
use crate::task::info::TaskState;
use crate::traps;
use crate::traps::at_caller::at_caller_as;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::Location;

/// An event that signals set. Any number of tasks may wait; all go on when one of the signals arrives.
///
/// It listens from the moment in which it is made until it is dropped, and stays set until it is
/// [cleared](Self::clear). The [module](crate::signals) says what happens to the signal's usual effect.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::SignalEvent;
/// use curio::signals::SIGTERM;
///
/// curio::run(async {
///     let stop = SignalEvent::new(&[SIGTERM])?;
///     # signal_hook::low_level::raise(SIGTERM)?;
///     stop.wait().await; // until `kill ...`
///     assert!(stop.is_set());
///     stop.clear(); // for the next one
///     println!("closing down");
///     Ok(())
/// })
/// # }
/// ```
pub struct SignalEvent {
    signals: Signals,
    arrived: Event,
}

impl SignalEvent {
    /// Listens to these signals from now on.
    ///
    /// # Errors
    /// `InvalidInput` for a number that is no signal, or one that cannot be listened to; the process has no file
    /// descriptors left.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn new(signals: &[i32]) -> io::Result<SignalEvent> {
        Ok(SignalEvent { signals: Signals::new(signals)?, arrived: Event::new() })
    }

    /// Waits until one of the signals has arrived; goes on at once if one has. Cancel-safe.
    ///
    /// # Panics
    /// In another kernel than the one that it was made in, when it has to wait.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> + use<'_> {
        let at = Location::caller();
        let waiting = async move {
            poll_fn(traps::spend).await;
            if self.is_set() {
                return;
            }
            let receiving = async {
                self.signals.next(at).await;
                self.arrived.set();
            };
            // One task at a time receives signals; it sets the event for the others.
            race((self.arrived.wait(), receiving)).await;
        };
        at_caller_as(TaskState::EventWait, at, Box::pin(waiting))
    }

    /// Whether one of the signals has arrived.
    pub fn is_set(&self) -> bool {
        if !self.arrived.is_set() && self.signals.take_now().is_some() {
            self.arrived.set();
        }
        self.arrived.is_set()
    }

    /// Clears the event, and forgets all signals that have arrived.
    pub fn clear(&self) {
        while self.signals.take_now().is_some() {}
        self.arrived.clear();
    }
}

impl fmt::Debug for SignalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalEvent").field("signals", &self.signals.numbers()).finish()
    }
}

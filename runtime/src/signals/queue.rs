//! Every signal that arrives, one by one.

use super::listeners::ProgramListener;
use super::pipe::SignalPipe;
use crate::sync::Lock;
use crate::task::info::TaskState;
use crate::traps::at_caller::at_caller_as;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::task::Poll;

/// Receives signals, by number. Several tasks may wait; each signal goes to the one that has waited longest.
///
/// It listens from the moment in which it is made until it is dropped. What arrives in between is kept, one by one;
/// like the operating system itself it promises no order between different signals: those named first are looked
/// at first. The [module](crate::signals) says what happens to the signal's usual effect.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::SignalQueue;
/// use curio::signals::SIGUSR1;
///
/// curio::run(async {
///     let signals = SignalQueue::new(&[SIGUSR1])?;
///     # signal_hook::low_level::raise(SIGUSR1)?;
///     assert_eq!(signals.get().await, SIGUSR1); // after `kill -USR1 ...`
///     assert_eq!(signals.try_get(), None, "it was the only one");
///     Ok(())
/// })
/// # }
/// ```
pub struct SignalQueue {
    signals: Signals,
}

impl SignalQueue {
    /// Listens to these signals from now on.
    ///
    /// # Errors
    /// `InvalidInput` for a number that is no signal, or one that cannot be listened to; the process has no file
    /// descriptors left.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn new(signals: &[i32]) -> io::Result<SignalQueue> {
        Ok(SignalQueue { signals: Signals::new(signals)? })
    }

    /// Waits for the next signal. Cancel-safe: a dropped wait takes none.
    ///
    /// # Panics
    /// In another kernel than the one that it was made in, when it is awaited.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = i32> + use<'_> {
        let at = Location::caller();
        at_caller_as(TaskState::QueueGet, at, Box::pin(self.signals.next(at)))
    }

    /// The next signal, if one has arrived that no task has taken or waits for.
    pub fn try_get(&self) -> Option<i32> {
        let _turn = self.signals.turn.try_acquire()?;
        self.signals.take_now()
    }
}

impl fmt::Debug for SignalQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalQueue").field("signals", &self.signals.numbers()).finish()
    }
}

/// Several signals, and one waiter at a time.
pub(super) struct Signals {
    pipes: Vec<(i32, SignalPipe)>,
    turn: Lock,
    _listeners: Vec<ProgramListener>,
}

impl Signals {
    #[track_caller]
    pub(super) fn new(signals: &[i32]) -> io::Result<Signals> {
        let (mut listeners, mut pipes) = (Vec::new(), Vec::new());
        for (index, &signal) in signals.iter().enumerate() {
            if !signals[..index].contains(&signal) {
                listeners.push(ProgramListener::new(signal)?);
                pipes.push((signal, SignalPipe::new(signal)?));
            }
        }
        Ok(Signals { pipes, turn: Lock::new(()), _listeners: listeners })
    }

    pub(super) fn numbers(&self) -> Vec<i32> {
        self.pipes.iter().map(|&(signal, _)| signal).collect()
    }

    /// The task that waits first is the one that the pipes wake; when it goes, in whatever way, the next one is.
    pub(super) async fn next(&self, at: &'static Location<'static>) -> i32 {
        self.require_own_kernel(at);
        let _turn = self.turn.acquire().await;
        let arrivals = self.pipes.iter().map(|(signal, pipe)| (*signal, Box::pin(pipe.arrival(at))));
        let mut arrivals: Vec<_> = arrivals.collect();
        poll_fn(|cx| {
            // The wait may have been moved since it began.
            self.require_own_kernel(at);
            for (signal, arrival) in &mut arrivals {
                if let Poll::Ready(arrived) = arrival.as_mut().poll(cx) {
                    // There is one reader, and it runs in the kernel of the pipe, whose writer is in this process.
                    arrived.expect("a pipe of our own can be read");
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }

    fn require_own_kernel(&self, at: &'static Location<'static>) {
        assert!(
            self.pipes.iter().all(|(_, pipe)| pipe.is_watched_here()),
            "these signals are listened to in another kernel than the one that runs here; \
             a signal queue or event can only be awaited inside the `run` that made it (at {at})"
        );
    }

    /// The next one that has arrived, even if a task waits for it.
    pub(super) fn take_now(&self) -> Option<i32> {
        self.pipes.iter().find(|(_, pipe)| pipe.take_now()).map(|&(signal, _)| signal)
    }
}

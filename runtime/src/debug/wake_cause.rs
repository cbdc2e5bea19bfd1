//! Why a task was put on the run queue.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// Why a task became ready. Which task was behind it, if any, is in [`EventKind::Woken`](super::EventKind::Woken).
///
/// A waker that passes the call on (one of another crate's combinators, say) does not hide the cause: a timer that wakes a
/// task through it is still the timer.
///
/// ```
/// use curio::debug::{Activation, Event, EventKind, WakeCause};
///
/// struct LateTimers;
///
/// impl Activation for LateTimers {
///     fn event(&mut self, event: &Event) {
///         if let EventKind::Woken { cause: WakeCause::Timer { deadline }, .. } = event.kind {
///             println!("{:?} late", event.time - deadline);
///         }
///     }
/// }
///
/// let kernel = curio::Kernel::builder().activation(LateTimers);
/// kernel.run(curio::sleep(std::time::Duration::from_millis(1)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WakeCause {
    /// It is new, and has never run.
    Spawned,
    /// The task named beside it called its waker: it released what this one waited for, or ended while this one joined it.
    Task,
    /// A timer.
    Timer {
        /// When it was due, on the kernel's clock.
        deadline: Instant,
    },
    /// The operating system reported a socket or a pipe.
    Socket {
        /// Which direction of it may be ready.
        direction: Direction,
    },
    /// Another thread called its waker.
    Thread {
        /// The thread's name, if it has one.
        name: Option<Arc<str>>,
    },
    /// A signal that it listens to has arrived.
    Signal {
        /// The signal's number.
        number: i32,
    },
    /// It was asked to stop.
    CancelRequested,
    /// It called `schedule()`, or waited for a time that had come already: it lets the others run first.
    Schedule,
    /// The budget of its poll was used up: it lets the others run before it goes on.
    Budget,
    /// Periodic work of an [`upkeep`](crate::upkeep) called its waker.
    Upkeep,
    /// The kernel polls it to learn whether it still waits: in the search for a deadlock, for example.
    Check,
    /// The kernel gave it what another wait had been granted and did not claim.
    Regranted,
    /// Its waker was called on the kernel's thread while no task was being polled: by a destructor or an activation, or
    /// between two turns of the loop.
    Outside,
}

/// A direction of a socket or pipe, in a [`WakeCause`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// There may be something to read.
    Read,
    /// There may be room to write.
    Write,
}

impl fmt::Display for WakeCause {
    /// A few words that fit behind "woken by".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WakeCause::Spawned => f.write_str("its spawn"),
            WakeCause::Task => f.write_str("a task"),
            WakeCause::Timer { .. } => f.write_str("a timer"),
            WakeCause::Socket { direction: Direction::Read } => f.write_str("a socket that can be read"),
            WakeCause::Socket { direction: Direction::Write } => f.write_str("a socket that can be written"),
            WakeCause::Thread { name: Some(name) } => write!(f, "thread `{name}`"),
            WakeCause::Thread { name: None } => f.write_str("a thread without a name"),
            WakeCause::Signal { number } => write!(f, "signal {number}"),
            WakeCause::CancelRequested => f.write_str("a request to cancel it"),
            WakeCause::Schedule => f.write_str("itself, to let others run"),
            WakeCause::Budget => f.write_str("itself, because the budget of its poll was used up"),
            WakeCause::Upkeep => f.write_str("an upkeep job"),
            WakeCause::Check => f.write_str("the kernel, to learn whether it still waits"),
            WakeCause::Regranted => {
                f.write_str("the kernel, with what another wait was granted and did not claim")
            }
            WakeCause::Outside => f.write_str("code on the kernel's thread that belongs to no task"),
        }
    }
}

//! The kernel: a loop that you can recite.
//!
//! ```text
//! loop {
//!     poll I/O          wait in epoll, but not at all if a task is ready         reactor.rs, inbox.rs
//!     fire timers       wake whoever's deadline has passed                        timer_queue.rs
//!     run               exactly the tasks that were ready when the cycle began   run_queue.rs, task_table.rs
//! }
//! ```
//!
//! "Exactly those that were ready" is the fairness guarantee: a task that wakes itself over and over gets one
//! poll per cycle like everybody else, and between any two of its polls I/O and timers have had their turn. It
//! is also why a schedule can be reproduced.
//!
//! Asking `epoll` costs a system call, so while tasks are ready it is not asked in every cycle but once every
//! `POLLS_PER_IO` polls; two tasks that pass a value to and fro do not pay for it on every turn.
//!
//! # Where a virtual clock jumps
//!
//! In the first step, when no task is ready: if no thread job is out, the clock moves to the next deadline
//! instead of waiting for it. A parked socket does not hold it back, but is given a real millisecond first.
//!
//! # The end
//!
//! [`Kernel::shutdown`] asks every task to stop, newest first, and goes on running until they have: cleanups run
//! side by side, within one grace period for all. What is left then is dropped, and said so.
//!
//! | file | holds |
//! |---|---|
//! | `run.rs` | `run` and `turn`: installing the kernel on its thread and going round until it is enough |
//! | `cycle.rs` | one round of the loop above |
//! | `poll.rs` | one poll of one task: make it the current one, poll it, see how that went |
//! | `shutdown.rs` | the end |
//! | `deadlock.rs` | the report of a program that can never go on |

mod builder;
pub(crate) mod cancel_tree;
pub(crate) mod clock;
mod cycle;
mod deadlock;
pub(crate) mod grants;
pub(crate) mod inbox;
pub(crate) mod join_wakers;
pub(crate) mod locals;
pub(crate) mod maintenance;
mod poll;
pub(crate) mod random;
pub(crate) mod reactor;
pub(crate) mod reports;
mod run;
pub(crate) mod run_queue;
mod shutdown;
pub(crate) mod state;
pub(crate) mod task_record;
pub(crate) mod task_table;
pub(crate) mod timer_queue;
pub(crate) mod waker;
pub(crate) mod worker_pool;

pub use builder::KernelBuilder;
pub(crate) use builder::seed_from_environment;

use crate::kernel::grants::Grant;
use crate::kernel::run_queue::RunQueue;
use crate::kernel::state::State;
use deadlock::Watch;
use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// An event loop and its tasks: what [`run`](crate::run) makes, kept in hand.
///
/// Tasks that are still running when [`Kernel::run`] returns stay, and go on in the next `run`.
/// Dropping the kernel shuts it down.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let mut kernel = curio::Kernel::new()?;
/// let words = String::from("one two");
/// let task = kernel.run(async { curio::spawn(async { 2 }) });
/// let sum = kernel.run(async { words.split(' ').count() + task.join().await.unwrap() });
/// assert_eq!(sum, 4);
/// # Ok(())
/// # }
/// ```
pub struct Kernel {
    state: Rc<State>,
    /// In its thread-local while the kernel runs.
    queue: RunQueue,
    grace: Duration,
    scratch: Scratch,
    polls_since_io: u32,
    is_shut_down: bool,
    /// Whether the first Ctrl-C cancels `main`.
    pub(crate) listens_to_ctrl_c: bool,
    watch: Watch,
    /// The report, once there is a deadlock.
    deadlock: Option<String>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("tasks", &self.state.tasks.borrow().len())
            .field("is_shut_down", &self.is_shut_down)
            .finish_non_exhaustive()
    }
}

/// Room that is used in every cycle and kept.
#[derive(Default)]
struct Scratch {
    wakers: Vec<Waker>,
    grants: Vec<Grant>,
}

/// What one [`Kernel::turn`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// How many tasks were polled.
    pub ran: usize,
    /// How many are ready for the next turn.
    pub ready: usize,
    /// When the next timer is due.
    pub next_deadline: Option<Instant>,
}

type Payload = Box<dyn Any + Send>;

impl Kernel {
    pub(crate) fn with_state(state: State, grace: Duration) -> Kernel {
        let mut queue = RunQueue::new();
        if state.activations.any() {
            queue.record_wakes();
        }
        Kernel {
            state: Rc::new(state),
            queue,
            grace,
            scratch: Scratch::default(),
            polls_since_io: 0,
            is_shut_down: false,
            listens_to_ctrl_c: false,
            watch: Watch::default(),
            deadlock: None,
        }
    }

    /// Ends the kernel: asks every task to stop, newest first, waits for their cleanups within the grace period
    /// ([`KernelBuilder::shutdown_grace`]), then drops what is left. Dropping the kernel does the same.
    pub fn shutdown(self) {
        drop(self);
    }
}

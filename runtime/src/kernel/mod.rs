//! The kernel: the loop, and the parts it works on.
//!
//! ```text
//! loop {
//!     poll I/O          wait for events, but not at all if a task is ready       reactor.rs, inbox.rs
//!     fire timers       wake the tasks whose deadlines have passed                timer_queue.rs
//!     run               exactly the tasks that were ready when the cycle began   run_queue.rs, task_table.rs
//! }
//! ```
//!
//! "Exactly the tasks that were ready" is the fairness guarantee: a task that wakes itself over and over gets one poll per
//! cycle like all others. It is also why a schedule can be reproduced.
//!
//! Polling I/O costs a system call, so while tasks are ready it is not done in every cycle but after 61 polls of tasks or
//! after a millisecond, whichever comes first; two tasks that pass a value to and fro do not pay for it each time. Timers
//! are looked at in every cycle, if there are any.
//!
//! # Where a virtual clock jumps
//!
//! In the first step, when no task is ready: if no thread works for a task, the clock moves to the next deadline
//! instead of waiting for it. A socket that a task waits for does not hold it back, but gets a real millisecond first.
//!
//! # The end
//!
//! [`Kernel::shutdown`] asks every task to stop, newest first, and goes on running until they have: cleanups run
//! concurrently, within one grace period for all. What is left then is dropped, and reported.
//!
//! | the loop | holds |
//! |---|---|
//! | `builder.rs` | the settings of a kernel |
//! | `run.rs` | `run` and `turn`: installing the kernel on its thread and running cycles until the future is ready |
//! | `cycle.rs` | one cycle |
//! | `poll.rs` | one poll of one task, and what follows from it |
//! | `shutdown.rs` | the end |
//! | `poll_limit.rs` | ending a program that is polled too often |
//! | `capture.rs`, `why.rs` | asking a parked task what it waits for, and following that from task to task |
//! | `inspect.rs` | answering the monitor |
//! | `deadlock.rs` | detecting and reporting a program that can never go on |
//!
//! | its parts | hold |
//! |---|---|
//! | `state.rs` | all the parts below, and the thread-local with the running kernel |
//! | `current_poll.rs` | the poll in progress: its scope, what it has published, its budget |
//! | `task_table.rs`, `task_record.rs` | the live tasks, and what the kernel knows of each |
//! | `run_queue.rs`, `waker.rs`, `inbox.rs` | ready tasks; wakes from this thread and from others |
//! | `timer_queue.rs`, `timer_levels.rs`, `clock.rs` | deadlines; real or virtual time |
//! | `io_watch.rs` | when the loop reads the clock and polls I/O while tasks are ready |
//! | `reactor.rs` | sockets, and the operating system's events for them |
//! | `cancel_tree.rs` | what has been asked to stop, and what has to finish first |
//! | `grants.rs` | grants of locks and queues that have not been claimed yet |
//! | `join_wakers.rs` | the tasks that wait for the end of a task |
//! | `worker_pool.rs` | threads for blocking work |
//! | `events.rs`, `regions.rs`, `captured.rs` | passing what happens on to the activations; in which regions tasks are; what traps note |
//! | `maintenance.rs` | work between tasks that no task waits for |
//! | `locals.rs`, `random.rs`, `reports.rs` | task-locals; the seeded order of tasks; lines on standard error |

mod builder;
pub(crate) mod cancel_tree;
mod capture;
pub(crate) mod captured;
pub(crate) mod clock;
pub(crate) mod current_poll;
mod cycle;
mod deadlock;
mod events;
pub(crate) mod grants;
pub(crate) mod inbox;
mod inspect;
pub(crate) mod io_watch;
pub(crate) mod join_wakers;
pub(crate) mod locals;
pub(crate) mod maintenance;
mod poll;
mod poll_limit;
pub(crate) mod random;
pub(crate) mod reactor;
pub(crate) mod regions;
pub(crate) mod reports;
mod run;
pub(crate) mod run_queue;
mod shutdown;
pub(crate) mod state;
pub(crate) mod task_record;
pub(crate) mod task_table;
pub(crate) mod timer_levels;
pub(crate) mod timer_queue;
pub(crate) mod waker;
mod why;
pub(crate) mod worker_pool;

pub use builder::KernelBuilder;
pub(crate) use builder::seed_from_environment;

use crate::kernel::io_watch::IoWatch;
use crate::kernel::run_queue::RunQueue;
use crate::kernel::state::State;
use crate::kernel::waker::Woken;
use deadlock::Watch;
use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// An event loop and its tasks: what [`run`](crate::run) makes, for programs that need to keep it.
///
/// Tasks that are still running when [`Kernel::run`] returns stay, and go on in the next `run`.
/// Dropping the kernel shuts it down. One that lies in a `thread_local!` may be dropped when no kernel can run on its
/// thread any more: then tasks are dropped where they are, and cleanups that did not run are reported.
///
/// Room that tasks, timers, sockets and time limits have taken is used again, and given back when the kernel is dropped. So a
/// kernel holds as much as the most that there ever were at the same time, some hundred bytes for each task.
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
///
/// How it works inside: the tour, `docs/tour/03-the-ready-queue-and-the-cycle.md` in the repository.
pub struct Kernel {
    state: Rc<State>,
    /// In its thread-local while the kernel runs.
    queue: RunQueue,
    grace: Duration,
    scratch: Scratch,
    io_watch: IoWatch,
    is_shut_down: bool,
    /// Whether the first Ctrl-C cancels `main`. `None`: unless the process was started with SIGINT ignored.
    pub(crate) listen_to_ctrl_c: Option<bool>,
    /// Whether it does so now: it is in `run`, and nothing is in the way.
    hears_ctrl_c: bool,
    watch: Watch,
    /// How often tasks may be polled, and how often they were, if that is limited.
    most_polls: Option<u64>,
    polls: u64,
    /// How many seconds of a virtual clock pass in a real one while nothing can happen, instead of a jump.
    virtual_seconds_per_second: Option<f64>,
    /// Where the monitor listens.
    monitor_addr: Option<SocketAddr>,
    /// The report, once there is a deadlock or the limit of polls is used up.
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

/// Buffers that are reused in every cycle.
#[derive(Default)]
struct Scratch {
    wakers: Vec<Woken>,
}

/// What one [`turn`](Kernel::turn) of a [`Kernel`] did.
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
            state.inbox.record_threads();
        }
        Kernel {
            state: Rc::new(state),
            queue,
            grace,
            scratch: Scratch::default(),
            io_watch: IoWatch::default(),
            is_shut_down: false,
            listen_to_ctrl_c: Some(false),
            hears_ctrl_c: false,
            watch: Watch::default(),
            most_polls: None,
            polls: 0,
            virtual_seconds_per_second: None,
            monitor_addr: None,
            deadlock: None,
        }
    }

    /// Where the [monitor](KernelBuilder::monitor) listens, if there is one: says which port it got for port 0.
    pub fn monitor_addr(&self) -> Option<SocketAddr> {
        self.monitor_addr
    }

    /// Ends the kernel: asks every task to stop, newest first, waits for their cleanups within the grace period
    /// ([`KernelBuilder::shutdown_grace`]), then drops what is left. Dropping the kernel does the same.
    ///
    /// ```
    /// use curio::{Kernel, finally};
    ///
    /// let mut kernel = Kernel::new().unwrap();
    /// kernel.run(async {
    ///     let serving = finally(std::future::pending::<()>(), async |_| println!("closed"));
    ///     curio::spawn(serving).detach();
    ///     curio::schedule().await;
    /// });
    /// println!("all requests are answered"); // the task is still there
    /// kernel.shutdown(); // prints `closed`
    /// ```
    pub fn shutdown(self) {
        drop(self);
    }
}

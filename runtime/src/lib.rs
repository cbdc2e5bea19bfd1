#![forbid(unsafe_code)]
#![doc(test(attr(deny(warnings), allow(unused))))]
//! Curio for Rust: a single-threaded async runtime that you can read.
//!
//! ```
//! use std::time::Duration;
//!
//! async fn countdown(from: u32) -> u32 {
//!     for left in (1..=from).rev() {
//!         println!("T-minus {left}");
//!         curio::sleep(Duration::from_millis(1)).await;
//!     }
//!     from
//! }
//!
//! async fn parent() -> u32 {
//!     let kid = curio::spawn(countdown(3));
//!     kid.join().await.unwrap()
//! }
//!
//! assert_eq!(curio::run(parent()), 3);
//! ```
//!
//! With `CURIO_DEBUG=schedtrace` in the environment, any program prints what happens, with source lines, which are left out
//! here:
//!
//! ```text
//! …
//! [t=0.000s] #2 countdown  CREATE     by #1
//! [t=0.000s] #2 countdown  WAKE       by its spawn
//! [t=0.000s] #1 main  SUSPEND    TASK_JOIN
//! [t=0.000s] #2 countdown  RUN        cycle 1
//! [t=0.000s] #2 countdown  SUSPEND    TIME_SLEEP
//! [t=0.000s] IDLE
//! [t=0.002s] #2 countdown  WAKE       by a timer due at t=0.001s
//! [t=0.002s] #2 countdown  RUN        cycle 2
//! [t=0.002s] #2 countdown  SUSPEND    TIME_SLEEP
//! …
//! [t=0.004s] #2 countdown  RUN        cycle 4
//! [t=0.004s] #2 countdown  END        TERMINATED
//! [t=0.004s] #1 main  WAKE       by #2
//! [t=0.004s] #1 main  RUN        cycle 2
//! [t=0.004s] #1 main  END        TERMINATED
//! [t=0.004s] EXIT
//! ```
//!
//! It follows David Beazley's Curio for Python: a small kernel that knows nothing of locks, sockets or task results; a
//! few *traps* as the only way into it; and everything else built on top of these. Rust adds what Python cannot give:
//! no garbage collector, borrowing checked by the compiler, and tasks that need not be `Send`. There is no `unsafe`.
//!
//! # What it guarantees
//!
//! * **One thread, fair cycles.** Each cycle of the loop polls I/O, fires timers and then runs exactly the tasks that
//!   were ready when it began. No task starves, and a schedule can be [reproduced](KernelBuilder::seed).
//! * **Cancellation that cleans up.** [`Task::cancel`] and [`timeout_after`] request it; the cleanup of a [`finally`] may
//!   await; [`disable_cancellation`] delays it. `cancel` returns when the task has ended.
//! * **First come, first served.** What a lock, a semaphore or a queue releases goes to the task that has waited longest,
//!   and dropping a wait loses nothing.
//! * **No silent failures.** A panic in a task is reported at once; a task that was never joined is named at shutdown; a
//!   cleanup that could not run is reported.
//! * **Virtual time.** On a [virtual clock](KernelBuilder::virtual_clock) an hour of sleeping takes no time and ends on its
//!   exact nanosecond. It is the same kernel.
//! * **Open to view.** Any program can be traced, drawn as a picture, and asked from another terminal why it hangs, without
//!   compiling it again: see [`debug`].
//!
//! # How to read these pages
//!
//! * What waits for time, sockets, threads or tasks works inside of a kernel, which [`run`] makes. Outside it panics, when it is
//!   called or when it is first polled, and says so. What is in [`sync`] also works in threads that run no kernel.
//! * *Cancel-safe* says: if the future is dropped before it is ready, nothing was taken, sent or changed, and it can be made
//!   again. Where something is lost, the page says what.
//! * *For a thread* says: it blocks the thread that calls it, and panics inside of a kernel, which would stand still.
//!
//! # The rooms
//!
//! | folder | holds |
//! |---|---|
//! | `kernel/` | the loop (`mod.rs`, then `cycle.rs`) and its parts: run queue, timers, reactor, cancel tree, task table |
//! | `traps/` | the only way into the kernel for everything below |
//! | `task/` | spawning, joining and cancelling tasks; their states; task-locals |
//! | `time/` | sleeping, intervals, maintenance between tasks |
//! | `cancel/` | timeouts, `finally`, shields, `race`, `join!` |
//! | `group/` | task groups: several tasks with one owner |
//! | `scope/` | child tasks that may borrow from their parent |
//! | `sync/` | locks, events, queues and channels; `wait_queue.rs` and `permit_queue.rs` are under all of them |
//! | `threads/` | blocking work in threads, awaited by tasks |
//! | `net/` | sockets and servers |
//! | `io/` | byte streams: buffers, lines, copying |
//! | `files/` | files, read and written in threads |
//! | `subprocess/` | child processes |
//! | `signals/` | signals and Ctrl-C |
//! | `debug/` | the event stream of a kernel, and what is made of it: traces, pictures, numbers, the monitor |
//!
//! Items are re-exported at the top: [`spawn`], [`sleep`], [`Lock`]. Only what belongs to one subject has a path: [`debug`], [`io`],
//! [`net`], [`sync`] for the types behind the channels, [`testing`], and on Unix `signals` and `subprocess`.
//!
//! Imports point one way: everything → `traps` → the kernel's parts. A test holds them to it.
//!
//! # The tour
//!
//! How it works inside is told in the repository, in `docs/tour/`: a question for each chapter, with a program that runs, its trace
//! and picture, and the source in reading order.
//!
//! | question | chapter | here |
//! |---|---|---|
//! | What is a future? | `docs/tour/01-what-is-a-future.md` | [`run`] |
//! | Who calls poll again? | `docs/tour/02-who-calls-poll-again.md` | [`Kernel`] |
//! | Which task runs next? | `docs/tour/03-the-ready-queue-and-the-cycle.md` | [`schedule`], [`Kernel::turn`] |
//! | What becomes of a task? | `docs/tour/04-what-becomes-of-a-task.md` | [`spawn`], [`Task`] |
//! | Where does time come from? | `docs/tour/05-where-does-time-come-from.md` | [`sleep`], [`KernelBuilder::virtual_clock`] |
//! | When is a socket ready? | `docs/tour/06-when-is-a-socket-ready.md` | [`net`] |
//! | Who is next in line? | `docs/tour/07-who-is-next-in-line.md` | [`sync`] |
//! | How does cancellation end a task? | `docs/tour/08-how-does-cancellation-end-a-task.md` | [`timeout_after`], [`finally`], [`disable_cancellation`] |
//! | Who waits for the children? | `docs/tour/09-who-waits-for-the-children.md` | [`TaskGroup`], [`scope()`] |
//! | How do threads and signals wake a task? | `docs/tour/10-how-do-threads-and-signals-wake-a-task.md` | [`run_in_thread`], [`spawn_thread`] |
//!
//! `docs/build/` builds such a runtime in ten steps, `docs/zoo.md` shows what broken programs print, and `docs/from-tokio.md` and its
//! siblings say what things are called that you know from elsewhere.
//!
//! # A wake in six files
//!
//! ```text
//! net/socket.rs      Op::poll                the system call returned WouldBlock: wait, return Pending
//! traps/sockets.rs   SocketWait::poll_ready  leave the waker in the reactor, publish what the task waits for
//! kernel/reactor.rs  Reactor::poll           the operating system reports the socket as ready: take the waker out
//! kernel/cycle.rs    Kernel::poll_io         call the waker, with nothing borrowed
//! kernel/waker.rs    TaskWaker::wake         on this thread: onto the run queue; on another one: into the inbox
//! kernel/poll.rs     State::run_task        off the run queue: poll the task, which tries its system call again
//! ```

mod cancel;
pub mod debug;
mod error;
mod files;
mod group;
pub mod io;
mod kernel;
pub mod net;
mod scope;
pub mod signals;
#[cfg(all(unix, feature = "signals"))]
pub mod subprocess;
pub mod sync;
mod task;
pub mod testing;
mod threads;
mod time;
mod traps;

pub use cancel::{
    CheckCancellation, IgnoreAfter, Outcome, Race, Shielded, TimeoutAfter, cancellation_pending,
    check_cancellation, disable_cancellation, finally, ignore_after, ignore_at, race, timeout_after,
    timeout_at,
};
#[doc(hidden)]
pub use cancel::{JoinTuple, join_tuple};
pub use debug::Activation;
pub use error::{Closed, Full, OverReleased, Panicked, TaskError, TaskTimeout};
pub use files::{AsyncFile, aopen};
pub use group::{GroupError, MemberError, TaskGroup, Wait};
pub use kernel::{Kernel, KernelBuilder, Turn};
pub use net::{
    ReadHalf, TcpListener, TcpStream, UdpSocket, WriteHalf, getaddrinfo, open_connection, run_server,
    tcp_server,
};
#[cfg(unix)]
pub use net::{UnixDatagram, UnixListener, UnixStream, open_unix_connection, unix_server};
pub use scope::{Child, ChildJoin, Scope, scope};
#[cfg(all(unix, feature = "signals"))]
pub use signals::{SignalEvent, SignalQueue};
#[cfg(all(unix, feature = "signals"))]
pub use subprocess::CalledProcessError;
pub use sync::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, LockGuard, PriorityQueue, Queue, RLock,
    RLockGuard, ResultCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit, broadcast,
    channel, oneshot, watch,
};
pub use task::{
    Cancel, Join, JoinMut, Task, TaskId, TaskInfo, TaskLocal, TaskState, TaskWait, current_task, spawn,
    spawn_named, tasks,
};
pub use threads::{RunInThread, ThreadContext, block_in_thread, run_in_thread, spawn_thread};
pub use time::{
    Interval, MissedTicks, Schedule, Sleep, Upkeep, clock, interval, schedule, sleep, sleep_until, upkeep,
};

/// Runs `main` and everything it spawns on this thread; returns what `main` returns.
///
/// It makes a [`Kernel`], runs `main` as task 1, and shuts the kernel down: tasks that are left are cancelled,
/// newest first, and given five seconds for their cleanups. `main` need not be `'static`: it may borrow from the
/// surrounding function. Several threads may each run a kernel of their own.
///
/// # Panics
/// With the panic of `main`, payload intact, after shutdown. If a kernel runs on this thread already: await the
/// future or [`spawn`] it instead. If the operating system has no file descriptors left for an event queue.
///
/// ```
/// let text = String::from("borrowed");
/// assert_eq!(curio::run(async { text.len() }), 8);
/// ```
#[doc(alias("block_on", "Runtime"))]
#[track_caller]
pub fn run<F: IntoFuture>(main: F) -> F::Output {
    Kernel::builder().run(main)
}

/// Whether a kernel runs on this thread: Curio's `meta.curio_running()`.
///
/// ```
/// assert!(!curio::is_running());
/// curio::run(async { assert!(curio::is_running()) });
/// ```
#[doc(alias("curio_running"))]
pub fn is_running() -> bool {
    traps::is_running()
}

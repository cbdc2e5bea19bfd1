//! Tasks: spawning, joining and cancelling them.
//!
//! ```text
//! mod.rs       spawn, Task
//! stage.rs     Stage: the task's future, and then its outcome
//! futures.rs   Join, JoinMut, TaskWait, Cancel: the waits for the end of a task
//! info.rs      TaskId, TaskState, TaskInfo
//! inspect.rs   TaskInfo::stack, why: asking what a task waits for
//! local.rs     TaskLocal
//! region.rs    region, InRegion: naming what a task is doing
//! ```
//!
//! A task is a future that the kernel polls by itself. `spawn` puts it into a [`Stage`], which is the one allocation for each
//! task. The [`Record`] with all the rest is used again for a later task. Kernel and handle see the same record:
//!
//! ```text
//! kernel ── Rc<Record> ─▶ ┌ Record ───────────────────────┐ ◀─ Rc<Record> ── Task<T>
//!                         │ id, name, state, join wakers  │
//!                         │ body ─▶ ┌ Stage<F> ─────────┐ │
//!                         └─────────│ the future        │─┘
//!                                   │   dropped as soon as it ends
//!                                   │ then the outcome  │
//!                                   │   until a join takes it
//!                                   └───────────────────┘
//! ```
//!
//! The kernel does not know the type of a task's value, the handle does not know the type of its future, and neither side
//! needs the other: a task runs on when its handle is dropped, and a handle keeps the outcome of a task that is
//! long gone.
//!
//! Dropping a handle does *not* stop the task. But a task that is never joined, cancelled or detached is reported when
//! the kernel shuts down: its result, or its failure, was lost.

pub(crate) mod futures;
pub(crate) mod info;
pub(crate) mod inspect;
mod local;
pub(crate) mod region;
mod stage;

pub use futures::{Cancel, Join, JoinMut, TaskWait};
pub use info::{TaskId, TaskInfo, TaskState};
pub use local::TaskLocal;

use crate::error::{Panicked, TaskError};
use crate::kernel::task_record::{End, Record};
use crate::traps;
use futures::UntilEnd;
use info::TaskName;
use stage::Stage;
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::thread;

/// Runs a future as a task of its own.
///
/// The new task is put on the run queue; it first runs after the calling task next suspends. It is named after
/// its async function. Nothing needs to be `Send`: everything stays on this thread.
///
/// One allocation once the kernel is warm, for the future and then for what it returns; O(1).
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// curio::run(async {
///     let task = curio::spawn(async { 6 * 7 });
///     assert_eq!(task.join().await.unwrap(), 42);
/// });
/// ```
#[doc(alias("spawn_local"))]
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: IntoFuture,
    F::IntoFuture: 'static,
    F::Output: 'static,
{
    start(TaskName::OfType(std::any::type_name::<F::IntoFuture>), future.into_future(), Location::caller())
}

/// [`spawn`] with a name, for reports and pictures.
///
/// # Panics
/// Outside of a kernel.
#[track_caller]
pub fn spawn_named<F>(name: impl Into<Cow<'static, str>>, future: F) -> Task<F::Output>
where
    F: IntoFuture,
    F::IntoFuture: 'static,
    F::Output: 'static,
{
    start(TaskName::Given(Rc::new(name.into())), future.into_future(), Location::caller())
}

/// The task that calls this.
///
/// # Panics
/// Outside of a task.
///
/// ```
/// curio::run(async {
///     let task = curio::spawn_named("child", async { curio::current_task().name().to_string() });
///     assert_eq!(task.join().await.unwrap(), "child");
/// });
/// ```
#[doc(alias("current"))]
#[track_caller]
pub fn current_task() -> TaskInfo {
    traps::current_task()
}

/// All live tasks, oldest first. O(n log n).
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// curio::run(async {
///     let child = curio::spawn_named("child", std::future::pending::<()>());
///     let names: Vec<_> = curio::tasks().iter().map(|task| task.name().to_string()).collect();
///     assert_eq!(names, ["main", "child"]);
///     child.cancel().await;
/// });
/// ```
#[track_caller]
pub fn tasks() -> Vec<TaskInfo> {
    traps::all_tasks()
}

#[track_caller]
pub(crate) fn start<F>(name: TaskName, future: F, at: &'static Location<'static>) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let body = Box::pin(Stage::new(future));
    Task {
        record: traps::spawn(|place, parent| Record::new(place, name, parent, at, Some(body))),
        take_outcome: Record::take_outcome,
    }
}

/// A handle to a task: join it, cancel it, or detach it.
///
/// Dropping the handle does not stop the task. A task that is never joined, cancelled or detached is named on
/// standard error when the kernel shuts down, because its result, or its failure, was lost.
///
/// `task.await` is `task.join().await`; `(&mut task).await` keeps the handle, so that
/// `timeout_after(limit, &mut task)` may be tried again.
///
/// ```
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let quick = curio::spawn_named("quick", async {
///         curio::sleep(Duration::from_secs(1)).await;
///         "done"
///     });
///     let slow = curio::spawn_named("slow", curio::sleep(Duration::from_secs(60)));
///     assert_eq!(quick.join().await.unwrap(), "done");
///     assert!(slow.cancel().await, "it had not ended by itself");
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=1.000s] #2 quick  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #2 quick  RUN        cycle 2
/// [t=1.000s] #2 quick  END        TERMINATED
/// [t=1.000s] #1 main  WAKE       by #2
/// [t=1.000s] #1 main  RUN        cycle 2
/// [t=1.000s] #3 slow  CANCEL     requested by #1
/// [t=1.000s] #3 slow  WAKE       by a request to cancel it, from #1
/// [t=1.000s] #1 main  SUSPEND    TASK_JOIN
/// [t=1.000s] #3 slow  RUN        cycle 2
/// [t=1.000s] #3 slow  END        CANCELLED
/// [t=1.000s] #1 main  WAKE       by #3
/// [t=1.000s] #1 main  RUN        cycle 3
/// [t=1.000s] #1 main  END        TERMINATED
/// [t=1.000s] EXIT
/// ```
///
/// How it works inside: the tour, `docs/tour/04-what-becomes-of-a-task.md` in the repository.
///
/// Further things to do with a handle:
///
/// ```
/// use curio::{sleep, spawn_named, timeout_after};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let mut report = spawn_named("report", sleep(Duration::from_secs(60)));
///     assert!(timeout_after(Duration::from_secs(1), &mut report).await.is_err());
///     assert!(!report.is_terminated(), "only the wait for it has ended");
///
///     println!("giving up on task {}, which is in {}", report.id(), report.info().state());
///     report.request_cancel(); // and go on; `wait` waits for its end
///     report.wait().await;
///     assert!(report.is_cancelled());
/// });
/// ```
#[doc(alias("JoinHandle"))]
#[must_use = "a task that is never joined, cancelled or detached is reported when the kernel shuts down"]
pub struct Task<T> {
    record: Rc<Record>,
    /// [`Record::take_outcome`] for the type of the task's value, of which the record knows nothing.
    take_outcome: fn(&Record) -> Option<thread::Result<T>>,
}

impl<T> Task<T> {
    /// Waits for the task and returns its result.
    ///
    /// If the join is cancelled the task runs on. Its handle is gone then; join through `&mut task` to keep it.
    ///
    /// # Errors
    /// [`TaskError::Cancelled`] or [`TaskError::Panicked`]. Errors of your own are inside `T`.
    #[track_caller]
    pub fn join(self) -> Join<T> {
        Join { task: self, end: UntilEnd::new(Location::caller()) }
    }

    /// Waits until the task has ended, without taking its result; this does not count as joining.
    /// Cancel-safe.
    #[track_caller]
    pub fn wait(&self) -> TaskWait<'_> {
        TaskWait { record: &self.record, end: UntilEnd::new(Location::caller()) }
    }

    /// Asks the task to stop and waits until it has ended, its cleanup included. True if it ended because it
    /// was cancelled; false if it had ended already or finished all the same.
    ///
    /// If this future is dropped after its first poll, the request stands. A task that cancels itself this way
    /// is dropped at this await.
    #[track_caller]
    pub fn cancel(&self) -> Cancel<'_> {
        Cancel::new(&self.record, Location::caller())
    }

    /// Asks the task to stop and does not wait: Curio's `cancel(blocking=False)`.
    #[doc(alias("abort"))]
    pub fn request_cancel(&self) {
        self.record.attended.set(true);
        traps::request_cancel(&self.record);
    }

    /// Lets the task run on without being joined: Curio's `daemon=True`.
    ///
    /// If it panics, that is reported like any panic. A *value* that it returns is dropped, even if it is an error. So
    /// a detached task that can fail has to handle its errors itself.
    ///
    /// ```
    /// # async fn refresh() -> std::io::Result<()> { Ok(()) }
    /// # curio::run(async {
    /// curio::spawn(async {
    ///     if let Err(error) = refresh().await {
    ///         eprintln!("refreshing: {error}");
    ///     }
    /// })
    /// .detach();
    /// # });
    /// ```
    pub fn detach(self) {
        self.record.attended.set(true);
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The outcome of a task that has ended.
    #[track_caller]
    pub(crate) fn take_outcome(&self) -> Result<T, TaskError> {
        self.record.attended.set(true);
        if self.is_cancelled() {
            return Err(TaskError::Cancelled);
        }
        match (self.take_outcome)(&self.record) {
            Some(Ok(value)) => Ok(value),
            Some(Err(payload)) => Err(TaskError::Panicked(Panicked::new(payload))),
            None => panic!("the result of {} was taken by an earlier join of its handle", self.record),
        }
    }

    /// The task's number.
    pub fn id(&self) -> TaskId {
        self.record.id
    }

    /// What can be known of the task now.
    pub fn info(&self) -> TaskInfo {
        traps::info_of(&self.record)
    }

    /// Whether it has ended, in whatever way.
    pub fn is_terminated(&self) -> bool {
        self.record.end.get().is_some()
    }

    /// Whether it has ended by being cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.record.end.get() == Some(End::Cancelled)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let record = &*self.record;
        record.handle_dropped.set(true);
        if record.end.get().is_none() {
            return;
        }
        // What the task returned goes with the handle. Its destructor is the task's business, not the caller's.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(record.body.take()))) {
            traps::report_panic(record, payload.as_ref(), "panicked while it was dropped");
        }
        if record.end.get() == Some(End::Returned) && !record.attended.get() {
            traps::report_never_joined(record);
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.info()).finish()
    }
}

impl<T> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<T>;

    #[track_caller]
    fn into_future(self) -> Join<T> {
        self.join()
    }
}

impl<'a, T> IntoFuture for &'a mut Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = JoinMut<'a, T>;

    #[track_caller]
    fn into_future(self) -> JoinMut<'a, T> {
        JoinMut { task: self, end: UntilEnd::new(Location::caller()) }
    }
}

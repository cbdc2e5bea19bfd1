//! Tasks: spawning, joining, cancelling.
//!
//! A task is a future that the kernel polls by itself. `spawn` puts it into a [`TaskCell`], one allocation for
//! the future and one for everything else, and that cell is seen from two sides:
//!
//! ```text
//! kernel ── Rc<dyn Runnable>    ─▶ ┌ TaskCell<F> ─────────────────────┐ ◀─ Rc<dyn Joinable<T>> ── Task<T>
//!                                  │ record   id, name, state, waiters │
//!                                  │ future   dropped as soon as it ends │
//!                                  │ outcome  until somebody takes it    │
//!                                  └───────────────────────────────────┘
//! ```
//!
//! The kernel never learns what a task returns, the handle never learns what the future is, and neither side
//! needs the other: a task runs on when its handle is dropped, and a handle keeps the outcome of a task that is
//! long gone.
//!
//! Dropping a handle does *not* stop the task. Most runtimes choose silence here, in one direction or the other;
//! this one says at the end which tasks nobody ever joined, cancelled or detached.

use crate::error::{Panicked, TaskError};
use crate::table::{End, Place, Record, Resource, Runnable};
use crate::task_info::{TaskId, TaskInfo, TaskName, TaskState};
use crate::traps;
use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Runs a future as a task of its own.
///
/// The new task is put on the run queue; it first runs after the calling task next suspends. It is named after
/// its async function. Nothing needs to be `Send`: everything stays on this thread.
///
/// Two allocations once the kernel is warm; O(1).
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
#[doc(alias("current"))]
#[track_caller]
pub fn current_task() -> TaskInfo {
    traps::current_task()
}

/// All live tasks, oldest first. O(n log n).
///
/// # Panics
/// Outside of a kernel.
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
    let future = Box::pin(future);
    Task {
        cell: traps::spawn(|place, parent| {
            Rc::new(TaskCell::new(Record::new(place, name, parent, at), future))
        }),
    }
}

/// A handle to a task: join it, cancel it, or detach it.
///
/// Dropping the handle does not stop the task. A task that is never joined, cancelled or detached is named on
/// standard error when the kernel shuts down, because its result, or its failure, was lost.
///
/// `task.await` is `task.join().await`; `(&mut task).await` keeps the handle, so that
/// `timeout_after(limit, &mut task)` may be tried again.
#[doc(alias("JoinHandle"))]
#[must_use = "a task that nobody joins, cancels or detaches is reported when the kernel shuts down"]
pub struct Task<T> {
    cell: Rc<dyn Joinable<T>>,
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
        TaskWait { record: self.cell.record(), end: UntilEnd::new(Location::caller()) }
    }

    /// Asks the task to stop and waits until it has ended, its cleanup included. True if it ended because it
    /// was cancelled; false if it had ended already or finished all the same.
    ///
    /// If this future is dropped after its first poll, the request stands. A task that cancels itself this way
    /// is dropped at this await.
    #[track_caller]
    pub fn cancel(&self) -> Cancel<'_> {
        Cancel::new(self.cell.record(), Location::caller())
    }

    /// Asks the task to stop and does not wait: Curio's `cancel(blocking=False)`.
    #[doc(alias("abort"))]
    pub fn request_cancel(&self) {
        self.cell.record().attended.set(true);
        traps::request_cancel(self.cell.record());
    }

    /// Says that nobody will join this task: Curio's `daemon=True`.
    ///
    /// If it panics, that is reported like any panic. A *value* that it returns is dropped, be it an error: whoever
    /// detaches a task that can fail lets it deal with its failure.
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
        self.cell.record().attended.set(true);
    }

    pub(crate) fn record(&self) -> &Record {
        self.cell.record()
    }

    /// The outcome of a task that has ended.
    pub(crate) fn take_outcome(&self) -> Result<T, TaskError> {
        self.cell.take_outcome()
    }

    /// The task's number.
    pub fn id(&self) -> TaskId {
        self.cell.record().id
    }

    /// What can be known of the task now.
    pub fn info(&self) -> TaskInfo {
        self.cell.record().info()
    }

    /// Whether it has ended, in whatever way.
    pub fn is_terminated(&self) -> bool {
        self.cell.record().end.get().is_some()
    }

    /// Whether it has ended by being cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cell.record().end.get() == Some(End::Cancelled)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let record = self.cell.record();
        record.handle_dropped.set(true);
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

/// The future of [`Task::join`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Join<T> {
    task: Task<T>,
    end: UntilEnd,
}

impl<T> Future for Join<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(this.end.poll(this.task.cell.record(), cx));
        Poll::Ready(this.task.cell.take_outcome())
    }
}

impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        self.end.give_up(self.task.cell.record());
    }
}

/// The future of awaiting a `&mut Task`.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct JoinMut<'a, T> {
    task: &'a mut Task<T>,
    end: UntilEnd,
}

impl<T> Future for JoinMut<'_, T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(this.end.poll(this.task.cell.record(), cx));
        Poll::Ready(this.task.cell.take_outcome())
    }
}

impl<T> Drop for JoinMut<'_, T> {
    fn drop(&mut self) {
        self.end.give_up(self.task.cell.record());
    }
}

/// The future of [`Task::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct TaskWait<'a> {
    record: &'a Record,
    end: UntilEnd,
}

impl Future for TaskWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.end.poll(this.record, cx)
    }
}

impl Drop for TaskWait<'_> {
    fn drop(&mut self) {
        self.end.give_up(self.record);
    }
}

/// The future of [`Task::cancel`].
#[must_use = "futures do nothing unless awaited; `request_cancel` does not wait"]
pub struct Cancel<'a> {
    record: &'a Record,
    requested: bool,
    end: UntilEnd,
}

impl<'a> Cancel<'a> {
    pub(crate) fn new(record: &'a Record, at: &'static Location<'static>) -> Cancel<'a> {
        Cancel { record, requested: false, end: UntilEnd::new(at) }
    }
}

impl Future for Cancel<'_> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        if !this.requested {
            this.record.attended.set(true);
            if this.record.end.get().is_some() {
                return traps::spend(cx).map(|()| false);
            }
            this.requested = true;
            traps::request_cancel(this.record);
        }
        ready!(this.end.poll(this.record, cx));
        Poll::Ready(this.record.end.get() == Some(End::Cancelled))
    }
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        self.end.give_up(self.record);
    }
}

/// One wait for a task's end: what `join`, `wait` and `cancel` have in common.
#[derive(Debug)]
pub(crate) struct UntilEnd {
    ticket: Option<u32>,
    at: &'static Location<'static>,
}

impl UntilEnd {
    pub(crate) fn new(at: &'static Location<'static>) -> UntilEnd {
        UntilEnd { ticket: None, at }
    }

    pub(crate) fn poll(&mut self, record: &Record, cx: &mut Context<'_>) -> Poll<()> {
        if record.end.get().is_some() {
            if self.ticket.is_none() {
                ready!(traps::spend(cx));
            }
            self.ticket = None;
            return Poll::Ready(());
        }
        let (ticket, replaced) = record.waiters.borrow_mut().wait(self.ticket, cx.waker());
        self.ticket = Some(ticket);
        drop(replaced);
        traps::park(TaskState::TaskJoin, self.at, Resource::Task(record.id));
        Poll::Pending
    }

    pub(crate) fn give_up(&mut self, record: &Record) {
        let waker = self.ticket.take().and_then(|ticket| record.waiters.borrow_mut().give_up(ticket));
        drop(waker);
    }
}

/// What a handle needs of a task.
trait Joinable<T> {
    fn record(&self) -> &Record;
    fn take_outcome(&self) -> Result<T, TaskError>;
}

struct TaskCell<F: Future> {
    record: Record,
    /// Boxed, because a future inside an `Rc` cannot be pinned in safe Rust.
    future: RefCell<Option<Pin<Box<F>>>>,
    outcome: Cell<Outcome<F::Output>>,
}

enum Outcome<T> {
    /// Not there: the task still runs, or it was cancelled.
    None,
    Value(T),
    Panic(Box<dyn Any + Send>),
    Taken,
}

impl<F: Future> TaskCell<F> {
    fn new(record: Record, future: Pin<Box<F>>) -> TaskCell<F> {
        TaskCell { record, future: RefCell::new(Some(future)), outcome: Cell::new(Outcome::None) }
    }
}

impl<F: Future> Runnable for TaskCell<F> {
    fn record(&self) -> &Record {
        &self.record
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.future.borrow_mut();
        let Some(future) = slot.as_mut() else { return Poll::Ready(()) };
        let value = ready!(future.as_mut().poll(cx));
        *slot = None;
        self.outcome.set(Outcome::Value(value));
        Poll::Ready(())
    }

    fn discard(&self) {
        let future = self.future.borrow_mut().take();
        drop(future);
    }

    fn crash(&self, payload: Box<dyn Any + Send>) {
        self.outcome.set(Outcome::Panic(payload));
    }

    fn drop_outcome(&self) {
        let outcome = self.outcome.replace(Outcome::Taken);
        drop(outcome);
    }
}

impl<F: Future> Joinable<F::Output> for TaskCell<F> {
    fn record(&self) -> &Record {
        &self.record
    }

    #[track_caller]
    fn take_outcome(&self) -> Result<F::Output, TaskError> {
        self.record.attended.set(true);
        match self.outcome.replace(Outcome::Taken) {
            Outcome::Value(value) => Ok(value),
            Outcome::Panic(payload) => Err(TaskError::Panicked(Panicked::new(payload))),
            Outcome::None => Err(TaskError::Cancelled),
            Outcome::Taken => {
                panic!("the result of {} was taken by an earlier join of its handle", self.record)
            }
        }
    }
}

/// The main task: only a record, because its future lives on the stack of `run`.
pub(crate) struct MainTask {
    record: Record,
}

impl MainTask {
    pub(crate) fn new(place: Place, at: &'static Location<'static>) -> MainTask {
        let record = Record::new(place, TaskName::OfType(|| "main"), None, at);
        MainTask { record }
    }
}

impl Runnable for MainTask {
    fn record(&self) -> &Record {
        &self.record
    }

    /// Comes here only if its `run` is over; then so is the task.
    fn poll(&self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn discard(&self) {}

    fn crash(&self, _: Box<dyn Any + Send>) {}
}

//! One child of a scope: what its handle sees, and what the kernel sees.
//!
//! The kernel's table can only hold what is `'static`, and a child's future and its value are not. So a child has two
//! parts: the [`ChildTask`] is what the kernel and the scope know of it, the [`ChildCell`] holds its record and its value,
//! for the handle.

use crate::error::{Panicked, TaskError};
use crate::kernel::task_record::{Body, End, Parked, Record};
use crate::kernel::waker::renew;
use crate::task::Cancel;
use crate::task::futures::UntilEnd;
use crate::task::info::{TaskId, TaskState};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

pub(super) type Payload = Box<dyn Any + Send>;

/// A handle to a child of a [`scope`](crate::scope()).
///
/// Dropping it leaves the child running. But if the child panics then, or has panicked, the scope does.
///
/// ```
/// use curio::sleep;
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let text = String::from("one two");
///     curio::scope(async |s| {
///         let count = s.spawn(async { text.split(' ').count() }); // it borrows
///         let slow = s.spawn(sleep(Duration::from_secs(60)));
///         println!("waiting for task {}", count.id());
///         assert_eq!(count.join().await.unwrap(), 2);
///         assert!(slow.cancel().await, "otherwise the scope would wait for it");
///     })
///     .await;
/// });
/// ```
pub struct Child<T> {
    cell: Rc<ChildCell<T>>,
}

impl<T> Child<T> {
    pub(super) fn new(cell: Rc<ChildCell<T>>) -> Child<T> {
        Child { cell }
    }

    /// Waits for the child and returns its result. A panic of the child is then an error for the caller to handle, and
    /// does not end the scope.
    ///
    /// If the join is cancelled, the child runs on.
    ///
    /// # Errors
    /// [`TaskError::Cancelled`] or [`TaskError::Panicked`].
    #[track_caller]
    pub fn join(self) -> ChildJoin<T> {
        ChildJoin { child: self, end: UntilEnd::new(Location::caller()) }
    }

    /// Asks the child to stop and waits until it has ended, its cleanup included. True if it ended because it was
    /// cancelled; false if it had ended already or finished all the same.
    ///
    /// If this future is dropped after its first poll, the request stands.
    #[track_caller]
    pub fn cancel(&self) -> Cancel<'_> {
        Cancel::new(self.record(), Location::caller())
    }

    /// The child's number.
    pub fn id(&self) -> TaskId {
        self.record().id
    }

    fn record(&self) -> &Record {
        &self.cell.record
    }
}

impl<T> Drop for Child<T> {
    fn drop(&mut self) {
        self.record().handle_dropped.set(true);
        let unjoined = self.cell.task.panic.take();
        if let Some(payload) = unjoined {
            self.cell.task.scope.fail(payload);
        }
    }
}

impl<T> IntoFuture for Child<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = ChildJoin<T>;

    #[track_caller]
    fn into_future(self) -> ChildJoin<T> {
        self.join()
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.record().info()).finish()
    }
}

/// The future of [`join`](Child::join), of a [`Child`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct ChildJoin<T> {
    child: Child<T>,
    end: UntilEnd,
}

impl<T> Future for ChildJoin<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(this.end.poll(this.child.record(), cx));
        Poll::Ready(this.child.cell.take_outcome())
    }
}

impl<T> Drop for ChildJoin<T> {
    fn drop(&mut self) {
        self.end.give_up(self.child.record());
    }
}

/// Where a child leaves its value.
pub(super) struct ChildCell<T> {
    pub(super) record: Rc<Record>,
    pub(super) task: Rc<ChildTask>,
    pub(super) value: RefCell<Option<T>>,
}

impl<T> ChildCell<T> {
    fn take_outcome(&self) -> Result<T, TaskError> {
        if let Some(value) = self.value.take() {
            return Ok(value);
        }
        if self.record.end.get() == Some(End::Cancelled) {
            return Err(TaskError::Cancelled);
        }
        let payload = self.task.panic.take();
        Err(TaskError::Panicked(Panicked::new(payload.unwrap_or_else(|| {
            Box::new("its panic went on in the scope that it was a child of, or its result was taken already")
        }))))
    }
}

/// What the scope knows of a child: all but its record, its future and its value.
pub(super) struct ChildTask {
    /// A panic that has neither been joined nor passed on to the scope yet.
    pub(super) panic: RefCell<Option<Payload>>,
    scope: Rc<ScopeState>,
    /// It is on the list of those that are ready.
    queued: Cell<bool>,
}

impl ChildTask {
    pub(super) fn new(scope: Rc<ScopeState>) -> ChildTask {
        ChildTask { panic: RefCell::new(None), scope, queued: Cell::new(false) }
    }

    pub(super) fn mark_unqueued(&self) {
        self.queued.set(false);
    }
}

/// A child in the table of the kernel. Its future is in its scope, and its value in its [`ChildCell`].
pub(super) struct ChildBody(pub(super) Rc<ChildTask>);

impl Body for ChildBody {
    fn pass_on(&self, record: &Record, woken_by: Option<TaskId>) -> bool {
        let ChildBody(task) = self;
        if task.scope.closed.get() {
            return false;
        }
        if !task.queued.replace(true) {
            record.woken_by.set(woken_by);
            record.parked.set(Parked::in_state(TaskState::Ready));
            task.scope.ready.borrow_mut().push_back(record.id);
            task.scope.wake_parent();
        }
        true
    }

    /// It is polled here only when its scope has ended; then so has the child.
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn crash(self: Pin<&mut Self>, _: Payload) {}

    fn take_outcome(self: Pin<&mut Self>, _: &mut dyn Any) {}
}

/// What a scope shares with the [`ChildTask`]s of its children: which of them are ready, how to wake the parent, and the
/// first panic.
#[derive(Default)]
pub(super) struct ScopeState {
    ready: RefCell<VecDeque<TaskId>>,
    parent: RefCell<Option<Waker>>,
    /// The first panic that is not joined: what the scope will end with.
    panic: RefCell<Option<Payload>>,
    closed: Cell<bool>,
}

impl ScopeState {
    pub(super) fn set_parent(&self, waker: &Waker) {
        let replaced = renew(&mut self.parent.borrow_mut(), waker);
        drop(replaced);
    }

    pub(super) fn next_ready(&self) -> Option<TaskId> {
        self.ready.borrow_mut().pop_front()
    }

    pub(super) fn count_ready(&self) -> usize {
        self.ready.borrow().len()
    }

    /// Puts all of them on the list, in this order.
    pub(super) fn make_ready(&self, all: impl Iterator<Item = TaskId>) {
        let mut ready = self.ready.borrow_mut();
        ready.clear();
        ready.extend(all);
    }

    /// The scope has to end with this panic, or with an earlier one.
    pub(super) fn fail(&self, payload: Payload) {
        let mut panic = self.panic.borrow_mut();
        let unneeded = if panic.is_none() { panic.replace(payload) } else { Some(payload) };
        drop(panic);
        drop(unneeded);
        self.wake_parent();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.panic.borrow().is_some()
    }

    pub(super) fn take_panic(&self) -> Option<Payload> {
        self.panic.take()
    }

    pub(super) fn close(&self) {
        self.closed.set(true);
        let parent = self.parent.take();
        drop(parent);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    fn wake_parent(&self) {
        let parent = self.parent.borrow().clone();
        if let Some(parent) = parent {
            parent.wake();
        }
    }
}

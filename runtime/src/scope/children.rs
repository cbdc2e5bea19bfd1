//! The children of one scope: polled in turns, cancelled together, waited for.
//!
//! The nodes of the cancel-scope tree, as `scopes.rs` describes it:
//!
//! ```text
//! … ── region (alive until all have ended) ─┬─ body
//!                                           ├─ child
//!                                           └─ child
//! ```
//!
//! A call from above reaches the region's node; the region then polls every child once, whether it was ready or
//! not, so that each that has something to clean up hears of it, and each that has not is dropped. A panic that
//! nobody joins is a call from the region itself.
//!
//! Within one poll only those children run that were ready when it began, and not too many of them: the kernel's
//! own law, so that a scope of busy children cannot keep everybody else waiting.

use super::child::{Child, ChildCell, ChildTask, Payload, Turns};
use crate::scopes::Why;
use crate::table::{End, Record, Resource};
use crate::task_info::{TaskId, TaskName, TaskState};
use crate::traps::{self, Nested, Scope as Node};
use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::thread;

/// How many children may run in one poll of their parent.
const TURNS_PER_POLL: usize = 64;

pub(super) struct Children<'env> {
    running: RefCell<BTreeMap<TaskId, Slot<'env>>>,
    /// Children that panicked while somebody still could join them.
    panicked: RefCell<Vec<Rc<ChildTask>>>,
    turns: Rc<Turns>,
    region: Node,
    /// A child was dropped because the whole scope is being cancelled: its result would be a half one.
    cut_short: Cell<bool>,
    at: &'static Location<'static>,
}

struct Slot<'env> {
    task: Rc<ChildTask>,
    nested: Rc<Nested>,
    /// Out of its place while it is polled.
    future: Option<ChildFuture<'env>>,
}

type ChildFuture<'env> = Pin<Box<dyn Future<Output = ()> + 'env>>;

impl<'env> Children<'env> {
    /// Opens the region of a scope, below the one that is being polled.
    pub(super) fn open(at: &'static Location<'static>) -> Children<'env> {
        let region = traps::open_scope();
        region.set_alive(true);
        Children {
            running: RefCell::default(),
            panicked: RefCell::default(),
            turns: Rc::default(),
            region,
            cut_short: Cell::new(false),
            at,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.running.borrow().len()
    }

    pub(super) fn spawn<F>(&self, future: F, at: &'static Location<'static>) -> Child<F::Output>
    where
        F: Future + 'env,
        F::Output: 'env,
    {
        assert!(!self.turns.is_closed(), "this scope has ended; nothing can be spawned into it any more");
        let future = Box::pin(future);
        let (nested, task) = Nested::spawn(&self.region, |place, parent| {
            let record = Record::new(place, TaskName::OfType(type_name::<F>), parent, at);
            // Its end is the scope's business.
            record.attended.set(true);
            Rc::new(ChildTask::new(record, Rc::clone(&self.turns)))
        });
        let cell = Rc::new(ChildCell { task: Rc::clone(&task), value: RefCell::new(None) });
        let future = Box::pin(IntoCell { future: Some(future), cell: Rc::clone(&cell) });
        let id = task.record.id;
        let slot = Slot { task, nested: Rc::new(nested), future: Some(future) };
        self.running.borrow_mut().insert(id, slot);
        Child::new(cell)
    }

    /// Runs those that were ready when this was called.
    fn poll_ready(&self, cx: &mut Context<'_>, limit: usize) {
        for _ in 0..self.turns.count_ready().min(limit) {
            let Some(id) = self.turns.next_ready() else { break };
            self.poll_child(id);
        }
        if self.turns.count_ready() > 0 {
            cx.waker().wake_by_ref();
        }
    }

    fn poll_child(&self, id: TaskId) {
        let Some((task, nested, mut future)) = self.take(id) else { return };
        task.is_unqueued();
        let was_live = nested.run(|cx| {
            let end = match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(Poll::Ready(())) => End::Returned,
                Err(payload) => {
                    nested.report_panic(payload.as_ref(), "panicked");
                    self.crash(&task, payload);
                    End::Panicked
                }
                Ok(Poll::Pending) => {
                    nested.suspend();
                    if !nested.must_unwind() {
                        self.put_back(id, future);
                        return None;
                    }
                    let from_above = self.region.cancelled_from_above();
                    self.cut_short.set(self.cut_short.get() || from_above);
                    End::Cancelled
                }
            };
            self.discard(&nested, future);
            self.forget(id);
            Some(end)
        });
        if !was_live {
            // A kernel that drops everything at its end had ended the task already.
            self.forget(id);
        }
    }

    fn take(&self, id: TaskId) -> Option<(Rc<ChildTask>, Rc<Nested>, ChildFuture<'env>)> {
        let mut running = self.running.borrow_mut();
        let slot = running.get_mut(&id)?;
        Some((Rc::clone(&slot.task), Rc::clone(&slot.nested), slot.future.take()?))
    }

    fn put_back(&self, id: TaskId, future: ChildFuture<'env>) {
        if let Some(slot) = self.running.borrow_mut().get_mut(&id) {
            slot.future = Some(future);
        }
    }

    fn discard(&self, nested: &Nested, future: ChildFuture<'env>) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            nested.report_panic(payload.as_ref(), "panicked while it was dropped");
        }
    }

    /// A panic belongs to whoever may still join the child, else to the scope.
    fn crash(&self, task: &Rc<ChildTask>, payload: Payload) {
        if task.record.handle_dropped.get() {
            self.turns.fail(payload);
        } else {
            *task.panic.borrow_mut() = Some(payload);
            self.panicked.borrow_mut().push(Rc::clone(task));
        }
    }

    fn forget(&self, id: TaskId) {
        let slot = self.running.borrow_mut().remove(&id);
        drop(slot);
    }

    /// The panic that the scope has to end with.
    fn take_panic(&self) -> Option<Payload> {
        let unjoined = self.panicked.take();
        self.turns.take_panic().or_else(|| unjoined.iter().find_map(|task| task.panic.take()))
    }

    /// Drops what is left, newest first. Destructors may spawn; what they spawn is dropped as well.
    fn drop_all(&self) {
        loop {
            let newest = self.running.borrow().keys().next_back().copied();
            let Some(id) = newest else { return };
            if let Some((_, nested, future)) = self.take(id) {
                let mut future = Some(future);
                nested.run(|_| {
                    future.take().into_iter().for_each(|future| self.discard(&nested, future));
                    Some(End::Cancelled)
                });
                future.into_iter().for_each(|future| self.discard(&nested, future));
            }
            self.forget(id);
        }
    }
}

/// A child's future, with its value put where its handle finds it.
struct IntoCell<F: Future> {
    future: Option<Pin<Box<F>>>,
    cell: Rc<ChildCell<F::Output>>,
}

/// The future is in a box of its own.
impl<F: Future> Unpin for IntoCell<F> {}

impl<F: Future> Future for IntoCell<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else { return Poll::Ready(()) };
        let value = ready!(future.as_mut().poll(cx));
        this.future = None;
        *this.cell.value.borrow_mut() = Some(value);
        Poll::Ready(())
    }
}

/// The body of a scope together with its children: the future that does the work. Dropping it drops them all.
pub(super) struct Running<'c, 'env, F: Future> {
    children: &'c Children<'env>,
    body: Option<Pin<Box<F>>>,
    body_node: Option<Node>,
    output: Option<F::Output>,
    /// All children have been told of the cancellation.
    told: bool,
}

/// The body is in a box of its own.
impl<F: Future> Unpin for Running<'_, '_, F> {}

impl<'c, 'env, F: Future> Running<'c, 'env, F> {
    pub(super) fn new(children: &'c Children<'env>, body: F) -> Self {
        Running { children, body: Some(Box::pin(body)), body_node: None, output: None, told: false }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) {
        let children = self.children;
        if self.hears_of_cancellation() {
            self.poll_body(cx);
            return children.poll_ready(cx, usize::MAX);
        }
        self.poll_body(cx);
        children.poll_ready(cx, TURNS_PER_POLL);
        if children.turns.has_failed() && !self.told {
            children.region.call(Why::Cancelled);
        }
        if self.hears_of_cancellation() {
            self.poll_body(cx);
            children.poll_ready(cx, usize::MAX);
        }
    }

    /// True once: when everything here has to be polled, because it is to stop.
    fn hears_of_cancellation(&mut self) -> bool {
        if self.told || !self.children.region.link().is_cancelled() {
            return false;
        }
        self.told = true;
        self.children.turns.make_ready(self.children.running.borrow().keys().copied());
        true
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) {
        let Some(body) = &mut self.body else { return };
        let node = self.body_node.get_or_insert_with(traps::open_scope);
        match node.enter(|| catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx)))) {
            Ok(Poll::Ready(output)) => self.output = Some(output),
            Err(payload) => self.children.turns.fail(payload),
            Ok(Poll::Pending) if node.poll_unwind(cx).is_some() => {}
            Ok(Poll::Pending) => return,
        }
        let body = self.body.take();
        match self.body_node.take() {
            Some(node) => node.enter(|| drop(body)),
            None => drop(body),
        }
    }

    /// When all have ended: what the scope comes to.
    fn finish(&mut self) -> Poll<thread::Result<F::Output>> {
        let children = self.children;
        children.region.set_alive(false);
        if let Some(payload) = children.take_panic() {
            return Poll::Ready(Err(payload));
        }
        match self.output.take() {
            Some(output) if !children.cut_short.get() => Poll::Ready(Ok(output)),
            // What surrounds us finds nothing alive in here any more and drops us, within this poll.
            _ => Poll::Pending,
        }
    }
}

impl<F: Future> Future for Running<'_, '_, F> {
    type Output = thread::Result<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let children = this.children;
        children.turns.set_parent(cx.waker());
        children.region.set_waker(cx.waker());
        children.region.enter(|| this.poll_all(cx));
        let first = children.running.borrow().keys().next().copied();
        match (&this.body, first) {
            (None, None) => this.finish(),
            (None, Some(child)) => {
                traps::park(TaskState::TaskJoin, children.at, Resource::Task(child));
                Poll::Pending
            }
            (Some(_), _) => Poll::Pending,
        }
    }
}

impl<F: Future> Drop for Running<'_, '_, F> {
    fn drop(&mut self) {
        let body = self.body.take();
        drop(body);
        self.children.drop_all();
        self.children.turns.close();
        // A handle of the scope may have escaped, and keep the node.
        self.children.region.set_alive(false);
    }
}

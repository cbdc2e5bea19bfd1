//! The children of one scope: how they are polled, cancelled and waited for.
//!
//! The nodes of the cancel tree, as `kernel/cancel_tree.rs` describes it:
//!
//! ```text
//! … ── region (alive until all have ended) ─┬─ body
//!                                           ├─ child
//!                                           └─ child
//! ```
//!
//! A cancellation from above reaches the region's node. The region then polls every child once, whether it was ready or
//! not, so that each child with a cleanup begins it, and each without is dropped. A child's panic that is not joined
//! cancels the region itself.
//!
//! Within one poll only those children run that were ready when it began, and at most [`CHILDREN_PER_POLL`]: as in the
//! kernel's cycle, so that a scope of busy children does not starve other tasks.

use super::child::{Child, ChildBody, ChildCell, ChildTask, Payload, ScopeState};
use crate::cancel::catch_unwind::CatchUnwind;
use crate::kernel::cancel_tree::CancelReason;
use crate::kernel::task_record::{End, GENERATIONS, Record, Resource};
use crate::task::info::{TaskId, TaskName, TaskState};
use crate::traps::{self, Entered, Nested, NestedTurn, Scope as Node};
use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;

/// How many children may run in one poll of their parent.
const CHILDREN_PER_POLL: usize = 64;

pub(super) struct Children<'env> {
    running: RefCell<BTreeMap<TaskId, RunningChild<'env>>>,
    /// Children that panicked while their handles could still join them.
    panicked: RefCell<Vec<Rc<ChildTask>>>,
    state: Rc<ScopeState>,
    region: Node,
    /// A child was dropped because the whole scope is being cancelled: the scope has no complete result.
    cut_short: Cell<bool>,
    at: &'static Location<'static>,
}

struct RunningChild<'env> {
    task: Rc<ChildTask>,
    nested: Rc<Nested>,
    /// Out of its place while it is polled.
    future: Option<ChildFuture<'env>>,
}

type ChildFuture<'env> = Pin<Box<dyn Future<Output = ()> + 'env>>;
/// What a slot holds, while the child is polled.
type Polled<'env> = (Rc<ChildTask>, Rc<Nested>, ChildFuture<'env>);

impl<'env> Children<'env> {
    /// Opens the region of a scope, below the one that is being polled.
    pub(super) fn open(at: &'static Location<'static>) -> Children<'env> {
        let region = traps::open_scope();
        region.set_alive(true);
        Children {
            running: RefCell::default(),
            panicked: RefCell::default(),
            state: Rc::default(),
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
        assert!(!self.state.is_closed(), "this scope has ended; nothing can be spawned into it any more");
        let future = Box::pin(future);
        let task = Rc::new(ChildTask::new(Rc::clone(&self.state)));
        let body = Box::pin(ChildBody(Rc::clone(&task)));
        let (nested, record) = Nested::spawn(&self.region, |place, parent| {
            let record = Record::new(place, TaskName::OfType(type_name::<F>), parent, at, Some(body));
            // The scope handles its end.
            record.attended.set(true);
            record
        });
        let id = record.id;
        let cell = Rc::new(ChildCell { record, task: Rc::clone(&task), value: RefCell::new(None) });
        let future = Box::pin(IntoCell { future: Some(future), cell: Rc::clone(&cell) });
        let slot = RunningChild { task, nested: Rc::new(nested), future: Some(future) };
        self.running.borrow_mut().insert(id, slot);
        Child::new(cell)
    }

    /// Runs those that were ready when this was called.
    fn poll_ready(&self, cx: &mut Context<'_>, limit: usize) {
        for _ in 0..self.state.count_ready().min(limit) {
            let Some(id) = self.state.next_ready() else { break };
            self.poll_child(id);
        }
        if self.state.count_ready() > 0 {
            cx.waker().wake_by_ref();
        }
    }

    fn poll_child(&self, id: TaskId) {
        let mut slot = self.take(id);
        let Some((task, nested, future)) = &mut slot else { return };
        task.mark_unqueued();
        let mut turn = nested.begin();
        let Some(running) = &mut turn else {
            // A kernel that dropped everything at its end had ended the task already.
            return self.forget(id);
        };
        let future = CatchUnwind::new(future.as_mut(), running.waker());
        let polled = catch_unwind(move || future.poll());
        self.after_poll(id, polled, running, slot);
    }

    /// What follows from a poll of a child. A function of its own, so that its variables take no stack during the poll.
    fn after_poll(
        &self,
        id: TaskId,
        polled: thread::Result<Poll<()>>,
        turn: &mut NestedTurn,
        slot: Option<Polled<'env>>,
    ) {
        let Some((task, nested, future)) = slot else { return };
        let end = match polled {
            Ok(Poll::Ready(())) => End::Returned,
            Err(payload) => {
                nested.report_panic(payload.as_ref(), "panicked");
                self.crash(nested.record(), &task, payload);
                End::Panicked
            }
            Ok(Poll::Pending) => {
                nested.suspend();
                if !nested.must_unwind() {
                    return self.put_back(id, future);
                }
                let from_above = self.region.cancelled_from_above();
                self.cut_short.set(self.cut_short.get() || from_above);
                End::Cancelled
            }
        };
        self.discard(&nested, future);
        self.forget(id);
        turn.ends(end);
    }

    fn take(&self, id: TaskId) -> Option<Polled<'env>> {
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

    /// A panic goes to the handle of the child, which may still join it; else the scope ends with it.
    fn crash(&self, record: &Record, task: &Rc<ChildTask>, payload: Payload) {
        if record.handle_dropped.get() {
            self.state.fail(payload);
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
        self.state.take_panic().or_else(|| unjoined.iter().find_map(|task| task.panic.take()))
    }

    /// Drops what is left, newest first. Destructors may spawn; what they spawn is dropped as well, up to the
    /// [`GENERATIONS`]th generation. Those that spawn what they drop would go on for ever.
    fn drop_all(&self) {
        for _ in 0..GENERATIONS {
            for id in self.newest_first() {
                self.end_unrun(id, |nested, future| self.discard(nested, future));
            }
        }
        for id in self.newest_first() {
            self.end_unrun(id, |nested, future| {
                nested.report_leak();
                mem::forget(future);
            });
        }
    }

    fn newest_first(&self) -> Vec<TaskId> {
        self.running.borrow().keys().rev().copied().collect()
    }

    fn end_unrun(&self, id: TaskId, get_rid_of: impl FnOnce(&Nested, ChildFuture<'env>)) {
        if let Some((_, nested, future)) = self.take(id) {
            let mut turn = nested.begin();
            get_rid_of(&nested, future);
            turn.iter_mut().for_each(|turn| turn.ends(End::Cancelled));
        }
        self.forget(id);
    }
}

/// A child's future, with its value put where its handle finds it.
struct IntoCell<F: Future> {
    future: Option<Pin<Box<F>>>,
    cell: Rc<ChildCell<F::Output>>,
}

/// The future is in a box of its own.
impl<F: Future> Unpin for IntoCell<F> {}

impl<F: Future> IntoCell<F> {
    fn keep(&mut self, value: F::Output) {
        self.future = None;
        *self.cell.value.borrow_mut() = Some(value);
    }
}

impl<F: Future> Future for IntoCell<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if let Some(future) = &mut this.future {
            match future.as_mut().poll(cx) {
                Poll::Ready(value) => this.keep(value),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

/// The future of a scope: opened when it is first polled.
///
/// Scopes nest, and each level is polled from within the one around it, so what stands on the stack meanwhile
/// decides how deep they may. That is why the functions from here to [`Children::poll_child`] are few, take no
/// closures, and leave what is not on the way down to others.
pub(super) struct Scoped<'env, O, F: Future> {
    open: Option<O>,
    running: Option<Running<'env, F>>,
}

/// The body is in a box of its own.
impl<O, F: Future> Unpin for Scoped<'_, O, F> {}

impl<'env, O, F> Scoped<'env, O, F>
where
    O: FnOnce() -> (Rc<Children<'env>>, Pin<Box<F>>),
    F: Future,
{
    pub(super) fn new(open: O) -> Self {
        Scoped { open: Some(open), running: None }
    }

    fn open(&mut self) {
        if let Some(open) = self.open.take() {
            let (children, body) = open();
            self.running = Some(Running::new(children, body));
        }
    }

    fn end(&mut self, ended: thread::Result<F::Output>) -> Poll<F::Output> {
        self.running = None;
        match ended {
            Ok(output) => Poll::Ready(output),
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<'env, O, F> Future for Scoped<'env, O, F>
where
    O: FnOnce() -> (Rc<Children<'env>>, Pin<Box<F>>),
    F: Future,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        this.open();
        let running = this.running.as_mut().expect("not polled again after it was ready");
        assert!(
            running.children.region.is_here(),
            "the scope at {} was begun in another kernel, and its children are tasks of that one; \
             a scope can only be awaited inside the `run` that began it",
            running.children.at
        );
        running.poll_all(cx);
        match running.poll_end() {
            Poll::Ready(ended) => this.end(ended),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The body of a scope together with its children: what does the work. Dropping it drops them all.
struct Running<'env, F: Future> {
    children: Rc<Children<'env>>,
    body: Option<Pin<Box<F>>>,
    body_node: Option<Node>,
    output: Option<F::Output>,
    /// All children have been made ready because of the cancellation.
    cancel_passed_on: bool,
}

impl<'env, F: Future> Running<'env, F> {
    fn new(children: Rc<Children<'env>>, body: Pin<Box<F>>) -> Self {
        Running { children, body: Some(body), body_node: None, output: None, cancel_passed_on: false }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) {
        let _entered = self.enter(cx);
        let was_cancelled = self.pass_on_cancel();
        self.poll_body(cx);
        self.children.poll_ready(cx, if was_cancelled { usize::MAX } else { CHILDREN_PER_POLL });
        if !was_cancelled && self.must_cancel_now() {
            self.poll_body(cx);
            self.children.poll_ready(cx, usize::MAX);
        }
    }

    fn enter(&self, cx: &mut Context<'_>) -> Entered {
        self.children.state.set_parent(cx.waker());
        self.children.region.set_waker(cx.waker());
        self.children.region.entered()
    }

    fn must_cancel_now(&mut self) -> bool {
        if self.children.state.has_failed() && !self.cancel_passed_on {
            self.children.region.request(CancelReason::Cancelled);
        }
        self.pass_on_cancel()
    }

    /// True once: when the scope is cancelled, and everything in it has to be polled because of that.
    fn pass_on_cancel(&mut self) -> bool {
        if self.cancel_passed_on || !self.children.region.link().is_cancelled() {
            return false;
        }
        self.cancel_passed_on = true;
        self.children.state.make_ready(self.children.running.borrow().keys().copied());
        true
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) {
        let Some(body) = &mut self.body else { return };
        let entered = self.body_node.get_or_insert_with(traps::open_scope).entered();
        let body = CatchUnwind::new(body.as_mut(), cx.waker());
        let polled = catch_unwind(move || body.poll());
        drop(entered);
        self.after_body(polled, cx);
    }

    fn after_body(&mut self, polled: thread::Result<Poll<F::Output>>, cx: &mut Context<'_>) {
        match polled {
            Ok(Poll::Ready(output)) => self.output = Some(output),
            Err(payload) => self.children.state.fail(payload),
            Ok(Poll::Pending) => {
                let node = self.body_node.as_ref();
                if node.and_then(|node| node.poll_unwind(cx)).is_none() {
                    return;
                }
            }
        }
        let body = self.body.take();
        match self.body_node.take() {
            Some(node) => node.enter(|| drop(body)),
            None => drop(body),
        }
    }

    /// The outcome of the scope when all children have ended.
    fn poll_end(&mut self) -> Poll<thread::Result<F::Output>> {
        let children = &*self.children;
        if self.body.is_some() {
            return Poll::Pending;
        }
        let first = children.running.borrow().keys().next().copied();
        if let Some(child) = first {
            traps::park(TaskState::TaskJoin, children.at, Resource::Task(child));
            return Poll::Pending;
        }
        children.region.set_alive(false);
        if let Some(payload) = children.take_panic() {
            return Poll::Ready(Err(payload));
        }
        match self.output.take() {
            Some(output) if !children.cut_short.get() => Poll::Ready(Ok(output)),
            // The enclosing region sees that nothing in here is alive any more and drops it, within this poll.
            _ => Poll::Pending,
        }
    }
}

impl<F: Future> Drop for Running<'_, F> {
    fn drop(&mut self) {
        let body = self.body.take();
        drop(body);
        self.children.drop_all();
        self.children.state.close();
        // A handle of the scope may have escaped, and keep the node.
        self.children.region.set_alive(false);
    }
}

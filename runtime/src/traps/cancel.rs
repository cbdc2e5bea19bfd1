//! Traps that open, enter and leave the nodes of the [cancel-scope tree](crate::kernel::cancel_tree).

use super::{is_running_here, with};
use crate::kernel::cancel_tree::{CancelReason, ScopeKey};
use crate::kernel::current_poll::{LIMITS_WITHOUT_NODE, SCOPE};
use crate::kernel::run_queue;
use crate::kernel::state::{State, try_with};
use crate::kernel::waker::{KernelId, wake_each};
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Waker};

/// A node of the cancel-scope tree, owned by the region whose body it surrounds. Dropping it removes it.
pub(crate) struct Scope {
    pub(super) kernel: Rc<State>,
    pub(super) key: ScopeKey,
}

/// Opens a node below the current one.
#[track_caller]
pub(crate) fn open_scope() -> Scope {
    with(|kernel| {
        let parent = current_scope(kernel);
        Scope { key: kernel.cancel_tree.borrow_mut().add(parent), kernel: Rc::clone(kernel) }
    })
}

/// Opens a node below the root of the current task, outside of any region that is being polled.
#[track_caller]
pub(crate) fn open_task_scope() -> Scope {
    with(|kernel| {
        let root = task_root(kernel).or(SCOPE.get());
        Scope { key: kernel.cancel_tree.borrow_mut().add(root), kernel: Rc::clone(kernel) }
    })
}

/// A time limit that has no node of the tree and whose body is being polled.
///
/// Most bodies open no region, and need none around them: a request to stop then drops the limit together with what
/// is around it. So a limit gets its node when something inside needs one to be below, and [`current_scope`] is the
/// one place that decides that.
#[must_use = "it is to be ended after the poll"]
pub(crate) struct PolledLimit {
    ended: bool,
}

#[inline]
pub(crate) fn begin_limit() -> PolledLimit {
    LIMITS_WITHOUT_NODE.set(LIMITS_WITHOUT_NODE.get() + 1);
    PolledLimit { ended: false }
}

impl PolledLimit {
    /// Its body has been polled. The node, if something inside needed one.
    #[inline]
    pub(crate) fn end(mut self) -> Option<Scope> {
        self.ended = true;
        end_limit()
    }
}

/// Its body may panic.
impl Drop for PolledLimit {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            drop(end_limit());
        }
    }
}

#[inline]
fn end_limit() -> Option<Scope> {
    match LIMITS_WITHOUT_NODE.get() {
        0 => leave_limit(),
        limits => {
            LIMITS_WITHOUT_NODE.set(limits - 1);
            None
        }
    }
}

/// It was given a node. All regions inside have been left by now, so that is the scope that is being polled.
#[cold]
fn leave_limit() -> Option<Scope> {
    let left = try_with(|kernel| {
        let key = SCOPE.get()?;
        SCOPE.set(kernel.cancel_tree.borrow().parent(key));
        Some(Scope { kernel: Rc::clone(kernel), key })
    });
    left.flatten()
}

/// The scope that is being polled, for something to be opened or entered below it. A task's first region makes its
/// root, and the first region in limits that have no nodes makes theirs, the outermost first.
fn current_scope(kernel: &State) -> Option<ScopeKey> {
    let mut scope = SCOPE.get().or_else(|| task_root(kernel));
    for _ in 0..LIMITS_WITHOUT_NODE.take() {
        scope = Some(kernel.cancel_tree.borrow_mut().add(scope));
        SCOPE.set(scope);
    }
    scope
}

fn task_root(kernel: &State) -> Option<ScopeKey> {
    let current = kernel.current_task.borrow();
    let record = current.as_ref()?;
    if record.root.get().is_none() {
        let requested = record.cancel_requested.get().then_some(CancelReason::Cancelled);
        let root = kernel.cancel_tree.borrow_mut().add_task(record.slot, None, requested);
        record.root.set(Some(root));
        SCOPE.set(Some(root));
    }
    record.root.get()
}

impl Scope {
    /// To be called before a poll, by a region that may have been moved into another kernel since its last one: opens
    /// its node anew in the tree of the kernel that runs here.
    pub(crate) fn follow(&mut self) {
        if self.is_here() {
            return;
        }
        try_with(|kernel| {
            let parent = current_scope(kernel);
            let key =
                kernel.cancel_tree.borrow_mut().add_copy(&self.kernel.cancel_tree.borrow(), self.key, parent);
            mem::replace(self, Scope { kernel: Rc::clone(kernel), key })
        });
    }

    /// Whether the kernel that made it is the one that runs here.
    pub(crate) fn is_here(&self) -> bool {
        is_running_here(&self.kernel)
    }

    /// Polls something inside this scope.
    pub(crate) fn enter<R>(&self, poll: impl FnOnce() -> R) -> R {
        let _entered = self.entered();
        poll()
    }

    /// Makes this the scope that is being polled, until the guard is dropped: [`enter`](Self::enter) without the stack
    /// frame of a closure.
    pub(crate) fn entered(&self) -> Entered {
        Entered(self.with(|kernel| {
            let outer = current_scope(kernel);
            let mut tree = kernel.cancel_tree.borrow_mut();
            // A future may have been moved into another one, or another task, since it was last polled.
            if tree.parent(self.key) != outer {
                tree.move_to(self.key, outer);
            }
            tree.note_polled(self.key);
            SCOPE.replace(Some(self.key))
        }))
    }

    /// Whether this region must now drop its body, and why: it is cancelled and nothing below is alive.
    pub(crate) fn must_unwind(&self) -> Option<CancelReason> {
        self.with(|kernel| kernel.cancel_tree.borrow().must_unwind(self.key)).flatten()
    }

    /// [`must_unwind`](Self::must_unwind), for a region that may have to wait for something below that is not
    /// polled from here, such as the tasks of a group: that wakes it when it has ended.
    pub(crate) fn poll_unwind(&self, cx: &mut Context<'_>) -> Option<CancelReason> {
        let why = self.must_unwind();
        if why.is_none() && self.link().is_cancelled() {
            self.set_waker(cx.waker());
        }
        why
    }

    /// The same node, seen from something that does not own it.
    pub(crate) fn link(&self) -> ScopeLink {
        ScopeLink { kernel: self.kernel.id, key: self.key }
    }

    pub(crate) fn cancelled_from_above(&self) -> bool {
        self.with(|kernel| kernel.cancel_tree.borrow().cancelled_from_above(self.key)).unwrap_or(false)
    }

    /// Asks what is inside to stop.
    pub(crate) fn request(&self, why: CancelReason) {
        let mut wakers = Vec::new();
        self.with(|kernel| kernel.cancel_tree.borrow_mut().request(self.key, why, &mut wakers));
        wake_each(wakers);
    }

    pub(crate) fn set_shield(&self, on: bool) {
        self.with(|kernel| kernel.cancel_tree.borrow_mut().set_shield(self.key, on));
    }

    /// Says that everything outside has to wait for this region, and where it is.
    pub(crate) fn set_alive_at(&self, at: &'static Location<'static>) {
        self.set_alive(true);
        self.with(|kernel| kernel.cancel_tree.borrow_mut().set_place(self.key, at));
    }

    /// Whether everything outside has to wait for this region.
    pub(crate) fn set_alive(&self, alive: bool) {
        self.with(|kernel| kernel.cancel_tree.borrow_mut().set_alive(self.key, alive));
    }

    /// The waker to call when a region above is asked to stop.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let replaced = self.with(|kernel| kernel.cancel_tree.borrow_mut().set_waker(self.key, waker));
        drop(replaced);
    }

    /// Has the node's kernel write a line that must not be lost.
    pub(crate) fn report(&self, line: &str) {
        self.kernel.reports.say(line);
    }

    /// Nothing can be asked of a node while its kernel does not run.
    fn with<R>(&self, use_it: impl FnOnce(&State) -> R) -> Option<R> {
        self.is_here().then(|| use_it(&self.kernel))
    }
}

/// A node of the tree that is owned elsewhere: for a waker, which has to be `Send`. Must not be used after the node has
/// been removed.
#[derive(Clone, Copy)]
pub(crate) struct ScopeLink {
    kernel: KernelId,
    key: ScopeKey,
}

impl ScopeLink {
    /// Whether what is inside has been asked to stop.
    pub(crate) fn is_cancelled(self) -> bool {
        self.with(|kernel| kernel.cancel_tree.borrow().cancelled(self.key).is_some()).unwrap_or(false)
    }

    pub(crate) fn set_alive(self, alive: bool) {
        self.with(|kernel| kernel.cancel_tree.borrow_mut().set_alive(self.key, alive));
    }

    /// Wakes every region around it, and every task, that waits for what is alive inside: this has ended, without
    /// being polled from there.
    pub(crate) fn wake_above(self) {
        let (mut wakers, mut tasks) = (Vec::new(), Vec::new());
        self.with(|kernel| kernel.cancel_tree.borrow().waiting_above(self.key, &mut wakers, &mut tasks));
        for slot in tasks {
            run_queue::wake(self.kernel, slot);
        }
        wake_each(wakers);
    }

    fn with<R>(self, use_it: impl FnOnce(&State) -> R) -> Option<R> {
        try_with(|kernel| (kernel.id == self.kernel).then(|| use_it(kernel))).flatten()
    }
}

impl Drop for Scope {
    // Most limits have no node. Inlined, this would have all of them save registers for it.
    #[inline(never)]
    fn drop(&mut self) {
        let waker = self.kernel.cancel_tree.borrow_mut().remove(self.key);
        drop(waker);
    }
}

/// Puts the outer scope back even if the poll panics.
#[must_use = "the scope is left when this is dropped"]
pub(crate) struct Entered(Option<Option<ScopeKey>>);

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(outer) = self.0 {
            SCOPE.set(outer);
        }
    }
}

/// Whether the current task is to be dropped at its next await.
pub(crate) fn is_cancelled() -> bool {
    ask_current(|kernel, scope| kernel.cancel_tree.borrow().cancelled(scope).is_some())
}

/// Whether a request waits above, even behind a shield.
pub(crate) fn cancellation_pending() -> bool {
    ask_current(|kernel, scope| kernel.cancel_tree.borrow().request_pending(scope))
}

#[track_caller]
fn ask_current(ask: impl FnOnce(&State, ScopeKey) -> bool) -> bool {
    with(|kernel| match SCOPE.get() {
        Some(scope) => ask(kernel, scope),
        None => kernel.current_task.borrow().as_ref().is_some_and(|task| task.cancel_requested.get()),
    })
}

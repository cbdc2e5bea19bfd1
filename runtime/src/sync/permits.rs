//! Permits: one line behind a mutex. A semaphore hands them out; a lock is one permit and a value.

use super::permit_queue::PermitQueue;
use super::shared::{Revocable, Shared};
use super::wait_queue::{Ticket, Wakes};
use crate::kernel::grants::{GrantId, Revoke};
use crate::kernel::task_record::Resource;
use crate::task::info::{TaskId, TaskState};
use crate::traps;
use std::panic::Location;
use std::sync::{Arc, MutexGuard, OnceLock};
use std::task::{Context, Poll, ready};

pub(super) struct Permits {
    initial: usize,
    /// Made on first use, so that `new` can be `const`.
    shared: OnceLock<Arc<Shared<State>>>,
}

struct State {
    line: PermitQueue,
    /// Of a lock: who has it, and where it was acquired.
    holder: Option<(Option<TaskId>, &'static Location<'static>)>,
}

impl Permits {
    pub(super) const fn new(initial: usize) -> Permits {
        Permits { initial, shared: OnceLock::new() }
    }

    pub(super) fn free(&self) -> usize {
        self.lock().line.free()
    }

    pub(super) fn try_take(&self, count: usize, at: &'static Location<'static>) -> bool {
        let mut state = self.lock();
        let taken = state.line.try_take(count);
        if taken {
            state.holder = Some((traps::current_id(), at));
        }
        taken
    }

    /// Gives back `count`, unless that would make more than `bound` free.
    pub(super) fn release(&self, count: usize, bound: usize) -> bool {
        let mut wakes = Wakes::default();
        let shared = self.shared();
        let mut state = shared.lock();
        if state.line.free().saturating_add(count) > bound {
            return false;
        }
        state.holder = None;
        state.line.release(count, &mut wakes, || shared.watch());
        drop(state);
        wakes.wake();
        true
    }

    fn shared(&self) -> &Arc<Shared<State>> {
        self.shared
            .get_or_init(|| Shared::new(State { line: PermitQueue::new(self.initial, 0), holder: None }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared().lock()
    }
}

impl Revocable for State {
    fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        self.line.revoke(grant, wakes, watch);
    }
}

/// One wait for permits.
pub(super) struct Acquire<'a> {
    permits: &'a Permits,
    count: usize,
    ticket: Option<Ticket>,
    state: TaskState,
    at: &'static Location<'static>,
}

impl<'a> Acquire<'a> {
    pub(super) fn new(
        permits: &'a Permits,
        count: usize,
        state: TaskState,
        at: &'static Location<'static>,
    ) -> Acquire<'a> {
        Acquire { permits, count, ticket: None, state, at }
    }

    /// The permits they came from, and how many.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(&'a Permits, usize)> {
        if self.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut state = self.permits.lock();
        let (polled, replaced) = state.line.poll_take(&mut self.ticket, self.count, cx);
        let holder = state.holder;
        if polled.is_ready() {
            state.holder = Some((traps::current_id(), self.at));
        }
        drop(state);
        drop(replaced);
        if polled.is_pending() {
            let is_lock = matches!(self.state, TaskState::LockAcquire | TaskState::RlockAcquire);
            let resource = match holder.filter(|_| is_lock) {
                Some((task, at)) => Resource::HeldBy(task, at),
                None => Resource::Nothing,
            };
            traps::park(self.state, self.at, resource);
        }
        polled.map(|()| (self.permits, self.count))
    }

    /// Ends the wait; what it was granted goes on to the next.
    pub(super) fn give_up(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut wakes = Wakes::default();
            let shared = self.permits.shared();
            let waker = shared.lock().line.give_up(ticket, &mut wakes, || shared.watch());
            drop(waker);
            wakes.wake();
        }
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

//! Permits: one permit queue behind a mutex. A semaphore hands them out; a lock is one permit and a value.

use super::permit_queue::{PermitQueue, PermitQueues, Revocable};
use super::wait_queue::Ticket;
use crate::kernel::task_record::Resource;
use crate::task::info::{TaskId, TaskState};
use crate::traps;
use std::panic::Location;
use std::task::{Context, Poll, ready};

pub(super) struct Permits {
    state: Revocable<PermitState>,
}

struct PermitState {
    queue: PermitQueue,
    /// Who has acquired last, and where, if nothing was released since.
    holder: Option<(Option<TaskId>, &'static Location<'static>)>,
}

impl PermitQueues for PermitState {
    fn new(permits: usize) -> PermitState {
        PermitState { queue: PermitQueue::new(permits), holder: None }
    }

    fn for_each_queue(&mut self, mut visit: impl FnMut(&mut PermitQueue)) {
        visit(&mut self.queue);
    }
}

impl Permits {
    pub(super) const fn new(initial: usize) -> Permits {
        Permits { state: Revocable::new(initial) }
    }

    pub(super) fn free(&self) -> usize {
        self.state.peek(|state| state.queue.free())
    }

    pub(super) fn try_take(&self, count: usize, at: &'static Location<'static>) -> bool {
        self.state.peek(|state| {
            let taken = state.queue.try_take(count);
            if taken {
                state.holder = Some((traps::current_id(), at));
            }
            taken
        })
    }

    /// Gives back `count`. False, and nothing changes, if more than `bound` would be free then.
    pub(super) fn release(&self, count: usize, bound: usize) -> bool {
        self.state.with(|state, handover| {
            let fits = state.queue.has_room_for(count) && state.queue.free() + count <= bound;
            if fits {
                state.queue.release(count, handover);
                state.holder = None;
            }
            fits
        })
    }

    #[cold]
    fn give_up(&self, ticket: Ticket) {
        self.state.with(|state, handover| state.queue.give_up(ticket, handover));
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
        let is_lock = matches!(self.state, TaskState::LockAcquire | TaskState::RlockAcquire);
        let waits_for = self.permits.state.with(|state, handover| {
            if state.queue.poll_take(&mut self.ticket, self.count, cx, handover).is_ready() {
                state.holder = Some((traps::current_id(), self.at));
                return None;
            }
            Some(match state.holder.filter(|_| is_lock) {
                Some((task, at)) => Resource::HeldBy(task, at),
                None => Resource::Nothing,
            })
        });
        let Some(waits_for) = waits_for else { return Poll::Ready((self.permits, self.count)) };
        traps::park_for(self.state, self.at, waits_for, &|| self.describe(is_lock));
        Poll::Pending
    }

    /// `wants 2, free are 1, in line: task 3`, and the last to acquire, if nothing was released since.
    fn describe(&self, is_lock: bool) -> String {
        self.permits.state.peek(|PermitState { queue, holder }| {
            if is_lock {
                return queue.describe_line();
            }
            let holder = match holder {
                Some((task, at)) => {
                    let task = task.map_or_else(|| "a thread".into(), |task| format!("task {task}"));
                    format!("; the last to acquire was {task} at {at}, and nothing was released since")
                }
                None => String::new(),
            };
            format!("wants {}, free are {}, {}{holder}", self.count, queue.free(), queue.describe_line())
        })
    }

    /// Ends the wait; what it was granted goes on to the next.
    #[inline]
    pub(super) fn give_up(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.permits.give_up(ticket);
        }
    }
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        self.give_up();
    }
}

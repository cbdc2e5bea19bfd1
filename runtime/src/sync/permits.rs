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
            let fits = state.queue.free().checked_add(count).is_some_and(|free| free <= bound);
            let released = fits && state.queue.release(count, handover);
            if released {
                state.holder = None;
            }
            released
        })
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
        let (polled, holder) = self.permits.state.with(|state, handover| {
            let polled = state.queue.poll_take(&mut self.ticket, self.count, cx, handover);
            let holder = state.holder;
            if polled.is_ready() {
                state.holder = Some((traps::current_id(), self.at));
            }
            (polled, holder)
        });
        if polled.is_pending() {
            let is_lock = matches!(self.state, TaskState::LockAcquire | TaskState::RlockAcquire);
            let resource = match holder.filter(|_| is_lock) {
                Some((task, at)) => Resource::HeldBy(task, at),
                None => Resource::Nothing,
            };
            traps::park_for(self.state, self.at, resource, &|| self.describe(is_lock));
        }
        polled.map(|()| (self.permits, self.count))
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
    pub(super) fn give_up(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.permits.state.with(|state, handover| state.queue.give_up(ticket, handover));
        }
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}

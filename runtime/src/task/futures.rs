//! The futures that wait for the end of a task: [`Join`], [`JoinMut`], [`TaskWait`] and [`Cancel`].

use super::Task;
use crate::error::TaskError;
use crate::kernel::task_record::{End, JoinTicket, Record, Resource};
use crate::task::info::TaskState;
use crate::traps;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`join`](Task::join), of a [`Task`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct Join<T> {
    pub(super) task: Task<T>,
    pub(super) end: UntilEnd,
}

impl<T> Future for Join<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(this.end.poll(this.task.record(), cx));
        Poll::Ready(this.task.take_outcome())
    }
}

impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        self.end.give_up(self.task.record());
    }
}

/// The future of awaiting a `&mut` [`Task`], which keeps the handle.
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct JoinMut<'a, T> {
    pub(super) task: &'a mut Task<T>,
    pub(super) end: UntilEnd,
}

impl<T> Future for JoinMut<'_, T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        ready!(this.end.poll(this.task.record(), cx));
        Poll::Ready(this.task.take_outcome())
    }
}

impl<T> Drop for JoinMut<'_, T> {
    fn drop(&mut self) {
        self.end.give_up(self.task.record());
    }
}

/// The future of [`wait`](Task::wait), of a [`Task`].
#[must_use = "futures do nothing unless awaited"]
pub struct TaskWait<'a> {
    pub(super) record: &'a Record,
    pub(super) end: UntilEnd,
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

/// The future of [`cancel`](Task::cancel), of a [`Task`].
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
    ticket: Option<JoinTicket>,
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
        self.ticket = Some(record.wait_for_end(self.ticket, cx.waker()));
        traps::park(TaskState::TaskJoin, self.at, Resource::Task(record.id));
        Poll::Pending
    }

    pub(crate) fn give_up(&mut self, record: &Record) {
        let waker = self.ticket.take().and_then(|ticket| record.give_up_waiting(ticket));
        drop(waker);
    }
}

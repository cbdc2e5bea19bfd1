//! A condition variable: to wait, without holding a lock, until what the lock guards has changed.
//!
//! A notification is a permit that is handed over. One that was given to a wait which is then dropped goes to the next
//! waiter, and so does one that a task does not claim. Claiming is not enough: a wait that was notified still has to
//! acquire the lock again, and may be cancelled while it queues for it. So it holds the notification until it has the
//! lock, and passes it on if it never gets that far.

use super::blocking;
use super::lock::{LockAcquire, LockGuard};
use super::permit_queue::{PermitQueue, PermitQueues, Revocable};
use super::wait_queue::Ticket;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits for something to become true of the value in a [`Lock`](crate::Lock).
///
/// A wait releases the lock and acquires it again when it is notified. In between others may have had the lock, so
/// check the value again, or let [`wait_for`](Self::wait_for) do that. A notification that comes when no task waits is
/// not kept. One condition may be used with several locks.
///
/// ```
/// static JOBS: curio::Lock<Vec<&str>> = curio::Lock::new(Vec::new());
/// static ARRIVED: curio::Condition = curio::Condition::new();
///
/// curio::run(async {
///     let worker = curio::spawn(async {
///         let jobs = JOBS.acquire().await;
///         let mut jobs = ARRIVED.wait_for(jobs, |jobs| !jobs.is_empty()).await;
///         jobs.remove(0)
///     });
///     curio::schedule().await;
///     JOBS.acquire().await.push("sweep");
///     ARRIVED.notify(1);
///     assert_eq!(worker.join().await.unwrap(), "sweep");
/// });
/// ```
#[doc(alias("Condvar"))]
pub struct Condition {
    state: Revocable<ConditionState>,
}

struct ConditionState {
    /// Of notifications.
    queue: PermitQueue,
}

impl PermitQueues for ConditionState {
    fn new(_permits: usize) -> ConditionState {
        ConditionState { queue: PermitQueue::for_notifications() }
    }

    fn for_each_queue(&mut self, mut visit: impl FnMut(&mut PermitQueue)) {
        visit(&mut self.queue);
    }
}

impl Condition {
    /// A condition without waiters.
    pub const fn new() -> Condition {
        Condition { state: Revocable::new(0) }
    }

    /// Releases the lock, waits to be notified, and acquires the lock again.
    ///
    /// Waiting begins when this is first polled; a notification sent after the lock was released is not missed.
    /// If it is dropped, the lock stays released; a notification that it had received goes to the next waiter.
    #[track_caller]
    pub fn wait<'g, T>(&self, guard: LockGuard<'g, T>) -> impl Future<Output = LockGuard<'g, T>> {
        self.wait_at(guard, Location::caller())
    }

    /// Waits until `is_true` returns true for the value: it is called at once, and after every notification, with the
    /// lock held. If this is dropped, so is the guard.
    #[track_caller]
    pub fn wait_for<'g, T>(
        &self,
        guard: LockGuard<'g, T>,
        is_true: impl FnMut(&mut T) -> bool,
    ) -> impl Future<Output = LockGuard<'g, T>> {
        let at = Location::caller();
        async move {
            let (mut guard, mut is_true) = (guard, is_true);
            while !is_true(&mut guard) {
                guard = self.wait_at(guard, at).await;
            }
            guard
        }
    }

    /// [`wait`](Self::wait) for a thread. [`wait_for_blocking`](Self::wait_for_blocking) also checks the value.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn wait_blocking<'g, T>(&self, guard: LockGuard<'g, T>) -> LockGuard<'g, T> {
        blocking::wait(self.wait(guard))
    }

    /// [`wait_for`](Self::wait_for) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    ///
    /// ```
    /// use curio::{Condition, Lock};
    ///
    /// static OPEN: Lock<bool> = Lock::new(false);
    /// static CHANGED: Condition = Condition::new();
    ///
    /// let thread = std::thread::spawn(|| {
    ///     let open = OPEN.acquire_blocking();
    ///     *CHANGED.wait_for_blocking(open, |open| *open)
    /// });
    /// curio::run(async {
    ///     *OPEN.acquire().await = true;
    ///     CHANGED.notify_all();
    /// });
    /// assert!(thread.join().unwrap());
    /// ```
    #[track_caller]
    pub fn wait_for_blocking<'g, T>(
        &self,
        guard: LockGuard<'g, T>,
        is_true: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'g, T> {
        blocking::wait(self.wait_for(guard, is_true))
    }

    /// Notifies up to `n` waiters, in the order in which they came. The lock need not be held.
    pub fn notify(&self, n: usize) {
        self.state.with(|state, handover| state.queue.notify(n, handover));
    }

    /// Notifies every waiter: tasks, and threads as in [`wait_for_blocking`](Self::wait_for_blocking).
    pub fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    async fn wait_at<'g, T>(
        &self,
        guard: LockGuard<'g, T>,
        at: &'static Location<'static>,
    ) -> LockGuard<'g, T> {
        let lock = guard.lock();
        let notification = Notified { condition: self, guard: Some(guard), ticket: None, at }.await;
        let guard = LockAcquire::new(lock, at).await;
        notification.use_up();
        guard
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited_for = self.state.peek(|state| !state.queue.is_empty());
        f.debug_struct("Condition").field("waited_for", &waited_for).finish()
    }
}

impl Default for Condition {
    fn default() -> Condition {
        Condition::new()
    }
}

/// Waits for a notification. It holds the guard until it is in the queue.
struct Notified<'c, 'g, T> {
    condition: &'c Condition,
    guard: Option<LockGuard<'g, T>>,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

/// The guard is kept, not pinned.
impl<T> Unpin for Notified<'_, '_, T> {}

impl<'c, T> Future for Notified<'c, '_, T> {
    type Output = Notification<'c>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Notification<'c>> {
        let Notified { condition, guard, ticket, at } = self.get_mut();
        let polled = condition.state.with(|state, handover| state.queue.poll_take(ticket, 1, cx, handover));
        drop(guard.take());
        if polled.is_pending() {
            traps::park_for(TaskState::CondWait, at, Resource::Nothing, &|| {
                condition.state.peek(|state| state.queue.describe_line())
            });
        }
        polled.map(|()| Notification(condition))
    }
}

impl<T> Drop for Notified<'_, '_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.condition.state.with(|state, handover| state.queue.give_up(ticket, handover));
        }
    }
}

/// A notification held by a wait that has not acquired its lock again yet.
struct Notification<'c>(&'c Condition);

impl Notification<'_> {
    fn use_up(self) {
        mem::forget(self);
    }
}

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        self.0.notify(1);
    }
}

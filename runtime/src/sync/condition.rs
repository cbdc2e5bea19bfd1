//! A condition: to wait, without holding a lock, until what the lock guards has changed.
//!
//! A notification is a thing that is handed over. One that was given to a wait which is then dropped goes to the
//! next in line, and so does one given to a wait whose task does not look at it. "Looked at" is not enough: a
//! wait that was notified still has to get the lock back, and may be cancelled while it queues for it. So it
//! keeps the notification in hand until it has the lock, and passes it on if it never gets that far.

use super::blocking;
use super::lock::{LockAcquire, LockGuard};
use super::permit_queue::hand_over;
use super::shared::{Revocable, Shared};
use super::wait_queue::{Ticket, WaitQueue, WaitState, Wakes};
use crate::kernel::grants::{GrantId, Revoke};
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// Waits for something to become true of the value in a [`Lock`](crate::Lock).
///
/// Whoever waits gives the lock back meanwhile and has it again afterwards. Between the notification and that
/// moment others may have had the lock, so look again, or let [`wait_for`](Self::wait_for) do it. A notification
/// that comes when nobody waits is not kept. One condition may be used with several locks.
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
#[derive(Default)]
pub struct Condition {
    /// Made on first use, so that `new` can be `const`.
    shared: OnceLock<Arc<Shared<State>>>,
}

#[derive(Default)]
struct State {
    waiting: WaitQueue<()>,
}

impl Condition {
    /// A condition that nobody waits for.
    pub const fn new() -> Condition {
        Condition { shared: OnceLock::new() }
    }

    /// Gives the lock back, waits to be notified, and waits for the lock again.
    ///
    /// Waiting begins when this is first polled; a notification sent after the lock was given back is not missed.
    /// If it is dropped, the lock stays with the others; a notification that it had received goes to the next.
    #[track_caller]
    pub fn wait<'g, T>(&self, guard: LockGuard<'g, T>) -> impl Future<Output = LockGuard<'g, T>> {
        self.wait_at(guard, Location::caller())
    }

    /// Waits until `is_true` says so of the value: looks at once, and after every notification. It is called with
    /// the lock held. If this is dropped, so is the guard.
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

    /// [`wait`](Self::wait) for a thread.
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
    #[track_caller]
    pub fn wait_for_blocking<'g, T>(
        &self,
        guard: LockGuard<'g, T>,
        is_true: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'g, T> {
        blocking::wait(self.wait_for(guard, is_true))
    }

    /// Wakes up to `n` of those who wait, those who came first first. The lock need not be held.
    pub fn notify(&self, n: usize) {
        let mut wakes = Wakes::default();
        let shared = self.shared();
        shared.lock().notify(n, &mut wakes, || shared.watch());
        wakes.wake();
    }

    /// Wakes everybody who waits.
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

    fn shared(&self) -> &Arc<Shared<State>> {
        self.shared.get_or_init(|| Shared::new(State::default()))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited_for = !self.shared().lock().waiting.is_empty();
        f.debug_struct("Condition").field("waited_for", &waited_for).finish()
    }
}

impl State {
    fn notify(&mut self, n: usize, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        for _ in 0..n {
            if !hand_over(&mut self.waiting, 0, wakes, &watch) {
                break;
            }
        }
    }
}

impl Revocable for State {
    fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>) {
        // With nobody else to have it, the notification stays where it is: it must not get lost.
        if !self.waiting.is_empty() && self.waiting.revoke(grant.index, grant.sequence).is_some() {
            self.notify(1, wakes, watch);
        }
    }
}

/// Waits for a notification. Holds the guard until it is in line.
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
        let this = self.get_mut();
        let mut state = this.condition.shared().lock();
        let mut left = None;
        let mut replaced = None;
        match this.ticket.map(|ticket| (ticket, state.waiting.state(ticket))) {
            Some((ticket, WaitState::Waiting)) => {
                replaced = state.waiting.renew(ticket, cx.waker(), traps::grantee());
            }
            Some((ticket, WaitState::Granted)) => {
                let left = state.waiting.leave(ticket);
                this.ticket = None;
                traps::claimed(left.watched);
                return Poll::Ready(Notification(this.condition));
            }
            Some((ticket, WaitState::Dismissed)) => {
                left = Some(state.waiting.leave(ticket));
                this.ticket = Some(state.waiting.enter((), cx.waker(), traps::grantee()));
            }
            None => this.ticket = Some(state.waiting.enter((), cx.waker(), traps::grantee())),
        }
        drop(state);
        drop((left, replaced, this.guard.take()));
        traps::park(TaskState::CondWait, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl<T> Drop for Notified<'_, '_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let left = self.condition.shared().lock().waiting.leave(ticket);
            let pass_on = left.state == WaitState::Granted;
            traps::claimed(left.watched);
            drop(left.waker);
            if pass_on {
                self.condition.notify(1);
            }
        }
    }
}

/// A notification in the hand of a wait that does not have its lock back yet.
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

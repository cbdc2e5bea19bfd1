//! A reentrant lock: the task that holds it may acquire it again.

use super::blocking;
use super::permits::{Acquire, Permits};
use crate::kernel::task_record::TaskRef;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

/// A reentrant lock: held by one task at a time, which may acquire it as often as it likes. It guards a part of the
/// program, not a value: two guards in one task could not both lend a value out mutably.
///
/// It belongs to the *task* (or, outside of a kernel, the thread) that acquired it, not to one future: two
/// branches of a `join!` are one task and do not exclude each other. It is free for others when the last guard
/// is dropped, wherever that happens. First come, first served.
///
/// ```
/// static FILE: curio::RLock = curio::RLock::new();
///
/// async fn write_line() {
///     let _held = FILE.acquire().await;
/// }
///
/// curio::run(async {
///     let _held = FILE.acquire().await;
///     write_line().await; // acquires it again
///     assert!(FILE.locked());
/// });
/// assert!(!FILE.locked());
/// ```
///
/// Without waiting, and in threads that run no kernel:
///
/// ```
/// let lock = curio::RLock::new();
/// let held = lock.acquire_blocking();
/// assert!(lock.try_acquire().is_some(), "this thread has it already");
/// std::thread::scope(|threads| {
///     threads.spawn(|| assert!(lock.try_acquire().is_none()));
/// });
/// ```
#[derive(Default)]
pub struct RLock {
    turn: Permits,
    /// Changed only by the task or thread that has the turn.
    hold: Mutex<Option<Hold>>,
}

struct Hold {
    owner: Owner,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Task(TaskRef),
    Thread(ThreadId),
}

impl RLock {
    /// A lock that is not held.
    pub const fn new() -> RLock {
        RLock { turn: Permits::new(1), hold: Mutex::new(None) }
    }

    /// Waits for the lock; does not wait if this task holds it already. Cancel-safe: a dropped wait takes nothing, and
    /// a turn that it had been granted goes to the next.
    #[track_caller]
    pub fn acquire(&self) -> RLockAcquire<'_> {
        let turn = Acquire::new(&self.turn, 1, TaskState::RlockAcquire, Location::caller());
        RLockAcquire { lock: self, turn }
    }

    /// The lock, if this task holds it already, or if it is free and no waiter is queued.
    #[track_caller]
    pub fn try_acquire(&self) -> Option<RLockGuard<'_>> {
        let me = Owner::current();
        let guard = self.again(me);
        if guard.is_some() {
            return guard;
        }
        self.turn.try_take(1, Location::caller()).then(|| self.first(me))
    }

    /// [`acquire`](Self::acquire) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn acquire_blocking(&self) -> RLockGuard<'_> {
        blocking::wait(self.acquire())
    }

    /// Whether it is held.
    pub fn locked(&self) -> bool {
        self.turn.free() == 0
    }

    /// One more guard, if the caller holds the lock.
    fn again(&self, me: Owner) -> Option<RLockGuard<'_>> {
        let mut hold = self.hold();
        let held = hold.as_mut().filter(|held| held.owner == me)?;
        held.depth += 1;
        Some(RLockGuard { lock: self })
    }

    /// The first guard of the task or thread that has just been given the turn.
    fn first(&self, me: Owner) -> RLockGuard<'_> {
        *self.hold() = Some(Hold { owner: me, depth: 1 });
        RLockGuard { lock: self }
    }

    fn hold(&self) -> MutexGuard<'_, Option<Hold>> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner {
    fn current() -> Owner {
        match traps::current_ref() {
            Some(task) => Owner::Task(task),
            None => Owner::Thread(thread::current().id()),
        }
    }
}

impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = self.hold().as_ref().map_or(0, |hold| hold.depth);
        f.debug_struct("RLock").field("depth", &depth).finish()
    }
}

/// One hold of an [`RLock`]. The lock is handed over when the last one is dropped.
#[must_use = "a guard that is not kept unlocks at once"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        let mut hold = self.lock.hold();
        if let Some(held) = hold.as_mut() {
            held.depth -= 1;
        }
        if hold.take_if(|held| held.depth == 0).is_some() {
            drop(hold);
            self.lock.turn.release(1, 1);
        }
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RLockGuard")
    }
}

/// The future of [`acquire`](RLock::acquire), of an [`RLock`].
#[must_use = "futures do nothing unless awaited"]
pub struct RLockAcquire<'a> {
    lock: &'a RLock,
    turn: Acquire<'a>,
}

impl<'a> Future for RLockAcquire<'a> {
    type Output = RLockGuard<'a>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RLockGuard<'a>> {
        let this = self.get_mut();
        let me = Owner::current();
        // Looked at in every poll: another branch of this task may have been given the turn meanwhile.
        if let Some(guard) = this.lock.again(me) {
            this.turn.give_up();
            return Poll::Ready(guard);
        }
        this.turn.poll(cx).map(|_| this.lock.first(me))
    }
}

//! A lock around a value, held across awaits.

use super::blocking;
use super::permits::{Acquire, Permits};
use crate::task::info::TaskState;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll};

/// One task at a time. `Lock<T>` guards a value; `Lock` alone (`Lock::new(())`) guards a part of the program.
///
/// First come, first served: a released lock goes straight to the task or thread that has waited longest. A panic while
/// it is held releases it and does not poison it.
///
/// ```
/// use std::time::Duration;
///
/// static BALANCE: curio::Lock<u32> = curio::Lock::new(100);
///
/// async fn withdraw(amount: u32) -> bool {
///     let mut balance = BALANCE.acquire().await;
///     if *balance < amount {
///         return false;
///     }
///     curio::sleep(Duration::from_secs(1)).await; // still ours
///     *balance -= amount;
///     true
/// }
///
/// curio::testing::run(async {
///     let (first, second) = (curio::spawn(withdraw(70)), curio::spawn(withdraw(70)));
///     assert!(first.join().await.unwrap());
///     assert!(!second.join().await.unwrap(), "it saw what the first had left");
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #2 withdraw  RUN        cycle 1
/// [t=0.000s] #2 withdraw  SUSPEND    TIME_SLEEP
/// [t=0.000s] #3 withdraw  RUN        cycle 1
/// [t=0.000s] #3 withdraw  SUSPEND    LOCK_ACQUIRE
/// [t=0.000s] IDLE
/// [t=1.000s] #2 withdraw  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #2 withdraw  RUN        cycle 2
/// [t=1.000s] #3 withdraw  WAKE       by #2
/// [t=1.000s] #2 withdraw  END        TERMINATED
/// [t=1.000s] #1 main  WAKE       by #2
/// [t=1.000s] #3 withdraw  RUN        cycle 2
/// [t=1.000s] #3 withdraw  END        TERMINATED
/// …
/// ```
///
/// How it works inside: the tour, `docs/tour/07-who-is-next-in-line.md` in the repository.
///
/// Without waiting, and in threads that run no kernel:
///
/// ```
/// let lock = curio::Lock::new(vec![1]);
/// lock.acquire_blocking().push(2);
/// let guard = lock.try_acquire().expect("it is free");
/// assert!(lock.try_acquire().is_none());
/// drop(guard);
/// assert_eq!(lock.into_inner(), [1, 2]);
/// ```
#[doc(alias("Mutex"))]
#[derive(Default)]
pub struct Lock<T = ()> {
    turn: Permits,
    /// Only ever locked by the task or thread whose turn it is: this mutex is never waited for.
    value: Mutex<T>,
}

impl<T> Lock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Lock<T> {
        Lock { turn: Permits::new(1), value: Mutex::new(value) }
    }

    /// Waits for the lock. Cancel-safe: a dropped wait takes nothing, and a turn that it had been granted goes to the
    /// next.
    #[track_caller]
    pub fn acquire(&self) -> LockAcquire<'_, T> {
        LockAcquire::new(self, Location::caller())
    }

    /// The lock, if it is free and no waiter is queued.
    #[track_caller]
    pub fn try_acquire(&self) -> Option<LockGuard<'_, T>> {
        self.turn.try_take(1, Location::caller()).then(|| self.guard())
    }

    /// [`acquire`](Self::acquire) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn acquire_blocking(&self) -> LockGuard<'_, T> {
        blocking::wait(self.acquire())
    }

    /// Whether it is held.
    pub fn locked(&self) -> bool {
        self.turn.free() == 0
    }

    /// The value, when the lock is not needed any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn guard(&self) -> LockGuard<'_, T> {
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        LockGuard { lock: self, value: Some(value) }
    }
}

impl Default for Permits {
    fn default() -> Permits {
        Permits::new(1)
    }
}

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.try_lock() {
            Ok(value) => f.debug_tuple("Lock").field(&*value).finish(),
            Err(TryLockError::Poisoned(value)) => f.debug_tuple("Lock").field(&*value.into_inner()).finish(),
            Err(TryLockError::WouldBlock) => f.write_str("Lock(<locked>)"),
        }
    }
}

/// The right to use the value of a [`Lock`]. Dropping it hands the lock over.
#[must_use = "a guard that is not kept unlocks at once"]
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
    /// Unlocked before the turn is given back: the next holder must find it free.
    value: Option<MutexGuard<'a, T>>,
}

impl<'a, T> LockGuard<'a, T> {
    pub(super) fn lock(&self) -> &'a Lock<T> {
        self.lock
    }
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("taken only when dropped")
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("taken only when dropped")
    }
}

impl<T> Drop for LockGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.lock.turn.release(1, 1);
    }
}

impl<T: fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The future of [`acquire`](Lock::acquire), of a [`Lock`].
#[must_use = "futures do nothing unless awaited"]
pub struct LockAcquire<'a, T> {
    lock: &'a Lock<T>,
    turn: Acquire<'a>,
}

impl<'a, T> LockAcquire<'a, T> {
    pub(super) fn new(lock: &'a Lock<T>, at: &'static Location<'static>) -> LockAcquire<'a, T> {
        LockAcquire { lock, turn: Acquire::new(&lock.turn, 1, TaskState::LockAcquire, at) }
    }
}

impl<'a, T> Future for LockAcquire<'a, T> {
    type Output = LockGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockGuard<'a, T>> {
        let this = self.get_mut();
        this.turn.poll(cx).map(|_| this.lock.guard())
    }
}

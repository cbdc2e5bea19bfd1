//! A lock for many readers or one writer.
//!
//! It is implemented as a semaphore with [`READERS`] permits: a reader takes one, a writer takes all of them. The permit
//! queue does the rest: a writer at its head is not overtaken, so readers that keep coming cannot starve it, and it cannot
//! starve the readers behind it.

use super::blocking;
use super::permits::{Acquire, Permits};
use crate::task::info::TaskState;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{self, PoisonError};
use std::task::{Context, Poll};

/// How many may read at once: half of what `std`'s lock, which holds the value, can count to.
const READERS: usize = 1 << 29;

/// A value that many may read or one may change. First come, first served: those that come after a waiting writer wait
/// behind it, readers too. So a task that already reads must not ask for another read: with a writer
/// between the two it would wait for itself. A panic while it is held releases it and does not poison it.
///
/// ```
/// static SETTINGS: curio::RwLock<Vec<&str>> = curio::RwLock::new(Vec::new());
///
/// curio::run(async {
///     SETTINGS.write().await.push("verbose");
///     let (one, two) = curio::join!(SETTINGS.read(), SETTINGS.read());
///     assert_eq!(*one, *two);
/// });
/// ```
///
/// Without waiting, and in threads that run no kernel:
///
/// ```
/// let lock = curio::RwLock::new(1);
/// *lock.write_blocking() += 1;
/// let reader = lock.read_blocking();
/// assert_eq!(*lock.try_read().expect("many may read"), 2);
/// assert!(lock.try_write().is_none(), "it is being read");
/// drop(reader);
/// assert_eq!(lock.into_inner(), 2);
/// ```
pub struct RwLock<T> {
    turn: Permits,
    /// Only ever locked by those whose turn it is: this lock is never waited for.
    value: sync::RwLock<T>,
}

impl<T> RwLock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> RwLock<T> {
        RwLock { turn: Permits::new(READERS), value: sync::RwLock::new(value) }
    }

    /// Waits until it may be read. Cancel-safe: a dropped wait takes nothing, and a turn that it had been granted goes
    /// to the next.
    #[track_caller]
    pub fn read(&self) -> RwLockRead<'_, T> {
        RwLockRead { lock: self, turn: self.turn(1, Location::caller()) }
    }

    /// Waits until it may be changed. Cancel-safe, as [`read`](Self::read).
    #[track_caller]
    pub fn write(&self) -> RwLockWrite<'_, T> {
        RwLockWrite { lock: self, turn: self.turn(READERS, Location::caller()) }
    }

    /// The value for reading, if no writer has it and no waiter is queued.
    #[track_caller]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.turn.try_take(1, Location::caller()).then(|| self.read_guard())
    }

    /// The value for changing, if it is not in use and no waiter is queued.
    #[track_caller]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.turn.try_take(READERS, Location::caller()).then(|| self.write_guard())
    }

    /// [`read`](Self::read) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn read_blocking(&self) -> RwLockReadGuard<'_, T> {
        blocking::wait(self.read())
    }

    /// [`write`](Self::write) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn write_blocking(&self) -> RwLockWriteGuard<'_, T> {
        blocking::wait(self.write())
    }

    /// The value, when the lock is not needed any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, count: usize, at: &'static Location<'static>) -> Acquire<'_> {
        Acquire::new(&self.turn, count, TaskState::LockAcquire, at)
    }

    fn read_guard(&self) -> RwLockReadGuard<'_, T> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        RwLockReadGuard { turn: &self.turn, value: Some(value) }
    }

    fn write_guard(&self) -> RwLockWriteGuard<'_, T> {
        let value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        RwLockWriteGuard { turn: &self.turn, value: Some(value) }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.try_read() {
            Ok(value) => f.debug_tuple("RwLock").field(&*value).finish(),
            Err(_) => f.write_str("RwLock(<locked>)"),
        }
    }
}

/// The right to read the value of a [`RwLock`].
#[must_use = "a guard that is not kept unlocks at once"]
pub struct RwLockReadGuard<'a, T> {
    turn: &'a Permits,
    /// Unlocked before the turn is given back: the next holder must find it free.
    value: Option<sync::RwLockReadGuard<'a, T>>,
}

/// The right to change the value of a [`RwLock`].
#[must_use = "a guard that is not kept unlocks at once"]
pub struct RwLockWriteGuard<'a, T> {
    turn: &'a Permits,
    value: Option<sync::RwLockWriteGuard<'a, T>>,
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("taken only when dropped")
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("taken only when dropped")
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("taken only when dropped")
    }
}

impl<T> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.turn.release(1, READERS);
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.turn.release(READERS, READERS);
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The future of [`read`](RwLock::read), of an [`RwLock`].
#[must_use = "futures do nothing unless awaited"]
pub struct RwLockRead<'a, T> {
    lock: &'a RwLock<T>,
    turn: Acquire<'a>,
}

/// The future of [`write`](RwLock::write), of an [`RwLock`].
#[must_use = "futures do nothing unless awaited"]
pub struct RwLockWrite<'a, T> {
    lock: &'a RwLock<T>,
    turn: Acquire<'a>,
}

impl<'a, T> Future for RwLockRead<'a, T> {
    type Output = RwLockReadGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RwLockReadGuard<'a, T>> {
        let this = self.get_mut();
        this.turn.poll(cx).map(|_| this.lock.read_guard())
    }
}

impl<'a, T> Future for RwLockWrite<'a, T> {
    type Output = RwLockWriteGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RwLockWriteGuard<'a, T>> {
        let this = self.get_mut();
        this.turn.poll(cx).map(|_| this.lock.write_guard())
    }
}

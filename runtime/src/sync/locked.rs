//! State behind a mutex, and the wakers that a change of it leaves to be called.
//!
//! A waker is foreign code: calling it, and dropping it too, may run anything, even an operation on the very
//! primitive that is being changed. So while the mutex is locked wakers are only collected, in a [`Wakers`], and they
//! are called or dropped once it is released.

use crate::kernel::waker::wake_each;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

pub(super) struct Locked<S>(Mutex<S>);

impl<S> Locked<S> {
    pub(super) const fn new(state: S) -> Locked<S> {
        Locked(Mutex::new(state))
    }

    /// For reading, and for changes that wake nothing.
    pub(super) fn lock(&self) -> MutexGuard<'_, S> {
        // No change panics halfway, so a poisoned state is still a sound one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, then calls the wakers that the change has collected.
    #[inline]
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut S, &mut Wakers) -> R) -> R {
        let mut wakers = Wakers::default();
        let result = change(&mut self.lock(), &mut wakers);
        wakers.wake();
        result
    }
}

/// Wakers to be called once nothing is locked: at the latest when this is dropped, so that a panic in between loses no
/// wake-up. Most often there is just one, which needs no memory.
#[derive(Default)]
pub(super) struct Wakers {
    first: Option<Waker>,
    others: Vec<Waker>,
    discarded: Option<Waker>,
}

impl Wakers {
    /// Adds one to be called.
    #[inline]
    pub(super) fn add(&mut self, waker: Option<Waker>) {
        match &self.first {
            None => self.first = waker,
            Some(_) => self.others.extend(waker),
        }
    }

    /// Adds one to be dropped. One change replaces or removes one waker at most.
    #[inline]
    pub(super) fn discard(&mut self, waker: Option<Waker>) {
        debug_assert!(
            self.discarded.is_none() || waker.is_none(),
            "a second one would be dropped under the mutex"
        );
        if waker.is_some() {
            self.discarded = waker;
        }
    }

    /// Calls them, after the mutex has been released.
    #[inline]
    pub(super) fn wake(mut self) {
        drop(self.discarded.take());
        if let Some(first) = self.first.take() {
            self.wake_from(first);
        }
        // Without the first one there are no others. To drop it would be to look again, in every operation.
        mem::forget(self);
    }

    fn wake_from(&mut self, first: Waker) {
        if self.others.is_empty() {
            first.wake();
            return;
        }
        let others = mem::take(&mut self.others);
        wake_each([first].into_iter().chain(others));
    }
}

impl Drop for Wakers {
    #[inline]
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            self.wake_from(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::waker::logging;
    use std::sync::Arc;
    use std::task::Wake;

    #[test]
    fn wakers_are_called_in_order_at_the_latest_when_they_are_dropped() {
        let log = Arc::default();
        let mut wakers = Wakers::default();
        for number in 0..4 {
            wakers.add(Some(logging(number, &log)));
            wakers.add(None);
        }
        assert!(log.lock().unwrap().is_empty());
        drop(wakers);
        assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn wakers_are_called_when_the_state_is_unlocked_again_even_after_a_panic() {
        struct Probe(Arc<Locked<u32>>);
        impl Wake for Probe {
            fn wake(self: Arc<Self>) {
                *self.0.0.try_lock().unwrap_or_else(|error| match error {
                    std::sync::TryLockError::Poisoned(guard) => guard.into_inner(),
                    std::sync::TryLockError::WouldBlock => panic!("it is still locked"),
                }) += 1;
            }
        }
        let state = Arc::new(Locked::new(0));
        let waker = || Some(Waker::from(Arc::new(Probe(Arc::clone(&state)))));
        state.with(|_, wakers| wakers.add(waker()));
        let change = std::panic::AssertUnwindSafe(|| {
            state.with(|_, wakers| {
                wakers.add(waker());
                panic!("a comparison of the user's panics");
            })
        });
        assert!(std::panic::catch_unwind(change).is_err());
        assert_eq!(*state.lock(), 2);
    }
}

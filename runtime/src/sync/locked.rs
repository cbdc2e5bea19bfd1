//! State behind a mutex, and the wakers that a change of it leaves to be called.
//!
//! A waker is foreign code: calling it, and dropping it too, may run anything, even an operation on the very
//! primitive that is being changed. So while the mutex is locked wakers are only collected, in a [`Wakers`], and they
//! are called or dropped once it is released.

use crate::kernel::waker::wake_each;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// `C` is where a change collects: [`Wakers`], or something that has them and what else a change needs.
pub(super) struct Locked<S, C = Wakers>(Mutex<Inside<S, C>>);

/// The collected wakers are kept beside the state, so that a change that wakes nothing has nothing to set up.
struct Inside<S, C> {
    state: S,
    collected: C,
}

impl<S> Locked<S> {
    pub(super) const fn new(state: S) -> Locked<S> {
        Locked::collecting(state, Wakers::new())
    }
}

impl<S, C> Locked<S, C> {
    pub(super) const fn collecting(state: S, collected: C) -> Locked<S, C> {
        Locked(Mutex::new(Inside { state, collected }))
    }

    /// Reads the state, or changes it in a way that wakes nothing.
    pub(super) fn peek<R>(&self, look: impl FnOnce(&mut S) -> R) -> R {
        look(&mut self.lock().state)
    }

    fn lock(&self) -> MutexGuard<'_, Inside<S, C>> {
        // No change panics halfway, so a poisoned state is still a sound one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C: AsMut<Wakers>> Locked<S, C> {
    /// Changes the state, then calls the wakers that the change has collected: also after a panic.
    #[inline]
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut S, &mut C) -> R) -> R {
        let after_panic = WakeAfterPanic(self);
        let mut inside = self.lock();
        let Inside { state, collected } = &mut *inside;
        let result = change(state, collected);
        mem::forget(after_panic);
        let wakers = collected.as_mut();
        match wakers.first.take() {
            None => {}
            Some(only) if wakers.are_no_more() => {
                drop(inside);
                only.wake();
            }
            Some(first) => unlock_and_wake(inside, first),
        }
        result
    }
}

/// Unlocks the mutex, and then calls the wakers, of which the first has been taken out.
#[cold]
fn unlock_and_wake<S, C: AsMut<Wakers>>(mut inside: MutexGuard<'_, Inside<S, C>>, first: Waker) {
    let rest = mem::take(inside.collected.as_mut());
    drop(inside);
    Wakers { first: Some(first), ..rest }.wake();
}

/// Is dropped if a change panics, after the mutex has been released. The wakers that were collected until then are called all
/// the same.
struct WakeAfterPanic<'a, S, C: AsMut<Wakers>>(&'a Locked<S, C>);

impl<S, C: AsMut<Wakers>> Drop for WakeAfterPanic<'_, S, C> {
    #[cold]
    fn drop(&mut self) {
        let mut inside = self.0.lock();
        if let Some(first) = inside.collected.as_mut().first.take() {
            unlock_and_wake(inside, first);
        }
    }
}

/// Wakers to be called once nothing is locked. Most often there is just one, which needs no memory.
#[derive(Default)]
pub(super) struct Wakers {
    first: Option<Waker>,
    /// The first is only to be dropped.
    discards_first: bool,
    others: Vec<Waker>,
}

impl Wakers {
    const fn new() -> Wakers {
        Wakers { first: None, discards_first: false, others: Vec::new() }
    }

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
        if waker.is_some() {
            debug_assert!(!self.discards_first, "a second one would be called");
            let first = mem::replace(&mut self.first, waker);
            self.others.splice(..0, first);
            self.discards_first = true;
        }
    }

    /// Whether the first one is to be called, and is all.
    #[inline]
    fn are_no_more(&self) -> bool {
        self.others.is_empty() && !self.discards_first
    }

    /// Calls them, after the mutex has been released.
    pub(super) fn wake(self) {
        let (discarded, first) = if self.discards_first { (self.first, None) } else { (None, self.first) };
        wake_each(first.into_iter().chain(self.others));
        drop(discarded);
    }
}

impl AsMut<Wakers> for Wakers {
    fn as_mut(&mut self) -> &mut Wakers {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::waker::logging;
    use std::sync::Arc;
    use std::task::Wake;

    #[test]
    fn wakers_are_called_in_order_when_the_state_is_unlocked() {
        let log = Arc::default();
        Locked::new(()).with(|(), wakers| {
            for number in 0..4 {
                wakers.add(Some(logging(number, &log)));
                wakers.add(None);
            }
            assert!(log.lock().unwrap().is_empty());
        });
        assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn wakers_are_called_when_the_state_is_unlocked_again_even_after_a_panic() {
        struct Probe(Arc<Locked<u32>>);
        impl Wake for Probe {
            fn wake(self: Arc<Self>) {
                let mut inside = self.0.0.try_lock().unwrap_or_else(|error| match error {
                    std::sync::TryLockError::Poisoned(guard) => guard.into_inner(),
                    std::sync::TryLockError::WouldBlock => panic!("it is still locked"),
                });
                inside.state += 1;
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
        assert_eq!(state.peek(|calls| *calls), 2);
    }
}

//! One waker for all tasks that wait for a connection.
//!
//! A socket has room for one waker in each direction, and h2 has room for one in its connection, but any number of tasks may
//! wait for the streams of a connection. So the connection is always polled with a [`FanOut`], which wakes all of them.
//!
//! # Why no wake is lost
//! A wake sets a mark and takes all wakers out, in one step. A task first leaves its waker, and then looks at the mark: if
//! it is set, the task polls the connection itself. So each wake either finds the waker, or is found by the task. While a
//! task works on the connection, wakes only set the mark (`held`), because that task looks at it before it returns; if the
//! mark is still set then, all are woken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

pub(super) struct FanOut(Mutex<State>);

#[derive(Default)]
struct State {
    /// The connection has to be polled.
    woken: bool,
    /// How many calls up the stack are going to look at the mark.
    held: usize,
    /// The tasks that wait, by stream.
    waiting: Vec<(u64, Waker)>,
}

/// While it lives, wakes only set the mark. If it is set in the end, all are woken.
pub(super) struct Held<'a>(&'a FanOut);

/// Woken, because a new connection has to be polled before it can wake anything.
impl Default for FanOut {
    fn default() -> FanOut {
        FanOut(Mutex::new(State { woken: true, ..State::default() }))
    }
}

impl FanOut {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the waker of the task that waits for stream `key`. O(n) in the number of waiting tasks.
    pub(super) fn register(&self, key: u64, waker: &Waker) {
        let mut state = self.state();
        let replaced = match state.waiting.iter_mut().find(|(other, _)| *other == key) {
            Some((_, known)) if known.will_wake(waker) => None,
            Some((_, known)) => Some(std::mem::replace(known, waker.clone())),
            None => {
                state.waiting.push((key, waker.clone()));
                None
            }
        };
        drop(state);
        drop(replaced);
    }

    /// The task no longer waits for stream `key`.
    pub(super) fn forget(&self, key: u64) {
        let mut state = self.state();
        let place = state.waiting.iter().position(|(other, _)| *other == key);
        let waker = place.map(|place| state.waiting.swap_remove(place));
        drop(state);
        drop(waker);
    }

    /// The waker of the task that waits for stream `key`.
    pub(super) fn waker_of(&self, key: u64) -> Option<Waker> {
        let state = self.state();
        state.waiting.iter().find(|(other, _)| *other == key).map(|(_, waker)| waker.clone())
    }

    /// Whether the connection has to be polled.
    pub(super) fn is_woken(&self) -> bool {
        self.state().woken
    }

    /// The caller is about to poll the connection.
    pub(super) fn clear(&self) {
        self.state().woken = false;
    }

    pub(super) fn hold(&self) -> Held<'_> {
        self.state().held += 1;
        Held(self)
    }

    /// Whether no task waits.
    pub(super) fn is_empty(&self) -> bool {
        self.state().waiting.is_empty()
    }

    /// Wakes all tasks that wait, without the lock: a waker is foreign code.
    fn wake_all(mut state: MutexGuard<'_, State>) {
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// The connection has ended: wakes all, to find that out.
    pub(super) fn wake_for_the_end(&self) {
        FanOut::wake_all(self.state());
    }
}

impl Wake for FanOut {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state();
        state.woken = true;
        if state.held == 0 {
            FanOut::wake_all(state);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.held -= 1;
        if state.held == 0 && state.woken {
            FanOut::wake_all(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn waiting(fan_out: &FanOut, keys: &[u64]) -> Arc<Count> {
        let count = Arc::new(Count::default());
        keys.iter().for_each(|&key| fan_out.register(key, &Waker::from(Arc::clone(&count))));
        count
    }

    #[test]
    fn a_wake_wakes_each_waiting_task_once() {
        let fan_out = Arc::new(FanOut::default());
        let count = waiting(&fan_out, &[1, 2, 2, 3]);
        fan_out.forget(3);
        Waker::from(Arc::clone(&fan_out)).wake();
        Waker::from(Arc::clone(&fan_out)).wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 2);
        assert!(fan_out.is_woken() && fan_out.is_empty());
    }

    #[test]
    fn a_wake_while_it_is_held_wakes_at_the_end_of_the_last_hold() {
        let fan_out = Arc::new(FanOut::default());
        fan_out.clear();
        let count = waiting(&fan_out, &[1]);
        let outer = fan_out.hold();
        let inner = fan_out.hold();
        Waker::from(Arc::clone(&fan_out)).wake();
        drop(inner);
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        drop(outer);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_wake_that_is_looked_at_before_the_end_of_the_hold_wakes_no_task() {
        let fan_out = Arc::new(FanOut::default());
        let count = waiting(&fan_out, &[1]);
        let held = fan_out.hold();
        Waker::from(Arc::clone(&fan_out)).wake();
        assert!(fan_out.is_woken());
        fan_out.clear();
        drop(held);
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        assert!(!fan_out.is_empty());
    }
}

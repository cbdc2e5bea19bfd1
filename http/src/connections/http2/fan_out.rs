//! One waker for all tasks that wait for a connection.
//!
//! A socket has room for one waker in each direction, and h2 has room for one in its connection, but any number of tasks may
//! wait for the streams of a connection. So the connection is always polled with wakers of a [`FanOut`], which wakes all of
//! them. It has two, because they mean different things: the byte stream has become ready ([`Readiness`]), or a stream has
//! left something to be sent ([`FanOut`] itself).
//!
//! # Why no wake is lost
//! A wake sets a mark and takes all wakers out, in one step. A task first leaves its waker, and then looks at the marks: if
//! one is set, the task polls the connection itself. So each wake either finds the waker, or is found by the task. While a
//! task works on the connection, wakes only set the mark (`held`), because that task looks at it before it returns; if a
//! mark is still set then, all are woken. One case is left out: what is to be sent may be left to a later poll, of a task that
//! has woken itself for that ([`FanOut::leave_output`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

pub(super) struct FanOut(Mutex<State>);

#[derive(Default)]
struct State {
    /// The byte stream has become ready: the connection has to be polled.
    is_ready: bool,
    /// A stream has left something to be sent: the connection has to be polled.
    has_output: bool,
    /// A task that is going to be polled sends it.
    is_left: bool,
    /// How many calls up the stack are going to look at the marks.
    held: usize,
    /// The tasks that wait, each at the number of its stream.
    waiting: Vec<Option<Waker>>,
    /// How many there are.
    count: usize,
}

/// While it lives, wakes only set the marks. If one is set in the end, all are woken.
pub(super) struct Held<'a>(&'a FanOut);

/// What the byte stream wakes.
pub(super) struct Readiness(pub(super) Arc<FanOut>);

/// Ready, because a new connection has to be polled before it can wake anything.
impl Default for FanOut {
    fn default() -> FanOut {
        FanOut(Mutex::new(State { is_ready: true, ..State::default() }))
    }
}

impl State {
    fn is_woken(&self) -> bool {
        self.is_ready || self.has_output
    }

    /// Whether a mark is set that no task is going to look at.
    fn must_wake(&self) -> bool {
        self.held == 0 && (self.is_ready || (self.has_output && !self.is_left))
    }
}

impl FanOut {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the waker of the task that waits for stream `key`. The keys are small numbers.
    pub(super) fn register(&self, key: usize, waker: &Waker) {
        let mut state = self.state();
        let State { waiting, count, .. } = &mut *state;
        if waiting.len() <= key {
            waiting.resize_with(key + 1, || None);
        }
        let replaced = match &mut waiting[key] {
            Some(known) if known.will_wake(waker) => None,
            place => {
                let replaced = place.replace(waker.clone());
                *count += usize::from(replaced.is_none());
                replaced
            }
        };
        drop(state);
        drop(replaced);
    }

    /// The task no longer waits for stream `key`.
    pub(super) fn forget(&self, key: usize) {
        let mut state = self.state();
        let waker = state.waiting.get_mut(key).and_then(Option::take);
        state.count -= usize::from(waker.is_some());
        drop(state);
        drop(waker);
    }

    /// The waker of the task that waits for stream `key`.
    pub(super) fn waker_of(&self, key: usize) -> Option<Waker> {
        self.state().waiting.get(key)?.clone()
    }

    /// Whether the connection has to be polled.
    pub(super) fn is_woken(&self) -> bool {
        self.state().is_woken()
    }

    /// Whether it has to be polled because the byte stream has become ready.
    pub(super) fn is_ready(&self) -> bool {
        self.state().is_ready
    }

    /// Whether something is to be sent.
    pub(super) fn has_output(&self) -> bool {
        self.state().has_output
    }

    /// Whether something is to be sent that a task was left with.
    pub(super) fn is_left(&self) -> bool {
        let state = self.state();
        state.has_output && state.is_left
    }

    /// What is to be sent now is left to a task that is going to be polled.
    pub(super) fn leave_output(&self) {
        self.state().is_left = true;
    }

    /// The caller is about to poll the connection.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        (state.is_ready, state.has_output, state.is_left) = (false, false, false);
    }

    pub(super) fn hold(&self) -> Held<'_> {
        self.state().held += 1;
        Held(self)
    }

    /// Whether no task waits.
    pub(super) fn is_empty(&self) -> bool {
        self.state().count == 0
    }

    /// Wakes all tasks that wait, without the lock: a waker is foreign code.
    fn wake_all(&self, mut state: MutexGuard<'_, State>) {
        if state.count == 0 {
            return;
        }
        state.count = 0;
        let mut waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.iter_mut().filter_map(Option::take).for_each(Waker::wake);
        // Its memory is used again, unless a waker has left another one meanwhile.
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.waiting = waiting;
        }
    }

    /// The connection has ended: wakes all, to find that out.
    pub(super) fn wake_for_the_end(&self) {
        self.wake_all(self.state());
    }

    fn wake_if_due(&self, state: MutexGuard<'_, State>) {
        if state.must_wake() {
            self.wake_all(state);
        }
    }
}

impl Wake for FanOut {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state();
        state.has_output = true;
        self.wake_if_due(state);
    }
}

impl Wake for Readiness {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.0.state();
        state.is_ready = true;
        self.0.wake_if_due(state);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.held -= 1;
        self.0.wake_if_due(state);
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

    fn waiting(fan_out: &FanOut, keys: &[usize]) -> Arc<Count> {
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

    #[test]
    fn what_is_to_be_sent_may_be_left_to_a_task_and_readiness_may_not() {
        let fan_out = Arc::new(FanOut::default());
        fan_out.clear();
        let count = waiting(&fan_out, &[1]);
        let held = fan_out.hold();
        Waker::from(Arc::clone(&fan_out)).wake();
        fan_out.leave_output();
        drop(held);
        assert!(fan_out.has_output() && !fan_out.is_ready());
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
        Waker::from(Arc::new(Readiness(Arc::clone(&fan_out)))).wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }
}

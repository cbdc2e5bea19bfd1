//! Timers: which waker to call when.
//!
//! The kernel does not look at the clock over and over, and neither does a sleeping task. The next deadline says how long
//! the kernel may wait; when that has passed, the timers that are due are taken out and their wakers called.
//!
//! A B-tree keeps the timers sorted. The key has a sequence number besides the deadline: equal deadlines fire in the order in
//! which they were set, and a timer that is cancelled is found and taken out, so that it leaves nothing behind.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;
use std::time::Instant;

#[derive(Default)]
pub(crate) struct TimerQueue {
    timers: BTreeMap<TimerKey, Waker>,
    next_sequence: u64,
}

/// Names one timer. After it has fired or been cancelled the key means nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey(Instant, u64);

impl TimerQueue {
    pub(crate) fn insert(&mut self, deadline: Instant, waker: Waker) -> TimerKey {
        let key = TimerKey(deadline, self.next_sequence);
        self.next_sequence += 1;
        self.timers.insert(key, waker);
        key
    }

    /// Cancels a timer. Its waker is returned to be dropped outside of any borrow.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Waker> {
        self.timers.remove(&key)
    }

    /// Replaces the waker of a timer and returns the previous one; `None` if the timer has fired.
    pub(crate) fn set_waker(&mut self, key: TimerKey, waker: &Waker) -> Option<Waker> {
        self.timers.get_mut(&key).map(|kept| mem::replace(kept, waker.clone()))
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|(key, _)| key.0)
    }

    /// Takes out the timers that are due at `now`, the earliest first.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Waker> {
        let later = self.timers.split_off(&TimerKey(now, u64::MAX));
        mem::replace(&mut self.timers, later).into_values().collect()
    }
}

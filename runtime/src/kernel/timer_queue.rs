//! Timers: which waker to call when.
//!
//! # Facts about timeouts
//!
//! Most timers never fire. A timeout of thirty seconds is set around an operation that takes a millisecond, and
//! is cancelled. A good structure therefore makes *setting and cancelling* cheap, and sorts timers only when their
//! deadlines are near. Curio's own `TimeQueue` made the same observation.
//!
//! # Buckets
//!
//! Timers are kept in buckets of 2²⁰ ns, about a millisecond, and only the timers of the current bucket are sorted:
//!
//! ```text
//! buckets:      bucket 812 ─▶ [timer, timer, timer]    linked lists through the slab, unordered
//!               bucket 990 ─▶ [timer]
//! due_soon:     [(deadline, sequence), …]              the buckets up to the current one: sorted once, the next last
//! late_inserts: (deadline, sequence) ─▶ timer          a B-tree for what was set after its bucket had been sorted
//! ```
//!
//! Setting a timer finds its bucket and links it in. Cancelling unlinks it: nothing is left behind, so a million
//! cancelled timeouts take no memory. When the clock reaches a bucket, its timers are sorted into `due_soon`, which
//! costs far less than putting each into a tree; one that is cancelled after that leaves its entry there, for the
//! millisecond until it would have been due. Deadlines stay exact to the nanosecond (the bucket is only a hint where
//! to look), and equal deadlines fire in the order in which they were set, because the sequence number is part of the
//! key.
//!
//! Costs: set and cancel O(log buckets), in practice a handful of nanoseconds; fire O(log timers of one bucket).
//!
//! Rejected: one B-tree for all (`O(log n)` cache misses for every cancelled timeout), a binary heap with lazy
//! deletion (cancelled timers stay until they would have fired), and a hierarchical wheel (rounds deadlines to
//! ticks, and its cascades are hard to read).

use crate::kernel::waker::{WakeSource, Woken};
use slab::Slab;
use std::collections::BTreeMap;
use std::task::Waker;
use std::time::{Duration, Instant};

/// A bucket holds 2²⁰ ns.
const BUCKET_BITS: u32 = 20;
const NONE: u32 = u32::MAX;

pub(crate) struct TimerQueue {
    /// Where the first bucket begins.
    epoch: Instant,
    entries: Slab<Entry>,
    /// The first timer of each bucket after the current one.
    buckets: BTreeMap<u64, u32>,
    /// The timers of every bucket up to and including `current_bucket` that were set before it was sorted, last first.
    /// May name timers that have been cancelled.
    due_soon: Vec<Due>,
    /// Those that were set afterwards.
    late_inserts: BTreeMap<(Instant, u64), u32>,
    current_bucket: u64,
    next_sequence: u64,
    fired: u64,
}

/// An entry of `due_soon`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    deadline: Instant,
    sequence: u64,
    index: u32,
}

struct Entry {
    deadline: Instant,
    sequence: u64,
    waker: Waker,
    home: Home,
    /// Neighbours in a bucket.
    before: u32,
    after: u32,
}

/// Which of the three a timer is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Bucket,
    DueSoon,
    LateInserts,
}

/// Names one timer. After it has fired or been cancelled the key means nothing, even if its place is reused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    index: u32,
    sequence: u64,
}

impl TimerQueue {
    pub(crate) fn new(epoch: Instant) -> TimerQueue {
        TimerQueue {
            epoch,
            entries: Slab::new(),
            buckets: BTreeMap::new(),
            due_soon: Vec::new(),
            late_inserts: BTreeMap::new(),
            current_bucket: 0,
            next_sequence: 0,
            fired: 0,
        }
    }

    pub(crate) fn insert(&mut self, deadline: Instant, waker: Waker) -> TimerKey {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let bucket = self.bucket_of(deadline);
        let home = if bucket <= self.current_bucket { Home::LateInserts } else { Home::Bucket };
        let entry = Entry { deadline, sequence, waker, home, before: NONE, after: NONE };
        let index = u32::try_from(self.entries.insert(entry)).expect("fewer than 2^32 timers fit in memory");
        if home == Home::LateInserts {
            self.late_inserts.insert((deadline, sequence), index);
        } else {
            let first = self.buckets.entry(bucket).or_insert(NONE);
            let after = std::mem::replace(first, index);
            self.entries[index as usize].after = after;
            if after != NONE {
                self.entries[after as usize].before = index;
            }
        }
        TimerKey { index, sequence }
    }

    /// Cancels a timer. Its waker is returned to be dropped by the caller, outside of any borrow.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Waker> {
        if !self.is_set(key) {
            return None;
        }
        let entry = self.entries.remove(key.index as usize);
        match entry.home {
            Home::Bucket => self.unlink(&entry),
            Home::LateInserts => {
                self.late_inserts.remove(&(entry.deadline, entry.sequence));
            }
            Home::DueSoon => self.drop_cancelled(),
        }
        Some(entry.waker)
    }

    /// Takes an entry out of its bucket.
    fn unlink(&mut self, entry: &Entry) {
        if entry.after != NONE {
            self.entries[entry.after as usize].before = entry.before;
        }
        if entry.before != NONE {
            self.entries[entry.before as usize].after = entry.after;
            return;
        }
        let bucket = self.bucket_of(entry.deadline);
        if entry.after != NONE {
            self.buckets.insert(bucket, entry.after);
        } else {
            self.buckets.remove(&bucket);
        }
    }

    /// Drops the entries of cancelled timers from the end of `due_soon`, so that the last one is of a timer that is set.
    fn drop_cancelled(&mut self) {
        while let Some(last) = self.due_soon.last()
            && !self.is_set(TimerKey { index: last.index, sequence: last.sequence })
        {
            self.due_soon.pop();
        }
    }

    /// The next timer of `due_soon` and `late_inserts`.
    fn next_due_soon(&self) -> Option<Due> {
        let late = self.late_inserts.first_key_value();
        let late = late.map(|(&(deadline, sequence), &index)| Due { deadline, sequence, index });
        self.due_soon.last().copied().into_iter().chain(late).min()
    }

    /// Whether the timer is still set. False once it has fired.
    pub(crate) fn is_set(&self, key: TimerKey) -> bool {
        self.entries.get(key.index as usize).is_some_and(|entry| entry.sequence == key.sequence)
    }

    /// How many timers were ever set.
    pub(crate) fn ever_set(&self) -> u64 {
        self.next_sequence
    }

    /// Replaces the waker of a set timer; returns the previous one.
    pub(crate) fn set_waker(&mut self, key: TimerKey, waker: &Waker) -> Option<Waker> {
        let entry = &mut self.entries[key.index as usize];
        if entry.waker.will_wake(waker) {
            return None;
        }
        Some(std::mem::replace(&mut entry.waker, waker.clone()))
    }

    /// When to look again: the next deadline if it is in the current bucket, else the start of the next bucket that
    /// has any. Never late, at most a bucket early, and cheap.
    pub(crate) fn look_again_at(&self) -> Option<Instant> {
        if let Some(next) = self.next_due_soon() {
            return Some(next.deadline);
        }
        let (bucket, _) = self.buckets.first_key_value()?;
        Some(self.epoch + Duration::from_nanos(bucket << BUCKET_BITS))
    }

    /// The next deadline, exactly. Reads all of one bucket, so it is not for the loop.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if let Some(next) = self.next_due_soon() {
            return Some(next.deadline);
        }
        let (_, &first) = self.buckets.first_key_value()?;
        self.bucket_from(first).map(|index| self.entries[index as usize].deadline).min()
    }

    /// Removes every timer due at `now` and hands out its waker, in order of deadline and then of setting.
    pub(crate) fn expire_into(&mut self, now: Instant, wakers: &mut Vec<Woken>) {
        self.advance_to(self.bucket_of(now));
        while let Some(next) = self.next_due_soon().filter(|next| next.deadline <= now) {
            let entry = self.entries.remove(next.index as usize);
            self.fired += 1;
            wakers.push(Woken { waker: entry.waker, source: WakeSource::Timer(entry.deadline) });
            if entry.home == Home::LateInserts {
                self.late_inserts.pop_first();
            } else {
                self.due_soon.pop();
                self.drop_cancelled();
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many were set, and how many of them have fired.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.next_sequence, self.fired)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sorts every bucket up to and including `bucket` into `due_soon`.
    fn advance_to(&mut self, bucket: u64) {
        self.current_bucket = self.current_bucket.max(bucket);
        let left = self.due_soon.len();
        while let Some(first) = self.buckets.first_entry().filter(|first| *first.key() <= bucket) {
            let mut index = first.remove();
            while index != NONE {
                let entry = &mut self.entries[index as usize];
                entry.home = Home::DueSoon;
                self.due_soon.push(Due { deadline: entry.deadline, sequence: entry.sequence, index });
                index = entry.after;
            }
        }
        if self.due_soon.len() > left {
            self.due_soon.sort_unstable_by(|one, other| other.cmp(one));
        }
    }

    fn bucket_from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let step = |index: &u32| Some(self.entries[*index as usize].after).filter(|&after| after != NONE);
        std::iter::successors(Some(first), step)
    }

    fn bucket_of(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX) >> BUCKET_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::waker::logging;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    fn fire(timers: &mut TimerQueue, now: Instant, log: &Arc<Mutex<Vec<u64>>>) -> Vec<u64> {
        let mut due = Vec::new();
        timers.expire_into(now, &mut due);
        due.into_iter().for_each(|woken| woken.waker.wake());
        std::mem::take(&mut *log.lock().unwrap())
    }

    #[test]
    fn timers_fire_in_order_of_deadline_and_equal_ones_in_the_order_they_were_set() {
        let start = Instant::now();
        let mut timers = TimerQueue::new(start);
        let log = Arc::default();
        for (number, ms) in [(1, 50), (2, 10), (3, 50), (4, 10), (5, 3_600_000), (6, 50)] {
            timers.insert(start + Duration::from_millis(ms), logging(number, &log));
        }
        assert_eq!(fire(&mut timers, start + Duration::from_millis(60), &log), [2, 4, 1, 3, 6]);
        assert_eq!(timers.next_deadline(), Some(start + Duration::from_secs(3600)));
        assert!(timers.look_again_at() <= timers.next_deadline());
    }

    #[test]
    fn no_timer_fires_a_nanosecond_early() {
        let start = Instant::now();
        let mut timers = TimerQueue::new(start);
        let log = Arc::default();
        let deadline = start + Duration::from_nanos(123_456_789);
        timers.insert(deadline, logging(1, &log));
        assert!(fire(&mut timers, deadline - Duration::from_nanos(1), &log).is_empty());
        assert_eq!(fire(&mut timers, deadline, &log), [1]);
        assert!(timers.is_empty());
    }

    #[test]
    fn a_key_of_a_fired_timer_does_not_name_the_next_one_in_its_place() {
        let start = Instant::now();
        let mut timers = TimerQueue::new(start);
        let old = timers.insert(start, Waker::noop().clone());
        timers.expire_into(start, &mut Vec::new());
        let new = timers.insert(start + Duration::from_secs(1), Waker::noop().clone());
        assert_eq!(old.index, new.index, "the place is reused");
        assert!(!timers.is_set(old) && timers.is_set(new));
        assert!(timers.cancel(old).is_none() && timers.cancel(new).is_some());
    }

    /// The structure against the plainest model of it: a sorted set.
    #[test]
    fn random_setting_cancelling_and_firing_agrees_with_a_sorted_set() {
        static RANDOM: AtomicU64 = AtomicU64::new(0x9E37_79B9_7F4A_7C15);
        let random = |below: u64| {
            let mut x = RANDOM.load(Ordering::Relaxed);
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            RANDOM.store(x, Ordering::Relaxed);
            x % below
        };
        let start = Instant::now();
        let (mut timers, log) = (TimerQueue::new(start), Arc::default());
        let mut model: BTreeSet<(Instant, u64)> = BTreeSet::new();
        let mut keys: Vec<(TimerKey, Instant, u64)> = Vec::new();
        let mut now = start;
        for step in 0..50_000 {
            match random(10) {
                0..5 => {
                    // Some within the bucket, some on the same instant, some far away.
                    let ahead =
                        [random(1_000), random(2_000_000), random(5_000_000_000), 40][random(4) as usize];
                    let deadline = now + Duration::from_nanos(ahead);
                    let waker = logging(step, &log);
                    keys.push((timers.insert(deadline, waker), deadline, step));
                    model.insert((deadline, step));
                }
                5..8 if !keys.is_empty() => {
                    let (key, deadline, number) = keys.swap_remove(random(keys.len() as u64) as usize);
                    assert_eq!(timers.cancel(key).is_some(), model.remove(&(deadline, number)));
                }
                _ => {
                    now += Duration::from_nanos(random(3_000_000));
                    let later = model.split_off(&(now + Duration::from_nanos(1), 0));
                    let due: Vec<u64> =
                        std::mem::replace(&mut model, later).into_iter().map(|(_, n)| n).collect();
                    assert_eq!(fire(&mut timers, now, &log), due);
                }
            }
            assert_eq!(timers.entries.len(), model.len());
            if step % 100 == 0 {
                assert_eq!(timers.next_deadline(), model.first().map(|(deadline, _)| *deadline));
            }
        }
    }
}

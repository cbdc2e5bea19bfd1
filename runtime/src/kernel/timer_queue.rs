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
//! levels:       bucket 812 ─▶ timer ⇄ timer ⇄ timer    linked lists through the slab, unordered
//!               buckets 960 to 1023 ─▶ timer           those far away are in one list together
//! due_soon:     [(moment, timer), …]                   the buckets up to the current one: sorted once, the next first
//! late_inserts: (moment, sequence) ─▶ timer            a B-tree for what was set after its bucket had been sorted
//! ```
//!
//! Setting a timer computes its [list](crate::kernel::timer_levels) and links it in. Cancelling unlinks it: nothing is left
//! behind, so a million cancelled timeouts take no memory. When the clock comes to a list of several buckets, its timers are
//! linked into the lists of these. When it reaches a bucket, the timers are sorted into `due_soon`, which
//! costs far less than putting each into a tree; one that is cancelled after that leaves its entry there, for the
//! millisecond until it would have been due. Deadlines stay exact to the nanosecond (the bucket is only a hint where
//! to look), and equal deadlines fire in the order in which they were set, which is the order of their sequence numbers.
//!
//! Costs: set and cancel O(1), in practice a handful of nanoseconds; fire O(log timers of one bucket), and one more
//! link for each level that the timer was away, of which there are two within four seconds.
//!
//! Rejected: one B-tree for all (`O(log n)` cache misses for every cancelled timeout), a B-tree of buckets (a timeout that is
//! alone in its bucket is put into the tree and taken out again each time), a binary heap with lazy deletion (cancelled
//! timers stay until they would have fired), and a wheel as it is usually built (rounds deadlines to ticks).

use crate::kernel::timer_levels::{List, NONE, TimerLevels};
use crate::kernel::waker::{WakeSource, Woken};
use slab::Slab;
use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;
use std::time::{Duration, Instant};

/// A bucket holds 2²⁰ ns, and the last one of a second what is left of it.
const BUCKET_BITS: u32 = 20;

pub(crate) struct TimerQueue {
    /// The first moment.
    epoch: Instant,
    entries: Slab<Entry>,
    /// The timers of the buckets after the current one.
    levels: TimerLevels,
    /// The timers of every bucket up to and including `current_bucket` that were set before it was sorted, in order.
    /// May name timers that have been cancelled.
    due_soon: VecDeque<Due>,
    /// Those that were set afterwards.
    late_inserts: BTreeMap<(Moment, u64), u32>,
    current_bucket: u64,
    next_sequence: u64,
    fired: u64,
}

/// A time, as nanoseconds in the lower 30 bits and seconds since the queue's [epoch](TimerQueue::epoch) above them: 544
/// years. One word is compared and sorted faster than an `Instant`, and its bucket is found by a shift.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(u64);

/// An entry of `due_soon`.
#[derive(Clone, Copy)]
struct Due {
    moment: Moment,
    index: u32,
}

struct Entry {
    moment: Moment,
    sequence: u64,
    waker: Waker,
    home: Home,
    /// Neighbours in a list.
    before: u32,
    after: u32,
}

/// Which of the three a timer is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Levels(List),
    DueSoon,
    LateInserts,
}

/// Names one timer. After it has fired or been cancelled the key means nothing, even if its place is reused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    index: u32,
    sequence: u64,
}

impl Moment {
    const SECOND_BITS: u32 = 30;

    /// None if it is too far away.
    fn new(time: Instant, epoch: Instant) -> Option<Moment> {
        let since = time.saturating_duration_since(epoch);
        let fits = since.as_secs() < 1 << (u64::BITS - Self::SECOND_BITS);
        fits.then(|| Moment(since.as_secs() << Self::SECOND_BITS | u64::from(since.subsec_nanos())))
    }

    fn time(self, epoch: Instant) -> Instant {
        let nanos = self.0 & ((1 << Self::SECOND_BITS) - 1);
        epoch + Duration::from_secs(self.0 >> Self::SECOND_BITS) + Duration::from_nanos(nanos)
    }

    fn bucket(self) -> u64 {
        self.0 >> BUCKET_BITS
    }
}

impl TimerQueue {
    pub(crate) fn new(epoch: Instant) -> TimerQueue {
        TimerQueue {
            epoch,
            entries: Slab::new(),
            levels: TimerLevels::new(),
            due_soon: VecDeque::new(),
            late_inserts: BTreeMap::new(),
            current_bucket: 0,
            next_sequence: 0,
            fired: 0,
        }
    }

    /// None if the deadline is more than five centuries away: such a timer never fires.
    pub(crate) fn insert(&mut self, deadline: Instant, waker: Waker) -> Option<TimerKey> {
        let moment = Moment::new(deadline, self.epoch)?;
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let entry = Entry { moment, sequence, waker, home: Home::LateInserts, before: NONE, after: NONE };
        let index = self.entries.insert(entry);
        let index = u32::try_from(index).expect("fewer than 2^32 timers fit in memory");
        if moment.bucket() <= self.current_bucket {
            self.late_inserts.insert((moment, sequence), index);
        } else {
            self.link(index, moment.bucket());
        }
        Some(TimerKey { index, sequence })
    }

    /// Cancels a timer. Its waker is returned to be dropped by the caller, outside of any borrow.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Waker> {
        if !self.is_set(key) {
            return None;
        }
        let entry = self.entries.remove(key.index as usize);
        match entry.home {
            Home::Levels(list) => self.unlink(&entry, list),
            Home::LateInserts => {
                self.late_inserts.remove(&(entry.moment, entry.sequence));
            }
            Home::DueSoon => self.drop_cancelled(),
        }
        Some(entry.waker)
    }

    /// Puts an entry at the head of the list of its bucket.
    fn link(&mut self, index: u32, bucket: u64) {
        let list = List::of(bucket, self.current_bucket);
        let after = self.levels.set_first(list, index);
        let entry = &mut self.entries[index as usize];
        (entry.home, entry.before, entry.after) = (Home::Levels(list), NONE, after);
        self.tell_next(after, index);
    }

    /// The entry `after`, if there is one, has another one before it in its list.
    fn tell_next(&mut self, after: u32, before: u32) {
        if after != NONE {
            self.entries[after as usize].before = before;
        }
    }

    /// Takes an entry out of its list.
    fn unlink(&mut self, entry: &Entry, list: List) {
        self.tell_next(entry.after, entry.before);
        if entry.before != NONE {
            self.entries[entry.before as usize].after = entry.after;
        } else {
            self.levels.set_first(list, entry.after);
        }
    }

    /// Drops the entries of cancelled timers from the head of `due_soon`, so that the first one is of a timer that is set. If
    /// the place of a cancelled one is used again, that is by a late insert or by a timer of a later bucket.
    fn drop_cancelled(&mut self) {
        let is_set = |due: &Due, entry: &Entry| entry.home == Home::DueSoon && entry.moment == due.moment;
        while let Some(due) = self.due_soon.front()
            && !self.entries.get(due.index as usize).is_some_and(|entry| is_set(due, entry))
        {
            self.due_soon.pop_front();
        }
    }

    /// The next timer of `due_soon` and `late_inserts`. Of equal ones those of `due_soon` were set earlier.
    fn next_due_soon(&self) -> Option<Due> {
        let sorted = self.due_soon.front().copied();
        let Some((&(moment, _), &index)) = self.late_inserts.first_key_value() else { return sorted };
        Some(sorted.filter(|first| first.moment <= moment).unwrap_or(Due { moment, index }))
    }

    /// Whether the timer is still set. False once it has fired.
    pub(crate) fn is_set(&self, key: TimerKey) -> bool {
        self.entries.get(key.index as usize).is_some_and(|entry| entry.sequence == key.sequence)
    }

    /// Of a timer that is still set.
    pub(crate) fn deadline(&self, key: TimerKey) -> Option<Instant> {
        self.is_set(key).then(|| self.entries[key.index as usize].moment.time(self.epoch))
    }

    /// Replaces the waker of a set timer; returns the previous one.
    pub(crate) fn set_waker(&mut self, key: TimerKey, waker: &Waker) -> Option<Waker> {
        let entry = &mut self.entries[key.index as usize];
        if entry.waker.will_wake(waker) {
            return None;
        }
        Some(std::mem::replace(&mut entry.waker, waker.clone()))
    }

    /// When to look again: the next deadline if it is in the current bucket, else the start of the next list that
    /// has any. Never late, and cheap, but early by as much as the list spans: a timer in an hour is looked at up to four
    /// times before it is due.
    pub(crate) fn look_again_at(&mut self, now: Instant) -> Option<Instant> {
        // Lists are chosen by where the queue stands. It does not move while no timer is set, and then it stands in the past.
        self.advance_to(self.now(now).bucket());
        if let Some(next) = self.next_due_soon() {
            return Some(next.moment.time(self.epoch));
        }
        let (_, bucket) = self.levels.nearest(self.current_bucket)?;
        Some(Moment(bucket << BUCKET_BITS).time(self.epoch))
    }

    /// The next deadline, exactly. Reads all of one list, so it is not for the loop.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if let Some(next) = self.next_due_soon() {
            return Some(next.moment.time(self.epoch));
        }
        let (list, _) = self.levels.nearest(self.current_bucket)?;
        let moments =
            self.list_from(self.levels.first(list)).map(|index| self.entries[index as usize].moment);
        moments.min().map(|next| next.time(self.epoch))
    }

    /// Removes every timer due at `now` and hands out its waker, in order of deadline and then of setting.
    pub(crate) fn expire_into(&mut self, now: Instant, wakers: &mut Vec<Woken>) {
        let now = self.now(now);
        self.advance_to(now.bucket());
        while let Some(next) = self.next_due_soon().filter(|next| next.moment <= now) {
            let entry = self.entries.remove(next.index as usize);
            self.fired += 1;
            let source = WakeSource::Timer(entry.moment.time(self.epoch));
            wakers.push(Woken { waker: entry.waker, source });
            if entry.home == Home::LateInserts {
                self.late_inserts.pop_first();
            } else {
                self.due_soon.pop_front();
                self.drop_cancelled();
            }
        }
    }

    /// After five centuries the last moment.
    fn now(&self, now: Instant) -> Moment {
        Moment::new(now, self.epoch).unwrap_or(Moment(u64::MAX))
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
        while let Some((list, start)) =
            self.levels.nearest(self.current_bucket).filter(|(_, start)| *start <= bucket)
        {
            // Before the list begins there is no other timer.
            self.current_bucket = start;
            let sorted = self.due_soon.len();
            let mut index = self.levels.set_first(list, NONE);
            while index != NONE {
                index = self.pass_on(index, bucket);
            }
            // All of them are later than those of the lists before.
            let due = &mut self.due_soon.make_contiguous()[sorted..];
            due.sort_unstable_by_key(|due| due.moment);
            // On the real clock hardly any are equal. So it costs less to look for them afterwards.
            if !due.is_sorted_by(|one, next| one.moment < next.moment) {
                due.sort_unstable_by_key(|due| (due.moment, self.entries[due.index as usize].sequence));
            }
        }
        self.current_bucket = self.current_bucket.max(bucket);
    }

    /// The current bucket has reached the list of this timer: it is due soon, if it is in a bucket up to `bucket`, or goes to
    /// a level further down. Returns the next timer of the list.
    fn pass_on(&mut self, index: u32, bucket: u64) -> u32 {
        let entry = &mut self.entries[index as usize];
        let (moment, after) = (entry.moment, entry.after);
        if moment.bucket() <= bucket {
            entry.home = Home::DueSoon;
            self.due_soon.push_back(Due { moment, index });
        } else {
            self.link(index, moment.bucket());
        }
        after
    }

    fn list_from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let step = |index: &u32| Some(self.entries[*index as usize].after).filter(|&after| after != NONE);
        std::iter::successors(Some(first), step)
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
        assert!(timers.look_again_at(start + Duration::from_millis(60)) <= timers.next_deadline());
    }

    #[test]
    fn equal_deadlines_that_were_set_from_afar_and_from_near_fire_in_the_order_they_were_set() {
        let start = Instant::now();
        let (mut timers, log) = (TimerQueue::new(start), Arc::default());
        let deadline = start + Duration::from_secs(1000);
        // Two each in lists of four levels, in the list of the bucket, and two late inserts.
        let distances = [1_000_000_000_000, 10_000_000_000, 1_000_000_000, 20_000_000, 2_000_000, 10_000];
        for (number, nanos) in (0..).step_by(2).zip(distances) {
            assert!(fire(&mut timers, deadline - Duration::from_nanos(nanos), &log).is_empty());
            for number in [number, number + 1] {
                timers.insert(deadline, logging(number, &log));
            }
        }
        assert_eq!(fire(&mut timers, deadline, &log), (0..12).collect::<Vec<_>>());
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
        let old = timers.insert(start, Waker::noop().clone()).unwrap();
        timers.expire_into(start, &mut Vec::new());
        let new = timers.insert(start + Duration::from_secs(1), Waker::noop().clone()).unwrap();
        assert_eq!(old.index, new.index, "the place is reused");
        assert!(!timers.is_set(old) && timers.is_set(new));
        assert!(timers.cancel(old).is_none() && timers.cancel(new).is_some());
    }

    #[test]
    fn a_deadline_is_exact_for_five_centuries_and_never_comes_after_that() {
        let start = Instant::now();
        let mut timers = TimerQueue::new(start);
        let years = |years: u64| start + Duration::from_secs(years * 365 * 86_400);
        let exact = years(500) + Duration::from_nanos(1);
        let key = timers.insert(exact, Waker::noop().clone()).unwrap();
        assert_eq!((timers.deadline(key), timers.next_deadline()), (Some(exact), Some(exact)));
        assert!(timers.insert(years(600), Waker::noop().clone()).is_none());
        let mut wakers = Vec::new();
        timers.expire_into(years(700), &mut wakers);
        assert_eq!((wakers.len(), timers.deadline(key)), (1, None));
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
                    keys.push((timers.insert(deadline, waker).unwrap(), deadline, step));
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

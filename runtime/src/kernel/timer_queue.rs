//! Timers: which waker to call when.
//!
//! # Facts about timeouts
//!
//! Most timers never fire. A timeout of thirty seconds is set around an operation that takes a millisecond, and
//! is taken back. A good structure therefore makes *setting and cancelling* cheap and pays for exact order only
//! when a deadline comes near. Curio's own `TimeQueue` made the same observation.
//!
//! # A calendar
//!
//! A calendar does just that. Appointments go onto the page of their day, in no particular order; only today's
//! page is put in order. Here a page is 2²⁰ ns, about a millisecond:
//!
//! ```text
//! far:   page 812 ─▶ [timer, timer, timer]        linked lists through the slab, unordered
//!        page 990 ─▶ [timer]
//! today: [(deadline, sequence), …]                the page that was turned to: sorted once, the next at the end
//! late:  (deadline, sequence) ─▶ timer            a B-tree for what was set when its page had been turned to
//! ```
//!
//! Setting a far timer finds its page and links it in. Cancelling unlinks it: nothing is left behind, so a
//! million cancelled timeouts take no memory. When the clock reaches a page, its timers are sorted into today's
//! row, which costs far less than putting each into a tree; one that is cancelled after that leaves its line in the
//! row, for the millisecond until it would have been due. Deadlines stay exact to the nanosecond (the page is only a
//! hint where to look), and equal deadlines fire in the order in which they were set, because the sequence number is
//! part of the key.
//!
//! Costs: set and cancel O(log pages), in practice a handful of nanoseconds; fire O(log timers of one page).
//!
//! Rejected: one B-tree for all (`O(log n)` cache misses for every cancelled timeout), a binary heap with lazy
//! deletion (cancelled timers stay until they would have fired), and a hierarchical wheel (rounds deadlines to
//! ticks, and its cascades are hard to read).

use slab::Slab;
use std::collections::BTreeMap;
use std::task::Waker;
use std::time::{Duration, Instant};

/// 2²⁰ ns a page.
const PAGE_BITS: u32 = 20;
const NONE: u32 = u32::MAX;

pub(crate) struct Timers {
    /// Pages count from here.
    epoch: Instant,
    entries: Slab<Entry>,
    /// The first timer of each page beyond today's.
    far: BTreeMap<u64, u32>,
    /// The timers of every page up to and including `page`: those that were set before it was turned to, last first.
    /// May name timers that have been cancelled.
    today: Vec<Due>,
    /// And those that were set later.
    late: BTreeMap<(Instant, u64), u32>,
    page: u64,
    next_sequence: u64,
}

/// A line of today's row.
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
    place: Place,
    /// Neighbours on a far page.
    before: u32,
    after: u32,
}

/// Which of the three a timer is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Far,
    Today,
    Late,
}

/// Names one timer. After it has fired or been cancelled the key means nothing, even if its place is reused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    index: u32,
    sequence: u64,
}

impl Timers {
    pub(crate) fn new(epoch: Instant) -> Timers {
        Timers {
            epoch,
            entries: Slab::new(),
            far: BTreeMap::new(),
            today: Vec::new(),
            late: BTreeMap::new(),
            page: 0,
            next_sequence: 0,
        }
    }

    pub(crate) fn insert(&mut self, deadline: Instant, waker: Waker) -> TimerKey {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let page = self.page_of(deadline);
        let place = if page <= self.page { Place::Late } else { Place::Far };
        let entry = Entry { deadline, sequence, waker, place, before: NONE, after: NONE };
        let index = u32::try_from(self.entries.insert(entry)).expect("fewer than 2^32 timers fit in memory");
        if place == Place::Late {
            self.late.insert((deadline, sequence), index);
        } else {
            let first = self.far.entry(page).or_insert(NONE);
            let after = std::mem::replace(first, index);
            self.entries[index as usize].after = after;
            if after != NONE {
                self.entries[after as usize].before = index;
            }
        }
        TimerKey { index, sequence }
    }

    /// Takes a timer back. Its waker is returned to be dropped by the caller, outside of any borrow.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Waker> {
        if !self.is_set(key) {
            return None;
        }
        let entry = self.entries.remove(key.index as usize);
        match entry.place {
            Place::Far => self.unlink(&entry),
            Place::Late => {
                self.late.remove(&(entry.deadline, entry.sequence));
            }
            Place::Today => self.drop_cancelled(),
        }
        Some(entry.waker)
    }

    /// Takes an entry out of its far page.
    fn unlink(&mut self, entry: &Entry) {
        if entry.after != NONE {
            self.entries[entry.after as usize].before = entry.before;
        }
        if entry.before != NONE {
            self.entries[entry.before as usize].after = entry.after;
            return;
        }
        let page = self.page_of(entry.deadline);
        if entry.after != NONE {
            self.far.insert(page, entry.after);
        } else {
            self.far.remove(&page);
        }
    }

    /// Drops lines of cancelled timers from the end of today's row, so that the last one is of a timer that is set.
    fn drop_cancelled(&mut self) {
        while let Some(last) = self.today.last()
            && !self.is_set(TimerKey { index: last.index, sequence: last.sequence })
        {
            self.today.pop();
        }
    }

    /// The next timer of today's page.
    fn next_today(&self) -> Option<Due> {
        let late = self.late.first_key_value();
        let late = late.map(|(&(deadline, sequence), &index)| Due { deadline, sequence, index });
        self.today.last().copied().into_iter().chain(late).min()
    }

    /// Whether the timer is still to come. False once it has fired.
    pub(crate) fn is_set(&self, key: TimerKey) -> bool {
        self.entries.get(key.index as usize).is_some_and(|entry| entry.sequence == key.sequence)
    }

    /// Lets a set timer wake somebody else from now on; returns the waker it replaced.
    pub(crate) fn set_waker(&mut self, key: TimerKey, waker: &Waker) -> Option<Waker> {
        let entry = &mut self.entries[key.index as usize];
        if entry.waker.will_wake(waker) {
            return None;
        }
        Some(std::mem::replace(&mut entry.waker, waker.clone()))
    }

    /// When to look again: the next deadline if it is on today's page, else the start of the next page that has
    /// any. Never late, at most a page early, and cheap.
    pub(crate) fn look_again_at(&self) -> Option<Instant> {
        if let Some(next) = self.next_today() {
            return Some(next.deadline);
        }
        let (page, _) = self.far.first_key_value()?;
        Some(self.epoch + Duration::from_nanos(page << PAGE_BITS))
    }

    /// The next deadline, exactly. Reads all of one page, so it is not for the loop.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if let Some(next) = self.next_today() {
            return Some(next.deadline);
        }
        let (_, &first) = self.far.first_key_value()?;
        self.page_from(first).map(|index| self.entries[index as usize].deadline).min()
    }

    /// Removes every timer due at `now` and hands out its waker, in order of deadline and then of setting.
    pub(crate) fn expire_into(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        self.turn_to(self.page_of(now));
        while let Some(next) = self.next_today().filter(|next| next.deadline <= now) {
            let entry = self.entries.remove(next.index as usize);
            wakers.push(entry.waker);
            if entry.place == Place::Late {
                self.late.pop_first();
            } else {
                self.today.pop();
                self.drop_cancelled();
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sorts every page up to and including `page` into today's row.
    fn turn_to(&mut self, page: u64) {
        self.page = self.page.max(page);
        let left = self.today.len();
        while let Some(first) = self.far.first_entry().filter(|first| *first.key() <= page) {
            let mut index = first.remove();
            while index != NONE {
                let entry = &mut self.entries[index as usize];
                entry.place = Place::Today;
                self.today.push(Due { deadline: entry.deadline, sequence: entry.sequence, index });
                index = entry.after;
            }
        }
        if self.today.len() > left {
            self.today.sort_unstable_by(|one, other| other.cmp(one));
        }
    }

    fn page_from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let step = |index: &u32| Some(self.entries[*index as usize].after).filter(|&after| after != NONE);
        std::iter::successors(Some(first), step)
    }

    fn page_of(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX) >> PAGE_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    /// A waker that writes its number down.
    struct Note(u64, Arc<Mutex<Vec<u64>>>);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    fn fire(timers: &mut Timers, now: Instant, log: &Arc<Mutex<Vec<u64>>>) -> Vec<u64> {
        let mut due = Vec::new();
        timers.expire_into(now, &mut due);
        due.into_iter().for_each(Waker::wake);
        std::mem::take(&mut *log.lock().unwrap())
    }

    #[test]
    fn timers_fire_in_order_of_deadline_and_equal_ones_in_the_order_they_were_set() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let log = Arc::default();
        for (number, ms) in [(1, 50), (2, 10), (3, 50), (4, 10), (5, 3_600_000), (6, 50)] {
            timers.insert(
                start + Duration::from_millis(ms),
                Waker::from(Arc::new(Note(number, Arc::clone(&log)))),
            );
        }
        assert_eq!(fire(&mut timers, start + Duration::from_millis(60), &log), [2, 4, 1, 3, 6]);
        assert_eq!(timers.next_deadline(), Some(start + Duration::from_secs(3600)));
        assert!(timers.look_again_at() <= timers.next_deadline());
    }

    #[test]
    fn no_timer_fires_a_nanosecond_early() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
        let log = Arc::default();
        let deadline = start + Duration::from_nanos(123_456_789);
        timers.insert(deadline, Waker::from(Arc::new(Note(1, Arc::clone(&log)))));
        assert!(fire(&mut timers, deadline - Duration::from_nanos(1), &log).is_empty());
        assert_eq!(fire(&mut timers, deadline, &log), [1]);
        assert!(timers.is_empty());
    }

    #[test]
    fn a_key_of_a_fired_timer_does_not_name_the_next_one_in_its_place() {
        let start = Instant::now();
        let mut timers = Timers::new(start);
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
        let (mut timers, log) = (Timers::new(start), Arc::default());
        let mut model: BTreeSet<(Instant, u64)> = BTreeSet::new();
        let mut keys: Vec<(TimerKey, Instant, u64)> = Vec::new();
        let mut now = start;
        for step in 0..50_000 {
            match random(10) {
                0..5 => {
                    // Some within the page, some on the same instant, some far away.
                    let ahead =
                        [random(1_000), random(2_000_000), random(5_000_000_000), 40][random(4) as usize];
                    let deadline = now + Duration::from_nanos(ahead);
                    let waker = Waker::from(Arc::new(Note(step, Arc::clone(&log))));
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

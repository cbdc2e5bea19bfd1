//! Which lists of timers are not empty, and which comes first: eight levels of 64 lists.
//!
//! A list belongs to a bucket of the [timer queue](crate::kernel::timer_queue), or to a group of them that is so far away
//! that it need not be told apart yet. The number of a bucket is read as eight digits of six bits. A timer is in the list of
//! the first digit, from the left, in which its bucket differs from the current one:
//!
//! ```text
//!                     level 2   level 1   level 0
//! current bucket:           5        17        60
//! a timer in bucket         5        17        63    list 63 of level 0: this bucket alone
//!                           5        18         2    list 18 of level 1: 64 buckets
//!                           7         0         9    list  7 of level 2: 4096 buckets
//! ```
//!
//! So all lists of a level come before those of the next one, and within a level they come in the order of their numbers. A
//! word for each level has a bit for each list that is not empty: finding the first list takes two instructions for each
//! level. When the current bucket reaches the first bucket of a list, the timers in it are distributed over the levels below.
//! Until then nothing has to be moved while the current bucket advances: before it reaches a list, the digits to the left of
//! that list's stay as they are.

/// A digit has six bits, because a word has 64.
const DIGIT_BITS: u32 = 6;
const LISTS: usize = 1 << DIGIT_BITS;
/// Enough for buckets whose numbers have 48 bits.
const LEVELS: usize = 8;

/// Stands for no timer.
pub(crate) const NONE: u32 = u32::MAX;

pub(crate) struct TimerLevels {
    /// The first timer of each list.
    first: Box<[u32; LISTS * LEVELS]>,
    /// Which lists of each level are not empty.
    used: [u64; LEVELS],
}

/// Names one of the lists, by its level and, in the last six bits, its digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct List(u16);

impl TimerLevels {
    pub(crate) fn new() -> TimerLevels {
        TimerLevels { first: Box::new([NONE; LISTS * LEVELS]), used: [0; LEVELS] }
    }

    /// The first list that is not empty, and the first bucket that may be in it.
    #[inline]
    pub(crate) fn nearest(&self, current_bucket: u64) -> Option<(List, u64)> {
        let level = self.used.iter().position(|used| *used != 0)?;
        let digit = self.used[level].trailing_zeros();
        let shift = level as u32 * DIGIT_BITS;
        let to_the_left = current_bucket >> shift >> DIGIT_BITS;
        let bucket = (to_the_left << DIGIT_BITS | u64::from(digit)) << shift;
        Some((List::new(level as u32, u64::from(digit)), bucket))
    }

    #[inline]
    pub(crate) fn first(&self, list: List) -> u32 {
        self.first[usize::from(list.0)]
    }

    /// Puts another timer, or [`NONE`], at the head of a list. Returns the one that was there.
    #[inline]
    pub(crate) fn set_first(&mut self, list: List, timer: u32) -> u32 {
        let bit = 1 << (list.0 & (LISTS as u16 - 1));
        let used = &mut self.used[usize::from(list.0 >> DIGIT_BITS)];
        *used = if timer == NONE { *used & !bit } else { *used | bit };
        std::mem::replace(&mut self.first[usize::from(list.0)], timer)
    }
}

impl List {
    /// The list for a bucket behind the current one.
    #[inline]
    pub(crate) fn of(bucket: u64, current_bucket: u64) -> List {
        let highest_bit = 63 - (bucket ^ current_bucket).leading_zeros();
        let level = highest_bit / DIGIT_BITS;
        List::new(level, bucket >> (level * DIGIT_BITS) & (LISTS as u64 - 1))
    }

    fn new(level: u32, digit: u64) -> List {
        List((level << DIGIT_BITS) as u16 | digit as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_apart_by_the_first_digit_in_which_it_differs() {
        let bucket = |digits: [u64; 3]| digits.iter().fold(0, |number, digit| number << DIGIT_BITS | digit);
        let current = bucket([5, 17, 60]);
        for (digits, level, digit) in
            [([5, 17, 63], 0, 63), ([5, 18, 2], 1, 18), ([5, 18, 0], 1, 18), ([7, 0, 9], 2, 7)]
        {
            assert_eq!(List::of(bucket(digits), current), List::new(level, digit));
        }
        assert_eq!(List::of((1 << 48) - 1, current), List::new(7, 63));
    }

    #[test]
    fn the_nearest_list_is_on_the_lowest_level_and_has_the_lowest_number() {
        let current = 5 << 12 | 17 << 6 | 60;
        let mut levels = TimerLevels::new();
        assert!(levels.nearest(current).is_none());
        let buckets = [7 << 12 | 9, 5 << 12 | 20 << 6 | 1, 5 << 12 | 19 << 6 | 8, 5 << 12 | 17 << 6 | 62];
        for (timer, bucket) in (0..).zip(buckets) {
            levels.set_first(List::of(bucket, current), timer);
        }
        let mut order = Vec::new();
        while let Some((list, bucket)) = levels.nearest(current) {
            order.push((levels.set_first(list, NONE), bucket));
        }
        let expected = [(3, buckets[3]), (2, 5 << 12 | 19 << 6), (1, 5 << 12 | 20 << 6), (0, 7 << 12)];
        assert_eq!(order, expected);
    }
}

//! When the loop reads the clock and polls I/O while tasks are ready.
//!
//! Polls may take nanoseconds or, against all advice, much of a second; so a count alone says nothing of how long a timer
//! or a socket has been waiting. But two tasks that pass a value to and fro are polled in the time that it takes to read
//! a clock a few times. So the clock is read
//!
//! * in every cycle while a timer is set, because a timer promises a time;
//! * otherwise after 1, 2, 4, 8 and then every 16 polls since I/O was last polled. If polls are long that is after
//!   the first of them, and if they become long in between, after sixteen of them at worst, once.

use std::time::{Duration, Instant};

/// While tasks are ready, I/O is polled at the latest after so many polls of tasks…
const POLLS_PER_IO: u32 = 61;
/// …and at the latest after so much time.
const TIME_PER_IO: Duration = Duration::from_millis(1);
/// While no timer is set, the clock is read at the latest after so many polls. See above.
const POLLS_PER_CLOCK: u32 = 16;

#[derive(Default)]
pub(crate) struct IoWatch {
    /// Polls of tasks since I/O was last polled.
    polls: u32,
    /// How many of them there are when the clock is to be read next.
    read_clock_at: u32,
    /// When I/O was last polled, in real time, or a little later.
    looked_at: Option<Instant>,
}

impl IoWatch {
    /// I/O is polled.
    pub(crate) fn start(&mut self) {
        *self = IoWatch::default();
    }

    /// I/O was polled at this time.
    pub(crate) fn start_at(&mut self, now: Instant) {
        *self = IoWatch { looked_at: Some(now), ..IoWatch::default() };
    }

    /// So many tasks have been polled.
    #[inline]
    pub(crate) fn count(&mut self, polls: usize) {
        self.polls = self.polls.saturating_add(polls as u32);
    }

    /// How many polls there were since I/O was last polled.
    pub(crate) fn polls(&self) -> u32 {
        self.polls
    }

    /// I/O is to be polled next.
    pub(crate) fn make_due(&mut self) {
        self.polls = POLLS_PER_IO;
    }

    /// The real time, if it is worth reading at the head of this cycle.
    #[inline]
    pub(crate) fn time_to_look(&mut self, timers: bool) -> Option<Instant> {
        if self.polls < self.read_clock_at.min(POLLS_PER_IO) && !timers {
            return None;
        }
        self.read_clock_at = self.polls + self.polls.clamp(1, POLLS_PER_CLOCK);
        Some(Instant::now())
    }

    pub(crate) fn is_io_due(&mut self, now: Instant) -> bool {
        let looked_at = *self.looked_at.get_or_insert(now);
        self.polls >= POLLS_PER_IO || now.saturating_duration_since(looked_at) >= TIME_PER_IO
    }
}

//! The kernel's clock, real or virtual.
//!
//! Everything that asks for the time asks the kernel. On the real clock that is `Instant::now()`. On the virtual clock time
//! stands still while tasks run, and jumps to the next timer when none can: a program that sleeps for an hour ends at once,
//! and its timers fire at exactly the nanosecond they were set for. The jump itself is in `kernel.rs`.

use std::cell::Cell;
use std::time::Instant;

pub(crate) enum Clock {
    Real,
    Virtual(Cell<Instant>),
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        match self {
            Clock::Real => Instant::now(),
            Clock::Virtual(now) => now.get(),
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Clock::Virtual(_))
    }

    /// Moves a virtual clock to `time`, never back.
    pub(crate) fn jump_to(&self, time: Instant) {
        if let Clock::Virtual(now) = self {
            now.set(now.get().max(time));
        }
    }
}

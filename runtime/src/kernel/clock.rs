//! The kernel's clock, real or virtual.
//!
//! Everything in this crate that asks for the time asks the kernel. On the real clock that is `Instant::now()`.
//! On the virtual clock time stands still while tasks run, and jumps to the next timer when none can: a program
//! that sleeps for an hour ends at once, and its timers fire at exactly the nanosecond they were set for. The jump
//! itself is in `cycle.rs`.

use std::cell::Cell;
use std::time::Instant;

pub(crate) enum Clock {
    Real,
    Virtual(Cell<Instant>),
    /// A virtual one that can be watched: so many of its seconds pass in a real one while nothing else can happen.
    Slow(Cell<Instant>, f64),
}

impl Clock {
    /// `rate` is for a virtual one: so many of its seconds for a real one, instead of jumps.
    pub(crate) fn new(is_virtual: bool, rate: Option<f64>) -> Clock {
        let now = || Cell::new(Instant::now());
        match rate {
            _ if !is_virtual => Clock::Real,
            None => Clock::Virtual(now()),
            Some(rate) => Clock::Slow(now(), rate),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match self {
            Clock::Real => Instant::now(),
            Clock::Virtual(now) | Clock::Slow(now, _) => now.get(),
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        !matches!(self, Clock::Real)
    }

    /// How many of its seconds pass in a real one, if it does not jump.
    pub(crate) fn rate(&self) -> Option<f64> {
        if let Clock::Slow(_, rate) = self { Some(*rate) } else { None }
    }

    /// Moves a virtual clock to `time`, never back.
    pub(crate) fn jump_to(&self, time: Instant) {
        if let Clock::Virtual(now) | Clock::Slow(now, _) = self {
            now.set(now.get().max(time));
        }
    }
}

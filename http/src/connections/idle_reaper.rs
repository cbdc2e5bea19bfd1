//! Closes idle connections that are expired, or that the server has closed, while no request asks for them.
//!
//! A request checks the idle connections of its origin. Without requests, an idle connection would stay in the pool for as
//! long as the session lives, and hold a file descriptor here, and often one at the server.
//!
//! The reaper is not a task. A task would appear in every list of tasks and in every check for tasks that were left behind.
//! It would also need a timer, to which a virtual clock jumps, and which hides deadlocks. It is an
//! [`upkeep`](curio::upkeep()), which the kernel runs between tasks. Nor does it wait for the sockets: registering a wait for
//! each would be a cost of every request that returns a connection. It checks all idle connections in rounds: after 1 s,
//! then after twice as long each time up to 8 s while there is nothing to close, and when the next one expires. A check is
//! a test of a flag, without a system call.
//!
//! Rounds begin when a connection becomes idle and end when none is left. A request pays for a test whether they are made.

use curio::Upkeep;
use std::cell::RefCell;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

#[derive(Default)]
pub(crate) struct IdleReaper {
    upkeep: RefCell<Option<Upkeep>>,
}

/// What one round over the idle connections found.
pub(crate) struct Round {
    pub(crate) closed_any: bool,
    /// When the next idle connection is past its time.
    pub(crate) next: Option<Instant>,
}

impl IdleReaper {
    /// Nothing is left to look after.
    pub(crate) fn stop(&self) {
        drop(self.upkeep.take());
    }

    /// Whether rounds are being made.
    pub(crate) fn is_watching(&self) -> bool {
        self.upkeep.borrow().as_ref().is_some_and(Upkeep::is_going_on)
    }

    /// Begins to make rounds, until no idle connection is left; outside of a kernel none can be made. `close_expired` makes one
    /// at the given time: `None` if no idle connection is left.
    pub(crate) fn watch(&self, close_expired: impl Fn(Instant) -> Option<Round> + 'static) {
        if !curio::is_running() {
            return;
        }
        let mut pause = FIRST_PAUSE;
        let upkeep = curio::upkeep(FIRST_PAUSE, move || {
            let now = curio::clock();
            let Round { closed_any, next } = close_expired(now)?;
            pause = if closed_any { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            let until_next = next.map(|next| next.saturating_duration_since(now));
            Some(until_next.map_or(pause, |until_next| until_next.min(pause)))
        });
        self.upkeep.replace(Some(upkeep));
    }
}

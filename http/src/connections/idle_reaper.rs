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
use std::rc::Rc;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

pub(crate) struct IdleReaper {
    close_expired: CloseExpired,
    upkeep: RefCell<Option<Upkeep>>,
}

type CloseExpired = Rc<dyn Fn(Instant) -> Option<Round>>;

/// What one round over the idle connections found.
pub(crate) struct Round {
    pub(crate) closed_any: bool,
    /// When the next idle connection is past its time.
    pub(crate) next: Option<Instant>,
}

impl IdleReaper {
    /// `close_expired` makes one round at the given time: `None` if no idle connection is left.
    pub(crate) fn new(close_expired: impl Fn(Instant) -> Option<Round> + 'static) -> IdleReaper {
        IdleReaper { close_expired: Rc::new(close_expired), upkeep: RefCell::new(None) }
    }

    /// Nothing is left to look after.
    pub(crate) fn stop(&self) {
        drop(self.upkeep.take());
    }

    /// Makes sure that rounds are made until no idle connection is left. Outside of a kernel none can be made.
    pub(crate) fn watch(&self) {
        let mut upkeep = self.upkeep.borrow_mut();
        if upkeep.as_ref().is_some_and(Upkeep::is_going_on) || !curio::is_running() {
            return;
        }
        let close_expired = Rc::clone(&self.close_expired);
        let mut pause = FIRST_PAUSE;
        *upkeep = Some(curio::upkeep(FIRST_PAUSE, move || {
            let now = curio::clock();
            let Round { closed_any, next } = close_expired(now)?;
            pause = if closed_any { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            let until_next = next.map(|next| next.saturating_duration_since(now));
            Some(until_next.map_or(pause, |until_next| until_next.min(pause)))
        }));
    }
}

//! The reaper: closes idle connections that nobody asks for any more.
//!
//! A connection that is asked for is looked at then. One that is not asked for would lie in the pool for as long as the
//! session lives, past its time, or long after the server has closed it: a file descriptor here, and often one there,
//! too. So the pool has something to do while the program makes no requests.
//!
//! It is no task. A task would stand in every list of tasks and be missed by tests that look for what is left behind;
//! and it would need a timer, to which a virtual clock jumps, and behind which a deadlock hides. It is an
//! [`upkeep`](curio::upkeep()), which the kernel does on the side. And it does not wait for the sockets either: a wait
//! for each would cost every request that gives a connection back. It looks at all of them at once, every now and then:
//! after 1 s, then after twice as long each time up to 8 s while there is nothing to close, and just when the next one is
//! past its time. Looking is a look at a flag per connection, no system call; ten thousand that were closed at the same
//! moment go in one round.
//!
//! It begins when a connection becomes idle and ends when none is left, so that a request costs a look at whether it is
//! there.

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

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

use crate::connections::pool::Origins;
use curio::Upkeep;
use std::cell::RefCell;
use std::rc::Weak;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

pub(crate) struct IdleReaper {
    origins: Weak<RefCell<Origins>>,
    upkeep: RefCell<Option<Upkeep>>,
}

impl IdleReaper {
    pub(crate) fn new(origins: Weak<RefCell<Origins>>) -> IdleReaper {
        IdleReaper { origins, upkeep: RefCell::new(None) }
    }

    /// Makes sure that somebody looks after the idle connections. Outside of a kernel there is nobody.
    pub(crate) fn watch(&self) {
        let mut upkeep = self.upkeep.borrow_mut();
        if upkeep.as_ref().is_some_and(Upkeep::is_going_on) || !curio::is_running() {
            return;
        }
        let origins = Weak::clone(&self.origins);
        let mut pause = FIRST_PAUSE;
        *upkeep = Some(curio::upkeep(FIRST_PAUSE, move || {
            let origins = origins.upgrade()?;
            let now = curio::clock();
            let (closed_any, next) = Origins::reap(&origins, now)?;
            pause = if closed_any { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            let until_next = next.map(|next| next.saturating_duration_since(now));
            Some(until_next.map_or(pause, |until_next| until_next.min(pause)))
        }));
    }
}

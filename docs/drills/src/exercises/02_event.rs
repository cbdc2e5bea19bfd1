// NOT BEGUN: remove this line when you begin.
//! # Drill 2: an event
//!
//! A flag that any number of tasks wait for. Build it with `std::task`; `curio::Event` is what you build, so do without.
//!
//! The rules:
//!
//! * `wait` goes on at once if the event is set. Otherwise it waits for `set`, which releases every wait.
//! * A wait that `set` has released goes on, even if `clear` is called before its task runs.
//! * A wait that begins after `clear` waits for the next `set`.
//! * A wait is one wait however often it is polled, and each poll may come from another task. One that is dropped leaves nothing
//!   behind. `waiting` says how many there are.
//!
//! Read first: chapter 7 of the tour (waiting in line).

use crate::graders::event::EventDrill;
use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

/// A flag that tasks wait for.
pub struct Event {
    is_set: Cell<bool>,
}

impl EventDrill for Event {
    fn new() -> Event {
        Event { is_set: Cell::new(false) }
    }

    fn set(&self) {
        self.is_set.set(true);
    }

    fn clear(&self) {
        self.is_set.set(false);
    }

    fn is_set(&self) -> bool {
        self.is_set.get()
    }

    fn wait(&self) -> impl Future<Output = ()> {
        poll_fn(|_cx| if self.is_set.get() { Poll::Ready(()) } else { Poll::Pending })
    }

    fn waiting(&self) -> usize {
        0
    }
}

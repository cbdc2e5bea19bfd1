// NOT BEGUN: remove this line when you begin.
//! # Drill 10: a broadcast
//!
//! Every receiver gets every value. Build it with `std::task` or with `curio::Event`; `curio::broadcast` is what you build.
//!
//! The rules:
//!
//! * A receiver gets what is sent after it has subscribed, in the order of sending.
//! * `send` never waits. At most `capacity` values are kept for receivers that are late; when there are more, the oldest is
//!   dropped.
//! * A receiver that fell behind is told once how many values it has missed, and goes on with the oldest one that is kept.
//! * After `close`, a receiver gets what is kept for it, and then `Closed`, however often it asks.
//! * A `recv` that is dropped loses no value.
//!
//! Read first: chapter 7 of the tour (waiting in line).

use crate::graders::broadcast::{BroadcastDrill, Received, ReceiverDrill};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Values that every receiver gets.
pub struct Broadcast {
    values: Rc<RefCell<VecDeque<u32>>>,
}

/// One of the receivers.
pub struct Receiver {
    values: Rc<RefCell<VecDeque<u32>>>,
}

impl BroadcastDrill for Broadcast {
    type Receiver = Receiver;

    fn new(_capacity: usize) -> Broadcast {
        Broadcast { values: Rc::default() }
    }

    fn subscribe(&self) -> Receiver {
        Receiver { values: Rc::clone(&self.values) }
    }

    fn send(&self, value: u32) {
        self.values.borrow_mut().push_back(value);
    }

    fn close(&self) {}

    fn kept(&self) -> usize {
        self.values.borrow().len()
    }
}

impl ReceiverDrill for Receiver {
    async fn recv(&mut self) -> Received {
        // All receivers take from the same values. And what if there is none yet?
        self.values.borrow_mut().pop_front().map_or(Received::Closed, Received::Value)
    }
}

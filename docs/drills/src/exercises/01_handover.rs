// NOT BEGUN: remove this line when you begin.
//! # Drill 1: a wake that is not lost
//!
//! One task hands values to another. Build `take`, a future by hand: with `std::task` alone, nothing from `curio`.
//!
//! The rules:
//!
//! * `take` returns the value if there is one, and otherwise waits until `put` is called.
//! * While it waits, its task is not polled: no loop that asks again and again.
//! * A future may be polled by one task first and by another one later. The one that polled last is woken.
//! * A `take` that is dropped takes no value with it.
//! * At most one task takes, and `put` is called only when the last value was taken.
//!
//! Read first: chapters 1 and 2 of the tour (what a future is; wakers).

use crate::graders::handover::HandoverDrill;
use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

/// A value on its way from one task to another.
pub struct Handover {
    value: Cell<Option<u32>>,
}

impl HandoverDrill for Handover {
    fn new() -> Handover {
        Handover { value: Cell::new(None) }
    }

    fn put(&self, value: u32) {
        self.value.set(Some(value));
    }

    fn take(&self) -> impl Future<Output = u32> {
        poll_fn(|_cx| match self.value.take() {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        })
    }
}

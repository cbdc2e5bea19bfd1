//! Drill 1, a solution.

use crate::graders::handover::HandoverDrill;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A value, and the task that waits for it.
pub struct Handover {
    value: Cell<Option<u32>>,
    waiting: RefCell<Option<Waker>>,
}

impl HandoverDrill for Handover {
    fn new() -> Handover {
        Handover { value: Cell::new(None), waiting: RefCell::new(None) }
    }

    fn put(&self, value: u32) {
        self.value.set(Some(value));
        // Taken out before it is called: a waker is foreign code, and might call `put` or `take` itself.
        let waiting = self.waiting.take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn take(&self) -> impl Future<Output = u32> {
        poll_fn(|cx| {
            if let Some(value) = self.value.take() {
                return Poll::Ready(value);
            }
            // In each poll: the last one may have come from another task. The value stays here and not in the future, so a
            // take that is dropped takes nothing with it.
            self.waiting.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
    }
}

//! Drill 2, a solution.

use crate::graders::event::EventDrill;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A flag, and the waits that `set` has not released yet.
pub struct Event {
    is_set: Cell<bool>,
    /// The number of the next wait.
    next: Cell<u64>,
    waits: RefCell<Vec<(u64, Waker)>>,
}

impl EventDrill for Event {
    fn new() -> Event {
        Event { is_set: Cell::new(false), next: Cell::new(0), waits: RefCell::default() }
    }

    fn set(&self) {
        self.is_set.set(true);
        // A wait that is no longer in the list has been released, whatever becomes of the flag before it runs.
        let released = self.waits.take();
        for (_, waker) in released {
            waker.wake();
        }
    }

    fn clear(&self) {
        self.is_set.set(false);
    }

    fn is_set(&self) -> bool {
        self.is_set.get()
    }

    fn wait(&self) -> impl Future<Output = ()> {
        Wait { event: self, number: None }
    }

    fn waiting(&self) -> usize {
        self.waits.borrow().len()
    }
}

struct Wait<'e> {
    event: &'e Event,
    /// Its number in the list, from the first poll on.
    number: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waits = self.event.waits.borrow_mut();
        match self.number {
            None if self.event.is_set.get() => return Poll::Ready(()),
            None => {
                let number = self.event.next.get();
                self.event.next.set(number + 1);
                waits.push((number, cx.waker().clone()));
                drop(waits);
                self.number = Some(number);
            }
            Some(number) => match waits.iter_mut().find(|wait| wait.0 == number) {
                Some((_, waker)) => waker.clone_from(cx.waker()),
                None => return Poll::Ready(()),
            },
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.event.waits.borrow_mut().retain(|wait| wait.0 != number);
        }
    }
}

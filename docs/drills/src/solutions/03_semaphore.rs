//! Drill 3, a solution.

use crate::graders::semaphore::SemaphoreDrill;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Permits, and a line of waits.
///
/// While a wait is in line, no permit is free: `release` gives it to the first wait instead of freeing it. So a newcomer finds
/// nothing to take, and needs no rule that keeps it from overtaking.
pub struct Semaphore {
    free: Cell<usize>,
    line: RefCell<VecDeque<Rc<Place>>>,
}

/// A place in line. The wait and the line both hold it.
struct Place {
    granted: Cell<bool>,
    waker: RefCell<Waker>,
}

impl SemaphoreDrill for Semaphore {
    fn new(permits: usize) -> Semaphore {
        Semaphore { free: Cell::new(permits), line: RefCell::default() }
    }

    fn acquire(&self) -> impl Future<Output = ()> {
        Acquire { semaphore: self, place: None }
    }

    fn try_acquire(&self) -> bool {
        let free = self.free.get();
        self.free.set(free.saturating_sub(1));
        free > 0
    }

    fn release(&self) {
        let first = self.line.borrow_mut().pop_front();
        match first {
            Some(place) => {
                // From now on the wait owns the permit, although its task has not been polled yet.
                place.granted.set(true);
                let waker = place.waker.borrow().clone();
                waker.wake();
            }
            None => self.free.set(self.free.get() + 1),
        }
    }

    fn free(&self) -> usize {
        self.free.get()
    }
}

struct Acquire<'s> {
    semaphore: &'s Semaphore,
    /// From the first poll on, until it has returned.
    place: Option<Rc<Place>>,
}

impl Future for Acquire<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.place {
            None if self.semaphore.try_acquire() => return Poll::Ready(()),
            None => {
                let place =
                    Rc::new(Place { granted: Cell::new(false), waker: RefCell::new(cx.waker().clone()) });
                self.semaphore.line.borrow_mut().push_back(Rc::clone(&place));
                self.place = Some(place);
            }
            Some(place) if place.granted.get() => {
                // The permit is the caller's now, so the destructor must not release it.
                self.place = None;
                return Poll::Ready(());
            }
            Some(place) => place.waker.borrow_mut().clone_from(cx.waker()),
        }
        Poll::Pending
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        match self.place.take() {
            // It owns a permit that its caller will never get.
            Some(place) if place.granted.get() => self.semaphore.release(),
            Some(place) => self.semaphore.line.borrow_mut().retain(|other| !Rc::ptr_eq(other, &place)),
            None => {}
        }
    }
}

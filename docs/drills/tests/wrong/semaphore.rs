use drills::graders::semaphore::SemaphoreDrill;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// `release` frees the permit and wakes the first waiter, which then takes it if it is still there.
pub(crate) const BARGING: u8 = 1;
/// A wait that was granted a permit and is dropped keeps it.
pub(crate) const LOSES_THE_GRANT: u8 = 2;
/// A wait that is dropped stays in line, and gets a permit.
pub(crate) const SERVES_THE_DROPPED: u8 = 3;
/// The last to come is served first.
pub(crate) const LAST_FIRST: u8 = 4;
/// There is always a permit.
pub(crate) const NO_LIMIT: u8 = 5;

#[derive(Default)]
pub(crate) struct Semaphore<const MISTAKE: u8> {
    free: Cell<usize>,
    line: RefCell<VecDeque<Rc<Place>>>,
}

struct Place {
    granted: Cell<bool>,
    waker: RefCell<Waker>,
}

struct Leaves<'s, const MISTAKE: u8>(&'s Semaphore<MISTAKE>, Option<Rc<Place>>);

impl<const MISTAKE: u8> Drop for Leaves<'_, MISTAKE> {
    fn drop(&mut self) {
        match self.1.take() {
            Some(_) if MISTAKE == SERVES_THE_DROPPED => {}
            Some(place) if place.granted.get() && MISTAKE != LOSES_THE_GRANT => self.0.release(),
            Some(place) => {
                self.0.line.borrow_mut().retain(|other| !Rc::ptr_eq(other, &place));
            }
            None => {}
        }
    }
}

impl<const MISTAKE: u8> SemaphoreDrill for Semaphore<MISTAKE> {
    fn new(permits: usize) -> Self {
        Semaphore { free: Cell::new(permits), line: RefCell::default() }
    }

    fn acquire(&self) -> impl Future<Output = ()> {
        let mut place = Leaves(self, None);
        poll_fn(move |cx| {
            if place.1.as_ref().is_some_and(|place| place.granted.get()) {
                place.1 = None;
                if MISTAKE != BARGING {
                    return Poll::Ready(());
                }
            }
            if place.1.is_none() && self.try_acquire() || MISTAKE == NO_LIMIT {
                return Poll::Ready(());
            }
            match &place.1 {
                Some(place) => *place.waker.borrow_mut() = cx.waker().clone(),
                None => {
                    let new =
                        Rc::new(Place { granted: Cell::new(false), waker: RefCell::new(cx.waker().clone()) });
                    self.line.borrow_mut().push_back(Rc::clone(&new));
                    place.1 = Some(new);
                }
            }
            Poll::Pending
        })
    }

    fn try_acquire(&self) -> bool {
        let free = self.free.get();
        self.free.set(free.saturating_sub(1));
        free > 0
    }

    fn release(&self) {
        let mut line = self.line.borrow_mut();
        let next = if MISTAKE == LAST_FIRST { line.pop_back() } else { line.pop_front() };
        drop(line);
        if next.is_none() || MISTAKE == BARGING {
            self.free.set(self.free.get() + 1);
        }
        if let Some(place) = next {
            place.granted.set(true);
            place.waker.borrow().wake_by_ref();
        }
    }

    fn free(&self) -> usize {
        self.free.get()
    }
}

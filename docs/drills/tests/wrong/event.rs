use drills::graders::event::EventDrill;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// `set` wakes the first wait alone.
pub(crate) const WAKES_ONE: u8 = 1;
/// A wait that was woken looks at the flag, which may be cleared by then.
pub(crate) const LOOKS_AGAIN: u8 = 2;
/// Leaves the wakers of dropped waits where they are.
pub(crate) const KEEPS_THE_DROPPED: u8 = 3;
/// `clear` does not count for waits that begin later.
pub(crate) const STAYS_SET: u8 = 4;

#[derive(Default)]
pub(crate) struct Event<const MISTAKE: u8> {
    is_set: Cell<bool>,
    was_set: Cell<bool>,
    waits: RefCell<Vec<Rc<RefCell<Waker>>>>,
}

struct Place<'e, const MISTAKE: u8> {
    event: &'e Event<MISTAKE>,
    waker: Option<Rc<RefCell<Waker>>>,
}

impl<const MISTAKE: u8> Place<'_, MISTAKE> {
    fn is_in_line(&self, waker: &Rc<RefCell<Waker>>) -> bool {
        self.event.waits.borrow().iter().any(|other| Rc::ptr_eq(other, waker))
    }
}

impl<const MISTAKE: u8> Drop for Place<'_, MISTAKE> {
    fn drop(&mut self) {
        if let (Some(waker), true) = (&self.waker, MISTAKE != KEEPS_THE_DROPPED) {
            self.event.waits.borrow_mut().retain(|other| !Rc::ptr_eq(other, waker));
        }
    }
}

impl<const MISTAKE: u8> EventDrill for Event<MISTAKE> {
    fn new() -> Self {
        Event { is_set: Cell::default(), was_set: Cell::default(), waits: RefCell::default() }
    }

    fn set(&self) {
        self.is_set.set(true);
        self.was_set.set(true);
        let mut waits = self.waits.borrow_mut();
        let end = if MISTAKE == WAKES_ONE { waits.len().min(1) } else { waits.len() };
        let released: Vec<_> = waits.drain(..end).collect();
        drop(waits);
        released.iter().for_each(|waker| waker.borrow().wake_by_ref());
    }

    fn clear(&self) {
        self.is_set.set(false);
    }

    fn is_set(&self) -> bool {
        self.is_set.get()
    }

    fn wait(&self) -> impl Future<Output = ()> {
        let mut place = Place { event: self, waker: None };
        poll_fn(move |cx| {
            let stays_set = MISTAKE == STAYS_SET && self.was_set.get();
            match &place.waker {
                None if self.is_set.get() || stays_set => return Poll::Ready(()),
                Some(_) if MISTAKE == LOOKS_AGAIN && self.is_set.get() => return Poll::Ready(()),
                Some(waker) if place.is_in_line(waker) => {
                    *waker.borrow_mut() = cx.waker().clone();
                    return Poll::Pending;
                }
                Some(_) if MISTAKE != LOOKS_AGAIN => return Poll::Ready(()),
                _ => {}
            }
            let waker = Rc::new(RefCell::new(cx.waker().clone()));
            self.waits.borrow_mut().push(Rc::clone(&waker));
            place.waker = Some(waker);
            Poll::Pending
        })
    }

    fn waiting(&self) -> usize {
        self.waits.borrow().len()
    }
}

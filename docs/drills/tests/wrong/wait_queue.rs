use drills::graders::wait_queue::WaitQueueDrill;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Never uses a place again.
pub(crate) const NEVER_AGAIN: u8 = 1;
/// A wait that was granted its turn and is dropped keeps it.
pub(crate) const LOSES_THE_TURN: u8 = 2;
/// The last to come is served first.
pub(crate) const LAST_FIRST: u8 = 3;
/// A wait that is dropped stays in line.
pub(crate) const KEEPS_THE_DROPPED: u8 = 4;

/// Here a place is an allocation, and only their number is counted.
#[derive(Default)]
pub(crate) struct WaitQueue<const MISTAKE: u8> {
    line: RefCell<VecDeque<Rc<Place>>>,
    used: Cell<usize>,
    places: Cell<usize>,
}

struct Place {
    granted: Cell<bool>,
    waker: RefCell<Waker>,
}

struct Leaves<'q, const MISTAKE: u8>(&'q WaitQueue<MISTAKE>, Option<Rc<Place>>);

impl<const MISTAKE: u8> Drop for Leaves<'_, MISTAKE> {
    fn drop(&mut self) {
        let Some(place) = self.1.take() else { return };
        self.0.used.set(self.0.used.get() - 1);
        if place.granted.get() {
            if MISTAKE != LOSES_THE_TURN {
                self.0.grant_first();
            }
        } else if MISTAKE != KEEPS_THE_DROPPED {
            self.0.line.borrow_mut().retain(|other| !Rc::ptr_eq(other, &place));
        }
    }
}

impl<const MISTAKE: u8> WaitQueueDrill for WaitQueue<MISTAKE> {
    fn new() -> Self {
        WaitQueue { line: RefCell::default(), used: Cell::new(0), places: Cell::new(0) }
    }

    fn wait(&self) -> impl Future<Output = ()> {
        let mut leaves = Leaves(self, None);
        poll_fn(move |cx| {
            match &leaves.1 {
                Some(place) if place.granted.get() => {
                    self.used.set(self.used.get() - 1);
                    leaves.1 = None;
                    return Poll::Ready(());
                }
                Some(place) => *place.waker.borrow_mut() = cx.waker().clone(),
                None => {
                    let place =
                        Rc::new(Place { granted: Cell::new(false), waker: RefCell::new(cx.waker().clone()) });
                    self.line.borrow_mut().push_back(Rc::clone(&place));
                    self.used.set(self.used.get() + 1);
                    let again = MISTAKE != NEVER_AGAIN;
                    self.places.set(if again {
                        self.places.get().max(self.used.get())
                    } else {
                        self.places.get() + 1
                    });
                    leaves.1 = Some(place);
                }
            }
            Poll::Pending
        })
    }

    fn grant_first(&self) -> bool {
        let mut line = self.line.borrow_mut();
        let next = if MISTAKE == LAST_FIRST { line.pop_back() } else { line.pop_front() };
        drop(line);
        let Some(place) = next else { return false };
        place.granted.set(true);
        place.waker.borrow().wake_by_ref();
        true
    }

    fn places(&self) -> usize {
        self.places.get()
    }
}

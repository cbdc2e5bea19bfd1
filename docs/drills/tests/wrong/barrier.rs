use drills::graders::barrier::BarrierDrill;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The arrivals of one round are not forgotten in the next.
pub(crate) const ONE_ROUND: u8 = 1;
/// A wait that is dropped has arrived all the same.
pub(crate) const COUNTS_THE_DROPPED: u8 = 2;
/// A wait that is dropped takes an arrival back, of whichever round.
pub(crate) const TAKES_BACK_TOO_MUCH: u8 = 3;
/// Every task is told that it was the last.
pub(crate) const ALL_ARE_LAST: u8 = 4;
/// Waits until the count has come to the number of tasks, but the last one resets it.
pub(crate) const LOOKS_AT_THE_COUNT: u8 = 5;
/// The last one to arrive waits for the others to go on.
pub(crate) const LAST_ONE_WAITS: u8 = 6;

pub(crate) struct Barrier<const MISTAKE: u8> {
    tasks: usize,
    round: Cell<u32>,
    arrived: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

struct Leaves<'b, const MISTAKE: u8>(&'b Barrier<MISTAKE>, Option<u32>);

impl<const MISTAKE: u8> Drop for Leaves<'_, MISTAKE> {
    fn drop(&mut self) {
        let Some(round) = self.1 else { return };
        let is_current = round == self.0.round.get();
        let takes_back = match MISTAKE {
            COUNTS_THE_DROPPED => false,
            TAKES_BACK_TOO_MUCH => true,
            _ => is_current,
        };
        if takes_back {
            self.0.arrived.set(self.0.arrived.get().wrapping_sub(1));
        }
    }
}

impl<const MISTAKE: u8> BarrierDrill for Barrier<MISTAKE> {
    fn new(tasks: usize) -> Self {
        Barrier { tasks, round: Cell::new(0), arrived: Cell::new(0), waiting: RefCell::default() }
    }

    fn wait(&self) -> impl Future<Output = bool> {
        let mut place = Leaves(self, None);
        poll_fn(move |cx| {
            // All of it: its number alone would be copied into this closure, and its destructor run too early.
            let place = &mut place;
            match place.1 {
                None => {
                    self.arrived.set(self.arrived.get().wrapping_add(1));
                    place.1 = Some(self.round.get());
                    let is_over = if MISTAKE == ONE_ROUND {
                        self.arrived.get() >= self.tasks
                    } else {
                        self.arrived.get() == self.tasks
                    };
                    if is_over {
                        self.round.set(self.round.get() + 1);
                        if MISTAKE != ONE_ROUND {
                            self.arrived.set(0);
                        }
                        self.waiting.take().into_iter().for_each(Waker::wake);
                        if MISTAKE == LAST_ONE_WAITS {
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        place.1 = None;
                        return Poll::Ready(true);
                    }
                }
                Some(_) if MISTAKE == LOOKS_AT_THE_COUNT && self.arrived.get() < self.tasks => {}
                Some(round) if round < self.round.get() => {
                    place.1 = None;
                    return Poll::Ready(MISTAKE == ALL_ARE_LAST);
                }
                Some(_) => {}
            }
            self.waiting.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
    }
}

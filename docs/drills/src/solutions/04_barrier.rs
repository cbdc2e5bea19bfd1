//! Drill 4, a solution.

use crate::graders::barrier::BarrierDrill;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Rounds, each of which ends when enough tasks have arrived.
pub struct Barrier {
    tasks: usize,
    /// The number of the current round.
    round: Cell<u64>,
    /// How many have arrived in it.
    arrived: Cell<usize>,
    /// Who waits in it. Some wakers may be of waits that were dropped, and some may be there twice: calling these does no
    /// harm, and they are gone at the end of the round.
    waiting: RefCell<Vec<Waker>>,
}

impl BarrierDrill for Barrier {
    fn new(tasks: usize) -> Barrier {
        Barrier { tasks, round: Cell::new(0), arrived: Cell::new(0), waiting: RefCell::default() }
    }

    fn wait(&self) -> impl Future<Output = bool> {
        Wait { barrier: self, arrived_in: None }
    }
}

impl Barrier {
    fn end_round(&self) {
        self.round.set(self.round.get() + 1);
        self.arrived.set(0);
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

struct Wait<'b> {
    barrier: &'b Barrier,
    /// The round that it belongs to, from the first poll on. The number of arrivals would not do: it begins again with the next
    /// round, whose tasks may arrive before this one is polled.
    arrived_in: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let barrier = self.barrier;
        match self.arrived_in {
            None if barrier.arrived.get() + 1 >= barrier.tasks => {
                barrier.end_round();
                return Poll::Ready(true);
            }
            None => {
                barrier.arrived.set(barrier.arrived.get() + 1);
                self.arrived_in = Some(barrier.round.get());
            }
            Some(round) if round < barrier.round.get() => return Poll::Ready(false),
            Some(_) => {}
        }
        barrier.waiting.borrow_mut().push(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        // Once its round is over, its arrival has been used up.
        if self.arrived_in == Some(self.barrier.round.get()) {
            self.barrier.arrived.set(self.barrier.arrived.get() - 1);
        }
    }
}

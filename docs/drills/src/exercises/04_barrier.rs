// NOT BEGUN: remove this line when you begin.
//! # Drill 4: a barrier
//!
//! A point at which a number of tasks wait for one another. You may use what you have built in the drills before, or
//! `std::task`; `curio::Barrier` is what you build.
//!
//! The rules:
//!
//! * `wait` returns when all tasks have arrived: true to the last one, which does not wait, and false to the others.
//! * The barrier can be used again. A quick task may arrive in the next round before a slow one has left this round; it must
//!   not slip through.
//! * A wait that is dropped does not count as an arrival. If its round was over already, the next round loses nothing.
//!
//! Read first: chapter 7 of the tour (waiting in line).

use crate::graders::barrier::BarrierDrill;
use std::cell::Cell;

/// A point at which tasks wait for one another.
pub struct Barrier {
    tasks: usize,
    arrived: Cell<usize>,
}

impl BarrierDrill for Barrier {
    fn new(tasks: usize) -> Barrier {
        Barrier { tasks, arrived: Cell::new(0) }
    }

    async fn wait(&self) -> bool {
        self.arrived.set(self.arrived.get() + 1);
        // Who waits here, and until when?
        self.arrived.get() == self.tasks
    }
}

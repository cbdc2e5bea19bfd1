//! The kernel: the loop, and the parts it works on.
//!
//! ```text
//! loop {
//!     wait     until a task is ready; not at all if one is
//!     run      exactly the tasks that were ready when the cycle began
//! }
//! ```
//!
//! "Exactly the tasks that were ready" is the fairness guarantee: a task that wakes itself over and over gets one poll per
//! cycle like all others.

use crate::run_queue::RunQueue;
use crate::task_table::TaskTable;
use std::sync::Arc;
use std::task::Context;

/// An event loop and its tasks.
#[derive(Default)]
pub struct Kernel {
    tasks: TaskTable,
    run_queue: Arc<RunQueue>,
}

impl Kernel {
    /// A kernel without tasks.
    pub fn new() -> Kernel {
        Kernel::default()
    }

    /// Adds a task. It is polled for the first time when the kernel runs.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let slot = self.tasks.add(Box::pin(future), &self.run_queue);
        self.run_queue.push(slot);
    }

    /// Runs until every task has ended.
    pub fn run(&mut self) {
        while !self.tasks.is_empty() {
            self.cycle();
        }
    }

    /// One turn of the loop.
    fn cycle(&mut self) {
        self.run_queue.wait();
        for _ in 0..self.run_queue.len() {
            let Some(slot) = self.run_queue.pop() else { break };
            self.run_task(slot);
        }
    }

    /// One poll of one task.
    fn run_task(&mut self, slot: u32) {
        let Some(task) = self.tasks.get(slot) else { return };
        let mut cx = Context::from_waker(&task.waker);
        if task.future.as_mut().poll(&mut cx).is_ready() {
            self.tasks.remove(slot);
        }
    }
}

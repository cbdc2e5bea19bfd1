//! A barrier: no task goes on before all have arrived.

use super::blocking;
use super::locked::Locked;
use super::wait_set::{HasWaitSet, Progress, SetWait, WaitSet};
use crate::task::info::TaskState;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A point at which `n` tasks or threads wait for one another. The last to arrive releases all of them, and the barrier
/// can be used again for the next round.
///
/// ```
/// use std::rc::Rc;
///
/// curio::run(async {
///     let barrier = Rc::new(curio::Barrier::new(2));
///     let there = barrier.clone();
///     let first = curio::spawn(async move { there.wait().await });
///     curio::schedule().await;
///     assert!(barrier.wait().await, "the last to come is the leader");
///     assert!(!first.join().await.unwrap());
/// });
/// ```
pub struct Barrier {
    size: usize,
    state: Locked<BarrierState>,
}

struct BarrierState {
    /// How many wait in this round.
    arrived: usize,
    waiting: WaitSet,
}

impl HasWaitSet for BarrierState {
    fn wait_set(&mut self) -> &mut WaitSet {
        &mut self.waiting
    }

    fn given_up(&mut self) {
        self.arrived -= 1;
    }
}

impl Barrier {
    /// A barrier for `n` tasks or threads. With 0 or 1, no call waits.
    pub const fn new(n: usize) -> Barrier {
        Barrier { size: n, state: Locked::new(BarrierState { arrived: 0, waiting: WaitSet::new() }) }
    }

    /// Waits until all have arrived. True for the last one, the leader, which does not wait: exactly one in each round.
    ///
    /// Cancel-safe: a wait that is dropped does not count as an arrival, and the round waits for another.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait {
            size: self.size,
            wait: SetWait::new(&self.state, TaskState::EventWait, Location::caller()),
        }
    }

    /// [`wait`](Self::wait) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    ///
    /// ```
    /// let barrier = curio::Barrier::new(2);
    /// let leaders = std::thread::scope(|threads| {
    ///     let thread = threads.spawn(|| barrier.wait_blocking());
    ///     let task = curio::run(barrier.wait());
    ///     [task, thread.join().unwrap()]
    /// });
    /// assert!(leaders[0] != leaders[1], "one of them is the leader");
    /// ```
    #[track_caller]
    pub fn wait_blocking(&self) -> bool {
        blocking::wait(self.wait())
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = self.state.peek(|state| state.arrived);
        f.debug_struct("Barrier").field("arrived", &arrived).field("size", &self.size).finish()
    }
}

/// The future of [`wait`](Barrier::wait), of a [`Barrier`].
#[must_use = "futures do nothing unless awaited"]
pub struct BarrierWait<'a> {
    size: usize,
    wait: SetWait<'a, Locked<BarrierState>>,
}

impl Future for BarrierWait<'_> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let BarrierWait { size, wait } = self.get_mut();
        wait.poll(cx, |state, progress, wakers| match progress {
            Progress::Arriving if state.arrived + 1 >= *size => {
                state.arrived = 0;
                state.waiting.release_all(wakers);
                Some(true)
            }
            Progress::Arriving => {
                state.arrived += 1;
                None
            }
            Progress::Waiting => None,
            Progress::Released => Some(false),
        })
    }
}

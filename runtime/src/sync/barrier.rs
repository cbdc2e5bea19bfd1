//! A barrier: nobody goes on before all have come.

use super::blocking;
use super::wait_queue::{Ticket, WaitState, Wakes};
use super::wait_set::WaitSet;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// A place where `n` tasks or threads meet. The last to come lets all of them go on, and the barrier is there
/// for the next round.
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
    state: Mutex<State>,
}

struct State {
    /// How many wait in this round.
    arrived: usize,
    waiting: WaitSet,
}

impl Barrier {
    /// A barrier for `n`. One for 0 or 1 stops nobody.
    pub const fn new(n: usize) -> Barrier {
        Barrier { size: n, state: Mutex::new(State { arrived: 0, waiting: WaitSet::new() }) }
    }

    /// Waits until all have come. True for the last one, which does not wait: exactly one in each round.
    ///
    /// Cancel-safe: whoever gives up waiting has not come, and the round waits for another.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait { barrier: self, ticket: None, at: Location::caller() }
    }

    /// [`wait`](Self::wait) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn wait_blocking(&self) -> bool {
        blocking::wait(self.wait())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = self.lock().arrived;
        f.debug_struct("Barrier").field("arrived", &arrived).field("size", &self.size).finish()
    }
}

/// The future of [`Barrier::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    ticket: Option<Ticket>,
    at: &'static Location<'static>,
}

impl Future for BarrierWait<'_> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let mut wakes = Wakes::default();
        let mut state = this.barrier.lock();
        if state.waiting.released(&mut this.ticket) {
            return Poll::Ready(false);
        }
        if this.ticket.is_none() {
            if state.arrived + 1 >= this.barrier.size {
                state.arrived = 0;
                state.waiting.release_all(&mut wakes);
                drop(state);
                wakes.wake();
                return Poll::Ready(true);
            }
            state.arrived += 1;
        }
        let replaced = state.waiting.wait(&mut this.ticket, cx);
        drop(state);
        drop(replaced);
        traps::park(TaskState::EventWait, this.at, Resource::Nothing);
        Poll::Pending
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut state = self.barrier.lock();
            let left = state.waiting.leave(&mut self.ticket);
            if left.as_ref().is_some_and(|left| left.state == WaitState::Waiting) {
                state.arrived -= 1;
            }
            drop(state);
            drop(left);
        }
    }
}

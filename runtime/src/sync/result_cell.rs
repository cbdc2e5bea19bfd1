//! A result that any number of tasks wait for: Curio's `Result`.

use super::blocking;
use super::locked::Locked;
use super::wait_set::{HasWaitSet, SetWait, WaitSet};
use crate::task::info::TaskState;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A cell for a result that is not there yet. Each task or thread that asks for it waits until it is, and gets a copy.
///
/// For a result that one waiter takes away, see [`oneshot`](crate::oneshot()).
///
/// ```
/// use std::rc::Rc;
///
/// curio::run(async {
///     let answer = Rc::new(curio::ResultCell::<u32, String>::new());
///     let asked = answer.clone();
///     let task = curio::spawn(async move { asked.unwrap().await });
///     answer.set_value(42);
///     assert_eq!(task.join().await.unwrap(), Ok(42));
///     assert_eq!(answer.unwrap().await, Ok(42));
/// });
/// ```
///
/// A failure reaches all of them, too; a thread waits with `unwrap_blocking`:
///
/// ```
/// let answer = curio::ResultCell::<u32, &str>::new();
/// std::thread::scope(|threads| {
///     let asking = threads.spawn(|| answer.unwrap_blocking());
///     assert!(!answer.is_set());
///     answer.set_exception("out of time");
///     assert_eq!(asking.join().unwrap(), Err("out of time"));
/// });
/// ```
pub struct ResultCell<T, E> {
    state: Locked<CellState<T, E>>,
}

struct CellState<T, E> {
    result: Option<Result<T, E>>,
    waiting: WaitSet,
}

impl<T, E> HasWaitSet for CellState<T, E> {
    fn wait_set(&mut self) -> &mut WaitSet {
        &mut self.waiting
    }
}

impl<T, E> ResultCell<T, E> {
    /// A cell without a result.
    pub const fn new() -> ResultCell<T, E> {
        ResultCell { state: Locked::new(CellState { result: None, waiting: WaitSet::new() }) }
    }

    /// Sets the result to a value and wakes every waiter. A result that is there already is replaced, for those that
    /// have not read it yet.
    pub fn set_value(&self, value: T) {
        self.set(Ok(value));
    }

    /// Sets the result to an error: Curio's `set_exception`. Otherwise as [`set_value`](Self::set_value).
    pub fn set_exception(&self, error: E) {
        self.set(Err(error));
    }

    /// Whether there is a result.
    pub fn is_set(&self) -> bool {
        self.state.peek(|state| state.result.is_some())
    }

    fn set(&self, result: Result<T, E>) {
        let replaced = self.state.with(|state, wakers| {
            state.waiting.release_all(wakers);
            state.result.replace(result)
        });
        drop(replaced);
    }
}

impl<T: Clone, E: Clone> ResultCell<T, E> {
    /// Waits for the result and returns a copy of it. Cancel-safe.
    ///
    /// # Errors
    /// What [`set_exception`](Self::set_exception) was given.
    ///
    /// The copy is made while the cell is locked: a `clone` of yours must not use this same cell.
    #[track_caller]
    pub fn unwrap(&self) -> Unwrap<'_, T, E> {
        Unwrap(SetWait::new(&self.state, TaskState::ResultWait, Location::caller()))
    }

    /// [`unwrap`](Self::unwrap) for a thread.
    ///
    /// # Errors
    /// What [`set_exception`](Self::set_exception) was given.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn unwrap_blocking(&self) -> Result<T, E> {
        blocking::wait(self.unwrap())
    }
}

impl<T, E> Default for ResultCell<T, E> {
    fn default() -> ResultCell<T, E> {
        ResultCell::new()
    }
}

impl<T, E> fmt::Debug for ResultCell<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultCell").field("is_set", &self.is_set()).finish()
    }
}

/// The future of [`unwrap`](ResultCell::unwrap), of a [`ResultCell`].
#[must_use = "futures do nothing unless awaited"]
pub struct Unwrap<'a, T, E>(SetWait<'a, Locked<CellState<T, E>>>);

impl<T: Clone, E: Clone> Future for Unwrap<'_, T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        self.get_mut().0.poll(cx, |state, _, _| state.result.clone())
    }
}

//! A channel whose every receiver gets every value: [`broadcast`](crate::broadcast()).
//!
//! The values are kept in one row, each with the number of receivers that have not read it yet; a receiver is a
//! position in that row. A receiver that has not read a value has not read those after it either. So the row is
//! consumed from its front: the last receiver to read a value takes it out, and when the row is full a new value pushes
//! the oldest one out.

use super::blocking;
use super::locked::Locked;
use super::wait_set::{HasWaitSet, SetWait, WaitSet};
use crate::task::info::TaskState;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A sender and a receiver of a channel that gives every receiver a copy of every value.
///
/// Sending never waits. A receiver that falls more than `cap` values behind misses the oldest, and its next `recv` returns
/// how many.
///
/// # Panics
/// If `cap` is 0.
///
/// ```
/// curio::run(async {
///     let (sender, mut one) = curio::broadcast(16);
///     let mut two = sender.subscribe();
///     assert_eq!(sender.send("news"), 2);
///     assert_eq!(one.recv().await, Ok("news"));
///     assert_eq!(two.recv().await, Ok("news"));
/// });
/// ```
#[track_caller]
pub fn broadcast<T: Clone>(cap: usize) -> (Sender<T>, Receiver<T>) {
    assert!(cap > 0, "a broadcast channel for 0 values could never deliver one");
    let state = BroadcastState {
        row: VecDeque::new(),
        first: 0,
        cap,
        senders: 1,
        receivers: 1,
        waiting: WaitSet::new(),
    };
    let state = Arc::new(Locked::new(state));
    (Sender { state: Arc::clone(&state) }, Receiver { state, next: 0 })
}

/// Sends values to all receivers; made by [`broadcast`](crate::broadcast()). When the last sender is dropped, the receivers
/// get what they have not read, and then [`RecvError::Closed`].
pub struct Sender<T> {
    state: Arc<Locked<BroadcastState<T>>>,
}

/// Receives what was sent since it was made: by [`broadcast`](crate::broadcast()), or by [`Sender::subscribe`].
///
/// [`RecvError`] shows what happens to one that is too slow.
pub struct Receiver<T> {
    state: Arc<Locked<BroadcastState<T>>>,
    /// The number of the value to read next.
    next: u64,
}

/// Why [`Receiver::recv`] has no value.
///
/// ```
/// use curio::sync::broadcast::RecvError;
///
/// let (sender, mut receiver) = curio::broadcast(2);
/// for n in 1..=3 {
///     sender.send(n); // the third pushes the first out
/// }
/// drop(sender);
/// assert_eq!(receiver.recv_blocking(), Err(RecvError::Lagged(1)));
/// assert_eq!(receiver.recv_blocking(), Ok(2));
/// assert_eq!(receiver.recv_blocking(), Ok(3));
/// assert_eq!(receiver.recv_blocking(), Err(RecvError::Closed));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecvError {
    /// So many values were pushed out before this receiver read them. The next `recv` goes on after the gap.
    Lagged(u64),
    /// Every value has been read, and all senders are gone.
    Closed,
}

struct BroadcastState<T> {
    row: VecDeque<Value<T>>,
    /// The number of the value at the front; they are numbered from 0 on.
    first: u64,
    cap: usize,
    senders: usize,
    receivers: usize,
    waiting: WaitSet,
}

struct Value<T> {
    value: T,
    /// How many receivers have yet to read it.
    unread: usize,
}

impl<T> HasWaitSet for BroadcastState<T> {
    fn wait_set(&mut self) -> &mut WaitSet {
        &mut self.waiting
    }
}

impl<T> BroadcastState<T> {
    /// The number that the next value will have.
    fn end(&self) -> u64 {
        self.first + self.row.len() as u64
    }
}

impl<T> Sender<T> {
    /// Sends a value to all receivers and returns how many there are. With none, the value is dropped. It never
    /// waits, so threads use it as it is.
    pub fn send(&self, value: T) -> usize {
        let (receivers, unwanted) = self.state.with(|state, wakers| {
            let unread = state.receivers;
            if unread == 0 {
                return (0, Some(value));
            }
            let pushed_out = if state.row.len() == state.cap {
                state.first += 1;
                state.row.pop_front()
            } else {
                None
            };
            state.row.push_back(Value { value, unread });
            state.waiting.release_all(wakers);
            (unread, pushed_out.map(|pushed_out| pushed_out.value))
        });
        drop(unwanted);
        receivers
    }

    /// Another receiver, of what is sent from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        let next = self.state.peek(|state| {
            state.receivers += 1;
            state.end()
        });
        Receiver { state: Arc::clone(&self.state), next }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.state.peek(|state| state.senders += 1);
        Sender { state: Arc::clone(&self.state) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.state.with(|state, wakers| {
            state.senders -= 1;
            if state.senders == 0 {
                state.waiting.release_all(wakers);
            }
        });
    }
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next value. Cancel-safe: a dropped wait has read nothing.
    ///
    /// Copies are made while the channel is locked: a `clone` of yours must not use this same channel. The last
    /// receiver to read a value gets the original.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] if values were missed, [`RecvError::Closed`] after the last one.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        let wait = SetWait::new(&*self.state, TaskState::QueueGet, Location::caller());
        Recv { next: &mut self.next, wait }
    }

    /// [`recv`](Self::recv) for a thread.
    ///
    /// # Errors
    /// As `recv`.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Result<T, RecvError> {
        blocking::wait(self.recv())
    }
}

impl<T: Clone> BroadcastState<T> {
    /// The value that a receiver reads next, if there is one. Its place moves on only when it has been read.
    fn read(&mut self, next: &mut u64) -> Option<Result<T, RecvError>> {
        if *next < self.first {
            let missed = self.first - *next;
            *next = self.first;
            return Some(Err(RecvError::Lagged(missed)));
        }
        let index = usize::try_from(*next - self.first).expect("within a row that fits in memory");
        let Some(entry) = self.row.get_mut(index) else {
            return (self.senders == 0).then_some(Err(RecvError::Closed));
        };
        let value = if entry.unread > 1 {
            let value = entry.value.clone();
            entry.unread -= 1;
            value
        } else {
            debug_assert_eq!(index, 0, "those before it have been read by all");
            self.first += 1;
            self.row.pop_front()?.value
        };
        *next += 1;
        Some(Ok(value))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let unwanted: Vec<_> = self.state.peek(|state| {
            state.receivers -= 1;
            let read = usize::try_from(self.next.saturating_sub(state.first))
                .expect("within a row that fits in memory");
            for entry in state.row.iter_mut().skip(read) {
                entry.unread -= 1;
            }
            let done = state.row.iter().take_while(|entry| entry.unread == 0).count();
            state.first += done as u64;
            state.row.drain(..done).collect()
        });
        drop(unwanted);
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Lagged(1) => f.write_str("the receiver fell behind and missed a value"),
            RecvError::Lagged(missed) => write!(f, "the receiver fell behind and missed {missed} values"),
            RecvError::Closed => f.write_str("the channel is closed: all of its senders are gone"),
        }
    }
}

impl Error for RecvError {}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("broadcast::Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("broadcast::Receiver").finish_non_exhaustive()
    }
}

/// The future of [`recv`](Receiver::recv), of a [`Receiver`] of a [`broadcast`](crate::broadcast()).
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, T> {
    next: &'a mut u64,
    wait: SetWait<'a, Locked<BroadcastState<T>>>,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        let Recv { next, wait } = self.get_mut();
        wait.poll(cx, |state, _, _| state.read(next))
    }
}

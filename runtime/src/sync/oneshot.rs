//! A channel for one value: [`oneshot`](crate::oneshot()).

use super::blocking;
use super::locked::Locked;
use crate::error::Closed;
use crate::kernel::task_record::Resource;
use crate::kernel::waker::renew;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// A sender and a receiver of one value, to be moved wherever they are needed: into tasks, into threads.
///
/// One allocation. O(1).
///
/// ```
/// curio::run(async {
///     let (sender, receiver) = curio::oneshot();
///     std::thread::spawn(move || sender.send(6 * 7));
///     assert_eq!(receiver.recv().await, Ok(42));
/// });
/// ```
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let state = OneshotState { value: None, waker: None, sender: true, receiver: true };
    let state = Arc::new(Locked::new(state));
    (Sender { state: Arc::clone(&state) }, Receiver { state })
}

/// Sends the value of a [`oneshot`](crate::oneshot()). If it is dropped without sending, the receiver gets [`Closed`].
///
/// ```
/// let (sender, receiver) = curio::oneshot();
/// let thread = std::thread::spawn(move || receiver.recv_blocking());
/// sender.send("done").unwrap();
/// assert_eq!(thread.join().unwrap(), Ok("done"));
///
/// let (sender, receiver) = curio::oneshot();
/// drop(receiver);
/// assert!(sender.is_closed());
/// assert_eq!(sender.send("too late"), Err("too late"));
/// ```
pub struct Sender<T> {
    state: Arc<Locked<OneshotState<T>>>,
}

/// Receives the value of a [`oneshot`](crate::oneshot()). When it has been dropped, the sender's `send` returns the value as
/// an error.
///
/// `(&mut receiver).await` waits without giving the receiver up, so that
/// `timeout_after(limit, &mut receiver)` may be tried again.
///
/// ```
/// use curio::timeout_after;
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let (sender, mut receiver) = curio::oneshot();
///     assert!(timeout_after(Duration::from_secs(1), &mut receiver).await.is_err());
///     sender.send(42).unwrap();
///     assert_eq!(receiver.recv().await, Ok(42));
/// });
/// ```
///
/// For threads, `recv_blocking` does the same: see [`Sender`].
pub struct Receiver<T> {
    state: Arc<Locked<OneshotState<T>>>,
}

struct OneshotState<T> {
    value: Option<T>,
    waker: Option<Waker>,
    /// Whether the sender is there.
    sender: bool,
    /// Whether the receiver is there.
    receiver: bool,
}

impl<T> Sender<T> {
    /// Hands the value over. It never waits, so threads use it as it is.
    ///
    /// # Errors
    /// The value, if the receiver is gone.
    pub fn send(self, value: T) -> Result<(), T> {
        self.state.peek(|state| {
            if !state.receiver {
                return Err(value);
            }
            state.value = Some(value);
            // The receiver is woken by the drop of the sender, which follows.
            Ok(())
        })
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        self.state.peek(|state| !state.receiver)
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.state.with(|state, wakers| {
            state.sender = false;
            wakers.add(state.waker.take());
        });
    }
}

impl<T> Receiver<T> {
    /// Waits for the value. If this is dropped, the receiver is gone, and a value that was sent is dropped too.
    ///
    /// # Errors
    /// [`Closed`] if the sender is gone and sent nothing.
    #[track_caller]
    pub fn recv(self) -> Recv<Receiver<T>> {
        Recv { receiver: self, at: Location::caller() }
    }

    /// [`recv`](Self::recv) for a thread.
    ///
    /// # Errors
    /// As `recv`.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn recv_blocking(self) -> Result<T, Closed> {
        blocking::wait(self.recv())
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Result<T, Closed>> {
        ready!(traps::spend(cx));
        let received = self.state.with(|state, wakers| {
            let received = state.value.take().map(Ok).or((!state.sender).then_some(Err(Closed(()))));
            if received.is_none() {
                wakers.discard(renew(&mut state.waker, cx.waker()));
            }
            received
        });
        if let Some(received) = received {
            return Poll::Ready(received);
        }
        traps::park(TaskState::ResultWait, at, Resource::Nothing);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.state.with(|state, wakers| {
            state.receiver = false;
            wakers.discard(state.waker.take());
        });
    }
}

impl<T> IntoFuture for Receiver<T> {
    type Output = Result<T, Closed>;
    type IntoFuture = Recv<Receiver<T>>;

    #[track_caller]
    fn into_future(self) -> Recv<Receiver<T>> {
        self.recv()
    }
}

impl<'a, T> IntoFuture for &'a mut Receiver<T> {
    type Output = Result<T, Closed>;
    type IntoFuture = Recv<&'a mut Receiver<T>>;

    #[track_caller]
    fn into_future(self) -> Recv<&'a mut Receiver<T>> {
        Recv { receiver: self, at: Location::caller() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oneshot::Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oneshot::Receiver").finish_non_exhaustive()
    }
}

/// The future of [`recv`](Receiver::recv) of a [`Receiver`], and of a `&mut Receiver`.
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<R> {
    receiver: R,
    at: &'static Location<'static>,
}

impl<T> Future for Recv<Receiver<T>> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let this = self.get_mut();
        this.receiver.poll_recv(cx, this.at)
    }
}

impl<T> Future for Recv<&mut Receiver<T>> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let this = self.get_mut();
        this.receiver.poll_recv(cx, this.at)
    }
}

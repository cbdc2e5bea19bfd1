//! A bounded [`channel`](crate::channel()): a queue (`buffer.rs`) that is closed when its last sender or its last receiver
//! is gone.

use super::blocking;
use super::buffer::{Buffer, Get, Put, PutError};
use super::queue_order::Fifo;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// A sender and a receiver of a channel that holds up to `cap` items. Both may be cloned: an item goes to one of
/// the receivers. For a channel without a limit, `cap` may be `usize::MAX`.
///
/// Senders are served in the order in which they came, and so are receivers. Every operation is O(1).
///
/// # Panics
/// If `cap` is 0.
///
/// ```
/// curio::testing::run(async {
///     let (sender, receiver) = curio::channel(1);
///     let counting = curio::spawn_named("counting", async move {
///         for n in 1..=3 {
///             sender.send(n).await.unwrap();
///         }
///     }); // the sender is dropped here, and so the loop below ends
///     let mut sum = 0;
///     while let Some(n) = receiver.recv().await {
///         sum += n;
///     }
///     assert_eq!(sum, 6);
///     counting.join().await.unwrap();
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #1 main  SUSPEND    QUEUE_GET
/// [t=0.000s] #2 counting  RUN        cycle 1
/// [t=0.000s] #1 main  WAKE       by #2
/// [t=0.000s] #2 counting  SUSPEND    QUEUE_PUT
/// [t=0.000s] #1 main  RUN        cycle 2
/// [t=0.000s] #2 counting  WAKE       by #1
/// [t=0.000s] #1 main  SUSPEND    QUEUE_GET
/// [t=0.000s] #2 counting  RUN        cycle 2
/// …
/// ```
#[track_caller]
pub fn channel<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    assert!(cap > 0, "a channel for 0 items could never pass one on");
    let channel = Arc::new(Channel {
        buffer: Buffer::new(cap),
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
    });
    (Sender { channel: Arc::clone(&channel) }, Receiver { channel })
}

struct Channel<T> {
    buffer: Buffer<Fifo<T>>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

/// Puts items into a [`channel`](crate::channel()). When the last sender is dropped, the channel is closed. Either side can
/// close it before: see [`Receiver`].
///
/// Without waiting, and in threads that run no kernel:
///
/// ```
/// use curio::sync::channel::SendError;
///
/// let (sender, receiver) = curio::channel(1);
/// sender.try_send("first").unwrap();
/// let refused = sender.try_send("second").unwrap_err();
/// assert_eq!(refused, SendError::Full("second"));
///
/// let thread = std::thread::spawn(move || sender.send_blocking(refused.into_inner()));
/// assert_eq!(receiver.recv_blocking(), Some("first"));
/// assert_eq!(receiver.recv_blocking(), Some("second"));
/// thread.join().unwrap().unwrap();
/// ```
pub struct Sender<T> {
    channel: Arc<Channel<T>>,
}

/// Takes items out of a [`channel`](crate::channel()). When the last receiver is dropped, the channel is closed and what
/// is in it is dropped.
///
/// ```
/// curio::run(async {
///     let (sender, receiver) = curio::channel(8);
///     sender.try_send("last").unwrap();
///     receiver.close(); // nothing more can be sent; what is there can still be taken
///     assert!(sender.is_closed());
///     assert_eq!(receiver.try_recv(), Some("last"));
///     assert_eq!(receiver.recv().await, None);
/// });
/// ```
///
/// For threads, `recv_blocking` does the same: see [`Sender`].
pub struct Receiver<T> {
    channel: Arc<Channel<T>>,
}

/// Why an item was not sent by a [`Sender`]; it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// There is no room, or other senders wait for it.
    Full(T),
    /// The channel is closed.
    Closed(T),
}

impl<T> Sender<T> {
    /// Sends an item; waits while the channel is full. If this is dropped before it is ready, nothing was sent.
    ///
    /// # Errors
    /// [`SendError::Closed`] with the item.
    #[track_caller]
    pub fn send(&self, item: T) -> SendFuture<'_, T> {
        SendFuture(self.channel.buffer.put(item, Location::caller()))
    }

    /// Sends an item if there is room and no other sender waits for it.
    ///
    /// # Errors
    /// [`SendError::Full`] or [`SendError::Closed`], with the item.
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        self.channel.buffer.try_put(item).map_err(|error| match error {
            PutError::Full(item) => SendError::Full(item),
            PutError::Closed(item) => SendError::Closed(item),
        })
    }

    /// [`send`](Self::send) for a thread.
    ///
    /// # Errors
    /// As `send`.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn send_blocking(&self, item: T) -> Result<(), SendError<T>> {
        blocking::wait(self.send(item))
    }

    /// Closes the channel: nothing more can be sent, and receivers get what is in it and then `None`.
    pub fn close(&self) {
        self.channel.buffer.close();
    }

    /// Whether the channel is closed: by `close`, or because all receivers are gone.
    pub fn is_closed(&self) -> bool {
        self.channel.buffer.is_closed()
    }
}

impl<T> Receiver<T> {
    /// Takes the next item; waits while there is none. `None` when the channel is closed and empty. If this is
    /// dropped before it is ready, nothing was taken.
    #[track_caller]
    pub fn recv(&self) -> Recv<'_, T> {
        Recv(self.channel.buffer.get(Location::caller()))
    }

    /// Takes the next item if there is one and no other receiver waits for it. It never waits, so threads use it as it is.
    pub fn try_recv(&self) -> Option<T> {
        self.channel.buffer.try_get()
    }

    /// [`recv`](Self::recv) for a thread.
    ///
    /// # Panics
    /// Inside a kernel.
    #[track_caller]
    pub fn recv_blocking(&self) -> Option<T> {
        blocking::wait(self.recv())
    }

    /// Closes the channel: nothing more can be sent, and receivers get what is in it and then `None`.
    pub fn close(&self) {
        self.channel.buffer.close();
    }

    /// Whether the channel is closed: by `close`, or because all senders are gone. There may be items left.
    pub fn is_closed(&self) -> bool {
        self.channel.buffer.is_closed()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.channel.senders.fetch_add(1, Ordering::Relaxed);
        Sender { channel: Arc::clone(&self.channel) }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        self.channel.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { channel: Arc::clone(&self.channel) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.channel.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.channel.buffer.close();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.channel.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.channel.buffer.close_and_clear();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("channel::Sender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("channel::Receiver").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> SendError<T> {
    /// The item that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            SendError::Full(item) | SendError::Closed(item) => item,
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "the channel is full",
            SendError::Closed(_) => "the channel is closed",
        })
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "Full(..)",
            SendError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> Error for SendError<T> {}

/// The future of [`send`](Sender::send), of a [`Sender`].
#[must_use = "futures do nothing unless awaited"]
pub struct SendFuture<'a, T>(Put<'a, Fifo<T>>);

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        Pin::new(&mut self.0).poll(cx).map_err(SendError::Closed)
    }
}

/// The future of [`recv`](Receiver::recv), of a [`Receiver`].
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, T>(Get<'a, Fifo<T>>);

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

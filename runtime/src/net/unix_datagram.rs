//! Datagrams between processes of one machine: like UDP, but none is lost and the addresses are paths.
//!
//! None is lost, because a sender has to wait while the receiver's queue is full. A *connected* socket becomes writable
//! when there is room again. An unconnected one, which names its receiver with each message, is always writable, and on
//! Linux each refused message makes it "become writable" again. To wait for that and retry would be a busy loop, in which
//! not even a virtual clock could advance. So [`send_to`](UnixDatagram::send_to) trusts that event once, and then retries
//! in growing intervals.

use super::senders::Senders;
use super::socket::{Attempt, Socket};
use super::unix::bound;
use crate::kernel::reactor::Direction;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps::{self, Timer};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::net::Shutdown;
use std::os::unix::net::SocketAddr;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The first pause of a sender whose receiver is full, and the longest that it grows to.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// A Unix socket for single messages. A bound one leaves its file behind when it is dropped.
///
/// Methods take `&self`: one task may receive while others send.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let (left, right) = curio::UnixDatagram::pair()?;
///     left.send(b"one").await?;
///     left.send(b"two").await?;
///     let mut message = [0; 16];
///     assert_eq!(right.recv(&mut message).await?, 3);
///     assert_eq!(&message[..3], b"one");
///     Ok(())
/// })
/// # }
/// ```
///
/// A receiver with a path, and senders with and without one:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("curio-doc-{}", std::process::id()));
/// # std::fs::create_dir(&folder)?;
/// use curio::UnixDatagram;
/// use std::net::Shutdown;
///
/// curio::run(async {
///     let log = UnixDatagram::bind(folder.join("log"))?;
///     let path = log.local_addr()?;
///     let path = path.as_pathname().expect("it is bound");
///     UnixDatagram::unbound()?.send_to(b"from nowhere", path).await?;
///
///     let service = std::os::unix::net::UnixDatagram::bind(folder.join("service"))?;
///     let service = UnixDatagram::from_std(service)?;
///     service.connect(path)?;
///     assert_eq!(service.peer_addr()?.as_pathname(), Some(path));
///     service.send(b"from a service").await?;
///     service.shutdown(Shutdown::Both)?;
///
///     let mut message = [0; 100];
///     let (_length, sender) = log.recv_from(&mut message).await?;
///     assert!(sender.is_unnamed());
///     let (length, sender) = log.recv_from(&mut message).await?;
///     assert_eq!(&message[..length], b"from a service");
///     assert_eq!(sender.as_pathname(), Some(&*folder.join("service")));
///     std::fs::remove_dir_all(&folder)
/// })
/// # }
/// ```
pub struct UnixDatagram {
    socket: Socket<mio::net::UnixDatagram>,
    senders: Senders,
}

impl UnixDatagram {
    /// A socket with a file at `path`, to which others can send.
    ///
    /// # Errors
    /// `AddrInUse` if there is a file of that name; else the file system's. It names the path.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        UnixDatagram::from_mio(bound(path.as_ref(), mio::net::UnixDatagram::bind(&path))?)
    }

    /// A socket without a path: it can send, but receivers cannot reply.
    ///
    /// # Errors
    /// The process has no file descriptors left.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::from_mio(mio::net::UnixDatagram::unbound()?)
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    /// The process has no file descriptors left.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (left, right) = mio::net::UnixDatagram::pair()?;
        Ok((UnixDatagram::from_mio(left)?, UnixDatagram::from_mio(right)?))
    }

    /// Takes over a socket of the standard library.
    ///
    /// # Errors
    /// The operating system refuses to watch it.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket.set_nonblocking(true)?;
        let socket = Socket::new(mio::net::UnixDatagram::from_std(socket))?.used_before();
        Ok(UnixDatagram { socket, senders: Senders::new() })
    }

    #[track_caller]
    fn from_mio(socket: mio::net::UnixDatagram) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { socket: Socket::new(socket)?, senders: Senders::new() })
    }

    /// Sets the peer to which [`send`](Self::send) sends and from which alone messages are received.
    ///
    /// # Errors
    /// `NotFound` if there is no such file, `ConnectionRefused` if no socket has it open any more.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.source().connect(path)
    }

    /// Sends one message to the connected peer; waits while its queue is full. Cancel-safe.
    ///
    /// # Errors
    /// The operating system's: `NotConnected`, a message too long, no receiver any more.
    #[track_caller]
    pub fn send<'a>(&'a self, message: &'a [u8]) -> impl Future<Output = io::Result<usize>> + use<'a> {
        self.senders.send(&self.socket, Location::caller(), |socket| socket.send(message))
    }

    /// Receives one message. What is longer than `buf` is cut off. Cancel-safe: a dropped receive took nothing.
    ///
    /// # Errors
    /// The operating system's, and `ResourceBusy` if another task waits to receive.
    #[track_caller]
    pub fn recv<'a>(&'a self, buf: &'a mut [u8]) -> impl Future<Output = io::Result<usize>> + use<'a> {
        self.socket.op(Direction::Read, Location::caller(), |socket| socket.recv(buf).map(Attempt::full))
    }

    /// Sends one message to the socket at `path`; waits while its queue is full. Cancel-safe.
    ///
    /// The operating system does not tell when there is room again, so a full receiver is tried again after 1 ms, and
    /// then after pauses that grow to 64 ms. [Connect](Self::connect) and [`send`](Self::send) where that matters.
    ///
    /// # Errors
    /// As [`send`](Self::send), and `NotFound` if there is no such file.
    #[track_caller]
    pub fn send_to<'a, P: AsRef<Path> + 'a>(
        &'a self,
        message: &'a [u8],
        path: P,
    ) -> impl Future<Output = io::Result<usize>> + use<'a, P> {
        let (path, at) = (path.as_ref().to_path_buf(), Location::caller());
        let mut was_full = false;
        let mut sending =
            self.senders.send(&self.socket, at, move |socket| match socket.send_to(message, &path) {
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && mem::replace(&mut was_full, true) =>
                {
                    Ok(None)
                }
                sent => sent.map(Some),
            });
        let mut pauses = Pauses::new(at);
        poll_fn(move |cx| {
            loop {
                ready!(pauses.poll(cx));
                match ready!(Pin::new(&mut sending).poll(cx)) {
                    Ok(None) => pauses.begin(cx),
                    Ok(Some(length)) => return Poll::Ready(Ok(length)),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        })
    }

    /// Receives one message, and returns its length and the sender's address, which has no path if the sender is unbound. A
    /// message longer than `buf` is truncated. Cancel-safe: a dropped receive took nothing.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[track_caller]
    pub fn recv_from<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + use<'a> {
        self.socket.op(Direction::Read, Location::caller(), |socket| socket.recv_from(buf).map(Attempt::full))
    }

    /// Ends one direction or both.
    ///
    /// # Errors
    /// The operating system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.source().shutdown(how)
    }

    /// This end's address.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().local_addr()
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// `NotConnected` if it is not; else the operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().peer_addr()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixDatagram").field(self.socket.source()).finish()
    }
}

/// The growing pauses between the attempts of a sender for which the operating system reports no room.
struct Pauses {
    running: Option<Timer>,
    next: Duration,
    at: &'static Location<'static>,
}

impl Pauses {
    fn new(at: &'static Location<'static>) -> Pauses {
        Pauses { running: None, next: FIRST_PAUSE, at }
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        self.running = traps::now().checked_add(self.next).and_then(|end| traps::set_timer(end, cx.waker()));
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }

    /// Ready when none is running.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.running.as_mut().is_some_and(|timer| !timer.poll_fired(cx.waker())) {
            traps::park(TaskState::WriteWait, self.at, Resource::Nothing);
            return Poll::Pending;
        }
        self.running = None;
        Poll::Ready(())
    }
}

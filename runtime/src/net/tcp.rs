//! TCP streams and listeners.

use super::address::ToAddresses;
use super::error_codes;
use super::socket::{Attempt, Socket};
use super::split::{self, EndWriting, ReadHalf, WriteHalf};
use super::stream::{read_methods, write_methods};
use crate::kernel::reactor::{Direction, SocketKind};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A TCP connection.
///
/// Methods take `&self`: one task may read while another writes. Dropping it closes the connection.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::{TcpListener, TcpStream};
///
/// curio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _peer) = listener.accept().await?;
///
///     let echo = curio::spawn_named("echo", async move {
///         let request = server.read_exactly(5).await?;
///         server.sendall(&request).await
///     });
///     curio::schedule().await; // the server waits before there is anything to read
///     client.sendall(b"hello").await?;
///     assert_eq!(client.read_all().await?, b"hello");
///     echo.join().await?
/// })
/// # }
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #2 echo  RUN        cycle 1
/// [t=0.000s] #2 echo  SUSPEND    READ_WAIT
/// [t=0.000s] #1 main  RUN        cycle 3
/// [t=0.001s] #1 main  SUSPEND    READ_WAIT
/// [t=0.001s] IDLE
/// [t=0.001s] #2 echo  WAKE       by a socket that can be read
/// [t=0.001s] #2 echo  RUN        cycle 2
/// [t=0.001s] #2 echo  END        TERMINATED
/// [t=0.001s] IDLE
/// [t=0.001s] #1 main  WAKE       by a socket that can be read
/// [t=0.001s] #1 main  RUN        cycle 4
/// …
/// ```
///
/// How it works inside: the tour, `docs/tour/06-when-is-a-socket-ready.md` in the repository.
///
/// One direction can be ended before the other, and threads of the standard library may have made the socket:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::{TcpListener, TcpStream};
/// use std::net::Shutdown;
///
/// curio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let client = TcpStream::from_std(std::net::TcpStream::connect(listener.local_addr()?)?)?;
///     let (server, peer) = listener.accept().await?;
///     assert_eq!((client.local_addr()?, server.peer_addr()?), (peer, peer));
///
///     client.set_nodelay(true)?; // no small write waits for another one
///     client.write_all(b"that ").await?;
///     client.write_all(b"is all").await?;
///     client.shutdown(Shutdown::Write)?; // the server sees the end, and can still reply
///     assert_eq!(server.read_all().await?, b"that is all");
///     server.try_write(b"bye")?; // without waiting
///     let mut reply = [0; 16];
///     let length = client.read(&mut reply).await?;
///     assert_eq!(&reply[..length], b"bye");
///     Ok(())
/// })
/// # }
/// ```
pub struct TcpStream {
    pub(super) socket: Socket<mio::net::TcpStream>,
}

read_methods!(TcpStream);
write_methods!(TcpStream);

impl TcpStream {
    /// Connects to the first of the addresses that accepts the connection, trying one after the other; names are resolved
    /// in a thread. [`open_connection`](crate::open_connection) tries them side by side. Cancel-safe: dropping it closes the
    /// attempt.
    ///
    /// # Errors
    /// The look-up's or the last address's error.
    #[track_caller]
    pub fn connect<A: ToAddresses>(address: A) -> impl Future<Output = io::Result<TcpStream>> {
        let at = Location::caller();
        let addresses = address.to_addresses();
        async move {
            let mut result = Err(io::ErrorKind::InvalidInput.into());
            for address in addresses?.look_up(at).await? {
                result = TcpStream::connect_to(address, at).await;
                if result.is_ok() {
                    break;
                }
            }
            result
        }
    }

    /// Connects to one address.
    pub(super) async fn connect_to(
        address: SocketAddr,
        at: &'static Location<'static>,
    ) -> io::Result<TcpStream> {
        TcpStream::ours(mio::net::TcpStream::connect(address)?)?.when_connected(at).await
    }

    /// The same, of a socket whose connecting has begun.
    pub(super) async fn when_connected(self, at: &'static Location<'static>) -> io::Result<TcpStream> {
        // A connecting socket becomes writable when it is connected, or when that failed.
        self.socket.clear_ready(Direction::Write);
        let op = self.socket.op(Direction::Write, at, |source| {
            if self.socket.is_connected() {
                return Ok(Attempt::full(()));
            }
            if let Some(error) = source.take_error()? {
                return Err(error);
            }
            // Through mio, which has to see `WouldBlock` to go on watching (see `reactor.rs`).
            source.try_io(|| match source.peer_addr() {
                Ok(_) => Ok(Attempt::full(())),
                Err(error) if is_connecting(&error) => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => Err(error),
            })
        });
        op.await?;
        Ok(self)
    }

    /// Takes over a connected stream of the standard library.
    ///
    /// # Errors
    /// The operating system refuses to watch it.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        let TcpStream { socket } = TcpStream::foreign(mio::net::TcpStream::from_std(stream))?;
        Ok(TcpStream { socket: socket.used_before() })
    }

    /// Waits until a socket is connected that another crate has made, with options of its own, and whose connecting has begun: its
    /// `connect` has returned, without an error or with one that is [`in_progress`](crate::net::in_progress).
    /// Cancel-safe: dropping it closes the socket.
    ///
    /// [`connect_to_any_with`](crate::net::connect_to_any_with) does the same for several addresses, and has an example.
    ///
    /// # Errors
    /// Connecting has failed, or the operating system refuses to watch the socket. A socket whose `connect` was not called, or
    /// failed at once, may never be ready.
    #[track_caller]
    pub fn from_connecting(stream: std::net::TcpStream) -> impl Future<Output = io::Result<TcpStream>> {
        let at = Location::caller();
        async move {
            stream.set_nonblocking(true)?;
            TcpStream::foreign(mio::net::TcpStream::from_std(stream))?.when_connected(at).await
        }
    }

    /// A stream whose descriptor was made here.
    #[track_caller]
    pub(super) fn ours(stream: mio::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream { socket: Socket::of_kind(stream, SocketKind::TcpStream { is_ours: true })? })
    }

    /// A stream of which the caller may have another descriptor.
    #[track_caller]
    pub(super) fn foreign(stream: mio::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream { socket: Socket::of_kind(stream, SocketKind::TcpStream { is_ours: false })? })
    }

    /// The other end's address.
    ///
    /// # Errors
    /// The operating system's; `NotConnected` once the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().peer_addr()
    }

    /// This end's address.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().local_addr()
    }

    /// With `true`, small writes go out at once instead of waiting to be put together (Nagle's algorithm off).
    ///
    /// # Errors
    /// The operating system's.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.socket.source().set_nodelay(on)
    }

    /// Ends one direction or both, while the stream stays open for the other.
    ///
    /// # Errors
    /// The operating system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.source().shutdown(how)
    }

    /// Splits the stream, for one task to read and another to write. Dropping the [`WriteHalf`] shuts writing down;
    /// the connection is closed when both halves are gone. [`ReadHalf`] has an example.
    pub fn into_split(self) -> (ReadHalf<TcpStream>, WriteHalf<TcpStream>) {
        split::halves(self)
    }

    pub(super) fn socket(&self) -> &Socket<mio::net::TcpStream> {
        &self.socket
    }

    /// Writes as many bytes as the operating system takes at once, and returns how many. Never waits, and works outside of a
    /// kernel too: for a last message when a connection is dropped, such as a TLS close_notify.
    ///
    /// # Errors
    /// `WouldBlock` if nothing can be written now; otherwise the operating system's.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.source().write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }

    /// Whether an idle connection can still be used: nothing has been received, neither bytes nor its end. Costs no system
    /// call unless the kernel has seen an event for the socket. For connection pools.
    ///
    /// ```
    /// use curio::TcpStream;
    ///
    /// /// The idle connection that was used last, unless the server has closed it meanwhile.
    /// fn checkout(idle: &mut Vec<TcpStream>) -> Option<TcpStream> {
    ///     while let Some(stream) = idle.pop() {
    ///         if stream.is_quiet() {
    ///             return Some(stream);
    ///         }
    ///     }
    ///     None
    /// }
    /// ```
    pub fn is_quiet(&self) -> bool {
        self.socket.is_quiet(|source| source.peek(&mut [0]))
    }

    /// [`is_quiet`](TcpStream::is_quiet) with one system call, so that it also sees what was received after the kernel last polled
    /// for events, for example during a long computation. False for a socket of another kernel.
    pub fn is_quiet_now(&self) -> bool {
        self.socket.is_quiet_now(|source| source.peek(&mut [0]))
    }
}

impl split::sealed::Sealed for TcpStream {}

impl ReadHalf<TcpStream> {
    fn socket(&self) -> &Socket<mio::net::TcpStream> {
        self.stream().socket()
    }
}

impl WriteHalf<TcpStream> {
    fn socket(&self) -> &Socket<mio::net::TcpStream> {
        self.stream().socket()
    }
}

read_methods!(ReadHalf<TcpStream>);
write_methods!(WriteHalf<TcpStream>);

/// The error of `getpeername` for a socket that is still connecting: ENOTCONN on most systems, EINPROGRESS on some (mio's
/// documentation of `TcpStream::connect`).
fn is_connecting(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotConnected || error.raw_os_error() == Some(error_codes::IN_PROGRESS)
}

impl EndWriting for TcpStream {
    fn end_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpStream").field(self.socket.source()).finish()
    }
}

/// A socket that accepts TCP connections.
///
/// [`TcpStream`] has an example.
pub struct TcpListener {
    socket: Socket<mio::net::TcpListener>,
}

impl TcpListener {
    /// Listens on the first of the addresses that can be bound. Port 0 takes any free one;
    /// [`local_addr`](Self::local_addr) returns it. A name is looked up in a thread. Cancel-safe.
    ///
    /// # Errors
    /// The look-up's or the last address's error; it names the address.
    #[track_caller]
    pub fn bind<A: ToAddresses>(address: A) -> impl Future<Output = io::Result<TcpListener>> {
        let at = Location::caller();
        let addresses = address.to_addresses();
        async move {
            let source = addresses?.bind(at, mio::net::TcpListener::bind).await?;
            Ok(TcpListener { socket: Socket::new(source)? })
        }
    }

    /// Takes over a listening socket of the standard library.
    ///
    /// # Errors
    /// The operating system refuses to watch it.
    ///
    /// # Panics
    /// Outside of a kernel.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// let socket = std::net::TcpListener::bind("127.0.0.1:0")?; // or one that was inherited
    /// curio::run(async {
    ///     let listener = curio::TcpListener::from_std(socket)?;
    ///     let client = curio::TcpStream::connect(listener.local_addr()?).await?;
    ///     assert_eq!(listener.accept().await?.1, client.local_addr()?);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        Ok(TcpListener { socket: Socket::new(mio::net::TcpListener::from_std(listener))?.used_before() })
    }

    /// Waits for a connection. Cancel-safe: a dropped accept accepted nothing.
    ///
    /// # Errors
    /// The operating system's: the process has no file descriptors left, or the connection broke before it was
    /// taken. The listener stays usable. `ResourceBusy` if another task accepts from it.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + use<'_> {
        self.accept_at(Location::caller())
    }

    /// [`accept`](Self::accept) for a caller further out.
    pub(super) fn accept_at(
        &self,
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + use<'_> {
        let accepting = self.socket.op(Direction::Read, at, |source| source.accept().map(Attempt::full));
        async move {
            let (stream, peer) = accepting.await?;
            Ok((TcpStream::ours(stream)?, peer))
        }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().local_addr()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(self.socket.source()).finish()
    }
}

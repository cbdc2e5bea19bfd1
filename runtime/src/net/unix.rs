//! Sockets that have a path in the file system instead of an address: for processes on one machine.
//!
//! A listener creates a file at its path, which stays when the listener is closed, and then no other one can bind to that
//! path. That is the operating system's behaviour, and `std`'s. [`unix_server`](crate::unix_server) removes its file.

use super::socket::{Attempt, Socket};
use super::split::{self, EndWriting, ReadHalf, WriteHalf};
use super::stream::{read_methods, write_methods};
use crate::error::while_doing;
use crate::kernel::reactor::Direction;
use crate::time::sleep;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::SocketAddr;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a connect waits before it retries when the listener's backlog is full: the operating system reports no event
/// when there is room again.
const FULL_QUEUE: Duration = Duration::from_millis(5);

/// Connects to the Unix socket at `path`: the same as [`UnixStream::connect`]. [`UnixListener`] has an example.
///
/// # Errors
/// `NotFound` if there is no such file, `ConnectionRefused` if no listener has it open any more.
#[track_caller]
pub fn open_unix_connection<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<UnixStream>> {
    UnixStream::connect(path)
}

/// A connection between two processes of this machine, or within one.
///
/// Methods take `&self`: one task may read while another writes. Dropping it closes the connection.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let (left, right) = curio::UnixStream::pair()?;
///     left.sendall(b"hello").await?;
///     assert_eq!(right.read_exactly(5).await?, b"hello");
///     Ok(())
/// })
/// # }
/// ```
///
/// It has the methods of a [`TcpStream`](crate::TcpStream):
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::UnixStream;
/// use std::net::Shutdown;
///
/// curio::run(async {
///     let (left, right) = std::os::unix::net::UnixStream::pair()?;
///     let (left, right) = (UnixStream::from_std(left)?, UnixStream::from_std(right)?);
///     assert!(left.local_addr()?.is_unnamed() && left.peer_addr()?.is_unnamed());
///     left.write_all(b"that is all").await?;
///     left.shutdown(Shutdown::Write)?; // the other end can still reply
///     assert_eq!(right.read_all().await?, b"that is all");
///     right.write_all(b"bye").await?;
///     let mut reply = [0; 16];
///     assert_eq!(left.read(&mut reply).await?, 3);
///     Ok(())
/// })
/// # }
/// ```
pub struct UnixStream {
    socket: Socket<mio::net::UnixStream>,
}

read_methods!(UnixStream);
write_methods!(UnixStream);

impl UnixStream {
    /// Connects to the socket at `path`. If the listener's queue is full, it waits until there is room.
    /// Cancel-safe.
    ///
    /// # Errors
    /// `NotFound` if there is no such file, `ConnectionRefused` if no listener has it open any more.
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<UnixStream>> {
        let at = Location::caller();
        async move {
            loop {
                match mio::net::UnixStream::connect(path.as_ref()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        sleep(FULL_QUEUE).at_line(at).await
                    }
                    result => return UnixStream::from_mio(result?),
                }
            }
        }
    }

    /// Two streams that are connected to each other.
    ///
    /// # Errors
    /// The process has no file descriptors left.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (left, right) = mio::net::UnixStream::pair()?;
        Ok((UnixStream::from_mio(left)?, UnixStream::from_mio(right)?))
    }

    /// Takes over a connected stream of the standard library.
    ///
    /// # Errors
    /// The operating system refuses to watch it.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        stream.set_nonblocking(true)?;
        Ok(UnixStream { socket: Socket::new(mio::net::UnixStream::from_std(stream))?.used_before() })
    }

    #[track_caller]
    fn from_mio(stream: mio::net::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream { socket: Socket::new(stream)? })
    }

    /// The other end's address: the listener's path, or none.
    ///
    /// # Errors
    /// The operating system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().peer_addr()
    }

    /// This end's address, which usually has no path.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().local_addr()
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
    pub fn into_split(self) -> (ReadHalf<UnixStream>, WriteHalf<UnixStream>) {
        split::halves(self)
    }

    pub(super) fn socket(&self) -> &Socket<mio::net::UnixStream> {
        &self.socket
    }
}

impl split::sealed::Sealed for UnixStream {}

impl ReadHalf<UnixStream> {
    fn socket(&self) -> &Socket<mio::net::UnixStream> {
        self.stream().socket()
    }
}

impl WriteHalf<UnixStream> {
    fn socket(&self) -> &Socket<mio::net::UnixStream> {
        self.stream().socket()
    }
}

read_methods!(ReadHalf<UnixStream>);
write_methods!(WriteHalf<UnixStream>);

impl EndWriting for UnixStream {
    fn end_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixStream").field(self.socket.source()).finish()
    }
}

/// Names the path in the error of a bind that failed.
pub(super) fn bound<S>(path: &Path, result: io::Result<S>) -> io::Result<S> {
    result.map_err(|error| while_doing(format_args!("binding {}", path.display()), error))
}

/// A Unix socket that accepts connections. Its file stays behind when it is dropped.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("curio-doc-{}.socket", std::process::id()));
/// curio::run(async {
///     let listener = curio::UnixListener::bind(&path)?;
///     assert_eq!(listener.local_addr()?.as_pathname(), Some(&*path));
///     let client = curio::open_unix_connection(&path).await?;
///     let (server, _) = listener.accept().await?;
///     client.sendall(b"hello").await?;
///     assert_eq!(server.read_exactly(5).await?, b"hello");
///     std::fs::remove_file(&path)
/// })
/// # }
/// ```
pub struct UnixListener {
    socket: Socket<mio::net::UnixListener>,
}

impl UnixListener {
    /// Makes a socket file at `path` and listens there.
    ///
    /// # Errors
    /// `AddrInUse` if there is a file of that name, even one that a process left behind; else the file system's.
    /// It names the path.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        Ok(UnixListener { socket: Socket::new(bound(path.as_ref(), mio::net::UnixListener::bind(&path))?)? })
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
    /// # let path = std::env::temp_dir().join(format!("curio-doc-std-{}.socket", std::process::id()));
    /// let socket = std::os::unix::net::UnixListener::bind(&path)?; // or one that was inherited
    /// curio::run(async {
    ///     let listener = curio::UnixListener::from_std(socket)?;
    ///     let client = curio::UnixStream::connect(&path).await?;
    ///     let (server, _peer) = listener.accept().await?;
    ///     std::fs::remove_file(&path)
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        Ok(UnixListener { socket: Socket::new(mio::net::UnixListener::from_std(listener))?.used_before() })
    }

    /// Waits for a connection. Cancel-safe: a dropped accept accepted nothing.
    ///
    /// # Errors
    /// The operating system's: the process has no file descriptors left. The listener stays usable.
    /// `ResourceBusy` if another task accepts from it.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> + use<'_> {
        self.accept_at(Location::caller())
    }

    /// [`accept`](Self::accept) for a caller further out.
    pub(super) fn accept_at(
        &self,
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> + use<'_> {
        let accepting = self.socket.op(Direction::Read, at, |source| source.accept().map(Attempt::full));
        async move {
            let (stream, peer) = accepting.await?;
            Ok((UnixStream::from_mio(stream)?, peer))
        }
    }

    /// The path it listens at.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.source().local_addr()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixListener").field(self.socket.source()).finish()
    }
}

//! A stream split in two: one half for the task that reads, one for the task that writes.
//!
//! The methods of a stream take `&self`, so that two tasks may share one behind an `Rc`. What the halves add is the
//! meaning of *dropping*: a task that has written everything drops its half, and the peer sees the end of the stream,
//! while its reply can still be read.

use std::fmt;
use std::io;
use std::rc::Rc;

/// The half of a stream that is read from; made by `into_split`.
///
/// Dropping it sends nothing to the peer. The connection is closed when both halves are dropped.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let listener = curio::TcpListener::bind("127.0.0.1:0").await?;
///     let client = curio::TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _) = listener.accept().await?;
///
///     let (reader, writer) = client.into_split();
///     writer.write_all(b"that is all").await?;
///     drop(writer); // the server sees the end of the stream
///     assert_eq!(server.read_all().await?, b"that is all");
///     server.sendall(b"thanks").await?;
///     let mut reply = [0; 16];
///     let length = reader.read(&mut reply).await?;
///     assert_eq!(&reply[..length], b"thanks");
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct ReadHalf<S> {
    stream: Rc<S>,
}

/// The half of a stream that is written to; made by `into_split`. [`ReadHalf`] has an example.
///
/// Dropping it shuts down writing: the peer receives everything that was sent, then the end of the stream.
pub struct WriteHalf<S: EndWriting> {
    stream: Rc<S>,
}

/// A stream of which one direction can be ended: [`TcpStream`](super::TcpStream), and `UnixStream` on Unix.
pub trait EndWriting: sealed::Sealed {
    /// Shuts down writing, so that the peer sees the end of the stream: what dropping a [`WriteHalf`] does. [`ReadHalf`] has
    /// an example.
    ///
    /// # Errors
    /// The operating system's; `NotConnected` once the connection is gone.
    fn end_writing(&self) -> io::Result<()>;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

pub(super) fn halves<S: EndWriting>(stream: S) -> (ReadHalf<S>, WriteHalf<S>) {
    let stream = Rc::new(stream);
    (ReadHalf { stream: Rc::clone(&stream) }, WriteHalf { stream })
}

impl<S> ReadHalf<S> {
    /// The whole stream, for its addresses and settings.
    pub fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: EndWriting> WriteHalf<S> {
    /// The whole stream, for its addresses and settings.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    pub(super) fn end_writing(&self) -> io::Result<()> {
        self.stream.end_writing()
    }
}

impl<S: EndWriting> Drop for WriteHalf<S> {
    fn drop(&mut self) {
        // It fails only when the connection is gone already, and then there is no peer to notify.
        let _ = self.end_writing();
    }
}

impl<S: EndWriting + fmt::Debug> fmt::Debug for WriteHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").field("stream", &self.stream).finish()
    }
}

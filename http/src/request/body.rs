//! The body of a request, before it is sent: [`Body`].
//!
//! A request may have to be sent again, after a redirect with status 307 or on a stale connection. Text in memory can be
//! sent again, a file can be opened again, a reader or a stream can be read only once. So a [`Body`] is a description, and `upload/`
//! turns it into bytes when the request is sent.

use bytes::Bytes;
use futures_core::Stream;
use futures_io::AsyncRead;
use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of a request: from text or bytes in memory, from a file, a reader or a stream. Files, readers and streams are sent
/// in chunks and never held in memory as a whole. `Body::from(response)` sends the body of a [`Response`](crate::Response) on.
///
/// ```
/// use curio_http::Body;
///
/// let text = Body::from("plain text");
/// let bytes = Body::from(vec![1u8, 2, 3]);
/// let file = Body::from_file("large.bin");
/// ```
/// What can be sent once only is not copied:
///
/// ```
/// use curio_http::Body;
/// use futures_util::io::Cursor;
///
/// let reader = Body::from_reader(Cursor::new("read while it is sent"));
/// assert!(reader.try_clone().is_none() && reader.as_bytes().is_none());
/// let text = Body::from("plain text");
/// assert_eq!(text.try_clone().unwrap().as_bytes(), Some(&b"plain text"[..]));
/// ```
pub struct Body {
    pub(crate) source: Source,
}

pub(crate) enum Source {
    /// In memory; an empty one stands for "no body".
    Bytes(Bytes),
    /// Opened when sent.
    File(PathBuf),
    Reader(Box<dyn AsyncRead + Unpin>),
    Stream(BodyStream),
    /// One after the other; none of them is a sequence itself. A form with files is one.
    Sequence(Vec<Body>),
    /// A reader or stream that has been sent.
    Spent,
}

/// A body that arrives piece by piece.
pub(crate) struct BodyStream {
    pub(crate) pieces: Pin<Box<dyn Stream<Item = Result<Bytes, PieceError>>>>,
    /// How many bytes they are together, if that is known.
    pub(crate) length: Option<u64>,
}

type PieceError = Box<dyn StdError + Send + Sync>;

/// The pieces of a stream with the types that [`BodyStream`] has.
struct Pieces<S>(Pin<Box<S>>);

impl<S, B, E> Stream for Pieces<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Bytes>,
    E: Into<PieceError>,
{
    type Item = Result<Bytes, PieceError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.0.as_mut().poll_next(cx);
        piece.map(|piece| piece.map(|piece| piece.map(Into::into).map_err(Into::into)))
    }
}

impl Body {
    /// A body of unknown length, read from `reader` while it is sent, with `Transfer-Encoding: chunked`
    /// (RFC 9112 §7.1). If the request has a `Content-Length` field, that length is sent instead, and a reader that
    /// yields more or fewer bytes is an error.
    ///
    /// Such a body can be sent only once: a redirect that wants it again fails. The response is handed out when all of it has
    /// been sent, also if the server answered earlier; a refusal ends the upload.
    pub fn from_reader(reader: impl AsyncRead + Unpin + 'static) -> Body {
        Body { source: Source::Reader(Box::new(reader)) }
    }

    /// A body of unknown length, from a stream of pieces that is polled while it is sent: a piece is taken when the one before
    /// it has been written to the socket. Apart from that it is like a [reader](Body::from_reader): sent in chunks, or with
    /// the length of a `Content-Length` field, and only once. The stream of a response can be one
    /// ([`Response::bytes_stream`](crate::Response::bytes_stream)).
    ///
    /// # Errors
    /// An error of the stream becomes the cause of the request's error, of kind [`Io`](crate::ErrorKind::Io), and the
    /// connection is closed, so that the server cannot take the part for the whole.
    ///
    /// ```
    /// # use curio_http::{ClientSession, Error};
    /// # async fn example(session: &ClientSession) -> Result<(), Error> {
    /// use curio_http::Body;
    /// use futures_util::{StreamExt, stream};
    ///
    /// let lines = stream::iter(1..=1000).map(|n| Ok::<_, std::io::Error>(format!("line {n}\n")));
    /// session.post("https://example.org/log").body(Body::from_stream(lines)).await?;
    /// # Ok(()) }
    /// ```
    pub fn from_stream<S, B, E>(stream: S) -> Body
    where
        S: Stream<Item = Result<B, E>> + 'static,
        B: Into<Bytes> + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        Body::of_pieces(Pieces(Box::pin(stream)), None)
    }

    pub(crate) fn of_pieces(
        pieces: impl Stream<Item = Result<Bytes, PieceError>> + 'static,
        length: Option<u64>,
    ) -> Body {
        Body { source: Source::Stream(BodyStream { pieces: Box::pin(pieces), length }) }
    }

    /// A body from a file that is opened when the request is sent, and again if it has to be sent again. The length
    /// it then has is sent as `Content-Length`, and that much of it, even if it grows meanwhile. A pipe, a device, and a file
    /// that says it is empty and is not (`/proc`) are sent in chunks. It is read in a thread, one chunk at a time; only the
    /// limit of the whole request ([`timeout`](crate::RequestBuilder::timeout)) applies to opening and reading it.
    pub fn from_file(path: impl Into<PathBuf>) -> Body {
        Body { source: Source::File(path.into()) }
    }

    /// The bytes, if they are in memory.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A copy; `None` if it can be sent only once, because it comes from a reader or a stream. Bytes are shared, and a file is
    /// named once more.
    pub fn try_clone(&self) -> Option<Body> {
        let source = match &self.source {
            Source::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Source::File(path) => Source::File(path.clone()),
            Source::Sequence(bodies) => {
                Source::Sequence(bodies.iter().map(Body::try_clone).collect::<Option<_>>()?)
            }
            Source::Reader(_) | Source::Stream(_) | Source::Spent => return None,
        };
        Some(Body { source })
    }

    /// Whether it can be sent without waiting for a file or a reader.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.source, Source::Bytes(_))
    }

    /// Whether it can be sent now: no reader in it has been read.
    pub(crate) fn can_be_sent(&self) -> bool {
        match &self.source {
            Source::Bytes(_) | Source::File(_) | Source::Reader(_) | Source::Stream(_) => true,
            Source::Spent => false,
            Source::Sequence(bodies) => bodies.iter().all(Body::can_be_sent),
        }
    }

    /// Whether the same bytes can be sent a second time.
    pub(crate) fn is_replayable(&self) -> bool {
        match &self.source {
            Source::Bytes(_) | Source::File(_) => true,
            Source::Reader(_) | Source::Stream(_) | Source::Spent => false,
            Source::Sequence(bodies) => bodies.iter().all(Body::is_replayable),
        }
    }
}

impl Default for Body {
    fn default() -> Body {
        Body { source: Source::Bytes(Bytes::new()) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Bytes(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Source::File(path) => write!(f, "Body(file {})", path.display()),
            Source::Reader(_) => f.write_str("Body(reader)"),
            Source::Stream(_) => f.write_str("Body(stream)"),
            Source::Sequence(bodies) => {
                f.write_str("Body").and_then(|()| f.debug_list().entries(bodies).finish())
            }
            Source::Spent => f.write_str("Body(sent)"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body { source: Source::Bytes(bytes) }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Bytes::from_static(bytes).into()
    }
}

impl<const N: usize> From<&'static [u8; N]> for Body {
    fn from(bytes: &'static [u8; N]) -> Body {
        Bytes::from_static(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Bytes::from(bytes).into()
    }
}

//! A request body on its way out.
//!
//! [`Upload`] turns the description in [`Body`](crate::Body) into pieces of bytes, one at a time, when the connection
//! can take them: what is in memory is sliced, a file is read in a thread, a reader is polled.
//!
//! The length that is declared in the head is the length that is sent. A file that shrinks while it is sent, or a
//! reader that yields something else than the caller's Content-Length, is an error and ends the connection: the
//! server would otherwise take the next request for the rest of this body.

use crate::body::{Body, Source};
use crate::connection::BodyLength;
use crate::error::{Error, ErrorKind};
use bytes::{Buf, Bytes};
use futures_io::AsyncRead;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How much is framed and sent at a time.
const PIECE: usize = 64 * 1024;
/// How much one trip to a thread reads from a file.
const FILE_PIECE: usize = 256 * 1024;

pub(crate) enum Upload {
    Memory { bytes: Bytes, given: usize },
    File(FileUpload),
    Reader { reader: Box<dyn AsyncRead + Unpin>, buffer: Vec<u8> },
}

impl Upload {
    /// Makes `body` ready to be sent, and says how long it is. A reader is taken out of the body; everything else is
    /// still there for another time.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io) if a file cannot be opened; of kind [`Request`](ErrorKind::Request) if a reader
    /// has been used up.
    pub(crate) async fn open(body: &mut Body) -> Result<(Upload, BodyLength), Error> {
        match &body.source {
            Source::Bytes(bytes) => {
                let length =
                    if bytes.is_empty() { BodyLength::None } else { BodyLength::Known(bytes.len() as u64) };
                Ok((Upload::Memory { bytes: bytes.clone(), given: 0 }, length))
            }
            Source::File(path) => Box::pin(FileUpload::open(path)).await,
            Source::Spent => {
                Err(Error::new(ErrorKind::Request, "the body came from a reader that is used up"))
            }
            Source::Reader(_) => {
                let Source::Reader(reader) = std::mem::replace(&mut body.source, Source::Spent) else {
                    unreachable!("the source was a reader a line ago");
                };
                Ok((Upload::Reader { reader, buffer: Vec::new() }, BodyLength::Chunked))
            }
        }
    }

    /// The whole body, if it is in memory and no longer than `limit`.
    pub(crate) fn take_in_memory(&mut self, limit: usize) -> Option<Bytes> {
        match self {
            Upload::Memory { bytes, .. } if bytes.len() <= limit => Some(std::mem::take(bytes)),
            _ => None,
        }
    }

    /// The next piece, never empty; `None` at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<&[u8]>, Error>> {
        match self {
            Upload::Memory { bytes, given } => {
                bytes.advance(*given);
                *given = bytes.len().min(PIECE);
                Poll::Ready(Ok((*given > 0).then(|| &bytes[..*given])))
            }
            Upload::File(file) => file.poll_piece(cx),
            Upload::Reader { reader, buffer } => {
                buffer.resize(PIECE, 0);
                let n = ready!(Pin::new(reader).poll_read(cx, buffer))
                    .map_err(|cause| Error::new(ErrorKind::Io, "reading the request body").because(cause))?;
                let piece = buffer.get(..n).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Io,
                        "the request body's reader claims to have read more than there was room for",
                    )
                })?;
                Poll::Ready(Ok((n > 0).then_some(piece)))
            }
        }
    }
}

/// A file that is being sent. Reading happens in a thread, so that a slow disk holds up nobody else.
pub(crate) struct FileUpload {
    path: String,
    state: FileState,
}

type ReadResult = (File, Vec<u8>, io::Result<usize>);

enum FileState {
    Resting(File, Vec<u8>),
    Reading(Pin<Box<dyn Future<Output = Result<ReadResult, curio::TaskError>>>>),
    Ended,
}

impl FileUpload {
    async fn open(path: &Path) -> Result<(Upload, BodyLength), Error> {
        let shown = path.display().to_string();
        let failed = || Error::new(ErrorKind::Io, format!("opening {shown} to send it"));
        let path = path.to_owned();
        let opened = curio::run_in_thread(move || -> io::Result<_> {
            let file = File::open(path)?;
            let about = file.metadata()?;
            if about.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok((file, about.is_file().then_some(about.len())))
        });
        let opened = opened.await.map_err(|cause| failed().because(cause))?;
        let (file, length) = opened.map_err(|cause| failed().because(cause))?;
        // A pipe or a device has no length to declare.
        let length = length.map_or(BodyLength::Chunked, BodyLength::Known);
        let state = FileState::Resting(file, Vec::new());
        Ok((Upload::File(FileUpload { path: shown, state }), length))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<&[u8]>, Error>> {
        if let FileState::Resting(..) = &self.state
            && let FileState::Resting(file, buffer) = std::mem::replace(&mut self.state, FileState::Ended)
        {
            self.state = FileState::Reading(Box::pin(curio::run_in_thread(move || read(file, buffer))));
        }
        let FileState::Reading(reading) = &mut self.state else { return Poll::Ready(Ok(None)) };
        let finished = ready!(reading.as_mut().poll(cx));
        self.state = FileState::Ended;
        let failed = || Error::new(ErrorKind::Io, format!("reading {} to send it", self.path));
        let (file, buffer, read) = finished.map_err(|cause| failed().because(cause))?;
        match read.map_err(|cause| failed().because(cause))? {
            0 => Poll::Ready(Ok(None)),
            n => {
                self.state = FileState::Resting(file, buffer);
                match &self.state {
                    FileState::Resting(_, buffer) => Poll::Ready(Ok(Some(&buffer[..n]))),
                    _ => Poll::Ready(Ok(None)),
                }
            }
        }
    }
}

fn read(mut file: File, mut buffer: Vec<u8>) -> ReadResult {
    buffer.resize(FILE_PIECE, 0);
    let n = loop {
        match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => break result,
        }
    };
    (file, buffer, n)
}

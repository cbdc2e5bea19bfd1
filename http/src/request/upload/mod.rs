//! The request body while it is sent.
//!
//! ```text
//! file.rs       a file, read ahead in a thread
//! stream.rs     a stream of pieces
//! progress.rs   how much has been sent
//! ```
//!
//! [`Upload`] turns the description in [`Body`] into chunks of bytes, one at a time, when the connection can
//! send more: bytes in memory are sliced, a file is read in a thread, a reader or a stream is polled, and a form is a sequence of these.
//!
//! Exactly the declared Content-Length is sent. A file that grows meanwhile is cut off there. A file that shrinks, or a
//! reader or stream that yields more or less than the caller's Content-Length, is an error and closes the connection: the server would
//! otherwise take the next request for the rest of this body.

mod file;
mod progress;
mod stream;

pub(crate) use progress::{Progress, Report};

use crate::error::{Error, ErrorKind};
use crate::h1::BodyLength;
use crate::request::body::{Body, Source};
use bytes::{Buf, Bytes};
use file::FileUpload;
use futures_io::AsyncRead;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use stream::StreamUpload;

/// How many bytes of a reader or a stream are framed and sent at a time.
const CHUNK: usize = 64 * 1024;
/// The same of a body in memory, which need not be copied for that.
const CHUNK_IN_MEMORY: usize = 256 * 1024;

/// A body that is ready to be sent, and its length.
pub(crate) type OpenBody = (Upload, BodyLength);

pub(crate) struct Upload {
    chunks: ChunkSource,
    options: Option<Box<UploadOptions>>,
}

/// Options that few uploads have, boxed to keep [`Upload`] small.
pub(crate) struct UploadOptions {
    /// Reports how many bytes have been sent.
    pub(crate) progress: Option<Progress>,
    /// With `Expect: 100-continue`: how long to wait for the server to ask for the body before sending it all the same.
    pub(crate) expect_continue_timeout: Option<Duration>,
}

enum ChunkSource {
    Memory {
        bytes: Bytes,
        given: usize,
    },
    File(Box<FileUpload>),
    Reader(Box<ReaderUpload>),
    Stream(Box<StreamUpload>),
    /// A source that has been sent is removed from the front.
    Sequence(VecDeque<ChunkSource>),
}

struct ReaderUpload {
    reader: Box<dyn AsyncRead + Unpin>,
    /// Not allocated before the first read.
    buffer: Vec<u8>,
    filled: usize,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}

impl Upload {
    /// Prepares `body` to be sent, and returns its length. A reader or stream is moved out of the body; everything else
    /// stays there and can be sent again.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io) if a file cannot be opened; of kind [`Request`](ErrorKind::Request) if a reader
    /// or stream has been used already.
    pub(crate) async fn open(body: &mut Body) -> Result<OpenBody, Error> {
        if let Some(in_memory) = Upload::in_memory(body) {
            return Ok(in_memory);
        }
        let (chunks, length) = ChunkSource::open(body).await?;
        Ok((Upload { chunks, options: None }, length))
    }

    /// [`open`](Upload::open) without waiting, for a body in memory; `None` for any other.
    pub(crate) fn in_memory(body: &Body) -> Option<OpenBody> {
        let Source::Bytes(bytes) = &body.source else { return None };
        let length = if bytes.is_empty() { BodyLength::None } else { BodyLength::Known(bytes.len() as u64) };
        let chunks = ChunkSource::Memory { bytes: bytes.clone(), given: 0 };
        Some((Upload { chunks, options: None }, length))
    }

    /// No body.
    pub(crate) fn empty() -> Upload {
        Upload { chunks: ChunkSource::Memory { bytes: Bytes::new(), given: 0 }, options: None }
    }

    /// Whether it holds an open file that can be closed and opened again. A FIFO cannot: its writer would notice.
    pub(crate) fn can_be_opened_again(&self) -> bool {
        matches!(&self.chunks, ChunkSource::File(file) if file.has_announced_length())
    }

    pub(crate) fn set_options(&mut self, options: UploadOptions) {
        self.options = Some(Box::new(options));
    }

    pub(crate) fn expect_continue_timeout(&self) -> Option<Duration> {
        self.options.as_ref()?.expect_continue_timeout
    }

    /// Moves a reader or stream from which nothing has been read back into the body, so that it can still be sent.
    pub(crate) fn put_back(self, body: &mut Body) {
        self.chunks.put_back(body);
    }

    /// Advances to the next chunk, which is never empty; `false` at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let is_chunk = ready!(self.chunks.poll_next(cx))?;
        let length = if is_chunk { self.chunk().len() } else { 0 };
        if let Some(progress) = self.progress() {
            progress.add(length);
        }
        Poll::Ready(Ok(is_chunk))
    }

    /// The chunk to which [`poll_next`](Upload::poll_next) has advanced.
    pub(crate) fn chunk(&self) -> &[u8] {
        self.chunks.chunk()
    }

    /// The same without copying it; `None` of a file or a reader, which use its memory again.
    pub(crate) fn shared_chunk(&self) -> Option<Bytes> {
        self.chunks.shared_chunk()
    }

    /// Called when the operating system has taken all chunks polled so far: reports the progress.
    pub(crate) fn all_sent(&mut self) {
        if let Some(progress) = self.progress() {
            progress.report();
        }
    }

    fn progress(&mut self) -> Option<&mut Progress> {
        self.options.as_mut()?.progress.as_mut()
    }
}

impl ChunkSource {
    /// The source of a body that is not simply bytes in memory, and its length.
    async fn open(body: &mut Body) -> Result<(ChunkSource, BodyLength), Error> {
        match &body.source {
            Source::File(path) => {
                let (file, length) = FileUpload::open(path).await?;
                Ok((ChunkSource::File(Box::new(file)), length))
            }
            Source::Sequence(bodies) => {
                let files = bodies.iter().filter_map(|body| match &body.source {
                    Source::File(path) => Some(path.clone()),
                    _ => None,
                });
                let files: Vec<_> = files.collect();
                let announced = if files.is_empty() { Vec::new() } else { file::measure_all(files).await? };
                let length = length_of_all(bodies, &announced);
                Ok((ChunkSource::of(body, &mut announced.into_iter())?, length))
            }
            Source::Stream(stream) => {
                let length = stream.length.map_or(BodyLength::Chunked, BodyLength::Known);
                Ok((ChunkSource::of(body, &mut std::iter::empty())?, length))
            }
            Source::Bytes(_) | Source::Reader(_) | Source::Spent => {
                Ok((ChunkSource::of(body, &mut std::iter::empty())?, BodyLength::Chunked))
            }
        }
    }

    /// Opens no files: their lengths are the next of `announced`, and each is opened when it is sent.
    fn of(body: &mut Body, announced: &mut dyn Iterator<Item = Option<u64>>) -> Result<ChunkSource, Error> {
        match &mut body.source {
            Source::Bytes(bytes) => Ok(ChunkSource::Memory { bytes: bytes.clone(), given: 0 }),
            Source::File(path) => {
                Ok(ChunkSource::File(Box::new(FileUpload::later(path, announced.next().flatten()))))
            }
            Source::Sequence(bodies) => {
                let chunks = bodies.iter_mut().map(|body| ChunkSource::of(body, announced));
                Ok(ChunkSource::Sequence(chunks.collect::<Result<_, _>>()?))
            }
            source => match std::mem::replace(source, Source::Spent) {
                Source::Reader(reader) => {
                    Ok(ChunkSource::Reader(Box::new(ReaderUpload { reader, buffer: Vec::new(), filled: 0 })))
                }
                Source::Stream(stream) => Ok(ChunkSource::Stream(Box::new(StreamUpload::new(stream)))),
                _ => Err(Error::new(
                    ErrorKind::Request,
                    "the body came from a reader or stream that is used up",
                )),
            },
        }
    }

    fn put_back(self, body: &mut Body) {
        match (self, &mut body.source) {
            (ChunkSource::Reader(upload), source @ Source::Spent) if upload.buffer.is_empty() => {
                *source = Source::Reader(upload.reader);
            }
            (ChunkSource::Stream(upload), source @ Source::Spent) => {
                if let Some(stream) = upload.into_untouched() {
                    *source = Source::Stream(stream);
                }
            }
            (ChunkSource::Sequence(remaining), Source::Sequence(bodies))
                if remaining.len() == bodies.len() =>
            {
                remaining.into_iter().zip(bodies).for_each(|(chunks, body)| chunks.put_back(body));
            }
            _ => {}
        }
    }

    /// Advances to the next chunk; `false` at the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        match self {
            ChunkSource::Memory { bytes, given } => {
                bytes.advance(*given);
                *given = bytes.len().min(CHUNK_IN_MEMORY);
                Poll::Ready(Ok(*given > 0))
            }
            ChunkSource::File(file) => file.poll_next(cx),
            ChunkSource::Stream(upload) => upload.poll_next(cx),
            ChunkSource::Reader(upload) => {
                let ReaderUpload { reader, buffer, filled } = &mut **upload;
                buffer.resize(CHUNK, 0);
                *filled = ready!(Pin::new(reader).poll_read(cx, buffer))
                    .map_err(|cause| Error::new(ErrorKind::Io, "reading the request body").because(cause))?;
                if *filled > buffer.len() {
                    return Poll::Ready(Err(Error::new(
                        ErrorKind::Io,
                        "the request body's reader claims to have read more than there was room for",
                    )));
                }
                Poll::Ready(Ok(*filled > 0))
            }
            ChunkSource::Sequence(remaining) => {
                while let Some(first) = remaining.front_mut() {
                    if ready!(first.poll_next(cx))? {
                        return Poll::Ready(Ok(true));
                    }
                    remaining.pop_front();
                }
                Poll::Ready(Ok(false))
            }
        }
    }

    /// The chunk to which `poll_next` advanced.
    fn chunk(&self) -> &[u8] {
        match self {
            ChunkSource::Memory { bytes, given } => &bytes[..*given],
            ChunkSource::File(file) => file.chunk(),
            ChunkSource::Stream(upload) => upload.chunk(),
            ChunkSource::Reader(upload) => &upload.buffer[..upload.filled],
            ChunkSource::Sequence(remaining) => remaining.front().map_or(&[], ChunkSource::chunk),
        }
    }

    fn shared_chunk(&self) -> Option<Bytes> {
        match self {
            ChunkSource::Memory { bytes, given } => Some(bytes.slice(..*given)),
            ChunkSource::Stream(upload) => Some(upload.shared_chunk()),
            ChunkSource::Sequence(remaining) => remaining.front()?.shared_chunk(),
            ChunkSource::File(_) | ChunkSource::Reader(_) => None,
        }
    }
}

/// The length of a sequence of bodies: known if each of theirs is. `files` are the lengths of the files among them.
fn length_of_all(bodies: &[Body], files: &[Option<u64>]) -> BodyLength {
    let known = bodies.iter().filter_map(|body| match &body.source {
        Source::Bytes(bytes) => Some(Some(bytes.len() as u64)),
        Source::File(_) => None,
        Source::Stream(stream) => Some(stream.length),
        Source::Reader(_) | Source::Spent | Source::Sequence(_) => Some(None),
    });
    let sum = known.chain(files.iter().copied()).try_fold(0u64, |sum, length| sum.checked_add(length?));
    sum.map_or(BodyLength::Chunked, BodyLength::Known)
}

//! Response bodies: handing on what has come, and noticing the end.
//!
//! A decoder knows how the body is framed and how much of it has passed. It never waits for a whole anything:
//! whatever part of the body is in the buffer goes out at once, and a length of a petabyte costs not a byte
//! of memory before it arrives. The end of the connection is the end of the body in one framing only; in the
//! others it is an error, because half a file must not look like a whole one.

use bytes::Bytes;
use http::HeaderMap;

use super::buffer::Buffer;
use super::chunked::ChunkedDecoder;
use super::error::RemoteError;
use super::framing::Framing;
use super::limits::Limits;

#[derive(Debug)]
pub(crate) enum BodyDecoder {
    Length { expected: u64, received: u64 },
    Chunked(ChunkedDecoder),
    UntilClose,
}

pub(crate) enum Progress {
    NeedsBytes,
    /// A piece of content, never empty.
    Data(Bytes),
    /// The body is complete; with the trailer fields, if there were any.
    End(Option<HeaderMap>),
}

impl BodyDecoder {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Empty | Framing::Upgraded => BodyDecoder::Length { expected: 0, received: 0 },
            Framing::Length(expected) => BodyDecoder::Length { expected, received: 0 },
            Framing::Chunked => BodyDecoder::Chunked(ChunkedDecoder::default()),
            Framing::UntilClose => BodyDecoder::UntilClose,
        }
    }

    pub(crate) fn decode(&mut self, buffer: &mut Buffer, limits: &Limits) -> Result<Progress, RemoteError> {
        match self {
            BodyDecoder::Length { expected, received } => decode_length(*expected, received, buffer),
            BodyDecoder::Chunked(decoder) => decoder.decode(buffer, limits),
            BodyDecoder::UntilClose => Ok(decode_until_close(buffer)),
        }
    }
}

fn decode_length(expected: u64, received: &mut u64, buffer: &mut Buffer) -> Result<Progress, RemoteError> {
    let left = expected - *received;
    let n = buffer.unread().len().min(usize::try_from(left).unwrap_or(usize::MAX));
    if n > 0 {
        *received += n as u64;
        Ok(Progress::Data(buffer.take(n)))
    } else if left == 0 {
        Ok(Progress::End(None))
    } else if buffer.is_closed() {
        Err(RemoteError::BodyCutOff { expected, received: *received })
    } else {
        Ok(Progress::NeedsBytes)
    }
}

fn decode_until_close(buffer: &mut Buffer) -> Progress {
    let n = buffer.unread().len();
    if n > 0 {
        Progress::Data(buffer.take(n))
    } else if buffer.is_closed() {
        Progress::End(None)
    } else {
        Progress::NeedsBytes
    }
}

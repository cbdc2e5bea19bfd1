//! Response bodies: passing on the bytes that have arrived, and finding the end.
//!
//! A decoder knows the framing of the body and how much of it has arrived. It passes on whatever is in the buffer at once,
//! so a declared length of a petabyte takes no memory in advance. The end of the connection is the end of the body in one
//! framing only; in the others it is an error, because a truncated body must not be taken for a complete one.

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
    /// A part of the content, never empty.
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

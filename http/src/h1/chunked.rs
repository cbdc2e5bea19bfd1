//! The chunked coding (RFC 9112 §7.1), parsed byte by byte.
//!
//! ```text
//!   5;note=x CR LF   hello CR LF     0 CR LF      Checksum: 7 CR LF   CR LF
//!   ╰ size line ───╯ ╰ data ─────╯   ╰ last one ╯ ╰ trailer fields ─╯ ╰ end
//! ```
//!
//! Between the data of two chunks are only a few bytes, so these go through a small state machine one at a time, and each
//! is consumed when it is read. No byte is looked at twice, however the body is split into reads. httparse has a function
//! for the size line, but it accepts an empty size as zero, which turns a stray line end into the end of the body.
//!
//! The parser is strict: sizes consist of hexadecimal digits only. A line ends in CR LF and nothing else, because parsers
//! that disagree about a bare LF disagree about where the body ends. Extensions are skipped, but limited, so that a body
//! of extensions cannot keep the client busy. Blanks between a size and its `;` are skipped, as the RFC demands, and so are
//! blanks between a size and the line end, because some servers pad sizes to a fixed width; blanks before a size are an
//! error.

use core::mem;

use http::HeaderMap;

use super::body::Progress;
use super::buffer::Buffer;
use super::error::RemoteError;
use super::field::LARGEST_LENGTH;
use super::limits::Limits;
use super::trailers::TrailerReader;

#[derive(Debug, Default)]
pub(crate) struct ChunkedDecoder {
    stage: Stage,
    /// Size of the chunk whose line is being read.
    size: u64,
    /// Bytes of that line so far.
    line: usize,
    /// Bytes of extensions in the body so far.
    extensions: usize,
    /// Bytes of content in the body so far.
    received: u64,
}

#[derive(Debug, Default)]
enum Stage {
    /// Before the first digit of a size.
    #[default]
    SizeStart,
    Size,
    /// Blanks after the size: an extension or the line end has to follow.
    AfterSize,
    Extension,
    LineFeedAfterLine,
    Data {
        left: u64,
    },
    ReturnAfterData,
    LineFeedAfterData,
    Trailers(TrailerReader),
}

impl ChunkedDecoder {
    pub(super) fn decode(&mut self, buffer: &mut Buffer, limits: &Limits) -> Result<Progress, RemoteError> {
        loop {
            match &mut self.stage {
                Stage::Data { left } => {
                    let n = buffer.unread().len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    if n == 0 {
                        return self.wait(buffer);
                    }
                    *left -= n as u64;
                    if *left == 0 {
                        self.stage = Stage::ReturnAfterData;
                    }
                    self.received += n as u64;
                    return Ok(Progress::Data(buffer.take(n)));
                }
                Stage::Trailers(reader) => {
                    return match reader.read(buffer, limits)? {
                        Some(trailers) => Ok(Progress::End(some_fields(trailers))),
                        None => self.wait(buffer),
                    };
                }
                _ => match buffer.next_byte() {
                    Some(byte) => self.step(byte, limits)?,
                    None => return self.wait(buffer),
                },
            }
        }
    }

    /// One byte that is not data.
    fn step(&mut self, byte: u8, limits: &Limits) -> Result<(), RemoteError> {
        #[cfg(test)]
        super::work::count(1);
        self.stage = match (&self.stage, byte) {
            (Stage::SizeStart | Stage::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.add_digit(byte)?;
                self.count_on_line(limits)?;
                Stage::Size
            }
            (Stage::Size | Stage::AfterSize, b' ' | b'\t') => {
                self.count_on_line(limits)?;
                Stage::AfterSize
            }
            (Stage::Size | Stage::AfterSize, b';') => {
                self.count_extension(limits)?;
                Stage::Extension
            }
            (Stage::Extension, b'\t' | b' '..=b'~' | 0x80..=0xFF) => {
                self.count_extension(limits)?;
                Stage::Extension
            }
            (Stage::Size | Stage::AfterSize | Stage::Extension, b'\r') => Stage::LineFeedAfterLine,
            (Stage::LineFeedAfterLine, b'\n') => self.end_of_line(),
            (Stage::ReturnAfterData, b'\r') => Stage::LineFeedAfterData,
            (Stage::LineFeedAfterData, b'\n') => Stage::SizeStart,

            (Stage::SizeStart, _) => return Err(RemoteError::ChunkSize),
            (Stage::Size | Stage::AfterSize, b'\n') => return Err(RemoteError::ChunkLine),
            (Stage::Size | Stage::AfterSize, _) => return Err(RemoteError::ChunkSize),
            (Stage::ReturnAfterData | Stage::LineFeedAfterData, _) => return Err(RemoteError::ChunkEnd),
            _ => return Err(RemoteError::ChunkLine),
        };
        Ok(())
    }

    fn add_digit(&mut self, digit: u8) -> Result<(), RemoteError> {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => digit - b'A' + 10,
        };
        if self.size > LARGEST_LENGTH >> 4 {
            return Err(RemoteError::ChunkTooLarge);
        }
        self.size = self.size << 4 | u64::from(value);
        Ok(())
    }

    fn count_on_line(&mut self, limits: &Limits) -> Result<(), RemoteError> {
        self.line += 1;
        if self.line > limits.chunk_line {
            return Err(RemoteError::ChunkLineTooLong { limit: limits.chunk_line });
        }
        Ok(())
    }

    fn count_extension(&mut self, limits: &Limits) -> Result<(), RemoteError> {
        self.count_on_line(limits)?;
        self.extensions += 1;
        if self.extensions > limits.chunk_extensions {
            return Err(RemoteError::ChunkExtensionsTooLarge { limit: limits.chunk_extensions });
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Stage {
        let left = mem::take(&mut self.size);
        self.line = 0;
        if left == 0 { Stage::Trailers(TrailerReader::default()) } else { Stage::Data { left } }
    }

    fn wait(&self, buffer: &Buffer) -> Result<Progress, RemoteError> {
        if buffer.is_closed() {
            return Err(RemoteError::ChunkedBodyCutOff { received: self.received });
        }
        Ok(Progress::NeedsBytes)
    }
}

fn some_fields(trailers: HeaderMap) -> Option<HeaderMap> {
    if trailers.is_empty() { None } else { Some(trailers) }
}

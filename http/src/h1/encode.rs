//! Request bodies: from pieces to bytes on the wire.
//!
//! The head has promised something: a number of bytes, or chunks. The encoder keeps the promise or stops. It
//! never writes a byte beyond the declared length, since the server would read it as the beginning of the
//! next request, and it never lets a short body pass for a whole one.

use super::error::LocalError;
use super::field::{LONGEST_HEX, write_hex};
use super::request::BodyLength;

#[derive(Debug)]
pub(super) enum BodyEncoder {
    Length { declared: u64, sent: u64 },
    Chunked,
}

impl BodyEncoder {
    pub(super) fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::None => BodyEncoder::Length { declared: 0, sent: 0 },
            BodyLength::Known(declared) => BodyEncoder::Length { declared, sent: 0 },
            BodyLength::Chunked => BodyEncoder::Chunked,
        }
    }

    /// Whether the body is complete without a word from `end`.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, BodyEncoder::Length { declared, sent } if declared == sent)
    }

    /// Appends the whole of `piece`, or nothing.
    pub(super) fn encode(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), LocalError> {
        match self {
            BodyEncoder::Length { declared, sent } => {
                let length = piece.len() as u64;
                if length > *declared - *sent {
                    return Err(LocalError::BodyTooLong { declared: *declared });
                }
                *sent += length;
                out.extend_from_slice(piece);
            }
            // A chunk of size zero would be the last one.
            BodyEncoder::Chunked if piece.is_empty() => {}
            BodyEncoder::Chunked => {
                out.reserve(piece.len() + LONGEST_HEX + 4);
                write_hex(piece.len() as u64, out);
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(piece);
                out.extend_from_slice(b"\r\n");
            }
        }
        Ok(())
    }

    /// Appends what ends the body, if it may end here.
    pub(super) fn end(&self, out: &mut Vec<u8>) -> Result<(), LocalError> {
        match *self {
            BodyEncoder::Length { declared, sent } if sent < declared => {
                Err(LocalError::BodyTooShort { declared, sent })
            }
            BodyEncoder::Length { .. } => Ok(()),
            BodyEncoder::Chunked => {
                out.extend_from_slice(b"0\r\n\r\n");
                Ok(())
            }
        }
    }
}

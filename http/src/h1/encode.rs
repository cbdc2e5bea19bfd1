//! Request bodies: framing their bytes.
//!
//! The head declares a length, or chunks. The encoder never writes a byte beyond the declared length, because the server
//! would take it for the beginning of the next request, and it reports a body that is too short.

use super::error::LocalError;
use super::field::{LONGEST_HEX, write_hex};
use super::request::BodyLength;

/// To copy less than this costs less than to send it from two places.
const COPY_BELOW: usize = 4 * 1024;

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

    /// Whether the body is complete without a call of `end`.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, BodyEncoder::Length { declared, sent } if declared == sent)
    }

    /// Appends all of `data`, or nothing.
    pub(super) fn encode(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), LocalError> {
        match self {
            BodyEncoder::Length { .. } => {
                self.count(data.len() as u64)?;
                out.extend_from_slice(data);
            }
            // A chunk of size zero would be the last one.
            BodyEncoder::Chunked if data.is_empty() => {}
            BodyEncoder::Chunked => {
                out.reserve(data.len() + LONGEST_HEX + 4);
                write_hex(data.len() as u64, out);
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(data);
                out.extend_from_slice(b"\r\n");
            }
        }
        Ok(())
    }

    /// Whether so much data is better sent as it is than copied.
    pub(super) fn leaves_apart(&self, length: usize) -> bool {
        matches!(self, BodyEncoder::Length { .. }) && length >= COPY_BELOW
    }

    /// Counts data without framing, or nothing.
    pub(super) fn count(&mut self, length: u64) -> Result<(), LocalError> {
        if let BodyEncoder::Length { declared, sent } = self {
            if length > *declared - *sent {
                return Err(LocalError::BodyTooLong { declared: *declared });
            }
            *sent += length;
        }
        Ok(())
    }

    /// Appends the end of the body, if it is complete.
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

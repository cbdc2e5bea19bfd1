//! Decoding of content codings (RFC 9110 §8.4.1): `gzip` and `deflate`, and `br` and `zstd` as Cargo features.
//!
//! A decoder is fed with input and polled for output; it does no I/O. Each step yields at most 32 KiB, so that the caller,
//! which counts the output, can stop at its limit.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`Decoder`]: the pipeline of the codings of one body |
//! | `stage.rs` | one coding: its unread input, its position, its end |
//! | `coding.rs` | the codings, their names, and the decompressor of each |
//! | `brotli.rs`, `zstd.rs` | the decompressors that are Cargo features |
//! | `progress.rs` | the outcome of one call of a decompressor |
//! | `error.rs` | what can be wrong with the data |
//!
//! Where the RFCs leave a choice:
//!
//! * `deflate` means zlib (RFC 1950), but some servers send a raw deflate stream (RFC 1951); the first two bytes decide.
//! * gzip data may have several members (RFC 1952 §2.2), and zstd data several frames (RFC 8878 §3): they are concatenated.
//!   Zeros after the last gzip member are padding. Any other trailing data is an error, and so is truncated data or a wrong
//!   checksum.
//! * An empty body is valid, whatever its coding.
//! * Several codings are decoded last to first. More than five are refused, before the body is read.
//! * If one of them is unknown, or its Cargo feature is off, none is decoded and the header fields stay as they are.
//!
//! The caller's limit counts only the output of the last stage. With two codings there may be much data between the stages
//! and none at the end: a kilobyte can decode to a gigabyte of gzip members that are all empty. So the bytes between stages
//! are counted too. As compressed data they should be no longer than what they decode to; if they are longer by more than
//! 1 MiB, the body is refused.

#[cfg(feature = "brotli")]
mod brotli;
mod coding;
mod error;
mod progress;
mod stage;
#[cfg(feature = "zstd")]
mod zstd;

pub(crate) use coding::{ACCEPTED, ACCEPTED_IN_STREAMS};
pub(crate) use error::DecodeError;

use bytes::Bytes;
use coding::Coding;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use stage::{Stage, Step};

/// The most codings one body may have.
const MOST_CODINGS: usize = 5;
/// By how many bytes the data between the stages may exceed twice the output.
const MOST_AHEAD: u64 = 1024 * 1024;
/// The most bytes that one step yields.
const STEP: usize = 32 * 1024;

/// Decodes the codings of one body.
pub(crate) struct Decoder {
    /// In the order of decoding: the coding that was applied last comes first.
    stages: Vec<Stage>,
    scratch: Vec<u8>,
    /// By how many bytes the data between the stages exceeds twice the output so far.
    ahead: u64,
    done: bool,
}

/// There were this many codings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) usize);

/// The outcome of one step.
pub(crate) enum Decoded {
    /// Decoded bytes, at least one.
    Data(Bytes),
    /// No output, though work was done. The caller should go on.
    Nothing,
    /// `feed` or `finish` is to be called.
    NeedsInput,
    /// The body is complete.
    Done,
}

impl Decoder {
    /// The decoder for a body with these headers; `None` if nothing is to be decoded.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Result<Option<Decoder>, TooMany> {
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
                    continue;
                }
                match Coding::named(name) {
                    Some(coding) => codings.push(coding),
                    None => return Ok(None),
                }
            }
        }
        match codings.len() {
            0 => Ok(None),
            n if n > MOST_CODINGS => Err(TooMany(n)),
            _ => Ok(Some(Decoder {
                stages: codings.into_iter().rev().map(Stage::new).collect(),
                scratch: Vec::new(),
                ahead: 0,
                done: false,
            })),
        }
    }

    /// Feeds coded bytes. To be called when [`step`](Decoder::step) needs input.
    pub(crate) fn feed(&mut self, data: Bytes) {
        if let Some(first) = self.stages.first_mut() {
            first.take(data);
        }
    }

    /// Marks the end of the input.
    pub(crate) fn finish(&mut self) {
        if let Some(first) = self.stages.first_mut() {
            first.input_ended = true;
        }
    }

    /// Does a bounded amount of work.
    pub(crate) fn step(&mut self) -> Result<Decoded, DecodeError> {
        if self.done {
            return Ok(Decoded::Done);
        }
        self.scratch.resize(STEP, 0);
        let decoded = pull(&mut self.stages, &mut self.scratch, &mut self.ahead)?;
        match &decoded {
            Decoded::Data(data) => self.ahead = self.ahead.saturating_sub(2 * data.len() as u64),
            Decoded::Done => self.done = true,
            Decoded::Nothing | Decoded::NeedsInput => {}
        }
        Ok(decoded)
    }
}

/// Steps the last stage, and the one before it when that needs input.
fn pull(stages: &mut [Stage], scratch: &mut [u8], ahead: &mut u64) -> Result<Decoded, DecodeError> {
    let Some((last, before)) = stages.split_last_mut() else { return Ok(Decoded::NeedsInput) };
    loop {
        match last.step(scratch)? {
            Step::Made(n) => return Ok(Decoded::Data(Bytes::copy_from_slice(&scratch[..n]))),
            Step::StreamEnded => return Ok(Decoded::Nothing),
            Step::Done => return Ok(Decoded::Done),
            Step::NeedsInput if before.is_empty() => return Ok(Decoded::NeedsInput),
            Step::NeedsInput => match pull(before, scratch, ahead)? {
                Decoded::Data(data) => {
                    *ahead += data.len() as u64;
                    if *ahead > MOST_AHEAD {
                        return Err(DecodeError::ExcessiveIntermediate);
                    }
                    last.take(data);
                }
                Decoded::Done => last.input_ended = true,
                idle @ (Decoded::Nothing | Decoded::NeedsInput) => return Ok(idle),
            },
        }
    }
}

#[cfg(test)]
mod tests;

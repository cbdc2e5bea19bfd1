//! Content codings (RFC 9110 §8.4.1), undone step by step: `gzip` and `deflate`, and by Cargo feature `br` and `zstd`.
//!
//! A decoder is fed what comes and asked for what it makes; it does no I/O. Each step makes at most 32 KiB, however much
//! the input could become, so that whoever counts the output can stop in time.
//!
//! | file | holds |
//! |---|---|
//! | `mod.rs` | [`Decoder`]: the codings of one body, one behind the other |
//! | `stage.rs` | one coding: what has come for it, where it is, when it is at its end |
//! | `coding.rs` | which codings there are, by which name, and the machine of each |
//! | `brotli.rs`, `zstd.rs` | the machines that are features |
//! | `progress.rs` | what one call of a machine did |
//! | `error.rs` | what can be wrong with the data |
//!
//! Where the RFCs leave room, this is what is done:
//!
//! * `deflate` means zlib (RFC 1950), but some servers send the bare stream (RFC 1951); the first two bytes tell which.
//! * A gzip file may have several members (RFC 1952 §2.2), and zstd data several frames (RFC 8878 §3): they are joined.
//!   Zeros behind the last gzip member are padding. Anything else there is an error, and so is an end in the middle or a wrong checksum: short data must
//!   not pass for whole.
//! * A body of no bytes at all is empty, whatever coding it is said to have.
//! * Several codings are undone last to first. More than five are refused, without looking at the body.
//! * If one of them is unknown, or its feature is off, none is undone and the header says so.
//!
//! Whoever counts the output sees only what comes out at the end. Between two codings there may be much where at the end
//! there is nothing: a kilobyte can stand for a gigabyte of gzip files that are all empty. So what passes between codings is
//! counted too. It is compressed, and so about as long as what comes of it at most; if it runs ahead of that, it is refused.

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
/// How far what passes between codings may run ahead of what comes out at the end.
const MOST_AHEAD: u64 = 1024 * 1024;
/// The most one step makes.
const STEP: usize = 32 * 1024;

/// Undoes the codings of one body.
pub(crate) struct Decoder {
    /// In the order in which the bytes pass: the coding that was applied last comes first.
    stages: Vec<Stage>,
    scratch: Vec<u8>,
    /// By how much the bytes between the codings outnumber twice the bytes that have come out.
    ahead: u64,
    done: bool,
}

/// There were this many codings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) usize);

/// What comes of one step.
pub(crate) enum Decoded {
    /// Decoded bytes, never none.
    Data(Bytes),
    /// Nothing, though it was work. There is more to be done.
    Nothing,
    /// It needs to be fed, or to be told that there is no more.
    NeedsInput,
    /// The body is complete.
    Done,
}

impl Decoder {
    /// The decoder for a body with these headers; `None` if it is to be taken as it is.
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

    /// Coded bytes have come. To be called when [`step`](Decoder::step) needs input.
    pub(crate) fn feed(&mut self, data: Bytes) {
        if let Some(first) = self.stages.first_mut() {
            first.take(data);
        }
    }

    /// No more coded bytes will come.
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

/// Asks the last stage, which asks the one before it when it needs input.
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
                        return Err(DecodeError::Hollow);
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

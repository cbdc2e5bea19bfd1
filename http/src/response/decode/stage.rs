//! One coding of the pipeline: its unread input, and whether the data may end here.

use super::coding::{Coding, Decompressor};
use super::error::DecodeError;
use super::progress::Progress;
use bytes::{Buf, Bytes, BytesMut};

pub(super) struct Stage {
    coding: Coding,
    decompressor: Option<Decompressor>,
    input: Bytes,
    pub(super) input_ended: bool,
    /// The last call filled the output, so there may be more without further input.
    more_at_hand: bool,
    state: Position,
}

/// The position in the coded data, which may hold several streams (gzip members, zstd frames).
#[derive(PartialEq, Eq)]
enum Position {
    /// Nothing has been read yet.
    Start,
    /// In the middle of a stream.
    Inside,
    /// After a complete stream.
    AfterStream,
    /// In the zeros after the last stream.
    Padding,
}

pub(super) enum Step {
    Made(usize),
    /// A stream has ended without output. There may be more to decode, but the caller should check its budget first.
    StreamEnded,
    NeedsInput,
    Done,
}

impl Stage {
    pub(super) fn new(coding: Coding) -> Stage {
        Stage {
            coding,
            decompressor: None,
            input: Bytes::new(),
            input_ended: false,
            more_at_hand: false,
            state: Position::Start,
        }
    }

    /// Adds coded bytes to the input.
    pub(super) fn take(&mut self, data: Bytes) {
        if self.input.is_empty() {
            self.input = data;
        } else {
            // Only after a single byte, which does not decide between zlib and raw deflate.
            let mut joined = BytesMut::with_capacity(self.input.len() + data.len());
            joined.extend_from_slice(&self.input);
            joined.extend_from_slice(&data);
            self.input = joined.freeze();
        }
    }

    /// Decodes into `out` as much as possible.
    pub(super) fn step(&mut self, out: &mut [u8]) -> Result<Step, DecodeError> {
        loop {
            if self.input.is_empty() && !self.more_at_hand {
                return match self.state {
                    _ if !self.input_ended => Ok(Step::NeedsInput),
                    Position::Inside => Err(DecodeError::CutOff { coding: self.coding.name() }),
                    Position::Start | Position::AfterStream | Position::Padding => Ok(Step::Done),
                };
            }
            if matches!(self.state, Position::AfterStream | Position::Padding) {
                self.skip_padding();
                if self.input.is_empty() {
                    continue;
                }
                if self.state == Position::Padding || !self.coding.can_be_joined() {
                    return Err(DecodeError::Surplus { coding: self.coding.name() });
                }
            }
            if self.decompressor.is_none() {
                match self.coding.decompressor(&self.input, self.input_ended) {
                    None => return Ok(Step::NeedsInput),
                    decompressor => self.decompressor = decompressor,
                }
            }
            let made = self.run(out)?;
            if made > 0 {
                return Ok(Step::Made(made));
            }
            if self.state == Position::AfterStream {
                return Ok(Step::StreamEnded);
            }
        }
    }

    /// Skips the zeros that may follow the last stream.
    fn skip_padding(&mut self) {
        if !self.coding.can_be_padded() {
            return;
        }
        let zeros = self.input.iter().take_while(|&&byte| byte == 0).count();
        if zeros > 0 {
            self.input.advance(zeros);
            self.state = Position::Padding;
        }
    }

    /// One call of the decompressor.
    fn run(&mut self, out: &mut [u8]) -> Result<usize, DecodeError> {
        let coding = self.coding.name();
        let Some(decompressor) = &mut self.decompressor else { return Ok(0) };
        let Progress { read, made, ended } =
            decompressor.run(&self.input, out).map_err(|cause| DecodeError::Damaged { coding, cause })?;
        self.input.advance(read);
        self.state = Position::Inside;
        self.more_at_hand = made == out.len();
        if ended {
            self.decompressor = None;
            self.state = Position::AfterStream;
            self.more_at_hand = false;
        } else if read == 0 && made == 0 && !self.input.is_empty() {
            return Err(DecodeError::Damaged { coding, cause: None });
        }
        Ok(made)
    }
}

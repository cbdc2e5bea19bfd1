//! One coding on its way: what has come and was not read yet, and whether the data may end here.

use super::coding::{Coding, Machine};
use super::error::DecodeError;
use super::progress::Progress;
use bytes::{Buf, Bytes, BytesMut};

pub(super) struct Stage {
    coding: Coding,
    machine: Option<Machine>,
    input: Bytes,
    pub(super) input_ended: bool,
    /// The output was full, so there may be more without further input.
    more_at_hand: bool,
    state: Between,
}

#[derive(PartialEq, Eq)]
enum Between {
    /// Nothing has come yet.
    Start,
    Inside,
    /// A complete stream has been read.
    Streams,
    /// Behind the last one come zeros, to the end.
    Padding,
}

pub(super) enum Step {
    Made(usize),
    /// A stream has ended that held nothing more: there is more to do without input, and others may want to be done first.
    StreamEnded,
    NeedsInput,
    Done,
}

impl Stage {
    pub(super) fn new(coding: Coding) -> Stage {
        Stage {
            coding,
            machine: None,
            input: Bytes::new(),
            input_ended: false,
            more_at_hand: false,
            state: Between::Start,
        }
    }

    /// More coded bytes have come.
    pub(super) fn take(&mut self, data: Bytes) {
        if self.input.is_empty() {
            self.input = data;
        } else {
            // The single byte that could not decide between the two kinds of deflate.
            let mut joined = BytesMut::with_capacity(self.input.len() + data.len());
            joined.extend_from_slice(&self.input);
            joined.extend_from_slice(&data);
            self.input = joined.freeze();
        }
    }

    /// Makes something if it can, at most as much as fits into `out`.
    pub(super) fn step(&mut self, out: &mut [u8]) -> Result<Step, DecodeError> {
        loop {
            if self.input.is_empty() && !self.more_at_hand {
                return match self.state {
                    _ if !self.input_ended => Ok(Step::NeedsInput),
                    Between::Inside => Err(DecodeError::CutOff { coding: self.coding.name() }),
                    Between::Start | Between::Streams | Between::Padding => Ok(Step::Done),
                };
            }
            if matches!(self.state, Between::Streams | Between::Padding) {
                self.skip_padding();
                if self.input.is_empty() {
                    continue;
                }
                if self.state == Between::Padding || !self.coding.can_be_joined() {
                    return Err(DecodeError::Surplus { coding: self.coding.name() });
                }
            }
            if self.machine.is_none() {
                match self.coding.machine(&self.input, self.input_ended) {
                    None => return Ok(Step::NeedsInput),
                    machine => self.machine = machine,
                }
            }
            let made = self.run(out)?;
            if made > 0 {
                return Ok(Step::Made(made));
            }
            if self.state == Between::Streams {
                return Ok(Step::StreamEnded);
            }
        }
    }

    /// Takes the zeros off the front that may follow the last stream.
    fn skip_padding(&mut self) {
        if !self.coding.can_be_padded() {
            return;
        }
        let zeros = self.input.iter().take_while(|&&byte| byte == 0).count();
        if zeros > 0 {
            self.input.advance(zeros);
            self.state = Between::Padding;
        }
    }

    /// One call of the machine.
    fn run(&mut self, out: &mut [u8]) -> Result<usize, DecodeError> {
        let coding = self.coding.name();
        let Some(machine) = &mut self.machine else { return Ok(0) };
        let Progress { read, made, ended } =
            machine.run(&self.input, out).map_err(|cause| DecodeError::Damaged { coding, cause })?;
        self.input.advance(read);
        self.state = Between::Inside;
        self.more_at_hand = made == out.len();
        if ended {
            self.machine = None;
            self.state = Between::Streams;
            self.more_at_hand = false;
        } else if read == 0 && made == 0 && !self.input.is_empty() {
            return Err(DecodeError::Damaged { coding, cause: None });
        }
        Ok(made)
    }
}

//! `zstd`: Zstandard (RFC 8878), with windows of at most 8 MiB, as RFC 9659 requires in HTTP.
//!
//! The decoder of `ruzstd` reads from an `io::Read` and cannot be interrupted in the middle of a block. So the data is
//! split into its parts first, and each is passed to the decoder when it is complete: the header of a frame, a block (of at
//! most 128 KiB), the checksum. The first bytes of each determine its length:
//!
//! ```text
//! frame      magic 4 │ descriptor 1 │ window 0-1 │ dictionary 0-4 │ content size 0-8 │ blocks … │ checksum 0 or 4
//! block      head 3 (bit 0: the last one; bits 1-2: kind; bits 3-23: size) │ content
//! skippable  magic 4 │ length 4 │ as many bytes
//! ```
//!
//! The decoder holds back the last window of its output until more data has come or the frame is complete, because later
//! blocks may refer to it; `ruzstd` has no way to look at it before. A server whose lines should be read at once has to end a
//! frame or use another coding; a request for server-sent events or JSON lines does not accept this one.

use super::error::Cause;
use super::progress::Progress;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::Read;

const LARGEST_WINDOW: u64 = 8 << 20;
const LARGEST_BLOCK: usize = 128 * 1024;
const MAGIC: u32 = 0xFD2F_B528;
const SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184D_2A50..=0x184D_2A5F;

pub(super) struct Zstd {
    frame: Box<FrameDecoder>,
    expected: Part,
    /// The bytes of that part so far. No longer than a block.
    part: Vec<u8>,
    has_checksum: bool,
    content_size: Option<u64>,
    made: u64,
}

enum Part {
    Frame,
    Block,
    /// This many bytes of a skippable frame are still to be skipped.
    Skipped(u64),
    /// All blocks have been decoded.
    Nothing,
}

/// An error that the decoder does not detect itself.
#[derive(Debug)]
struct Wrong(&'static str);

impl Zstd {
    pub(super) fn new() -> Zstd {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(LARGEST_WINDOW);
        Zstd {
            frame: Box::new(frame),
            expected: Part::Frame,
            part: Vec::new(),
            has_checksum: false,
            content_size: None,
            made: 0,
        }
    }

    pub(super) fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Option<Cause>> {
        let mut read = 0;
        loop {
            let made = self.frame.read(out).map_err(|cause| Some(cause.into()))?;
            self.made += made as u64;
            if let Part::Nothing = self.expected
                && self.frame.can_collect() == 0
            {
                self.check_end()?;
                return Ok(Progress { read, made, ended: true });
            }
            if made > 0 {
                return Ok(Progress { read, made, ended: false });
            }
            if let Part::Skipped(left) = self.expected {
                let skipped = left.min((input.len() - read) as u64);
                read += skipped as usize;
                self.expected = Part::Skipped(left - skipped);
                return Ok(Progress { read, made: 0, ended: left == skipped });
            }
            read += self.gather(&input[read..])?;
            if !self.is_whole()? {
                return Ok(Progress { read, made: 0, ended: false });
            }
            self.hand_over()?;
        }
    }

    /// Takes the bytes of the expected part from `input`; returns how many.
    fn gather(&mut self, input: &[u8]) -> Result<usize, Option<Cause>> {
        let mut taken = 0;
        // The length is determined by the first bytes of the part, in at most two steps.
        loop {
            let missing = self.length()?.saturating_sub(self.part.len());
            let now = missing.min(input.len() - taken);
            if now == 0 {
                return Ok(taken);
            }
            self.part.extend_from_slice(&input[taken..taken + now]);
            taken += now;
        }
    }

    fn is_whole(&self) -> Result<bool, Option<Cause>> {
        Ok(self.part.len() == self.length()?)
    }

    /// The length of the expected part, as far as its bytes so far determine it.
    fn length(&self) -> Result<usize, Option<Cause>> {
        match self.expected {
            Part::Frame => self.frame_length(),
            Part::Block => self.block_length(),
            Part::Skipped(_) | Part::Nothing => Ok(0),
        }
    }

    fn frame_length(&self) -> Result<usize, Option<Cause>> {
        let Some((magic, rest)) = self.part.split_first_chunk() else { return Ok(4) };
        match u32::from_le_bytes(*magic) {
            MAGIC => Ok(5 + rest.first().map_or(0, |descriptor| fields_of(*descriptor).iter().sum())),
            magic if SKIPPABLE.contains(&magic) => Ok(8),
            _ => Err(wrong("it does not begin with a zstd frame")),
        }
    }

    fn block_length(&self) -> Result<usize, Option<Cause>> {
        let Some(head) = self.part.first_chunk::<3>() else { return Ok(3) };
        let head = u32::from_le_bytes([head[0], head[1], head[2], 0]);
        let (last, kind, size) = (head & 1 == 1, head >> 1 & 3, (head >> 3) as usize);
        if size > LARGEST_BLOCK {
            return Err(wrong("a block is larger than 128 KiB"));
        }
        // The content of an RLE block is one byte, which is repeated `size` times.
        let content = if kind == 1 { 1 } else { size };
        let checksum = if last && self.has_checksum { 4 } else { 0 };
        Ok(3 + content + checksum)
    }

    /// Passes the complete part to the decoder.
    fn hand_over(&mut self) -> Result<(), Option<Cause>> {
        match self.expected {
            Part::Frame => self.begin_frame()?,
            Part::Block => {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                let last = self
                    .frame
                    .decode_blocks(self.part.as_slice(), one)
                    .map_err(|cause| Some(cause.into()))?;
                if last {
                    self.expected = Part::Nothing;
                }
            }
            Part::Skipped(_) | Part::Nothing => {}
        }
        self.part.clear();
        Ok(())
    }

    fn begin_frame(&mut self) -> Result<(), Option<Cause>> {
        if let [magic @ .., a, b, c, d] = self.part.as_slice()
            && self.part.len() == 8
            && let Ok(magic) = <[u8; 4]>::try_from(magic)
            && SKIPPABLE.contains(&u32::from_le_bytes(magic))
        {
            self.expected = Part::Skipped(u32::from_le_bytes([*a, *b, *c, *d]).into());
            return Ok(());
        }
        self.frame.reset(self.part.as_slice()).map_err(|cause| Some(cause.into()))?;
        let descriptor = self.part.get(4).copied().unwrap_or_default();
        self.has_checksum = descriptor & 4 != 0;
        let [.., content_size] = fields_of(descriptor);
        self.content_size = (content_size > 0).then(|| self.frame.content_size());
        self.expected = Part::Block;
        Ok(())
    }

    /// Checks the checksum and the declared content size of the frame.
    fn check_end(&self) -> Result<(), Option<Cause>> {
        if self.has_checksum && self.frame.get_checksum_from_data() != self.frame.get_calculated_checksum() {
            return Err(wrong("the checksum is wrong"));
        }
        if self.content_size.is_some_and(|declared| declared != self.made) {
            return Err(wrong("its content size is not the declared one"));
        }
        Ok(())
    }
}

/// The lengths of a frame's window, dictionary and content size fields (RFC 8878 §3.1.1.1).
fn fields_of(descriptor: u8) -> [usize; 3] {
    let single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content_size = match descriptor >> 6 {
        0 => usize::from(single_segment),
        n => 1 << n,
    };
    [window, dictionary, content_size]
}

fn wrong(why: &'static str) -> Option<Cause> {
    Some(Box::new(Wrong(why)))
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Wrong {}

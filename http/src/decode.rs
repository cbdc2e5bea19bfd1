//! Content codings: `gzip` and `deflate` (RFC 9110 §8.4.1), undone step by step.
//!
//! A decoder is fed what comes and asked for what it makes; it does no I/O. Each step makes at most 32 KiB, however much
//! the input could become, so that whoever counts the output can stop in time.
//!
//! Where the RFCs leave room, this is what is done:
//!
//! * `deflate` means zlib (RFC 1950), but some servers send the bare stream (RFC 1951); the first two bytes tell which.
//! * A gzip file may have several members (RFC 1952 §2.2): they are joined. Anything else behind the last one is an
//!   error, and so is an end in the middle or a wrong checksum: short data must not pass for whole.
//! * A body of no bytes at all is empty, whatever coding it is said to have.
//! * Several codings are undone last to first. More than five are refused, without looking at the body.
//! * If one of them is unknown, none is undone and the header says so.
//!
//! Whoever counts the output sees only what comes out at the end. Between two codings there may be much where at the end
//! there is nothing: a kilobyte can stand for a gigabyte of gzip files that are all empty. So what passes between codings is
//! counted too. It is compressed, and so about as long as what comes of it at most; if it runs ahead of that, it is refused.

use bytes::{Buf, Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::fmt;

/// The most codings one body may have.
const MOST_CODINGS: usize = 5;
/// How far what passes between codings may run ahead of what comes out at the end.
const MOST_AHEAD: u64 = 1024 * 1024;
/// The most one step makes.
const STEP: usize = 32 * 1024;
/// The largest window of the format, which every decoder has to offer (RFC 1950 §2.2).
const WINDOW_BITS: u8 = 15;

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

/// What is wrong with a compressed body.
#[derive(Debug)]
pub(crate) enum DecodeError {
    Damaged {
        coding: &'static str,
        cause: Option<flate2::DecompressError>,
    },
    CutOff {
        coding: &'static str,
    },
    Surplus {
        coding: &'static str,
    },
    /// The codings give each other much and make nothing of it.
    Hollow,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    Gzip,
    Deflate,
}

struct Stage {
    coding: Coding,
    machine: Option<Decompress>,
    input: Bytes,
    input_ended: bool,
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
}

enum Step {
    Made(usize),
    NeedsInput,
    Done,
}

enum Pulled {
    Data(Bytes),
    NeedsInput,
    Done,
}

impl Decoder {
    /// The decoder for a body with these headers; `None` if it is to be taken as it is.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Result<Option<Decoder>, TooMany> {
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                match () {
                    () if name.is_empty() || name.eq_ignore_ascii_case(b"identity") => {}
                    () if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => {
                        codings.push(Coding::Gzip);
                    }
                    () if name.eq_ignore_ascii_case(b"deflate") => codings.push(Coding::Deflate),
                    () => return Ok(None),
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

    /// Coded bytes have come. To be called when [`next`](Decoder::next) has no more.
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

    /// The next decoded bytes, never none. `None`: it needs to be fed, or [is done](Decoder::is_done).
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        if self.done {
            return Ok(None);
        }
        self.scratch.resize(STEP, 0);
        match pull(&mut self.stages, &mut self.scratch, &mut self.ahead)? {
            Pulled::Data(data) => {
                self.ahead = self.ahead.saturating_sub(2 * data.len() as u64);
                Ok(Some(data))
            }
            Pulled::NeedsInput => Ok(None),
            Pulled::Done => {
                self.done = true;
                Ok(None)
            }
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }
}

/// Asks the last stage, which asks the one before it when it needs input.
fn pull(stages: &mut [Stage], scratch: &mut [u8], ahead: &mut u64) -> Result<Pulled, DecodeError> {
    let Some((last, before)) = stages.split_last_mut() else { return Ok(Pulled::NeedsInput) };
    loop {
        match last.step(scratch)? {
            Step::Made(n) => return Ok(Pulled::Data(Bytes::copy_from_slice(&scratch[..n]))),
            Step::Done => return Ok(Pulled::Done),
            Step::NeedsInput if before.is_empty() => return Ok(Pulled::NeedsInput),
            Step::NeedsInput => match pull(before, scratch, ahead)? {
                Pulled::Data(data) => {
                    *ahead += data.len() as u64;
                    if *ahead > MOST_AHEAD {
                        return Err(DecodeError::Hollow);
                    }
                    last.take(data);
                }
                Pulled::Done => last.input_ended = true,
                Pulled::NeedsInput => return Ok(Pulled::NeedsInput),
            },
        }
    }
}

impl Stage {
    fn new(coding: Coding) -> Stage {
        Stage {
            coding,
            machine: None,
            input: Bytes::new(),
            input_ended: false,
            more_at_hand: false,
            state: Between::Start,
        }
    }

    fn take(&mut self, data: Bytes) {
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

    fn step(&mut self, out: &mut [u8]) -> Result<Step, DecodeError> {
        loop {
            if self.input.is_empty() && !self.more_at_hand {
                return match self.state {
                    _ if !self.input_ended => Ok(Step::NeedsInput),
                    Between::Inside => Err(DecodeError::CutOff { coding: self.coding.name() }),
                    Between::Start | Between::Streams => Ok(Step::Done),
                };
            }
            if self.state == Between::Streams && self.coding == Coding::Deflate {
                return Err(DecodeError::Surplus { coding: self.coding.name() });
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
        }
    }

    /// One call of the decompressor.
    fn run(&mut self, out: &mut [u8]) -> Result<usize, DecodeError> {
        let coding = self.coding.name();
        let Some(machine) = &mut self.machine else { return Ok(0) };
        let (read_before, made_before) = (machine.total_in(), machine.total_out());
        let status = machine
            .decompress(&self.input, out, FlushDecompress::None)
            .map_err(|cause| DecodeError::Damaged { coding, cause: Some(cause) })?;
        let read = (machine.total_in() - read_before) as usize;
        let made = (machine.total_out() - made_before) as usize;
        self.input.advance(read);
        self.state = Between::Inside;
        self.more_at_hand = made == out.len();
        if status == Status::StreamEnd {
            self.machine = None;
            self.state = Between::Streams;
            self.more_at_hand = false;
        } else if read == 0 && made == 0 && !self.input.is_empty() {
            return Err(DecodeError::Damaged { coding, cause: None });
        }
        Ok(made)
    }
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }

    /// A machine for what begins with `input`; `None` if that is too little to tell.
    fn machine(self, input: &[u8], ended: bool) -> Option<Decompress> {
        match (self, input) {
            (Coding::Gzip, _) => Some(Decompress::new_gzip(WINDOW_BITS)),
            (Coding::Deflate, [_]) if !ended => None,
            (Coding::Deflate, input) => Some(Decompress::new(has_zlib_header(input))),
        }
    }
}

/// RFC 1950 §2.2: the method is 8, and the two bytes, read as one number, are a multiple of 31.
fn has_zlib_header(input: &[u8]) -> bool {
    matches!(input, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Damaged { coding, .. } => write!(f, "the {coding} data is damaged"),
            DecodeError::CutOff { coding } => write!(f, "the {coding} data ends in the middle"),
            DecodeError::Surplus { coding } => write!(f, "something follows the end of the {coding} data"),
            DecodeError::Hollow => {
                f.write_str("its codings hold a great deal, and nothing at all in the end")
            }
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DecodeError::Damaged { cause: Some(cause), .. } => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
    }

    fn raw(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
    }

    fn decoder(coding: &str) -> Option<Decoder> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).expect("a header value"));
        Decoder::for_headers(&headers).expect("not too many codings")
    }

    /// Decodes `coded`, fed in pieces of `piece` bytes.
    fn decode(coding: &str, coded: &[u8], piece: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = decoder(coding).expect("known codings");
        let mut plain = Vec::new();
        let mut pieces = coded.chunks(piece);
        loop {
            match decoder.next()? {
                Some(data) => {
                    assert!(!data.is_empty() && data.len() <= STEP, "a step is bounded and makes something");
                    plain.extend_from_slice(&data);
                }
                None if decoder.is_done() => return Ok(plain),
                None => match pieces.next() {
                    Some(piece) => decoder.feed(Bytes::copy_from_slice(piece)),
                    None => decoder.finish(),
                },
            }
        }
    }

    fn text() -> Vec<u8> {
        (0..20_000u32).flat_map(|n| n.to_string().into_bytes()).collect()
    }

    #[test]
    fn every_coding_is_undone_however_it_is_cut() {
        let text = text();
        for (coding, coded) in [
            ("gzip", gzip(&text)),
            ("x-gzip", gzip(&text)),
            ("deflate", zlib(&text)),
            ("Deflate", raw(&text)),
        ] {
            for piece in [1, 2, 7, 1000, coded.len()] {
                assert_eq!(
                    decode(coding, &coded, piece).expect(coding),
                    text,
                    "{coding} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn codings_on_top_of_each_other_are_undone_last_to_first() {
        let text = text();
        assert_eq!(decode("deflate, gzip", &gzip(&zlib(&text)), 100).expect("both"), text);
        assert_eq!(decode("gzip, identity, gzip", &gzip(&gzip(&text)), 3).expect("both"), text);
    }

    #[test]
    fn the_members_of_a_gzip_file_are_joined() {
        let coded = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(decode("gzip", &coded, 5).expect("three members"), b"one two");
    }

    #[test]
    fn garbage_behind_the_data_is_an_error() {
        assert!(decode("gzip", &[gzip(b"x"), b"garbage".to_vec()].concat(), 1000).is_err());
        assert!(decode("deflate", &[zlib(b"x"), b"g".to_vec()].concat(), 1000).is_err());
    }

    #[test]
    fn an_end_in_the_middle_is_an_error_wherever_it_is() {
        for (coding, coded) in
            [("gzip", gzip(b"some text")), ("deflate", zlib(b"some text")), ("deflate", raw(b"some text"))]
        {
            for end in 1..coded.len() {
                assert!(decode(coding, &coded[..end], 4).is_err(), "{coding} cut at {end}");
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_an_error() {
        let mut coded = gzip(b"some text");
        let crc = coded.len() - 8;
        coded[crc] ^= 1;
        assert!(matches!(decode("gzip", &coded, 100), Err(DecodeError::Damaged { coding: "gzip", .. })));
    }

    #[test]
    fn no_bytes_at_all_are_an_empty_body() {
        assert_eq!(decode("gzip", b"", 1).expect("empty"), b"");
        assert_eq!(decode("deflate, gzip", b"", 1).expect("empty"), b"");
    }

    #[test]
    fn an_unknown_coding_leaves_the_body_alone() {
        assert!(decoder("br").is_none());
        assert!(decoder("gzip, br").is_none());
        assert!(decoder("identity").is_none());
    }

    #[test]
    fn more_than_five_codings_are_refused_on_one_line_or_many() {
        let mut headers = HeaderMap::new();
        for _ in 0..6 {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        assert_eq!(Decoder::for_headers(&headers).err(), Some(TooMany(6)));
        headers
            .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip, gzip, gzip, gzip, gzip, gzip, gzip"));
        assert_eq!(Decoder::for_headers(&headers).err(), Some(TooMany(7)));
    }

    #[test]
    fn a_bomb_goes_off_in_small_steps() {
        let coded = gzip(&vec![0; 10 << 20]);
        assert!(coded.len() < 20_000);
        let mut decoder = decoder("gzip").expect("gzip is known");
        decoder.feed(coded.into());
        let first = decoder.next().expect("good data").expect("some data");
        assert!(first.len() <= STEP);
    }
}

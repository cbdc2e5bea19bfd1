//! Where a request's body ends: the three ways of RFC 9112 §6.3, and a decoder for each.

use super::reader::Refusal;
use super::request::{Request, hex_digit};

/// How a body is framed, and how far its decoding has come.
#[derive(Debug)]
pub(crate) enum Framing {
    /// So many bytes are missing; a request without a body misses none.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked(Chunk),
}

/// What the next byte of a chunked body belongs to (RFC 9112 §7.1).
#[derive(Debug)]
pub(crate) enum Chunk {
    SizeLine,
    Data { left: u64 },
    EndOfData,
    Trailers { bytes: usize },
    Complete,
}

impl Framing {
    /// The framing that the header fields of a request declare.
    pub(super) fn of(request: &Request) -> Result<Framing, Refusal> {
        let mut codings = request.header_values("transfer-encoding");
        let coding = codings.next();
        if codings.next().is_some() {
            return Err(Refusal::bad("there is more than one Transfer-Encoding header"));
        }
        let length = content_length(request)?;
        match (coding, length) {
            (None, length) => Ok(Framing::Length(length.unwrap_or(0))),
            // Choosing one would be a guess about where the body ends, which request smuggling exploits.
            (Some(_), Some(_)) => Err(Refusal::bad("there are both Transfer-Encoding and Content-Length")),
            (Some(_), None) if request.minor_version == 0 => {
                Err(Refusal::bad("HTTP/1.0 has no Transfer-Encoding"))
            }
            (Some(coding), None) if coding.trim().eq_ignore_ascii_case("chunked") => {
                Ok(Framing::Chunked(Chunk::SizeLine))
            }
            (Some(coding), None) => {
                Err(Refusal::new(501, format!("the transfer coding {coding:?} is not supported")))
            }
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Framing::Length(0) | Framing::Chunked(Chunk::Complete))
    }

    /// Moves as much of `bytes` into `body` as belongs there; returns how many bytes of `bytes` were used.
    pub(super) fn decode(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, Refusal> {
        match self {
            Framing::Length(left) => {
                check_size(body.len() as u64, *left)?;
                let n = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                body.extend_from_slice(&bytes[..n]);
                *left -= n as u64;
                Ok(n)
            }
            Framing::Chunked(chunk) => {
                let mut used = 0;
                while let Some(n) = chunk.step(&bytes[used..], body)? {
                    used += n;
                }
                Ok(used)
            }
        }
    }
}

impl Chunk {
    /// One step; returns how many bytes it used, `None` when it needs more of them or there is nothing left.
    fn step(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<Option<usize>, Refusal> {
        match self {
            Chunk::SizeLine => {
                let Some(line) = line(bytes)? else { return Ok(None) };
                let size = chunk_size(line)?;
                check_size(body.len() as u64, size)?;
                *self = if size == 0 { Chunk::Trailers { bytes: 0 } } else { Chunk::Data { left: size } };
                Ok(Some(line.len() + 2))
            }
            Chunk::Data { left } => {
                let n = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                body.extend_from_slice(&bytes[..n]);
                *left -= n as u64;
                if *left == 0 {
                    *self = Chunk::EndOfData;
                }
                Ok((n > 0).then_some(n))
            }
            Chunk::EndOfData => match bytes {
                [b'\r', b'\n', ..] => {
                    *self = Chunk::SizeLine;
                    Ok(Some(2))
                }
                [] | [b'\r'] => Ok(None),
                _ => Err(Refusal::bad("a chunk is longer than its size says")),
            },
            Chunk::Trailers { bytes: so_far } => {
                let Some(line) = line(bytes)? else { return Ok(None) };
                *so_far += line.len();
                if *so_far > MAX_TRAILERS {
                    return Err(Refusal::new(
                        431,
                        format!("the trailers are longer than {MAX_TRAILERS} bytes"),
                    ));
                }
                if line.is_empty() {
                    *self = Chunk::Complete;
                }
                Ok(Some(line.len() + 2))
            }
            Chunk::Complete => Ok(None),
        }
    }
}

fn content_length(request: &Request) -> Result<Option<u64>, Refusal> {
    let mut length = None;
    for word in request.header_values("content-length").flat_map(|value| value.split(',')) {
        let word = word.trim();
        // Not `parse` alone: it takes `+5`.
        let digits_only = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let Some(value) = word.parse::<u64>().ok().filter(|_| digits_only) else {
            return Err(Refusal::bad(format!("the Content-Length {word:?} is not a number")));
        };
        if length.is_some_and(|other| other != value) {
            return Err(Refusal::bad("there are different Content-Lengths"));
        }
        length = Some(value);
    }
    Ok(length)
}

/// The hexadecimal digits before an extension, which is ignored.
fn chunk_size(line: &[u8]) -> Result<u64, Refusal> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    let malformed =
        || Refusal::bad(format!("the chunk size {:?} is malformed", String::from_utf8_lossy(digits)));
    // Sixteen digits fill 64 bits.
    if digits.is_empty() || digits.len() > 16 {
        return Err(malformed());
    }
    digits.iter().try_fold(0u64, |size, &digit| {
        hex_digit(digit).map(|value| size << 4 | u64::from(value)).ok_or_else(malformed)
    })
}

/// The bytes before the first CR LF.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, Refusal> {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) if end > MAX_LINE => Err(Refusal::bad("a line of the chunked body is too long")),
        Some(end) => match bytes[..end].strip_suffix(b"\r") {
            Some(line) => Ok(Some(line)),
            None => Err(Refusal::bad("a line of the chunked body ends in a bare LF")),
        },
        None if bytes.len() > MAX_LINE => Err(Refusal::bad("a line of the chunked body is too long")),
        None => Ok(None),
    }
}

fn check_size(have: u64, more: u64) -> Result<(), Refusal> {
    if have.saturating_add(more) > MAX_BODY {
        return Err(Refusal::new(413, format!("the body is longer than {MAX_BODY} bytes")));
    }
    Ok(())
}

const MAX_BODY: u64 = 64 * 1024 * 1024;
const MAX_LINE: usize = 4096;
const MAX_TRAILERS: usize = 16 * 1024;

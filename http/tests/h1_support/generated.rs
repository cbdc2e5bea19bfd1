//! Responses made up from a row of random bytes, and random numbers to make the rows from.
//!
//! The same generator serves the seeded loop in the tests and the fuzzer: each decision takes bytes from the
//! front of the row, and a row that is used up decides zero, so that every row gives a response.

use curio_http::h1::Framing;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// A small generator of random numbers (xorshift64*), good enough to vary tests and the same on every
/// machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number() as u8).collect()
    }
}

/// Decisions drawn from a row of bytes.
pub struct Entropy<'a>(pub &'a [u8]);

impl Entropy<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % bound.max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A response as its sender thinks of it.
#[derive(Debug)]
pub struct Generated {
    pub status: u16,
    pub reason: &'static str,
    /// All fields, those that frame the body included.
    pub headers: HeaderMap,
    pub framing: Framing,
    pub pieces: Vec<Vec<u8>>,
    pub trailers: HeaderMap,
}

impl Generated {
    pub fn new(entropy: &mut Entropy<'_>) -> Self {
        let status = [200, 201, 206, 302, 404, 500, 599, 799, 204, 304][entropy.below(10)];
        let mut headers = fields(entropy, 6);
        let mut pieces: Vec<Vec<u8>> = (0..entropy.below(5)).map(|_| piece(entropy)).collect();
        let mut trailers = HeaderMap::new();
        let framing = match entropy.below(3) {
            _ if status == 204 || status == 304 => {
                pieces.clear();
                Framing::Empty
            }
            0 => Framing::UntilClose,
            1 => Framing::Length(pieces.iter().map(|piece| piece.len() as u64).sum()),
            _ => {
                trailers = fields(entropy, 3);
                Framing::Chunked
            }
        };
        match framing {
            Framing::Length(length) => drop(headers.insert("content-length", length.into())),
            Framing::Chunked => {
                drop(headers.insert("transfer-encoding", HeaderValue::from_static("chunked")))
            }
            _ => {}
        }
        let reason = ["", "OK", "Not Found", "a b\tc"][entropy.below(4)];
        Generated { status, reason, headers, framing, pieces, trailers }
    }

    pub fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason).into_bytes();
        write_fields(&self.headers, &mut bytes);
        bytes.extend_from_slice(b"\r\n");
        if self.framing != Framing::Chunked {
            bytes.extend_from_slice(&self.body());
            return bytes;
        }
        for piece in &self.pieces {
            bytes.extend_from_slice(format!("{:X};n=\"1\"\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"000\r\n");
        write_fields(&self.trailers, &mut bytes);
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

fn fields(entropy: &mut Entropy<'_>, most: usize) -> HeaderMap {
    let names = ["x-one", "x-two", "etag", "server", "link", "x-a-longer-name-than-any-of-the-others"];
    let mut fields = HeaderMap::new();
    for _ in 0..entropy.below(most + 1) {
        let name = HeaderName::from_static(names[entropy.below(names.len())]);
        let length = entropy.below(12);
        let value: Vec<u8> = (0..length).map(|_| visible(entropy.byte())).collect();
        fields.append(name, HeaderValue::from_bytes(&value).unwrap());
    }
    fields
}

/// Any byte that may stand anywhere in a value, those beyond ASCII included.
fn visible(byte: u8) -> u8 {
    match byte {
        b'!'..=b'~' | 0x80.. => byte,
        _ => b'!' + byte % 90,
    }
}

/// Mostly small pieces, some beyond the size from which they are not copied, none empty (that would be the
/// last chunk).
fn piece(entropy: &mut Entropy<'_>) -> Vec<u8> {
    let length = match entropy.below(4) {
        0 => 1 + entropy.below(3),
        1 | 2 => 1 + entropy.below(300),
        _ => 1 + entropy.below(20_000),
    };
    let first = entropy.byte();
    (0..length).map(|at| first.wrapping_add(at as u8)).collect()
}

fn write_fields(fields: &HeaderMap, bytes: &mut Vec<u8>) {
    for (name, value) in fields {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
}

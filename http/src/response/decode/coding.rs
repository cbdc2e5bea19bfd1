//! The supported codings, their names, and the decompressor of each.

#[cfg(feature = "brotli")]
use super::brotli::Brotli;
use super::error::Cause;
use super::progress::Progress;
#[cfg(feature = "zstd")]
use super::zstd::Zstd;
use flate2::{Decompress, FlushDecompress, Status};

/// The value of `Accept-Encoding`.
pub(crate) const ACCEPTED: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "gzip, deflate, br",
    (false, true) => "gzip, deflate, zstd",
    (true, true) => "gzip, deflate, br, zstd",
};

/// The value of `Accept-Encoding` for server-sent events: without `zstd`, whose decoder holds back the last window of data
/// until the frame ends.
pub(crate) const ACCEPTED_IN_STREAMS: &str =
    if cfg!(feature = "brotli") { "gzip, deflate, br" } else { "gzip, deflate" };

/// The largest window of the format, which every decoder has to support (RFC 1950 §2.2).
const WINDOW_BITS: u8 = 15;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    #[cfg(feature = "brotli")]
    Brotli,
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Decodes one stream of one coding.
pub(super) enum Decompressor {
    Zlib(Decompress),
    #[cfg(feature = "brotli")]
    Brotli(Brotli),
    #[cfg(feature = "zstd")]
    Zstd(Zstd),
}

impl Coding {
    pub(super) fn named(name: &[u8]) -> Option<Coding> {
        match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Some(Coding::Gzip),
            b"deflate" => Some(Coding::Deflate),
            #[cfg(feature = "brotli")]
            b"br" => Some(Coding::Brotli),
            #[cfg(feature = "zstd")]
            b"zstd" => Some(Coding::Zstd),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            #[cfg(feature = "brotli")]
            Coding::Brotli => "br",
            #[cfg(feature = "zstd")]
            Coding::Zstd => "zstd",
        }
    }

    /// Whether one stream may follow another.
    pub(super) fn can_be_joined(self) -> bool {
        match self {
            Coding::Gzip => true,
            Coding::Deflate => false,
            #[cfg(feature = "brotli")]
            Coding::Brotli => false,
            #[cfg(feature = "zstd")]
            Coding::Zstd => true,
        }
    }

    /// Whether zeros may follow the last stream: files written in blocks of a fixed size have them, and gzip(1), zlib's
    /// `gzread` and Python's `gzip` skip them.
    pub(super) fn can_be_padded(self) -> bool {
        self == Coding::Gzip
    }

    /// A decompressor for a stream that begins with `input`; `None` if more input is needed to choose one.
    pub(super) fn decompressor(self, input: &[u8], ended: bool) -> Option<Decompressor> {
        match (self, input) {
            (Coding::Gzip, _) => Some(Decompressor::Zlib(Decompress::new_gzip(WINDOW_BITS))),
            (Coding::Deflate, [_]) if !ended => None,
            (Coding::Deflate, input) => Some(Decompressor::Zlib(Decompress::new(has_zlib_header(input)))),
            #[cfg(feature = "brotli")]
            (Coding::Brotli, _) => Some(Decompressor::Brotli(Brotli::new())),
            #[cfg(feature = "zstd")]
            (Coding::Zstd, _) => Some(Decompressor::Zstd(Zstd::new())),
        }
    }
}

impl Decompressor {
    /// Decodes from `input` into `out` as much as possible.
    pub(super) fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Option<Cause>> {
        match self {
            Decompressor::Zlib(decompressor) => {
                let (read_before, made_before) = (decompressor.total_in(), decompressor.total_out());
                let status = decompressor
                    .decompress(input, out, FlushDecompress::None)
                    .map_err(|cause| Some(Cause::from(cause)))?;
                Ok(Progress {
                    read: (decompressor.total_in() - read_before) as usize,
                    made: (decompressor.total_out() - made_before) as usize,
                    ended: status == Status::StreamEnd,
                })
            }
            #[cfg(feature = "brotli")]
            Decompressor::Brotli(decompressor) => decompressor.run(input, out),
            #[cfg(feature = "zstd")]
            Decompressor::Zstd(decompressor) => decompressor.run(input, out),
        }
    }
}

/// RFC 1950 §2.2: the method is 8, and the two bytes, read as one number, are a multiple of 31.
fn has_zlib_header(input: &[u8]) -> bool {
    matches!(input, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

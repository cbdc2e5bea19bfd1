//! The codings there are: their names, and the machine that undoes each.

#[cfg(feature = "brotli")]
use super::brotli::Brotli;
use super::error::Cause;
use super::progress::Progress;
#[cfg(feature = "zstd")]
use super::zstd::Zstd;
use flate2::{Decompress, FlushDecompress, Status};

/// What a request says it accepts.
pub(crate) const ACCEPTED: &str = match (cfg!(feature = "brotli"), cfg!(feature = "zstd")) {
    (false, false) => "gzip, deflate",
    (true, false) => "gzip, deflate, br",
    (false, true) => "gzip, deflate, zstd",
    (true, true) => "gzip, deflate, br, zstd",
};

/// The same for a response that is to be read while it comes: without `zstd`, whose decoder holds back what lies within its
/// window until the frame ends.
pub(crate) const ACCEPTED_IN_STREAMS: &str =
    if cfg!(feature = "brotli") { "gzip, deflate, br" } else { "gzip, deflate" };

/// The largest window of the format, which every decoder has to offer (RFC 1950 §2.2).
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

/// Undoes one stream of one coding.
pub(super) enum Machine {
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

    /// Whether zeros may follow the last stream: files that were written in blocks of a fixed size have them, and gzip(1),
    /// zlib's `gzread` and Python's `gzip` skip them.
    pub(super) fn can_be_padded(self) -> bool {
        self == Coding::Gzip
    }

    /// A machine for what begins with `input`; `None` if that is too little to tell.
    pub(super) fn machine(self, input: &[u8], ended: bool) -> Option<Machine> {
        match (self, input) {
            (Coding::Gzip, _) => Some(Machine::Zlib(Decompress::new_gzip(WINDOW_BITS))),
            (Coding::Deflate, [_]) if !ended => None,
            (Coding::Deflate, input) => Some(Machine::Zlib(Decompress::new(has_zlib_header(input)))),
            #[cfg(feature = "brotli")]
            (Coding::Brotli, _) => Some(Machine::Brotli(Brotli::new())),
            #[cfg(feature = "zstd")]
            (Coding::Zstd, _) => Some(Machine::Zstd(Zstd::new())),
        }
    }
}

impl Machine {
    /// Reads from `input` and makes what it can, at most as much as fits into `out`.
    pub(super) fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Option<Cause>> {
        match self {
            Machine::Zlib(machine) => {
                let (read_before, made_before) = (machine.total_in(), machine.total_out());
                let status = machine
                    .decompress(input, out, FlushDecompress::None)
                    .map_err(|cause| Some(Cause::from(cause)))?;
                Ok(Progress {
                    read: (machine.total_in() - read_before) as usize,
                    made: (machine.total_out() - made_before) as usize,
                    ended: status == Status::StreamEnd,
                })
            }
            #[cfg(feature = "brotli")]
            Machine::Brotli(machine) => machine.run(input, out),
            #[cfg(feature = "zstd")]
            Machine::Zstd(machine) => machine.run(input, out),
        }
    }
}

/// RFC 1950 §2.2: the method is 8, and the two bytes, read as one number, are a multiple of 31.
fn has_zlib_header(input: &[u8]) -> bool {
    matches!(input, [cmf, flg, ..] if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flg)) % 31 == 0)
}

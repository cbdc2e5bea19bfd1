//! `br`: Brotli (RFC 7932).
//!
//! The format limits the window to 16 MiB. (The extension with windows of up to 1 GiB is supported by no browser, and not
//! here.) It has no checksum.

use super::error::Cause;
use super::progress::Progress;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

/// Boxed, because its state is a few kilobytes large.
pub(super) struct Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>);

impl Brotli {
    pub(super) fn new() -> Brotli {
        let (bytes, words, codes) =
            (StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
        Brotli(Box::new(BrotliState::new_strict(bytes, words, codes)))
    }

    pub(super) fn run(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Option<Cause>> {
        let (mut left, mut read) = (input.len(), 0);
        let (mut space, mut made, mut total) = (out.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut space,
            &mut made,
            out,
            &mut total,
            &mut self.0,
        );
        match result {
            BrotliResult::ResultFailure => Err(None),
            BrotliResult::ResultSuccess => Ok(Progress { read, made, ended: true }),
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {
                Ok(Progress { read, made, ended: false })
            }
        }
    }
}

//! Doors for tests and fuzzers to what has no other: the decoders and the reader of cookies, without a server.
//!
//! Not part of the interface of this crate: hidden from its documentation, and free to change.

use crate::cookies::{self, Cookie};
use crate::response::decode::{Decoded, Decoder};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use std::time::SystemTime;

/// Decodes the chunks of a body, up to about `most` bytes; `None` if its codings are not decoded.
///
/// # Errors
/// The message of the decoder.
pub fn decode<'a>(
    codings: &'static str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    most: usize,
) -> Option<Result<Vec<u8>, String>> {
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(codings))]);
    let mut decoder = match Decoder::for_headers(&headers) {
        Ok(decoder) => decoder?,
        Err(too_many) => return Some(Err(format!("{} codings", too_many.0))),
    };
    let mut chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty());
    let mut decoded = Vec::new();
    while decoded.len() < most {
        match decoder.step() {
            Ok(Decoded::Data(data)) => decoded.extend_from_slice(&data),
            Ok(Decoded::Nothing) => {}
            Ok(Decoded::Done) => break,
            Ok(Decoded::NeedsInput) => match chunks.next() {
                Some(chunk) => decoder.feed(Bytes::copy_from_slice(chunk)),
                None => decoder.finish(),
            },
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    Some(Ok(decoded))
}

/// The cookies that a `Set-Cookie` field with this value sets; none if it cannot be the value of a field.
pub fn cookies(value: &[u8]) -> Vec<Cookie> {
    let Ok(value) = HeaderValue::from_bytes(value) else { return Vec::new() };
    cookies::of(&HeaderMap::from_iter([(SET_COOKIE, value)]), SystemTime::UNIX_EPOCH)
}

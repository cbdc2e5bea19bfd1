//! Tests of other files, over HTTP/2: those that do not speak of HTTP/1 framing. Their server speaks both versions
//! (`server/over_http2.rs`), and their sessions know it here (`server::ClientSession`).
#![cfg(feature = "http2")]
#![allow(
    clippy::duplicate_mod,
    reason = "each of these files is a test of its own, too, and brings its server"
)]

#[path = "cookies.rs"]
mod cookies;
#[cfg(feature = "digest")]
#[path = "digest.rs"]
mod digest;
#[path = "multipart.rs"]
mod multipart;
#[path = "ranges.rs"]
mod ranges;
#[path = "read_twice.rs"]
mod read_twice;
#[path = "redirects.rs"]
mod redirects;
#[path = "requests.rs"]
mod requests;
#[path = "responses.rs"]
mod responses;
#[path = "secrets.rs"]
mod secrets;

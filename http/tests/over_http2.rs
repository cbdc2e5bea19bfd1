//! Tests of other files, over HTTP/2: those that do not speak of HTTP/1 framing. Their server speaks both versions
//! (`server/over_http2.rs`), and their sessions know it here (`server::ClientSession`).
#![cfg(feature = "http2")]
#![allow(
    clippy::duplicate_mod,
    reason = "each of these files is a test of its own, too, and brings its server"
)]

#[path = "auth_flows.rs"]
mod auth_flows;
#[cfg(feature = "charset")]
#[path = "charsets.rs"]
mod charsets;
#[path = "cookies.rs"]
mod cookies;
#[cfg(feature = "digest")]
#[path = "digest.rs"]
mod digest;
#[cfg(any(feature = "brotli", feature = "zstd"))]
#[path = "hostile_brotli_zstd.rs"]
mod hostile_brotli_zstd;
#[path = "hostile_codings.rs"]
mod hostile_codings;
#[path = "hostile_cookies.rs"]
mod hostile_cookies;
#[path = "hostile_redirects.rs"]
mod hostile_redirects;
#[path = "hostile_requests.rs"]
mod hostile_requests;
#[path = "multipart.rs"]
mod multipart;
#[path = "owned_streams.rs"]
mod owned_streams;
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
#[path = "save_targets.rs"]
mod save_targets;
#[path = "secrets.rs"]
mod secrets;
#[path = "undecoded.rs"]
mod undecoded;

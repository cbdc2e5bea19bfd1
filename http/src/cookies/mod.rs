//! Cookies: state that a server stores in the client (RFC 6265bis).
//!
//! A response sets a cookie, `Set-Cookie: id=7`, and the client sends it with later requests, `Cookie: id=7`. The value is
//! opaque and is never changed, not even its quotation marks. The difficulty is in deciding to which hosts a cookie is
//! sent, and which hosts may set it: a cookie that is sent to the wrong host discloses a login, and one that is set by the
//! wrong host can make a program use an attacker's account. So most of this folder is about what to refuse.
//!
//! | file | holds |
//! |---|---|
//! | `cookie.rs` | one cookie |
//! | `parse.rs` | parsing a `Set-Cookie` field |
//! | `matching.rs`, `suffix.rs`, `prefix.rs` | hosts and paths; public suffixes; the name prefixes `__Host-` and `__Secure-` |
//! | `store.rs`, `refused.rs` | which cookies are stored and sent, and the limits; the reasons for a refusal |
//! | `file.rs` | the format of `cookies.txt` |
//! | `jar.rs` | the public handle, with clock and files |
//!
//! The exchange uses the jar twice on each hop (`exchange/cookies.rs`): it adds cookies to the request before the head is
//! sent, and stores those of the response when its head has arrived, before a redirect is followed.

mod cookie;
mod file;
mod jar;
mod matching;
mod parse;
mod prefix;
mod refused;
mod store;
mod suffix;

pub use cookie::{Cookie, SameSite};
pub use jar::CookieJar;

use http::HeaderMap;
use http::header::SET_COOKIE;
use std::time::SystemTime;

/// The cookies in these header fields, whether or not the server may set them. Malformed ones are left out.
pub(crate) fn of(headers: &HeaderMap, now: SystemTime) -> Vec<Cookie> {
    let fields = headers.get_all(SET_COOKIE).iter();
    fields.filter_map(|field| parse::set_cookie(field.as_bytes(), now).ok()).collect()
}

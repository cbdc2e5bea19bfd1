//! Cookies: what servers ask clients to remember and to show them again (RFC 6265bis).
//!
//! A server cannot tell its visitors apart, so it hands each a note, `Set-Cookie: id=7`, and the client shows the note
//! with every later request, `Cookie: id=7`. The note is opaque: what is in it is the server's affair, down to the last
//! quotation mark. Everything difficult is in the question *who gets to see it*. A cookie that goes to the wrong host gives
//! a login away, and one that the wrong host may set puts somebody into a stranger's session. So most of this folder is
//! about refusing.
//!
//! | file | holds |
//! |---|---|
//! | `cookie.rs` | one cookie |
//! | `parse.rs` | from the field to a cookie |
//! | `matching.rs`, `suffix.rs`, `prefix.rs` | hosts and paths; domains of many owners; names with a promise |
//! | `store.rs`, `refused.rs` | what is kept, who may set it, to whom it goes; why not |
//! | `file.rs` | cookies in a `cookies.txt` |
//! | `jar.rs` | the handle, the clock and the files |
//!
//! On the path of a request the jar is asked twice at each hop, in `exchange/mod.rs`: what to add before the head is written, and
//! what to keep when the answer's head has come, before anybody looks whether it is a redirect.

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

/// The cookies that these headers set, whether or not their sender may set them. What makes no sense is left out.
pub(crate) fn of(headers: &HeaderMap, now: SystemTime) -> Vec<Cookie> {
    let fields = headers.get_all(SET_COOKIE).iter();
    fields.filter_map(|field| parse::set_cookie(field.as_bytes(), now).ok()).collect()
}

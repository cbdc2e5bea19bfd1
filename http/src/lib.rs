#![forbid(unsafe_code)]
//! An HTTP client for the `curio` runtime, on a protocol core that does no I/O.
//!
//! ```no_run
//! use curio_http::ClientSession;
//!
//! fn main() -> Result<(), curio_http::Error> {
//!     curio::run(async {
//!         let session = ClientSession::new();
//!         let mut response = session.get("https://example.org/data.json").await?;
//!         println!("{}", response.status_code());
//!         let content: serde_json::Value = response.json().await?;
//!         println!("{content}");
//!         Ok(())
//!     })
//! }
//! ```
//!
//! A request is a sentence that ends in `await`; a mistake anywhere in it (a bad address, a header with a line break) is
//! reported there. What comes back is a [`Response`] with everything in its head; its body is read when it is asked for,
//! as a whole ([`json`](Response::json), [`text`](Response::text), [`binary`](Response::binary)) or in pieces
//! ([`iter_chunked`](Response::iter_chunked), [`iter_lines`](Response::iter_lines),
//! [`download`](Response::download)). Whatever goes wrong is one type, [`Error`], whose `Display` is one line for a person
//! and whose [`kind`](Error::kind) is for the program.
//!
//! # What it takes care of
//!
//! **Waiting.** Every wait ends. Connecting may take 10 s, a server may be silent for 30 s, and both can be changed
//! ([`ClientSessionBuilder`]). There is no limit for a request as a whole unless one is set, because it would end large
//! transfers that are going well; `curio::timeout_after` around anything here is safe, too.
//!
//! **Cancellation.** A request may be dropped at any await. Its connection is closed, because nobody could tell what is
//! still on its way on it, and its place goes to the next one in line. No other request notices.
//!
//! **Connections.** They are kept and used again, when that is certain to be safe, and closed in all other cases: a
//! connection is either idle in the pool or inside the one response that reads it.
//!
//! **Trust.** HTTPS is checked against the authorities that browsers trust (`webpki-roots`), or against your own.
//! Credentials go to the origin they were given for and to no other, whatever a redirect says. Everything a server can
//! send has a limit. An address is read in one way only.
//!
//! **Proxies.** Those that the environment names are used (`https_proxy`, `NO_PROXY` and so on, by curl's rules), or the
//! one that is set ([`proxy`](ClientSessionBuilder::proxy)): HTTP, HTTPS and SOCKS.
//!
//! **Second tries.** A request that dies on an old connection is sent once more on a new one, if that can do no harm. All
//! other [retries](ClientSessionBuilder::retries) are off until they are asked for.
//!
//! **Cookies.** What a response sets is kept for the session and goes to the hosts and paths it is for, and to no other
//! ([`CookieJar`]).
//!
//! It speaks HTTP/1.1, and understands answers in HTTP/1.0. There is no HTTP/2, and no cache.
//!
//! # Cargo features
//!
//! None is on by default, and none changes what the others do.
//!
//! | feature | adds |
//! |---|---|
//! | `brotli`, `zstd` | the content codings `br` and `zstd`, asked for and decoded |
//! | `charset` | all character sets of the Encoding Standard in [`Response::text`] |
//! | `digest` | `RequestBuilder::digest_auth`: Digest authentication (RFC 7616) |
//! | `psl` | public suffixes, so that a site cannot set cookies for all of `co.uk` |
//! | `system-roots` | `ClientSessionBuilder::system_roots`: the authorities that the operating system trusts |
//! | `aws-lc-rs` | cryptography by aws-lc-rs in place of ring, with post-quantum key exchange |
//!
//! # Where to find what
//!
//! A room imports only from those below it:
//!
//! | room | holds |
//! |---|---|
//! | [`mock`] | responses without sockets, for tests |
//! | `session/` | the session and the one-off functions; the builders of sessions and requests |
//! | `exchange/` | from a request to its response: defaults, redirects, retries, authentication |
//! | `settings/` | what a session is set to |
//! | `response/` | the response and the ways of reading it; the body as it comes, decoded and counted |
//! | `connections/` | the pool, the way to a server, new connections, TLS; the loop that joins a stream to the protocol |
//! | `request/` | the request as data: header, body, forms, credentials, and the body on its way out |
//! | `cookies/` | the cookie jar: what a response sets, and which requests get it |
//! | [`h1`] | the protocol, which does no I/O and is usable without the rest |
//! | `url/` | URLs, read in one way only |
//! | `error.rs`, `trace.rs` | the one error type; what passes over the wire |
//! | `encoding/`, `random.rs`, `atomic_file.rs` | dates, base64, hexadecimal digits, quoted strings; random numbers; a file that is whole or not there |
//! | `fuzzing.rs` | doors for fuzzers to what has no other |
//!
//! Only `connections/connection.rs` both waits and knows the protocol; what decides or decodes does neither wait nor read. Tests hold
//! the files to that.

mod atomic_file;
mod connections;
mod cookies;
mod encoding;
mod error;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
pub mod h1;
pub mod mock;
mod random;
mod request;
mod response;
mod session;
mod settings;
mod trace;
mod url;

pub use connections::connector::{Connector, Target};
pub use connections::resolver::Resolver;
pub use connections::timings::Timings;
pub use connections::tls::TlsInfo;
pub use connections::upgraded::Upgraded;
pub use cookies::{Cookie, CookieJar, SameSite};
pub use error::{Error, ErrorKind};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use request::Request;
pub use request::body::Body;
pub use request::multipart::{Form, Part};
pub use response::Response;
pub use response::chunks::Chunks;
pub use response::event_stream::Events;
pub use response::lines::Lines;
pub use response::link_header::Link;
pub use response::sse::ServerEvent;
pub use session::builder::ClientSessionBuilder;
pub use session::client::{ClientSession, delete, get, head, options, patch, post, put, request};
pub use session::request_builder::{RequestBuilder, ResponseFuture};
pub use settings::redirect_policy::{Attempt, Policy};
pub use trace::Trace;
pub use url::{IntoUrl, Url};

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
//! The files in the order in which a response passes them:
//!
//! | file | holds |
//! |---|---|
//! | `session.rs`, `settings.rs`, `builder/` | the session, what it is set to, and how it is set |
//! | `url/`, `body.rs`, `multipart.rs`, `auth.rs`, `netrc.rs` | what a request is made of: address, body, forms with files, credentials |
//! | `form/` | query parameters and form bodies |
//! | `request.rs`, `extras.rs` | the request in the making; awaiting it calls … |
//! | `send.rs` | … the way of a request: defaults, hops, one second try |
//! | `again.rs`, `digest.rs` | sending it again: retries, challenges, and what servers say about when |
//! | `redirect.rs` | whether to follow a redirect, as what, and with what |
//! | `pool.rs`, `keep_alive.rs`, `reaper.rs` | idle connections, the right to have one in use, and who closes what nobody wants |
//! | `route.rs`, `proxy/` | which way to a server: directly, through a proxy, by other means |
//! | `connect.rs`, `resolve.rs`, [`Connector`] | a new connection: name, TCP, proxy, TLS; or one of the caller's own |
//! | `stream.rs`, `tls/`, `block.rs` | the bytes under a connection, plain or TLS; the memory they are read into |
//! | `upload/`, `patience.rs` | the request body on its way out; how long anything may take |
//! | `connection.rs`, `failure.rs` | the loop that joins the stream to … |
//! | [`h1`] | … the protocol, which does no I/O and is usable without the rest |
//! | `incoming.rs` | the body on its way in; at its end the connection goes back to the pool |
//! | `payload.rs`, `decode/` | the body decoded and counted |
//! | `response.rs`, `pieces.rs`, `events.rs`, `sse.rs`, `download.rs`, `new_file.rs` | the response, and the ways of reading it |
//! | `charset.rs`, `links.rs`, `timings.rs` | text, and what else can be read from a head |
//! | `cookies/` | the cookie jar: what a response sets, and which requests get it |
//! | `upgraded.rs` | the raw stream after a 101 |
//! | `trace.rs` | what passes over the wire, for whoever wants to see it |
//! | `error.rs` | the one error type |
//! | [`mock`] | answers without sockets, for tests |
//! | `fuzzing.rs` | doors for fuzzers to what has no other |
//!
//! Only `connection.rs` both waits and knows the protocol; what decides or decodes does neither wait nor read. Tests hold
//! the files to that.

mod again;
mod auth;
mod block;
mod body;
mod builder;
mod charset;
mod connect;
mod connection;
mod connector;
mod cookies;
mod decode;
#[cfg(feature = "digest")]
mod digest;
mod download;
mod error;
mod events;
mod extras;
mod failure;
mod form;
#[doc(hidden)]
pub mod fuzzing;
pub mod h1;
mod incoming;
mod keep_alive;
mod links;
pub mod mock;
mod multipart;
mod netrc;
mod new_file;
mod patience;
mod payload;
mod pieces;
mod pool;
mod proxy;
mod reaper;
mod redirect;
mod request;
mod resolve;
mod response;
mod route;
mod send;
mod session;
mod settings;
mod sse;
mod stream;
mod timings;
mod tls;
mod trace;
mod upgraded;
mod upload;
mod url;

pub use body::Body;
pub use builder::ClientSessionBuilder;
pub use connector::{Connector, Target};
pub use cookies::{Cookie, CookieJar, SameSite};
pub use error::{Error, ErrorKind};
pub use events::Events;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use links::Link;
pub use multipart::{Form, Part};
pub use pieces::{Chunks, Lines};
pub use redirect::{Attempt, Policy};
pub use request::{Request, RequestBuilder, ResponseFuture};
pub use resolve::Resolver;
pub use response::Response;
pub use session::{ClientSession, delete, get, head, options, patch, post, put, request};
pub use sse::ServerEvent;
pub use timings::Timings;
pub use tls::TlsInfo;
pub use trace::Trace;
pub use upgraded::Upgraded;
pub use url::{IntoUrl, Url};

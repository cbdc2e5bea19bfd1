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
//! A request is built in one expression that ends in `await`, which also reports any mistake in it (a malformed URL, a
//! header value with a line break). The result is a [`Response`] as soon as the response head has arrived. Its body is
//! read on demand: as a whole ([`json`](Response::json), [`text`](Response::text), [`binary`](Response::binary)) or in
//! parts ([`iter_chunked`](Response::iter_chunked), [`iter_lines`](Response::iter_lines),
//! [`bytes_stream`](Response::bytes_stream), [`download`](Response::download)). All failures have one type, [`Error`]: its
//! `Display` is one line for people, and its [`kind`](Error::kind) is for the program.
//!
//! Requests can be tested without a network: [`mock`] is a server inside the test, and on the runtime's virtual clock a timeout of a
//! minute takes no time.
//!
//! # The map
//!
//! | to | there is |
//! |---|---|
//! | send a request | [`get`], [`post`] and their like for one; [`ClientSession`] for more; [`RequestBuilder`] for what is in it |
//! | send a body | [`RequestBuilder::json`], [`form`](RequestBuilder::form), [`multipart`](RequestBuilder::multipart) with [`Form`] and [`Part`]; [`Body`] |
//! | look at a response | [`Response`], [`Link`], [`Cookie`], [`Timings`], [`TlsInfo`] |
//! | read its body in parts | [`Chunks`], [`Lines`], [`Events`]; as a stream that owns it [`BytesStream`] and [`ResponseReader`] |
//! | save it, and go on with half a download | [`Response::download`], [`Download`] |
//! | follow a server's events | [`EventSource`] |
//! | speak another protocol after HTTP | [`Upgraded`] |
//! | change how requests are sent | [`ClientSessionBuilder`], [`Policy`] for redirects, [`Retry`], [`Auth`], [`CookieJar`] |
//! | connect in another way | [`Connector`], [`Resolver`], [`public_addresses_only`] |
//! | see what happens | [`ClientSessionBuilder::verbose`], [`Trace`]; and `curio::debug` for the tasks |
//! | handle a failure | [`Error`], [`ErrorKind`] |
//! | write a test | [`mock`] |
//! | speak HTTP/1.1 over something else | [`h1`] |
//!
//! # What it takes care of
//!
//! **Timeouts.** Every wait ends. The connect timeout is 10 s and the read timeout 30 s; both can be changed
//! ([`ClientSessionBuilder`]). A request as a whole has no timeout by default, because that would end large transfers
//! that make progress. `curio::timeout_after` around any call here is safe, too.
//!
//! **Cancellation.** A request may be dropped at any await. Its connection is closed, because it is unknown what is still
//! in transit on it, and its slot goes to the next waiting request. Other requests are not affected.
//!
//! **Connections.** They are pooled, reused when that is certain to be safe, and closed otherwise: a connection is either
//! idle in the pool or owned by the one response that reads it.
//!
//! **Trust.** HTTPS certificates are verified against Mozilla's root certificates (`webpki-roots`), or against your own.
//! Credentials are sent only to the origin they were given for, also after a redirect. Everything that a server can send
//! has a limit. A URL is parsed in one way only.
//!
//! **Proxies.** Those that environment variables name are used (`https_proxy`, `NO_PROXY` and so on, by curl's rules), or
//! the one that is set for all requests, for some ([`proxy_for`](ClientSessionBuilder::proxy_for)), or for one: HTTP, HTTPS and
//! SOCKS.
//!
//! **Retries.** A request that fails on a stale connection is sent once more on a new one, if that can do no harm. All
//! other [retries](ClientSessionBuilder::retries) are off by default; a [`Retry`] says which there are.
//!
//! **Cookies.** The cookies that responses set are kept for the session, and sent only to the hosts and paths that they
//! are for ([`CookieJar`]).
//!
//! It sends HTTP/1.1 requests, and accepts responses in HTTP/1.0; HTTP/2 is spoken with the feature `http2`, where the server
//! chooses it. There is no cache.
//!
//! # Cargo features
//!
//! None is on by default, and none changes what the others do.
//!
//! | feature | adds |
//! |---|---|
//! | `brotli` | the content coding `br` |
//! | `zstd` | the content coding `zstd`. Its decoder returns the last window of a body (a few KiB to 8 MiB) only when the frame ends. Requests whose `Accept` names `text/event-stream` or JSON lines do not ask for it; for other bodies that are to be read while they come, set `Accept-Encoding: gzip` |
//! | `charset` | all character sets of the Encoding Standard in [`Response::text`] |
//! | `digest` | `RequestBuilder::digest_auth`: Digest authentication (RFC 7616) |
//! | `http2` | HTTP/2: offered to `https` servers (`ClientSessionBuilder::http2`), or with prior knowledge; one connection for all requests of an origin |
//! | `psl` | public suffixes, so that a site cannot set cookies for all of `co.uk` |
//! | `socket-options` | `ClientSessionBuilder::local_address`, `interface`, `tcp_keepalive`, `tcp_keepalive_interval` and `tcp_keepalive_retries` |
//! | `system-roots` | `ClientSessionBuilder::system_roots`: the root certificates of the operating system |
//! | `url` | `url::Url`, from the crate `url`, as the URL of a request ([`IntoUrl`]) and converted from and into [`Url`] |
//! | `aws-lc-rs` | cryptography by aws-lc-rs in place of ring, with post-quantum key exchange |
//!
//! # The tour
//!
//! How it works inside is told in the repository, in `docs/tour/`: a question for each chapter, with a program that runs, its trace
//! and picture, and the source in reading order.
//!
//! | question | chapter | here |
//! |---|---|---|
//! | What is HTTP without I/O? | `docs/tour/11-what-is-http-without-io.md` | [`h1`] |
//! | How does a client use connections? | `docs/tour/12-how-does-a-client-use-connections.md` | [`ClientSession`], [`Response`] |
//! | How do I see it run? | `docs/tour/13-how-do-i-see-it-run.md` | [`ClientSessionBuilder::verbose`], [`Trace`] |
//! | What was rejected? | `docs/tour/14-what-was-rejected.md` | |
//! | What does it cost? | `docs/tour/15-what-does-it-cost.md` | |
//!
//! The chapters before them are about the runtime. `docs/from-other-clients.md` says what things are called that you know from
//! reqwest, httpx, requests or curl, and `docs/features.md` what there is and what there is not.
//!
//! # The rooms of the source
//!
//! From the top downwards; a room imports only from those below it:
//!
//! | room | holds |
//! |---|---|
//! | [`mock`] | a server without sockets, for tests |
//! | `session/` | the session and the one-off functions; the builders of sessions and requests |
//! | `exchange/` | from a request to its response: defaults, redirects, retries, authentication |
//! | `settings/` | the settings of a session: timeouts, redirect policy, hooks |
//! | `response/` | the response and the ways of reading its body: content codings, chunks, lines, events, files |
//! | `connections/` | the pool, routes and proxies, new connections, TLS; the loop between a stream and the protocol |
//! | `request/` | the request as data: header fields, body, forms, credentials; reading the body to send it |
//! | `cookies/` | the cookie jar |
//! | [`h1`] | HTTP/1.1 without I/O, usable by itself |
//! | `atomic_file.rs` | a file that appears under its name when it is complete |
//! | `trace/` | what is sent and received, for logs, and what is left out of them |
//! | `url/`, `error.rs` | URLs; the one error type |
//! | `encoding/` | dates, base64, hexadecimal digits, quoted strings |
//! | `random.rs` | random numbers |
//!
//! Beside them stands `fuzzing.rs`: entry points for fuzzers to what has no other.
//!
//! # The way of a response, in eight files
//!
//! | file | function | step |
//! |---|---|---|
//! | `session/request_builder.rs` | `into_future` | awaiting the builder hands its request to the exchange |
//! | `exchange/hop.rs` | `hop` | waits for a connection slot of the origin |
//! | `exchange/attempt.rs` | `exchange` | takes an idle connection from the pool, or makes a new one |
//! | `connections/connection.rs` | `exchange` | sends head and body, and reads until the response head is complete |
//! | `h1/connection.rs` | `next_event` | turns the received bytes into head, data and end |
//! | `response/body_reader.rs` | `poll_data` | hands out the body's bytes, and returns the connection to the pool at its end |
//! | `response/content.rs` | `poll_whole` | decodes and counts them |
//! | `response/text.rs` | `text` | returns the text to the caller |
//!
//! Only `connections/connection.rs` both waits and knows the protocol; files that decide or decode do no I/O. Tests check
//! all of this.

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
pub use connections::public_addresses::public_addresses_only;
pub use connections::resolver::{IpVersion, Resolver};
pub use connections::timings::Timings;
pub use connections::tls::TlsInfo;
pub use connections::tls::trust::TlsVersion;
pub use connections::upgraded::Upgraded;
pub use cookies::{Cookie, CookieJar, SameSite};
pub use error::{Error, ErrorKind};
pub use exchange::auth_flow::{Auth, AuthFlow};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use request::Request;
pub use request::body::Body;
pub use request::multipart::{Form, Part};
pub use request::retry_policy::Retry;
pub use response::Response;
pub use response::chunks::Chunks;
pub use response::event_stream::Events;
pub use response::lines::Lines;
pub use response::link_header::Link;
pub use response::owned::{BytesStream, ResponseReader};
pub use response::sse::ServerEvent;
pub use session::builder::ClientSessionBuilder;
pub use session::client::{ClientSession, delete, get, head, options, patch, post, put, request};
pub use session::download::Download;
pub use session::event_source::EventSource;
pub use session::request_builder::{RequestBuilder, ResponseFuture};
pub use settings::redirect_policy::{Attempt, Policy};
pub use trace::{Trace, TraceHead};
pub use url::{IntoUrl, Url};

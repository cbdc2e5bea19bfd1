//! HTTP/1.1 for a client, without any input or output.
//!
//! A connection carries one stream of bytes in each direction. The bytes themselves determine where one message ends
//! and the next begins, and a mistake there gives a request the response to another one. So this part stands on its
//! own: no socket, no clock, no `async`. Bytes go in, [`Event`]s come out; a request goes in, bytes come out. The
//! events are the same however the bytes are split into reads, which can be tested with byte strings.
//!
//! # A whole exchange
//!
//! The "network" here is a byte string that is read 20 bytes at a time. With a socket in its place, this is all the
//! code that is needed to drive a connection.
//!
//! ```
//! use curio_http::h1::{BodyLength, Connection, Event, RequestHead};
//! use http::header::{HOST, HeaderMap, HeaderValue};
//! use http::Method;
//!
//! let mut connection = Connection::new();
//!
//! // The request becomes bytes. Send them.
//! let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("example.com"))]);
//! let head = RequestHead { method: &Method::GET, target: "/greeting", headers: &headers };
//! let mut out = Vec::new();
//! connection.start(&head, BodyLength::None, &mut out)?;
//! assert_eq!(out, b"GET /greeting HTTP/1.1\r\nhost: example.com\r\n\r\n");
//!
//! // What the server sends becomes events. `None` means that more bytes are needed.
//! let mut network: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
//!                            6\r\nHello,\r\n7\r\n world!\r\n0\r\n\r\n";
//! let mut text = Vec::new();
//! loop {
//!     match connection.next_event()? {
//!         Some(Event::Interim(_)) => {}
//!         Some(Event::Head(head)) => assert_eq!((head.status.as_u16(), head.reason()), (200, "OK")),
//!         Some(Event::Data(data)) => text.extend_from_slice(&data),
//!         Some(Event::End { .. }) => break,
//!         None => {
//!             let space = connection.space();
//!             let n = network.len().min(space.len()).min(20);
//!             space[..n].copy_from_slice(&network[..n]);
//!             network = &network[n..];
//!             connection.filled(n);
//!         }
//!     }
//! }
//! assert_eq!(text, b"Hello, world!");
//!
//! // The connection can be reused.
//! assert_eq!(connection.close_reason(), None);
//! assert!(connection.restart());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How a connection is driven, step by step: the tour, `docs/tour/11-what-is-http-without-io.md` in the repository.
//!
//! # The states
//!
//! The two directions are two state machines, because a server may respond before it has the whole request. Each arrow
//! names the function of the transition; all of them are in `connection.rs`.
//!
//! ```text
//!   the request, going out              the response, coming in
//!
//!   ┌─────────▶ Idle                    ┌─────────▶ Idle
//!   │            │ start                │            │ start
//!   │            ▼                      │            ▼
//!   │           Body ⟲ body             │           Head ⟲ take_interim
//!   │            │ body, end            │            │ │ switch_protocols (101),
//!   │            ▼                      │            │ │ take_final (CONNECT)
//!   └─ restart ─ Complete               │            │ └──────────────────────▶ Upgraded
//!                                       │            │ take_final                │ upgrade
//!                                       │            ▼                           ▼
//!   from Body and Complete:             │           Body ⟲ next_event         not HTTP any more
//!       break_request ──▶ Broken        │            │ finish
//!                                       │            ▼
//!   from Idle, Head and Body:           └─ restart ─ Done
//!       fail ──▶ Failed
//! ```
//!
//! A request without a body goes from `Idle` to `Complete` at once. `Broken` is a request body that was longer or shorter
//! than declared, `Failed` a [`RemoteError`]; both are final.
//!
//! Each state could be a type of its own (`Connection<Body>` and the like). But a connection is stored in a pool and in a
//! response that is being read, and outlives errors; in each of these places it would need an enum of all types. The
//! guarantee that the types would give (no second request while a response is unread) is given by the ownership of the
//! connection in the client, and by [`LocalError::NotIdle`] here.
//!
//! # The files
//!
//! | file | holds |
//! |---|---|
//! | `connection.rs` | the states, and every transition between them |
//! | `request.rs` | request heads: checking and writing them |
//! | `common_fields.rs` | fields that many request heads have in common, written once |
//! | `encode.rs` | request bodies: with a length, or in chunks |
//! | `buffer.rs` | the bytes that have arrived and are not parsed yet |
//! | `event.rs` | events, the output |
//! | `head.rs` | response heads |
//! | `noted.rs` | what an exchange needs of a head's fields |
//! | `block.rs` | all fields of a head |
//! | `field.rs` | lists of tokens and numbers in fields |
//! | `framing.rs` | where a body ends, and whether the connection can be reused |
//! | `body.rs`, `chunked.rs`, `trailers.rs` | response bodies |
//! | `work.rs` | in tests only: how many bytes are read or copied |
//! | `limits.rs`, `error.rs`, `close_reason.rs` | limits; errors of either side; why a connection cannot be reused |
//!
//! # How strict it is
//!
//! A response whose framing is ambiguous is refused: lengths consist of digits only (no sign, no `0x`, no overflow);
//! different Content-Lengths, Transfer-Encoding together with Content-Length, and any transfer coding other than
//! `chunked` are errors, and so is a bare LF in the chunked coding. In a head a bare LF is accepted as a line end (RFC
//! 9112 §2.2). A truncated body is an error. Everything that a server can send has a [limit](Limits). A connection is
//! reused only if there is no [reason to close](CloseReason) it.
//!
//! Not included: the server's side, pipelining (a second request before the first response is complete), and trailer
//! fields in requests.

mod block;
mod body;
mod buffer;
mod chunked;
mod close_reason;
mod common_fields;
mod connection;
mod encode;
mod error;
mod event;
mod field;
mod framing;
mod head;
mod limits;
mod noted;
mod request;
mod trailers;
#[cfg(test)]
mod work;

pub(crate) use body::{BodyDecoder, Progress};
pub(crate) use buffer::Buffer;
pub use close_reason::CloseReason;
pub(crate) use common_fields::CommonFields;
pub use connection::Connection;
pub use error::{LocalError, RemoteError};
pub use event::Event;
pub use framing::Framing;
pub use head::{ResponseHead, Version};
pub use limits::Limits;
pub use request::{BodyLength, RequestHead};

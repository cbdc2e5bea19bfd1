//! HTTP/1.1 for a client, without any input or output.
//!
//! HTTP looks like a text protocol and is a framing protocol. A connection carries one row of bytes in each
//! direction; where one message ends and the next begins has to be worked out from the bytes themselves, and
//! whoever works it out wrongly gives somebody the answer to somebody else's question. So the working out
//! stands here on its own: no socket, no clock, no `async`. Bytes go in, [`Event`]s come out; a request goes
//! in, bytes come out. Whatever has been cut into however many reads, the events are the same, and that can
//! be tested with byte strings.
//!
//! # A whole exchange
//!
//! The "network" here is a byte string, read in pieces of 20 bytes to show that the cut means nothing. With a
//! socket in its place, these lines are all there is to driving a connection.
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
//! // What the server sends becomes events. `None` means: read some more.
//! let mut network: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
//!                            6\r\nHello,\r\n7\r\n world!\r\n0\r\n\r\n";
//! let mut text = Vec::new();
//! loop {
//!     match connection.next_event()? {
//!         Some(Event::Interim(_)) => {}
//!         Some(Event::Head(head)) => assert_eq!((head.status.as_u16(), head.reason()), (200, "OK")),
//!         Some(Event::Data(piece)) => text.extend_from_slice(&piece),
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
//! // Nothing speaks against another request on the same connection.
//! assert_eq!(connection.close_reason(), None);
//! assert!(connection.restart());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The states
//!
//! The two directions are two machines, because a server may answer before it has the whole request. Each
//! arrow bears the function that takes it; all of them are in `connection.rs`.
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
//! A request without a body goes from `Idle` to `Complete` at once. `Broken` is a request body that was
//! longer or shorter than declared, `Failed` a [`RemoteError`]; no way leads out of either.
//!
//! A typed state for each of these (`Connection<Body>` and the like) was considered and left out. A
//! connection has to lie in a pool, sit in a half-read response, and survive errors; it would have to forget
//! its type in each of these places. The guarantee that the types would give (no second request while a
//! response is unread) is given by ownership one storey up, and by [`LocalError::NotIdle`] here.
//!
//! # Where to find what
//!
//! | file | holds |
//! |---|---|
//! | `connection.rs` | the states, and every transition between them |
//! | `request.rs` | request heads: what may be sent, and how it is written |
//! | `encode.rs` | request bodies: a length that is kept, or chunks |
//! | `buffer.rs` | the bytes that have come and are not understood yet |
//! | `event.rs` | what comes out |
//! | `head.rs` | response heads |
//! | `field.rs` | lists of tokens and numbers in fields |
//! | `framing.rs` | where a body ends, and whether the connection outlives it |
//! | `body.rs`, `chunked.rs`, `trailers.rs` | response bodies |
//! | `work.rs` | in tests only: how many bytes are looked at |
//! | `limits.rs`, `error.rs`, `close_reason.rs` | what is too much, what was wrong and whose fault, why not to reuse |
//!
//! # How strict it is
//!
//! A length has one reading or the response is refused: lengths are digits and nothing else (no sign, no
//! `0x`, no overflow), Content-Lengths that disagree, Transfer-Encoding beside Content-Length, or any coding
//! but `chunked` are errors, and so is a bare LF in the chunked coding. In a head a bare LF is taken for a
//! line end (RFC 9112 §2.2). A body that is cut off is an error, never a short body. Everything a server can
//! send has a [limit](Limits). And a connection is reused only if nothing at all speaks against it: see
//! [`CloseReason`].
//!
//! What is not here: the server's side, pipelining (a second request before the first response is done),
//! trailer fields in requests, and HTTP/1.0's `keep-alive`.

mod body;
mod buffer;
mod chunked;
mod close_reason;
mod connection;
mod encode;
mod error;
mod event;
mod field;
mod framing;
mod head;
mod limits;
mod request;
mod trailers;
#[cfg(test)]
mod work;

pub(crate) use body::{BodyDecoder, Progress};
pub(crate) use buffer::Buffer;
pub use close_reason::CloseReason;
pub use connection::Connection;
pub use error::{LocalError, RemoteError};
pub use event::Event;
pub use framing::Framing;
pub use head::{ResponseHead, Version};
pub use limits::Limits;
pub use request::{BodyLength, RequestHead};

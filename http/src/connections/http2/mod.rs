//! HTTP/2 (RFC 9113): connections that several requests share.
//!
//! ```text
//! sharing.rs   what is known of an origin; who opens its connection, and who waits for it
//! shared.rs    a connection: who drives it, how many streams it has, when it ends
//! streams.rs   its open streams, each at a small number
//! fan_out.rs   one waker for all tasks that wait for a connection
//! io.rs        our byte streams with the I/O traits that h2 wants
//! stream.rs    one request and its response
//! handles.rs   h2's handles of a stream, which can be taken from a reader that reads nothing
//! outgoing.rs  the body of a request, in the pieces that flow control allows
//! head.rs      heads: from HTTP/1 to HTTP/2, and back
//! failure.rs   how a stream fails, and whether the request may be sent again
//! ```
//!
//! Frames, HPACK, stream states and most limits against floods are those of the crate `h2`. It has no task and no timer; a
//! connection only goes on when it is polled.
//!
//! # Who drives a connection
//! No task of ours, because it would be seen in every list of tasks, and would wait for a socket and so hide a deadlock.
//! Each task that polls a stream polls the connection, too, with wakers that are the same for all: the fan-out. When
//! it is woken, it wakes all tasks that wait for a stream, and the first of them that is polled drives the connection. What
//! several tasks have to send in one cycle of the kernel is sent together in the next one (`shared.rs`). If no
//! task waits (the connection is idle, or its responses are not read now), the pool's upkeep drives it once a second, which is
//! enough for PING, SETTINGS, GOAWAY and the end of the connection.
//!
//! It wakes all of them and not one, because no task that was woken is bound to poll its stream: it may have a timeout, or a
//! response that it has put aside. If only that one was woken, all others would wait for ever.

mod failure;
mod fan_out;
mod handles;
mod head;
mod io;
mod outgoing;
mod shared;
pub(crate) mod sharing;
pub(crate) mod stream;
mod streams;

pub(crate) use failure::{Again, StreamFailure};
pub(crate) use head::RequestParts;
pub(crate) use shared::{SharedConnection, StreamPermit};

//! h2's handles of a stream, which can be taken from a reader that reads nothing.
//!
//! What is received and not read counts against the window of the whole connection. So a response that the program does not
//! read would at last keep its siblings from receiving anything. The connection knows the handles of all its streams, and
//! takes those of one that was left unread for long: without handles, h2 resets a stream.

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use std::cell::{Cell, RefCell};
use std::time::Instant;

pub(super) struct Handles {
    /// `None` if they were taken.
    pub(super) open: RefCell<Option<Open>>,
    /// When the caller last asked for data.
    pub(super) read_at: Cell<Instant>,
}

/// The handles of a stream that is not ended. Dropping them resets it (`RST_STREAM` with `CANCEL`).
pub(super) struct Open {
    pub(super) send: SendStream<Bytes>,
    pub(super) receive: Receive,
}

pub(super) enum Receive {
    Head(ResponseFuture),
    Body(RecvStream),
}

impl Handles {
    pub(super) fn new(send: SendStream<Bytes>, response: ResponseFuture) -> Handles {
        let open = RefCell::new(Some(Open { send, receive: Receive::Head(response) }));
        Handles { open, read_at: Cell::new(curio::clock()) }
    }

    /// How many bytes have been received that the caller has not read.
    pub(super) fn unread(&self) -> usize {
        match self.open.borrow_mut().as_mut().map(|open| &mut open.receive) {
            Some(Receive::Body(body)) => body.flow_control().used_capacity(),
            _ => 0,
        }
    }
}

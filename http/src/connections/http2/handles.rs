//! h2's handles of a stream, which can be taken from a reader that reads nothing.
//!
//! What is received and not read counts against the window of the whole connection. So a response that the program does not
//! read would at last keep its siblings from receiving anything. The connection knows the handles of all its streams, and
//! takes those of one that was left unread for long: without handles, h2 resets a stream.
//!
//! Interim responses (1xx) have no window, and h2 keeps all that come before the head is asked for. So the connection takes them
//! from a stream that is not polled now, and ends it if there are more than allowed.

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::Response;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Instant;

pub(super) struct Handles {
    /// The number that the stream has on its connection while it is open.
    pub(super) key: usize,
    /// `None` if they were taken.
    pub(super) open: RefCell<Option<Open>>,
    /// When the caller last asked for data.
    pub(super) read_at: Cell<Instant>,
    /// Interim responses that were taken while the stream was not polled.
    interim: RefCell<VecDeque<Response<()>>>,
    /// The handles were taken because there were too many of them.
    pub(super) is_flooded: Cell<bool>,
    /// The stream has given h2 something to send, and the connection has not been polled for it.
    pub(super) has_unsent: Cell<bool>,
    /// In which of the connection's rounds its task has woken itself to send that.
    pub(super) left_in: Cell<Option<u64>>,
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
    /// Of a stream that was just opened.
    pub(super) fn new(key: usize, send: SendStream<Bytes>, response: ResponseFuture) -> Handles {
        Handles {
            key,
            open: RefCell::new(Some(Open { send, receive: Receive::Head(response) })),
            read_at: Cell::new(curio::clock()),
            interim: RefCell::default(),
            is_flooded: Cell::new(false),
            has_unsent: Cell::new(true),
            left_in: Cell::new(None),
        }
    }

    /// Takes the interim responses that have come, at most one more than `limit`. `true`: there are too many. The stream
    /// wakes the waker of `cx` from now on.
    pub(super) fn take_interim(&self, cx: &mut Context<'_>, limit: usize) -> bool {
        let Ok(mut open) = self.open.try_borrow_mut() else { return false };
        let Some(Open { receive: Receive::Head(response), .. }) = &mut *open else { return false };
        let mut interim = self.interim.borrow_mut();
        while interim.len() <= limit {
            match response.poll_informational(cx) {
                Poll::Ready(Some(Ok(next))) => interim.push_back(next),
                _ => return false,
            }
        }
        true
    }

    /// The next interim response, if one was taken.
    pub(super) fn next_interim(&self) -> Option<Response<()>> {
        self.interim.borrow_mut().pop_front()
    }

    /// How many bytes have been received that the caller has not read.
    pub(super) fn unread(&self) -> usize {
        match self.open.borrow_mut().as_mut().map(|open| &mut open.receive) {
            Some(Receive::Body(body)) => body.flow_control().used_capacity(),
            _ => 0,
        }
    }
}

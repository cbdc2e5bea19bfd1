//! What is known of an origin: whether it speaks HTTP/2, and the connection that its requests share.
//!
//! Requests go through one after the other, first come, first served: each takes the *turn*, finds the connection or opens it,
//! takes a stream of it, and passes the turn on. So one request makes the TLS handshake and all others wait for what ALPN
//! says ("single flight"), and streams are given out in the order of arrival, also across a change of connections. If the
//! handshake fails, all requests that were waiting for it fail with the same error.
//!
//! An origin that has chosen HTTP/1.1 once is not asked again: its requests connect independently, as without this feature.

use crate::connections::http2::shared::SharedConnection;
use crate::connections::http2::stream::Http2Stream;
use crate::connections::pool::Slot;
use crate::error::Error;
use curio::{Semaphore, SemaphorePermit};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub(crate) struct Sharing {
    turn: Semaphore,
    known: RefCell<Known>,
    /// How many requests have come to wait for their turn.
    arrivals: Cell<u64>,
    /// The last failure to connect, and the number of the first request that came after it.
    failure: RefCell<Option<(u64, Error)>>,
}

enum Known {
    Nothing,
    Http1,
    Http2(Connected),
}

/// The connection, and the slot of the pool that it has.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) connection: Rc<SharedConnection>,
    pub(crate) slot: Rc<Slot>,
}

/// A stream in use. Dropping it resets the stream, if its response is not complete.
pub(crate) struct StreamLease {
    pub(crate) stream: Http2Stream,
    /// The connection counts in the pool until its last stream has ended.
    pub(crate) _slot: Rc<Slot>,
}

/// The right to look for the connection and to open it.
pub(crate) struct Turn<'a> {
    sharing: &'a Sharing,
    _permit: SemaphorePermit<'a>,
}

impl Sharing {
    pub(crate) fn new() -> Sharing {
        Sharing {
            turn: Semaphore::new(1),
            known: RefCell::new(Known::Nothing),
            arrivals: Cell::new(0),
            failure: RefCell::new(None),
        }
    }

    pub(crate) fn is_http1(&self) -> bool {
        matches!(*self.known.borrow(), Known::Http1)
    }

    /// Whether it has a connection, open or not.
    pub(crate) fn has_connection(&self) -> bool {
        matches!(*self.known.borrow(), Known::Http2(_))
    }

    /// The turn, if no other request has it or waits for it.
    pub(crate) fn try_turn(&self) -> Option<Turn<'_>> {
        let permit = self.turn.try_acquire()?;
        Some(Turn { sharing: self, _permit: permit })
    }

    /// Waits for the turn.
    ///
    /// # Errors
    /// If the request that had it could not connect.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Error> {
        let arrival = self.arrivals.get();
        self.arrivals.set(arrival + 1);
        let permit = self.turn.acquire().await;
        match &*self.failure.borrow() {
            Some((after, error)) if arrival < *after => Err(error.repeat().with_resend(error.resend())),
            _ => Ok(Turn { sharing: self, _permit: permit }),
        }
    }

    /// The connection, if it takes more streams as far as is known.
    pub(crate) fn connected(&self) -> Option<Connected> {
        match &*self.known.borrow() {
            Known::Http2(connected) if connected.connection.is_open() => Some(connected.clone()),
            _ => None,
        }
    }

    /// The server wants HTTP/1.1 for what it is asked for.
    pub(crate) fn set_http1(&self) {
        let before = self.known.replace(Known::Http1);
        drop(before);
    }

    /// Takes the connection out if it is idle, to be closed by the caller.
    pub(crate) fn take_idle(&self) -> Option<Rc<SharedConnection>> {
        let is_idle = matches!(&*self.known.borrow(), Known::Http2(known) if known.connection.is_idle());
        if is_idle { self.take() } else { None }
    }

    /// Takes the connection out. Its streams go on.
    pub(crate) fn take(&self) -> Option<Rc<SharedConnection>> {
        if !self.has_connection() {
            return None;
        }
        match self.known.replace(Known::Nothing) {
            Known::Http2(connected) => {
                connected.connection.close_to_new_streams();
                Some(connected.connection)
            }
            Known::Nothing | Known::Http1 => None,
        }
    }

    /// The pool's upkeep. Closes a connection that was idle for `idle_timeout`, or that takes no more streams. Whether one is
    /// left.
    pub(crate) fn tend(&self, now: Instant, idle_timeout: Option<Duration>) -> bool {
        let connection = match &*self.known.borrow() {
            Known::Http2(connected) => Rc::clone(&connected.connection),
            Known::Nothing | Known::Http1 => return false,
        };
        connection.tend(now);
        let idle = now.saturating_duration_since(connection.idle_since());
        let is_expired = connection.is_idle() && idle_timeout.is_some_and(|most| idle >= most);
        if connection.is_open() && !is_expired {
            return true;
        }
        // Another one may have taken its place.
        let is_same = matches!(&*self.known.borrow(), Known::Http2(known) if Rc::ptr_eq(&known.connection, &connection));
        if is_same {
            drop(self.take());
        }
        self.has_connection()
    }
}

impl Turn<'_> {
    /// A connection was made.
    pub(crate) fn set_connected(&self, connected: Connected) {
        let before = self.sharing.known.replace(Known::Http2(connected));
        drop(before);
    }

    /// The requests that wait for the turn now fail, too.
    pub(crate) fn set_failed(&self, error: &Error) {
        let failure = (self.sharing.arrivals.get(), error.repeat());
        let before = self.sharing.failure.replace(Some(failure));
        drop(before);
    }
}

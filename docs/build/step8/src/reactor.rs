//! The reactor: turns "this socket can be read again" into "wake that task".
//!
//! # Readiness
//!
//! The selectors of mio (`epoll` on Linux, `kqueue` on macOS and the BSDs, IOCP with AFD on Windows) are used
//! *edge-triggered*: they report a socket once when it *becomes* readable or writable, and not again until it becomes so
//! anew. So an operation tries its system call first and waits only when that returned `WouldBlock`: then, and only then, is
//! there an edge to wait for. A socket is registered once, for both directions, and no system call is needed to start or
//! stop waiting.
//!
//! An event wakes the tasks that wait for this direction of this socket, and no others. It says "try again", not "you will
//! succeed": another task may have been first, and then the system call says `WouldBlock` once more.
//!
//! Between a failed system call and the moment at which the waker is stored no event can slip through, because events are
//! only collected between polls of tasks, on the same thread.

use mio::event::Source;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::io;
use std::task::Waker;
use std::time::Duration;

/// The token of the run queue's `mio::Waker`.
const RUN_QUEUE: Token = Token(usize::MAX);

pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    /// For each direction of a socket, the wakers of the tasks that wait for it: nearly always one or none.
    sockets: Slab<[Vec<Waker>; 2]>,
}

#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Reactor {
    /// With the waker that ends its wait for events from another thread.
    pub(crate) fn new() -> io::Result<(Reactor, mio::Waker)> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), RUN_QUEUE)?;
        Ok((Reactor { poll, events: Events::with_capacity(1024), sockets: Slab::new() }, waker))
    }

    /// Adds a socket, for both directions and for good. Returns the key of its place.
    pub(crate) fn register(&mut self, source: &mut impl Source) -> io::Result<usize> {
        let entry = self.sockets.vacant_entry();
        let key = entry.key();
        self.poll.registry().register(source, Token(key), Interest::READABLE | Interest::WRITABLE)?;
        entry.insert(Default::default());
        Ok(key)
    }

    /// Removes a socket. Its wakers are returned to be dropped outside of any borrow.
    pub(crate) fn deregister(&mut self, source: &mut impl Source, key: usize) -> [Vec<Waker>; 2] {
        // Closing the socket, which comes next, removes it from the selector too; nothing is lost if this fails.
        let _ = self.poll.registry().deregister(source);
        self.sockets.remove(key)
    }

    /// Leaves a waker for the next edge.
    pub(crate) fn wait(&mut self, key: usize, direction: Direction, waker: &Waker) {
        let wakers = &mut self.sockets[key][direction as usize];
        if !wakers.iter().any(|kept| kept.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    /// Waits for events, but no longer than `timeout`. Returns the wakers of the tasks whose sockets have become ready.
    pub(crate) fn poll(&mut self, timeout: Option<Duration>) -> Vec<Waker> {
        if let Err(error) = self.poll.poll(&mut self.events, timeout)
            && error.kind() != io::ErrorKind::Interrupted
        {
            // It fails for a bad descriptor or bad memory: no program can go on after that.
            panic!("waiting for I/O events failed: {error}");
        }
        let mut woken = Vec::new();
        for event in &self.events {
            // The run queue's waker comes by here too, and has no place in the table.
            let Some([read, write]) = self.sockets.get_mut(event.token().0) else { continue };
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                woken.append(read);
            }
            if event.is_writable() || event.is_write_closed() || event.is_error() {
                woken.append(write);
            }
        }
        woken
    }
}

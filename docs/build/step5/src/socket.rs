//! A registered socket, and how operations on it wait.
//!
//! Every operation is the same future: try the system call; if it would block, leave the waker in the reactor.

use crate::reactor::{Direction, Reactor};
use crate::traps;
use mio::event::Source;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A socket of mio's that is registered with its kernel's reactor for its whole life.
pub(crate) struct Socket<S: Source> {
    pub(crate) source: S,
    reactor: Rc<RefCell<Reactor>>,
    key: usize,
}

impl<S: Source> Socket<S> {
    pub(crate) fn new(mut source: S) -> io::Result<Socket<S>> {
        let reactor = traps::reactor();
        let key = reactor.borrow_mut().register(&mut source)?;
        Ok(Socket { source, reactor, key })
    }

    /// An operation that waits until `attempt` does something else than block.
    pub(crate) async fn op<T>(
        &self,
        direction: Direction,
        mut attempt: impl FnMut(&S) -> io::Result<T>,
    ) -> io::Result<T> {
        let poll = |cx: &mut Context<'_>| match attempt(&self.source) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.reactor.borrow_mut().wait(self.key, direction, cx.waker());
                Poll::Pending
            }
            result => Poll::Ready(result),
        };
        poll_fn(poll).await
    }
}

impl<S: Source> Drop for Socket<S> {
    fn drop(&mut self) {
        let wakers = self.reactor.borrow_mut().deregister(&mut self.source, self.key);
        drop(wakers);
    }
}

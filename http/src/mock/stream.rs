//! A connection to a mock.
//!
//! Writing parses the bytes at once, and when they complete a request, the response is made at once. Reading carries out
//! the steps of the response, and does all the waiting. So a connection needs no task.

use super::MockState;
use super::request::{Received, RequestReader};
use super::response::{Step, chunk};
use curio::Sleep;
use futures_io::{AsyncRead, AsyncWrite};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

/// A connection to a [`Mock`](super::Mock). The second example of [`Connector`](crate::Connector) names it.
pub struct MockStream {
    state: Rc<MockState>,
    requests: RequestReader,
    steps: VecDeque<Step>,
    /// The wait that is under way.
    sleep: Option<Sleep>,
    /// The bytes that are being read, from `read` on.
    sending: Vec<u8>,
    read: usize,
    closed: bool,
    /// The reader that waits for a response to a request that is not complete.
    reader: Option<Waker>,
}

impl MockStream {
    pub(super) fn new(state: Rc<MockState>, https: bool) -> MockStream {
        MockStream {
            state,
            requests: RequestReader::new(https),
            steps: VecDeque::new(),
            sleep: None,
            sending: Vec::new(),
            read: 0,
            closed: false,
            reader: None,
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(Pin::new(sleep).poll(cx));
            self.sleep = None;
        }
        match self.steps.pop_front() {
            Some(Step::Wait(time)) => self.sleep = Some(curio::sleep(time)),
            Some(Step::Send(bytes)) => (self.sending, self.read) = (bytes, 0),
            Some(Step::Stream(mut pieces)) => match pieces.0.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) => {
                    // An empty chunk would be the end.
                    if !piece.is_empty() {
                        (self.sending, self.read) = (chunk(&piece), 0);
                    }
                    self.steps.push_front(Step::Stream(pieces));
                }
                Poll::Ready(Some(Err(error))) => {
                    self.closed = true;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(None) => {}
                Poll::Pending => {
                    self.steps.push_front(Step::Stream(pieces));
                    return Poll::Pending;
                }
            },
            Some(Step::Close) => self.closed = true,
            Some(Step::Fail(error)) => {
                self.closed = true;
                return Poll::Ready(Err(error));
            }
            Some(Step::Hang) => {
                self.steps.push_front(Step::Hang);
                return Poll::Pending;
            }
            None => {
                self.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for MockStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let left = &self.sending[self.read..];
            if !left.is_empty() {
                let n = left.len().min(buf.len());
                buf[..n].copy_from_slice(&left[..n]);
                self.read += n;
                return Poll::Ready(Ok(n));
            }
            if self.closed {
                return Poll::Ready(Ok(0));
            }
            ready!(self.poll_step(cx))?;
        }
    }
}

impl AsyncWrite for MockStream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.requests.put(buf);
        while let Some(arrived) = self.requests.next()? {
            match arrived {
                Received::Expecting => {
                    self.steps.push_back(Step::Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
                }
                Received::Request(request) => {
                    let method = request.method().clone();
                    let answer = self.state.respond(request);
                    self.steps.extend(answer.steps(&method));
                }
            }
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closed = true;
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for MockStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockStream").field("steps", &self.steps).finish_non_exhaustive()
    }
}

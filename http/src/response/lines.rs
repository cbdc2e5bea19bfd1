//! Reading a body line by line, as text.

use crate::error::{Error, ErrorKind};
use crate::response::charset;
use crate::response::content::Content;
use crate::response::error_context::ErrorContext;
use bytes::Bytes;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How much of the body is asked for at a time when looking for the ends of lines.
const AT_A_TIME: usize = 64 * 1024;
/// The longest line. A body without line ends must not fill the memory.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// The body line by line, from [`Response::iter_lines`](crate::Response::iter_lines).
pub struct Lines<'a> {
    content: &'a mut Content,
    context: ErrorContext<'a>,
    encoding: Option<&'a str>,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    chunk: Bytes,
    ended: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(
        content: &'a mut Content,
        context: ErrorContext<'a>,
        encoding: Option<&'a str>,
    ) -> Lines<'a> {
        content.begin_chunks();
        Lines { content, context, encoding, begun: Vec::new(), chunk: Bytes::new(), ended: false }
    }

    /// The next line without its end; `None` when there are no more.
    ///
    /// # Errors
    /// As [`Response::text`](crate::Response::text); of kind [`TooLarge`](ErrorKind::TooLarge) for a line of more than 16 MiB.
    ///
    /// # Cancellation
    /// Nothing is lost: the next call goes on.
    pub async fn next(&mut self) -> Option<Result<String, Error>> {
        poll_fn(|cx| self.poll_line(cx)).await
    }

    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<String, Error>>> {
        loop {
            if let Some(end) = self.chunk.iter().position(|&byte| byte == b'\n') {
                let line = self.chunk.split_to(end + 1);
                self.begun.extend_from_slice(&line[..end]);
                return Poll::Ready(Some(self.finish_line()));
            }
            self.begun.extend_from_slice(&std::mem::take(&mut self.chunk));
            if self.begun.len() > LONGEST_LINE {
                self.ended = true;
                self.begun = Vec::new();
                let what = format!("reading a line: it is longer than {LONGEST_LINE} bytes");
                return Poll::Ready(Some(Err(self.context.located(Error::new(ErrorKind::TooLarge, what)))));
            }
            if self.ended {
                return Poll::Ready((!self.begun.is_empty()).then(|| self.finish_line()));
            }
            match ready!(self.content.poll_chunk(cx, AT_A_TIME)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => {
                    self.ended = true;
                    self.begun = Vec::new();
                    return Poll::Ready(Some(Err(self.context.located(error))));
                }
                None => self.ended = true,
            }
        }
    }

    fn finish_line(&mut self) -> Result<String, Error> {
        let mut line = std::mem::take(&mut self.begun);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        charset::decode(&line, self.encoding).map_err(|error| self.context.located(error))
    }
}

impl Stream for Lines<'_> {
    type Item = Result<String, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_line(cx)
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

//! Reading a body line by line, as text.
//!
//! The splitter belongs to the content and not to [`Lines`], so that a second [`Lines`] continues with the next line.

use crate::error::{Error, ErrorKind};
use crate::response::content::{Content, Reader};
use crate::response::error_context::ErrorContext;
use crate::response::line_splitter::{LONGEST_LINE, Split};
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many bytes of the body are read at a time.
const AT_A_TIME: usize = 64 * 1024;

/// The body line by line, from [`Response::iter_lines`](crate::Response::iter_lines).
/// ```
/// # use curio_http::mock::{Answer, Mock};
/// # use std::time::Duration;
/// # let pieces = ["{\"n\": 1}\n{\"n\"", ": 2}\r\n{\"n\": 3}"];
/// # let mock = Mock::new().otherwise(move |_| Answer::pieces(pieces, Duration::from_secs(1)));
/// # curio::testing::run(async {
/// # let session = mock.session();
/// let mut response = session.get("http://test/log").await?;
/// let mut lines = response.iter_lines();
/// let mut sum = 0;
/// while let Some(line) = lines.next().await {
///     let entry: serde_json::Value = serde_json::from_str(&line?).expect("a line of JSON");
///     sum += entry["n"].as_u64().unwrap_or_default();
/// }
/// assert_eq!(sum, 6);
/// # Ok::<(), curio_http::Error>(())
/// # }).unwrap();
/// ```
pub struct Lines<'a> {
    content: &'a mut Content,
    context: ErrorContext<'a>,
    failed: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(
        content: &'a mut Content,
        context: ErrorContext<'a>,
        encoding: Option<&str>,
    ) -> Lines<'a> {
        content.begin_lines(encoding);
        Lines { content, context, failed: false }
    }

    /// The next line without its line end; `None` when there are no more.
    ///
    /// # Errors
    /// As [`Response::text`](crate::Response::text); of kind [`TooLarge`](ErrorKind::TooLarge) for a line of more than 16 MiB.
    ///
    /// # Cancellation
    /// If the future is dropped, nothing is lost: the next call continues.
    pub async fn next(&mut self) -> Option<Result<String, Error>> {
        poll_fn(|cx| self.poll_line(cx)).await
    }

    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<String, Error>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let line = ready!(self.content.poll_line(cx));
        // After a line that cannot be decoded, the next one can be read.
        self.failed = matches!(&line, Some(Err(error)) if !error.is_decode());
        Poll::Ready(line.map(|line| line.map_err(|error| self.context.located(error))))
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

impl Content {
    /// The next line. To be called after `begin_lines`.
    pub(crate) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<String, Error>>> {
        loop {
            if let Err(error) = ready!(self.poll_turn(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            let Reader::Lines(splitter) = &mut self.reader else { return Poll::Ready(None) };
            match splitter.next() {
                Split::Line(line) => {
                    self.budget.spend(line.as_ref().map_or(0, String::len));
                    return Poll::Ready(Some(line));
                }
                Split::End => return Poll::Ready(None),
                Split::TooLong => {
                    let what = format!("reading a line: it is longer than {LONGEST_LINE} bytes");
                    return Poll::Ready(Some(Err(self.fail(Error::new(ErrorKind::TooLarge, what)))));
                }
                Split::NeedsInput => {}
            }
            let chunk = match ready!(self.poll_chunk(cx, AT_A_TIME)) {
                Some(Ok(chunk)) => Some(chunk),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => None,
            };
            if let Reader::Lines(splitter) = &mut self.reader {
                splitter.feed(chunk);
            }
        }
    }
}

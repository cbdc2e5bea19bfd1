//! Server-sent events as they come: [`Events`].
//!
//! What the bytes mean is worked out in `sse.rs`; here they are read. Asking again when the stream has ended is left to
//! the program, because only it knows whether it wants to: [`last_event_id`](Events::last_event_id) and
//! [`retry`](Events::retry) say how.

use crate::error::{Error, ErrorKind};
use crate::response::content::Content;
use crate::response::error_context::ErrorContext;
use crate::response::sse::{LONGEST_EVENT, Parser, ServerEvent};
use bytes::Bytes;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How much of the body is asked for at a time.
const AT_A_TIME: usize = 64 * 1024;

/// The events that a server sends, from [`Response::iter_events`](crate::Response::iter_events).
///
/// A server may have nothing to say for a long time. The session's
/// [`read_timeout`](crate::ClientSessionBuilder::read_timeout) of 30 s applies all the same, unless the request has
/// [another](crate::RequestBuilder::read_timeout).
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
/// use std::time::Duration;
///
/// let mut last_id = String::new();
/// loop {
///     let request = session.get("https://example.org/events").header("Accept", "text/event-stream");
///     let mut response = request.header("Last-Event-ID", &last_id).read_timeout(None).await?;
///     response.raise_for_status()?;
///     let mut events = response.iter_events();
///     while let Some(Ok(event)) = events.next().await {
///         println!("{}: {}", event.event(), event.data());
///     }
///     last_id = events.last_event_id().to_owned();
///     curio::sleep(events.retry().unwrap_or(Duration::from_secs(3))).await;
/// }
/// # }
/// ```
pub struct Events<'a> {
    content: &'a mut Content,
    context: ErrorContext<'a>,
    parser: Parser,
    chunk: Bytes,
    ended: bool,
}

impl<'a> Events<'a> {
    pub(crate) fn new(content: &'a mut Content, context: ErrorContext<'a>) -> Events<'a> {
        content.begin_chunks();
        Events { content, context, parser: Parser::default(), chunk: Bytes::new(), ended: false }
    }

    /// The next event; `None` when the stream has ended. After an error there are no more.
    ///
    /// # Errors
    /// As [`Response::binary`](crate::Response::binary); of kind [`TooLarge`](ErrorKind::TooLarge) for an event of more than 16 MiB.
    ///
    /// # Cancellation
    /// Nothing is lost: the next call goes on.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The last id that the server has given: what a `Last-Event-ID` field says when asking again. Empty if there was
    /// none.
    pub fn last_event_id(&self) -> &str {
        self.parser.last_id()
    }

    /// How long the server wants its clients to wait before they ask again, if it has said so.
    pub fn retry(&self) -> Option<Duration> {
        self.parser.retry()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ServerEvent, Error>>> {
        while !self.ended {
            match self.parser.parse(&mut self.chunk) {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => {}
                Err(_) => {
                    self.ended = true;
                    let what = format!("reading an event: it is longer than {LONGEST_EVENT} bytes");
                    let error = self.context.located(Error::new(ErrorKind::TooLarge, what));
                    return Poll::Ready(Some(Err(error)));
                }
            }
            match ready!(self.content.poll_chunk(cx, AT_A_TIME)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(self.context.located(error))));
                }
                // An event that was not ended by then is none.
                None => self.ended = true,
            }
        }
        Poll::Ready(None)
    }
}

impl Stream for Events<'_> {
    type Item = Result<ServerEvent, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_event(cx)
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("last_event_id", &self.last_event_id()).finish_non_exhaustive()
    }
}

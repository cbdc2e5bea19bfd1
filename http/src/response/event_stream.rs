//! Reading a body as server-sent events: [`Events`].
//!
//! `sse.rs` parses the bytes that are read here. `session/event_source.rs` reconnects when the stream has ended.

use crate::error::{Error, ErrorKind};
use crate::response::content::{Content, Reader};
use crate::response::error_context::ErrorContext;
use crate::response::sse::{LONGEST_EVENT, Parser, ServerEvent};
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How many bytes of the body are read at a time.
const AT_A_TIME: usize = 64 * 1024;

/// The events that a server sends, from [`Response::iter_events`](crate::Response::iter_events).
///
/// A server may send nothing for a long time. The session's
/// [`read_timeout`](crate::ClientSessionBuilder::read_timeout) of 30 s applies all the same, unless the request has
/// [another](crate::RequestBuilder::read_timeout). They end with the response; an [`EventSource`](crate::EventSource) reconnects.
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
/// let request = session.get("https://example.org/events").header("Accept", "text/event-stream");
/// let mut response = request.await?;
/// response.raise_for_status()?;
/// let mut events = response.iter_events();
/// while let Some(event) = events.next().await {
///     let event = event?;
///     println!("{}: {}", event.event(), event.data());
/// }
/// # Ok(()) }
/// ```
pub struct Events<'a> {
    content: &'a mut Content,
    context: ErrorContext<'a>,
    failed: bool,
}

impl<'a> Events<'a> {
    pub(crate) fn new(content: &'a mut Content, context: ErrorContext<'a>) -> Events<'a> {
        content.begin_events();
        Events { content, context, failed: false }
    }

    /// The next event; `None` when the stream has ended. After an error there are no more.
    ///
    /// # Errors
    /// As [`Response::binary`](crate::Response::binary); of kind [`TooLarge`](ErrorKind::TooLarge) for an event of more than 16 MiB.
    ///
    /// # Cancellation
    /// If the future is dropped, nothing is lost: the next call continues.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The last event id that the server has sent: the value of the `Last-Event-ID` field when reconnecting. Empty if there
    /// was none.
    pub fn last_event_id(&self) -> &str {
        self.content.event_parser().map_or("", Parser::last_id)
    }

    /// The reconnection time: how long the server wants its clients to wait before they reconnect, if it has sent one.
    pub fn retry(&self) -> Option<Duration> {
        self.content.event_parser()?.retry()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ServerEvent, Error>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let event = ready!(self.content.poll_event(cx));
        self.failed = matches!(event, Some(Err(_)));
        Poll::Ready(event.map(|event| event.map_err(|error| self.context.located(error))))
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

impl Content {
    /// The next event. To be called after `begin_events`.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ServerEvent, Error>>> {
        loop {
            if let Err(error) = ready!(self.poll_turn(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            let Reader::Events(reader) = &mut self.reader else { return Poll::Ready(None) };
            let parsed = reader.parse();
            self.budget.spend_steps(reader.parser.take_lines_read());
            match parsed {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => {}
                Err(_) => {
                    let what = format!("reading an event: it is longer than {LONGEST_EVENT} bytes");
                    return Poll::Ready(Some(Err(self.fail(Error::new(ErrorKind::TooLarge, what)))));
                }
            }
            match ready!(self.poll_chunk(cx, AT_A_TIME)) {
                Some(Ok(chunk)) => {
                    if let Reader::Events(reader) = &mut self.reader {
                        reader.unparsed = chunk;
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // An incomplete event at the end of the stream is discarded (WHATWG HTML §9.2.6).
                None => return Poll::Ready(None),
            }
        }
    }

    /// The parser, if the body is being read as events.
    pub(crate) fn event_parser(&self) -> Option<&Parser> {
        match &self.reader {
            Reader::Events(reader) => Some(&reader.parser),
            _ => None,
        }
    }
}

//! The parser of server-sent events (WHATWG HTML §9.2.6), without I/O.
//!
//! The format is line-based. A line `field: value` sets a field of the current event, an empty line dispatches it, and a line
//! that begins with a colon is a comment, mostly sent to keep the connection alive. Lines end in LF, CR or CR LF, so after
//! a CR at the end of a chunk the LF may still follow. Text is UTF-8, a byte order mark in front of it is skipped, and an
//! incomplete event at the end of the stream is discarded.
//!
//! The current line and event together have a limit, so that a stream without line ends, or an event without an end, cannot
//! exhaust the memory.

use bytes::{Buf, Bytes};
use std::time::Duration;

/// The largest event in bytes, its incomplete line included.
pub(crate) const LONGEST_EVENT: usize = 16 * 1024 * 1024;

/// A server-sent event, from [`Events`](crate::Events).
/// ```
/// # use curio_http::mock::{Answer, Mock};
/// # let mock = Mock::new().otherwise(|_| Answer::text("id: 7\nevent: price\ndata: 0.25\n\ndata: bye\n\n"));
/// # curio::testing::run(async {
/// # let session = mock.session();
/// let mut response = session.get("http://test/prices").await?;
/// let mut events = response.iter_events();
/// let event = events.next().await.expect("a first event")?;
/// assert_eq!((event.event(), event.data(), event.id()), ("price", "0.25", "7"));
/// let event = events.next().await.expect("a second event")?;
/// assert_eq!((event.event(), event.id()), ("message", "7"));
/// assert_eq!(event.into_data(), "bye");
/// assert!(events.next().await.is_none());
/// # Ok::<(), curio_http::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    kind: String,
    data: String,
    id: String,
}

impl ServerEvent {
    /// The type of the event (its `event` field): `"message"` if it has none.
    pub fn event(&self) -> &str {
        if self.kind.is_empty() { "message" } else { &self.kind }
    }

    /// The `data` fields, joined by line feeds. An event always has one, though it may be empty.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The last event id that the server has sent, with this event or before; empty if there was none. A client that
    /// reconnects sends it in a `Last-Event-ID` field, and the server continues after that event.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The data, without a copy.
    pub fn into_data(self) -> String {
        self.data
    }
}

/// The event would be longer than [`LONGEST_EVENT`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Parses a stream of events, whatever the boundaries of the chunks.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// The first line, which may begin with a byte order mark, is complete.
    begun: bool,
    /// The last line ended in CR: an LF directly after it belongs to that line end.
    after_cr: bool,
    line: Vec<u8>,
    kind: String,
    data: String,
    id: String,
    /// The id of the last event that was dispatched.
    last_id: String,
    retry: Option<Duration>,
    lines_read: usize,
}

impl Parser {
    /// A parser of a stream that continues another one, whose last event had this id.
    pub(crate) fn after(id: &str) -> Parser {
        Parser { id: id.to_owned(), last_id: id.to_owned(), ..Parser::default() }
    }

    /// Whether no event has begun that has not been dispatched.
    pub(crate) fn is_between_events(&self) -> bool {
        self.line.is_empty() && self.data.is_empty() && self.kind.is_empty()
    }

    /// How many lines have been read since the last call.
    pub(crate) fn take_lines_read(&mut self) -> usize {
        std::mem::take(&mut self.lines_read)
    }

    /// The id of the last event that was dispatched.
    pub(crate) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The reconnection time, if the server has sent one.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Consumes bytes from the front of `input` until an event is complete or there are no more.
    pub(crate) fn parse(&mut self, input: &mut Bytes) -> Result<Option<ServerEvent>, TooLong> {
        while !input.is_empty() {
            if std::mem::take(&mut self.after_cr) && input[0] == b'\n' {
                input.advance(1);
                continue;
            }
            let Some(end) = input.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.extend_line(input)?;
                input.clear();
                return Ok(None);
            };
            self.extend_line(&input[..end])?;
            self.after_cr = input[end] == b'\r';
            input.advance(end + 1);
            if let Some(event) = self.end_line() {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn extend_line(&mut self, part: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() + part.len() > LONGEST_EVENT {
            return Err(TooLong);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    /// Processes the complete line. An empty line returns the event, if there is one.
    fn end_line(&mut self) -> Option<ServerEvent> {
        self.lines_read += 1;
        let bytes = std::mem::take(&mut self.line);
        let mut line = &bytes[..];
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let text = String::from_utf8_lossy(line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.kind = value.into(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = value.into(),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry);
            }
            // A comment has an empty field name. Unknown fields are ignored.
            _ => {}
        }
        // The next line uses the same memory.
        self.line = bytes;
        self.line.clear();
        None
    }

    fn end_event(&mut self) -> Option<ServerEvent> {
        if self.last_id != self.id {
            self.last_id.clone_from(&self.id);
        }
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        // Without a `data` field there is no event. With one, the last line feed is removed.
        data.pop()?;
        Some(ServerEvent { kind, data, id: self.last_id.clone() })
    }
}

/// The state of reading a body as events. It belongs to the content and not to [`Events`](crate::Events), so that a second
/// [`Events`](crate::Events) continues with the next event, and keeps the last event id and the reconnection time.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    pub(crate) parser: Parser,
    /// Bytes that have been read and not parsed yet.
    pub(crate) unparsed: Bytes,
}

impl EventReader {
    /// The next event of the unparsed bytes.
    pub(crate) fn parse(&mut self) -> Result<Option<ServerEvent>, TooLong> {
        self.parser.parse(&mut self.unparsed)
    }

    /// The bytes that have not been parsed; `None` in the middle of an event, whose bytes are not kept.
    pub(crate) fn into_unread(self) -> Option<Bytes> {
        self.parser.is_between_events().then_some(self.unparsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_chunks(stream: &[u8], size: usize) -> (Vec<(String, String, String)>, Parser) {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in stream.chunks(size) {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(event) = parser.parse(&mut piece).expect("short events") {
                events.push((event.event().to_owned(), event.data().to_owned(), event.id().to_owned()));
            }
            assert!(piece.is_empty());
        }
        (events, parser)
    }

    /// The events of a stream, which are the same for all sizes of chunks.
    fn events(stream: &str) -> Vec<(String, String, String)> {
        let (whole, _) = in_chunks(stream.as_bytes(), stream.len().max(1));
        for size in 1..stream.len() {
            assert_eq!(in_chunks(stream.as_bytes(), size).0, whole, "in chunks of {size}");
        }
        whole
    }

    fn message(data: &str) -> (String, String, String) {
        ("message".into(), data.into(), String::new())
    }

    /// The examples of the WHATWG's text.
    #[test]
    fn the_examples_of_the_standard_are_read() {
        assert_eq!(events("data: YHOO\ndata: +2\ndata: 10\n\n"), [message("YHOO\n+2\n10")]);
        let stream =
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
        let first = ("message".into(), "first event".into(), "1".into());
        assert_eq!(events(stream), [first, message("second event"), message(" third event")]);
        assert_eq!(events("data\n\ndata\ndata\n\ndata:"), [message(""), message("\n")]);
        assert_eq!(events("data:test\n\ndata: test\n\n"), [message("test"), message("test")]);
    }

    #[test]
    fn every_line_end_is_one_line_end() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = format!("event: a{end}data: 1{end}data: 2{end}{end}data: 3{end}{end}");
            assert_eq!(
                events(&stream),
                [("a".into(), "1\n2".into(), String::new()), message("3")],
                "{end:?}"
            );
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        assert_eq!(events("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n"), [message("a"), message("c")]);
    }

    #[test]
    fn an_id_stays_until_the_next_and_one_with_a_nul_is_none() {
        let ids: Vec<_> = events("id: 1\ndata: a\n\ndata: b\n\nid: \0\ndata: c\n\nid\ndata: d\n\n");
        assert_eq!(ids.iter().map(|(_, _, id)| &**id).collect::<Vec<_>>(), ["1", "1", "1", ""]);
    }

    #[test]
    fn a_type_without_data_is_no_event_and_does_not_stay() {
        assert_eq!(events("event: a\n\ndata: 1\n\n"), [message("1")]);
    }

    #[test]
    fn what_is_not_ended_is_no_event() {
        assert_eq!(events("data: 1\n\ndata: 2\n"), [message("1")]);
    }

    #[test]
    fn a_retry_time_is_digits_only() {
        let retry = |text: &str| in_chunks(format!("{text}\n\n").as_bytes(), 100).1.retry();
        assert_eq!(retry("retry: 1500"), Some(Duration::from_millis(1500)));
        assert_eq!([retry("retry: +1"), retry("retry:"), retry("retry: 1s"), retry("Retry: 1")], [None; 4]);
        assert_eq!(retry("retry: 7\nretry: 99999999999999999999"), Some(Duration::from_millis(7)));
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters() {
        assert_eq!(in_chunks(b"data: a\xffb\n\n", 3).0, [message("a\u{fffd}b")]);
    }

    #[test]
    fn neither_a_line_nor_an_event_grows_for_ever() {
        let mut parser = Parser::default();
        let piece = Bytes::from(vec![b'x'; 1 << 20]);
        let fed = (0..100).take_while(|_| parser.parse(&mut piece.clone()).is_ok()).count();
        assert_eq!(fed, 16);
        let mut parser = Parser::default();
        let line = Bytes::from([b"data:", &vec![b'x'; 1 << 20][..], b"\n"].concat());
        let fed = (0..100).take_while(|_| parser.parse(&mut line.clone()).is_ok()).count();
        assert!((14..=16).contains(&fed), "{fed}");
    }
}

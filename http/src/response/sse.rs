//! Server-sent events, without any input or output: bytes go in, events come out (WHATWG HTML §9.2.6).
//!
//! The format is lines. A line `field: value` sets a field of the event in the making, an empty line ends it, and a line
//! that begins with a colon is a comment, mostly sent to keep the connection alive. Lines end in LF, CR or CR LF, so a
//! CR at the end of what has come is a line end whose LF may still follow. Text is UTF-8, a byte order mark in front of
//! it is skipped, and an event that is not ended when the stream ends never was one.
//!
//! A stream without line ends, or an event without an end, must not fill the memory: both together have a bound.

use bytes::{Buf, Bytes};
use std::time::Duration;

/// The most that one event may hold, its unfinished line included.
pub(crate) const LONGEST_EVENT: usize = 16 * 1024 * 1024;

/// An event that a server has sent: what [`Events`](crate::Events) yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    kind: String,
    data: String,
    id: String,
}

impl ServerEvent {
    /// The type of the event (its `event` field): `"message"` if the server names none.
    pub fn event(&self) -> &str {
        if self.kind.is_empty() { "message" } else { &self.kind }
    }

    /// The `data` fields, with a line feed between them. Never missing, though it may be an empty text.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The last id that the server has given, with this event or before; empty if there was none. Whoever asks again
    /// sends it in a `Last-Event-ID` field, and the server goes on from there.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The data, taken out.
    pub fn into_data(self) -> String {
        self.data
    }
}

/// The event would be longer than [`LONGEST_EVENT`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Reads a stream of events, however it is cut.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// Past the place where a byte order mark may stand.
    begun: bool,
    /// The last line ended in CR: an LF right behind it belongs to that.
    after_cr: bool,
    line: Vec<u8>,
    kind: String,
    data: String,
    id: String,
    /// The id of the last event that was ended.
    last_id: String,
    retry: Option<Duration>,
    lines_read: usize,
}

impl Parser {
    /// Whether nothing of an event has come that has not ended.
    pub(crate) fn is_between_events(&self) -> bool {
        self.line.is_empty() && self.data.is_empty() && self.kind.is_empty()
    }

    /// How many lines have been read since this was last asked.
    pub(crate) fn take_lines_read(&mut self) -> usize {
        std::mem::take(&mut self.lines_read)
    }

    /// The id that the server gave last, with an event that has ended.
    pub(crate) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// How long the server asks to wait before asking again after the stream has ended.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Takes bytes off the front of `input` until an event is complete or there are no more.
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

    /// The line is complete: an event, if it was an empty line and there is one.
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
            // A comment has an empty field name; unknown fields are for the future.
            _ => {}
        }
        // The next line has the same memory.
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
        // Without a data field there is no event. With one, there is a line feed too many.
        data.pop()?;
        Some(ServerEvent { kind, data, id: self.last_id.clone() })
    }
}

/// A stream of events that is being read. It belongs to the content and not to its reader, so that a caller that asks for
/// events again gets the next one, and still has what the server has said about ids and times.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    pub(crate) parser: Parser,
    /// What has come and is not parsed.
    pub(crate) unparsed: Bytes,
}

impl EventReader {
    /// The next event of what has come.
    pub(crate) fn parse(&mut self) -> Result<Option<ServerEvent>, TooLong> {
        self.parser.parse(&mut self.unparsed)
    }

    /// The bytes that were not made into events; `None` if they are those of half an event, which are not kept.
    pub(crate) fn into_unread(self) -> Option<Bytes> {
        self.parser.is_between_events().then_some(self.unparsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(stream: &[u8], size: usize) -> (Vec<(String, String, String)>, Parser) {
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

    /// The events of a stream, which are the same whatever the pieces it comes in.
    fn events(stream: &str) -> Vec<(String, String, String)> {
        let (whole, _) = in_pieces(stream.as_bytes(), stream.len().max(1));
        for size in 1..stream.len() {
            assert_eq!(in_pieces(stream.as_bytes(), size).0, whole, "in pieces of {size}");
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
        let retry = |text: &str| in_pieces(format!("{text}\n\n").as_bytes(), 100).1.retry();
        assert_eq!(retry("retry: 1500"), Some(Duration::from_millis(1500)));
        assert_eq!([retry("retry: +1"), retry("retry:"), retry("retry: 1s"), retry("Retry: 1")], [None; 4]);
        assert_eq!(retry("retry: 7\nretry: 99999999999999999999"), Some(Duration::from_millis(7)));
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters() {
        assert_eq!(in_pieces(b"data: a\xffb\n\n", 3).0, [message("a\u{fffd}b")]);
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

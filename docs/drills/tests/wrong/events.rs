use curio_http::h1::{Connection, Event, RemoteError};
use drills::graders::events::{EventsDrill, ServerSentEvent};
use std::collections::VecDeque;
use std::mem;

/// Makes text of each piece of the body instead of each line.
pub(crate) const TEXT_TOO_EARLY: u8 = 1;
/// An LF after a CR is a line end of its own.
pub(crate) const CRLF_IS_TWO: u8 = 2;
/// The end of the body ends the last event.
pub(crate) const ENDS_THE_LAST: u8 = 3;
/// All spaces after the colon are removed.
pub(crate) const TRIMS: u8 = 4;
/// An error of the protocol is the end.
pub(crate) const HIDES_ERRORS: u8 = 5;
/// Each piece of the body is a number of whole lines.
pub(crate) const LINES_ARE_NOT_CUT: u8 = 6;
/// The last line of data replaces those before.
pub(crate) const ONE_DATA_LINE: u8 = 7;

pub(crate) struct Events<const MISTAKE: u8> {
    connection: Connection,
    line: Vec<u8>,
    after_cr: bool,
    kind: String,
    data: Option<String>,
    complete: VecDeque<ServerSentEvent>,
}

impl<const MISTAKE: u8> EventsDrill for Events<MISTAKE> {
    fn new(connection: Connection) -> Self {
        let (line, after_cr, kind, data, complete) = Default::default();
        Events { connection, line, after_cr, kind, data, complete }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.connection.feed(bytes);
    }

    fn next_event(&mut self) -> Result<Option<ServerSentEvent>, RemoteError> {
        while self.complete.is_empty() {
            match self.connection.next_event() {
                Err(error) if MISTAKE != HIDES_ERRORS => return Err(error),
                Ok(Some(Event::Data(data))) => {
                    match MISTAKE {
                        TEXT_TOO_EARLY => self.take(String::from_utf8_lossy(&data).as_bytes()),
                        _ => self.take(&data),
                    }
                    if MISTAKE == LINES_ARE_NOT_CUT && !self.line.is_empty() {
                        self.end_line();
                    }
                }
                Ok(Some(Event::End { .. })) if MISTAKE == ENDS_THE_LAST => self.end_event(),
                Ok(Some(_)) => {}
                _ => break,
            }
        }
        Ok(self.complete.pop_front())
    }
}

impl<const MISTAKE: u8> Events<MISTAKE> {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let after_cr = mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr && MISTAKE != CRLF_IS_TWO => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(*byte),
            }
        }
    }

    fn end_line(&mut self) {
        let line = mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value =
            if MISTAKE == TRIMS { value.trim_start() } else { value.strip_prefix(' ').unwrap_or(value) };
        match (field, &mut self.data) {
            ("event", _) => self.kind = value.to_owned(),
            ("data", Some(data)) if MISTAKE != ONE_DATA_LINE => *data += &format!("\n{value}"),
            ("data", data) => *data = Some(value.to_owned()),
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let kind = Some(mem::take(&mut self.kind)).filter(|kind| !kind.is_empty());
        let kind = kind.unwrap_or_else(|| "message".to_owned());
        self.complete.extend(self.data.take().map(|data| ServerSentEvent { kind, data }));
    }
}

//! Drill 11, a solution.

use crate::graders::events::{EventsDrill, ServerSentEvent};
use curio_http::h1::{Connection, Event, RemoteError};
use std::collections::VecDeque;
use std::mem;

/// Three layers, each of which keeps what is incomplete: bytes to pieces of the body (the connection), these to lines, lines to
/// events.
pub struct Events {
    connection: Connection,
    /// The line that has begun. As bytes: a letter may be cut in two, too.
    line: Vec<u8>,
    /// The last line ended with CR. An LF that comes next belongs to it.
    after_cr: bool,
    /// The fields of the event that has begun.
    kind: String,
    data: Option<String>,
    complete: VecDeque<ServerSentEvent>,
}

impl EventsDrill for Events {
    fn new(connection: Connection) -> Events {
        Events {
            connection,
            line: Vec::new(),
            after_cr: false,
            kind: String::new(),
            data: None,
            complete: VecDeque::new(),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.connection.feed(bytes);
    }

    fn next_event(&mut self) -> Result<Option<ServerSentEvent>, RemoteError> {
        while self.complete.is_empty() {
            match self.connection.next_event()? {
                Some(Event::Data(data)) => data.iter().for_each(|byte| self.take_byte(*byte)),
                // Other events say nothing about the body, except for its end: what is incomplete then is dropped.
                Some(_) => {}
                None => break,
            }
        }
        Ok(self.complete.pop_front())
    }
}

impl Events {
    fn take_byte(&mut self, byte: u8) {
        let after_cr = mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if after_cr => {}
            b'\n' | b'\r' => {
                let line = mem::take(&mut self.line);
                self.take_line(&String::from_utf8_lossy(&line));
            }
            _ => self.line.push(byte),
        }
    }

    fn take_line(&mut self, line: &str) {
        if line.is_empty() {
            let kind = mem::take(&mut self.kind);
            if let Some(data) = self.data.take() {
                let kind = if kind.is_empty() { "message".to_owned() } else { kind };
                self.complete.push_back(ServerSentEvent { kind, data });
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => self.kind = value.to_owned(),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", data) => *data = Some(value.to_owned()),
            // A comment is a line whose field has no name.
            _ => {}
        }
    }
}

// NOT BEGUN: remove this line when you begin.
//! # Drill 11: server-sent events over HTTP without I/O
//!
//! A server sends events in the body of a response. `curio_http::h1::Connection` turns the bytes of the response into pieces of
//! its body; build the reader that turns these into events. There is no socket and no `async`: bytes in, events out.
//!
//! The rules:
//!
//! * The body is text in UTF-8, and consists of lines. A line ends with LF, CR or CRLF.
//! * A line is a field: a name, a colon, perhaps one space, and a value. Without a colon, all of it is the name. A line that
//!   begins with a colon is a comment.
//! * `event` names the kind of the event, `message` if there is none. The values of several `data` fields are joined by a line
//!   feed. Other fields are ignored.
//! * An empty line ends the event. Without a `data` field it is none. One that is not ended when the body ends is none, either.
//! * The bytes may be cut anywhere, and so may the chunks of the body: in a line, in a letter of several bytes, between CR and LF.
//! * `next_event` passes on the errors of the connection.
//!
//! Read first: chapter 11 of the tour (HTTP without I/O), and the documentation of `curio_http::h1`.

use crate::graders::events::{EventsDrill, ServerSentEvent};
use curio_http::h1::{Connection, Event, RemoteError};

/// Bytes in, events out.
pub struct Events {
    connection: Connection,
}

impl EventsDrill for Events {
    fn new(connection: Connection) -> Events {
        Events { connection }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.connection.feed(bytes);
    }

    fn next_event(&mut self) -> Result<Option<ServerSentEvent>, RemoteError> {
        while let Some(event) = self.connection.next_event()? {
            if let Event::Data(data) = event {
                // One piece of the body is not one event.
                let data = String::from_utf8_lossy(&data).into_owned();
                return Ok(Some(ServerSentEvent { kind: "message".to_owned(), data }));
            }
        }
        Ok(None)
    }
}

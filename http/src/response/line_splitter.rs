//! Splits bytes into lines of text, without I/O.
//!
//! In nearly all character sets the byte 0x0A is a line feed and nothing else, so the bytes are split first and each line is
//! decoded by itself. In UTF-16 and a few others that byte may also be part of another character, so the bytes are decoded
//! first.

use crate::error::Error;
use crate::response::charset::{Charset, StreamDecoder};
use bytes::{Buf, Bytes};

/// The longest line in bytes, so that a body without line ends cannot exhaust the memory.
pub(crate) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Splits bytes into lines, whatever the boundaries of the chunks.
pub(crate) struct LineSplitter {
    label: Option<Box<str>>,
    /// Known when enough bytes have been fed to see whether there is a byte order mark.
    charset: Option<Charset>,
    decoder: Option<StreamDecoder>,
    /// The beginning of a line whose end has not been fed yet.
    begun: Vec<u8>,
    /// Bytes that have not been searched for line ends yet.
    chunk: Bytes,
    ended: bool,
}

/// The outcome of searching for the next line.
pub(crate) enum Split {
    Line(Result<String, Error>),
    TooLong,
    NeedsInput,
    End,
}

impl LineSplitter {
    pub(crate) fn new(label: Option<&str>) -> LineSplitter {
        LineSplitter {
            label: label.map(Box::from),
            charset: None,
            decoder: None,
            begun: Vec::new(),
            chunk: Bytes::new(),
            ended: false,
        }
    }

    /// Feeds the next bytes, or `None` at the end of the body. To be called after [`Split::NeedsInput`].
    pub(crate) fn feed(&mut self, chunk: Option<Bytes>) {
        self.ended |= chunk.is_none();
        let mut chunk = chunk.unwrap_or_default();
        if self.charset.is_none() {
            // Until the character set is known, `begun` holds the beginning of the body.
            chunk = joined(std::mem::take(&mut self.begun), chunk);
            if Charset::could_be_marked(&chunk) && !self.ended {
                self.begun = chunk.into();
                return;
            }
            let (charset, mark) = Charset::of(&chunk, self.label.as_deref());
            chunk.advance(mark);
            self.decoder = charset.stream_decoder();
            self.charset = Some(charset);
        }
        self.chunk = match &mut self.decoder {
            Some(decoder) => decoder.decode(&chunk, self.ended).into(),
            None => chunk,
        };
    }

    pub(crate) fn next(&mut self) -> Split {
        if self.charset.is_none() && !self.ended {
            return Split::NeedsInput;
        }
        if let Some(end) = self.chunk.iter().position(|&byte| byte == b'\n') {
            let line = self.chunk.split_to(end + 1);
            self.begun.extend_from_slice(&line[..end]);
            return Split::Line(self.finish_line());
        }
        self.begun.extend_from_slice(&std::mem::take(&mut self.chunk));
        if self.begun.len() > LONGEST_LINE {
            self.begun = Vec::new();
            return Split::TooLong;
        }
        if !self.ended {
            return Split::NeedsInput;
        }
        if self.begun.is_empty() { Split::End } else { Split::Line(self.finish_line()) }
    }

    fn finish_line(&mut self) -> Result<String, Error> {
        let mut line = std::mem::take(&mut self.begun);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        match &self.charset {
            // It has been decoded already.
            _ if self.decoder.is_some() => Ok(String::from_utf8_lossy(&line).into_owned()),
            Some(charset) => charset.decode(&line),
            None => Ok(String::new()),
        }
    }

    /// The bytes that have not been returned as lines; `None` if they have been decoded to text already.
    pub(crate) fn into_unread(self) -> Option<Bytes> {
        if self.decoder.is_some() {
            return (self.begun.is_empty() && self.chunk.is_empty()).then(Bytes::new);
        }
        Some(joined(self.begun, self.chunk))
    }
}

fn joined(mut first: Vec<u8>, second: Bytes) -> Bytes {
    if first.is_empty() {
        return second;
    }
    first.extend_from_slice(&second);
    first.into()
}

//! From bytes to lines of text, without any input or output.
//!
//! In nearly all character sets a line feed is the byte 0x0A and that byte is nothing else, so bytes are split first and each
//! line is decoded by itself. In UTF-16 and a few others it is not, and what comes is decoded first.

use crate::error::Error;
use crate::response::charset::{Charset, StreamDecoder};
use bytes::{Buf, Bytes};

/// The longest line. A body without line ends must not fill the memory.
pub(crate) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Makes lines of bytes, however these are cut.
pub(crate) struct LineSplitter {
    label: Option<Box<str>>,
    /// Known when enough has come to see whether there is a byte order mark.
    charset: Option<Charset>,
    decoder: Option<StreamDecoder>,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// What has come and was not searched for line ends.
    piece: Bytes,
    ended: bool,
}

/// What comes of looking for the next line.
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
            piece: Bytes::new(),
            ended: false,
        }
    }

    /// More bytes have come, or `None`: there are no more. To be called when input is needed.
    pub(crate) fn feed(&mut self, piece: Option<Bytes>) {
        self.ended |= piece.is_none();
        let mut piece = piece.unwrap_or_default();
        if self.charset.is_none() {
            // Until then, what has begun is the beginning of the body.
            piece = joined(std::mem::take(&mut self.begun), piece);
            if Charset::could_be_marked(&piece) && !self.ended {
                self.begun = piece.into();
                return;
            }
            let (charset, mark) = Charset::of(&piece, self.label.as_deref());
            piece.advance(mark);
            self.decoder = charset.stream_decoder();
            self.charset = Some(charset);
        }
        self.piece = match &mut self.decoder {
            Some(decoder) => decoder.decode(&piece, self.ended).into(),
            None => piece,
        };
    }

    pub(crate) fn next(&mut self) -> Split {
        if self.charset.is_none() && !self.ended {
            return Split::NeedsInput;
        }
        if let Some(end) = self.piece.iter().position(|&byte| byte == b'\n') {
            let line = self.piece.split_to(end + 1);
            self.begun.extend_from_slice(&line[..end]);
            return Split::Line(self.finish_line());
        }
        self.begun.extend_from_slice(&std::mem::take(&mut self.piece));
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
            // It has been decoded.
            _ if self.decoder.is_some() => Ok(String::from_utf8_lossy(&line).into_owned()),
            Some(charset) => charset.decode(&line),
            None => Ok(String::new()),
        }
    }

    /// The bytes that were not made into lines; `None` if they are bytes no more.
    pub(crate) fn into_unread(self) -> Option<Bytes> {
        if self.decoder.is_some() {
            return (self.begun.is_empty() && self.piece.is_empty()).then(Bytes::new);
        }
        Some(joined(self.begun, self.piece))
    }
}

fn joined(mut first: Vec<u8>, second: Bytes) -> Bytes {
    if first.is_empty() {
        return second;
    }
    first.extend_from_slice(&second);
    first.into()
}

//! What an exchange needs of the fields of a response, noted while the head is parsed.
//!
//! So that no exchange has to search a map of all fields, nor to make one. What a field means is decided elsewhere: a
//! Content-Length that makes no sense is no error in a response without a body (`framing.rs`).

use super::field::{decimal, elements, is_token};

#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    /// How many fields there are.
    pub(super) fields: usize,
    pub(super) length: Length,
    pub(super) coding: Coding,
    /// `Connection` lists `close`.
    pub(super) closes: bool,
    /// `Connection` lists `keep-alive`.
    pub(super) keeps_alive: bool,
    pub(super) has_keep_alive: bool,
    pub(super) has_content_coding: bool,
    pub(super) sets_cookies: bool,
}

/// What the Content-Length fields say together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Length {
    #[default]
    Absent,
    Known(u64),
    /// One of them is no number.
    Malformed,
    Conflicting,
}

/// What the Transfer-Encoding fields say together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Coding {
    #[default]
    Absent,
    /// `chunked`, once and alone.
    Chunked,
    Other,
}

impl Noted {
    pub(super) fn note(&mut self, name: &[u8], value: &[u8]) {
        self.fields += 1;
        let is = |noted: &str| is_token(name, noted);
        match name.len() {
            10 if is("connection") => self.note_connection(value),
            10 if is("keep-alive") => self.has_keep_alive = true,
            10 if is("set-cookie") => self.sets_cookies = true,
            14 if is("content-length") => self.note_length(value),
            16 if is("content-encoding") => self.has_content_coding = true,
            17 if is("transfer-encoding") => self.note_coding(value),
            _ => {}
        }
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            self.closes |= is_token(option, "close");
            self.keeps_alive |= is_token(option, "keep-alive");
        }
    }

    /// The first contradiction counts.
    fn note_length(&mut self, value: &[u8]) {
        for element in elements(value) {
            self.length = match (self.length, decimal(element)) {
                (Length::Malformed | Length::Conflicting, _) => return,
                (_, None) => Length::Malformed,
                (Length::Known(agreed), Some(other)) if agreed != other => Length::Conflicting,
                (_, Some(length)) => Length::Known(length),
            };
        }
    }

    fn note_coding(&mut self, value: &[u8]) {
        let is_first = self.coding == Coding::Absent;
        self.coding = if is_first && is_token(value, "chunked") { Coding::Chunked } else { Coding::Other };
    }
}

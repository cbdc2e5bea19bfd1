//! Fields that many requests to one host have in common.
//!
//! Most of a request's head is the same in each request to a host: `Host`, `User-Agent` and what the client accepts. So these
//! fields are checked and written once ([`CommonFields`]), and copied as a block into each head.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::request::{valid_host, write_field};

/// Fields of which writing a head takes note. What they mean depends on the request.
const NOTED: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE];
/// Enough for the fields of most clients.
const ROOM: usize = 160;

/// The lines of fields, as they are sent.
#[derive(Debug)]
pub(crate) struct CommonFields {
    lines: Vec<u8>,
    /// Where the line of the Host field ends, which is the first.
    host_end: usize,
}

impl CommonFields {
    /// Fields in this order: `host` as Host, those of `headers`, and `more`. `None` if the host is not valid, or if writing a head
    /// takes note of one of the others.
    pub(crate) fn new(
        host: &HeaderValue,
        headers: &HeaderMap,
        more: impl Iterator<Item = (HeaderName, HeaderValue)>,
    ) -> Option<CommonFields> {
        let mut lines = Vec::with_capacity(ROOM);
        write_field(&HOST, valid_host(host).ok()?, &mut lines);
        let host_end = lines.len();
        for (name, value) in headers {
            write_unless_noted(name, value, &mut lines)?;
        }
        for (name, value) in more {
            write_unless_noted(&name, &value, &mut lines)?;
        }
        Some(CommonFields { lines, host_end })
    }

    /// The line of the Host field, and those of the others. A request's own fields are sent between them.
    pub(super) fn lines(&self) -> (&[u8], &[u8]) {
        self.lines.split_at(self.host_end)
    }
}

fn write_unless_noted(name: &HeaderName, value: &HeaderValue, lines: &mut Vec<u8>) -> Option<()> {
    (!NOTED.contains(name)).then(|| write_field(name, value, lines))
}

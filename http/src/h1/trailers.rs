//! The trailer section: fields that come after the last chunk (RFC 9112 §7.1.2).
//!
//! Trailer fields arrive after everything that depends on the header fields has been decided, and a proxy that checked the
//! header fields has not seen them. So trailer fields are never merged into the header fields, and those that RFC 9110
//! §6.5.1 and its predecessor RFC 7230 §4.1.2 forbid are left out:
//!
//! - framing: `content-length`, `transfer-encoding`, `trailer`, `te`, `connection`, `keep-alive`,
//!   `proxy-connection`, `upgrade`;
//! - routing and control of the request: `host`, `expect`, `max-forwards`, `range`, `cache-control`,
//!   `pragma`, and every `if-…` condition;
//! - authentication and state: `authorization`, `proxy-authorization`, `www-authenticate`,
//!   `proxy-authenticate`, `cookie`, `set-cookie`;
//! - processing of the response: `content-encoding`, `content-type`, `content-range`, `location`,
//!   `retry-after`, `age`, `expires`, `date`, `vary`, `warning`.
//!
//! Unlike those of the head, these lines must end in CR LF, like all lines of the chunked coding.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use httparse::Status;

use super::buffer::Buffer;
use super::error::RemoteError;
use super::limits::Limits;

/// Finds the end of the trailer section, then parses it.
#[derive(Debug, Default)]
pub(super) struct TrailerReader {
    /// How many unread bytes are known not to contain the end.
    searched: usize,
}

impl TrailerReader {
    /// The fields, once the section is complete; only then its bytes are consumed.
    pub(super) fn read(
        &mut self,
        buffer: &mut Buffer,
        limits: &Limits,
    ) -> Result<Option<HeaderMap>, RemoteError> {
        let unread = buffer.unread();
        let window = &unread[..unread.len().min(limits.trailers)];
        let Some(length) = self.find_end(window)? else {
            return if unread.len() > limits.trailers {
                Err(RemoteError::TrailersTooLarge { limit: limits.trailers })
            } else {
                Ok(None)
            };
        };
        let trailers = parse(&window[..length], limits)?;
        buffer.consume(length);
        Ok(Some(trailers))
    }

    /// The length of the section with the empty line that ends it.
    fn find_end(&mut self, window: &[u8]) -> Result<Option<usize>, RemoteError> {
        #[cfg(test)]
        super::work::count(window.len() - self.searched);
        for at in self.searched..window.len() {
            if window[at] == b'\n' {
                match &window[..at] {
                    [b'\r'] | [.., b'\n', b'\r'] => return Ok(Some(at + 1)),
                    [.., b'\r'] => {}
                    _ => return Err(RemoteError::Trailer),
                }
            }
        }
        self.searched = window.len();
        Ok(None)
    }
}

fn parse(section: &[u8], limits: &Limits) -> Result<HeaderMap, RemoteError> {
    #[cfg(test)]
    super::work::count(section.len());
    let mut trailers = HeaderMap::new();
    if section == b"\r\n" {
        return Ok(trailers);
    }
    let too_many = RemoteError::TooManyTrailers { limit: limits.trailer_fields };
    // The shortest line has four bytes, so the allocation is bounded by the length of the section, too.
    let mut slots = vec![httparse::EMPTY_HEADER; limits.trailer_fields.min(section.len() / 4)];
    let fields = match httparse::parse_headers(section, &mut slots) {
        Ok(Status::Complete((_, fields))) => fields,
        Err(httparse::Error::TooManyHeaders) => return Err(too_many),
        Ok(Status::Partial) | Err(_) => return Err(RemoteError::Trailer),
    };
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| RemoteError::Trailer)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| RemoteError::Trailer)?;
        if may_come_late(&name) {
            trailers.try_append(name, value).map_err(|_| too_many.clone())?;
        }
    }
    Ok(trailers)
}

fn may_come_late(name: &HeaderName) -> bool {
    !matches!(
        name.as_str(),
        "content-length"
            | "transfer-encoding"
            | "trailer"
            | "te"
            | "connection"
            | "keep-alive"
            | "proxy-connection"
            | "upgrade"
            | "host"
            | "expect"
            | "max-forwards"
            | "range"
            | "cache-control"
            | "pragma"
            | "if-match"
            | "if-none-match"
            | "if-modified-since"
            | "if-unmodified-since"
            | "if-range"
            | "authorization"
            | "proxy-authorization"
            | "www-authenticate"
            | "proxy-authenticate"
            | "cookie"
            | "set-cookie"
            | "content-encoding"
            | "content-type"
            | "content-range"
            | "location"
            | "retry-after"
            | "age"
            | "expires"
            | "date"
            | "vary"
            | "warning"
    )
}

//! Request heads: checking and writing them.
//!
//! A line break in a request line or a field could make the server read another request. The types of the `http` crate
//! exclude most of this: a `Method` or a `HeaderName` is a token, a `HeaderValue` contains no control character except TAB,
//! so none of them contains CR, LF or NUL. What is checked here is the target (a plain string), the Host field, and the two
//! fields that frame the body.
//!
//! The head is written in one pass into the buffer of the caller. After an error the buffer is as it was before.

use http::header::{HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::common_fields::CommonFields;
use super::error::LocalError;
use super::field::{decimal, elements, is_token, write_decimal};

/// The head of a request, borrowed by the call that writes it.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target exactly as it is sent in the request line: `/path?query` for most requests,
    /// `host:port` for CONNECT, a whole URL for a request to a proxy, `*` for an OPTIONS about the server
    /// itself (RFC 9112 §3.2). Never with a fragment.
    pub target: &'a str,
    /// The fields, among them exactly one Host. A field that frames the body is added if it is missing.
    pub headers: &'a HeaderMap,
}

/// The length of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyLength {
    /// No body. POST, PUT and PATCH then have `Content-Length: 0` (RFC 9110 §8.6), other methods have no such field.
    None,
    /// This many bytes. Zero is the same as [`BodyLength::None`].
    Known(u64),
    /// Unknown: the body is sent in chunks (RFC 9112 §7.1).
    Chunked,
}

/// What is needed of a request to read its response.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) head: bool,
    pub(super) connect: bool,
    pub(super) close: bool,
    pub(super) upgrades: Vec<HeaderValue>,
}

impl Asked {
    /// Whether the request offered every protocol that `answer`, the Upgrade field of a 101, names.
    pub(super) fn offered(&self, answer: &HeaderMap) -> bool {
        let mut named =
            answer.get_all(UPGRADE).iter().flat_map(|value| elements(value.as_bytes())).peekable();
        let offers = |protocol: &[u8]| {
            self.upgrades.iter().any(|v| elements(v.as_bytes()).any(|o| o.eq_ignore_ascii_case(protocol)))
        };
        named.peek().is_some() && named.all(offers)
    }
}

/// Appends the head to `out`, or leaves `out` unchanged and returns the error. The fields in `common` are sent with those of
/// the head.
pub(super) fn write_head(
    head: &RequestHead<'_>,
    common: Option<&CommonFields>,
    body: BodyLength,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<Asked, LocalError> {
    let before = out.len();
    let written = append_head(head, common, body, out).and_then(|asked| {
        if out.len() - before > limit { Err(LocalError::HeadTooLarge { limit }) } else { Ok(asked) }
    });
    if written.is_err() {
        out.truncate(before);
    }
    written
}

fn append_head(
    head: &RequestHead<'_>,
    common: Option<&CommonFields>,
    body: BodyLength,
    out: &mut Vec<u8>,
) -> Result<Asked, LocalError> {
    check_target(head.method, head.target)?;
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(head.target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    // A server selects the site by it, so it is sent first (RFC 9110 §7.2).
    let others = match common {
        Some(common) => {
            let (host, others) = common.lines();
            out.extend_from_slice(host);
            others
        }
        None => {
            write_field(&HOST, only_host(head.headers)?, out);
            &[]
        }
    };
    let mut asked = Asked {
        head: *head.method == Method::HEAD,
        connect: *head.method == Method::CONNECT,
        ..Asked::default()
    };
    let mut framing = CallersFraming::default();
    for (name, value) in head.headers {
        match name.as_str() {
            "host" if common.is_some() => return Err(LocalError::DuplicateHost),
            "host" => continue,
            "content-length" => framing.lengths.add(value),
            "transfer-encoding" => framing.encodings.add(value),
            "connection" => asked.close |= elements(value.as_bytes()).any(|option| is_token(option, "close")),
            // It must not be sent without a body (RFC 9110 §10.1.1).
            "expect" if matches!(body, BodyLength::None | BodyLength::Known(0)) => continue,
            "upgrade" => asked.upgrades.push(value.clone()),
            _ => {}
        }
        write_field(name, value, out);
    }
    out.extend_from_slice(others);
    if framing.check(head.method, body)? == FramingField::Missing {
        write_framing(head.method, body, out);
    }
    out.extend_from_slice(b"\r\n");
    Ok(asked)
}

pub(super) fn write_field(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_framing(method: &Method, body: BodyLength, out: &mut Vec<u8>) {
    match body {
        BodyLength::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        BodyLength::None | BodyLength::Known(0) => {
            if matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
                out.extend_from_slice(b"content-length: 0\r\n");
            }
        }
        BodyLength::Known(length) => {
            out.extend_from_slice(b"content-length: ");
            write_decimal(length, out);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Whether the target has one of the forms of RFC 9112 §3.2, in printable ASCII without a fragment.
fn check_target(method: &Method, target: &str) -> Result<(), LocalError> {
    let clean = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let form = if *method == Method::CONNECT {
        is_authority(target)
            && target.rsplit_once(':').is_some_and(|(_, port)| decimal(port.as_bytes()).is_some())
    } else {
        target.starts_with('/') || target.contains("://") || (target == "*" && *method == Method::OPTIONS)
    };
    if clean && form { Ok(()) } else { Err(LocalError::Target) }
}

fn only_host(headers: &HeaderMap) -> Result<&HeaderValue, LocalError> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().ok_or(LocalError::MissingHost)?;
    if hosts.next().is_some() {
        return Err(LocalError::DuplicateHost);
    }
    valid_host(host)
}

pub(super) fn valid_host(host: &HeaderValue) -> Result<&HeaderValue, LocalError> {
    if host.to_str().is_ok_and(is_authority) { Ok(host) } else { Err(LocalError::Host) }
}

/// Whether the text may be a host with an optional port. This excludes lists, paths, credentials and spaces; it does not
/// check that the name is valid.
fn is_authority(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(&byte);
    !text.is_empty() && !text.starts_with(':') && text.bytes().all(allowed)
}

/// The fields about the length of the body that the caller has set.
#[derive(Default)]
struct CallersFraming<'a> {
    lengths: Field<'a>,
    encodings: Field<'a>,
}

/// One field: its first value, and whether there are others.
#[derive(Default)]
struct Field<'a> {
    first: Option<&'a HeaderValue>,
    repeated: bool,
}

impl<'a> Field<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        self.repeated = self.first.is_some();
        self.first.get_or_insert(value);
    }
}

#[derive(PartialEq, Eq)]
enum FramingField {
    Present,
    Missing,
}

impl CallersFraming<'_> {
    /// Whether the fields that the caller has set agree with the body that will be sent.
    fn check(&self, method: &Method, body: BodyLength) -> Result<FramingField, LocalError> {
        let set = self.lengths.first.is_some() || self.encodings.first.is_some();
        let empty = matches!(body, BodyLength::None | BodyLength::Known(0));
        if matches!(*method, Method::TRACE | Method::CONNECT) && (set || !empty) {
            return Err(LocalError::BodyForbidden);
        }
        match (self.lengths.first, self.encodings.first) {
            (None, None) => Ok(FramingField::Missing),
            (Some(_), Some(_)) => Err(LocalError::LengthAndEncoding),
            (Some(length), None) => {
                let actual = match body {
                    BodyLength::None => Some(0),
                    BodyLength::Known(length) => Some(length),
                    BodyLength::Chunked => None,
                };
                let agrees = decimal(length.as_bytes()).is_some_and(|declared| Some(declared) == actual);
                if agrees && !self.lengths.repeated {
                    Ok(FramingField::Present)
                } else {
                    Err(LocalError::ContentLength)
                }
            }
            (None, Some(encoding)) => {
                let ours = body == BodyLength::Chunked && is_token(encoding.as_bytes(), "chunked");
                if ours && !self.encodings.repeated {
                    Ok(FramingField::Present)
                } else {
                    Err(LocalError::TransferEncoding)
                }
            }
        }
    }
}

//! Heads: from HTTP/1 to HTTP/2 (RFC 9113 §8.2 and §8.3), and back.
//!
//! A request comes as it would be sent over HTTP/1.1. Its `Host` becomes `:authority`; the fields that are about one connection
//! are left out, because HTTP/2 frames bodies and keeps connections by itself.

use crate::connections::connection::{BodyLength, ProtocolLimits, ResponseHead};
use crate::error::{Error, ErrorKind};
use crate::h1::{Limits, LocalError};
use crate::trace::Tracer;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use std::fmt::Write;

/// What a request's head is made of.
pub(crate) struct RequestParts<'a> {
    pub(crate) method: &'a Method,
    pub(crate) is_https: bool,
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// The head for h2.
///
/// # Errors
/// Of kind [`Request`](ErrorKind::Request), if `Host` is missing or is none, or if `Content-Length` contradicts the body.
pub(super) fn request(parts: &RequestParts<'_>, length: BodyLength) -> Result<Request<()>, Error> {
    if *parts.method == Method::TRACE && !matches!(length, BodyLength::None | BodyLength::Known(0)) {
        return Err(refused("a TRACE request must not have a body (RFC 9110 §9.3.8)"));
    }
    let scheme = if parts.is_https { "https" } else { "http" };
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = Uri::builder()
        .scheme(scheme)
        .authority(only_host(parts.headers)?.as_bytes())
        .path_and_query(parts.target)
        .build()
        .map_err(|cause| refused("the request's URL or Host field is not valid").because(cause))?;
    *request.headers_mut() = fields(parts.headers, length);
    add_length(request.headers_mut(), parts.method, length)?;
    check_size(parts.target, request.headers())?;
    Ok(request)
}

/// The limit is that of HTTP/1.1.
fn check_size(target: &str, headers: &HeaderMap) -> Result<(), Error> {
    let limit = Limits::default().request_head;
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if target.len() + fields > limit {
        return Err(refused("the request is not valid").because(LocalError::HeadTooLarge { limit }));
    }
    Ok(())
}

fn only_host(headers: &HeaderMap) -> Result<&HeaderValue, Error> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if host.to_str().is_ok_and(is_authority) => Ok(host),
        (Some(_), None) => Err(refused("the request's Host field is not a host with an optional port")),
        (None, _) => Err(refused("the request has no Host field")),
        (Some(_), Some(_)) => Err(refused("the request has several Host fields")),
    }
}

/// As over HTTP/1.1: this excludes lists, paths, credentials and spaces.
fn is_authority(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(&byte);
    !text.is_empty() && !text.starts_with(':') && text.bytes().all(allowed)
}

/// All fields but those that are about the connection, and those that `Connection` names.
fn fields(headers: &HeaderMap, length: BodyLength) -> HeaderMap {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    let has_body = !matches!(length, BodyLength::None | BodyLength::Known(0));
    let is_sent = |name: &HeaderName, value: &HeaderValue| match name {
        name if [HOST, CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(name) => false,
        name if matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings") => false,
        name if *name == TE => value.as_bytes().eq_ignore_ascii_case(b"trailers"),
        // It must not be sent without a body (RFC 9110 §10.1.1).
        name if *name == EXPECT => has_body,
        name => !named.iter().any(|option| option.eq_ignore_ascii_case(name.as_str())),
    };
    let mut sent = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, value)| is_sent(name, value)) {
        sent.append(name.clone(), value.clone());
    }
    sent
}

fn add_length(headers: &mut HeaderMap, method: &Method, length: BodyLength) -> Result<(), Error> {
    let takes_content = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    let length = match length {
        BodyLength::Chunked => None,
        BodyLength::None | BodyLength::Known(0) => takes_content.then_some(0),
        BodyLength::Known(length) => Some(length),
    };
    let mut set = headers.get_all(CONTENT_LENGTH).iter();
    if let Some(by_caller) = set.next() {
        let same = length.unwrap_or_default().to_string();
        if set.next().is_some() || by_caller.as_bytes() != same.as_bytes() {
            let what = format!("the request's Content-Length is not the length of its body, {same} bytes");
            return Err(refused(what));
        }
    } else if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(())
}

/// Shows the head to the trace as it would look in HTTP/1.
pub(super) fn trace_request(tracer: &Tracer, request: &Request<()>) {
    if tracer.listens() {
        let (method, uri) = (request.method(), request.uri());
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let first = format!("{method} {target} HTTP/2\r\nhost: {authority}\r\n");
        tracer.emit_request_head(&text(first, request.headers()));
    }
}

/// The head of a response, interim or final.
///
/// # Errors
/// Of kind [`TooLarge`](ErrorKind::TooLarge), if it has too many fields, or too long ones.
pub(super) fn response<B>(
    response: Response<B>,
    limits: &ProtocolLimits,
    tracer: &Tracer,
) -> Result<(ResponseHead, B), Error> {
    let (parts, body) = response.into_parts();
    if list_size(&parts.headers) > limits.head {
        let what = format!("the response head has more than {} bytes", limits.head);
        return Err(Error::new(ErrorKind::TooLarge, what).under("max_response_head"));
    }
    if parts.headers.len() > limits.headers {
        let what = format!("the response has more than {} header fields", limits.headers);
        return Err(Error::new(ErrorKind::TooLarge, what).under("max_response_headers"));
    }
    let mut block = Vec::new();
    if tracer.listens() {
        block = text(format!("HTTP/2 {}\r\n", parts.status.as_u16()), &parts.headers);
        tracer.emit_response_head(&block);
    }
    Ok((ResponseHead::without_status_line(parts.status, parts.headers, Bytes::from(block)), body))
}

/// As RFC 9113 §6.5.2 measures it.
fn list_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

fn text(mut first: String, headers: &HeaderMap) -> Vec<u8> {
    for (name, value) in headers {
        let _ = write!(first, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    first.push_str("\r\n");
    first.into_bytes()
}

fn refused(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Request, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: Method, headers: &[(&'static str, &'static str)], length: BodyLength) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers: HeaderMap = headers.iter().map(field).collect();
        let parts = RequestParts { method: &method, is_https: true, target: "/a?b=%20", headers: &headers };
        let request = request(&parts, length).expect("a good request");
        assert_eq!(request.uri().to_string(), "https://h.test:8443/a?b=%20");
        request.headers().clone()
    }

    #[test]
    fn fields_about_the_connection_are_not_sent() {
        let headers = sent(
            Method::GET,
            &[
                ("host", "h.test:8443"),
                ("connection", "close, X-Hop"),
                ("x-hop", "1"),
                ("keep-alive", "5"),
                ("te", "gzip"),
                ("upgrade", "h2c"),
                ("transfer-encoding", "chunked"),
                ("expect", "100-continue"),
                ("x-end", "2"),
            ],
            BodyLength::None,
        );
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-end"]);
    }

    #[test]
    fn the_length_of_the_body_is_declared_if_it_is_known() {
        let host = [("host", "h.test:8443")];
        let length = |method, length| sent(method, &host, length).get(CONTENT_LENGTH).cloned();
        assert_eq!(length(Method::POST, BodyLength::None), Some(0.into()));
        assert_eq!(length(Method::GET, BodyLength::None), None);
        assert_eq!(length(Method::PUT, BodyLength::Known(7)), Some(7.into()));
        assert_eq!(length(Method::PUT, BodyLength::Chunked), None);
    }

    #[test]
    fn a_wrong_length_and_a_missing_host_are_refused() {
        let refusal = |headers: HeaderMap| {
            let parts =
                RequestParts { method: &Method::PUT, is_https: false, target: "/", headers: &headers };
            request(&parts, BodyLength::Known(7)).expect_err("refused").to_string()
        };
        let host = || HeaderMap::from_iter([(HOST, HeaderValue::from_static("h"))]);
        let mut wrong = host();
        wrong.insert(CONTENT_LENGTH, 8.into());
        assert!(refusal(wrong).contains("7 bytes"));
        assert!(refusal(HeaderMap::new()).contains("no Host"));
        let mut two = host();
        two.append(HOST, HeaderValue::from_static("i"));
        assert!(refusal(two).contains("several Host"));
    }
}

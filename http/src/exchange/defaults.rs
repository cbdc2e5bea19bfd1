//! What a session adds to each request, and which requests it refuses.

use crate::error::{Error, ErrorKind};
use crate::exchange::authentication;
use crate::request::Request;
use crate::response::decode;
use crate::settings::Settings;
use http::header::{ACCEPT, ACCEPT_ENCODING, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};

/// Adds the session's credentials and default header fields.
///
/// # Errors
/// Of kind [`Request`](ErrorKind::Request) for the method `CONNECT`.
pub(crate) fn prepare(settings: &Settings, request: &mut Request) -> Result<(), Error> {
    request.add_implied_type();
    check_method(&request.method)?;
    authentication::add_credentials(settings, request);
    add_defaults(&mut request.headers, &settings.headers);
    // Looked for first, because a look into an empty map costs nothing. The values are constants, because making one looks at
    // each byte.
    let codings = match &request.headers {
        // A range of a coded representation cannot be decoded.
        headers if headers.contains_key(RANGE) => const { HeaderValue::from_static("identity") },
        headers if accepts_stream(headers) => const { HeaderValue::from_static(decode::ACCEPTED_IN_STREAMS) },
        _ => const { HeaderValue::from_static(decode::ACCEPTED) },
    };
    request.headers.entry(USER_AGENT).or_insert_with(|| settings.agent());
    request.headers.entry(ACCEPT).or_insert(const { HeaderValue::from_static("*/*") });
    // What is not decoded is not asked for.
    if decodes(settings, request) {
        request.headers.entry(ACCEPT_ENCODING).or_insert(codings);
    }
    Ok(())
}

/// Whether the body of the response is to be decoded.
pub(crate) fn decodes(settings: &Settings, request: &Request) -> bool {
    !(settings.no_decompression || request.wants_no_decompression())
}

/// The types of content that is read while it comes: server-sent events, and JSON in lines or records (RFC 7464).
const STREAMS: [&str; 5] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-seq",
];

/// Whether the response is to be a stream of events or records.
fn accepts_stream(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| {
        let value = value.to_ascii_lowercase();
        STREAMS.iter().any(|kind| value.contains(kind))
    })
}

/// A name that the request sets replaces the session's default for it, with all its values.
fn add_defaults(headers: &mut HeaderMap, defaults: &HeaderMap) {
    for name in defaults.keys() {
        if !headers.contains_key(name) {
            for value in defaults.get_all(name) {
                headers.append(name, value.clone());
            }
        }
    }
}

fn check_method(method: &Method) -> Result<(), Error> {
    if *method == Method::CONNECT {
        return Err(Error::new(
            ErrorKind::Request,
            "CONNECT asks a proxy for a tunnel; it is not a request for a resource",
        ));
    }
    Ok(())
}

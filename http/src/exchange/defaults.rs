//! What a session adds to each request, and which requests it refuses.
//!
//! Nearly all requests to an origin are sent with the same default fields, and nothing looks at them before. So the lines of
//! these fields are written once for the origin ([`CommonFields`]), and a request has only its own fields in its map. The
//! default fields are added to the map ([`add`]) when something may look at them or change them: a hook, an auth flow, a
//! redirect, HTTP/2, or a field of the request itself that replaces one of them.

use crate::connections::connection::CommonFields;
use crate::connections::pool::Origin;
use crate::error::{Error, ErrorKind};
use crate::exchange::authentication;
use crate::exchange::shared::Shared;
use crate::request::Request;
use crate::response::decode;
use crate::settings::Settings;
use http::header::{ACCEPT, ACCEPT_ENCODING, COOKIE, Entry, HOST, PROXY_AUTHORIZATION, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Adds the session's credentials. Its default fields follow when the request is sent.
///
/// # Errors
/// Of kind [`Request`](ErrorKind::Request) for the method `CONNECT`.
pub(crate) fn prepare(settings: &Settings, request: &mut Request) -> Result<(), Error> {
    request.has_defaults = false;
    request.add_implied_type();
    check_method(&request.method)?;
    authentication::add_credentials(settings, request);
    Ok(())
}

/// Whether nothing that prepares the requests of a session looks at its default fields. (`CommonFields` knows which fields
/// matter to the protocol.)
pub(crate) fn are_common(settings: &Settings) -> bool {
    let looked_at: [HeaderName; 2] = [COOKIE, PROXY_AUTHORIZATION];
    !settings.hooks.see_requests() && !looked_at.iter().any(|name| settings.headers.contains_key(name))
}

/// Completes the fields of a request that is about to be sent to `origin`: it has all of them in its map afterwards, or it is
/// sent with the common fields of the origin.
///
/// # Errors
/// Of kind [`Url`](ErrorKind::Url) if the URL's host is not valid in a `Host` field.
pub(crate) fn complete(shared: &Shared, request: &mut Request, origin: &Origin) -> Result<(), Error> {
    let settings = &shared.settings;
    let render = || {
        let fields = usual(settings, &settings.headers, !settings.no_decompression);
        let missing = fields.filter(|(name, _)| !settings.headers.contains_key(name));
        CommonFields::new(&origin.host_field().ok()?, &settings.headers, missing)
    };
    if !request.has_defaults
        && shared.has_common_fields
        && replaces_none(settings, request)
        && origin.render_common_fields(render)
    {
        return Ok(());
    }
    add_with_host(settings, request, origin)
}

/// Adds the default fields to those of the request, unless they are there already.
pub(crate) fn add(settings: &Settings, request: &mut Request) {
    if !std::mem::replace(&mut request.has_defaults, true) {
        add_defaults(&mut request.headers, &settings.headers);
        for (name, value) in usual(settings, &request.headers, decodes(settings, request)) {
            request.headers.entry(name).or_insert(value);
        }
    }
}

/// [`add`], with the `Host` field.
///
/// # Errors
/// As [`complete`].
pub(crate) fn add_with_host(
    settings: &Settings,
    request: &mut Request,
    origin: &Origin,
) -> Result<(), Error> {
    add(settings, request);
    if let Entry::Vacant(place) = request.headers.entry(HOST) {
        place.insert(origin.host_field()?);
    }
    Ok(())
}

/// Whether the request has all the default fields in the form that other requests have them in.
fn replaces_none(settings: &Settings, request: &Request) -> bool {
    let of_each_request: [HeaderName; 5] = [HOST, USER_AGENT, ACCEPT, ACCEPT_ENCODING, RANGE];
    let replaces = |name: &HeaderName| of_each_request.contains(name) || settings.headers.contains_key(name);
    !request.wants_no_decompression() && !request.headers.keys().any(replaces)
}

/// The fields of each request that does not set them, if it has these `headers`.
fn usual(
    settings: &Settings,
    headers: &HeaderMap,
    decodes: bool,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
    // The values are constants, because making one looks at each byte.
    let codings = match headers {
        // A range of a coded representation cannot be decoded.
        headers if headers.contains_key(RANGE) => const { HeaderValue::from_static("identity") },
        headers if accepts_stream(headers) => const { HeaderValue::from_static(decode::ACCEPTED_IN_STREAMS) },
        _ => const { HeaderValue::from_static(decode::ACCEPTED) },
    };
    let fields = [
        Some((USER_AGENT, settings.agent())),
        Some((ACCEPT, const { HeaderValue::from_static("*/*") })),
        // What is not decoded is not asked for.
        decodes.then_some((ACCEPT_ENCODING, codings)),
    ];
    fields.into_iter().flatten()
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

//! Response headers on request, and conditional requests (RFC 9110 §13).

use serde_json::{Value, json};

use super::echo::{pretty_json, request_line};
use super::reader::Refusal;
use super::reply::Reply;
use super::routes::Call;

/// `/response-headers?name=value&…`: they are in the body as well.
pub(super) fn response_headers(call: &Call<'_>) -> Result<Reply, Refusal> {
    let args = call.request.args();
    // The server sets the framing: other fields for it would make the response unreadable.
    let framing =
        |name: &str| ["content-length", "transfer-encoding"].iter().any(|own| name.eq_ignore_ascii_case(own));
    if let Some((name, _)) = args.iter().find(|(name, _)| framing(name)) {
        return Err(Refusal::bad(format!("the header {name} cannot be chosen")));
    }
    let mut shown = json!({ "Content-Type": "application/json" });
    for (name, value) in &args {
        match &mut shown[name.as_str()] {
            Value::Array(values) => values.push(value.as_str().into()),
            empty @ Value::Null => *empty = value.as_str().into(),
            single => *single = json!([single.take(), value]),
        }
    }
    let mut reply = pretty_json(200, &shown);
    for (name, value) in args {
        if name.eq_ignore_ascii_case("content-type") {
            reply.headers.clear();
        }
        reply = reply.with(name, value);
    }
    Ok(reply)
}

/// `/cache`
pub(super) fn cache(call: &Call<'_>) -> Result<Reply, Refusal> {
    let asked = ["if-modified-since", "if-none-match"].iter().any(|name| call.request.header(name).is_some());
    let reply = if asked { Reply::empty(304) } else { pretty_json(200, &request_line(call)) };
    Ok(reply.with("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT").with("ETag", r#""cache""#))
}

/// `/cache/{seconds}`
pub(super) fn cache_for(call: &Call<'_>) -> Result<Reply, Refusal> {
    let seconds = call.number(0)?;
    Ok(pretty_json(200, &request_line(call)).with("Cache-Control", format!("public, max-age={seconds}")))
}

/// `/etag/{etag}`
pub(super) fn etag(call: &Call<'_>) -> Result<Reply, Refusal> {
    let etag = call.param(0);
    let reply = if list(call, "if-none-match").is_some_and(|tags| tags.iter().any(|tag| matches(tag, etag))) {
        Reply::empty(304)
    } else if list(call, "if-match").is_some_and(|tags| !tags.iter().any(|tag| matches(tag, etag))) {
        Reply::empty(412)
    } else {
        pretty_json(200, &request_line(call))
    };
    Ok(reply.with("ETag", format!("\"{etag}\"")))
}

/// The entity tags in a header; `None` when it is not there.
fn list(call: &Call<'_>, name: &str) -> Option<Vec<String>> {
    let values: Vec<&str> = call.request.header_values(name).collect();
    let tags = values.iter().flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned());
    (!values.is_empty()).then(|| tags.collect())
}

fn matches(tag: &str, etag: &str) -> bool {
    tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == etag
}

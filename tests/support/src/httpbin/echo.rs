//! Requests returned as JSON, in the form of httpbin.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::base64;
use super::multipart;
use super::reader::Refusal;
use super::reply::Reply;
use super::request::Request;
use super::routes::Call;

/// `/get`: arguments, headers, origin, URL.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(pretty_json(200, &request_line(call)))
}

/// `/post` and its like: that, and the body in all readings of it.
pub(super) fn with_body(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(pretty_json(200, &whole_request(call)?))
}

/// `/anything`: that, and the method.
pub(super) fn anything(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut told = whole_request(call)?;
    told["method"] = call.request.method.as_str().into();
    Ok(pretty_json(200, &told))
}

/// `/headers`
pub(super) fn headers(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(pretty_json(200, &json!({ "headers": headers_of(call.request) })))
}

/// `/ip`
pub(super) fn ip(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(pretty_json(200, &json!({ "origin": call.context.peer.to_string() })))
}

/// `/user-agent`
pub(super) fn user_agent(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(pretty_json(200, &json!({ "user-agent": call.request.header("user-agent") })))
}

/// `/delay/{seconds}`
pub(super) fn delay(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wait =
        seconds(call.param(0)).ok_or_else(|| Refusal::new(400, "the delay is not a number of seconds"))?;
    let mut told = whole_request(call)?;
    if let Some(object) = told.as_object_mut() {
        object.remove("json");
    }
    Ok(Reply { wait, ..pretty_json(200, &told) })
}

/// `/status/{codes}`
pub(super) fn status(call: &Call<'_>) -> Result<Reply, Refusal> {
    let codes: Option<Vec<u16>> = call.param(0).split(',').map(|code| code.trim().parse().ok()).collect();
    // A final status: 1xx would leave the client waiting for another.
    let codes =
        codes.filter(|codes| !codes.is_empty() && codes.iter().all(|code| (200..=999).contains(code)));
    let codes = codes.ok_or_else(|| Refusal::new(400, "Invalid status code"))?;
    let code = codes[(call.context.number % codes.len() as u64) as usize];
    let reply = Reply::empty(code);
    Ok(match code {
        301 | 302 | 303 | 305 | 307 | 308 => reply.with("Location", "/redirect/1"),
        401 => reply.with("WWW-Authenticate", r#"Basic realm="Fake Realm""#),
        407 => reply.with("Proxy-Authenticate", r#"Basic realm="Fake Realm""#),
        418 => Reply::new(418, "text/plain; charset=utf-8", "I am a teapot, short and stout.\n"),
        _ => reply,
    })
}

/// A JSON document as httpbin writes it: indented, names sorted.
pub(super) fn pretty_json(status: u16, value: &Value) -> Reply {
    Reply::new(status, "application/json", format!("{value:#}\n"))
}

/// Arguments, headers, origin and URL of a request.
pub(super) fn request_line(call: &Call<'_>) -> Value {
    json!({
        "args": multi_map(call.request.args()),
        "headers": headers_of(call.request),
        "origin": call.context.peer.to_string(),
        "url": call.url_of(&call.request.target()),
    })
}

/// A number of seconds, not negative and at most a day.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn whole_request(call: &Call<'_>) -> Result<Value, Refusal> {
    let request = call.request;
    let mut told = request_line(call);
    let (mut form, mut files, mut data) = (Vec::new(), Vec::new(), String::new());
    match request.media_type().as_str() {
        "application/x-www-form-urlencoded" => {
            form = form_urlencoded::parse(&request.body).into_owned().collect()
        }
        "multipart/form-data" => {
            for part in multipart::parts(request)? {
                let list = if part.is_file { &mut files } else { &mut form };
                list.push((part.name, text_or_data_url(part.content)));
            }
        }
        _ => data = text_or_data_url(request.body.clone()),
    }
    told["json"] = serde_json::from_str(&data).unwrap_or(Value::Null);
    told["data"] = data.into();
    told["form"] = multi_map(form);
    told["files"] = multi_map(files);
    Ok(told)
}

/// Bytes in JSON: as text when they are UTF-8, else as a `data:` URL.
fn text_or_data_url(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        format!("data:application/octet-stream;base64,{}", base64::encode(error.as_bytes()))
    })
}

/// A name that occurs once has a string, one that occurs more often a list.
fn multi_map(pairs: Vec<(String, String)>) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        match map.get_mut(&name) {
            None => {
                map.insert(name, value.into());
            }
            Some(Value::Array(values)) => values.push(value.into()),
            Some(single) => *single = Value::Array(vec![single.take(), value.into()]),
        }
    }
    Value::Object(map)
}

/// Header names are shown in one spelling, and repeated ones joined, so that tests can look them up.
fn headers_of(request: &Request) -> Value {
    let mut map = Map::new();
    for (name, value) in &request.headers {
        match map.entry(title_case(name)).or_insert(Value::Null) {
            Value::String(joined) => *joined = format!("{joined},{value}"),
            empty => *empty = value.as_str().into(),
        }
    }
    Value::Object(map)
}

/// `content-type` becomes `Content-Type`.
fn title_case(name: &str) -> String {
    let mut start = true;
    let letter = |char: char| {
        let cased = if start { char.to_ascii_uppercase() } else { char.to_ascii_lowercase() };
        start = char == '-';
        cased
    };
    name.chars().map(letter).collect()
}

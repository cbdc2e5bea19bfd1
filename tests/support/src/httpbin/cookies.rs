//! Cookies: shown, set and deleted (RFC 6265).

use serde_json::{Map, Value, json};

use super::echo::pretty_json;
use super::reader::Refusal;
use super::redirects::found;
use super::reply::Reply;
use super::routes::Call;

/// `/cookies`
pub(super) fn show(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut cookies = Map::new();
    for pair in call.request.header_values("cookie").flat_map(|value| value.split(';')) {
        if let Some((name, value)) = pair.split_once('=') {
            cookies.insert(name.trim().to_owned(), Value::from(value.trim()));
        }
    }
    Ok(pretty_json(200, &json!({ "cookies": cookies })))
}

/// `/cookies/set?name=value&…`
pub(super) fn set(call: &Call<'_>) -> Result<Reply, Refusal> {
    let reply = found("/cookies");
    Ok(call.request.args().iter().fold(reply, |reply, (name, value)| with_cookie(call, reply, name, value)))
}

/// `/cookies/set/{name}/{value}`
pub(super) fn set_one(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(with_cookie(call, found("/cookies"), call.param(0), call.param(1)))
}

/// `/cookies/delete?name&…`: a cookie is deleted by setting it once more, long expired.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let expired = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/";
    Ok(call
        .request
        .args()
        .iter()
        .fold(found("/cookies"), |reply, (name, _)| reply.with("Set-Cookie", format!("{name}=; {expired}"))))
}

fn with_cookie(call: &Call<'_>, reply: Reply, name: &str, value: &str) -> Reply {
    let secure = if call.context.https { "; Secure" } else { "" };
    reply.with("Set-Cookie", format!("{name}={value}; Path=/{secure}"))
}

//! Paths with authentication: Basic (RFC 7617) and Bearer (RFC 6750).

use serde_json::json;

use super::base64;
use super::echo::pretty_json;
use super::reader::Refusal;
use super::reply::Reply;
use super::routes::Call;

/// `/basic-auth/{user}/{password}`
pub(super) fn basic(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(welcome(call)
        .unwrap_or_else(|| Reply::empty(401).with("WWW-Authenticate", r#"Basic realm="Fake Realm""#)))
}

/// `/hidden-basic-auth/{user}/{password}`
pub(super) fn hidden_basic(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(welcome(call).unwrap_or_else(|| Reply::empty(404)))
}

/// `/bearer`
pub(super) fn bearer(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(match credentials(call, "Bearer") {
        Some(token) => pretty_json(200, &json!({ "authenticated": true, "token": token })),
        None => Reply::empty(401).with("WWW-Authenticate", "Bearer"),
    })
}

/// The response to the correct user and password.
fn welcome(call: &Call<'_>) -> Option<Reply> {
    let given = base64::decode(credentials(call, "Basic")?)?;
    let expected = format!("{}:{}", call.param(0), call.param(1));
    (given == expected.as_bytes())
        .then(|| pretty_json(200, &json!({ "authenticated": true, "user": call.param(0) })))
}

/// The credentials in `Authorization` after this scheme, whose name is not case-sensitive (RFC 9110 §11.1).
fn credentials<'a>(call: &Call<'a>, scheme: &str) -> Option<&'a str> {
    let (given, rest) = call.request.header("authorization")?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then_some(rest.trim()).filter(|rest| !rest.is_empty())
}

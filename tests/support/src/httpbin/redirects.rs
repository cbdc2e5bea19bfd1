//! Redirects: chains of them, with a path or with a whole URL in `Location` (RFC 9110 §10.2.2).

use super::reader::Refusal;
use super::reply::Reply;
use super::routes::Call;

/// `/redirect/{n}`
pub(super) fn redirect(call: &Call<'_>) -> Result<Reply, Refusal> {
    if call.request.arg("absolute").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        absolute(call)
    } else {
        relative(call)
    }
}

/// `/relative-redirect/{n}`
pub(super) fn relative(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(found(next(call, "relative-redirect")?))
}

/// `/absolute-redirect/{n}`
pub(super) fn absolute(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(found(call.url_of(&next(call, "absolute-redirect")?)))
}

/// `/redirect-to`
pub(super) fn to(call: &Call<'_>) -> Result<Reply, Refusal> {
    let url = call.request.arg("url").ok_or_else(|| Refusal::bad("there is no url to redirect to"))?;
    let status = match call.request.arg("status_code") {
        Some(code) => code.parse().ok().filter(|code| (300..=399).contains(code)),
        None => Some(302),
    };
    let status = status.ok_or_else(|| Refusal::bad("the status_code is not that of a redirect"))?;
    Ok(Reply::empty(status).with("Location", url))
}

/// A redirect that changes a request into a GET of `location`, as browsers have it.
pub(super) fn found(location: impl Into<String>) -> Reply {
    let location = location.into();
    Reply::new(302, "text/plain; charset=utf-8", format!("It is at {location}\n")).with("Location", location)
}

/// The path of the next redirect of a chain, or of its end.
fn next(call: &Call<'_>, name: &str) -> Result<String, Refusal> {
    Ok(match call.number(0)? {
        0 => return Err(Refusal::new(404, "a chain of redirects has one at least")),
        1 => "/get".to_owned(),
        n => format!("/{name}/{}", n - 1),
    })
}

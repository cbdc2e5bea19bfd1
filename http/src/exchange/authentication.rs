//! Which credentials a request is sent with.
//!
//! In this order: those of the request itself, those in its URL, the session's, and those of the netrc file. A request
//! with Digest credentials is sent without any until the server has sent a challenge.

use crate::request::Request;
use crate::request::auth;
#[cfg(feature = "digest")]
use crate::request::digest::DigestStore;
#[cfg(feature = "digest")]
use crate::response::Response;
use crate::settings::Settings;
use crate::url::Url;
use http::HeaderValue;
use http::header::AUTHORIZATION;

/// Before the first hop.
pub(crate) fn add_credentials(settings: &Settings, request: &mut Request) {
    if !request.headers.contains_key(AUTHORIZATION)
        && !request.awaits_challenge()
        && let Some(credentials) = auth::from_url(&request.url)
            .or_else(|| settings.auth.clone())
            .or_else(|| from_netrc(settings, &request.url))
    {
        request.headers.insert(AUTHORIZATION, credentials);
    }
}

/// Before the hop that a redirect from `from` leads to: that URL's own credentials, or its host's in the netrc file.
pub(crate) fn add_credentials_after_redirect(settings: &Settings, request: &mut Request, from: &Url) {
    let of_this_host = || settings.netrc.as_ref()?.credentials_after_redirect(from, &request.url);
    if !request.headers.contains_key(AUTHORIZATION)
        && let Some(credentials) = auth::from_url(&request.url).or_else(of_this_host)
    {
        request.headers.insert(AUTHORIZATION, credentials);
    }
}

/// Not if the session has an `Authorization` field of its own, which is added later.
fn from_netrc(settings: &Settings, url: &Url) -> Option<HeaderValue> {
    let netrc = settings.netrc.as_ref()?;
    if settings.headers.contains_key(AUTHORIZATION) { None } else { netrc.credentials(url) }
}

/// Answers the challenge of the request's origin in advance, if that has sent one before.
#[cfg(feature = "digest")]
pub(crate) fn answer_known_challenge(store: &DigestStore, request: &mut Request) {
    let Some(credentials) = request.digest() else { return };
    if let Some(answer) = store.authorization(credentials, &request.method, &request.url) {
        request.headers.insert(AUTHORIZATION, answer);
    }
}

/// Keeps the challenge of a 401, for [`answer_known_challenge`]. `challenges` counts those of this request. `false`: the
/// request is not worth sending again, because the answer that it carried was to this very nonce, and wrong.
#[cfg(feature = "digest")]
pub(crate) fn take_challenge(
    store: &DigestStore,
    request: &Request,
    response: &Response,
    challenges: &mut u16,
) -> bool {
    request.digest().is_some() && store.take_challenge(&request.url, response.headers(), challenges)
}

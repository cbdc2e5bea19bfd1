//! Which credentials a request is sent with.
//!
//! In this order: those of the request itself, those in its URL, the session's, and those of the netrc file. A request
//! with an auth flow of its own gets no others: Digest credentials must not be joined by a password in the open.

use crate::request::Request;
use crate::request::auth;
use crate::settings::{SessionAuth, Settings};
use crate::url::Url;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use std::rc::Rc;

/// Before the first hop.
pub(crate) fn add_credentials(settings: &Settings, request: &mut Request) {
    if request.headers.contains_key(AUTHORIZATION) || request.has_auth_flow() {
        return;
    }
    let credentials = match (auth::from_url(&request.url), &settings.auth) {
        (Some(of_url), _) => Some(of_url),
        (None, Some(SessionAuth::Field(of_session))) => Some(of_session.clone()),
        (None, Some(SessionAuth::Flow(flow))) => {
            request.options_mut().auth_flow = Some(Rc::clone(flow));
            None
        }
        (None, None) => from_netrc(settings, &request.url),
    };
    if let Some(credentials) = credentials {
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

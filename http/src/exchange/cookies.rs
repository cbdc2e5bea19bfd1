//! The session's cookies on a request and from a response.

use crate::connections::connection::ResponseHead;
use crate::cookies::CookieJar;
use crate::request::Request;
use crate::settings::Settings;
use crate::url::Url;
use http::header::COOKIE;

/// Before a hop: adds the cookies for its URL, unless the request has a `Cookie` field of its own.
pub(crate) fn add(settings: &Settings, request: &mut Request) {
    // Those of the hop before were chosen for another URL.
    if std::mem::take(&mut request.has_cookies_of_jar) {
        request.headers.remove(COOKIE);
    }
    if settings.cookies
        && let Some(jar) = settings.jar.get()
        && !request.headers.contains_key(COOKIE)
    {
        request.has_cookies_of_jar = jar.add_to(&mut request.headers, &request.url);
    }
}

/// When the head of a response has arrived: stores the cookies that it sets.
pub(crate) fn keep(settings: &Settings, url: &Url, head: &ResponseHead) {
    if settings.cookies && head.sets_cookies() {
        settings.jar.get_or_init(CookieJar::new).store_from_response(url, head.headers());
    }
}

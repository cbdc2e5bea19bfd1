//! The route to a server: direct, through a proxy, over a Unix socket, or by a custom connector.
//!
//! The route follows from the session's settings and the scheme, host and port of the URL, unless a request has a proxy of its
//! own. So it is chosen once for each origin, and the pool keeps it with that origin; with a request's own proxy, the origin is
//! another one. It also determines which requests may share a
//! connection: those with the same session, scheme, host and port have the same route, the same proxy credentials and the
//! same TLS settings; others have different origins in a pool, or different pools. A redirect to another origin takes the
//! route of that origin.
//!
//! Nothing here waits. `dialer.rs` connects.

use crate::connections::connector::AnyConnector;
use crate::connections::proxy::{Proxies, Proxy};
use crate::error::{Error, ErrorKind};
use crate::request::options::RequestProxy;
use crate::url::Url;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, Method};
use std::borrow::Cow;
use std::path::Path;
use std::rc::Rc;

/// The settings of a session that routes are chosen by.
#[derive(Default)]
pub(crate) struct TransportSettings {
    pub(crate) connector: Option<Rc<dyn AnyConnector>>,
    pub(crate) unix_socket: Option<Rc<Path>>,
    pub(crate) proxies: Proxies,
}

#[derive(Clone)]
pub(crate) enum Route {
    Direct,
    Proxy(Rc<Proxy>),
    Unix(Rc<Path>),
    Connector(Rc<dyn AnyConnector>),
}

impl Route {
    /// The route to the server of `url`.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), if the environment has a malformed proxy URL.
    pub(crate) fn choose(transport: &TransportSettings, url: &Url) -> Result<Route, Error> {
        if let Some(connector) = &transport.connector {
            return Ok(Route::Connector(Rc::clone(connector)));
        }
        if let Some(path) = &transport.unix_socket {
            return Ok(Route::Unix(Rc::clone(path)));
        }
        Ok(transport.proxies.choose(url)?.map_or(Route::Direct, Route::Proxy))
    }

    /// The route of a request that has its own proxy, or none.
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if the session's connections are not made through proxies.
    pub(crate) fn of_request(transport: &TransportSettings, proxy: &RequestProxy) -> Result<Route, Error> {
        let TransportSettings { connector, unix_socket, .. } = transport;
        match (connector, unix_socket, proxy) {
            (None, None, RequestProxy::None) => Ok(Route::Direct),
            (None, None, RequestProxy::Url(url)) => {
                Ok(Route::Proxy(transport.proxies.authenticating(Rc::new(Proxy::parse(url)?))?))
            }
            (Some(connector), _, RequestProxy::None) => Ok(Route::Connector(Rc::clone(connector))),
            (_, Some(path), RequestProxy::None) => Ok(Route::Unix(Rc::clone(path))),
            (_, _, RequestProxy::Url(_)) => {
                let what = "the request has a proxy, but the session's connector or Unix socket makes its connections: leave one of them out";
                Err(Error::new(ErrorKind::Request, what))
            }
        }
    }

    /// The request target: path and query, or the whole URL for a proxy that forwards the request (RFC 9112 §3.2).
    pub(crate) fn target<'a>(&self, url: &'a Url) -> Cow<'a, str> {
        match self.forwarder(url) {
            Some(_) => format!("{}{}", url.origin(), url.target()).into(),
            None => url.target().into(),
        }
    }

    /// Sets or removes `Proxy-Authorization` of a request with this method: credentials for a proxy are sent only to a proxy
    /// that forwards this request. (A tunnel's have been sent when it was made.)
    pub(crate) fn adjust(&self, headers: &mut HeaderMap, method: &Method, url: &Url) {
        match self {
            Route::Direct => {}
            _ => match self.forwarder(url) {
                Some(proxy) => {
                    #[cfg(feature = "digest")]
                    if let Some(answer) = proxy.digest_answer(method, url.target()) {
                        headers.insert(PROXY_AUTHORIZATION, answer);
                    }
                    #[cfg(not(feature = "digest"))]
                    let _ = method;
                    if let Some(credentials) = proxy.authorization() {
                        headers.entry(PROXY_AUTHORIZATION).or_insert_with(|| credentials.clone());
                    }
                }
                None => drop(headers.remove(PROXY_AUTHORIZATION)),
            },
        }
    }

    /// The proxy that forwards the request itself.
    pub(crate) fn forwarder(&self, url: &Url) -> Option<&Proxy> {
        match self {
            Route::Proxy(proxy) if proxy.speaks_http() && !url.is_https() => Some(proxy),
            _ => None,
        }
    }

    /// Whether the request is sent to a proxy that forwards it.
    pub(crate) fn is_forwarded(&self, url: &Url) -> bool {
        self.forwarder(url).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(proxy: &str) -> Route {
        Route::Proxy(Rc::new(Proxy::parse(proxy).expect(proxy)))
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    #[test]
    fn a_proxy_that_forwards_the_request_gets_the_whole_url_without_credentials_and_fragment() {
        let target = |text| through("http://p:1").target(&url(text)).into_owned();
        assert_eq!(target("http://h.test/a?b#c"), "http://h.test/a?b");
        assert_eq!(target("http://ann:secret@h.test:81/"), "http://h.test:81/");
        assert_eq!(target("http://[::1]:81/"), "http://[::1]:81/");
    }

    #[test]
    fn all_other_routes_have_path_and_query_as_target() {
        for route in [Route::Direct, through("socks5://p:1"), Route::Unix(Path::new("/s").into())] {
            assert_eq!(route.target(&url("http://h.test/a?b#c")), "/a?b");
        }
        assert_eq!(through("http://p:1").target(&url("https://h.test/a?b")), "/a?b");
    }

    #[test]
    fn credentials_go_to_the_proxy_that_forwards_the_request_and_to_no_other_hop() {
        let adjusted = |route: &Route, to: &str, by_hand: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = by_hand {
                headers.insert(PROXY_AUTHORIZATION, http::HeaderValue::from_static(value));
            }
            route.adjust(&mut headers, &Method::GET, &url(to));
            headers.get(PROXY_AUTHORIZATION).map(|value| value.to_str().unwrap_or_default().to_owned())
        };
        let proxy = through("http://u:p@p:1");
        assert_eq!(adjusted(&proxy, "http://h.test/", None).as_deref(), Some("Basic dTpw"));
        assert_eq!(adjusted(&proxy, "http://h.test/", Some("Bearer x")).as_deref(), Some("Bearer x"));
        assert_eq!(adjusted(&proxy, "https://h.test/", None), None);
        assert_eq!(adjusted(&proxy, "https://h.test/", Some("Bearer x")), None);
        assert_eq!(adjusted(&through("socks5://u:p@p:1"), "http://h.test/", Some("Bearer x")), None);
    }
}

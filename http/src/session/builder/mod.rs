//! [`ClientSessionBuilder`], which changes the defaults of `settings/` one by one.
//!
//! ```text
//! transport.rs     DNS, proxies, Unix sockets, connectors
//! sockets.rs       local address, interface, keepalive (feature `socket-options`)
//! connections.rs   how many connections, and how long they are kept
//! trust.rs         certificates, TLS settings, https_only
//! cookies.rs       whether cookies are kept, and in which jar
//! limits.rs        timeouts, redirects, sizes
//! http2.rs         whether HTTP/2 is offered (feature `http2`)
//! exchange.rs      retries, Expect: 100-continue, traces
//! ```
//!
//! A mistake (a certificate that cannot be read, a header value with a line break) is kept and reported by
//! [`build`](ClientSessionBuilder::build). The methods are grouped by subject, in one file each.

mod connections;
mod cookies;
mod exchange;
#[cfg(feature = "http2")]
mod http2;
mod limits;
#[cfg(feature = "socket-options")]
mod sockets;
mod transport;
mod trust;

use crate::connections::connection::ProtocolLimits;
use crate::connections::dialer::Dialer;
use crate::connections::resolver::HostResolver;
#[cfg(feature = "socket-options")]
use crate::connections::socket_options::SocketOptions;
use crate::connections::tls::trust::Trust;
use crate::error::Error;
use crate::request::Request;
use crate::request::auth;
use crate::request::header::header_field;
use crate::request::netrc::Netrc;
use crate::response::Response;
use crate::session::client::ClientSession;
use crate::session::request_builder::form_encoded;
use crate::settings::redirect_policy::Policy;
use crate::settings::{SessionAuth, Settings};
use crate::url::IntoUrl;
use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};
use rustls::ClientConfig;
use serde_core::Serialize;
use std::fmt;
use std::sync::Arc;

/// Builds a [`ClientSession`] with other settings than the defaults.
///
/// Timeouts are a `Duration`, or `None` for no timeout. By subject, each with an example:
///
/// | subject | settings |
/// |---|---|
/// | every request | here: a base URL, header fields, credentials, redirects, hooks |
/// | time and size | [`read_timeout`](Self::read_timeout) and its neighbours |
/// | connections | [`max_connections_per_host`](Self::max_connections_per_host) |
/// | how servers are reached | [`proxy_for`](Self::proxy_for), [`unix_socket`](Self::unix_socket), [`resolve`](Self::resolve), [`address_filter`](Self::address_filter), [`connector`](Self::connector) |
/// | TLS | [`add_root_certificate`](Self::add_root_certificate), [`add_root_certificate_der`](Self::add_root_certificate_der), [`min_tls_version`](Self::min_tls_version), [`pin_public_key`](Self::pin_public_key) |
/// | cookies | [`cookie_jar`](Self::cookie_jar) |
/// | failures | [`retries`](Self::retries), [`retry`](Self::retry) |
/// | logs | [`verbose`](Self::verbose), [`on_trace`](Self::on_trace) |
///
/// ```
/// use curio_http::{ClientSession, Policy};
/// use std::time::Duration;
///
/// let session = ClientSession::builder()
///     .base_url("https://api.example.org/v2/")
///     .header("X-Client", "example")
///     .user_agent("example/1.0")
///     .auth("ann", "4f1d") // for requests that have no credentials of their own; see also `netrc`
///     .redirect(Policy::limited(3))
///     .on_response(|response| println!("{} {}", response.status(), response.url()))
///     .timeout(Duration::from_secs(60))
///     .build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
///
/// A mistake in a setting is reported by [`build`](Self::build), so none of the other methods needs a `?`.
#[derive(Default)]
pub struct ClientSessionBuilder {
    settings: Settings,
    resolver: HostResolver,
    #[cfg(feature = "socket-options")]
    sockets: SocketOptions,
    protocol_limits: ProtocolLimits,
    trust: Trust,
    mistake: Option<Error>,
}

impl ClientSessionBuilder {
    /// Which redirects are followed: at most 10 in a row by default, and none from `https` to `http`.
    pub fn redirect(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// A default header field for every request. A field of the same name in a request replaces it.
    pub fn header<K, V>(mut self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K>,
        HeaderValue: TryFrom<V>,
        <HeaderName as TryFrom<K>>::Error: Into<http::Error>,
        <HeaderValue as TryFrom<V>>::Error: Into<http::Error>,
    {
        match header_field(name, value) {
            Ok((name, value)) => {
                self.settings.headers.append(name, value);
            }
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// The `User-Agent` field; `curio-http/` and the version by default.
    pub fn user_agent(mut self, name: impl AsRef<str>) -> Self {
        match header_field(USER_AGENT, name.as_ref()) {
            Ok((name, value)) => {
                self.settings.headers.insert(name, value);
            }
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// The URL that relative URLs of requests are resolved against (RFC 3986 §5): with the base `https://h/v2/`, `users`
    /// means `https://h/v2/users`, and `/users` means `https://h/users`.
    pub fn base_url(mut self, url: impl IntoUrl) -> Self {
        match url.into_url(None) {
            Ok(url) => self.settings.url_defaults.get_or_insert_default().base = Some(url),
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// Adds to the query of every request's URL, before what the request itself adds ([`params`]), and written like that. URLs that
    /// redirects lead to are left as they are. May be called several times.
    ///
    /// # Errors
    /// `build` reports a value that cannot be a query.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder().params(&[("key", "4f1d")]).build()?;
    /// let request = session.get("https://example.org/search?q=a").params(&[("page", "2")]).build()?;
    /// assert_eq!(request.url().as_str(), "https://example.org/search?q=a&key=4f1d&page=2");
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    ///
    /// [`params`]: crate::RequestBuilder::params
    pub fn params<T: Serialize + ?Sized>(mut self, params: &T) -> Self {
        match form_encoded(params, "writing the query parameters of a session") {
            Ok(more) => {
                let all = &mut self.settings.url_defaults.get_or_insert_default().params;
                if !all.is_empty() && !more.is_empty() {
                    all.push('&');
                }
                all.push_str(&more);
            }
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// HTTP Basic authentication for every request that has no credentials of its own. Redirects to another origin
    /// are followed without it.
    pub fn auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        match auth::basic(user.as_ref(), Some(password.as_ref())) {
            Ok(value) => self.settings.auth = Some(SessionAuth::Field(value)),
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// Takes user names and passwords from the file that the environment variable `NETRC` names, or else from `~/.netrc`,
    /// for requests that have no credentials otherwise, neither of their own nor of the session: from the entry whose
    /// `machine` is exactly the request's host, or from the entry `default`. A request that is redirected to another host
    /// gets the entry of that host or none. Off by default.
    ///
    /// # Errors
    /// `build` reports a file that cannot be read, or that is malformed, with the line. If the variable is not set, a
    /// missing file counts as empty.
    pub fn netrc(mut self, on: bool) -> Self {
        self.settings.netrc = None;
        if on {
            match Netrc::load() {
                Ok(netrc) => self.settings.netrc = Some(netrc),
                Err(error) => self.keep_first_mistake(error),
            }
        }
        self
    }

    /// Called with each request just before it is sent, and again for each redirect that is followed and each
    /// [retry](ClientSessionBuilder::retries). It may change the header fields and the URL for this one time: the next time, it
    /// finds the request as it was before.
    ///
    /// A hook that adds credentials has to look where the request goes: after a redirect that may be another server.
    ///
    /// ```
    /// # use curio_http::{ClientSession, HeaderValue};
    /// let session = ClientSession::builder()
    ///     .on_request(|request| {
    ///         if !request.has_left_origin() {
    ///             request.headers_mut().insert("x-signature", HeaderValue::from_static("4f1d"));
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn on_request(mut self, hook: impl Fn(&mut Request) + 'static) -> Self {
        self.settings.hooks.add_for_requests(hook);
        self
    }

    /// Calls `hook` with each response when its head has arrived, also with redirects.
    pub fn on_response(mut self, hook: impl Fn(&Response) + 'static) -> Self {
        self.settings.hooks.add_for_responses(hook);
        self
    }

    /// The session.
    ///
    /// # Errors
    /// The first mistake in the settings: an invalid header field, a base URL that does not parse, a certificate or key that
    /// cannot be read.
    pub fn build(self) -> Result<ClientSession, Error> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        #[cfg(feature = "socket-options")]
        self.check_sockets()?;
        let tls = if self.trust.is_default() { None } else { Some(self.trust.config()?) };
        Ok(self.into_session(tls))
    }

    /// The session, without a check for mistakes. `tls` is `None` for the default configuration.
    pub(crate) fn into_session(self, tls: Option<Arc<ClientConfig>>) -> ClientSession {
        let ClientSessionBuilder { settings, resolver, protocol_limits, .. } = self;
        let dialer = Dialer::new(
            resolver,
            #[cfg(feature = "socket-options")]
            self.sockets,
            protocol_limits,
            tls,
            settings.tracer.clone(),
            settings.agent(),
        );
        ClientSession::with(settings, dialer)
    }

    fn keep_first_mistake(&mut self, mistake: Error) {
        self.mistake.get_or_insert(mistake);
    }
}

impl fmt::Debug for ClientSessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSessionBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

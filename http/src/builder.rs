//! The settings of a session.
//!
//! Every setting has a default that is safe to ship: each wait ends, everything a server can send has a bound, and
//! nothing that was sent encrypted is repeated in the open. [`ClientSessionBuilder`] changes them one by one; a mistake
//! (a certificate that cannot be read, a header with a line break) is kept and reported by
//! [`build`](ClientSessionBuilder::build).

use crate::auth;
use crate::error::{Error, ErrorKind};
use crate::h1;
use crate::pool::Rules;
use crate::redirect::Policy;
use crate::request::{Request, header_field};
use crate::response::Response;
use crate::session::ClientSession;
use crate::tls::trust::Trust;
use crate::url::{IntoUrl, Url};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) pool_timeout: Option<Duration>,
    pub(crate) policy: Policy,
    pub(crate) headers: HeaderMap,
    pub(crate) auth: Option<HeaderValue>,
    pub(crate) base_url: Option<Url>,
    pub(crate) rules: Rules,
    pub(crate) addresses: HashMap<String, SocketAddr>,
    pub(crate) protocol_limits: h1::Limits,
    pub(crate) max_body: Option<u64>,
    pub(crate) https_only: bool,
    pub(crate) on_request: Vec<RequestHook>,
    pub(crate) on_response: Vec<ResponseHook>,
}

type RequestHook = Box<dyn Fn(&mut Request)>;
type ResponseHook = Box<dyn Fn(&Response)>;

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeout: None,
            connect_timeout: Some(Duration::from_secs(10)),
            read_timeout: Some(Duration::from_secs(30)),
            pool_timeout: Some(Duration::from_secs(30)),
            policy: Policy::default(),
            headers: HeaderMap::new(),
            auth: None,
            base_url: None,
            rules: Rules {
                connections_per_host: None,
                idle_per_host: usize::MAX,
                idle_timeout: Some(Duration::from_secs(15)),
            },
            addresses: HashMap::new(),
            protocol_limits: h1::Limits::default(),
            max_body: None,
            https_only: false,
            on_request: Vec::new(),
            on_response: Vec::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("redirects", &self.policy)
            .field("headers", &self.headers)
            .field("base_url", &self.base_url)
            .field("pool", &self.rules)
            .finish_non_exhaustive()
    }
}

/// Makes a [`ClientSession`] with settings of one's own.
///
/// Time limits are a `Duration`, or `None` for no limit.
///
/// ```
/// use curio_http::ClientSession;
/// use std::time::Duration;
///
/// let session = ClientSession::builder()
///     .base_url("https://api.example.org/v2/")
///     .header("X-Client", "example")
///     .timeout(Duration::from_secs(60))
///     .max_connections_per_host(8)
///     .build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
#[derive(Default)]
pub struct ClientSessionBuilder {
    settings: Settings,
    trust: Trust,
    mistake: Option<Error>,
}

impl ClientSessionBuilder {
    /// A limit for each request from start to end: waiting, connecting, redirects and reading the body included. None by
    /// default, because it would end large transfers that are going well.
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.timeout = limit.into();
        self
    }

    /// A limit for making a connection: name look-up, TCP and TLS together. 10 s by default.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.connect_timeout = limit.into();
        self
    }

    /// A limit for the server's silence: for the complete response head after the request was sent, then for each wait
    /// for a piece of the body, and for each wait until the server takes more of the request. 30 s by default.
    pub fn read_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.read_timeout = limit.into();
        self
    }

    /// A limit for waiting until one of
    /// [`max_connections_per_host`](ClientSessionBuilder::max_connections_per_host) is free. 30 s by default.
    pub fn pool_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.pool_timeout = limit.into();
        self
    }

    /// How many redirects in a row are followed. 10 by default; the rest of the [`Policy`] stays.
    pub fn max_redirects(mut self, n: usize) -> Self {
        self.settings.policy = self.settings.policy.with_limit(n);
        self
    }

    /// Which redirects are followed.
    pub fn redirect(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// A header field for every request. A request that sets the same name sends its own instead.
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
            Err(error) => self.note(error),
        }
        self
    }

    /// The `User-Agent` field; `curio-http/` and the version by default.
    pub fn user_agent(mut self, name: impl AsRef<str>) -> Self {
        match header_field(USER_AGENT, name.as_ref()) {
            Ok((name, value)) => {
                self.settings.headers.insert(name, value);
            }
            Err(error) => self.note(error),
        }
        self
    }

    /// The address that relative addresses of requests are resolved against, as a browser resolves links: with a base of
    /// `https://h/v2/`, the address `users` means `https://h/v2/users`, and `/users` means `https://h/users`.
    pub fn base_url(mut self, url: impl IntoUrl) -> Self {
        match url.into_url(None) {
            Ok(url) => self.settings.base_url = Some(url),
            Err(error) => self.note(error),
        }
        self
    }

    /// How many connections to one host (scheme, name and port) may be in use at the same time. Further requests wait
    /// their turn, first come, first served. No limit by default.
    pub fn max_connections_per_host(mut self, n: usize) -> Self {
        if n == 0 {
            self.note(Error::new(
                ErrorKind::Request,
                "max_connections_per_host(0) would never let a request through",
            ));
        }
        self.settings.rules.connections_per_host = Some(n);
        self
    }

    /// How many idle connections to one host are kept; with 0, every request makes a new one. No limit by default: the
    /// [idle timeout](ClientSessionBuilder::pool_idle_timeout) bounds them.
    pub fn max_idle_per_host(mut self, n: usize) -> Self {
        self.settings.rules.idle_per_host = n;
        self
    }

    /// How long an idle connection is kept; a shorter time that the server announces (`Keep-Alive: timeout=`) is
    /// honoured, less a second. 15 s by default.
    pub fn pool_idle_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.rules.idle_timeout = limit.into();
        self
    }

    /// Trusts the certificates in this PEM text as authorities, besides the built-in ones.
    pub fn add_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.more_roots.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts the certificates in this PEM text (and those of
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate)), but none of the built-in authorities.
    pub fn only_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.only_these_roots = true;
        self.add_root_certificate(pem)
    }

    /// Accepts any certificate of any server. The connection is then encrypted, but anybody may be at its other end.
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust.accept_anything = accept;
        self
    }

    /// A client certificate (with the chain that leads to its authority) and its private key, in PEM, for servers that
    /// ask for one.
    pub fn identity(mut self, certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.trust.identity = Some((certificates.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// Connects to `address` for every request to `host`, without a name look-up. If the address's port is 0 the
    /// request's port is used. Header fields and certificates are still those of `host`.
    pub fn resolve(mut self, host: impl AsRef<str>, address: SocketAddr) -> Self {
        self.settings.addresses.insert(host.as_ref().to_ascii_lowercase(), address);
        self
    }

    /// HTTP Basic authentication for every request that brings no credentials of its own. Redirects to another origin
    /// are followed without it.
    pub fn auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        match auth::basic(user.as_ref(), Some(password.as_ref())) {
            Ok(value) => self.settings.auth = Some(value),
            Err(error) => self.note(error),
        }
        self
    }

    /// The longest response head that is accepted, in bytes. 64 KiB by default.
    pub fn max_response_head(mut self, bytes: usize) -> Self {
        self.settings.protocol_limits.head = bytes;
        self
    }

    /// The longest response body that is accepted, in bytes after decoding. By default, reading a body as a whole stops
    /// at 64 MiB, and reading it in pieces has no bound.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.settings.max_body = Some(bytes);
        self
    }

    /// Refuses to send anything unencrypted, redirects included.
    pub fn https_only(mut self, on: bool) -> Self {
        self.settings.https_only = on;
        self
    }

    /// Called with each request just before it is sent, and again for each redirect that is followed. May change the
    /// header fields.
    pub fn on_request(mut self, hook: impl Fn(&mut Request) + 'static) -> Self {
        self.settings.on_request.push(Box::new(hook));
        self
    }

    /// Called with each response when its head has arrived, redirects included.
    pub fn on_response(mut self, hook: impl Fn(&Response) + 'static) -> Self {
        self.settings.on_response.push(Box::new(hook));
        self
    }

    /// The session.
    ///
    /// # Errors
    /// The first mistake among the settings: a header that cannot be sent, a base address that does not parse, a
    /// certificate or key that cannot be read.
    pub fn build(self) -> Result<ClientSession, Error> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let tls = OnceCell::new();
        if !self.trust.is_default() {
            let _ = tls.set(self.trust.config()?);
        }
        Ok(ClientSession::with(self.settings, tls))
    }

    fn note(&mut self, mistake: Error) {
        self.mistake.get_or_insert(mistake);
    }
}

impl fmt::Debug for ClientSessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSessionBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

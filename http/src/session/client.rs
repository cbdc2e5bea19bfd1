//! The session: what requests have in common.
//!
//! A session is a handle. Cloning it is free and gives the same session: the same settings, the same pool of
//! connections, the same TLS tickets. It can be made anywhere, also before `curio::run`; sockets are made when the first
//! request is sent. When the last handle is gone its idle connections are closed; responses that are still being read
//! go on, each with its own connection, which is closed when they are done.

use crate::connections::connector::{AnyConnector, Connector};
use crate::connections::deadline::Limits;
use crate::connections::pool::Pool;
use crate::connections::route::TransportSettings;
use crate::connections::tls::trust;
use crate::cookies::CookieJar;
use crate::exchange;
use crate::request::Request;
use crate::session::builder::ClientSessionBuilder;
use crate::session::request_builder::{RequestBuilder, ResponseFuture};
use crate::settings::Settings;
use crate::url::{IntoUrl, Url};
use http::header::{COOKIE, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use rustls::ClientConfig;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long [`ClientSession::close`] lets one connection take over its goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A client with a pool of connections, shared by all its clones.
///
/// ```no_run
/// use curio_http::ClientSession;
///
/// # fn main() -> Result<(), curio_http::Error> {
/// curio::run(async {
///     let session = ClientSession::new();
///     let first = session.get("https://example.org/").await?;
///     let second = session.get("https://example.org/about").await?; // on the same connection
///     println!("{} {}", first.status_code(), second.status_code());
///     Ok(())
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct ClientSession {
    inner: Rc<Session>,
}

pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) pool: Pool,
    #[cfg(feature = "digest")]
    pub(crate) digests: crate::request::digest::DigestStore,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl ClientSession {
    /// A session with the default settings: at most 10 redirects, 10 s to connect, 30 s of silence. Cheap enough to be
    /// made for a single request.
    pub fn new() -> ClientSession {
        ClientSession::with(Settings::default(), OnceCell::new())
    }

    /// A session with settings of one's own.
    pub fn builder() -> ClientSessionBuilder {
        ClientSessionBuilder::default()
    }

    /// A session with default settings whose connections this one makes.
    pub(crate) fn connected_by(connector: impl Connector + 'static) -> ClientSession {
        let connector: Rc<dyn AnyConnector> = Rc::new(connector);
        let transport = TransportSettings { connector: Some(connector), ..TransportSettings::default() };
        let settings = Settings { transport, ..Settings::default() };
        ClientSession::with(settings, OnceCell::new())
    }

    pub(crate) fn with(settings: Settings, tls: OnceCell<Arc<ClientConfig>>) -> ClientSession {
        let pool = Pool::new(settings.pool_limits);
        ClientSession {
            inner: Rc::new(Session {
                settings,
                pool,
                #[cfg(feature = "digest")]
                digests: Default::default(),
                tls,
            }),
        }
    }

    /// A GET request: send it by awaiting it.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A POST request.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// A PATCH request.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// A HEAD request: like GET, but the response has no body.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// An OPTIONS request.
    pub fn options(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::OPTIONS, url)
    }

    /// A request with any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, url)
    }

    /// Sends a request that was built before.
    ///
    /// # Errors
    /// As awaiting a [`RequestBuilder`].
    pub fn execute(&self, request: Request) -> ResponseFuture {
        ResponseFuture::new(exchange::send(self.clone(), Box::new(request)))
    }

    /// Closes the idle connections with a goodbye, as TLS wants it. Dropping the session closes them too, without
    /// waiting for anything. The session can be used afterwards.
    ///
    /// # Cancellation
    /// Connections that have not said goodbye by then are closed without.
    pub async fn close(&self) {
        for mut connection in self.inner.pool.take_all() {
            // The connection is given up in any case; how the goodbye goes is nobody's concern.
            let _ = curio::timeout_after(CLOSE_TIMEOUT, connection.close()).await;
        }
    }

    /// The session's cookies. With [`cookies(false)`](ClientSessionBuilder::cookies) nothing is put in and nothing is taken
    /// out on behalf of requests.
    pub fn cookies(&self) -> CookieJar {
        self.inner.settings.jar.get_or_init(CookieJar::new).clone()
    }

    pub(crate) fn base_url(&self) -> Option<&Url> {
        self.inner.settings.base_url.as_ref()
    }

    pub(crate) fn inner(&self) -> &Session {
        &self.inner
    }
}

impl Default for ClientSession {
    fn default() -> ClientSession {
        ClientSession::new()
    }
}

impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Session {
    /// The limits of a request that starts now.
    pub(crate) fn limits(&self, request: &Request, now: Instant) -> Limits {
        let total = request.timeout.unwrap_or(self.settings.timeout);
        let read_timeout = request.options.as_ref().and_then(|options| options.read_timeout);
        Limits {
            read_timeout: read_timeout.unwrap_or(self.settings.read_timeout),
            total: total.and_then(|total| Some((now.checked_add(total)?, total))),
        }
    }

    /// Before a hop: adds the cookies that are for its address, unless the request brings a `Cookie` field of its own.
    pub(crate) fn add_cookies(&self, request: &mut Request) {
        // Those of the hop before were chosen for another address.
        if std::mem::take(&mut request.has_cookies_of_jar) {
            request.headers.remove(COOKIE);
        }
        if self.settings.cookies
            && let Some(jar) = self.settings.jar.get()
            && !request.headers.contains_key(COOKIE)
        {
            request.has_cookies_of_jar = jar.add_to(&mut request.headers, &request.url);
        }
    }

    /// When the head of a response has come: keeps the cookies that it sets.
    pub(crate) fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        if self.settings.cookies && headers.contains_key(SET_COOKIE) {
            self.settings.jar.get_or_init(CookieJar::new).store_from_response(url, headers);
        }
    }

    /// What the session calls itself.
    pub(crate) fn agent(&self) -> HeaderValue {
        let own = self.settings.headers.get(USER_AGENT);
        own.cloned().unwrap_or(HeaderValue::from_static(exchange::AGENT))
    }

    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(self.tls.get_or_init(trust::shared))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.pool.close();
    }
}

/// A GET request in a session of its own: for programs that make only one.
///
/// ```no_run
/// # async fn example() -> Result<(), curio_http::Error> {
/// let mut response = curio_http::get("https://example.org/").await?;
/// println!("{}", response.text().await?);
/// # Ok(()) }
/// ```
pub fn get(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().get(url)
}

/// A POST request in a session of its own.
pub fn post(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().post(url)
}

/// A PUT request in a session of its own.
pub fn put(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().put(url)
}

/// A PATCH request in a session of its own.
pub fn patch(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().patch(url)
}

/// A DELETE request in a session of its own.
pub fn delete(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().delete(url)
}

/// A HEAD request in a session of its own.
pub fn head(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().head(url)
}

/// An OPTIONS request in a session of its own.
pub fn options(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().options(url)
}

/// A request with any method in a session of its own.
pub fn request(method: Method, url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().request(method, url)
}

//! The session, and the functions for a single request.
//!
//! A session is a handle to what its requests share: settings, connection pool, TLS sessions, cookies. Cloning it costs one
//! reference count. It can be made anywhere, also before `curio::run`; the first socket is opened by the first request.
//! When the last handle is dropped, its idle connections are closed. A response that is still being read keeps its
//! connection, which is closed at the end of the body.

use crate::connections::connector::Connector;
use crate::connections::dialer::Dialer;
use crate::cookies::CookieJar;
use crate::exchange::shared::Shared;
use crate::request::Request;
use crate::session::builder::ClientSessionBuilder;
use crate::session::request_builder::{RequestBuilder, ResponseFuture};
use crate::settings::Settings;
use crate::url::IntoUrl;
use http::Method;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// How long [`ClientSession::close`] waits for one connection to send its close_notify.
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
///
/// One with a base URL, against an API that a [mock](crate::mock) plays here:
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use curio_http::{ClientSession, Error, Method};
/// use serde_json::json;
///
/// # let mock = Mock::new().otherwise(|request| match request.method().as_str() {
/// #     "POST" => Answer::new(201).header("Location", "/notes/7"),
/// #     "GET" => Answer::json(&json!({ "text": "buy milk" })),
/// #     "OPTIONS" => Answer::new(204).header("Allow", "GET, PUT, PATCH, DELETE"),
/// #     _ => Answer::new(204),
/// # });
/// async fn notes(session: &ClientSession) -> Result<(), Error> {
///     let made = session.post("notes").json(&json!({ "text": "buy bread" })).await?;
///     let note = made.header("location").unwrap_or_default();
///     let change = json!({ "text": "buy milk" });
///     session.put(note).json(&change).await?.raise_for_status()?;
///     session.patch(note).json(&json!({ "done": true })).await?.raise_for_status()?;
///     let mut response = session.get(note).await?;
///     assert_eq!(response.json::<serde_json::Value>().await?, change);
///
///     assert!(session.head(note).await?.ok());
///     let allowed = session.options(note).await?;
///     assert!(allowed.header("allow").is_some_and(|methods| methods.contains("DELETE")));
///     let link = Method::from_bytes(b"LINK").unwrap();
///     session.request(link, note).header("Link", "</notes/6>; rel=prev").await?.raise_for_status()?;
///     session.delete(note).await?.raise_for_status()
/// }
///
/// let session = ClientSession::builder().connector(mock).base_url("https://api.test/").build()?;
/// curio::testing::run(async move {
///     let result = notes(&session).await;
///     assert!(session.cookies().is_empty());
///     session.close().await;
///     result
/// })?;
/// # Ok::<(), Error>(())
/// ```
///
/// How it works inside: the tour, `docs/tour/12-how-does-a-client-use-connections.md` in the repository.
#[derive(Clone)]
pub struct ClientSession {
    shared: Rc<Shared>,
}

impl ClientSession {
    /// A session with the default settings: at most 10 redirects, a connect timeout of 10 s, a read timeout of 30 s. Cheap
    /// enough to be made for a single request.
    pub fn new() -> ClientSession {
        ClientSession::builder().into_session(None)
    }

    /// A builder for a session with other settings.
    pub fn builder() -> ClientSessionBuilder {
        ClientSessionBuilder::default()
    }

    /// A session with default settings whose connections are made by `connector`.
    pub(crate) fn connected_by(connector: impl Connector + 'static) -> ClientSession {
        ClientSession::builder().connector(connector).into_session(None)
    }

    pub(crate) fn with(settings: Settings, dialer: Dialer) -> ClientSession {
        ClientSession { shared: Rc::new(Shared::new(settings, dialer)) }
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
        RequestBuilder::new(Rc::clone(&self.shared), method, url)
    }

    /// Sends a request that was made with [`RequestBuilder::build`].
    ///
    /// # Errors
    /// As awaiting a [`RequestBuilder`].
    #[track_caller]
    pub fn execute(&self, request: Request) -> ResponseFuture {
        ResponseFuture::send(Rc::clone(&self.shared), Box::new(request))
    }

    /// Closes the idle connections in order: over TLS, after a close_notify alert. It waits at most 1 s for each. Dropping the
    /// session closes them, too, without waiting: an alert is left out if the socket does not take it at once. The session can be
    /// used afterwards.
    ///
    /// # Cancellation
    /// The remaining connections are closed without an alert.
    pub async fn close(&self) {
        for mut connection in self.shared.pool.take_all() {
            // The connection is closed in any case, and an alert that cannot be sent changes nothing.
            let _ = curio::timeout_after(CLOSE_TIMEOUT, connection.close()).await;
        }
        #[cfg(feature = "http2")]
        for connection in self.shared.pool.take_all_shared() {
            let _ = curio::timeout_after(CLOSE_TIMEOUT, connection.close()).await;
        }
    }

    /// The session's cookies. With [`cookies(false)`](ClientSessionBuilder::cookies) nothing is put in and nothing is taken
    /// out on behalf of requests.
    pub fn cookies(&self) -> CookieJar {
        self.shared.settings.jar.get_or_init(CookieJar::new).clone()
    }
}

impl Default for ClientSession {
    fn default() -> ClientSession {
        ClientSession::new()
    }
}

impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

/// A GET request in a new session, for programs that send only one.
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

/// A POST request in a new session; used like [`get`].
pub fn post(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().post(url)
}

/// A PUT request in a new session; used like [`get`].
pub fn put(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().put(url)
}

/// A PATCH request in a new session; used like [`get`].
pub fn patch(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().patch(url)
}

/// A DELETE request in a new session; used like [`get`].
pub fn delete(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().delete(url)
}

/// A HEAD request in a new session; used like [`get`].
pub fn head(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().head(url)
}

/// An OPTIONS request in a new session; used like [`get`].
pub fn options(url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().options(url)
}

/// A request with any method in a new session; used like [`get`].
pub fn request(method: Method, url: impl IntoUrl) -> RequestBuilder {
    ClientSession::new().request(method, url)
}

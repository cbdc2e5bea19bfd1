//! Custom transports: connections that are not made by this client.
//!
//! All that the client needs is a stream of bytes to a host and port. Over any such stream (through SSH, over a serial
//! line, in the memory of a test) the whole client works: pool, redirects, TLS. Streams implement the traits of
//! `futures_io`.
//!
//! A user implements [`Connector`], with an associated type and an `async fn`. [`AnyConnector`] is its object-safe form, so
//! that a session is not generic over it.

use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::io;
use std::pin::Pin;

/// A byte stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// Makes the connections of a session: [`ClientSessionBuilder::connector`](crate::ClientSessionBuilder::connector).
///
/// Its connections are kept in the session's pool. An idle one is reused if reading from it is pending; data, an end or an
/// error there means that it is closed.
///
/// An `async` closure that takes a [`Target`] is a connector too:
///
/// ```no_run
/// use curio_http::{ClientSession, Target};
///
/// let session = ClientSession::builder()
///     .connector(async |target: Target| curio::open_connection("gateway.internal", target.port()).await)
///     .build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
/// A type that implements the trait can say more, here that the streams of the one inside are what they are:
///
/// ```
/// use curio_http::mock::{Answer, Mock, MockStream};
/// use curio_http::{ClientSession, Connector, Target};
/// use std::io;
///
/// /// Connects to the hosts of one company only.
/// struct Internal(Mock);
///
/// impl Connector for Internal {
///     type Stream = MockStream;
///
///     async fn connect(&self, target: Target) -> io::Result<MockStream> {
///         if !target.is_https() || !target.host().ends_with(".internal") {
///             return Err(io::Error::other(format!("{target} is not one of ours")));
///         }
///         self.0.connect(target).await
///     }
///
///     fn is_secure(&self) -> bool {
///         self.0.is_secure()
///     }
/// }
///
/// let mock = Mock::new().otherwise(|_| Answer::text("ok"));
/// curio::testing::run(async {
///     let session = ClientSession::builder().connector(Internal(mock)).build().unwrap();
///     assert!(session.get("https://wiki.internal/").await.unwrap().ok());
///     let error = session.get("https://example.org/").await.unwrap_err();
///     assert!(error.to_string().ends_with("example.org:443 is not one of ours"));
/// });
/// ```
pub trait Connector {
    /// The type of its streams.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    /// Connects. The session's `connect_timeout` applies; when it passes, the future is dropped.
    ///
    /// # Errors
    /// Any; it becomes the cause of an error of kind [`Connect`](crate::ErrorKind::Connect).
    fn connect(&self, target: Target) -> impl Future<Output = io::Result<Self::Stream>>;

    /// Whether its streams are secure already, so that `https` needs no TLS over them. `false` by default.
    fn is_secure(&self) -> bool {
        false
    }
}

impl<F, S> Connector for F
where
    F: AsyncFn(Target) -> io::Result<S>,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    type Stream = S;

    fn connect(&self, target: Target) -> impl Future<Output = io::Result<S>> {
        self(target)
    }
}

/// Where a [`Connector`] is to connect to; it is used in the examples there.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    host: String,
    port: u16,
    https: bool,
}

impl Target {
    pub(crate) fn new(host: &str, port: u16, https: bool) -> Target {
        Target { host: host.to_owned(), port, https }
    }

    /// The host as it stands in the URL: a name in lower case, or an IP address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is for an `https` URL.
    pub fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Duplex>>> + 'a>>;

/// The object-safe form of [`Connector`].
pub(crate) trait AnyConnector {
    fn connect(&self, target: Target) -> Connecting<'_>;
    fn is_secure(&self) -> bool;
}

impl<C: Connector> AnyConnector for C {
    fn connect(&self, target: Target) -> Connecting<'_> {
        Box::pin(async move {
            let stream = Connector::connect(self, target).await?;
            Ok(Box::new(stream) as Box<dyn Duplex>)
        })
    }

    fn is_secure(&self) -> bool {
        Connector::is_secure(self)
    }
}

//! A transport of the caller's own: connections that are neither TCP nor TLS as we make them.
//!
//! A client needs from the world no more than a stream of bytes to "this host and port". Whoever can make one (over SSH,
//! over a serial line, inside a test's memory) can have the whole client on top of it: the pool, redirects, TLS. The
//! streams are those of `futures_io`, which most of the ecosystem speaks.
//!
//! [`Connector`] is what a user implements: with associated types and `async fn`, so without boxes. [`AnyConnector`] is
//! the same with its types forgotten, because a session must not be generic over everything it holds.

use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::io;
use std::pin::Pin;

/// A byte stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// Makes the connections of a session: [`ClientSessionBuilder::connector`](crate::ClientSessionBuilder::connector).
///
/// Every connection is kept in the session's pool and used again while nothing comes on it unasked, so a stream that is
/// read without having anything to say must be pending.
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
pub trait Connector {
    /// What it makes.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    /// Connects. The session's `connect_timeout` applies; when it passes, the future is dropped.
    ///
    /// # Errors
    /// Whatever it likes; it becomes the cause of an error of kind [`Connect`](crate::ErrorKind::Connect).
    fn connect(&self, target: Target) -> impl Future<Output = io::Result<Self::Stream>>;

    /// Whether its streams are private already, so that nothing is to be added for `https`. By default TLS is laid on
    /// top of them.
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

/// Where a [`Connector`] is to connect to.
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

    /// The host as it stands in the address: a name in lower case, or an IP address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the address is an `https` one.
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

/// A [`Connector`] whose types are forgotten.
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

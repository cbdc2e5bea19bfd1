//! How an exchange fails, and the errors that report it.
//!
//! The connection sees a socket's error, a protocol error, or an end where none is allowed. Here each becomes an [`Error`]
//! of its kind, with the peer's address and how long the connection had been idle: a reused connection may have been closed
//! by the server meanwhile, which explains many failures and is the reason for the one automatic retry.

use crate::connections::tls::Explained;
use crate::error::{Error, ErrorKind, Resend};
use crate::h1::{LocalError, RemoteError};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why an exchange failed.
pub(crate) struct ExchangeError {
    pub(crate) error: Error,
    /// The server may never have seen the request: the connection was a reused one, and no byte of a response came.
    pub(crate) went_stale: bool,
}

/// Why reading from a connection failed.
pub(crate) enum ReadError {
    Io(io::Error),
    Remote(RemoteError),
    /// The end of the stream delimits the body, and TLS did not confirm it with a close_notify.
    CutOff,
}

/// The state of a connection when it failed.
pub(crate) struct ConnectionContext {
    pub(crate) peer: Option<SocketAddr>,
    /// How long it was idle in the pool before this exchange; `None` for its first.
    pub(crate) idle_for: Option<Duration>,
    /// Whether a byte of the response had been received.
    pub(crate) received_any: bool,
}

impl ConnectionContext {
    pub(crate) fn send_failed(&self, cause: io::Error) -> ExchangeError {
        let what = format!("sending the request{self}");
        self.perhaps_stale(Error::new(ErrorKind::Send, what).because(cause))
    }

    pub(crate) fn head_failed(&self, cause: ReadError) -> ExchangeError {
        let kind = match &cause {
            ReadError::Remote(remote) if remote.is_too_large() => ErrorKind::TooLarge,
            cause if cause.is_tls() => ErrorKind::Tls,
            _ => ErrorKind::Protocol,
        };
        let setting = cause.setting();
        let error = cause.explain(Error::new(kind, format!("reading the response head{self}")));
        self.perhaps_stale(match setting {
            Some(setting) => error.under(setting),
            None => error,
        })
    }

    pub(crate) fn body_failed(&self, cause: ReadError) -> Error {
        let kind = match &cause {
            ReadError::Remote(remote) if remote.is_too_large() => ErrorKind::TooLarge,
            ReadError::Remote(remote) if !remote.is_cut_off() => ErrorKind::Protocol,
            cause if cause.is_tls() => ErrorKind::Tls,
            _ => ErrorKind::Body,
        };
        cause.explain(Error::new(kind, format!("reading the response body{self}")))
    }

    fn perhaps_stale(&self, error: Error) -> ExchangeError {
        let unanswered = !self.received_any && matches!(error.kind(), ErrorKind::Send | ErrorKind::Protocol);
        let error = if unanswered { error.with_resend(Resend::IfIdempotent) } else { error };
        ExchangeError { error, went_stale: self.idle_for.is_some() && !self.received_any }
    }
}

impl fmt::Display for ConnectionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(peer) = self.peer else { return Ok(()) };
        write!(f, " ({peer}")?;
        if let Some(idle) = self.idle_for {
            write!(f, ", on a connection that had been idle for {:.1} s", idle.as_secs_f64())?;
        }
        f.write_str(")")
    }
}

impl ReadError {
    /// Whether TLS failed and not the socket: the alert for a refused client certificate comes after the handshake in TLS
    /// 1.3, so it is seen here.
    pub(crate) fn is_tls(&self) -> bool {
        match self {
            ReadError::Io(error) => error.get_ref().is_some_and(|cause| cause.is::<Explained>()),
            _ => false,
        }
    }

    /// The setting of the session whose limit was exceeded.
    fn setting(&self) -> Option<&'static str> {
        match self {
            ReadError::Remote(RemoteError::HeadTooLarge { .. }) => Some("max_response_head"),
            ReadError::Remote(RemoteError::TooManyHeaders { .. }) => Some("max_response_headers"),
            _ => None,
        }
    }

    fn explain(self, error: Error) -> Error {
        match self {
            ReadError::Io(cause) => error.because(cause),
            ReadError::Remote(cause) => error.because(cause),
            ReadError::CutOff => error.because(
                "the connection ended without the TLS close_notify that marks its end, so the body may have been cut short",
            ),
        }
    }
}

impl From<Error> for ExchangeError {
    /// A timeout may be retried if the request is idempotent and the session's settings allow it; other errors may not.
    fn from(error: Error) -> ExchangeError {
        let error = if error.is_timeout() { error.with_resend(Resend::IfIdempotent) } else { error };
        ExchangeError { error, went_stale: false }
    }
}

impl From<LocalError> for ExchangeError {
    /// A request that HTTP/1.1 does not allow.
    fn from(cause: LocalError) -> ExchangeError {
        Error::new(ErrorKind::Request, "the request is not valid").because(cause).into()
    }
}

//! How a stream fails, and whether the request may be sent again.
//!
//! A server says of some streams that it has not processed them, and such a request can be sent again, whatever its method
//! (RFC 9113 §8.7): those that it resets with `REFUSED_STREAM`, and those above the last one that its GOAWAY names. If a
//! connection breaks, the server may have processed them.

use crate::connections::http2::shared::SharedConnection;
use crate::connections::tls::Explained;
use crate::error::{Error, ErrorKind, Resend};
use h2::Reason;
use std::error::Error as StdError;

/// Why a request failed on a stream.
pub(crate) struct StreamFailure {
    pub(crate) error: Error,
    pub(crate) again: Again,
}

/// Whether a failed request is sent again at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
    No,
    /// The server has not processed it.
    NotProcessed,
    /// The server wants it over HTTP/1.1, and has not processed it.
    OverHttp1,
    /// The connection, which had carried requests before, broke before a byte of the response: it may have been closed by
    /// the server at the same time.
    WentStale,
}

impl StreamFailure {
    /// The connection has refused to open a stream.
    pub(super) fn not_opened(connection: &SharedConnection, cause: h2::Error) -> StreamFailure {
        let what = format!("opening a stream{}", connection.described());
        let error = Error::new(ErrorKind::Send, what).because(explain(connection, cause));
        StreamFailure { error: error.with_resend(Resend::Always), again: Again::NotProcessed }
    }

    /// Waiting for the head of the response has failed.
    pub(super) fn head(connection: &SharedConnection, cause: h2::Error) -> StreamFailure {
        let what = format!("reading the response head{}", connection.described());
        let refused = cause.is_remote() && cause.is_reset() && cause.reason() == Some(Reason::REFUSED_STREAM);
        let above_goaway = cause.is_remote() && cause.is_go_away();
        let over_http1 = cause.is_remote() && cause.reason() == Some(Reason::HTTP_1_1_REQUIRED);
        let broken = cause.is_io();
        let kind = if is_tls(&cause) { ErrorKind::Tls } else { ErrorKind::Protocol };
        let error = Error::new(kind, what).because(explain(connection, cause));
        if over_http1 {
            StreamFailure { error: error.with_resend(Resend::Always), again: Again::OverHttp1 }
        } else if refused || above_goaway {
            StreamFailure { error: error.with_resend(Resend::Always), again: Again::NotProcessed }
        } else if broken {
            let again = if connection.has_carried_others() { Again::WentStale } else { Again::No };
            StreamFailure { error: error.with_resend(Resend::IfIdempotent), again }
        } else {
            error.into()
        }
    }

    /// Reading the body of the response has failed.
    pub(super) fn body(connection: &SharedConnection, cause: h2::Error) -> Error {
        let kind = match &cause {
            cause if is_tls(cause) => ErrorKind::Tls,
            cause if cause.is_library() => ErrorKind::Protocol,
            _ => ErrorKind::Body,
        };
        let what = format!("reading the response body{}", connection.described());
        Error::new(kind, what).because(explain(connection, cause))
    }
}

impl From<Error> for StreamFailure {
    /// A timeout may be retried if the request is idempotent and the session's settings allow it; other errors may not.
    fn from(error: Error) -> StreamFailure {
        let error = if error.is_timeout() { error.with_resend(Resend::IfIdempotent) } else { error };
        StreamFailure { error, again: Again::No }
    }
}

fn is_tls(cause: &h2::Error) -> bool {
    cause.get_io().and_then(|io| io.get_ref()).is_some_and(|inner| inner.is::<Explained>())
}

/// The cause in the words of a person who has not read the RFC.
fn explain(connection: &SharedConnection, cause: h2::Error) -> Box<dyn StdError + Send + Sync> {
    if connection.spoke_http1() {
        return "the server speaks HTTP/1 and not HTTP/2".into();
    }
    let reason = cause.reason();
    let text = match reason {
        Some(reason) if cause.is_remote() && cause.is_go_away() => {
            format!(
                "the server closes the connection and has not processed this request (GOAWAY, {reason:?})"
            )
        }
        Some(Reason::REFUSED_STREAM) if cause.is_remote() => {
            "the server has refused the request without processing it (RST_STREAM, REFUSED_STREAM)".into()
        }
        Some(reason) if cause.is_remote() => {
            format!("the server has reset the stream (RST_STREAM, {reason:?})")
        }
        Some(Reason::PROTOCOL_ERROR) if cause.is_reset() => {
            // h2 has one error for both.
            "the response violates HTTP/2, or its head is much larger than max_response_head allows".into()
        }
        Some(reason) => format!("the server violates HTTP/2 ({reason:?}: {reason})"),
        None => match cause.into_io() {
            Some(io) => return io.into(),
            None => "the connection has ended".into(),
        },
    };
    text.into()
}

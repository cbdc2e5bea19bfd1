//! The one error type of this crate.
//!
//! A request can fail in many places, from a URL that does not parse to the last byte of the body. A program needs the
//! class of the failure ([`kind`](Error::kind)); a person needs one line that says what was being done, to which server,
//! and what went wrong (`Display`).
//!
//! An error is made where the failure is detected, by code that knows the step ("connecting to 10.0.0.1:80") and the
//! cause, but not the request. On its way up it passes [`Error::on`], which adds the method and the URL. So every line
//! names all four, and the request need not be passed down for the sake of error messages.
//!
//! Credentials in a URL are removed before it is stored, because error messages end up in logs. No text is printed twice:
//! `Display` prints the cause, so [`source`](std::error::Error::source) returns the cause's own source.

use crate::url::Url;
use http::{Method, StatusCode};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a request failed, or why one could not be made.
///
/// `Display` is one line: method, URL (without credentials), what was being done, what went wrong:
///
/// ```text
/// GET http://127.0.0.1:1/: connecting to 127.0.0.1:1: Connection refused (os error 111)
/// ```
///
/// A program decides by the [`kind`](Error::kind), or by a method like [`is_timeout`](Error::is_timeout) if it looks for one kind
/// only:
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use curio_http::{ClientSession, Error, ErrorKind};
///
/// async fn price(session: &ClientSession, url: &str) -> Result<Option<f64>, Error> {
///     let mut response = session.get(url).await?;
///     match response.raise_for_status() {
///         Err(error) if error.is_status() && error.status().is_some_and(|status| status == 404) => return Ok(None),
///         result => result?,
///     }
///     response.json().await.map(Some)
/// }
///
/// let mock = Mock::new().otherwise(|request| match request.path() {
///     "/7" => Answer::text("0.25"),
///     "/8" => Answer::text("cheap"),
///     "/9" => Answer::never(),
///     _ => Answer::new(404),
/// });
/// curio::testing::run(async {
///     let session = mock.session();
///     assert_eq!(price(&session, "http://shop.test/7").await.unwrap(), Some(0.25));
///     assert_eq!(price(&session, "http://shop.test/0").await.unwrap(), None);
///     for id in 8..=9 {
///         let error = price(&session, &format!("http://ann:secret@shop.test/{id}")).await.unwrap_err();
///         let advice = match error.kind() {
///             ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Timeout => "try again later",
///             ErrorKind::Json | ErrorKind::Protocol => "tell the shop",
///             _ => "look into the log",
///         };
///         assert_eq!(advice, if id == 8 { "tell the shop" } else { "try again later" });
///         assert_eq!(error.url().unwrap().as_str(), format!("http://shop.test/{id}")); // without the password
///         assert_eq!(error.is_timeout(), id == 9);
///         assert_eq!(error.inner().is_some_and(|cause| cause.is::<serde_json::Error>()), error.is_json());
///     }
/// });
/// ```
///
/// [`ErrorKind`] shows how other errors come about.
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    method: Option<Method>,
    subject: Subject,
    status: Option<StatusCode>,
    resend: Resend,
    tries: u32,
    /// The session's setting that has the limit which was exceeded.
    setting: Option<&'static str>,
    doing: Cow<'static, str>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What the error is about: a URL, or a text that did not parse as one.
#[derive(Clone)]
enum Subject {
    Nothing,
    Url(Url),
    Text(String),
}

/// The class of an [`Error`]: what to `match` on.
/// ```
/// use curio_http::mock::{Answer, Mock, MockConnect};
/// use curio_http::{ClientSession, Error};
/// use std::io;
///
/// async fn fetch(session: &ClientSession, url: &str) -> Result<String, Error> {
///     session.get(url).await?.text().await
/// }
///
/// let mock = Mock::new().otherwise(|request| match request.path() {
///     "/loop" => Answer::redirect("/loop"),
///     "/greeting" => Answer::raw("220 mail.test ESMTP\r\n\r\n"),
///     "/cut-off" => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").then_close(),
///     "/damaged" => Answer::text("not compressed").header("Content-Encoding", "gzip"),
///     _ => Answer::text("a long text".repeat(100)),
/// });
/// let refusing = Mock::new().on_connect(|_| MockConnect::fail(io::ErrorKind::ConnectionRefused.into()));
///
/// curio::testing::run(async {
///     let session = ClientSession::builder().connector(mock).max_body(1000).build().unwrap();
///     assert!(fetch(&session, "test/no-scheme").await.unwrap_err().is_url());
///     assert!(fetch(&session, "http://test/loop").await.unwrap_err().is_redirect());
///     assert!(fetch(&session, "http://test/greeting").await.unwrap_err().is_protocol());
///     assert!(fetch(&session, "http://test/cut-off").await.unwrap_err().is_body());
///     assert!(fetch(&session, "http://test/damaged").await.unwrap_err().is_decode());
///     assert!(fetch(&session, "http://test/long").await.unwrap_err().is_too_large());
///     assert!(session.get("http://test/").header("X-Two", "a\r\nb").await.unwrap_err().is_request());
///     assert!(fetch(&refusing.session(), "http://test/").await.unwrap_err().is_connect());
///     let no_pem = ClientSession::builder().add_root_certificate("no certificate").build();
///     assert!(no_pem.unwrap_err().is_tls());
/// });
/// ```
///
/// A name that cannot be resolved is [`is_dns`](Error::is_dns) (the example of [`Resolver`](crate::Resolver)), a proxy that refuses
/// [`is_proxy`](Error::is_proxy).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL does not parse, or is not one that this client may use.
    Url,
    /// The request is inconsistent, or contains something that may not be sent.
    Request,
    /// The host's name could not be resolved to an address.
    Dns,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed, a certificate was refused, or the TLS settings are wrong.
    Tls,
    /// The proxy failed or refused.
    Proxy,
    /// The connection broke while the request was being sent.
    Send,
    /// A timeout passed: the connect, read or pool timeout, or that of the whole request.
    Timeout,
    /// The server's response head or framing violates HTTP, or there was no response.
    Protocol,
    /// A redirect may not be followed, or there were too many.
    Redirect,
    /// The response body ended early, or has been consumed.
    Body,
    /// The response body's compression or character set could not be decoded.
    Decode,
    /// The response body is not JSON, or does not fit the type.
    Json,
    /// The status is 400 or above ([`raise_for_status`](crate::Response::raise_for_status)).
    Status,
    /// A file could not be read or written, or the caller's reader failed.
    Io,
    /// The server sent more than a limit allows.
    TooLarge,
}

/// Whether a request that failed may be sent again without harm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resend {
    Never,
    /// The server may have seen it, and has not answered.
    IfIdempotent,
    /// The server has not seen it.
    Always,
}

impl Error {
    /// An error of this kind that happened while `doing` something ("connecting to …").
    pub(crate) fn new(kind: ErrorKind, doing: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            kind,
            method: None,
            subject: Subject::Nothing,
            status: None,
            resend: Resend::Never,
            tries: 1,
            setting: None,
            doing: doing.into(),
            cause: None,
        }))
    }

    /// Adds the error that caused this one.
    pub(crate) fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// Adds the request, unless code nearer to the failure has done so.
    pub(crate) fn on(mut self, method: &Method, url: &Url) -> Error {
        self = self.with_method(method);
        if matches!(self.0.subject, Subject::Nothing) {
            self.0.subject = Subject::Url(url.without_credentials());
        }
        self
    }

    pub(crate) fn with_method(mut self, method: &Method) -> Error {
        self.0.method.get_or_insert_with(|| method.clone());
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Error {
        self.0.status = Some(status);
        self
    }

    /// Sets whether the request may be sent again.
    pub(crate) fn with_resend(mut self, resend: Resend) -> Error {
        self.0.resend = resend;
        self
    }

    pub(crate) fn resend(&self) -> Resend {
        self.0.resend
    }

    /// Sets how often the request was sent.
    pub(crate) fn after_tries(mut self, tries: u32) -> Error {
        self.0.tries = tries;
        self
    }

    /// Names the session's setting that has the limit which was exceeded.
    pub(crate) fn under(mut self, setting: &'static str) -> Error {
        self.0.setting = Some(setting);
        self
    }

    /// The same error once more, for each further call after the one that failed.
    pub(crate) fn repeat(&self) -> Error {
        Error(self.0.clone())
    }

    /// The error is about a text that is not a URL. The caller has removed credentials from it.
    pub(crate) fn about(mut self, text: String) -> Error {
        self.0.subject = Subject::Text(text);
        self
    }

    /// The class of this error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The URL of the request, without user name and password; after redirects, the one whose request failed.
    pub fn url(&self) -> Option<&Url> {
        match &self.0.subject {
            Subject::Url(url) => Some(url),
            _ => None,
        }
    }

    /// The same error without its URL, or the text that was to be one: for messages that are shown to others, because a query may
    /// hold secrets. The host's name and IP address may still appear in the rest of the message.
    ///
    /// ```
    /// let error = curio_http::Url::parse("ftp://example.org/?key=secret").unwrap_err().without_url();
    /// assert!(error.url().is_none() && !error.to_string().contains("secret"));
    /// ```
    pub fn without_url(mut self) -> Error {
        self.0.subject = Subject::Nothing;
        self
    }

    /// The status of the response, if its head had arrived when the error occurred.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The cause, whose text is part of this error's `Display` already: for downcasting, for example to
    /// [`std::io::Error`].
    pub fn inner(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// The URL is unusable ([`ErrorKind::Url`]).
    pub fn is_url(&self) -> bool {
        self.0.kind == ErrorKind::Url
    }

    /// The request itself is invalid ([`ErrorKind::Request`]).
    pub fn is_request(&self) -> bool {
        self.0.kind == ErrorKind::Request
    }

    /// The host's name could not be resolved ([`ErrorKind::Dns`]): the second example of [`Resolver`](crate::Resolver).
    pub fn is_dns(&self) -> bool {
        self.0.kind == ErrorKind::Dns
    }

    /// No connection could be made ([`ErrorKind::Connect`]).
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// TLS failed, certificates included ([`ErrorKind::Tls`]).
    pub fn is_tls(&self) -> bool {
        self.0.kind == ErrorKind::Tls
    }

    /// The proxy failed or refused ([`ErrorKind::Proxy`]).
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let mut result = session.get("https://example.org/").proxy("http://cache.internal:3128").await;
    /// if result.as_ref().is_err_and(|error| error.is_proxy()) {
    ///     result = session.get("https://example.org/").no_proxy().await;
    /// }
    /// println!("{}", result?.status());
    /// # Ok(()) }
    /// ```
    pub fn is_proxy(&self) -> bool {
        self.0.kind == ErrorKind::Proxy
    }

    /// A timeout passed ([`ErrorKind::Timeout`]).
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// The server violated HTTP ([`ErrorKind::Protocol`]).
    pub fn is_protocol(&self) -> bool {
        self.0.kind == ErrorKind::Protocol
    }

    /// A redirect could not be followed ([`ErrorKind::Redirect`]).
    pub fn is_redirect(&self) -> bool {
        self.0.kind == ErrorKind::Redirect
    }

    /// The response body ended early or has been consumed ([`ErrorKind::Body`]).
    pub fn is_body(&self) -> bool {
        self.0.kind == ErrorKind::Body
    }

    /// The response body could not be decoded ([`ErrorKind::Decode`]).
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    /// The response body is not JSON, or does not fit the type ([`ErrorKind::Json`]).
    pub fn is_json(&self) -> bool {
        self.0.kind == ErrorKind::Json
    }

    /// The status was 400 or above ([`ErrorKind::Status`]).
    pub fn is_status(&self) -> bool {
        self.0.kind == ErrorKind::Status
    }

    /// The server sent more than a limit allows ([`ErrorKind::TooLarge`]).
    pub fn is_too_large(&self) -> bool {
        self.0.kind == ErrorKind::TooLarge
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(method) = &inner.method {
            write!(f, "{method} ")?;
        }
        match &inner.subject {
            Subject::Nothing => {}
            Subject::Url(url) => write!(f, "{url}: ")?,
            // `Debug` escapes control characters, which may be the reason why it does not parse.
            Subject::Text(text) => write!(f, "{text:?}: ")?,
        }
        f.write_str(&inner.doing)?;
        if let Some(cause) = &inner.cause {
            write!(f, ": {cause}")?;
        }
        if let Some(setting) = inner.setting {
            write!(f, " ({setting})")?;
        }
        if inner.tries > 1 { write!(f, " (tried {} times)", inner.tries) } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &format_args!("{self}"))
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl StdError for Error {
    /// The source of the cause that `Display` has printed.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().and_then(|cause| cause.source())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn refused() -> Error {
        let url = Url::parse("http://ann:secret@localhost:1/x?y").expect("a good address");
        Error::new(ErrorKind::Connect, "connecting to 127.0.0.1:1")
            .because(io::Error::new(io::ErrorKind::ConnectionRefused, "no listener"))
            .on(&Method::GET, &url)
    }

    #[test]
    fn one_line_names_method_address_step_and_cause() {
        let line = refused().to_string();
        assert_eq!(line, "GET http://localhost:1/x?y: connecting to 127.0.0.1:1: no listener");
    }

    #[test]
    fn credentials_appear_nowhere() {
        let error = refused();
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert!(!format!("{error} {error:?}").contains("ann"));
        assert_eq!(error.url().map(Url::as_str), Some("http://localhost:1/x?y"));
    }

    #[test]
    fn no_text_of_the_chain_is_lost_or_printed_twice() {
        #[derive(Debug)]
        struct Outer(io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::new(ErrorKind::Io, "reading").because(Outer(io::Error::other("root")));
        let mut lines = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            lines.push(cause.to_string());
            source = cause.source();
        }
        let all = lines.join(" | ");
        assert_eq!(all, "reading: outer | root");
    }

    #[test]
    fn the_nearest_request_is_the_one_named() {
        let other = Url::parse("http://other/").expect("a good address");
        let error = refused().on(&Method::POST, &other);
        assert!(error.to_string().starts_with("GET http://localhost:1/"));
    }

    #[test]
    fn an_error_may_cross_threads() {
        fn crosses<T: Send + Sync + 'static>(_: &T) {}
        crosses(&refused());
    }

    #[test]
    fn a_control_character_in_the_subject_cannot_break_the_line() {
        let error = Error::new(ErrorKind::Url, "bad").about("http://a\r\nb/".into());
        assert_eq!(error.to_string(), "\"http://a\\r\\nb/\": bad");
    }
}

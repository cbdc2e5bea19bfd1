//! The response of a mock.
//!
//! A [`MockResponse`] is a description. [`MockResponse::steps`] turns it into what the connection does, one step after the
//! other: wait, send, close, fail.

use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_core::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A response, made by [`new`](MockResponse::new), [`text`](MockResponse::text), [`json`](MockResponse::json)…, and changed
/// by the other methods. Also exported as `Answer`.
///
/// ```
/// use curio_http::mock::Answer;
/// use std::time::Duration;
///
/// let busy = Answer::new(503).header("Retry-After", "1").text_body("come back later");
/// let slow = Answer::text("at last").delay(Duration::from_secs(5));
/// ```
/// Servers that behave badly, as a client meets them:
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use std::{io, time::Duration};
///
/// let mock = Mock::new().otherwise(|request| match request.path() {
///     "/moved" => Answer::redirect("/slow"),
///     "/slow" => Answer::pieces(["part 1, ", "part 2"], Duration::from_secs(20)),
///     "/odd" => Answer::new(200).body([0xff, 0xfe]).then_close(),
///     "/broken" => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
///     "/silent" => Answer::never(),
///     "/missing" => Answer::text("no such page").status(404),
///     _ => Answer::fail(io::ErrorKind::ConnectionReset.into()),
/// });
///
/// curio::testing::run(async {
///     let session = mock.session();
///     let mut slow = session.get("http://test/moved").await.unwrap();
///     assert_eq!(slow.text().await.unwrap(), "part 1, part 2"); // after 40 s of the virtual clock
///     assert_eq!(session.get("http://test/odd").await.unwrap().binary().await.unwrap().len(), 2);
///     assert!(session.get("http://test/broken").await.unwrap_err().is_protocol());
///     assert!(session.get("http://test/silent").await.unwrap_err().is_timeout());
///     assert!(!session.get("http://test/missing").await.unwrap().ok());
///     assert!(session.get("http://test/reset").await.is_err());
/// });
/// ```
#[derive(Debug)]
pub struct MockResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    delay: Duration,
    close: bool,
    mistake: Option<io::Error>,
}

#[derive(Debug)]
enum Body {
    Whole(Vec<u8>),
    Pieces {
        pieces: Vec<Vec<u8>>,
        every: Duration,
    },
    Stream(MockPieces),
    /// The whole response, head included.
    Raw(Vec<u8>),
    Never,
}

/// What a connection does.
#[derive(Debug)]
pub(super) enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    Stream(MockPieces),
    Close,
    Fail(io::Error),
    Hang,
}

/// The pieces of a body that a test makes while it is read.
pub(super) struct MockPieces(pub(super) Pin<Box<dyn Stream<Item = io::Result<Vec<u8>>>>>);

impl fmt::Debug for MockPieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MockPieces")
    }
}

/// A stream whose items are bytes.
struct Pieces<S>(Pin<Box<S>>);

impl<B: Into<Vec<u8>>, S: Stream<Item = io::Result<B>>> Stream for Pieces<S> {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map(Into::into)))
    }
}

/// A chunk of a chunked body.
pub(super) fn chunk(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

impl MockResponse {
    /// A response with this status and an empty body. A number that is not a status (100 to 999) makes the request fail.
    pub fn new(status: u16) -> MockResponse {
        let known = StatusCode::from_u16(status);
        let mistake = known.is_err().then(|| io::Error::other(format!("the mock's {status} is no status")));
        MockResponse {
            status: known.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::new(),
            body: Body::Whole(Vec::new()),
            delay: Duration::ZERO,
            close: false,
            mistake,
        }
    }

    /// A 200 with this text, in UTF-8.
    pub fn text(text: impl Into<String>) -> MockResponse {
        MockResponse::new(200).header("Content-Type", "text/plain; charset=utf-8").text_body(text)
    }

    /// A 200 with this value as JSON. A value that cannot be serialised makes the request fail.
    pub fn json(value: &(impl Serialize + ?Sized)) -> MockResponse {
        let answer = MockResponse::new(200).header("Content-Type", "application/json");
        match serde_json::to_vec(value) {
            Ok(json) => answer.body(json),
            Err(error) => answer.or_mistake(io::Error::other(error)),
        }
    }

    /// A 302 to this URL.
    pub fn redirect(to: impl AsRef<str>) -> MockResponse {
        MockResponse::new(302).header("Location", to)
    }

    /// A 200 with a chunked body: each piece is one chunk, sent after a pause of `every`.
    pub fn pieces<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>, every: Duration) -> MockResponse {
        let pieces = pieces.into_iter().map(Into::into).collect();
        MockResponse { body: Body::Pieces { pieces, every }, ..MockResponse::new(200) }
    }

    /// A 200 with a chunked body from a stream that is polled while the body is read, each item as one chunk: for tests that decide
    /// piece by piece what comes next. An error of the stream breaks the connection in the middle of the body.
    ///
    /// ```
    /// use curio_http::mock::{Answer, Mock};
    /// use futures_util::stream;
    /// use std::io;
    ///
    /// let cut_off = || stream::iter([Ok("some"), Err(io::ErrorKind::ConnectionReset.into())]);
    /// let mock = Mock::new().otherwise(move |_| Answer::stream(cut_off()));
    /// curio::testing::run(async {
    ///     let mut response = mock.session().get("http://test/").await.unwrap();
    ///     assert!(response.text().await.unwrap_err().is_body());
    /// });
    /// ```
    pub fn stream<B: Into<Vec<u8>>>(stream: impl Stream<Item = io::Result<B>> + 'static) -> MockResponse {
        let pieces = MockPieces(Box::pin(Pieces(Box::pin(stream))));
        MockResponse { body: Body::Stream(pieces), ..MockResponse::new(200) }
    }

    /// Exactly these bytes, head included: for responses that violate HTTP.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> MockResponse {
        MockResponse { body: Body::Raw(bytes.into()), ..MockResponse::new(200) }
    }

    /// No response: the connection fails with this error.
    pub fn fail(error: io::Error) -> MockResponse {
        MockResponse::new(200).or_mistake(error)
    }

    /// No response, and the connection stays open: for tests of timeouts.
    pub fn never() -> MockResponse {
        MockResponse { body: Body::Never, ..MockResponse::new(200) }
    }

    /// Changes the status.
    pub fn status(mut self, status: u16) -> MockResponse {
        let MockResponse { status, mistake, .. } = MockResponse::new(status);
        self.status = status;
        match mistake {
            Some(mistake) => self.or_mistake(mistake),
            None => self,
        }
    }

    /// Adds a header field. An invalid name or value makes the request fail.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> MockResponse {
        let (name, value) = (name.as_ref(), value.as_ref());
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
                self
            }
            _ => self.or_mistake(io::Error::other(format!("the mock's field {name:?}: {value:?} is none"))),
        }
    }

    /// Changes the body.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> MockResponse {
        self.body = Body::Whole(bytes.into());
        self
    }

    /// Changes the body, to a text in UTF-8.
    pub fn text_body(self, text: impl Into<String>) -> MockResponse {
        self.body(text.into())
    }

    /// Delays the response by this time.
    pub fn delay(mut self, time: Duration) -> MockResponse {
        self.delay = time;
        self
    }

    /// Closes the connection after the response.
    pub fn then_close(mut self) -> MockResponse {
        self.close = true;
        self
    }

    fn or_mistake(mut self, mistake: io::Error) -> MockResponse {
        self.mistake.get_or_insert(mistake);
        self
    }

    /// What the connection does to send it.
    pub(super) fn steps(self, method: &Method) -> VecDeque<Step> {
        let mut steps = VecDeque::new();
        if !self.delay.is_zero() {
            steps.push_back(Step::Wait(self.delay));
        }
        if let Some(mistake) = self.mistake {
            steps.push_back(Step::Fail(mistake));
            return steps;
        }
        let bodiless = self.status.is_informational()
            || matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let silent = bodiless || *method == Method::HEAD;
        let mut head = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        match self.body {
            Body::Raw(bytes) => steps.push_back(Step::Send(bytes)),
            Body::Never => steps.push_back(Step::Hang),
            Body::Whole(body) => {
                if !bodiless && !self.headers.contains_key(http::header::CONTENT_LENGTH) {
                    head.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
                }
                head.extend(b"\r\n");
                if !silent {
                    head.extend(body);
                }
                steps.push_back(Step::Send(head));
            }
            Body::Stream(pieces) => {
                head.extend(b"transfer-encoding: chunked\r\n\r\n");
                steps.push_back(Step::Send(head));
                if !silent {
                    steps.push_back(Step::Stream(pieces));
                    steps.push_back(Step::Send(b"0\r\n\r\n".to_vec()));
                }
            }
            Body::Pieces { pieces, every } => {
                head.extend(b"transfer-encoding: chunked\r\n\r\n");
                steps.push_back(Step::Send(head));
                if !silent {
                    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
                        steps.push_back(Step::Wait(every));
                        steps.push_back(Step::Send(chunk(&piece)));
                    }
                    steps.push_back(Step::Send(b"0\r\n\r\n".to_vec()));
                }
            }
        }
        if self.close {
            steps.push_back(Step::Close);
        }
        steps
    }
}

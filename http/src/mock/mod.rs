//! A server inside a test, without sockets.
//!
//! [`Mock`] is a [`Connector`] whose connections call closures. Everything else is the real client: requests are framed by
//! the same protocol core, redirects are followed, bodies are decoded, connections are pooled.
//!
//! There are no sockets, no threads and no tasks. So a test can run under `curio::testing::run`, with a virtual clock: a
//! response that is delayed by a minute takes no time, and a timeout can be tested with its real duration.
//!
//! ```
//! use curio_http::Method;
//! use curio_http::mock::{Answer, Mock};
//! use std::time::Duration;
//!
//! // What is tested:
//! async fn stars(session: &curio_http::ClientSession, user: &str) -> Result<u64, curio_http::Error> {
//!     let mut response = session.get(format!("https://api.test/users/{user}")).await?;
//!     response.raise_for_status()?;
//!     let user: serde_json::Value = response.json().await?;
//!     Ok(user["stars"].as_u64().unwrap_or_default())
//! }
//!
//! # fn main() {
//! let mock = Mock::new()
//!     .on(Method::GET, "/users/ann", |_| Answer::json(&serde_json::json!({ "stars": 5 })))
//!     .on(Method::GET, "/users/bob", |_| Answer::new(404))
//!     .on(Method::GET, "/users/*", |_| Answer::text("too late").delay(Duration::from_secs(3600)));
//!
//! curio::testing::run(async {
//!     let session = mock.session();
//!     assert_eq!(stars(&session, "ann").await.unwrap(), 5);
//!     assert!(stars(&session, "bob").await.unwrap_err().is_status());
//!     assert!(stars(&session, "eve").await.unwrap_err().is_timeout());
//! });
//!
//! assert_eq!(mock.requests().len(), 3);
//! assert_eq!(mock.requests()[0].path(), "/users/ann");
//! # }
//! ```
//!
//! `connect.rs` says how connections are made, `request.rs` reads the client's requests, `response.rs` describes responses, `stream.rs` is the connection.

mod connect;
mod request;
mod response;
mod stream;

pub use connect::MockConnect;
pub use request::MockRequest;
pub use response::MockResponse;
/// The same under a shorter name.
pub use response::MockResponse as Answer;
pub use stream::MockStream;

use crate::connections::connector::{Connector, Target};
use crate::session::client::ClientSession;
use http::Method;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;

/// A server for tests: see the [module](self).
///
/// A clone is a handle to the same mock.
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use curio_http::{ClientSession, Method};
///
/// let mock = Mock::new()
///     .on(Method::GET, "/users/*", |request| Answer::text(format!("no {}", request.path())).status(404))
///     .otherwise(|_| Answer::redirect("/users/ann"));
///
/// curio::testing::run(async {
///     let session = ClientSession::builder().connector(mock.clone()).max_redirects(3).build()?;
///     let mut response = session.get("http://test/me").await?;
///     assert_eq!((response.status_code(), response.text().await?), (404, "no /users/ann".into()));
///     Ok::<(), curio_http::Error>(())
/// }).unwrap();
///
/// assert_eq!(mock.requests().len(), 2);
/// assert_eq!(mock.connections(), 1); // the second request was sent on the connection of the first one
/// ```
#[derive(Clone, Default)]
pub struct Mock {
    state: Rc<MockState>,
}

/// What is to happen when a connection is asked for, by its number.
type Connecting = Rc<dyn Fn(usize) -> MockConnect>;

/// The state that all connections of a mock share.
#[derive(Default)]
struct MockState {
    rules: RefCell<Vec<Rule>>,
    requests: RefCell<Vec<MockRequest>>,
    connections: Cell<usize>,
    /// How often a connection was asked for.
    attempts: Cell<usize>,
    connecting: RefCell<Option<Connecting>>,
}

struct Rule {
    /// `None`: any method.
    method: Option<Method>,
    path: String,
    answer: Rc<dyn Fn(&MockRequest) -> MockResponse>,
}

impl Mock {
    /// A mock without rules: every request fails.
    pub fn new() -> Mock {
        Mock::default()
    }

    /// Adds a rule: `answer` makes the response to requests with this method and path. The query is ignored; a `*` at the
    /// end of `path` matches any rest. The first rule that matches is used. A request that matches none fails, and the
    /// error says so.
    pub fn on(
        self,
        method: Method,
        path: impl Into<String>,
        answer: impl Fn(&MockRequest) -> MockResponse + 'static,
    ) -> Mock {
        self.rule(Some(method), path.into(), Rc::new(answer))
    }

    /// Adds a rule for every request that no earlier rule matches.
    pub fn otherwise(self, answer: impl Fn(&MockRequest) -> MockResponse + 'static) -> Mock {
        self.rule(None, "*".into(), Rc::new(answer))
    }

    /// Decides for each connection whether and when it is made: `connect` gets its number, counted from 0. By default each is made at
    /// once.
    ///
    /// ```
    /// use curio_http::mock::{Answer, Mock, MockConnect};
    /// use std::{io, time::Duration};
    ///
    /// let mock = Mock::new().otherwise(|_| Answer::text("ok")).on_connect(|nth| match nth {
    ///     0 => MockConnect::fail(io::ErrorKind::ConnectionRefused.into()),
    ///     1 => MockConnect::never(),
    ///     _ => MockConnect::accept().delay(Duration::from_secs(2)),
    /// });
    ///
    /// curio::testing::run(async {
    ///     let session = mock.session();
    ///     assert!(session.get("http://test/").await.unwrap_err().is_connect());
    ///     assert!(session.get("http://test/").await.unwrap_err().is_timeout()); // after 10 s of the virtual clock
    ///     assert!(session.get("http://test/").await.unwrap().ok());
    /// });
    /// assert_eq!(mock.connections(), 1);
    /// ```
    pub fn on_connect(self, connect: impl Fn(usize) -> MockConnect + 'static) -> Mock {
        *self.state.connecting.borrow_mut() = Some(Rc::new(connect));
        self
    }

    /// A session whose requests all go to this mock, otherwise with default settings. For other settings, give the mock to
    /// [`ClientSessionBuilder::connector`](crate::ClientSessionBuilder::connector).
    pub fn session(&self) -> ClientSession {
        ClientSession::connected_by(self.clone())
    }

    /// The requests so far, in the order in which they were completed.
    pub fn requests(&self) -> Vec<MockRequest> {
        self.state.requests.borrow().clone()
    }

    /// How many connections have been made.
    pub fn connections(&self) -> usize {
        self.state.connections.get()
    }

    fn rule(
        self,
        method: Option<Method>,
        path: String,
        answer: Rc<dyn Fn(&MockRequest) -> MockResponse>,
    ) -> Mock {
        self.state.rules.borrow_mut().push(Rule { method, path, answer });
        self
    }
}

impl MockState {
    fn respond(&self, mut request: MockRequest) -> MockResponse {
        let alike =
            |earlier: &&MockRequest| earlier.method() == request.method() && earlier.path() == request.path();
        let nth = self.requests.borrow().iter().filter(alike).count();
        request.set_nth(nth);
        self.requests.borrow_mut().push(request.clone());
        let rules = self.rules.borrow();
        let answer = rules.iter().find(|rule| rule.fits(&request)).map(|rule| Rc::clone(&rule.answer));
        // `answer` is the test's code, which may use this mock.
        drop(rules);
        match answer {
            Some(answer) => answer(&request),
            None => {
                let what = format!("the mock has no answer for {} {}", request.method(), request.path());
                MockResponse::fail(io::Error::other(what))
            }
        }
    }
}

impl Rule {
    fn fits(&self, request: &MockRequest) -> bool {
        self.method.as_ref().is_none_or(|method| method == request.method())
            && match self.path.strip_suffix('*') {
                Some(beginning) => request.path().starts_with(beginning),
                None => request.path() == self.path,
            }
    }
}

impl Connector for Mock {
    type Stream = MockStream;

    async fn connect(&self, target: Target) -> io::Result<MockStream> {
        let nth = self.state.attempts.replace(self.state.attempts.get() + 1);
        // The closure is the test's code, which may use this mock.
        let script = self.state.connecting.borrow().clone();
        if let Some(script) = script {
            script(nth).carry_out().await?;
        }
        self.state.connections.set(self.state.connections.get() + 1);
        Ok(MockStream::new(Rc::clone(&self.state), target.is_https()))
    }

    /// No TLS is needed for `https`.
    fn is_secure(&self) -> bool {
        true
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock")
            .field("connections", &self.connections())
            .field("requests", &self.state.requests.borrow())
            .finish_non_exhaustive()
    }
}

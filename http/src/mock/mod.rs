//! A server inside the test: answers without sockets.
//!
//! A program that talks to a server is tested best without it. [`Mock`] is a [`Connector`] whose connections lead to
//! closures. Everything else is the real client: the request is framed and sent by the same protocol core that talks to
//! servers, redirects are followed, bodies are decoded, connections are pooled. Only the bytes go nowhere.
//!
//! There are no sockets, no threads and no tasks, so a test runs under `curio::testing::run`, where the clock jumps: an
//! answer that comes after a minute costs nothing, and a time limit is tested with its real length.
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
//! `request.rs` reads what the client has sent, `answer.rs` says what comes back, `stream.rs` is the connection.

mod request;
mod response;
mod stream;

pub use request::MockRequest;
pub use response::MockResponse;
/// The short name that tests read best with.
pub use response::MockResponse as Answer;
pub use stream::MockStream;

use crate::connections::connector::{Connector, Target};
use crate::session::client::ClientSession;
use http::Method;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;

/// Answers for tests: see the [module](self).
///
/// Cloning it gives a handle to the same one.
#[derive(Clone, Default)]
pub struct Mock {
    state: Rc<MockState>,
}

/// What all connections share.
#[derive(Default)]
struct MockState {
    rules: RefCell<Vec<Rule>>,
    requests: RefCell<Vec<MockRequest>>,
    connections: Cell<usize>,
}

struct Rule {
    /// `None` is any.
    method: Option<Method>,
    path: String,
    answer: Rc<dyn Fn(&MockRequest) -> MockResponse>,
}

impl Mock {
    /// A mock without answers: every request fails.
    pub fn new() -> Mock {
        Mock::default()
    }

    /// Answers requests with this method and path. The query does not matter; a `*` at the end of `path` stands for
    /// any end. Of several rules that fit, the first counts. A request that none fits fails, with an error that says so.
    pub fn on(
        self,
        method: Method,
        path: impl Into<String>,
        answer: impl Fn(&MockRequest) -> MockResponse + 'static,
    ) -> Mock {
        self.rule(Some(method), path.into(), Rc::new(answer))
    }

    /// Answers every request that no earlier rule fits.
    pub fn otherwise(self, answer: impl Fn(&MockRequest) -> MockResponse + 'static) -> Mock {
        self.rule(None, "*".into(), Rc::new(answer))
    }

    /// A session whose requests all come here, otherwise with default settings. For other settings, give the mock to
    /// [`ClientSessionBuilder::connector`](crate::ClientSessionBuilder::connector).
    pub fn session(&self) -> ClientSession {
        ClientSession::connected_by(self.clone())
    }

    /// The requests so far, in the order in which they were complete.
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
    fn answer(&self, mut request: MockRequest) -> MockResponse {
        let alike =
            |earlier: &&MockRequest| earlier.method() == request.method() && earlier.path() == request.path();
        let nth = self.requests.borrow().iter().filter(alike).count();
        request.set_nth(nth);
        self.requests.borrow_mut().push(request.clone());
        let rules = self.rules.borrow();
        let answer = rules.iter().find(|rule| rule.fits(&request)).map(|rule| Rc::clone(&rule.answer));
        // The test's own code runs now, and may do with the mock what it likes.
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
        self.state.connections.set(self.state.connections.get() + 1);
        Ok(MockStream::new(Rc::clone(&self.state), target.is_https()))
    }

    /// For `https`, no TLS is spoken: there is nobody to keep out.
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

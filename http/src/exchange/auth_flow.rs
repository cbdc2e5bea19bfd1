//! Credentials that take more than a header field: an [`Auth`] is an async function around the sending of a request. It may
//! change the request, look at the response, and send the request again.
//!
//! A flow is called for each hop of its request: when a redirect leads on within the origin, for each retry, and no more when a
//! redirect has led to another origin. What it changes in the request is undone after the hop, so that each call finds the
//! request as the caller made it.
//!
//! Requests and settings keep a flow as a [`Flow`] behind `dyn Any`, because their rooms are below this one.

use crate::connections::deadline::Deadline;
use crate::error::{Error, ErrorKind};
use crate::exchange::hop;
use crate::exchange::shared::Shared;
use crate::request::Request;
use crate::response::Response;
use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

/// How often one flow may send its request.
const MOST_SENDS: u32 = 10;

/// How requests are authenticated, if a fixed header field is not enough: a token that is fetched when it has expired, a
/// signature over the request, a challenge of the server that has to be answered. For one request
/// ([`RequestBuilder::auth_flow`](crate::RequestBuilder::auth_flow)) or for a session
/// ([`ClientSessionBuilder::auth_flow`](crate::ClientSessionBuilder::auth_flow)).
///
/// ```
/// use curio_http::{Auth, AuthFlow, ClientSession, Error, HeaderValue, Response};
/// use std::cell::RefCell;
///
/// /// Sends a token, and fetches a new one when the server does not accept it any more.
/// struct Token {
///     tokens: ClientSession,
///     current: RefCell<Option<HeaderValue>>,
///     refreshing: curio::Lock,
/// }
///
/// impl Token {
///     async fn refresh(&self, refused: Option<HeaderValue>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///         // Of several requests that are refused at the same time, the first one fetches the token.
///         let _guard = self.refreshing.acquire().await;
///         if *self.current.borrow() == refused {
///             let mut response = self.tokens.post("https://login.example.org/token").await?;
///             response.raise_for_status()?;
///             let value = format!("Bearer {}", response.text().await?).parse()?;
///             self.current.replace(Some(value));
///         }
///         Ok(())
///     }
/// }
///
/// impl Auth for Token {
///     async fn flow(&self, flow: &mut AuthFlow<'_>) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
///         let token = self.current.borrow().clone();
///         if let Some(token) = &token {
///             flow.request_mut().headers_mut().insert("authorization", token.clone());
///         }
///         let response = flow.send().await?;
///         if response.status_code() != 401 || !flow.can_be_sent() {
///             return Ok(response);
///         }
///         self.refresh(token).await?;
///         if let Some(token) = &*self.current.borrow() {
///             flow.request_mut().headers_mut().insert("authorization", token.clone());
///         }
///         Ok(flow.send_again(response).await?)
///     }
/// }
/// ```
///
/// A signature needs no type of its own: an `async` closure is a flow, too.
///
/// ```
/// use curio_http::{AuthFlow, ClientSession};
///
/// # fn sign(_: &str, _: &str) -> String { String::new() }
/// let session = ClientSession::builder()
///     .auth_flow(async |flow: &mut AuthFlow<'_>| {
///         let request = flow.request_mut();
///         let signature = sign(request.method().as_str(), request.url().path());
///         request.headers_mut().insert("x-signature", signature.parse()?);
///         Ok(flow.send().await?)
///     })
///     .build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
pub trait Auth {
    /// Sends the request of `flow`, as often as it takes, and returns the response that the caller gets.
    ///
    /// It is called for each hop within the first request's origin; after a redirect to another origin it is not called any
    /// more. It may send other requests: with another session, because with the same one it would be called for those, too.
    ///
    /// # Errors
    /// An [`Error`] is passed on as it is; any other becomes the cause of one of kind [`Request`](ErrorKind::Request).
    ///
    /// # Cancellation
    /// It is dropped together with the request, and when the request's [`timeout`](crate::RequestBuilder::timeout) passes.
    fn flow(
        &self,
        flow: &mut AuthFlow<'_>,
    ) -> impl Future<Output = Result<Response, Box<dyn StdError + Send + Sync>>>;
}

impl<F> Auth for F
where
    F: AsyncFn(&mut AuthFlow<'_>) -> Result<Response, Box<dyn StdError + Send + Sync>>,
{
    fn flow(
        &self,
        flow: &mut AuthFlow<'_>,
    ) -> impl Future<Output = Result<Response, Box<dyn StdError + Send + Sync>>> {
        self(flow)
    }
}

/// The request that an [`Auth`] is to send.
pub struct AuthFlow<'a> {
    shared: &'a Rc<Shared>,
    request: &'a mut Request,
    deadline: &'a mut Deadline,
    started: Instant,
    sent: u32,
}

impl AuthFlow<'_> {
    /// The request, with the session's default header fields. Cookies, `Host` and what frames the body are added when it is
    /// sent.
    pub fn request(&self) -> &Request {
        self.request
    }

    /// The request, to be changed. Changes of the header fields and of the URL last until the flow has ended.
    pub fn request_mut(&mut self) -> &mut Request {
        self.request
    }

    /// Whether the request can be sent (again): a body from a reader or stream can be sent once.
    pub fn can_be_sent(&self) -> bool {
        self.request.body.can_be_sent()
    }

    /// Sends the request and waits for the head of its response. No redirect is followed.
    ///
    /// # Errors
    /// As awaiting a [`RequestBuilder`](crate::RequestBuilder). Of kind [`Request`](ErrorKind::Request) if the body cannot be
    /// sent again, and the eleventh time: a flow that goes on without end would not be noticed otherwise.
    pub async fn send(&mut self) -> Result<Response, Error> {
        let AuthFlow { shared, request, deadline, started, sent } = self;
        if *sent == MOST_SENDS {
            let what = format!("an auth flow that has sent its request {MOST_SENDS} times is ended");
            return Err(Error::new(ErrorKind::Request, what));
        }
        if *sent > 0 {
            *started = curio::clock();
        }
        *sent += 1;
        let outcome = hop::hop(shared, request, deadline, *started).await;
        hop::settle(shared, request, outcome)
    }

    /// Sends the request once more, and discards the response that it has got before: if its body is short, the connection is
    /// used again.
    ///
    /// # Errors
    /// As [`send`](AuthFlow::send).
    pub async fn send_again(&mut self, mut previous: Response) -> Result<Response, Error> {
        previous.discard_body().await;
        drop(previous);
        self.send().await
    }

    /// The Digest challenges of the session.
    #[cfg(feature = "digest")]
    pub(crate) fn digests(&self) -> &crate::request::digest::DigestStore {
        &self.shared.digests
    }
}

impl fmt::Debug for AuthFlow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthFlow")
            .field("request", self.request)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

type Flowing<'a> = Pin<Box<dyn Future<Output = Result<Response, Box<dyn StdError + Send + Sync>>> + 'a>>;

/// The object-safe form of [`Auth`].
trait AnyAuth {
    fn flow<'a>(&'a self, flow: &'a mut AuthFlow<'_>) -> Flowing<'a>;
}

impl<A: Auth> AnyAuth for A {
    fn flow<'a>(&'a self, flow: &'a mut AuthFlow<'_>) -> Flowing<'a> {
        Box::pin(Auth::flow(self, flow))
    }
}

/// Any [`Auth`].
pub(crate) struct Flow(Box<dyn AnyAuth>);

impl Flow {
    pub(crate) fn of(auth: impl Auth + 'static) -> Rc<dyn Any> {
        Rc::new(Flow(Box::new(auth)))
    }
}

/// Sends `request` by its flow, for one hop.
pub(crate) async fn run(
    shared: &Rc<Shared>,
    request: &mut Request,
    deadline: &mut Deadline,
    started: Instant,
) -> Result<Response, Error> {
    let flow = request.auth_flow();
    let Some(Flow(auth)) = flow.as_ref().and_then(|flow| flow.downcast_ref()) else {
        return Err(Error::new(ErrorKind::Request, "the request has no auth flow"));
    };
    let before = request.before_changes();
    let limits = deadline.limits;
    let mut turn = AuthFlow { shared, request, deadline, started, sent: 0 };
    let outcome = limits.within(None, || "in the request's auth flow".into(), auth.flow(&mut turn)).await;
    let outcome = match outcome {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(cause)) => Err(match cause.downcast() {
            Ok(error) => *error,
            Err(cause) => Error::new(ErrorKind::Request, "in the request's auth flow").because(cause),
        }),
        Err(error) => Err(error),
    };
    let outcome = outcome.map_err(|error| error.on(&request.method, &request.url));
    request.undo_changes(before);
    outcome
}

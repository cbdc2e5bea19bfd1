//! Options that few requests set. They are behind one pointer, so that all other requests stay small.

use crate::request::Request;
use crate::request::retry_policy::Retry;
use crate::request::upload::Report;
use crate::url::Url;
use http::HeaderMap;
use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone, Default)]
pub(crate) struct RequestOptions {
    /// Called with the progress of the upload.
    pub(crate) progress: Option<Report>,
    /// Replaces the session's timeout. `Some(None)`: no timeout.
    pub(crate) connect_timeout: Option<Option<Duration>>,
    pub(crate) read_timeout: Option<Option<Duration>>,
    /// The body of the response is read as it was sent, with its content codings.
    pub(crate) no_decompression: bool,
    /// Replaces the session's.
    pub(crate) proxy: Option<RequestProxy>,
    /// How it is authenticated: a `Flow` of `exchange/auth_flow.rs`.
    pub(crate) auth_flow: Option<Rc<dyn Any>>,
    /// Replaces the session's.
    pub(crate) retry: Option<Retry>,
    /// As it was before the session's hooks changed it.
    pub(crate) before_hooks: Option<BeforeChanges>,
}

/// The proxy of one request.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum RequestProxy {
    None,
    /// A URL that has been checked. It may have a password in it.
    Url(Rc<str>),
}

impl RequestProxy {
    /// The name of an origin in the pool: requests share connections only with those that have the same proxy.
    pub(crate) fn name_of_origin(&self, url: &Url) -> String {
        // No URL's own origin has a blank in its name.
        match self {
            RequestProxy::None => format!("{} directly", url.origin()),
            RequestProxy::Url(proxy) => format!("{} through {proxy}", url.origin()),
        }
    }
}

/// What a hook or an auth flow may change for one time.
#[derive(Clone)]
pub(crate) struct BeforeChanges {
    headers: HeaderMap,
    url: Url,
    has_cookies_of_jar: bool,
}

impl Request {
    pub(crate) fn options_mut(&mut self) -> &mut RequestOptions {
        self.options.get_or_insert_default()
    }

    /// Whether the body of the response is to be read as it was sent.
    pub(crate) fn wants_no_decompression(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.no_decompression)
    }

    /// The proxy that is for this request only.
    pub(crate) fn own_proxy(&self) -> Option<&RequestProxy> {
        self.options.as_ref()?.proxy.as_ref()
    }

    pub(crate) fn auth_flow(&self) -> Option<Rc<dyn Any>> {
        self.options.as_ref()?.auth_flow.clone()
    }

    pub(crate) fn has_auth_flow(&self) -> bool {
        self.options.as_ref().is_some_and(|options| options.auth_flow.is_some())
    }

    /// Forgets its auth flow, which is not meant for another origin; `true` if there was one.
    pub(crate) fn forget_auth_flow(&mut self) -> bool {
        self.options.as_mut().is_some_and(|options| options.auth_flow.take().is_some())
    }

    /// For [`undo_changes`](Request::undo_changes).
    pub(crate) fn before_changes(&self) -> BeforeChanges {
        let Request { headers, url, has_cookies_of_jar, .. } = self;
        BeforeChanges { headers: headers.clone(), url: url.clone(), has_cookies_of_jar: *has_cookies_of_jar }
    }

    pub(crate) fn undo_changes(&mut self, before: BeforeChanges) {
        let BeforeChanges { headers, url, has_cookies_of_jar } = before;
        (self.headers, self.url, self.has_cookies_of_jar) = (headers, url, has_cookies_of_jar);
    }

    /// After a hop. A hook has set its fields for one server; the next hop may lead to another one.
    pub(crate) fn undo_hooks(&mut self) {
        if let Some(options) = &mut self.options
            && let Some(before) = options.before_hooks.take()
        {
            self.undo_changes(before);
        }
    }
}

impl fmt::Debug for RequestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

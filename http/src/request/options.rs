//! Options that few requests set. They are behind one pointer, so that all other requests stay small.

use crate::request::Request;
#[cfg(feature = "digest")]
use crate::request::digest::Credentials;
use crate::request::upload::Report;
use http::HeaderMap;
use std::fmt;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct RequestOptions {
    /// Called with the progress of the upload.
    pub(crate) progress: Option<Report>,
    /// Replaces the session's timeout. `Some(None)`: no timeout.
    pub(crate) connect_timeout: Option<Option<Duration>>,
    pub(crate) read_timeout: Option<Option<Duration>>,
    #[cfg(feature = "digest")]
    pub(crate) digest: Option<Credentials>,
    /// The header fields before the session's hooks changed them.
    pub(crate) headers_before_hooks: Option<HeaderMap>,
}

impl Request {
    pub(crate) fn options_mut(&mut self) -> &mut RequestOptions {
        self.options.get_or_insert_default()
    }

    #[cfg(feature = "digest")]
    pub(crate) fn digest(&self) -> Option<&Credentials> {
        self.options.as_ref()?.digest.as_ref()
    }

    /// Whether it has credentials that may only be used to answer a challenge.
    pub(crate) fn awaits_challenge(&self) -> bool {
        #[cfg(feature = "digest")]
        return self.digest().is_some();
        #[cfg(not(feature = "digest"))]
        return false;
    }

    /// After a hop. A hook has set its fields for one server; the next hop may lead to another one.
    pub(crate) fn undo_hooks(&mut self) {
        if let Some(options) = &mut self.options
            && let Some(headers) = options.headers_before_hooks.take()
        {
            self.headers = headers;
        }
    }

    /// Removes credentials that are not meant for another origin.
    pub(crate) fn forget_credentials(&mut self) {
        #[cfg(feature = "digest")]
        if let Some(options) = &mut self.options {
            options.digest = None;
        }
    }
}

impl fmt::Debug for RequestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .finish_non_exhaustive()
    }
}

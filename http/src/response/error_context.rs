//! The context of errors while a response body is read: the method, URL and status of the response.

use crate::error::Error;
use crate::url::Url;
use http::{Method, StatusCode};

#[derive(Clone, Copy)]
pub(crate) struct ErrorContext<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    pub(crate) status: StatusCode,
}

impl ErrorContext<'_> {
    /// Adds method, URL and status.
    pub(crate) fn located(&self, error: Error) -> Error {
        error.on(self.method, self.url).with_status(self.status)
    }
}

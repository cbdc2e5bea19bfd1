//! What few requests ask for: kept behind one pointer, so that the many others stay small.

#[cfg(feature = "digest")]
use crate::digest::Credentials;
use crate::request::{Request, RequestBuilder};
use crate::session::Session;
use crate::upload::Report;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Extras {
    /// Who wants to know how far the upload is.
    pub(crate) progress: Option<Report>,
    /// Instead of the session's. `Some(None)`: without a limit.
    pub(crate) connect_timeout: Option<Option<Duration>>,
    pub(crate) read_timeout: Option<Option<Duration>>,
    #[cfg(feature = "digest")]
    digest: Option<Credentials>,
}

impl Request {
    fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    #[cfg(feature = "digest")]
    pub(crate) fn digest(&self) -> Option<&Credentials> {
        self.extras.as_ref()?.digest.as_ref()
    }

    /// Whether it has credentials for an answer to a challenge, which must not be sent in any other form.
    pub(crate) fn awaits_challenge(&self) -> bool {
        #[cfg(feature = "digest")]
        return self.digest().is_some();
        #[cfg(not(feature = "digest"))]
        return false;
    }

    /// How long making a connection for it may take.
    pub(crate) fn connect_timeout(&self, session: &Session) -> Option<Duration> {
        let own = self.extras.as_ref().and_then(|extras| extras.connect_timeout);
        own.unwrap_or(session.settings.connect_timeout)
    }

    /// The request goes to somebody else now.
    pub(crate) fn forget_credentials(&mut self) {
        #[cfg(feature = "digest")]
        if let Some(extras) = &mut self.extras {
            extras.digest = None;
        }
    }
}

impl RequestBuilder {
    /// Calls `report` whenever a part of the request's body has been sent, with the number of bytes so far and the number
    /// in all if it is known. A request that is sent again, after a redirect for example, begins again at 0.
    pub fn on_progress(self, report: impl FnMut(u64, Option<u64>) + 'static) -> RequestBuilder {
        self.change(|request| {
            request.extras_mut().progress = Some(Rc::new(RefCell::new(report)));
            Ok(())
        })
    }

    /// The limit for making a connection, instead of the session's
    /// [`connect_timeout`](crate::ClientSessionBuilder::connect_timeout).
    pub fn connect_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.change(|request| {
            request.extras_mut().connect_timeout = Some(limit.into());
            Ok(())
        })
    }

    /// The limit for the server's silence, instead of the session's
    /// [`read_timeout`](crate::ClientSessionBuilder::read_timeout).
    pub fn read_timeout(self, limit: impl Into<Option<Duration>>) -> RequestBuilder {
        self.change(|request| {
            request.extras_mut().read_timeout = Some(limit.into());
            Ok(())
        })
    }

    /// HTTP Digest authentication (RFC 7616), with MD5 or SHA-256: the password itself is never sent. The first request
    /// to an origin is answered with a challenge and sent a second time, so its body must be one that can be sent again,
    /// or wait for the server's word (`Expect: 100-continue`); later ones of the same session answer in advance.
    /// Redirects to another origin are followed without the credentials. Needs the feature `digest`.
    #[cfg(feature = "digest")]
    pub fn digest_auth(self, user: impl AsRef<str>, password: impl AsRef<str>) -> RequestBuilder {
        self.change(|request| {
            request.extras_mut().digest = Some(Credentials::new(user.as_ref(), password.as_ref())?);
            Ok(())
        })
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .finish_non_exhaustive()
    }
}

//! Digest authentication at HTTP proxies (RFC 7616): the password of the proxy's URL is not sent, but a hash that answers the
//! challenge of a 407 response.
//!
//! A proxy that forwards a request gets the answer with it, a proxy that makes a tunnel gets it with `CONNECT`. The challenges are
//! kept for the session, so only the first request to a proxy is sent twice.

use super::address::Proxy;
use crate::error::{Error, ErrorKind};
use crate::request::digest::{Credentials, DigestStore};
use http::{HeaderMap, HeaderValue, Method};
use std::rc::Rc;

/// How one proxy is answered.
#[derive(Clone)]
pub(super) struct ProxyDigest {
    credentials: Credentials,
    store: Rc<DigestStore>,
}

impl Proxy {
    /// The same proxy, whose challenges are answered. One without credentials, and one of SOCKS, stays as it is.
    ///
    /// # Errors
    /// Of kind [`Proxy`](ErrorKind::Proxy), if user name or password are not text.
    pub(super) fn with_digest(&self, store: &Rc<DigestStore>) -> Result<Proxy, Error> {
        let mut proxy = self.clone();
        if let Some((user, password)) = self.credentials()
            && self.speaks_http()
        {
            let failed =
                || Error::new(ErrorKind::Proxy, format!("Digest authentication at the proxy {self}"));
            let text = |bytes| {
                String::from_utf8(bytes).map_err(|_| failed().because("the credentials are not text"))
            };
            let credentials = Credentials::new(&text(user)?, &text(password)?);
            let credentials = credentials.map_err(|cause| failed().because(cause))?;
            proxy.authorization = None;
            proxy.digest = Some(ProxyDigest { credentials, store: Rc::clone(store) });
        }
        Ok(proxy)
    }

    /// The answer to its last challenge, if there was one. `target` is the path and query that are requested, or the host and port
    /// of a tunnel, as in curl.
    pub(crate) fn digest_answer(&self, method: &Method, target: &str) -> Option<HeaderValue> {
        let ProxyDigest { credentials, store } = self.digest.as_ref()?;
        store.answer(&self.to_string(), credentials, method, target)
    }

    /// Keeps the challenge of a 407 response. `challenges` counts those of one request. `false`: sending it again is of no use.
    pub(crate) fn take_challenge(&self, headers: &HeaderMap, challenges: &mut u16) -> bool {
        let Some(digest) = &self.digest else { return false };
        digest.store.take_proxy_challenge(&self.to_string(), headers, challenges)
    }
}

//! Proxies: which one is used for a request, and how.
//!
//! ```text
//! address.rs       the URL of a proxy
//! environment.rs   proxies from environment variables
//! bypass.rs        NO_PROXY, and the same list in code
//! rules.rs         proxies by scheme and host
//! digest.rs        Digest authentication (feature `digest`)
//! tunnel.rs        CONNECT, or a SOCKS handshake
//! socks.rs         SOCKS on a stream
//! socks4.rs        SOCKS 4a, without I/O
//! socks5.rs        SOCKS 5, without I/O
//! socks_step.rs    the interface of both
//! ```
//!
//! A proxy connects to servers on behalf of clients, in one of three ways:
//!
//! | protocol of the proxy | scheme of the URL | what happens |
//! |---|---|---|
//! | HTTP | `http` | it receives the request itself, with the whole URL in the request line (RFC 9112 §3.2.2) |
//! | HTTP | `https` | it makes a *tunnel* (`CONNECT`, RFC 9110 §9.3.6): it forwards bytes that it cannot read |
//! | SOCKS | both | it makes a connection and forwards bytes (RFC 1928) |
//!
//! # Which proxy
//!
//! | from | for |
//! |---|---|
//! | [`RequestBuilder::proxy`](crate::RequestBuilder::proxy) or `no_proxy` | that request; nothing else is looked at |
//! | none, for the hosts of [`no_proxy_for`](crate::ClientSessionBuilder::no_proxy_for) | both |
//! | [`proxy_for(pattern, url)`](crate::ClientSessionBuilder::proxy_for), the first that fits | what the pattern says |
//! | else [`proxy(url)`](crate::ClientSessionBuilder::proxy) | `http` and `https` |
//! | else `http_proxy`, else `all_proxy` or `ALL_PROXY` | `http` (`HTTP_PROXY` in capitals is not read) |
//! | else `https_proxy` or `HTTPS_PROXY`, else `all_proxy` or `ALL_PROXY` | `https` |
//! | none, for the hosts in `no_proxy` or `NO_PROXY` | both |
//!
//! An empty variable counts as not set; of two spellings the one in lower case comes first. The environment is read once for
//! each session and scheme, at the first request. With `trust_env(false)` it is not read at all. `NO_PROXY` also applies to
//! a proxy that was set explicitly, as in curl. The proxy is chosen anew for each hop of a redirect. `bypass.rs` describes
//! what `NO_PROXY` may contain.
//!
//! # Credentials
//!
//! They are part of the proxy's URL and are sent to that proxy only: in the request itself if the proxy forwards it, in
//! `CONNECT` if there is a tunnel, and never through the tunnel. No error shows them. With
//! `ClientSessionBuilder::proxy_digest_auth`, the password is not sent at all (`digest.rs`).

mod address;
mod bypass;
#[cfg(feature = "digest")]
mod digest;
mod environment;
mod rules;
mod socks;
mod socks4;
mod socks5;
mod socks_step;
mod tunnel;

pub(crate) use address::Proxy;
pub(crate) use tunnel::{Opened, Tunnel};

use crate::error::Error;
#[cfg(feature = "digest")]
use crate::request::digest::DigestStore;
use crate::url::Url;
use bypass::Bypass;
use environment::Environment;
use rules::Rule;
use std::cell::OnceCell;
use std::rc::Rc;

/// The proxies of a session.
pub(crate) struct Proxies {
    pub(crate) explicit: Option<Rc<Proxy>>,
    rules: Vec<Rule>,
    /// Hosts that are connected to directly.
    exceptions: Bypass,
    pub(crate) trust_env: bool,
    /// The challenges of proxies, if they are answered.
    #[cfg(feature = "digest")]
    digests: Option<Rc<DigestStore>>,
    // Boxed, because most environments say nothing.
    for_http: OnceCell<Option<Box<Environment>>>,
    for_https: OnceCell<Option<Box<Environment>>>,
}

impl Default for Proxies {
    fn default() -> Proxies {
        Proxies {
            explicit: None,
            rules: Vec::new(),
            exceptions: Bypass::default(),
            trust_env: true,
            #[cfg(feature = "digest")]
            digests: None,
            for_http: OnceCell::new(),
            for_https: OnceCell::new(),
        }
    }
}

impl Proxies {
    /// No proxy at all.
    pub(crate) fn none() -> Proxies {
        Proxies { trust_env: false, ..Proxies::default() }
    }

    /// # Errors
    /// Of kind [`Request`](crate::ErrorKind::Request) or [`Url`](crate::ErrorKind::Url), if pattern or URL make no sense.
    pub(crate) fn add_rule(&mut self, pattern: &str, url: &str) -> Result<(), Error> {
        self.rules.push(Rule::new(pattern, url)?);
        Ok(())
    }

    /// # Errors
    /// Of kind [`Request`](crate::ErrorKind::Request), if an element of the list makes no sense.
    pub(crate) fn add_exceptions(&mut self, list: &str) -> Result<(), Error> {
        self.exceptions.add(list)
    }

    /// The proxy for this URL; `None`: the server is connected to directly.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), if an environment variable is malformed.
    pub(crate) fn choose(&self, url: &Url) -> Result<Option<Rc<Proxy>>, Error> {
        self.chosen(url)?.map(|proxy| self.authenticating(proxy)).transpose()
    }

    /// Answers the challenges of HTTP proxies, in place of sending the password.
    #[cfg(feature = "digest")]
    pub(crate) fn answer_challenges(&mut self, on: bool) {
        self.digests = on.then(Rc::default);
    }

    /// The proxy with the kind of authentication that the session wants.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), if its credentials cannot be used for that.
    pub(crate) fn authenticating(&self, proxy: Rc<Proxy>) -> Result<Rc<Proxy>, Error> {
        #[cfg(feature = "digest")]
        if let Some(store) = &self.digests {
            return Ok(Rc::new(proxy.with_digest(store)?));
        }
        Ok(proxy)
    }

    fn chosen(&self, url: &Url) -> Result<Option<Rc<Proxy>>, Error> {
        if self.exceptions.covers(url.host(), url.port_or_default()) {
            return Ok(None);
        }
        let rule = self.rules.iter().find(|rule| rule.fits(url)).map(|rule| &rule.proxy);
        let chosen = rule.or(self.explicit.as_ref());
        if !self.trust_env {
            return Ok(chosen.cloned());
        }
        let https = url.is_https();
        let environment = if https { &self.for_https } else { &self.for_http };
        let environment = environment.get_or_init(|| {
            let get = |name: &str| std::env::var_os(name);
            let read = match (&self.explicit, self.rules.is_empty()) {
                (Some(_), _) => Environment::only_bypass(get),
                (None, true) => Environment::read(get, https),
                (None, false) => Environment::read_all(get, https),
            };
            (!read.is_empty()).then(|| Box::new(read))
        });
        let Some(environment) = environment else { return Ok(chosen.cloned()) };
        if environment.bypass.covers(url.host(), url.port_or_default()) {
            return Ok(None);
        }
        match chosen {
            Some(proxy) => Ok(Some(Rc::clone(proxy))),
            None => environment.proxy(),
        }
    }
}

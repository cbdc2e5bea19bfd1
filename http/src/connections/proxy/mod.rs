//! Proxies: which one is used for a request, and how.
//!
//! ```text
//! address.rs       the URL of a proxy
//! environment.rs   proxies from environment variables
//! bypass.rs        NO_PROXY
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
//! | [`proxy(url)`](crate::ClientSessionBuilder::proxy) | `http` and `https` |
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
//! `CONNECT` if there is a tunnel, and never through the tunnel. No error shows them.

mod address;
mod bypass;
mod environment;
mod socks;
mod socks4;
mod socks5;
mod socks_step;
mod tunnel;

pub(crate) use address::Proxy;
pub(crate) use tunnel::Tunnel;

use crate::error::Error;
use crate::url::Url;
use environment::Environment;
use std::cell::OnceCell;
use std::rc::Rc;

/// The proxies of a session.
pub(crate) struct Proxies {
    pub(crate) explicit: Option<Rc<Proxy>>,
    pub(crate) trust_env: bool,
    for_http: OnceCell<Environment>,
    for_https: OnceCell<Environment>,
}

impl Default for Proxies {
    fn default() -> Proxies {
        Proxies { explicit: None, trust_env: true, for_http: OnceCell::new(), for_https: OnceCell::new() }
    }
}

impl Proxies {
    /// The proxy for this URL; `None`: the server is connected to directly.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), if an environment variable is malformed.
    pub(crate) fn choose(&self, url: &Url) -> Result<Option<Rc<Proxy>>, Error> {
        if !self.trust_env {
            return Ok(self.explicit.clone());
        }
        let https = url.is_https();
        let environment = if https { &self.for_https } else { &self.for_http };
        let environment = environment
            .get_or_init(|| Environment::read(|name| std::env::var_os(name), https, self.explicit.is_some()));
        if environment.bypass.covers(url.host(), url.port_or_default()) {
            return Ok(None);
        }
        match &self.explicit {
            Some(proxy) => Ok(Some(Rc::clone(proxy))),
            None => environment.proxy(),
        }
    }
}

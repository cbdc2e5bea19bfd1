//! Proxies: whom to ask instead of the server.
//!
//! ```text
//! address.rs       the URL of a proxy
//! environment.rs   proxies from environment variables
//! bypass.rs        NO_PROXY
//! tunnel.rs        CONNECT, or a SOCKS handshake
//! socks.rs         SOCKS on a stream
//! socks4.rs        SOCKS 4a, without I/O
//! socks5.rs        SOCKS 5, without I/O
//! socks_step.rs    what both versions take and give
//! ```
//!
//! A proxy is a host that makes connections for others. There are three ways of using one:
//!
//! | the proxy speaks | and the address is | then |
//! |---|---|---|
//! | HTTP | `http` | it gets the request itself, with the whole URL in the request line (RFC 9112 §3.2.2) |
//! | HTTP | `https` | it is asked for a *tunnel* (`CONNECT`, RFC 9110 §9.3.6): it passes bytes on and cannot read them |
//! | SOCKS | either | it is asked for a connection, and passes bytes on (RFC 1928) |
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
//! An empty variable is as good as none; of two spellings the small letters come first. The environment is read once for
//! each session, when the first request is sent. `trust_env(false)` leaves it out, `NO_PROXY` included. It applies to a
//! proxy that was set by hand, too, as in curl. The decision is made for every hop of a redirect anew. What `NO_PROXY`
//! may hold is in `bypass.rs`.
//!
//! # Credentials
//!
//! They stand in the proxy's address and go to that proxy: in the request itself if it is for the proxy to read, in
//! `CONNECT` if there is a tunnel, and never into the tunnel. No error shows them.
//!
//! # Where to find what
//!
//! `address.rs` reads a proxy's address, `environment.rs` and `bypass.rs` decide; none of them waits. `tunnel.rs` asks an
//! HTTP proxy for a tunnel, `socks.rs` drives the handshakes of `socks4.rs` and `socks5.rs`, which do no I/O.

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

/// What a session knows of proxies.
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
    /// The proxy for this address; `None`: the server is asked directly.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), if a variable of the environment makes no sense.
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

//! Ways to a server: names, proxies, Unix sockets, and connections of the caller's own.

use super::ClientSessionBuilder;
use crate::connections::connector::Connector;
use crate::connections::proxy::Proxy;
use crate::connections::resolver::Resolver;
use crate::error::{Error, ErrorKind};
use crate::url::Url;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

impl ClientSessionBuilder {
    /// Sends every request through this proxy: `http://`, `https://`, `socks5://` (names are looked up here),
    /// `socks5h://` or `socks4a://` (names are looked up by the proxy). User name and password may stand in the address,
    /// percent-encoded; they are sent to the proxy only. Without a port it is 80, 443 or 1080.
    ///
    /// An `http` request is sent to an HTTP proxy with its whole address; for `https`, and with SOCKS, the proxy makes a
    /// tunnel whose content it cannot read or change. Hosts in the environment's `NO_PROXY` are asked directly, unless
    /// [`trust_env(false)`](ClientSessionBuilder::trust_env) is set.
    ///
    /// The certificate of an `https://` proxy is checked like those of servers, with the session's roots.
    ///
    /// # Errors
    /// `build` reports an address that is none, or of another scheme. What fails at the proxy is an error of kind
    /// [`Proxy`](ErrorKind::Proxy).
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder().proxy("http://user:password@proxy.example:3128").build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn proxy(mut self, url: impl AsRef<str>) -> Self {
        match Proxy::parse(url.as_ref()) {
            Ok(proxy) => self.settings.transport.proxies.explicit = Some(Rc::new(proxy)),
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// Uses no proxy, neither one that was set before nor one that the environment names.
    pub fn no_proxy(mut self) -> Self {
        self.settings.transport.proxies.explicit = None;
        self.settings.transport.proxies.trust_env = false;
        self
    }

    /// Whether the environment is asked for proxies; it is by default. A [`proxy`](ClientSessionBuilder::proxy) that is set
    /// by hand stays in either case.
    ///
    /// | variable | for |
    /// |---|---|
    /// | `http_proxy` | `http` addresses; `HTTP_PROXY` in capitals is not read, because a web server may have set it from a request (CVE-2016-5386) |
    /// | `https_proxy`, else `HTTPS_PROXY` | `https` addresses |
    /// | `all_proxy`, else `ALL_PROXY` | addresses for which none of the others is set |
    /// | `no_proxy`, else `NO_PROXY` | hosts that are asked directly, also if a proxy is set by hand |
    ///
    /// `NO_PROXY` is a list with commas or blanks between its elements, by curl's rules: `*` is every host;
    /// `example.com` and `.example.com` are this name and all below it; `192.0.2.7` and `::1` are addresses in any
    /// spelling; `192.0.2.0/24` and `fe80::/10` are blocks of them. An element may end in `:port`. Nothing is left out
    /// unless it is listed, not even `localhost`.
    ///
    /// The environment is read once for each scheme, when the session's first request to it is sent. A proxy's address there that makes no sense
    /// is an error of the request, of kind [`Proxy`](ErrorKind::Proxy).
    pub fn trust_env(mut self, on: bool) -> Self {
        self.settings.transport.proxies.trust_env = on;
        self
    }

    /// Sends every request to the Unix socket at `path`, whatever host its address names. No proxy is used. For
    /// `https`, TLS is spoken over the socket.
    ///
    /// # Errors
    /// `build` reports it on systems without Unix sockets.
    pub fn unix_socket(mut self, path: impl AsRef<Path>) -> Self {
        if cfg!(unix) {
            self.settings.transport.unix_socket = Some(path.as_ref().into());
        } else {
            self.keep_first_mistake(Error::new(
                ErrorKind::Request,
                "unix_socket: there are no Unix sockets on this system",
            ));
        }
        self
    }

    /// Makes the session's connections with `connector` instead of TCP: see [`Connector`]. No name is looked up and no
    /// proxy is used.
    pub fn connector(mut self, connector: impl Connector + 'static) -> Self {
        self.settings.transport.connector = Some(Rc::new(connector));
        self
    }

    /// Connects to `address` for every request to `host`, without a name look-up. If the address's port is 0 the
    /// request's port is used. Header fields and certificates are still those of `host`.
    ///
    /// # Errors
    /// `build` reports a `host` that is none: one with a port, for example.
    pub fn resolve(mut self, host: impl AsRef<str>, address: SocketAddr) -> Self {
        match Url::normal_host(host.as_ref()) {
            Ok(host) => drop(self.resolver.overrides.insert(host, address)),
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// Looks names up with `resolver` instead of asking the operating system: see [`Resolver`]. It is not asked about IP
    /// addresses, nor about hosts given to [`resolve`](ClientSessionBuilder::resolve), nor about names that a proxy looks
    /// up.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.resolver.resolver = Some(Rc::new(resolver));
        self
    }

    /// Connects only to addresses for which `allow` is true. It is asked right before connecting, about each address that
    /// a server's name has, on every hop of a redirect; if it leaves none, the request fails with an error of kind
    /// [`Connect`](ErrorKind::Connect). For programs that fetch addresses which strangers have given them.
    ///
    /// It is asked about addresses as they will be connected to, so no spelling of one and no name for one gets past it.
    /// Of hosts that a proxy connects to, it sees those that are IP addresses or are looked up here (`socks5://`). It is
    /// not asked about the proxy itself, nor about Unix sockets or what a [`Connector`] does.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// use std::net::IpAddr;
    ///
    /// let session = ClientSession::builder()
    ///     .address_filter(|address| match address.ip() {
    ///         IpAddr::V4(ip) => !ip.is_private() && !ip.is_loopback() && !ip.is_link_local(),
    ///         IpAddr::V6(ip) => !ip.is_loopback() && ip.to_ipv4().is_none(),
    ///     })
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn address_filter(mut self, allow: impl Fn(&SocketAddr) -> bool + 'static) -> Self {
        self.resolver.filter = Some(Box::new(allow));
        self
    }
}

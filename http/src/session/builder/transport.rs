//! How servers are reached: DNS, proxies, Unix sockets, custom connectors.

use super::ClientSessionBuilder;
use crate::connections::connector::Connector;
use crate::connections::proxy::{Proxies, Proxy};
use crate::connections::resolver::{IpVersion, Resolver};
use crate::error::{Error, ErrorKind};
use crate::url::Url;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

impl ClientSessionBuilder {
    /// Sends every request through this proxy: `http://`, `https://`, `socks4://` and `socks5://` (names are resolved by this client),
    /// `socks5h://` or `socks4a://` (names are resolved by the proxy). User name and password may stand in the URL,
    /// percent-encoded; they are sent to the proxy only. The default ports are 80, 443 and 1080.
    ///
    /// An `http` request is sent to an HTTP proxy with its whole URL. For `https`, and with SOCKS, the proxy makes a tunnel;
    /// TLS inside it is end to end. Requests to hosts in the environment variable `NO_PROXY` are sent directly, unless
    /// [`trust_env(false)`](ClientSessionBuilder::trust_env) is set.
    ///
    /// The certificate of an `https://` proxy is verified like those of servers, with the session's root certificates.
    ///
    /// # Errors
    /// `build` reports a malformed URL, or one with another scheme. A failure at the proxy is an error of kind
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

    /// Connects over this version of IP only, as curl does with `-4` and `-6`: addresses of the other one are passed over. Both are
    /// used by default, side by side (RFC 8305). It applies to proxies, too, and not to hosts that a proxy resolves.
    ///
    /// # Errors
    /// A host that has only addresses of the other version is an error of kind [`Connect`](ErrorKind::Connect) when the request
    /// is awaited.
    ///
    /// ```
    /// # use curio_http::{ClientSession, IpVersion};
    /// let session = ClientSession::builder().ip_version(IpVersion::V4).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn ip_version(mut self, version: impl Into<Option<IpVersion>>) -> Self {
        self.resolver.version = version.into();
        self
    }

    /// Sends some requests through a proxy of their own: those that `pattern` fits. A pattern is a scheme (`http`, `https`), hosts
    /// as in `NO_PROXY` ([`trust_env`](ClientSessionBuilder::trust_env): a name and all below it, an IP address, a block; with
    /// or without a port), or both with `://` between them. Of several that fit, the one that was added first is used; if none
    /// does, [`proxy`](ClientSessionBuilder::proxy), and at last the environment.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder()
    ///     .proxy_for("https://api.example.org", "socks5h://127.0.0.1:1080")
    ///     .proxy_for("http", "http://cache.internal:3128")
    ///     .no_proxy_for("localhost, 127.0.0.0/8, .internal")
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    ///
    /// # Errors
    /// `build` reports a pattern that makes no sense, and a malformed URL.
    pub fn proxy_for(mut self, pattern: impl AsRef<str>, url: impl AsRef<str>) -> Self {
        if let Err(error) = self.settings.transport.proxies.add_rule(pattern.as_ref(), url.as_ref()) {
            self.keep_first_mistake(error);
        }
        self
    }

    /// Hosts that are connected to directly, whichever proxy would be used otherwise: a list with commas or blanks between its
    /// elements, by the rules of `NO_PROXY` ([`trust_env`](ClientSessionBuilder::trust_env)). It adds to the environment's.
    ///
    /// # Errors
    /// `build` reports an element that makes no sense.
    pub fn no_proxy_for(mut self, hosts: impl AsRef<str>) -> Self {
        if let Err(error) = self.settings.transport.proxies.add_exceptions(hosts.as_ref()) {
            self.keep_first_mistake(error);
        }
        self
    }

    /// Uses the user names and passwords of HTTP proxies for Digest authentication (RFC 7616) only: the password is never sent,
    /// and the first request through a proxy is sent again with the answer to its challenge. Off by default: the proxy gets the
    /// password with the first request (Basic). Needs the feature `digest`.
    #[cfg(feature = "digest")]
    /// ```
    /// # use curio_http::ClientSession;
    /// let proxy = "http://ann:4f1d@proxy.example:3128";
    /// let session = ClientSession::builder().proxy(proxy).proxy_digest_auth(true).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn proxy_digest_auth(mut self, on: bool) -> Self {
        self.settings.transport.proxies.answer_challenges(on);
        self
    }

    /// Uses no proxy: neither one that was set before, nor one from the environment.
    /// ```
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder().no_proxy().build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn no_proxy(mut self) -> Self {
        self.settings.transport.proxies = Proxies::none();
        self
    }

    /// Whether proxies are taken from the environment; they are by default. A [`proxy`](ClientSessionBuilder::proxy) that is
    /// set explicitly is used in either case.
    ///
    /// | variable | for |
    /// |---|---|
    /// | `http_proxy` | `http` URLs; `HTTP_PROXY` in capitals is not read, because a web server may have set it from a request (CVE-2016-5386) |
    /// | `https_proxy`, else `HTTPS_PROXY` | `https` URLs |
    /// | `all_proxy`, else `ALL_PROXY` | URLs for which none of the others is set |
    /// | `no_proxy`, else `NO_PROXY` | hosts that are connected to directly, also if a proxy is set explicitly |
    ///
    /// `NO_PROXY` is a list with commas or blanks between its elements, by curl's rules: `*` is every host;
    /// `example.com` and `.example.com` are this name and all below it; `192.0.2.7` and `::1` are addresses in any
    /// spelling; `192.0.2.0/24` and `fe80::/10` are blocks of them. An element may end in `:port`. Nothing is left out
    /// unless it is listed, not even `localhost`.
    ///
    /// The environment is read once for each scheme, by the session's first request with it. A malformed proxy URL there is
    /// an error of the request, of kind [`Proxy`](ErrorKind::Proxy).
    pub fn trust_env(mut self, on: bool) -> Self {
        self.settings.transport.proxies.trust_env = on;
        self
    }

    /// Sends every request to the Unix socket at `path`, whatever the host of its URL. No proxy is used. For `https`, TLS runs
    /// over the socket.
    ///
    /// # Errors
    /// `build` reports it on systems without Unix sockets.
    /// ```no_run
    /// # async fn example() -> Result<(), curio_http::Error> {
    /// use curio_http::ClientSession;
    ///
    /// let docker = ClientSession::builder().unix_socket("/var/run/docker.sock").base_url("http://docker/").build()?;
    /// println!("{}", docker.get("containers/json").await?.text().await?);
    /// # Ok(()) }
    /// ```
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

    /// Makes the session's connections with `connector` instead of TCP: see [`Connector`]. No name is resolved and no proxy is
    /// used.
    pub fn connector(mut self, connector: impl Connector + 'static) -> Self {
        self.settings.transport.connector = Some(Rc::new(connector));
        self
    }

    /// Connects to `address` for every request to `host`, without DNS. Port 0 stands for the port of the request. The `Host`
    /// field and the expected certificate are still those of `host`.
    ///
    /// # Errors
    /// `build` reports an invalid `host`: one with a port, for example.
    /// ```
    /// # use curio_http::ClientSession;
    /// // The new server, before the name leads to it.
    /// let session = ClientSession::builder().resolve("example.org", ([192, 0, 2, 7], 0).into()).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn resolve(mut self, host: impl AsRef<str>, address: SocketAddr) -> Self {
        match Url::normal_host(host.as_ref()) {
            Ok(host) => drop(self.resolver.overrides.insert(host, address)),
            Err(error) => self.keep_first_mistake(error),
        }
        self
    }

    /// Resolves names with `resolver` instead of the operating system: see [`Resolver`]. It is not called for IP addresses, for
    /// hosts given to [`resolve`](ClientSessionBuilder::resolve), and for names that a proxy resolves.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.resolver.resolver = Some(Rc::new(resolver));
        self
    }

    /// Connects only to addresses for which `allow` returns `true`. It is called right before connecting, with each address
    /// of a server's name, on every hop of a redirect. If it allows none, the request fails with an error of kind
    /// [`Connect`](ErrorKind::Connect). For programs that fetch URLs from untrusted sources.
    ///
    /// It is called with the addresses that are connected to, so it does not matter how a URL spells them or which name they
    /// have. Of hosts that a proxy connects to, it sees those that are IP addresses or are resolved by this client
    /// (`socks4://`, `socks5://`). It is not called for the proxy itself, nor for Unix sockets and a [`Connector`].
    ///
    /// [`public_addresses_only`](crate::public_addresses_only) is such a filter.
    ///
    /// ```
    /// use curio_http::{ClientSession, public_addresses_only};
    ///
    /// let session = ClientSession::builder()
    ///     .address_filter(|address| public_addresses_only(address) && matches!(address.port(), 80 | 443))
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn address_filter(mut self, allow: impl Fn(&SocketAddr) -> bool + 'static) -> Self {
        self.resolver.filter = Some(Box::new(allow));
        self
    }
}

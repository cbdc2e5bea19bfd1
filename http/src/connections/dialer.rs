//! Makes connections: DNS, TCP, perhaps a proxy, TLS.
//!
//! The steps have different errors but share one timeout, because it makes no difference to the caller which of them a
//! dead network blocks. The error says which one it was. A host that is an IP address needs no lookup and no thread.
//!
//! The [`Route`] determines the steps. Each results in a stream that leads further than the one before it: to the proxy,
//! through the proxy, to the server, and at last over TLS.

use crate::connections::connection::{Connection, ProtocolLimits};
use crate::connections::connector::Target;
use crate::connections::deadline::Limits;
#[cfg(feature = "http2")]
use crate::connections::http2::SharedConnection;
use crate::connections::pool::Origin;
use crate::connections::proxy::{Opened, Proxy, Tunnel};
use crate::connections::resolver::{self, HostResolver};
use crate::connections::route::Route;
#[cfg(feature = "socket-options")]
use crate::connections::socket_options::SocketOptions;
use crate::connections::stream::Stream;
use crate::connections::timings::{Timings, since};
use crate::connections::tls::{TlsInfo, TlsStream, trust};
use crate::error::{Error, ErrorKind};
use crate::trace::{Trace, Tracer};
use crate::url::Url;
use bytes::Bytes;
use curio::TcpStream;
use curio::debug::phase;
use http::HeaderValue;
use rustls::ClientConfig;
use std::cell::{Cell, OnceCell};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
#[cfg(feature = "http2")]
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What making connections needs.
pub(crate) struct Dialer {
    resolver: HostResolver,
    #[cfg(feature = "socket-options")]
    sockets: SocketOptions,
    protocol_limits: ProtocolLimits,
    /// Set in advance if the session has its own; otherwise the shared default, from the first `https` request on.
    tls: OnceCell<Arc<ClientConfig>>,
    /// The same, but ALPN offers HTTP/2, too.
    #[cfg(feature = "http2")]
    tls_with_http2: OnceCell<Arc<ClientConfig>>,
    tracer: Tracer,
    /// The `User-Agent` of requests to proxies.
    agent: HeaderValue,
}

impl Dialer {
    pub(crate) fn new(
        resolver: HostResolver,
        #[cfg(feature = "socket-options")] sockets: SocketOptions,
        protocol_limits: ProtocolLimits,
        tls: Option<Arc<ClientConfig>>,
        tracer: Tracer,
        agent: HeaderValue,
    ) -> Dialer {
        let tls = tls.map(OnceCell::from).unwrap_or_default();
        Dialer {
            resolver,
            #[cfg(feature = "socket-options")]
            sockets,
            protocol_limits,
            tls,
            #[cfg(feature = "http2")]
            tls_with_http2: OnceCell::new(),
            tracer,
            agent,
        }
    }

    /// A connection of HTTP/1.1.
    pub(crate) fn http1(&self, dialed: Dialed) -> Box<Connection> {
        let Dialed { stream, peer, tls } = dialed;
        Box::new(Connection::new(stream, peer, tls, self.protocol_limits.clone(), self.tracer.clone()))
    }

    /// A connection of HTTP/2.
    #[cfg(feature = "http2")]
    pub(crate) async fn http2(&self, dialed: Dialed) -> Result<Rc<SharedConnection>, Error> {
        let Dialed { stream, peer, tls } = dialed;
        SharedConnection::open(stream, peer, tls, self.protocol_limits.clone(), self.tracer.clone()).await
    }

    /// Connects to the server of `url`, by the route of its origin; over TLS, ALPN offers what `offer` says.
    pub(crate) async fn dial(
        &self,
        origin: &Origin,
        url: &Url,
        limit: Option<Duration>,
        limits: &Limits,
        timings: &mut Timings,
        offer: Offer,
    ) -> Result<Dialed, Error> {
        let step = Cell::new("making ready");
        let doing = || {
            let (host, port) = (url.host(), url.port_or_default());
            let way = match origin.route() {
                Route::Direct => String::new(),
                Route::Proxy(proxy) => format!(" through the proxy {proxy}"),
                Route::Unix(path) => format!(" over the Unix socket {}", path.display()),
                Route::Connector(_) => " by the session's connector".into(),
            };
            format!("connecting to {host}:{port}{way} ({})", step.get())
        };
        let steps = Steps { dialer: self, url, limits, step: &step, timings, offer };
        // Pinned here, so that the limit around it does not move it.
        let connecting = pin!(steps.go(origin));
        limits.within(limit, doing, connecting).await?
    }
}

impl Dialer {
    async fn connect_to_any(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
        // Written only for an error: formatting an address takes longer than making its socket.
        let to = || addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" or ");
        #[cfg(feature = "socket-options")]
        if self.sockets.are_set() {
            return self.sockets.connect(addresses).await.map_err(failed_to_connect(to));
        }
        connect_to_any(addresses).await.map_err(failed_to_connect(to))
    }

    fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(self.tls.get_or_init(trust::shared))
    }

    fn tls_offering(&self, offer: Offer) -> Arc<ClientConfig> {
        match offer {
            Offer::Http1 => self.tls(),
            #[cfg(feature = "http2")]
            Offer::Both => Arc::clone(self.tls_with_http2.get_or_init(|| trust::offering_http2(&self.tls()))),
        }
    }
}

/// What ALPN offers.
#[derive(Clone, Copy)]
pub(crate) enum Offer {
    Http1,
    /// HTTP/2, and HTTP/1.1 for servers that do not speak it.
    #[cfg(feature = "http2")]
    Both,
}

/// A stream to the server, ready for HTTP.
pub(crate) struct Dialed {
    stream: Stream,
    peer: Option<SocketAddr>,
    tls: Option<TlsInfo>,
}

#[cfg(feature = "http2")]
impl Dialed {
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Whether the server has chosen HTTP/2; `None` if it was not asked, because there is no TLS.
    pub(crate) fn chose_http2(&self) -> Option<bool> {
        match &self.stream {
            Stream::Tls(tls) if self.tls.is_some() => Some(tls.chose_http2()),
            _ => None,
        }
    }
}

/// What the steps share.
struct Steps<'a> {
    dialer: &'a Dialer,
    url: &'a Url,
    limits: &'a Limits,
    /// The current step, for the error of a timeout.
    step: &'a Cell<&'static str>,
    timings: &'a mut Timings,
    offer: Offer,
}

/// A stream to a server or proxy.
struct Reached {
    stream: Stream,
    peer: Option<SocketAddr>,
    /// Bytes that have arrived before anything was sent.
    early: Bytes,
    /// It is secure already: `https` needs no TLS over it.
    secure: bool,
}

impl Steps<'_> {
    async fn go(mut self, origin: &Origin) -> Result<Dialed, Error> {
        let began = curio::clock();
        let reached = match origin.route() {
            Route::Direct => self.directly().await?,
            // These are rare, and must not make the future of direct connections larger.
            Route::Proxy(proxy) => {
                let forwarded = origin.route().is_forwarded(self.url);
                Box::pin(self.through(proxy, forwarded)).await?
            }
            Route::Unix(path) => Box::pin(self.unix(path)).await?,
            Route::Connector(connector) => {
                let url = self.url;
                let target = Target::new(url.host(), url.port_or_default(), url.is_https());
                self.step.set("waiting for the connector");
                let to = format!("{target} by the session's connector");
                let stream = connector.connect(target).await.map_err(failed_to_connect(|| to))?;
                let secure = connector.is_secure();
                Reached { stream: Stream::Foreign(stream), peer: None, early: Bytes::new(), secure }
            }
        };
        let looking_up = self.timings.dns.unwrap_or_default();
        self.timings.connect = Some(since(began).saturating_sub(looking_up));
        let (stream, tls) = if self.url.is_https() && !reached.secure {
            let config = self.dialer.tls_offering(self.offer);
            let tls = self.tls(reached.stream, config, self.url.host(), &reached.early).await?;
            let info = tls.info(origin.tls_info());
            origin.set_tls_info(info.clone());
            (Stream::Tls(tls), info)
        } else {
            (reached.stream, None)
        };
        Ok(Dialed { stream, peer: reached.peer, tls })
    }

    async fn directly(&mut self) -> Result<Reached, Error> {
        self.step.set("looking up its name");
        let (host, port) = (self.url.host(), self.url.port_or_default());
        let addresses = phase("DNS", self.dialer.resolver.server(host, port, self.timings)).await?;
        let (stream, peer) = self.tcp(&addresses).await?;
        Ok(Reached { stream, peer, early: Bytes::new(), secure: false })
    }

    async fn tcp(&mut self, addresses: &[SocketAddr]) -> Result<(Stream, Option<SocketAddr>), Error> {
        self.step.set("waiting for TCP");
        let tcp = phase("connecting", self.dialer.connect_to_any(addresses)).await?;
        // Head and body are written together, so delaying small writes gains nothing.
        let _ = tcp.set_nodelay(true);
        let peer = match *addresses {
            [address] => Some(address),
            _ => tcp.peer_addr().ok(),
        };
        Ok((Stream::Plain(tcp), peer))
    }

    async fn tls(
        &mut self,
        below: Stream,
        config: Arc<ClientConfig>,
        host: &str,
        early: &[u8],
    ) -> Result<Box<TlsStream>, Error> {
        self.step.set("in the TLS handshake");
        let began = curio::clock();
        let tls = phase("TLS handshake", TlsStream::handshake(below, config, host, early)).await?;
        self.timings.tls = Some(since(began));
        Ok(tls)
    }

    /// To the proxy, and if the request is not `forwarded` by it, on to the server.
    async fn through(&mut self, proxy: &Proxy, forwarded: bool) -> Result<Reached, Error> {
        // The proxy is going to connect to it, so the address filter applies.
        if let Some(ip) = resolver::ip_literal(self.url.host()) {
            self.dialer.resolver.permitted(vec![SocketAddr::new(ip, self.url.port_or_default())])?;
        }
        let mut challenges = 0;
        loop {
            let (stream, peer) = self.reach(proxy).await.map_err(|cause| {
                Error::new(ErrorKind::Proxy, format!("reaching the proxy {proxy}")).because(cause)
            })?;
            if forwarded {
                return Ok(Reached { stream, peer, early: Bytes::new(), secure: false });
            }
            self.step.set("waiting for the proxy to connect");
            let tunnel = Tunnel {
                proxy,
                url: self.url,
                resolver: &self.dialer.resolver,
                limits: self.limits,
                protocol_limits: &self.dialer.protocol_limits,
                agent: self.dialer.agent.clone(),
                tracer: &self.dialer.tracer,
            };
            let opening = tunnel.open(stream, peer, self.timings, &mut challenges);
            match phase("proxy", opening).await? {
                Opened::Tunnel(stream, early) => return Ok(Reached { stream, peer, early, secure: false }),
                Opened::Challenged => {
                    let note = "The proxy has sent a Digest challenge: connecting again with the answer";
                    self.dialer.tracer.emit(|| Trace::Note(note));
                }
            }
        }
    }

    async fn reach(&mut self, proxy: &Proxy) -> Result<(Stream, Option<SocketAddr>), Error> {
        self.step.set("looking up the proxy's name");
        // Not the lookup of the server: its time counts as connecting.
        let looking_up = &mut Timings::default();
        let found = self.dialer.resolver.addresses(proxy.host(), proxy.port(), looking_up).await?;
        let (stream, peer) = self.tcp(&found).await?;
        if !proxy.is_tls() {
            return Ok((stream, peer));
        }
        // The client certificate is for the server. (curl keeps one for proxies apart, too: `--proxy-cert`.)
        let config = trust::without_client_certificate(self.dialer.tls());
        let tls = self.tls(stream, config, proxy.host(), &[]).await?;
        self.timings.tls = None;
        Ok((Stream::Tls(tls), peer))
    }

    #[cfg(unix)]
    async fn unix(&mut self, path: &Path) -> Result<Reached, Error> {
        self.step.set("waiting for the other side to accept");
        let to = || format!("the Unix socket {}", path.display());
        let stream = curio::open_unix_connection(path).await.map_err(failed_to_connect(to))?;
        Ok(Reached {
            stream: Stream::Foreign(Box::new(stream)),
            peer: None,
            early: Bytes::new(),
            secure: false,
        })
    }

    /// Unreachable: the builder refuses Unix sockets on this system.
    #[cfg(not(unix))]
    async fn unix(&mut self, _path: &Path) -> Result<Reached, Error> {
        Err(Error::new(ErrorKind::Connect, "there are no Unix sockets on this system"))
    }
}

async fn connect_to_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    match *addresses {
        // It is in the caller's message already; of several, the cause tells how each of them failed.
        [address] => TcpStream::connect(address).await,
        _ => Box::pin(curio::net::connect_to_any(addresses.to_vec())).await,
    }
}

fn failed_to_connect(to: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> Error {
    move |cause| Error::new(ErrorKind::Connect, format!("connecting to {}", to())).because(cause)
}

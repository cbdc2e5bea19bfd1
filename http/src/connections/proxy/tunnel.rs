//! Opens a tunnel to a server, on a new connection to a proxy.
//!
//! For an HTTP proxy this is a `CONNECT` request (RFC 9110 §9.3.6), an HTTP exchange like any other: with the same connection
//! type, protocol core and limits. After a 2xx response the stream leads to the server. Any other response is the proxy's
//! own and says why there is no tunnel; its body is not read.
//!
//! In some protocols the server sends first, so there may be bytes after the head of the 2xx response. They belong to the
//! tunnel and are passed on, up to a limit.

use super::address::Proxy;
use super::socks;
use super::socks_step::Destination;
use crate::connections::connection::{BodyLength, Connection, ProtocolLimits, RequestHead};
use crate::connections::deadline::{Deadline, Limits};
use crate::connections::resolver::{self, HostResolver};
use crate::connections::stream::Stream;
use crate::connections::timings::Timings;
use crate::error::Error;
use crate::request::upload::Upload;
use crate::trace::Tracer;
use crate::url::Url;
use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::net::SocketAddr;

/// The most bytes that may arrive through the tunnel before anything was sent.
const EARLY: usize = 16 * 1024;

/// What has become of the tunnel.
pub(crate) enum Opened {
    /// A stream to the server, and the bytes that have arrived from there already.
    Tunnel(Stream, Bytes),
    /// The proxy wants the answer to a challenge, which is known now: on a new connection there is one.
    #[cfg_attr(not(feature = "digest"), allow(dead_code, reason = "only Digest has challenges"))]
    Challenged,
}

/// The tunnel to open: the proxy, the URL of the server, and the settings of the session.
pub(crate) struct Tunnel<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) url: &'a Url,
    pub(crate) resolver: &'a HostResolver,
    pub(crate) limits: &'a Limits,
    pub(crate) protocol_limits: &'a ProtocolLimits,
    pub(crate) agent: HeaderValue,
    pub(crate) tracer: &'a Tracer,
}

impl Tunnel<'_> {
    /// Turns `stream`, which leads to the proxy, into a stream to the server. `challenges` counts those of the proxy.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), naming the proxy; of kind [`Dns`](crate::ErrorKind::Dns), if this client
    /// has to resolve the server's name and cannot.
    pub(crate) async fn open(
        self,
        mut stream: Stream,
        peer: Option<SocketAddr>,
        timings: &mut Timings,
        challenges: &mut u16,
    ) -> Result<Opened, Error> {
        let (host, port) = (self.url.host(), self.url.port_or_default());
        let whom = format!("{host}:{port}");
        if self.proxy.speaks_http() {
            return self.connect(stream, peer, &whom, challenges).await;
        }
        let destination = match resolver::ip_literal(host) {
            Some(ip) => Destination::Address(SocketAddr::new(ip, port)),
            None if self.proxy.wants_addresses() => {
                let found = self.resolver.server(host, port, timings).await?;
                // One attempt on one connection, as in curl. More proxies can reach IPv4 addresses.
                let chosen = found.iter().find(|address| address.is_ipv4()).or(found.first());
                Destination::Address(*chosen.ok_or_else(|| resolver::none(host))?)
            }
            None => Destination::Name(host, port),
        };
        socks::handshake(&mut stream, self.proxy, &destination, &whom).await?;
        Ok(Opened::Tunnel(stream, Bytes::new()))
    }

    /// Sends `CONNECT` to an HTTP proxy.
    async fn connect(
        self,
        stream: Stream,
        peer: Option<SocketAddr>,
        whom: &str,
        challenges: &mut u16,
    ) -> Result<Opened, Error> {
        let Tunnel { proxy, limits, protocol_limits, agent, tracer, .. } = self;
        let failed = || proxy.failed(&format!("a tunnel to {whom}"));
        let host = HeaderValue::try_from(whom).map_err(|cause| failed().because(cause))?;
        let mut headers = HeaderMap::from_iter([(HOST, host), (USER_AGENT, agent)]);
        if let Some(credentials) = proxy.authorization() {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        #[cfg(feature = "digest")]
        if let Some(answer) = proxy.digest_answer(&Method::CONNECT, whom) {
            headers.insert(PROXY_AUTHORIZATION, answer);
        }
        #[cfg(not(feature = "digest"))]
        let _ = challenges;
        let head = RequestHead { method: &Method::CONNECT, target: whom, headers: &headers };
        let mut connection = Connection::new(stream, peer, None, protocol_limits.clone(), tracer.clone());
        let mut deadline = Deadline::new(*limits);
        let mut nothing = Upload::empty();
        let begun = connection.begin(&head, None, BodyLength::None);
        let answer = match begun {
            Ok(()) => connection.exchange(&mut nothing, &mut deadline).await,
            Err(refused) => Err(refused),
        };
        let answer = answer.map_err(|cause| match cause.error {
            silent if silent.is_timeout() => silent,
            error => failed().because(error),
        })?;
        let answer = answer.head;
        #[cfg(feature = "digest")]
        if answer.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && proxy.take_challenge(answer.headers(), challenges)
        {
            return Ok(Opened::Challenged);
        }
        if !answer.status.is_success() {
            let said = format!("it responded with {} {}", answer.status.as_u16(), answer.reason());
            let hint = match answer.status {
                StatusCode::PROXY_AUTHENTICATION_REQUIRED if !proxy.has_credentials() => {
                    " (it requires credentials: http://user:password@…)"
                }
                StatusCode::PROXY_AUTHENTICATION_REQUIRED => " (it does not accept these credentials)",
                _ => "",
            };
            let refused = failed().because(format!("{}{hint}", said.trim_end()));
            return Err(refused.with_status(answer.status));
        }
        let Some((stream, early)) = connection.into_upgraded() else {
            return Err(failed().because("its response to CONNECT does not open a tunnel"));
        };
        if early.len() > EARLY {
            let what = format!("{} bytes came through the tunnel before anything was sent", early.len());
            return Err(failed().because(what));
        }
        Ok(Opened::Tunnel(stream, early))
    }
}

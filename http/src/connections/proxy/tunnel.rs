//! A tunnel to a server: on a fresh connection to a proxy, everything that has to be said before the server can be
//! spoken to.
//!
//! An HTTP proxy is asked with `CONNECT` (RFC 9110 §9.3.6), and that is an HTTP exchange like any other: the same
//! connection, the same protocol core, the same limits. If the answer is a 2xx the connection is taken apart, and the
//! stream below it is the server's. Any other answer is the proxy's own and tells why there is no tunnel; its body, a
//! page for people with a browser, is not read.
//!
//! The server may be the one that speaks first, so bytes may have come behind the proxy's consent. They are the tunnel's
//! first and are handed on, up to a limit.

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

/// How much a server may have said before it was asked anything.
const EARLY: usize = 16 * 1024;

/// A tunnel that is wanted: through which proxy, where to, and what the session has to say about it.
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
    /// Makes `stream`, which leads to the proxy, lead to the server. Also returns what has come from there already.
    ///
    /// # Errors
    /// Of kind [`Proxy`](crate::ErrorKind::Proxy), naming the proxy; of kind [`Dns`](crate::ErrorKind::Dns), if the server's name is to
    /// be looked up here and cannot be.
    pub(crate) async fn open(
        self,
        mut stream: Stream,
        peer: Option<SocketAddr>,
        timings: &mut Timings,
    ) -> Result<(Stream, Bytes), Error> {
        let (host, port) = (self.url.host(), self.url.port_or_default());
        let whom = format!("{host}:{port}");
        if self.proxy.speaks_http() {
            return self.connect(stream, peer, &whom).await;
        }
        let destination = match resolver::ip_literal(host) {
            Some(ip) => Destination::Address(SocketAddr::new(ip, port)),
            None if self.proxy.wants_addresses() => {
                let found = self.resolver.server(host, port, timings).await?;
                // One connection, one try: as it is with curl. IPv4 is what more proxies can reach.
                let chosen = found.iter().find(|address| address.is_ipv4()).or(found.first());
                Destination::Address(*chosen.ok_or_else(|| resolver::none(host))?)
            }
            None => Destination::Name(host, port),
        };
        socks::handshake(&mut stream, self.proxy, &destination, &whom).await?;
        Ok((stream, Bytes::new()))
    }

    /// Asks an HTTP proxy.
    async fn connect(
        self,
        stream: Stream,
        peer: Option<SocketAddr>,
        whom: &str,
    ) -> Result<(Stream, Bytes), Error> {
        let Tunnel { proxy, limits, protocol_limits, agent, tracer, .. } = self;
        let failed = || proxy.failed(&format!("a tunnel to {whom}"));
        let host = HeaderValue::try_from(whom).map_err(|cause| failed().because(cause))?;
        let mut headers = HeaderMap::from_iter([(HOST, host), (USER_AGENT, agent)]);
        if let Some(credentials) = proxy.authorization() {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        let head = RequestHead { method: &Method::CONNECT, target: whom, headers: &headers };
        let mut connection = Connection::new(stream, peer, None, protocol_limits.clone(), tracer.clone());
        let mut deadline = Deadline::new(*limits);
        let mut nothing = Upload::empty();
        let begun = connection.begin(&head, BodyLength::None);
        let answer = match begun {
            Ok(()) => connection.exchange(&mut nothing, &mut deadline).await,
            Err(refused) => Err(refused),
        };
        let answer = answer.map_err(|cause| match cause.error {
            silent if silent.is_timeout() => silent,
            error => failed().because(error),
        })?;
        let answer = answer.head;
        if !answer.status.is_success() {
            let said = format!("it answered {} {}", answer.status.as_u16(), answer.reason());
            let hint = match answer.status {
                StatusCode::PROXY_AUTHENTICATION_REQUIRED if proxy.authorization().is_none() => {
                    " (it wants credentials: http://user:password@…)"
                }
                StatusCode::PROXY_AUTHENTICATION_REQUIRED => " (it does not take these credentials)",
                _ => "",
            };
            let refused = failed().because(format!("{}{hint}", said.trim_end()));
            return Err(refused.with_status(answer.status));
        }
        let Some((stream, early)) = connection.into_upgraded() else {
            return Err(failed().because("its consent makes no sense"));
        };
        if early.len() > EARLY {
            let what = format!("{} bytes came through the tunnel before anything was asked", early.len());
            return Err(failed().because(what));
        }
        Ok((stream, early))
    }
}

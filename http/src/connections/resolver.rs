//! Resolves hosts to IP addresses.
//!
//! In this order: an address that the caller has set for the host (`resolve`); the host itself, if it is an IP address; the
//! caller's resolver, or else the operating system's in a thread. Lookups of the same name at the same time share one
//! result.
//!
//! The result is not trusted. It may contain a thousand addresses, or the same one twice: the first [`MOST`] different ones
//! are used. And it may lead to a service that trusts the internal network. So a caller may set a filter, which
//! is called with every address of a server right before it is connected to, on every hop of a redirect, however the
//! address was found. It is not called for proxies, which the caller has chosen, nor for names that a proxy resolves.

use crate::connections::timings::{Timings, since};
use crate::error::{Error, ErrorKind};
use curio::Lock;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

/// How many addresses of one host are tried.
const MOST: usize = 32;

/// Finds the addresses of hosts: [`ClientSessionBuilder::resolver`](crate::ClientSessionBuilder::resolver).
///
/// An `async` closure that takes host and port is a resolver too:
///
/// ```
/// use curio_http::ClientSession;
/// use std::net::SocketAddr;
///
/// let session = ClientSession::builder()
///     .resolver(async |_host: String, port: u16| Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]))
///     .build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
/// A type that implements the trait can hold what it needs:
///
/// ```
/// use curio_http::{ClientSession, Resolver};
/// use std::collections::HashMap;
/// use std::io;
/// use std::net::{IpAddr, SocketAddr};
///
/// /// The services of a test environment, and nothing else.
/// struct Services(HashMap<String, IpAddr>);
///
/// impl Resolver for Services {
///     async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
///         match self.0.get(host) {
///             Some(&address) => Ok(vec![SocketAddr::new(address, port)]),
///             None => Err(io::Error::other("no such service")),
///         }
///     }
/// }
///
/// let services = HashMap::from([("users".to_owned(), IpAddr::from([10, 0, 0, 7]))]);
/// let session = ClientSession::builder().resolver(Services(services)).build()?;
/// curio::run(async {
///     let error = session.get("http://prices/").await.unwrap_err();
///     assert!(error.is_dns());
/// });
/// # Ok::<(), curio_http::Error>(())
/// ```
pub trait Resolver {
    /// The addresses of `host` (a name, never an IP address), each with the port to connect to, which is normally `port`.
    /// Preferred ones come first; IPv6 and IPv4 are tried side by side (RFC 8305). The session's
    /// `connect_timeout` applies; when it passes, the future is dropped.
    ///
    /// # Errors
    /// Any; it becomes the cause of an error of kind [`Dns`](ErrorKind::Dns).
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>>;
}

impl<F> Resolver for F
where
    F: AsyncFn(String, u16) -> io::Result<Vec<SocketAddr>>,
{
    fn resolve(&self, host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> {
        self(host.to_owned(), port)
    }
}

/// The object-safe form of [`Resolver`].
pub(crate) trait AnyResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> ResolveFuture<'a>;
}

type ResolveFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + 'a>>;

impl<R: Resolver> AnyResolver for R {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> ResolveFuture<'a> {
        Box::pin(Resolver::resolve(self, host, port))
    }
}

/// How a session resolves hosts, and which addresses it may connect to.
#[derive(Default)]
pub(crate) struct HostResolver {
    /// The addresses that the caller has set, by host in lower case. Port 0 stands for the port of the request.
    pub(crate) overrides: HashMap<String, SocketAddr>,
    pub(crate) resolver: Option<Rc<dyn AnyResolver>>,
    pub(crate) filter: Option<Filter>,
    /// The only version of IP that connections are made over.
    pub(crate) version: Option<IpVersion>,
    single_flight: SingleFlight,
}

/// A version of IP, for [`ip_version`](crate::ClientSessionBuilder::ip_version).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpVersion {
    fn fits(self, address: &SocketAddr) -> bool {
        address.is_ipv4() == (self == IpVersion::V4)
    }
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IpVersion::V4 => "IPv4",
            IpVersion::V6 => "IPv6",
        })
    }
}

type Filter = Box<dyn Fn(&SocketAddr) -> bool>;

impl HostResolver {
    /// The addresses that a request may connect to. Never empty.
    ///
    /// # Errors
    /// Of kind [`Dns`](ErrorKind::Dns); of kind [`Connect`](ErrorKind::Connect), if the caller's filter leaves none.
    pub(crate) async fn server(
        &self,
        host: &str,
        port: u16,
        timings: &mut Timings,
    ) -> Result<Vec<SocketAddr>, Error> {
        let found = self.addresses(host, port, timings).await?;
        self.permitted(found)
    }

    /// The addresses that the caller's filter allows.
    pub(crate) fn permitted(&self, mut found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Error> {
        let Some(filter) = &self.filter else { return Ok(found) };
        let first = found.first().copied();
        found.retain(|address| filter(address));
        match first {
            Some(first) if found.is_empty() => Err(Error::new(
                ErrorKind::Connect,
                format!("connecting to {first}: the session's address filter does not allow it"),
            )),
            _ => Ok(found),
        }
    }

    /// The addresses of a host. Never empty.
    ///
    /// # Errors
    /// Of kind [`Dns`](ErrorKind::Dns); of kind [`Connect`](ErrorKind::Connect), if all are of the other version of IP than the
    /// session's.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        timings: &mut Timings,
    ) -> Result<Vec<SocketAddr>, Error> {
        let mut found = self.all_addresses(host, port, timings).await?;
        let Some(version) = self.version else { return Ok(found) };
        let first = found.first().copied();
        found.retain(|address| version.fits(address));
        match first {
            Some(first) if found.is_empty() => Err(Error::new(
                ErrorKind::Connect,
                format!("connecting to {first}: the session connects over {version} only (ip_version)"),
            )),
            _ => Ok(found),
        }
    }

    async fn all_addresses(
        &self,
        host: &str,
        port: u16,
        timings: &mut Timings,
    ) -> Result<Vec<SocketAddr>, Error> {
        if let Some(&address) = self.overrides.get(host) {
            let port = if address.port() == 0 { port } else { address.port() };
            return Ok(vec![SocketAddr::new(address.ip(), port)]);
        }
        if let Some(ip) = ip_literal(host) {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let began = curio::clock();
        let found = Box::pin(self.single_flight.join(host, port, began, async || match &self.resolver {
            Some(resolver) => resolver.resolve(host, port).await,
            None => curio::getaddrinfo(host, port).await,
        }))
        .await;
        timings.dns = Some(since(began));
        let found = found
            .map_err(|cause| Error::new(ErrorKind::Dns, "finding the server's address").because(cause))?;
        let found = bounded(found);
        if found.is_empty() { Err(none(host)) } else { Ok(found) }
    }
}

/// The host has no address.
pub(crate) fn none(host: &str) -> Error {
    Error::new(ErrorKind::Dns, format!("finding the server's address: {host} has none"))
}

/// The host as an address, if it is one. In a URL, IPv6 addresses stand in brackets (RFC 3986 §3.2.2).
pub(crate) fn ip_literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// The first different ones, in their order.
fn bounded(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut kept: Vec<SocketAddr> = Vec::with_capacity(found.len().min(MOST));
    for address in found {
        if kept.len() < MOST && !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept
}

/// The lookups in progress. A hundred requests that begin together cause one.
#[derive(Default)]
struct SingleFlight {
    by_name: RefCell<HashMap<(String, u16), Rc<LookUp>>>,
}

/// The holder of the lock does the lookup, and the others wait for it. If the holder is cancelled, the next one does it.
type LookUp = Lock<Option<(Instant, Result<Vec<SocketAddr>, Failed>)>>;

/// An [`io::Error`] that can be cloned.
type Failed = (io::ErrorKind, String);

impl SingleFlight {
    /// The result of `look_up`, or of another lookup of the same name that ends after `began`.
    async fn join(
        &self,
        host: &str,
        port: u16,
        began: Instant,
        look_up: impl AsyncFnOnce() -> io::Result<Vec<SocketAddr>>,
    ) -> io::Result<Vec<SocketAddr>> {
        let key = (host.to_owned(), port);
        let shared = Rc::clone(self.by_name.borrow_mut().entry(key.clone()).or_default());
        let participation = Participation { all: self, key, shared };
        let mut last = participation.shared.acquire().await;
        let found = match &*last {
            Some((ended, found)) if *ended >= began => found.clone(),
            _ => {
                let found = look_up().await.map_err(|error| (error.kind(), error.to_string()));
                *last = Some((curio::clock(), found.clone()));
                found
            }
        };
        found.map_err(|(kind, words)| io::Error::new(kind, words))
    }
}

/// One caller of a lookup. The last one removes it from the map.
struct Participation<'a> {
    all: &'a SingleFlight,
    key: (String, u16),
    shared: Rc<LookUp>,
}

impl Drop for Participation<'_> {
    fn drop(&mut self) {
        // The reference of the map, and this one.
        if Rc::strong_count(&self.shared) == 2 {
            let removed = self.all.by_name.borrow_mut().remove(&self.key);
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    fn address(n: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, n], 80))
    }

    #[test]
    fn case_132_an_answer_is_cut_to_a_few_different_addresses() {
        assert_eq!(bounded(vec![address(1), address(1), address(2), address(1)]), [address(1), address(2)]);
        let thousand = (0..1000_u32).map(|n| SocketAddr::from((n.to_be_bytes(), 80))).collect();
        assert_eq!(bounded(thousand).len(), MOST);
        assert!(bounded(Vec::new()).is_empty());
    }

    #[test]
    fn only_an_address_is_taken_for_one() {
        assert_eq!(ip_literal("[::1]"), "::1".parse().ok());
        assert_eq!(ip_literal("127.0.0.1"), "127.0.0.1".parse().ok());
        assert_eq!(ip_literal("127.0.0.1.test"), None);
        assert_eq!(ip_literal("[::1"), None);
    }

    #[test]
    fn look_ups_of_one_name_at_one_time_ask_once() {
        curio::testing::run(async {
            let (single_flight, asked) = (SingleFlight::default(), Cell::new(0));
            let one = async || {
                let began = curio::clock();
                let look_up = async || {
                    asked.set(asked.get() + 1);
                    curio::sleep(Duration::from_secs(1)).await;
                    Ok(vec![address(1)])
                };
                single_flight.join("h.test", 80, began, look_up).await.expect("an answer")
            };
            let (first, second, third) = curio::join!(one(), one(), one());
            assert_eq!((first.len(), second.len(), third.len()), (1, 1, 1));
            assert_eq!(asked.get(), 1);
            curio::sleep(Duration::from_secs(1)).await;
            one().await;
            assert_eq!(asked.get(), 2, "an old answer is not kept");
            assert!(single_flight.by_name.borrow().is_empty());
        });
    }

    #[test]
    fn when_the_one_who_asks_is_cancelled_the_next_one_asks() {
        curio::testing::run(async {
            let (single_flight, asked) = (SingleFlight::default(), Cell::new(0));
            let one = async || {
                let look_up = async || {
                    asked.set(asked.get() + 1);
                    curio::sleep(Duration::from_secs(5)).await;
                    Err(io::Error::from(io::ErrorKind::NotFound))
                };
                single_flight.join("h.test", 80, curio::clock(), look_up).await
            };
            let impatient = curio::timeout_after(Duration::from_secs(1), one());
            let (given_up, failed) = curio::join!(impatient, one());
            assert!(given_up.is_err());
            assert_eq!(failed.expect_err("a failure").kind(), io::ErrorKind::NotFound);
            assert_eq!(asked.get(), 2);
            assert!(single_flight.by_name.borrow().is_empty());
        });
    }
}

//! What can be connected to, or listened on.
//!
//! `std::net::ToSocketAddrs` resolves names synchronously, which would block all tasks. So functions here take a trait of
//! this crate, which only tells addresses from names; names are then resolved in a thread.

use crate::error::while_doing;
use crate::threads::run_in_thread::run_in_thread_at;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs};
use std::panic::Location;

/// Anything that names one or more socket addresses: a `SocketAddr`, `(host, port)` with a host name or an IP
/// address, `"host:port"`, or a list of `SocketAddr`s.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::net::{Addresses, ToAddresses};
///
/// assert!(matches!("[::1]:80".to_addresses()?, Addresses::Known(known) if known.len() == 1));
/// assert!(matches!(("localhost", 80).to_addresses()?, Addresses::Name(..)));
/// let error = "localhost".to_addresses().unwrap_err();
/// assert_eq!(error.to_string(), "`localhost` is not an address of the form host:port");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a socket address",
    note = "an address is a `SocketAddr`, `(host, port)`, `\"host:port\"` or a list of `SocketAddr`s"
)]
pub trait ToAddresses {
    /// The addresses, or the name to be resolved.
    ///
    /// # Errors
    /// `InvalidInput` for a string that is not `host:port`.
    fn to_addresses(&self) -> io::Result<Addresses>;
}

/// What a [`ToAddresses`] stands for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Addresses {
    /// Addresses, ready to use.
    Known(Vec<SocketAddr>),
    /// A host name and a port.
    Name(String, u16),
}

impl Addresses {
    /// The addresses; a name is looked up in a thread, which shows as a wait at `at`.
    pub(crate) async fn look_up(self, at: &'static Location<'static>) -> io::Result<Vec<SocketAddr>> {
        let addresses = match self {
            Addresses::Known(addresses) => addresses,
            // Boxed, so that the futures of connecting to known addresses need no room for it.
            Addresses::Name(host, port) => Box::pin(getaddrinfo_at(&host, port, at)).await?,
        };
        if addresses.is_empty() {
            return Err(no_address());
        }
        Ok(addresses)
    }

    /// What `bind` makes of the first address for which it works.
    pub(super) async fn bind<S>(
        self,
        at: &'static Location<'static>,
        bind: impl Fn(SocketAddr) -> io::Result<S>,
    ) -> io::Result<S> {
        let mut result = Err(io::ErrorKind::InvalidInput.into());
        for address in self.look_up(at).await? {
            result = bind(address).map_err(|error| while_doing(format_args!("binding {address}"), error));
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

/// An empty list came where an address was needed.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "no address to use was given: the list of addresses is empty")
}

/// The addresses of a host, as the operating system knows them; the look-up runs in a thread. If it is dropped, the thread
/// goes on, and what it finds is discarded.
///
/// # Errors
/// The name does not exist, or no name server can be reached.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let addresses = curio::run(curio::getaddrinfo("127.0.0.1", 80))?;
/// assert_eq!(addresses, ["127.0.0.1:80".parse().unwrap()]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn getaddrinfo(host: &str, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + use<> {
    getaddrinfo_at(host, port, Location::caller())
}

/// [`getaddrinfo`] for a caller further out.
fn getaddrinfo_at(
    host: &str,
    port: u16,
    at: &'static Location<'static>,
) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + use<> {
    let name = host.to_string();
    let look_up = move || (name.as_str(), port).to_socket_addrs().map(Vec::from_iter);
    let looking_up = run_in_thread_at(look_up, at);
    let host = host.to_string();
    async move {
        let result = looking_up.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        result.map_err(|error| while_doing(format_args!("looking up `{host}`"), error))
    }
}

impl ToAddresses for SocketAddr {
    fn to_addresses(&self) -> io::Result<Addresses> {
        Ok(Addresses::Known(vec![*self]))
    }
}

impl ToAddresses for str {
    fn to_addresses(&self) -> io::Result<Addresses> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.to_addresses();
        }
        let parts = self.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        match parts {
            Some((host, port)) => (host, port).to_addresses(),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{self}` is not an address of the form host:port"),
            )),
        }
    }
}

impl ToAddresses for (&str, u16) {
    fn to_addresses(&self) -> io::Result<Addresses> {
        let (host, port) = *self;
        // An IPv6 address may come in the brackets it has in a URL.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(match bare.parse::<IpAddr>() {
            Ok(ip) => Addresses::Known(vec![SocketAddr::new(ip, port)]),
            Err(_) => Addresses::Name(host.to_string(), port),
        })
    }
}

impl ToAddresses for [SocketAddr] {
    fn to_addresses(&self) -> io::Result<Addresses> {
        Ok(Addresses::Known(self.to_vec()))
    }
}

impl ToAddresses for String {
    fn to_addresses(&self) -> io::Result<Addresses> {
        self.as_str().to_addresses()
    }
}

impl ToAddresses for (String, u16) {
    fn to_addresses(&self) -> io::Result<Addresses> {
        (self.0.as_str(), self.1).to_addresses()
    }
}

impl ToAddresses for Vec<SocketAddr> {
    fn to_addresses(&self) -> io::Result<Addresses> {
        self.as_slice().to_addresses()
    }
}

impl<const N: usize> ToAddresses for [SocketAddr; N] {
    fn to_addresses(&self) -> io::Result<Addresses> {
        self.as_slice().to_addresses()
    }
}

impl<T: ToAddresses + ?Sized> ToAddresses for &T {
    fn to_addresses(&self) -> io::Result<Addresses> {
        (**self).to_addresses()
    }
}

/// Every type that converts into a `SocketAddr`.
macro_rules! known_addresses {
    ($($type:ty,)*) => {$(
        impl ToAddresses for $type {
            fn to_addresses(&self) -> io::Result<Addresses> {
                Ok(Addresses::Known(vec![SocketAddr::from(*self)]))
            }
        }
    )*};
}

known_addresses!(SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16),);

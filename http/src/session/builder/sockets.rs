//! Options of the sockets of connections (feature `socket-options`).

use super::ClientSessionBuilder;
use crate::connections::resolver::IpVersion;
use crate::error::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The most that Linux takes for each of the times of keepalive, and for the number of probes.
const LONGEST_KEEPALIVE: Duration = Duration::from_secs(32767);
const MOST_PROBES: u32 = 127;
/// Of the name of an interface on Linux: IFNAMSIZ without the final NUL.
const LONGEST_INTERFACE: usize = 15;

impl ClientSessionBuilder {
    /// Connects from this address of the machine, as curl does with `--interface`. Only servers with an address of the same
    /// version of IP can be reached: others of their addresses are passed over. Any address by default; the operating system chooses.
    /// It applies to connections to proxies, and not to Unix sockets and a [`Connector`](crate::Connector). Needs the feature
    /// `socket-options`.
    ///
    /// # Errors
    /// `build` reports an address that is none of a single machine (`0.0.0.0`, `::`, broadcast, multicast), and one of another
    /// version of IP than [`ip_version`](ClientSessionBuilder::ip_version). An address that the machine does not have, and a server
    /// without an address of this version, are errors of kind [`Connect`](ErrorKind::Connect) when the request is awaited.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// use std::net::IpAddr;
    ///
    /// let address: IpAddr = "192.0.2.7".parse().expect("an address");
    /// let session = ClientSession::builder().local_address(address).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn local_address(mut self, address: impl Into<Option<IpAddr>>) -> Self {
        let address = address.into().map(|address| address.to_canonical());
        if let Some(ip) = address.filter(|&ip| !is_of_one_machine(ip)) {
            self.refuse(format!(
                "local_address({ip}): no connection can come from it; use an address of this machine, or None for any \
                 (ip_version chooses between IPv4 and IPv6)"
            ));
        }
        self.sockets.local_address = address;
        self
    }

    /// Connects through this network interface, such as `eth0`, whatever the routing table says (`SO_BINDTODEVICE`). Linux and
    /// Android only; before Linux 5.7, it needs the capability `CAP_NET_RAW`. It applies to connections to proxies, and not to Unix
    /// sockets and a [`Connector`](crate::Connector), nor to the look-up of names. Needs the feature `socket-options`.
    ///
    /// # Errors
    /// `build` reports a name that no interface can have, and other systems. An interface that does not exist, or that the program
    /// must not use, is an error of kind [`Connect`](ErrorKind::Connect) when the request is awaited.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder().interface("eth0").build()?;
    /// # }
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn interface(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        if !cfg!(any(target_os = "linux", target_os = "android")) {
            self.refuse(
                "interface: only Linux and Android bind connections to an interface by its name; use local_address with an \
                 address of the interface"
                    .into(),
            );
        } else if name.is_empty() || name.len() > LONGEST_INTERFACE || name.contains(['\0', '/', ' ']) {
            self.refuse(format!(
                "interface({name:?}): no interface has this name; use one from `ip link`, such as \"eth0\" (1 to \
                 {LONGEST_INTERFACE} bytes without NUL, slash or blank)"
            ));
        }
        self.sockets.interface = Some(name.into());
        self
    }

    /// Has the operating system probe a connection that was silent for this long (TCP keepalive), so that the loss of the server's
    /// machine or of the network is noticed although nothing is sent: for streams of events without a
    /// [`read_timeout`](ClientSessionBuilder::read_timeout). The read that waits fails then: in a body with an error of kind
    /// [`Body`](ErrorKind::Body). It also keeps routers from forgetting the connection. Off by default. Needs the feature `socket-options`.
    ///
    /// Only a server's operating system is probed: a server that hangs is not noticed. The probes go on by the rules of the system
    /// (Linux: 9, one every 75 s), unless `tcp_keepalive_interval` and `tcp_keepalive_retries` say otherwise. Fractions of a
    /// second do not count on most systems.
    ///
    /// # Errors
    /// `build` reports a time below one second or above 32767 seconds.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// # use std::time::Duration;
    /// let session = ClientSession::builder()
    ///     .read_timeout(None) // events may be rare
    ///     .tcp_keepalive(Duration::from_secs(60))
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn tcp_keepalive(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.sockets.keepalive = self.keepalive_time("tcp_keepalive", time.into());
        self
    }

    /// How much time passes between two probes of [`tcp_keepalive`](ClientSessionBuilder::tcp_keepalive), which it turns on if it is
    /// set alone. Not on all systems: there is no such method on OpenBSD, for example. Needs the feature `socket-options`.
    ///
    /// # Errors
    /// `build` reports a time below one second or above 32767 seconds.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// # use std::time::Duration;
    /// // A lost server is noticed after 60 + 3 * 10 seconds.
    /// let session = ClientSession::builder()
    ///     .tcp_keepalive(Duration::from_secs(60))
    ///     .tcp_keepalive_interval(Duration::from_secs(10))
    ///     .tcp_keepalive_retries(3)
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    pub fn tcp_keepalive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.sockets.keepalive_interval = self.keepalive_time("tcp_keepalive_interval", interval.into());
        self
    }

    /// After how many probes without a response [`tcp_keepalive`](ClientSessionBuilder::tcp_keepalive) gives the connection up. It
    /// turns keepalive on if it is set alone. Not on all systems: see
    /// [`tcp_keepalive_interval`](ClientSessionBuilder::tcp_keepalive_interval). Needs the feature `socket-options`.
    ///
    /// # Errors
    /// `build` reports 0 and numbers above 127.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    pub fn tcp_keepalive_retries(mut self, probes: impl Into<Option<u32>>) -> Self {
        let probes = probes.into();
        if probes.is_some_and(|probes| probes == 0 || probes > MOST_PROBES) {
            self.refuse(format!(
                "tcp_keepalive_retries: from 1 to {MOST_PROBES} probes, or None for the system's default"
            ));
        }
        self.sockets.keepalive_retries = probes;
        self
    }

    /// What systems in common take for a time of keepalive.
    fn keepalive_time(&mut self, method: &str, time: Option<Duration>) -> Option<Duration> {
        if time.is_some_and(|time| time < Duration::from_secs(1) || time > LONGEST_KEEPALIVE) {
            let most = LONGEST_KEEPALIVE.as_secs();
            self.refuse(format!("{method}: from 1 to {most} seconds, or None to leave it to the system"));
        }
        time
    }

    /// A local address of the other version of IP than `ip_version` could reach no server.
    pub(super) fn check_sockets(&self) -> Result<(), Error> {
        match (self.sockets.local_address, self.resolver.version) {
            (Some(local), Some(version)) if local.is_ipv4() != (version == IpVersion::V4) => Err(Error::new(
                ErrorKind::Request,
                format!(
                    "local_address({local}): it reaches no server over {version}, and ip_version allows nothing else; leave one \
                     of them out"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn refuse(&mut self, why: String) {
        self.keep_first_mistake(Error::new(ErrorKind::Request, why));
    }
}

fn is_of_one_machine(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
}

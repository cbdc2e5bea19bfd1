//! Connecting to a host by name.
//!
//! A name may resolve to many addresses, of two families, some of which may not respond. Trying them one after the other
//! may mean waiting for a timeout; trying all at once is a burden on the network. RFC 8305, "Happy Eyeballs", does neither:
//! it alternates the families, starts the next attempt when one fails or after 250 ms, and takes the first that connects.
//! The others are closed.

use super::address::{ToAddresses, no_address};
use super::tcp::TcpStream;
use crate::time::{Sleep, sleep};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// RFC 8305 §5, "Connection Attempt Delay".
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The most addresses that are tried: a name with hundreds of them is a mistake or an attack.
const MOST_ADDRESSES: usize = 32;

/// Connects to a host: resolves its name in a thread, then tries the addresses by Happy Eyeballs (RFC 8305).
///
/// Cancel-safe: dropping it closes every attempt; a look-up under way is abandoned.
///
/// # Errors
/// The look-up's; or, if every address failed, all of them and why.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let listener = curio::TcpListener::bind("127.0.0.1:0").await?;
///     let stream = curio::open_connection("127.0.0.1", listener.local_addr()?.port()).await?;
///     assert_eq!(stream.peer_addr()?, listener.local_addr()?);
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn open_connection(host: &str, port: u16) -> impl Future<Output = io::Result<TcpStream>> + use<> {
    let at = Location::caller();
    let addresses = (host, port).to_addresses();
    async move {
        let addresses = addresses?.look_up(at).await?;
        happy_eyeballs(addresses, at).await
    }
}

/// The second half of [`open_connection`], for addresses that are known already: tries them by Happy Eyeballs.
///
/// Cancel-safe: dropping it closes every attempt.
///
/// # Errors
/// `InvalidInput` if there are no addresses. If every address failed, all of them and why.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::{TcpListener, net::connect_to_any};
/// use std::net::{Ipv4Addr, Ipv6Addr};
///
/// curio::run(async {
///     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let port = listener.local_addr()?.port();
///     // Nothing listens at the first address.
///     let addresses = vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()];
///     let stream = connect_to_any(addresses).await?;
///     assert!(stream.peer_addr()?.is_ipv4());
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn connect_to_any(addresses: Vec<SocketAddr>) -> impl Future<Output = io::Result<TcpStream>> {
    happy_eyeballs(addresses, Location::caller())
}

/// Happy Eyeballs over addresses that are known. With one address it is a plain connect.
async fn happy_eyeballs(addresses: Vec<SocketAddr>, at: &'static Location<'static>) -> io::Result<TcpStream> {
    if addresses.is_empty() {
        return Err(no_address());
    }
    if let [address] = addresses[..] {
        return TcpStream::connect_to(address, at).await.map_err(|error| failed(&[(address, error)]));
    }
    let mut attempts = Attempts::new(alternate_families(addresses), at);
    poll_fn(|cx| attempts.poll(cx)).await
}

struct Attempts {
    waiting: VecDeque<SocketAddr>,
    running: Vec<(SocketAddr, Connecting)>,
    failed: Vec<(SocketAddr, io::Error)>,
    /// Until the next one is started although none has failed.
    delay: Sleep,
    at: &'static Location<'static>,
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>;

impl Attempts {
    fn new(waiting: VecDeque<SocketAddr>, at: &'static Location<'static>) -> Attempts {
        let delay = sleep(Duration::ZERO).at_line(at);
        let mut attempts = Attempts { waiting, running: Vec::new(), failed: Vec::new(), delay, at };
        attempts.start_next();
        attempts
    }

    fn start_next(&mut self) {
        if let Some(address) = self.waiting.pop_front() {
            self.running.push((address, Box::pin(TcpStream::connect_to(address, self.at))));
            self.delay = sleep(ATTEMPT_DELAY).at_line(self.at);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            let mut index = 0;
            while index < self.running.len() {
                match self.running[index].1.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        let (address, _) = self.running.remove(index);
                        self.failed.push((address, error));
                        self.start_next();
                    }
                    Poll::Pending => index += 1,
                }
            }
            if self.running.is_empty() {
                return Poll::Ready(Err(failed(&self.failed)));
            }
            if self.waiting.is_empty() || Pin::new(&mut self.delay).poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.start_next();
        }
    }
}

/// RFC 8305 §4: the families take turns, in the order in which the resolver sorted them.
fn alternate_families(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = VecDeque::new();
    while order.len() < MOST_ADDRESSES {
        let before = order.len();
        for next in [first.next(), second.next()].into_iter().flatten() {
            if !order.contains(&next) {
                order.push_back(next);
            }
        }
        if order.len() == before && first.len() == 0 && second.len() == 0 {
            break;
        }
    }
    order
}

fn failed(attempts: &[(SocketAddr, io::Error)]) -> io::Error {
    let kind = attempts.last().map_or(io::ErrorKind::Other, |(_, error)| error.kind());
    let each: Vec<String> = attempts.iter().map(|(address, error)| format!("{address}: {error}")).collect();
    io::Error::new(kind, each.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_no_address_is_tried_twice() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let given = ["[::1]:1", "[::2]:1", "[::1]:1", "1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "4.4.4.4:1"];
        let order = alternate_families(given.map(address).to_vec());
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "3.3.3.3:1", "4.4.4.4:1"];
        assert_eq!(Vec::from(order), expected.map(address));
    }
}

//! Connecting to a host by name.
//!
//! A name may resolve to many addresses, of two families, some of which may not respond. Trying them one after the other
//! may mean waiting for a timeout; trying all at once is a burden on the network. RFC 8305, "Happy Eyeballs", does neither:
//! it alternates the families, starts the next attempt when one fails or after 250 ms, and takes the first that connects.
//! The others are closed.

use super::address::{ToAddresses, no_address};
use super::error_codes;
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
        happy_eyeballs(addresses, begin_connecting, at).await
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
    happy_eyeballs(addresses, begin_connecting, Location::caller())
}

/// [`connect_to_any`] with sockets that another crate makes, with options of its own. For each address that is tried, `begin`
/// makes one, sets it to non-blocking, calls its `connect`, and returns it; the error of a `connect` that is [`in_progress`] is
/// none. `begin` must not block.
///
/// Cancel-safe: dropping it closes every attempt.
///
/// # Errors
/// As [`connect_to_any`]; the errors of `begin` are among those of the addresses.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::net::{connect_to_any_with, in_progress};
/// use socket2::{Domain, Socket, Type};
/// use std::net::SocketAddr;
///
/// fn begin(address: SocketAddr) -> std::io::Result<std::net::TcpStream> {
///     let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
///     socket.set_keepalive(true)?;
///     socket.set_nonblocking(true)?;
///     match socket.connect(&address.into()) {
///         Err(error) if !in_progress(&error) => Err(error),
///         _ => Ok(socket.into()),
///     }
/// }
///
/// curio::run(async {
///     let listener = curio::TcpListener::bind("127.0.0.1:0").await?;
///     let stream = connect_to_any_with(vec![listener.local_addr()?], begin).await?;
///     assert_eq!(stream.peer_addr()?, listener.local_addr()?);
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn connect_to_any_with(
    addresses: Vec<SocketAddr>,
    mut begin: impl FnMut(SocketAddr) -> io::Result<std::net::TcpStream>,
) -> impl Future<Output = io::Result<TcpStream>> {
    let begin = move |address| {
        let stream = begin(address)?;
        stream.set_nonblocking(true)?;
        TcpStream::foreign(mio::net::TcpStream::from_std(stream))
    };
    happy_eyeballs(addresses, begin, Location::caller())
}

/// Whether this error of a non-blocking socket's `connect` only says that connecting takes a while: `EINPROGRESS`, on Windows
/// `WSAEWOULDBLOCK`. For [`connect_to_any_with`] and [`TcpStream::from_connecting`].
pub fn in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(error_codes::IN_PROGRESS)
}

/// Happy Eyeballs over addresses that are known. With one address it is a plain connect.
async fn happy_eyeballs<B>(
    addresses: Vec<SocketAddr>,
    mut begin: B,
    at: &'static Location<'static>,
) -> io::Result<TcpStream>
where
    B: FnMut(SocketAddr) -> io::Result<TcpStream>,
{
    if addresses.is_empty() {
        return Err(no_address());
    }
    if let [address] = addresses[..] {
        return connect(begin(address), at).await.map_err(|error| failed(&[(address, error)]));
    }
    let mut attempts = Attempts::new(alternate_families(addresses), begin, at);
    poll_fn(|cx| attempts.poll(cx)).await
}

fn begin_connecting(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::ours(mio::net::TcpStream::connect(address)?)
}

async fn connect(begun: io::Result<TcpStream>, at: &'static Location<'static>) -> io::Result<TcpStream> {
    begun?.when_connected(at).await
}

struct Attempts<B> {
    /// Makes the socket for an address, and begins to connect it.
    begin: B,
    waiting: VecDeque<SocketAddr>,
    running: Vec<(SocketAddr, Connecting)>,
    failed: Vec<(SocketAddr, io::Error)>,
    /// Until the next one is started although none has failed.
    delay: Sleep,
    at: &'static Location<'static>,
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>;

impl<B> Attempts<B>
where
    B: FnMut(SocketAddr) -> io::Result<TcpStream>,
{
    fn new(waiting: VecDeque<SocketAddr>, begin: B, at: &'static Location<'static>) -> Attempts<B> {
        let delay = sleep(Duration::ZERO).at_line(at);
        let mut attempts = Attempts { begin, waiting, running: Vec::new(), failed: Vec::new(), delay, at };
        attempts.start_next();
        attempts
    }

    fn start_next(&mut self) {
        if let Some(address) = self.waiting.pop_front() {
            self.running.push((address, Box::pin(connect((self.begin)(address), self.at))));
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

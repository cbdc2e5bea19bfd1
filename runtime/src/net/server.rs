//! Servers: a task for each client, none of which can bring the server down.

use super::accept_errors::{broke_before_it_was_taken, out_of_resources};
use super::address::ToAddresses;
#[cfg(unix)]
use super::socket_file::SocketFile;
use super::tcp::{TcpListener, TcpStream};
#[cfg(unix)]
use super::unix::{UnixListener, UnixStream};
use crate::cancel::finally;
use crate::task::info::TaskId;
use crate::task::{Task, spawn_named};
use crate::time::sleep;
use crate::traps;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// How long a server waits when the process has run out of file descriptors: somebody has to close one first.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Listens on `host` and `port` and runs `handler` for every client, each in a task of its own, until it is
/// cancelled. An empty host means every address of this machine, as in Curio.
///
/// A handler that panics or returns an error is reported and ends its own client only. Running out of file
/// descriptors makes the server wait, not end. Cancelling the server cancels its clients and waits for them.
/// To learn the port that 0 stood for, bind a [`TcpListener`] and use [`run_server`].
///
/// # Errors
/// The address cannot be listened on.
#[track_caller]
pub fn tcp_server<H, R>(host: &str, port: u16, handler: H) -> impl Future<Output = io::Result<()>> + use<H, R>
where
    H: AsyncFn(TcpStream, SocketAddr) -> R + 'static,
    R: HandlerResult,
{
    let at = Location::caller();
    let anywhere = host.is_empty();
    let addresses = (host, port).to_addresses();
    async move {
        let listener = if anywhere {
            // One IPv6 socket usually serves both families; where there is no IPv6, IPv4 alone.
            let any = [(Ipv6Addr::UNSPECIFIED, port).into(), SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))];
            TcpListener::bind(any).await?
        } else {
            TcpListener::bind(addresses?.look_up(at).await?).await?
        };
        serve(listener, handler, at).await
    }
}

/// [`tcp_server`] on a listener of your own: a [`TcpListener`], or on Unix a `UnixListener`, whose file stays behind.
///
/// # Errors
/// The listener failed for good.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::{TcpListener, TcpStream, run_server, spawn};
///
/// curio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let server = spawn(run_server(listener, async |client: TcpStream, _peer| {
///         client.sendall(&client.read_exactly(5).await?).await
///     }));
///     let stream = TcpStream::connect(address).await?;
///     stream.sendall(b"hello").await?;
///     assert_eq!(stream.read_all().await?, b"hello");
///     server.cancel().await;
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn run_server<L, H, R>(listener: L, handler: H) -> impl Future<Output = io::Result<()>> + use<L, H, R>
where
    L: Listener,
    H: AsyncFn(L::Stream, L::Peer) -> R + 'static,
    R: HandlerResult,
{
    serve(listener, handler, Location::caller())
}

fn serve<L, H, R>(
    listener: L,
    handler: H,
    at: &'static Location<'static>,
) -> impl Future<Output = io::Result<()>> + use<L, H, R>
where
    L: Listener,
    H: AsyncFn(L::Stream, L::Peer) -> R + 'static,
    R: HandlerResult,
{
    let clients = Rc::new(Clients::default());
    let ending = Rc::clone(&clients);
    finally(accept_loop(listener, Rc::new(handler), clients, at), async move |_| ending.end().await)
}

/// [`tcp_server`] on a Unix socket: makes one at `path`, which must not exist yet, and removes it at the end.
///
/// # Errors
/// `AddrInUse` if there is a file at `path`; else the file system's.
#[cfg(unix)]
#[track_caller]
pub fn unix_server<H, R>(path: impl AsRef<Path>, handler: H) -> Pin<Box<dyn Future<Output = io::Result<()>>>>
where
    H: AsyncFn(UnixStream, std::os::unix::net::SocketAddr) -> R + 'static,
    R: HandlerResult + 'static,
{
    let at = Location::caller();
    let path = path.as_ref().to_path_buf();
    let clients = Rc::new(Clients::default());
    let ending = Rc::clone(&clients);
    Box::pin(finally(
        async move {
            let listener = UnixListener::bind(&path)?;
            let _remove = SocketFile::made_at(path)?;
            accept_loop(listener, Rc::new(handler), clients, at).await
        },
        async move |_| ending.end().await,
    ))
}

/// What the handler of a server may return: nothing, or a `Result<(), E>` whose error is reported.
#[diagnostic::on_unimplemented(
    message = "the handler of a server cannot return `{Self}`",
    note = "a handler returns nothing, or `Result<(), E>` with an `E` that can be displayed",
    note = "a handler that ends in a value may need a `;` behind it, or `.map(|_| ())`"
)]
pub trait HandlerResult {
    /// The error's text, if it is one.
    fn error(self) -> Option<String>;
}

impl HandlerResult for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl<E: Display> HandlerResult for Result<(), E> {
    fn error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// What [`run_server`] accepts clients from: a [`TcpListener`], or on Unix a `UnixListener`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no listener of Curio's",
    note = "a listener is a `curio::TcpListener` or a `curio::UnixListener`; both have `from_std`"
)]
pub trait Listener: sealed::Sealed + 'static {
    /// A connection.
    type Stream: 'static;
    /// Whose it is.
    type Peer: fmt::Debug + 'static;
    #[doc(hidden)]
    fn accept_at(
        &self,
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TcpListener {}
    #[cfg(unix)]
    impl Sealed for super::UnixListener {}
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Peer = SocketAddr;

    fn accept_at(
        &self,
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        self.accept_at(at)
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Stream = UnixStream;
    type Peer = std::os::unix::net::SocketAddr;

    fn accept_at(
        &self,
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<(Self::Stream, Self::Peer)>> {
        self.accept_at(at)
    }
}

async fn accept_loop<L, H, R>(
    listener: L,
    handler: Rc<H>,
    clients: Rc<Clients>,
    at: &'static Location<'static>,
) -> io::Result<()>
where
    L: Listener,
    H: AsyncFn(L::Stream, L::Peer) -> R + 'static,
    R: HandlerResult,
{
    loop {
        let (stream, peer) = match listener.accept_at(at).await {
            Ok(client) => client,
            Err(error) if broke_before_it_was_taken(&error) => continue,
            Err(error) if out_of_resources(&error) => {
                traps::report(&format!("a server cannot accept clients for now: {error}"));
                sleep(BACK_OFF).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let (handler, leaving) = (Rc::clone(&handler), Rc::clone(&clients));
        let client = spawn_named("client", async move {
            let _leave = Leave(leaving);
            let name = format!("{peer:?}");
            if let Some(error) = handler(stream, peer).await.error() {
                traps::report(&format!("the handler of client {name} failed: {error}"));
            }
        });
        clients.tasks.borrow_mut().insert(client.id(), client);
    }
}

/// The clients that are being served.
#[derive(Default)]
struct Clients {
    tasks: RefCell<BTreeMap<TaskId, Task<()>>>,
}

impl Clients {
    /// All are asked to stop before any is waited for: the time it takes is that of the slowest.
    async fn end(&self) {
        let clients = self.tasks.take();
        for client in clients.values() {
            client.request_cancel();
        }
        for client in clients.values() {
            client.wait().await;
        }
    }
}

/// Takes a client off the list when its task ends, in whatever way.
struct Leave(Rc<Clients>);

impl Drop for Leave {
    fn drop(&mut self) {
        let client = traps::current_id().and_then(|id| self.0.tasks.borrow_mut().remove(&id));
        if let Some(client) = client {
            client.detach();
        }
    }
}

//! Servers: a task for each client, none of which can bring the server down.

use super::accept_errors::AcceptError;
use super::address::ToAddresses;
use super::any_address::AnyAddress;
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
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a server waits before it accepts again when the process has run out of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);
/// A server that has not run out of resources for this long has recovered; the next time is reported again.
const RECOVERED: Duration = Duration::from_secs(10);

/// Listens on `host` and `port` and runs `handler` for every client, each in a task of its own, until it is
/// cancelled. An empty host means every address of this machine, as in Curio.
///
/// A handler that panics or returns an error is reported and ends its own client only. Running out of file
/// descriptors or memory makes the server wait, not end, and is reported once. Cancelling the server cancels its
/// clients and waits for them. To learn the port that 0 stood for, bind a [`TcpListener`] and use [`run_server`].
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
            AnyAddress::bind(port).await?
        } else {
            TcpListener::bind(addresses?.look_up(at).await?).await?.into()
        };
        serve(listener, handler, at).await
    }
}

/// [`tcp_server`] on a listener of your own: a [`TcpListener`], or on Unix a `UnixListener`, whose file stays behind.
///
/// # Errors
/// The listener failed permanently.
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

/// [`tcp_server`] on a Unix socket: makes one at `path`, which must not exist yet, and removes it at the end,
/// also if it is cancelled.
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
///
/// ```
/// use curio::net::HandlerResult;
/// use curio::{TcpStream, tcp_server};
/// use std::io;
/// use std::net::SocketAddr;
///
/// async fn greet(client: TcpStream, _: SocketAddr) -> io::Result<()> {
///     client.sendall(b"hello").await
/// }
/// async fn hang_up(_: TcpStream, _: SocketAddr) {}
///
/// let servers = (tcp_server("127.0.0.1", 8001, greet), tcp_server("127.0.0.1", 8002, hang_up));
/// let result: Result<(), &str> = Err("the disk is full");
/// assert_eq!(result.error().as_deref(), Some("the disk is full")); // what would be reported
/// ```
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
    message = "`{Self}` is not a listener that Curio can serve",
    note = "a listener is a `curio::TcpListener` or a `curio::UnixListener`; both have `from_std`"
)]
pub trait Listener: sealed::Sealed + 'static {
    /// A connection.
    type Stream: 'static;
    /// The address of the peer.
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
    impl Sealed for super::AnyAddress {}
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

impl Listener for AnyAddress {
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
    let mut ran_out_at: Option<Instant> = None;
    loop {
        let accepted = listener.accept_at(at).await;
        let (stream, peer) = match accepted.map_err(|error| (AcceptError::of(&error), error)) {
            Ok(client) => client,
            Err((AcceptError::Connection, _)) => continue,
            Err((AcceptError::Resources, error)) => {
                let before = ran_out_at.replace(traps::now());
                if before.is_none_or(|before| traps::now() - before > RECOVERED) {
                    traps::report(&format!("a server cannot accept clients for now: {error}"));
                }
                sleep(BACK_OFF).at_line(at).await;
                continue;
            }
            Err((AcceptError::Listener, error)) => return Err(error),
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
    /// Requests the cancellation of all before it waits for any, so that it takes only as long as the slowest.
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

/// Removes a client from the list when its task ends, also by a panic or when it is cancelled.
struct Leave(Rc<Clients>);

impl Drop for Leave {
    fn drop(&mut self) {
        let client = traps::current_id().and_then(|id| self.0.tasks.borrow_mut().remove(&id));
        if let Some(client) = client {
            client.detach();
        }
    }
}

#[cfg(all(test, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;
    use std::future::ready;

    /// Fails with these codes, one after the other; 0 is a connection.
    struct Failing(RefCell<Vec<i32>>);

    impl sealed::Sealed for Failing {}

    impl Listener for Failing {
        type Stream = ();
        type Peer = ();

        fn accept_at(&self, _: &'static Location<'static>) -> impl Future<Output = io::Result<((), ())>> {
            let code = self.0.borrow_mut().remove(0);
            ready(if code == 0 { Ok(((), ())) } else { Err(io::Error::from_raw_os_error(code)) })
        }
    }

    /// How long a server with these errors lasted, what it returned, how many clients it served, and its reports.
    fn serving(codes: Vec<i32>) -> (Duration, Option<i32>, usize, Vec<String>) {
        let (reports, served) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(0)));
        let (sink, count) = (Rc::clone(&reports), Rc::clone(&served));
        let builder = crate::Kernel::builder().virtual_clock(true);
        let builder = builder.on_report(move |line| sink.borrow_mut().push(line.to_string()));
        let (lasted, error) = builder.run(async {
            let start = traps::now();
            let serving =
                run_server(Failing(RefCell::new(codes)), async move |(), ()| *count.borrow_mut() += 1);
            let ended = serving.await;
            (traps::now() - start, ended.expect_err("it ends with an error").raw_os_error())
        });
        (lasted, error, served.take(), reports.take())
    }

    const EBADF: i32 = 9;
    const EMFILE: i32 = 24;
    const EPROTO: i32 = 71;

    #[test]
    fn a_server_goes_on_after_connections_that_failed() {
        let (lasted, error, _, reports) = serving(vec![0, EPROTO, EPROTO, 0, 101, 113, EBADF]);
        assert_eq!((lasted, error, reports.len()), (Duration::ZERO, Some(EBADF), 0));
    }

    #[test]
    fn a_server_that_runs_out_of_descriptors_pauses_and_says_so_once() {
        let mut codes = vec![EMFILE; 50];
        codes.extend([0, EMFILE, EBADF]);
        let (lasted, error, served, reports) = serving(codes);
        assert_eq!((lasted, error, served), (51 * BACK_OFF, Some(EBADF), 1));
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains("cannot accept"), "{reports:?}");
    }
}

//! The monitor: looking into a running program from another terminal.
//!
//! ```text
//! mod.rs        Monitor: the activation, and its thread
//! shared.rs     what the two share
//! table.rs      what the monitor knows from events, so also while the kernel is blocked
//! question.rs   what it asks the kernel, and how the answer comes back
//! command.rs    the commands
//! server.rs     the thread: connections, lines, and bounds for both
//! ```
//!
//! `CURIO_MONITOR=1` or [`KernelBuilder::monitor`](crate::KernelBuilder::monitor) makes a program listen on a port of this
//! machine (48802 by default, as in Curio), and `nc 127.0.0.1 48802` talks to it: `ps` shows the tasks, `where 3` the async
//! stack of one, `why 3` what it waits for.
//!
//! The monitor is an activation with a thread of its own. From the events it keeps a table of the tasks, so it can answer when
//! the kernel cannot, because a task computes or blocks; then it says which task that is, since when, and the line at
//! which it last went on. What only the kernel knows is asked through its inbox and answered between polls.
//!
//! Only addresses of this machine are accepted, because a client that can connect can cancel tasks. Every user of the machine
//! can connect.

mod command;
pub(crate) mod question;
mod server;
mod shared;
mod table;

use super::activation::{Activation, Event};
use mio::{Poll, Token, Waker};
use server::Server;
use shared::{Post, Shared};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

/// Where `CURIO_MONITOR=1` listens.
pub(super) const DEFAULT_ADDRESS: &str = "127.0.0.1:48802";

/// Threads of monitors in this process. They wake no task by themselves.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads of this process serve monitors.
pub(crate) fn threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

/// One of [`THREADS`], until it is dropped.
struct CountedThread;

impl CountedThread {
    fn new() -> CountedThread {
        THREADS.fetch_add(1, Ordering::Relaxed);
        CountedThread
    }
}

impl Drop for CountedThread {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The activation that feeds a monitor. Its end is the monitor's.
pub(crate) struct Monitor {
    shared: Arc<Shared>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

/// Listens on the first of the addresses that can be bound.
///
/// # Errors
/// `InvalidInput` for an address that is not of this machine alone; otherwise the operating system's. The error names the
/// address.
pub(crate) fn listen(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the monitor has no address to listen on");
    for address in addresses.to_socket_addrs()? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let text = format!(
            "the monitor does not listen on {address}: only on addresses of this machine alone, such as 127.0.0.1, because it \
             lets everyone who can connect see and cancel tasks"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    TcpListener::bind(address).map_err(|error| {
        io::Error::new(error.kind(), format!("the monitor cannot listen on {address}: {error}"))
    })
}

/// Starts the thread. Questions go to the kernel by `post`.
///
/// # Errors
/// The operating system has no descriptors or threads left.
pub(crate) fn start(listener: TcpListener, post: Post) -> io::Result<Monitor> {
    let poll = Poll::new()?;
    // Connections count from 1, so this is never the token of one.
    let waker = Waker::new(poll.registry(), Token(usize::MAX))?;
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(std::path::Path::file_name);
    let program =
        program.map_or_else(|| "a program".into(), |name| table::printable(&name.to_string_lossy()));
    let shared = Arc::new(Shared::new(post, program));
    let server = Server::new(listener, poll, Arc::clone(&shared))?;
    let counted = CountedThread::new();
    let thread = thread::Builder::new().name("curio-monitor".into()).spawn(move || {
        let _counted = counted;
        server.serve();
    })?;
    Ok(Monitor { shared, waker, thread: Some(thread) })
}

impl Activation for Monitor {
    fn event(&mut self, event: &Event) {
        self.shared.table().add(event);
    }
}

/// Waits for the thread, so that the port is free again. That takes a moment: it waits for nothing but the kernel, whose inbox
/// is closed by now.
impl Drop for Monitor {
    fn drop(&mut self) {
        self.shared.end();
        let woken = self.waker.wake();
        if let (Ok(()), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

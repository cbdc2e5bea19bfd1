//! A server that plays a script: every way in which a peer can misbehave, in an order that a test chooses.
//!
//! It knows hardly anything of HTTP. A script is a list of steps on the bytes of one connection: read a request, send bytes
//! (at once, one by one, in two parts), wait, stall, close, reset. It records what it receives.
//!
//! A connection can end in several ways:
//!
//! | step | the client sees |
//! |---|---|
//! | [`close`](Script::close) | the end of the stream; over TLS a `close_notify` before it |
//! | [`truncate`](Script::truncate) | the end of the stream, over TLS without `close_notify`: truncation |
//! | [`reset`](Script::reset) | "connection reset by peer" |
//! | [`stall`](Script::stall) | nothing at all |
//!
//! A reset needs a linger time of zero, which sockets inherit from their listener. So if a script of a server has a reset,
//! all other connections are shut down before they are closed.

mod actor;
mod script;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use curio::{Semaphore, Task, TcpStream};
use rustls::ServerConfig;

pub use script::Script;

use crate::authority::Identity;
use crate::listen::{OnClose, listen};
use actor::{Stage, play};
use script::Step;

/// A running server that plays scripts. Dropping it stops it: all its connections are closed.
pub struct HostileServer {
    base_url: String,
    address: SocketAddr,
    records: Rc<RefCell<Vec<Vec<u8>>>>,
    open: Rc<Cell<usize>>,
    gate: Rc<Semaphore>,
    server: Task<()>,
}

impl HostileServer {
    /// Starts one on a free port of 127.0.0.1. The first connection gets the first script, and so on; the last
    /// script is for all that come after.
    ///
    /// # Errors
    /// When no port can be had, or there is no script.
    pub async fn start(scripts: impl IntoIterator<Item = Script>) -> io::Result<HostileServer> {
        HostileServer::start_with(None, scripts)
    }

    /// The same over TLS: the scripts begin after the handshake.
    ///
    /// # Errors
    /// When no port can be had, there is no script, or the certificate's key is of no use.
    pub async fn start_tls(
        identity: &Identity,
        scripts: impl IntoIterator<Item = Script>,
    ) -> io::Result<HostileServer> {
        HostileServer::start_with(Some(identity.server_config()?), scripts)
    }

    fn start_with(
        tls: Option<Arc<ServerConfig>>,
        scripts: impl IntoIterator<Item = Script>,
    ) -> io::Result<HostileServer> {
        let scripts: Vec<Script> = scripts.into_iter().collect();
        if scripts.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a hostile server needs a script"));
        }
        let resets = scripts.iter().any(|script| script.steps.contains(&Step::Reset));
        let listener = listen(0, if resets { OnClose::Reset } else { OnClose::EndOfStream })?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let records = Rc::new(RefCell::new(Vec::new()));
        let open = Rc::new(Cell::new(0));
        let gate = Rc::new(Semaphore::new(0));
        let stage =
            Rc::new(Stage { scripts, tls, records: records.clone(), open: open.clone(), gate: gate.clone() });
        let handler = move |stream: TcpStream, _: SocketAddr| play(stage.clone(), stream);
        let server = curio::spawn_named("hostile server", async move {
            if let Err(error) = curio::run_server(listener, handler).await {
                eprintln!("hostile server: stopped: {error}");
            }
        });
        Ok(HostileServer { base_url: format!("{scheme}://{address}"), address, records, open, gate, server })
    }

    /// `http://127.0.0.1:PORT`, or `https://…`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets one script go on that has come, or will come, to its [`pause`](Script::pause).
    pub fn go_on(&self) {
        self.gate.release();
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.records.borrow().len()
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        self.open.get()
    }

    /// Waits until no connection is open any more; false if that takes more than five seconds.
    pub async fn all_closed(&self) -> bool {
        for _ in 0..1000 {
            if self.open() == 0 {
                return true;
            }
            curio::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    /// What the `index`th connection has read so far, as text; empty if there was none.
    pub fn received(&self, index: usize) -> String {
        self.records
            .borrow()
            .get(index)
            .map_or(String::new(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Stops it and waits until all its connections are closed.
    pub async fn close(self) {
        self.server.cancel().await;
    }
}

impl Drop for HostileServer {
    fn drop(&mut self) {
        self.server.request_cancel();
    }
}

//! An HTTP proxy and a SOCKS proxy, written with Curio's sockets.
//!
//! They implement what a client may rely on, and record what they are asked for. They connect to 127.0.0.1 for every name.
//! So if a test gets a response from `http://a.test:PORT/`, the proxy has resolved the name and not the client.

mod http;
mod socks;

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use curio::{Task, TcpStream};

use crate::listen::{OnClose, listen};

/// A running proxy. Dropping it stops it: all its connections are closed.
pub struct TestProxy {
    address: SocketAddr,
    asked: Rc<RefCell<Vec<String>>>,
    server: Task<()>,
}

/// What all connections of a proxy share.
struct Desk {
    /// `user:password`, if they are wanted.
    credentials: Option<String>,
    asked: Rc<RefCell<Vec<String>>>,
}

impl TestProxy {
    /// An HTTP proxy: it forwards requests and makes tunnels. With `credentials` (`user:password`) it responds with 407 to
    /// clients without them.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn http(credentials: Option<&str>) -> io::Result<TestProxy> {
        TestProxy::start(credentials, async |desk, stream| http::serve(&desk, stream).await)
    }

    /// A SOCKS proxy, version 5 and 4A. `credentials` are for version 5.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn socks(credentials: Option<&str>) -> io::Result<TestProxy> {
        TestProxy::start(credentials, async |desk, stream| socks::serve(&desk, stream).await)
    }

    fn start(
        credentials: Option<&str>,
        serve: impl AsyncFn(Rc<Desk>, TcpStream) -> io::Result<()> + 'static,
    ) -> io::Result<TestProxy> {
        let listener = listen(0, OnClose::EndOfStream)?;
        let address = listener.local_addr()?;
        let asked = Rc::new(RefCell::new(Vec::new()));
        let desk = Rc::new(Desk { credentials: credentials.map(str::to_owned), asked: Rc::clone(&asked) });
        let handler = async move |stream: TcpStream, _: SocketAddr| {
            // Some tests disconnect in the middle.
            let _ = serve(Rc::clone(&desk), stream).await;
        };
        let server = curio::spawn_named("test proxy", async move {
            if let Err(error) = curio::run_server(listener, handler).await {
                eprintln!("test proxy: stopped: {error}");
            }
        });
        Ok(TestProxy { address, asked, server })
    }

    /// Its address in a proxy URL: `scheme://127.0.0.1:PORT`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked for, one text for each request: of an HTTP proxy the request's head, of a SOCKS proxy a line like
    /// `5 name a.test:80` (version, `name` or `address`, and where to).
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    /// Stops it and waits until all its connections are closed.
    pub async fn close(self) {
        self.server.cancel().await;
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.server.request_cancel();
    }
}

impl Desk {
    fn note(&self, question: String) {
        self.asked.borrow_mut().push(question);
    }
}

/// The server is on this machine, whatever its name.
async fn connect(port: u16) -> io::Result<TcpStream> {
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

//! An httpbin on Curio's own sockets: a server for tests and examples.
//!
//! # The path of a request
//! ```text
//! mod.rs         Httpbin::start        listens; spawns one task, and that one task per connection
//! connection.rs  Connection::serve     reads from the socket into the reader, until …
//! reader.rs      Reader::next          … a request is complete: bytes became a value
//! routes.rs      reply                 the value becomes a plan: status, headers, body, and when
//! connection.rs  Connection::send      the plan becomes bytes and delays
//! ```
//! Only `connection.rs` and this file use sockets and the kernel. The reader and the routes are plain functions of bytes and
//! values, so their tests need neither.
//!
//! # Differences to httpbin
//! It responds as httpbin does, in the same form, but deterministically: httpbin's random values are derived from a seed
//! here. It stores the body of a request in memory (up to 64 MiB) and listens on the loopback interface only.

mod access;
mod base64;
mod bodies;
mod body;
mod caching;
mod connection;
mod cookies;
mod counters;
mod date;
mod echo;
mod multipart;
mod range;
mod reader;
mod redirects;
mod reply;
mod request;
mod routes;
mod thread;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use curio::{Task, TcpStream};
use rustls::ServerConfig;

pub use counters::Counters;
pub use thread::HttpbinThread;

pub(crate) use base64::encode as base64_encode;
pub(crate) use reader::{Event, Reader};

use crate::authority::Identity;
use crate::listen::{OnClose, listen};
use connection::{Connection, Settings};

/// A running httpbin. Dropping it stops it: all its connections are closed.
///
/// It runs as tasks of the kernel that started it, so that a program and its server share one thread and, under
/// a virtual clock, one time.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let httpbin = curio_support::Httpbin::start().await?;
///     let stream = curio::TcpStream::connect(httpbin.address()).await?;
///     stream.sendall(b"GET /status/418 HTTP/1.0\r\n\r\n").await?;
///     assert!(stream.read_all().await?.starts_with(b"HTTP/1.1 418 "));
///     assert_eq!(httpbin.counters().served(), 1);
///     httpbin.close().await;
///     Ok(())
/// })
/// # }
/// ```
pub struct Httpbin {
    base_url: String,
    address: SocketAddr,
    counters: Counters,
    server: Task<()>,
}

impl Httpbin {
    /// Starts one over plain HTTP, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Httpbin> {
        Httpbin::builder().start().await
    }

    /// Starts one over HTTPS with this certificate.
    ///
    /// # Errors
    /// When no port can be had, or the certificate's key is of no use.
    pub async fn start_tls(identity: &Identity) -> io::Result<Httpbin> {
        Httpbin::builder().tls(identity)?.start().await
    }

    /// A builder, for other settings.
    pub fn builder() -> HttpbinBuilder {
        HttpbinBuilder { port: 0, tls: None, idle_timeout: Duration::from_secs(60), max_requests: u64::MAX }
    }

    /// `http://127.0.0.1:PORT`, or `https://…`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL of a path on this server: `url("/get")`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Stops it and waits until all its connections are closed.
    pub async fn close(self) {
        self.server.cancel().await;
    }
}

impl Drop for Httpbin {
    fn drop(&mut self) {
        self.server.request_cancel();
    }
}

/// Settings of an [`Httpbin`].
#[must_use]
pub struct HttpbinBuilder {
    port: u16,
    tls: Option<Arc<ServerConfig>>,
    idle_timeout: Duration,
    max_requests: u64,
}

impl HttpbinBuilder {
    /// The port to listen on; 0, the default, is any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// HTTPS with this certificate.
    ///
    /// # Errors
    /// When the certificate's key is of no use.
    pub fn tls(mut self, identity: &Identity) -> io::Result<Self> {
        self.tls = Some(identity.server_config()?);
        Ok(self)
    }

    /// How long a connection may be idle before or within a request until it is closed; 60 s by default.
    pub fn idle_timeout(mut self, duration: Duration) -> Self {
        self.idle_timeout = duration;
        self
    }

    /// How many requests a connection may carry; the response to the last has `Connection: close`.
    pub fn max_requests_per_connection(mut self, n: u64) -> Self {
        self.max_requests = n.max(1);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(self) -> io::Result<Httpbin> {
        let listener = listen(self.port, OnClose::EndOfStream)?;
        let address = listener.local_addr()?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let counters = Counters::default();
        let settings = Arc::new(Settings {
            tls: self.tls,
            idle_timeout: self.idle_timeout,
            max_requests: self.max_requests,
            counters: counters.clone(),
        });
        let handler =
            move |stream: TcpStream, peer: SocketAddr| Connection::serve(stream, peer, settings.clone());
        let server = curio::spawn_named("httpbin", async move {
            // The task of a server is never joined, so it cannot return its error.
            if let Err(error) = curio::run_server(listener, handler).await {
                eprintln!("httpbin: stopped: {error}");
            }
        });
        Ok(Httpbin { base_url: format!("{scheme}://{address}"), address, counters, server })
    }
}

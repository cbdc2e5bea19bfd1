//! A server that speaks HTTP/2 in tasks of the test's own kernel, by the server's half of the crate h2, so that a test can
//! misbehave frame by frame; over TCP, over TLS, or in memory.
#![allow(dead_code, reason = "each test file uses a part of this module")]

pub(crate) mod memory;
mod peer_io;
pub(crate) mod raw;
mod tls;

pub(crate) use peer_io::{Adapted, send_all};
pub(crate) use tls::TlsIo;

use bytes::Bytes;
use curio::{TcpListener, TcpStream};
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

/// One request, and the way to answer it.
pub(crate) struct Exchange {
    pub(crate) request: Request<RecvStream>,
    pub(crate) respond: SendResponse<Bytes>,
    /// Which connection it came on, counted from 0.
    pub(crate) connection: usize,
}

impl Exchange {
    pub(crate) fn path(&self) -> String {
        self.request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned()
    }

    /// A 200 with this body.
    pub(crate) async fn ok(mut self, body: impl Into<Bytes>) {
        self.answer(Response::new(()), body.into()).await;
    }

    pub(crate) async fn answer(&mut self, response: Response<()>, body: Bytes) {
        if let Ok(mut send) = self.respond.send_response(response, false) {
            send_all(&mut send, body, true).await;
        }
    }

    /// The whole body of the request.
    pub(crate) async fn body(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let body = self.request.body_mut();
        while let Some(Ok(piece)) = body.data().await {
            let _ = body.flow_control().release_capacity(piece.len());
            all.extend_from_slice(&piece);
        }
        all
    }

    pub(crate) fn reset(mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }
}

/// What has happened at a server.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: Cell<usize>,
    /// `METHOD path` of each request.
    pub(crate) requests: RefCell<Vec<String>>,
    pub(crate) in_progress: Cell<usize>,
    pub(crate) most_in_progress: Cell<usize>,
}

/// A server in tasks; dropping it stops it.
pub(crate) struct H2Server {
    pub(crate) addr: SocketAddr,
    pub(crate) seen: Rc<Seen>,
    accepting: curio::Task<()>,
}

impl H2Server {
    /// Each request is handled in a task of its own.
    pub(crate) fn start(handle: impl AsyncFn(Exchange) + 'static) -> H2Server {
        H2Server::with(Builder::new(), None, handle)
    }

    pub(crate) fn with(
        builder: Builder,
        tls: Option<std::sync::Arc<rustls::ServerConfig>>,
        handle: impl AsyncFn(Exchange) + 'static,
    ) -> H2Server {
        let (builder, handle) = (Rc::new(builder), Rc::new(handle));
        let seen: Rc<Seen> = Rc::default();
        let all = Rc::clone(&seen);
        H2Server::on_connection(move |number, tcp| {
            let (builder, handle, seen, tls) =
                (Rc::clone(&builder), Rc::clone(&handle), Rc::clone(&all), tls.clone());
            async move {
                seen.connections.set(number + 1);
                match tls {
                    None => serve(Adapted(tcp), &builder, number, &seen, handle).await,
                    Some(config) => {
                        if let Ok(io) = TlsIo::accept(tcp, config).await {
                            serve(io, &builder, number, &seen, handle).await;
                        }
                    }
                }
            }
        })
        .seeing(seen)
    }

    /// Hands each connection to `serve`.
    pub(crate) fn on_connection<F: Future<Output = ()> + 'static>(
        serve: impl Fn(usize, TcpStream) -> F + 'static,
    ) -> H2Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        listener.set_nonblocking(true).expect("a socket");
        let addr = listener.local_addr().expect("a bound socket");
        let listener = TcpListener::from_std(listener).expect("a socket of this kernel");
        let seen: Rc<Seen> = Rc::default();
        let count = Rc::clone(&seen);
        let accepting = curio::spawn(async move {
            let tasks = curio::TaskGroup::new();
            for number in 0.. {
                let Ok((tcp, _)) = listener.accept().await else { break };
                count.connections.set(number + 1);
                tasks.spawn(serve(number, tcp));
            }
        });
        H2Server { addr, seen, accepting }
    }

    fn seeing(mut self, seen: Rc<Seen>) -> H2Server {
        self.seen = seen;
        self
    }

    /// `http://127.0.0.1:port` and `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) async fn stop(self) {
        self.accepting.cancel().await;
    }
}

/// Serves one connection until it ends.
pub(crate) async fn serve<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    io: S,
    builder: &Builder,
    number: usize,
    seen: &Rc<Seen>,
    handle: Rc<impl AsyncFn(Exchange) + 'static>,
) {
    let Ok(mut connection): Result<Connection<S, Bytes>, _> = builder.handshake(io).await else { return };
    let tasks = curio::TaskGroup::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let line = format!("{} {}", request.method(), request.uri().path());
        seen.requests.borrow_mut().push(line);
        let (handle, seen) = (Rc::clone(&handle), Rc::clone(seen));
        tasks.spawn(async move {
            seen.in_progress.set(seen.in_progress.get() + 1);
            seen.most_in_progress.set(seen.most_in_progress.get().max(seen.in_progress.get()));
            handle(Exchange { request, respond, connection: number }).await;
            seen.in_progress.set(seen.in_progress.get() - 1);
        });
    }
}

//! A server for tests, in plain blocking threads, so that nothing of what is tested serves it. It reads requests and
//! writes exactly the bytes a test gives it, and then keeps, closes, resets or stalls the connection.

#![allow(dead_code, reason = "each test file uses a part of it")]

#[cfg(feature = "http2")]
mod over_http2;

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whether this is a test of `over_http2.rs`, which runs the tests of other files over HTTP/2.
pub(crate) fn is_over_http2() -> bool {
    env!("CARGO_CRATE_NAME") == "over_http2"
}

/// Makes sessions, in the tests of `over_http2.rs` such as speak HTTP/2: in the place of `curio_http::ClientSession`.
pub(crate) struct ClientSession;

impl ClientSession {
    #[allow(clippy::new_ret_no_self, reason = "it makes the sessions of the crate")]
    pub(crate) fn new() -> curio_http::ClientSession {
        ClientSession::builder().build().expect("good settings")
    }

    pub(crate) fn builder() -> curio_http::ClientSessionBuilder {
        let builder = curio_http::ClientSession::builder();
        #[cfg(feature = "http2")]
        if is_over_http2() {
            return builder.http2_prior_knowledge();
        }
        builder
    }
}

/// Longer than any test takes; a server thread that waits for this long has been forgotten.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Lower-case names; several values of one name joined by ", ".
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// The head, byte for byte.
    pub(crate) head: String,
    /// Which connection it came on, counted from 0.
    pub(crate) connection: usize,
    /// The how-manieth request of this connection it is, counted from 0.
    pub(crate) nth: usize,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What to answer, and what to do with the connection then.
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Keep,
    Close,
    Stall,
}

impl Reply {
    /// These bytes, and the connection stays open for the next request.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply { bytes: bytes.into(), then: Then::Keep }
    }

    /// A 200 with this body.
    pub(crate) fn ok(body: &str) -> Reply {
        Reply::with("200 OK", "", body)
    }

    /// A status, more header lines (each with its CR LF), and a body with its length.
    pub(crate) fn with(status: &str, headers: &str, body: &str) -> Reply {
        Reply::raw(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
    }

    pub(crate) fn redirect(status: &str, location: &str) -> Reply {
        Reply::with(status, &format!("Location: {location}\r\n"), "")
    }

    /// The connection is closed afterwards.
    pub(crate) fn then_close(mut self) -> Reply {
        self.then = Then::Close;
        self
    }

    /// The connection stays open, and nothing more ever comes on it.
    pub(crate) fn then_stall(mut self) -> Reply {
        self.then = Then::Stall;
        self
    }
}

pub(crate) struct Server {
    addr: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    stopping: AtomicBool,
    accepted: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    received: Mutex<Vec<Received>>,
}

impl Server {
    /// Answers every request by asking `answer`.
    pub(crate) fn answering(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Server {
        Server::serving(move |state, number, stream| {
            #[cfg(feature = "http2")]
            if over_http2::is_spoken(&stream) {
                return over_http2::serve(state, number, stream, &answer);
            }
            let mut reader = Reader::new(stream);
            for nth in 0.. {
                let Ok(Some(mut request)) = reader.request() else { break };
                request.connection = number;
                request.nth = nth;
                state.received().push(request.clone());
                let reply = answer(&request);
                if reader.stream.write_all(&reply.bytes).is_err() || reply.then == Then::Close {
                    break;
                }
                if reply.then == Then::Stall {
                    let _ = reader.stream.read(&mut [0; 1024]);
                    break;
                }
            }
            let _ = reader.stream.shutdown(Shutdown::Both);
        })
    }

    /// Hands every connection to `serve`, which may do with it as it likes.
    pub(crate) fn on_connection(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Server {
        Server::serving(move |_, number, stream| serve(number, stream))
    }

    fn serving(serve: impl Fn(&State, usize, TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let addr = listener.local_addr().expect("a bound socket");
        let state = Arc::new(State::default());
        let (shared, serve) = (Arc::clone(&state), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(PATIENCE));
                let _ = stream.set_nodelay(true);
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                let (shared, serve) = (Arc::clone(&shared), Arc::clone(&serve));
                std::thread::spawn(move || {
                    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.most_open.fetch_max(open, Ordering::SeqCst);
                    serve(&shared, number, stream);
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { addr, state }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:port` and `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// How many connections were open at the same time, at most.
    pub(crate) fn most_open(&self) -> usize {
        self.state.most_open.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open any more; false if that does not happen.
    pub(crate) fn all_closed(&self) -> bool {
        for _ in 0..2000 {
            if self.state.open.load(Ordering::SeqCst) == 0 {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.state.received().clone()
    }

    /// The only request so far.
    pub(crate) fn request(&self) -> Received {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "there should have been one request");
        requests.remove(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
    }
}

impl State {
    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads requests from a connection, one after the other.
pub(crate) struct Reader<S = TcpStream> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

impl<S: Read + Write> Reader<S> {
    pub(crate) fn new(stream: S) -> Reader<S> {
        Reader { stream, buffer: Vec::new() }
    }

    /// The next request, body included; `None` at the end of the connection.
    pub(crate) fn request(&mut self) -> io::Result<Option<Received>> {
        let Some(head) = self.until(b"\r\n\r\n")? else { return Ok(None) };
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let mut request = Received {
            method: first.next().unwrap_or_default().into(),
            target: first.next().unwrap_or_default().into(),
            head: head.clone(),
            ..Received::default()
        };
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let values = request.headers.entry(name.to_ascii_lowercase()).or_default();
            if !values.is_empty() {
                values.push_str(", ");
            }
            values.push_str(value);
        }
        if let Some(length) = request.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            request.body = self.exactly(length)?;
        } else if request
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        {
            request.body = self.chunks()?;
        }
        Ok(Some(request))
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.until(b"\r\n")?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
            let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
            body.extend(self.exactly(size)?);
            self.exactly(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn until(&mut self, end: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return Ok(Some(self.buffer.drain(..at + end.len()).collect()));
            }
            if self.more()? == 0 {
                return Ok(None);
            }
        }
    }

    fn exactly(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < n {
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..n).collect())
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut piece = [0; 16 * 1024];
        let n = self.stream.read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..n]);
        Ok(n)
    }
}

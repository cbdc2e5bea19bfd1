//! hyper serves HTTP over `curio::TcpStream`: a crate that was written for another runtime runs on this kernel.
//!
//! hyper asks its runtime for three things, and each has an adapter here, to be copied: bytes (`CurioIo`), a clock
//! (`CurioTimer`) and tasks (`CurioExecutor`, for the streams of HTTP/2 only).
//!
//! Run it: `cargo run --example hyper_server` (it comes with its own client), or with `-- 127.0.0.1:25000` and, in another
//! terminal, `curl http://127.0.0.1:25000/`. Ctrl-C ends it. With `h2` as a second argument it speaks HTTP/2.
//!
//! Then try: `nc 127.0.0.1 25000` without a word. Who closes the connection, and when?
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};

use curio::{Event, TcpStream, run_server};
use curio_support::{Failure, with_server};
use futures_io::{AsyncRead, AsyncWrite};
use hyper::body::Incoming;
use hyper::rt::{Executor, Read, ReadBufCursor, Sleep, Timer, Write};
use hyper::server::conn::{http1, http2};
use hyper::{Request, Response, service::service_fn};

/// A stream with hyper's I/O traits.
struct CurioIo(TcpStream);

impl Read for CurioIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut to: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // By way of an array, because the space is not initialised, and only unsafe code could write to it directly.
        let mut bytes = [0; 8 * 1024];
        let most = to.remaining().min(bytes.len());
        let n = ready!(Pin::new(&mut self.get_mut().0).poll_read(cx, &mut bytes[..most]))?;
        to.put_slice(&bytes[..n]);
        Poll::Ready(Ok(()))
    }
}

impl Write for CurioIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// The kernel's clock. Its sleeps may not go to other threads, as hyper's may, so a task sleeps for each.
struct CurioTimer;

impl Timer for CurioTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let (unwanted, (done, over)) = (Arc::new(Event::new()), curio::oneshot());
        let stop = Arc::clone(&unwanted);
        let sleeping = async move {
            curio::race((curio::sleep_until(deadline), stop.wait())).await;
            let _ = done.send(());
        };
        curio::spawn(sleeping).detach();
        Box::pin(CurioSleep(Box::pin(async { over.recv().await.unwrap_or(()) }), unwanted))
    }
    fn now(&self) -> Instant {
        curio::clock()
    }
}

struct CurioSleep(Pin<Box<dyn Future<Output = ()> + Send + Sync>>, Arc<Event>);
impl Sleep for CurioSleep {}
impl Future for CurioSleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Drop for CurioSleep {
    fn drop(&mut self) {
        self.1.set();
    }
}

/// Runs the streams of an HTTP/2 connection. Each ends with its connection.
#[derive(Clone)]
struct CurioExecutor;

impl<F: Future<Output = ()> + 'static> Executor<F> for CurioExecutor {
    fn execute(&self, future: F) {
        curio::spawn(future).detach();
    }
}

async fn hello(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(format!("hyper has received {} {}\n", request.method(), request.uri())))
}

async fn serve(client: TcpStream, _: SocketAddr) -> hyper::Result<()> {
    let (io, service) = (CurioIo(client), service_fn(hello));
    if std::env::args().nth(2).as_deref() == Some("h2") {
        return http2::Builder::new(CurioExecutor).timer(CurioTimer).serve_connection(io, service).await;
    }
    let mut builder = http1::Builder::new();
    builder.timer(CurioTimer).header_read_timeout(Duration::from_secs(5)).serve_connection(io, service).await
}

async fn ask(server: SocketAddr) -> Result<(), Failure> {
    let mut response = curio_http::get(format!("http://{server}/a?b")).await?;
    print!("{}", response.text().await?);
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_server(|listener| run_server(listener, serve), ask))
}

//! TLS for the server's end of a connection.

use curio::TcpStream;
use futures_io::{AsyncRead as _, AsyncWrite as _};
use rustls::{ServerConfig, ServerConnection};
use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) struct TlsIo {
    tcp: TcpStream,
    machine: ServerConnection,
    outgoing: Vec<u8>,
}

impl TlsIo {
    /// Performs the handshake.
    pub(crate) async fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<TlsIo> {
        let machine = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut tls = TlsIo { tcp, machine, outgoing: Vec::new() };
        while tls.machine.is_handshaking() {
            poll_fn(|cx| {
                ready!(tls.poll_send(cx))?;
                if tls.machine.is_handshaking() {
                    tls.poll_fill(cx).map_ok(|_| ())
                } else {
                    Poll::Ready(Ok(()))
                }
            })
            .await?;
        }
        poll_fn(|cx| tls.poll_send(cx)).await?;
        Ok(tls)
    }

    pub(crate) fn chose_http2(&self) -> bool {
        self.machine.alpn_protocol() == Some(b"h2")
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.machine.wants_write() {
            self.machine.write_tls(&mut self.outgoing)?;
        }
        while !self.outgoing.is_empty() {
            let n = ready!(Pin::new(&mut self.tcp).poll_write(cx, &self.outgoing))?;
            self.outgoing.drain(..n);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads ciphertext; 0 at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut ciphertext = [0; 4096];
        let n = ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut ciphertext))?;
        let mut rest = &ciphertext[..n];
        while !rest.is_empty() || n == 0 {
            if self.machine.read_tls(&mut rest)? == 0 {
                return Poll::Ready(Ok(0));
            }
            self.machine.process_new_packets().map_err(io::Error::other)?;
        }
        Poll::Ready(Ok(n))
    }
}

impl AsyncRead for TlsIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.machine.reader().read(space.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(n) => {
                    space.advance(n);
                    return Poll::Ready(Ok(()));
                }
                // An end without close_notify.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
            ready!(self.poll_fill(cx))?;
            let _ = self.poll_send(cx)?;
        }
    }
}

impl AsyncWrite for TlsIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let n = self.machine.writer().write(&bytes[..bytes.len().min(16 * 1024)])?;
        let _ = self.poll_send(cx)?;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.machine.send_close_notify();
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.tcp).poll_close(cx)
    }
}

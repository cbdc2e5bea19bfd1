//! Playing a script on one connection.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use curio::{Semaphore, TcpStream};
use rustls::ServerConfig;

use super::script::{Script, Step};
use crate::httpbin::{Event, Reader};
use crate::transport::{Tls, Transport};

/// What all connections of a server share.
pub(super) struct Stage {
    pub(super) scripts: Vec<Script>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) records: Rc<RefCell<Vec<Vec<u8>>>>,
    pub(super) open: Rc<Cell<usize>>,
    pub(super) gate: Rc<Semaphore>,
}

/// Counts a connection as open until it is dropped.
struct Open(Rc<Cell<usize>>);

impl Open {
    fn new(open: &Rc<Cell<usize>>) -> Open {
        open.set(open.get() + 1);
        Open(open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Plays one connection.
pub(super) async fn play(stage: Rc<Stage>, tcp: TcpStream) {
    let _open = Open::new(&stage.open);
    let index = {
        let mut records = stage.records.borrow_mut();
        records.push(Vec::new());
        records.len() - 1
    };
    let Some(script) = stage.scripts.get(index).or(stage.scripts.last()) else { return };
    // Without it, a single byte would wait for the acknowledgement of the one before.
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let transport = match &stage.tls {
        None => Transport::Plain(tcp),
        Some(config) => match Tls::accept(tcp, config.clone()).await {
            Ok(tls) => Transport::Tls(Box::new(tls)),
            // The client refused the certificate, which its test checks.
            Err(_) => return,
        },
    };
    let mut actor = Actor { stage: &stage, index, transport, unused: Vec::new() };
    for step in &script.steps {
        // Many scripts expect the client to disconnect before their end.
        if actor.step(step).await.is_err() {
            return;
        }
    }
    if !script
        .steps
        .iter()
        .any(|step| matches!(step, Step::Close | Step::Truncate | Step::Reset | Step::Stall))
    {
        let _ = actor.step(&Step::Close).await;
    }
}

/// One connection and how far it has been read.
struct Actor<'a> {
    stage: &'a Stage,
    index: usize,
    transport: Transport,
    /// Read, recorded, and not yet asked for by a step.
    unused: Vec<u8>,
}

impl Actor<'_> {
    async fn step(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::ReadHead => self.read_head().await,
            Step::ReadRequest => self.read_request().await,
            Step::Read(n) => {
                while self.unused.len() < *n {
                    self.receive().await?;
                }
                self.unused.drain(..*n);
                Ok(())
            }
            Step::Send(bytes) => self.transport.write_all(bytes).await,
            Step::SendByteByByte(bytes) => {
                for byte in bytes {
                    self.transport.write_all(&[*byte]).await?;
                    curio::schedule().await;
                }
                Ok(())
            }
            Step::Wait(duration) => {
                curio::sleep(*duration).await;
                Ok(())
            }
            Step::Pause => {
                self.stage.gate.acquire().await.forget();
                Ok(())
            }
            Step::Stall => loop {
                self.receive().await?;
            },
            Step::Close => {
                self.transport.finish().await?;
                self.drain().await
            }
            Step::Truncate => {
                self.transport.tcp().shutdown(Shutdown::Write)?;
                self.drain().await
            }
            // The socket is closed when this returns, and with the linger time of zero that is a reset.
            Step::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    async fn read_head(&mut self) -> io::Result<()> {
        loop {
            if let Some(end) = self.unused.windows(4).position(|window| window == b"\r\n\r\n") {
                self.unused.drain(..end + 4);
                return Ok(());
            }
            self.receive().await?;
        }
    }

    async fn read_request(&mut self) -> io::Result<()> {
        let mut reader = Reader::new();
        loop {
            let bytes = std::mem::take(&mut self.unused);
            for piece in bytes.chunks(512) {
                reader.space()[..piece.len()].copy_from_slice(piece);
                reader.filled(piece.len());
            }
            match reader.next() {
                Ok(Some(Event::Request(_))) => {
                    self.unused = bytes[bytes.len() - reader.unused()..].to_vec();
                    return Ok(());
                }
                Ok(Some(Event::Continue) | None) => self.receive().await?,
                Err(refusal) => {
                    eprintln!("hostile server: the client's request is malformed: {}", refusal.why);
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
    }

    /// Reads some bytes and records them; the end of the stream is an error.
    async fn receive(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 4096];
        let n = self.transport.read(&mut buffer).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.stage.records.borrow_mut()[self.index].extend_from_slice(&buffer[..n]);
        self.unused.extend_from_slice(&buffer[..n]);
        Ok(())
    }

    /// Waits a moment for the client to close too: a socket that is closed with bytes unread is reset, and only
    /// [`Script::reset`] is to do that.
    async fn drain(&mut self) -> io::Result<()> {
        let mut scrap = vec![0; 4096];
        let drained = async { while matches!(self.transport.tcp().recv(&mut scrap).await, Ok(1..)) {} };
        // A timeout counts as the end.
        let _ = curio::ignore_after(Duration::from_secs(1), drained).await;
        Ok(())
    }
}

//! The handshake with a SOCKS proxy, on a stream.
//!
//! The two versions of the protocol are state machines without I/O (`socks4.rs`, `socks5.rs`): each step says what to send
//! and how many bytes to read, and gets these in the next step. No more bytes are read than that, because those after the
//! handshake belong to the tunnel.

use super::address::{Protocol, Proxy};
use super::socks_step::{Destination, Refused, Step};
use super::socks4::Socks4a;
use super::socks5::Socks5;
use crate::connections::stream::{SendBuffer, Stream};
use crate::error::Error;
use std::future::poll_fn;
use std::io;

enum Machine {
    Version4(Socks4a),
    Version5(Socks5),
}

/// Performs the handshake on a new connection to the proxy. Afterwards the stream leads to the server.
///
/// # Errors
/// Of kind [`Proxy`](crate::ErrorKind::Proxy).
pub(super) async fn handshake(
    stream: &mut Stream,
    proxy: &Proxy,
    destination: &Destination<'_>,
    whom: &str,
) -> Result<(), Error> {
    let failed = || proxy.failed(&format!("a connection to {whom}"));
    let mut machine = machine(proxy, destination).map_err(|why| failed().because(why))?;
    let mut reply = Vec::new();
    loop {
        let step = match &mut machine {
            Machine::Version4(machine) => machine.step(&reply),
            Machine::Version5(machine) => machine.step(&reply),
        };
        match step.map_err(|why| failed().because(why))? {
            Step::Done => return Ok(()),
            Step::Talk { say, expect } => {
                let answer = talk(stream, say, expect).await;
                reply = answer.map_err(|cause| failed().because(cause))?;
            }
        }
    }
}

fn machine(proxy: &Proxy, destination: &Destination<'_>) -> Result<Machine, Refused> {
    let credentials = proxy.credentials();
    if matches!(proxy.protocol, Protocol::Socks4 | Protocol::Socks4a) {
        let user = credentials.map(|(user, _)| user).unwrap_or_default();
        return Ok(Machine::Version4(Socks4a::new(destination, &user)?));
    }
    Ok(Machine::Version5(Socks5::new(destination, credentials)?))
}

async fn talk(stream: &mut Stream, say: Vec<u8>, expect: usize) -> io::Result<Vec<u8>> {
    let mut out = SendBuffer::default();
    out.bytes = say;
    poll_fn(|cx| stream.poll_send(cx, &mut out)).await?;
    let mut reply = vec![0; expect];
    let mut filled = 0;
    while filled < expect {
        match poll_fn(|cx| stream.poll_read(cx, &mut reply[filled..])).await? {
            0 => {
                let what = "it closed the connection in the middle of the handshake";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
            n => filled += n,
        }
    }
    Ok(reply)
}

//! One signal, as bytes in a pipe.

use crate::error::while_doing;
use crate::kernel::reactor::{Direction, SocketKind};
use crate::net::socket::{Attempt, Socket};
use mio::unix::pipe;
use signal_hook::SigId;
use signal_hook::consts::FORBIDDEN;
use signal_hook::low_level;
use std::io::{self, Read};
use std::panic::Location;

/// Gets a byte for every arrival of one signal, from now on until it is dropped. (A full pipe loses more of them;
/// it holds tens of thousands.)
pub(super) struct SignalPipe {
    bytes: Socket<pipe::Receiver>,
    registered: SigId,
}

impl SignalPipe {
    /// # Errors
    /// `InvalidInput` if it is no signal or one that cannot be listened to; no file descriptors left.
    #[track_caller]
    pub(super) fn new(signal: i32) -> io::Result<SignalPipe> {
        check(signal)?;
        let (sender, receiver) = pipe::new()?;
        let bytes = Socket::of_kind(receiver, SocketKind::Signal(signal))?;
        let registered = low_level::pipe::register(signal, sender)
            .map_err(|error| while_doing(format_args!("listening to signal {signal}"), error))?;
        Ok(SignalPipe { bytes, registered })
    }

    /// Whether the kernel that runs here is the one that can wait for this.
    pub(super) fn is_watched_here(&self) -> bool {
        self.bytes.is_watched_here()
    }

    /// Waits for the next arrival that was not taken yet. Cancel-safe.
    ///
    /// # Errors
    /// `ResourceBusy` if another task waits here already.
    pub(super) fn arrival(&self, at: &'static Location<'static>) -> impl Future<Output = io::Result<()>> {
        self.bytes.op(Direction::Read, at, |mut pipe| {
            pipe.read_exact(&mut [0])?;
            Ok(Attempt::full(()))
        })
    }

    /// Takes an arrival that the reactor has announced. Costs no system call if it has announced none.
    pub(super) fn take_announced(&self) -> bool {
        !self.bytes.is_quiet(|mut pipe| pipe.read(&mut [0]))
    }

    /// Takes an arrival if there is one at this moment. Costs a system call.
    pub(super) fn take_now(&self) -> bool {
        self.bytes.source().read_exact(&mut [0]).is_ok()
    }
}

impl Drop for SignalPipe {
    fn drop(&mut self) {
        low_level::unregister(self.registered);
    }
}

/// # Errors
/// `InvalidInput` if a handler for it is impossible or of no use.
pub(super) fn check(signal: i32) -> io::Result<()> {
    if signal <= 0 || FORBIDDEN.contains(&signal) {
        let text = format!("signal {signal} cannot be listened to");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

//! Scripts: what to do on a connection, step by step.

use std::time::Duration;

/// What to do on one connection. When it is over, the connection is closed.
///
/// ```
/// use curio_support::Script;
/// let _cut_off = Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Script {
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    ReadHead,
    ReadRequest,
    Read(usize),
    Send(Vec<u8>),
    SendByteByByte(Vec<u8>),
    Wait(Duration),
    Pause,
    Stall,
    Close,
    Truncate,
    Reset,
}

impl Script {
    /// An empty script: it closes the connection at once.
    pub fn new() -> Script {
        Script::default()
    }

    /// Reads up to the empty line after the headers.
    pub fn read_head(self) -> Script {
        self.then(Step::ReadHead)
    }

    /// Reads one whole request, its body included.
    pub fn read_request(self) -> Script {
        self.then(Step::ReadRequest)
    }

    /// Reads `n` bytes.
    pub fn read(self, n: usize) -> Script {
        self.then(Step::Read(n))
    }

    /// Sends bytes at once.
    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Script {
        self.then(Step::Send(bytes.into()))
    }

    /// Sends bytes one by one, each in its own packet, and lets the client run in between.
    pub fn send_byte_by_byte(self, bytes: impl Into<Vec<u8>>) -> Script {
        self.then(Step::SendByteByByte(bytes.into()))
    }

    /// Sends bytes in two parts, the second after the client had time to read the first.
    pub fn send_split(self, bytes: impl Into<Vec<u8>>, at: usize) -> Script {
        let mut first = bytes.into();
        let second = first.split_off(at.min(first.len()));
        self.send(first).wait(Duration::from_millis(5)).send(second)
    }

    /// Does nothing for a while.
    pub fn wait(self, duration: Duration) -> Script {
        self.then(Step::Wait(duration))
    }

    /// Does nothing until [`HostileServer::go_on`](super::HostileServer::go_on).
    pub fn pause(self) -> Script {
        self.then(Step::Pause)
    }

    /// Does nothing more, and keeps the connection open until the client closes it.
    pub fn stall(self) -> Script {
        self.then(Step::Stall)
    }

    /// Ends the stream regularly.
    pub fn close(self) -> Script {
        self.then(Step::Close)
    }

    /// Ends the stream, over TLS without close_notify.
    pub fn truncate(self) -> Script {
        self.then(Step::Truncate)
    }

    /// Resets the connection.
    pub fn reset(self) -> Script {
        self.then(Step::Reset)
    }

    fn then(mut self, step: Step) -> Script {
        self.steps.push(step);
        self
    }
}

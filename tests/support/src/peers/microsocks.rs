//! microsocks: a SOCKS 5 proxy.

use std::io;
use std::process::{Command, Stdio};

use super::process::{Process, free_port};
use super::scratch::Scratch;
use super::unavailable;

/// A microsocks on a loopback port. Dropping it stops it.
pub struct Microsocks {
    address: String,
    _process: Process,
    _scratch: Scratch,
}

impl Microsocks {
    /// Starts it, without authentication or for one user with a password.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start(credentials: Option<(&str, &str)>) -> io::Result<Option<Microsocks>> {
        match start(credentials) {
            Ok(proxy) => Ok(Some(proxy)),
            Err(error) => unavailable("microsocks (Debian's package microsocks)", &error),
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn start(credentials: Option<(&str, &str)>) -> io::Result<Microsocks> {
    // Without it the shell would only say that something is wrong, twenty seconds later.
    Command::new("microsocks").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let scratch = Scratch::new()?;
    let port = free_port()?;
    let text = port.to_string();
    let mut command = vec!["microsocks", "-i", "127.0.0.1", "-p", &text];
    if let Some((user, password)) = credentials {
        command.extend(["-u", user, "-P", password]);
    }
    let process = Process::start(&scratch, &command, &[port])?;
    Ok(Microsocks { address: format!("127.0.0.1:{port}"), _process: process, _scratch: scratch })
}

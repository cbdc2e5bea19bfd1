//! tinyproxy: an HTTP proxy that forwards and makes tunnels.

use std::io;
use std::process::Command;

use super::process::{Process, free_port};
use super::scratch::Scratch;
use super::unavailable;

/// A tinyproxy on a loopback port. Dropping it stops it.
pub struct Tinyproxy {
    address: String,
    _process: Process,
    _scratch: Scratch,
}

impl Tinyproxy {
    /// Starts it, without authentication or for one user with a password.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start(credentials: Option<(&str, &str)>) -> io::Result<Option<Tinyproxy>> {
        match start(credentials) {
            Ok(proxy) => Ok(Some(proxy)),
            Err(error) => unavailable("tinyproxy (Debian's package tinyproxy-bin)", &error),
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

fn start(credentials: Option<(&str, &str)>) -> io::Result<Tinyproxy> {
    Command::new("tinyproxy").arg("-v").output()?;
    let scratch = Scratch::new()?;
    let port = free_port()?;
    let only = credentials.map(|(user, password)| format!("BasicAuth {user} {password}\n"));
    // Tunnels to every port: without a `ConnectPort` line there is no restriction.
    let config = format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Error\nAllow 127.0.0.1\n{}",
        only.unwrap_or_default()
    );
    let config = scratch.file("tinyproxy.conf", config)?;
    let process = Process::start(&scratch, &["tinyproxy", "-d", "-c", &config.to_string_lossy()], &[port])?;
    Ok(Tinyproxy { address: format!("127.0.0.1:{port}"), _process: process, _scratch: scratch })
}

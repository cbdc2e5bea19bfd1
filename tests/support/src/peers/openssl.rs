//! `openssl s_server`: another implementation of TLS than rustls.

use std::io;
use std::process::Command;

use super::process::{Process, free_port};
use super::scratch::Scratch;
use super::unavailable;
use crate::authority::Identity;

/// OpenSSL's test server on a loopback port: HTTP/1.0 over TLS. Dropping it stops it.
///
/// `/hello.json` is a small JSON document; its end is the end of the connection.
pub struct OpenSsl {
    base_url: String,
    _process: Process,
    _scratch: Scratch,
}

impl OpenSsl {
    /// Starts it with this certificate and more arguments of `openssl s_server`, such as `-tls1_2`.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start(identity: &Identity, arguments: &[&str]) -> io::Result<Option<OpenSsl>> {
        match start(identity, arguments) {
            Ok(server) => Ok(Some(server)),
            Err(error) => unavailable("openssl s_server (Debian's package openssl)", &error),
        }
    }

    /// The URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

fn start(identity: &Identity, arguments: &[&str]) -> io::Result<OpenSsl> {
    Command::new("openssl").arg("version").output()?;
    let scratch = Scratch::new()?;
    scratch.file("certificate.pem", identity.certificate_pem())?;
    scratch.file("key.pem", identity.key_pem())?;
    scratch.file("hello.json", r#"{"server": "openssl"}"#)?;
    let port = free_port()?;
    let address = format!("127.0.0.1:{port}");
    let serve = ["openssl", "s_server", "-WWW", "-quiet", "-accept", &address];
    let files = ["-cert", "certificate.pem", "-key", "key.pem"];
    let process = Process::start(&scratch, &[&serve[..], &files, arguments].concat(), &[port])?;
    Ok(OpenSsl { base_url: format!("https://{address}"), _process: process, _scratch: scratch })
}

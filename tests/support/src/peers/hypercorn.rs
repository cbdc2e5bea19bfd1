//! PyPI's httpbin under hypercorn, a Python server that speaks HTTP/2 (by the library h2 of Python, which has nothing but its
//! name in common with the crate h2).
//!
//! It runs in the same Python environment as PyPI's httpbin.

use std::io;
use std::process::Command;

use super::process::{Process, free_port};
use super::pypi::{python, run};
use super::scratch::Scratch;
use super::unavailable;
use crate::authority::TestAuthority;

/// httpbin on two loopback ports, over HTTP/2 and HTTP/1.1: one with TLS and ALPN, one without TLS, where a client has to know that
/// it speaks HTTP/2. Dropping it stops it.
pub struct Hypercorn {
    http: String,
    https: String,
    authority: TestAuthority,
    _process: Process,
    _scratch: Scratch,
}

impl Hypercorn {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start() -> io::Result<Option<Hypercorn>> {
        match start() {
            Ok(server) => Ok(Some(server)),
            Err(error) => unavailable("hypercorn (of PyPI)", &error),
        }
    }

    /// The URL of a path, over HTTP.
    pub fn http_url(&self, path: &str) -> String {
        format!("{}{path}", self.http)
    }

    /// The URL of a path, over HTTPS.
    pub fn https_url(&self, path: &str) -> String {
        format!("{}{path}", self.https)
    }

    /// The certificate (PEM) of the authority that has signed that of the HTTPS port.
    pub fn ca_pem(&self) -> &str {
        self.authority.ca_pem()
    }
}

fn start() -> io::Result<Hypercorn> {
    let python = python()?;
    run(Command::new(&python).args(["-c", "import hypercorn"]))?;
    let scratch = Scratch::new()?;
    let authority = TestAuthority::new()?;
    let identity = authority.localhost()?;
    let certificate = scratch.file("certificate.pem", identity.certificate_pem())?;
    let key = scratch.file("key.pem", identity.key_pem())?;
    let (http, https) = (free_port()?, free_port()?);
    let (plain, secure) = (format!("127.0.0.1:{http}"), format!("127.0.0.1:{https}"));
    let python = python.to_string_lossy();
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let serve = [&*python, "-m", "hypercorn", "--certfile", &*certificate, "--keyfile", &*key];
    let bind = ["--bind", &*secure, "--insecure-bind", &*plain, "wsgi:httpbin:app"];
    let process = Process::start(&scratch, &[&serve[..], &bind].concat(), &[http, https])?;
    Ok(Hypercorn {
        http: format!("http://{plain}"),
        https: format!("https://{secure}"),
        authority,
        _process: process,
        _scratch: scratch,
    })
}

//! h11 as a strict parser of requests: a Python library that accepts only what RFC 9112 allows, in a small server that returns
//! each request as it was parsed (`h11_judge.py`).
//!
//! It runs in the same Python environment as PyPI's httpbin.

use std::io;
use std::process::Command;

use super::process::{Process, free_port};
use super::pypi::{python, run};
use super::scratch::Scratch;
use super::unavailable;

/// A server that returns each request as h11 parsed it, in a JSON object, or a 400. Dropping it stops it.
pub struct H11Judge {
    base_url: String,
    _process: Process,
    _scratch: Scratch,
}

impl H11Judge {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start() -> io::Result<Option<H11Judge>> {
        match start() {
            Ok(judge) => Ok(Some(judge)),
            Err(error) => unavailable("h11", &error),
        }
    }

    /// The URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

fn start() -> io::Result<H11Judge> {
    let python = python()?;
    run(Command::new(&python).args(["-c", "import h11"]))?;
    let scratch = Scratch::new()?;
    let script = scratch.file("h11_judge.py", include_str!("h11_judge.py"))?;
    let port = free_port()?;
    let command = [&*python.to_string_lossy(), &*script.to_string_lossy(), &port.to_string()];
    let process = Process::start(&scratch, &command, &[port])?;
    Ok(H11Judge { base_url: format!("http://127.0.0.1:{port}"), _process: process, _scratch: scratch })
}

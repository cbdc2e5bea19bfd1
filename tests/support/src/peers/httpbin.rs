//! This crate's httpbin in a separate process, for tests that would otherwise exceed a limit, such as that of open files.

use std::io;

use super::process::{Process, free_port};
use super::scratch::Scratch;
use crate::program::example;

/// The example program `httpbin` on a loopback port. Dropping it stops it.
pub struct HttpbinProcess {
    base_url: String,
    _process: Process,
    _scratch: Scratch,
}

impl HttpbinProcess {
    /// Starts it.
    ///
    /// # Errors
    /// When the example has not been built, or does not start.
    pub fn start() -> io::Result<HttpbinProcess> {
        let program = example("httpbin")?;
        let scratch = Scratch::new()?;
        let (http, https) = (free_port()?, free_port()?);
        let arguments = [&*program.to_string_lossy(), &http.to_string(), &https.to_string()];
        let process = Process::start(&scratch, &arguments, &[http])?;
        Ok(HttpbinProcess {
            base_url: format!("http://127.0.0.1:{http}"),
            _process: process,
            _scratch: scratch,
        })
    }

    /// The URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

//! Real servers, started by a test on loopback ports as child processes; and a browser.
//!
//! A client and a server by the same authors may share mistakes. These servers are independent: PyPI's httpbin, h11
//! and hypercorn (Python), nginx, OpenSSL, tinyproxy and microsocks (C).
//!
//! If one of them is not installed, its tests are skipped, and each prints that to standard error, bypassing the test harness,
//! which would hide it. With `CURIO_TEST_PEERS=required`, as in CI, a missing server is a failure. So the `start` functions
//! return an `Option`:
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! let Some(nginx) = curio_support::peers::Nginx::start()? else { return Ok(()) };
//! println!("{}", nginx.http_url("/small.json"));
//! # Ok(()) }
//! ```
//!
//! This crate's httpbin is also available as a process ([`HttpbinProcess`]), for tests that must not share its limits.
//!
//! No process outlives its test, not even a test that is killed: see `process.rs`.

mod chromium;
mod h11;
mod httpbin;
mod hypercorn;
mod microsocks;
mod nginx;
mod openssl;
mod process;
mod pypi;
mod python;
mod scratch;
mod tinyproxy;

use std::io::{self, Write};

pub use chromium::{Chromium, Loaded};
pub use h11::H11Judge;
pub use httpbin::HttpbinProcess;
pub use hypercorn::Hypercorn;
pub use microsocks::Microsocks;
pub use nginx::Nginx;
pub use openssl::OpenSsl;
pub use pypi::PypiHttpbin;
pub use python::python_script;
pub use tinyproxy::Tinyproxy;

/// The result for a server that cannot be started: a skipped test or, if it is required, an error.
fn unavailable<T>(what: &str, why: &io::Error) -> io::Result<Option<T>> {
    if std::env::var_os("CURIO_TEST_PEERS").is_some_and(|value| value == "required") {
        return Err(io::Error::new(why.kind(), format!("{what}: {why} (CURIO_TEST_PEERS=required)")));
    }
    // Not `eprintln!`: the test harness hides the output of passing tests.
    writeln!(io::stderr(), "LEFT OUT, a test that needs {what}: {why}")?;
    Ok(None)
}

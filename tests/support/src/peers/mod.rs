//! Real servers, started by a test on loopback ports as child processes.
//!
//! A client and a server written by the same hands agree on everything, mistakes included. These servers were
//! written by others: PyPI's httpbin (Python), nginx and OpenSSL (C).
//!
//! They have to be there. A test whose server is missing **fails**: a test that quietly does nothing is worse
//! than none. Where they cannot be had, on a machine without a network say, `CURIO_TEST_OFFLINE=1` leaves these
//! tests out, and each then says so. That is what the `Option` of the `start` functions is for:
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! let Some(nginx) = curio_support::peers::Nginx::start()? else { return Ok(()) };
//! println!("{}", nginx.http_url("/small.json"));
//! # Ok(()) }
//! ```
//!
//! Our own httpbin can be had as a process too ([`HttpbinProcess`]), for a test that must not share its limits.
//!
//! No process outlives its test, not even a test that is killed: see `process.rs`.

mod httpbin;
mod nginx;
mod openssl;
mod process;
mod pypi;
mod scratch;

use std::io;

pub use httpbin::HttpbinProcess;
pub use nginx::Nginx;
pub use openssl::OpenSsl;
pub use pypi::PypiHttpbin;

/// The result for a server that cannot be started: an error or, when the user has said so, a test left out.
fn unavailable<T>(what: &str, why: &io::Error) -> io::Result<Option<T>> {
    if std::env::var_os("CURIO_TEST_OFFLINE").is_some_and(|value| value == "1") {
        eprintln!("LEFT OUT (CURIO_TEST_OFFLINE=1): {what}: {why}");
        return Ok(None);
    }
    let advice = "CURIO_TEST_OFFLINE=1 leaves out the tests that need it";
    Err(io::Error::new(why.kind(), format!("{what}: {why} ({advice})")))
}

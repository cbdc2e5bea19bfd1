//! What the tests and the examples share: servers to talk to.
//!
//! An HTTP client can only be tried against a server, and this project's tests may leave the machine for
//! nothing. So here is every kind of server that a client meets, each on a loopback port:
//!
//! - a **good** one, [`Httpbin`]: the well-known httpbin (one path for each thing that HTTP can do), written
//!   on Curio's own sockets, as tasks of the kernel that the test runs on. It is the largest Curio program in
//!   the repository, and a worked example of a server: start reading at `httpbin/mod.rs`.
//! - a **hostile** one, [`HostileServer`]: it plays a script of raw bytes, closes, resets and stalls, and
//!   records what it was sent.
//! - **real** ones, [`peers`]: PyPI's httpbin, nginx, `openssl s_server` and two proxies as child processes. Ours and the
//!   client were written by the same people and may share a misunderstanding; these do not.
//!
//! Beside them: [`TestProxy`], an HTTP and a SOCKS proxy of our own, [`TestAuthority`], a certificate authority that lives as long as a test and signs good and bad
//! certificates, and [`raise_open_files`], for tests with thousands of connections.
//!
//! Everything here is bounded (sizes, times, the life of child processes) and stops when its handle is
//! dropped.
#![forbid(unsafe_code)]

mod authority;
mod hostile;
mod httpbin;
mod listen;
mod open_files;
pub mod peers;
mod program;
mod proxy;
mod transport;

pub use authority::{Identity, TestAuthority};
pub use hostile::{HostileServer, Script};
pub use httpbin::{Counters, Httpbin, HttpbinBuilder, HttpbinThread};
pub use open_files::raise_open_files;
pub use program::{
    Failure, Ran, example, run_example, story, with_https_urls, with_server, with_urls, without_numbers,
};
pub use proxy::TestProxy;

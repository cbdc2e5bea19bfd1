//! Servers for the tests and the examples.
//!
//! The tests of this project use no network outside of the machine. So this crate has every kind of server that a client
//! needs, each on a loopback port:
//!
//! - a **regular** one, [`Httpbin`]: the well-known httpbin (one path for each feature of HTTP), written with Curio's
//!   sockets, as tasks of the test's kernel. It is the largest Curio program in the repository, and an example of a server:
//!   start reading at `httpbin/mod.rs`.
//! - a **hostile** one, [`HostileServer`]: it plays a script that sends raw bytes, closes, resets and stalls, and records what
//!   it receives.
//! - **independent** ones, [`peers`]: PyPI's httpbin, nginx, `openssl s_server` and two proxies as child processes. The servers
//!   above and the client have the same authors and may share a misunderstanding; these do not.
//!
//! Also [`TestProxy`], an HTTP and SOCKS proxy, [`TestAuthority`], a certificate authority for the duration of a test that
//! issues valid and invalid certificates, [`raise_open_files`], for tests with thousands of connections, and [`Shown`], which
//! compares pictures that the runtime has drawn.
//!
//! And [`compiler`], which asks rustc and rustdoc about a file that uses our libraries.
//!
//! Everything here is bounded (sizes, times, the life of child processes) and stops when its handle is dropped.
#![forbid(unsafe_code)]

mod authority;
pub mod compiler;
mod hostile;
mod httpbin;
mod listen;
mod open_files;
pub mod peers;
mod picture;
mod program;
mod proxy;
mod transport;

pub use authority::{Identity, TestAuthority};
pub use hostile::{HostileServer, Script};
pub use httpbin::{Counters, Httpbin, HttpbinBuilder, HttpbinThread};
pub use open_files::raise_open_files;
pub use picture::Shown;
pub use program::{
    Failure, Ran, Running, example, run_example, run_example_with, story, with_https_urls, with_server,
    with_urls, without_numbers,
};
pub use proxy::TestProxy;

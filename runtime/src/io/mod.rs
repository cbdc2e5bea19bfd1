//! Byte streams of any kind: buffered reading, and copying.
//!
//! ```text
//! stream.rs    Stream<S>       lines and exact lengths from any reader; a dropped read loses nothing
//! lines.rs     Lines           the lines as text
//! buffer.rs    ReadBuffer      bytes received and not read yet
//! copy.rs      copy, copy_bidirectional
//! ```
//!
//! Everything here works on the traits of `futures_io`, which this crate's sockets and pipes and the TLS streams of
//! other crates implement. `Stream` implements them too, so codecs and adapters of other crates can be used below and
//! above it.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use curio::io::Stream;
//!
//! curio::run(async {
//!     let mut stream = Stream::new(&b"name: curio\nlanguage: Rust\n"[..]);
//!     let mut lines = stream.lines();
//!     assert_eq!(lines.next().await.transpose()?.as_deref(), Some("name: curio"));
//!     Ok(())
//! })
//! # }
//! ```

mod buffer;
mod copy;
mod lines;
mod stream;

pub(crate) use buffer::ReadBuffer;
pub use copy::{copy, copy_bidirectional};
pub use lines::Lines;
pub use stream::Stream;

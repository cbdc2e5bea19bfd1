//! Byte streams, whatever is behind them: buffered reading, and copying.
//!
//! ```text
//! stream.rs    Stream<S>       lines and exact lengths out of any reader; nothing is lost by a dropped read
//! lines.rs     Lines           the lines as text
//! buffer.rs    ReadBuffer      what has been received and not yet asked for
//! copy.rs      copy, copy_bidirectional
//! ```
//!
//! Everything here takes the traits of `futures_io`, which this crate's sockets, pipes and TLS streams of other
//! crates have in common, and gives them again, so that codecs and adapters of other crates fit on both sides.

mod buffer;
mod copy;
mod lines;
mod stream;

pub(crate) use buffer::ReadBuffer;
pub use copy::{copy, copy_bidirectional};
pub use lines::Lines;
pub use stream::Stream;

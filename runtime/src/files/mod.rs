//! Files, read and written in threads.
//!
//! The operating systems have no "this file would block": a read from a disk simply takes as long as it takes. So
//! each operation on a file is a job for a thread of the kernel's pool, and the task waits for the thread. It
//! costs some microseconds; read and write in large pieces.
//!
//! ```text
//! mode.rs         Mode          Python's "r", "w", "a", "x", "+", "b"
//! opened.rs       Opened        the file itself and what was read ahead: everything that blocks
//! async_file.rs   AsyncFile     one job for each operation, in order, even if some are given up
//! ```

mod async_file;
mod mode;
mod opened;

pub use async_file::{AsyncFile, aopen};

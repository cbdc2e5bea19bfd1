//! Files, read and written in threads.
//!
//! Regular files are never "not ready": a read blocks until the disk has delivered the data. So each operation on a
//! file is a job for a thread of the kernel's pool, and the task waits for the thread. That costs some microseconds;
//! read and write in large chunks.
//!
//! ```text
//! mode.rs         Mode          Python's "r", "w", "a", "x", "+", "b"
//! opened.rs       Opened        the file itself and what was read ahead: everything that blocks
//! job_order.rs    JobTurn       lets each job of a file wait for those before it
//! async_file.rs   AsyncFile     one job for each operation, in order, even if some are cancelled
//! ```

mod async_file;
mod job_order;
mod mode;
mod opened;

pub use async_file::{AsyncFile, aopen};

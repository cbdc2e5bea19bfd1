//! Blocking work in threads, and threads that await.
//!
//! ```text
//! run_in_thread.rs   run_in_thread: a closure on a thread of the kernel's pool
//! keyed.rs           block_in_thread: at most one thread at a time for the same key
//! async_thread.rs    spawn_thread: a thread of its own that may await on the kernel
//! ```

mod async_thread;
mod keyed;
pub(crate) mod run_in_thread;

pub use async_thread::{ThreadContext, spawn_thread};
pub use keyed::block_in_thread;
pub use run_in_thread::{RunInThread, run_in_thread};

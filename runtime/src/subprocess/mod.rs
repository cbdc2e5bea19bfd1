//! Child processes: starting them, talking to them, and collecting them when they have ended.
//!
//! Unix only. Commands are those of the standard library ([`std::process::Command`]); what is new is that nothing
//! here blocks.
//!
//! ```
//! use curio::subprocess::check_output;
//! use std::process::Command;
//!
//! async fn greet(name: &str) -> Vec<u8> {
//!     check_output(Command::new("echo").args(["hello", name])).await.expect("`echo` is everywhere")
//! }
//!
//! curio::run(async {
//!     let (ada, grace) = curio::join!(greet("ada"), greet("grace")); // both at the same time
//!     assert_eq!([ada, grace], [&b"hello ada\n"[..], b"hello grace\n"]);
//! });
//! ```
//!
//! ```text
//! popen.rs      Popen             one child process
//! pipes.rs      PipeReader, …     its standard streams, as streams of the kernel's reactor
//! process.rs    Process           waiting for the exit
//! reaper.rs     Reaper            the thread that notices the end of every child
//! run.rs        run, check_output from start to end in one call
//! error.rs      CalledProcessError
//! ```
//!
//! # How a child's end is noticed
//!
//! A thread for each child that blocks in `waitpid` cannot be combined with killing: the thread owns the child, and a
//! process id alone is not safe to kill, because the system may have reused it by then. A `pidfd` exists on Linux only.
//! That leaves SIGCHLD: on each such signal one thread for the whole process, the *reaper*, asks each child whether it has
//! ended (a system call that does not block), and wakes the tasks that wait for those that have. The child stays owned by
//! its `Popen`, which may kill it at any time.
//!
//! Whether SIGCHLD is ignored or blocked is inherited from the parent process. Neither keeps the end of a child from
//! being noticed: while a task waits for a child there is a handler, and the reaper also polls the children, after pauses
//! that grow to one second.
//!
//! # Cancellation
//!
//! A cancelled [`run()`], [`check_output`] or [`communicate`](Popen::communicate) kills the child (SIGKILL), and
//! the cancellation is complete when it has ended. If such a future is dropped by code outside of this crate, the child is
//! killed all the same. A cancelled [`wait`](Popen::wait) leaves the child alone. So does dropping a [`Popen`]: the
//! child runs on, and is collected when it ends. There is never a zombie.
//!
//! # On a virtual clock
//!
//! Another process takes real time. While a task waits for a child to end, to write or to read, a virtual clock stands
//! still.

mod error;
mod pipes;
mod popen;
mod process;
mod reaper;
mod run;

pub use error::CalledProcessError;
pub use pipes::{PipeReader, PipeWriter};
pub use popen::Popen;
pub use run::{check_output, run};

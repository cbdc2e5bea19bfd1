//! Child processes: starting them, talking to them, and collecting them when they have ended.
//!
//! Unix only. Commands are those of the standard library ([`std::process::Command`]); what is new is that nothing
//! here blocks.
//!
//! ```text
//! popen.rs      Popen             one child process
//! pipes.rs      PipeReader, …     its standard streams, as streams of the kernel's reactor
//! process.rs    Process           waiting for the exit
//! reaper.rs     Reaper            the thread that learns of the end of every child
//! run.rs        run, check_output from start to end in one call
//! error.rs      CalledProcessError
//! ```
//!
//! # How a child's end is noticed
//!
//! A thread for each child that blocks in `waitpid` cannot be combined with killing: the thread holds the child, and
//! a process number alone is not safe to kill, because the system may have given it to another process by then. A
//! `pidfd` is the modern way and exists on Linux only. That leaves the signal SIGCHLD: one thread for the whole
//! process, the *reaper*, is told by it that some child has ended, asks each (a system call that does not block), and
//! wakes the tasks whose children have. The child stays in the hands of its owner, who may kill it at any time.
//!
//! Whether SIGCHLD is ignored or blocked is inherited from the parent process. Neither keeps the end of a child from
//! being noticed: while a child is waited for there is a handler, and the reaper also asks on its own, after pauses
//! that grow to one second.
//!
//! # Cancellation
//!
//! A cancelled [`run()`], [`check_output`] or [`communicate`](Popen::communicate) kills the child (SIGKILL), and
//! whoever cancelled waits until it is gone. If such a future is dropped by code that is not ours, the child is
//! killed all the same. A cancelled [`wait`](Popen::wait) leaves the child alone. So does dropping a [`Popen`]: the
//! child runs on, and is collected when it ends. There is never a zombie.
//!
//! # On a virtual clock
//!
//! Another process takes real time. While a task waits for one, to end, to send or to take something, a virtual
//! clock stands still.

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

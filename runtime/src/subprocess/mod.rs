//! Other programs: starting them, talking to them, and never leaving a dead one behind.
//!
//! Unix only. Commands are those of the standard library ([`std::process::Command`]); what is new is that nothing
//! here blocks.
//!
//! ```text
//! popen.rs      Popen             one child process
//! pipes.rs      PipeReader, …     its standard streams, as streams of the kernel's reactor
//! process.rs    Process           waiting for the exit
//! run.rs        run, check_output from start to end in one call
//! error.rs      CalledProcessError
//! orphans.rs                      children that nobody waits for any more
//! ```
//!
//! # How a child's end is heard of
//!
//! There are four ways. A thread for each child that blocks in `waitpid` cannot be combined with killing: the thread
//! holds the child, and a process number alone is not safe to kill, because it may belong to somebody else by then.
//! A `pidfd` is the modern way and exists on Linux only. Asking every few milliseconds is either slow or wasteful.
//! That leaves the signal SIGCHLD: whoever waits for a child listens to it, and each time it arrives asks whether it
//! was this child. That costs one system call for each waiting task and each child that ends, which is little next
//! to what starting it cost, and the child stays in the hands of its owner, who may kill it at any time.
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
mod orphans;
mod pipes;
mod popen;
mod process;
mod run;

pub use error::CalledProcessError;
pub use pipes::{PipeReader, PipeWriter};
pub use popen::Popen;
pub use run::{check_output, run};

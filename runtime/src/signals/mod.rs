//! Signals, as something to wait for.
//!
//! # A fact about the world
//!
//! A signal handler interrupts whatever the thread is doing, perhaps in the middle of `malloc`, so next to nothing
//! is allowed in it. Writing a byte into a pipe is. That is all that happens there (the classic *self-pipe*, here
//! through the crate `signal-hook`, which has the `unsafe` that this crate does without); the kernel finds the
//! pipe readable like any socket, and the rest is ordinary code in an ordinary task.
//!
//! ```text
//! disposition.rs Disposition   what a signal did before: default action, ignored, handled by other code
//! pipe.rs        SignalPipe    one signal, as bytes in a pipe that the reactor watches
//! listeners.rs   Listener      counts the listeners of a signal; without any it does what it did before
//! queue.rs       SignalQueue   every signal that arrives, one by one
//! event.rs       SignalEvent   whether one has arrived
//! ctrl_c.rs      CtrlC         the first Ctrl-C cancels `main`, the second ends the process
//! no_ctrl_c.rs   CtrlC         where there are no signals: Ctrl-C has its default effect
//! ```
//!
//! ```
//! # #[cfg(all(unix, feature = "signals"))]
//! # fn main() -> std::io::Result<()> {
//! use curio::SignalQueue;
//! use curio::signals::{SIGHUP, SIGTERM};
//!
//! curio::run(async {
//!     let signals = SignalQueue::new(&[SIGHUP, SIGTERM])?;
//!     # for signal in [SIGHUP, SIGTERM] { signal_hook::low_level::raise(signal)?; }
//!     while signals.get().await == SIGHUP {
//!         println!("reading the configuration again");
//!     }
//!     println!("closing down"); // after SIGTERM
//!     Ok(())
//! })
//! # }
//! # #[cfg(not(all(unix, feature = "signals")))]
//! # fn main() {}
//! ```
//!
//! All of this, and [`subprocess`](crate::subprocess) with it, is the Cargo feature `signals`, which is on by
//! default: a library that needs neither need not bring the signal handler into its users' programs.
//!
//! # What happens to a signal that is listened to
//!
//! As long as any [`SignalQueue`] or [`SignalEvent`] of the process listens to a signal, it no longer does what it
//! did before (most end the process by default). Every listener gets it. SIGKILL and SIGSTOP cannot be listened to,
//! and signals of a crash (SIGSEGV, SIGILL, SIGFPE) must not be: they are refused.
//!
//! When the last listener is gone the signal does again what it did before the first one came: its default action, or
//! nothing if it was ignored (inherited from a parent like `nohup`, or SIGPIPE, which Rust ignores), or what a
//! handler of other code does. The signal handler stays installed for that. Two things differ from before: a program
//! that is started from then on no longer inherits that the signal is ignored, and where the system does not say what
//! was inherited (everywhere but on Linux) a signal that was ignored gets its default action. A handler of other code
//! is called also while there are listeners.
//!
//! # Ctrl-C
//!
//! Unless it is switched off ([`KernelBuilder::ctrl_c`](crate::KernelBuilder::ctrl_c)), the first SIGINT while
//! [`run`](crate::run) is running cancels `main`: it unwinds where it is parked, its cleanups run, then all other
//! tasks are cancelled as at every shutdown, and the process exits with status 130, as a shell expects of a program
//! that was interrupted. A second SIGINT ends the process at once with the same status, whatever it is doing. If
//! `main` finishes nevertheless, because it was shielded to its end, `run` returns its value. As long
//! as a [`SignalQueue`] or [`SignalEvent`] listens to SIGINT, it is the program's own and nothing of this happens.
//! Nor does it in a process that was started with SIGINT ignored, unless the builder asks for it.
//!
//! Chapter 10 of the tour, `docs/tour/10-how-do-threads-and-signals-wake-a-task.md` in the repository, follows a signal to a task.

#[cfg_attr(not(all(unix, feature = "signals")), path = "no_ctrl_c.rs")]
mod ctrl_c;
#[cfg(all(unix, feature = "signals"))]
mod disposition;
#[cfg(all(unix, feature = "signals"))]
mod event;
#[cfg(all(unix, feature = "signals"))]
mod listeners;
#[cfg(all(unix, feature = "signals"))]
mod pipe;
#[cfg(all(unix, feature = "signals"))]
mod queue;

pub(crate) use ctrl_c::CtrlC;
#[cfg(all(unix, feature = "signals"))]
pub use event::SignalEvent;
#[cfg(all(unix, feature = "signals"))]
pub use queue::SignalQueue;
/// The numbers of the signals that programs listen to; they differ from system to system.
#[cfg(all(unix, feature = "signals"))]
pub use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1,
    SIGUSR2, SIGWINCH,
};

//! A child process, from its start until it has been collected.

use super::orphans;
use crate::signals::SignalPipe;
use signal_hook::consts::SIGCHLD;
use std::cell::RefCell;
use std::io;
use std::panic::Location;
use std::process::{Child, ExitStatus};

/// All of it takes `&self`, so that a wait and the killing of what is waited for go together.
pub(super) struct Process {
    /// There until it is dropped.
    child: RefCell<Option<Child>>,
}

impl Process {
    pub(super) fn new(child: Child) -> Process {
        Process { child: RefCell::new(Some(child)) }
    }

    pub(super) fn id(&self) -> u32 {
        self.with(|child| child.id())
    }

    /// Sends SIGKILL, unless it is known to have ended. Does not wait.
    pub(super) fn kill(&self) -> io::Result<()> {
        self.with(Child::kill)
    }

    /// Waits until it has ended, and collects it. Cancel-safe; may be repeated.
    pub(super) async fn wait(&self, at: &'static Location<'static>) -> io::Result<ExitStatus> {
        if let Some(status) = self.with(Child::try_wait)? {
            return Ok(status);
        }
        // From now on no exit goes unheard; the first question is whether it was before.
        let exits = SignalPipe::holding_clock(SIGCHLD)?;
        loop {
            if let Some(status) = self.with(Child::try_wait)? {
                return Ok(status);
            }
            exits.arrival(at).await?;
            while exits.take_announced() {}
        }
    }

    fn with<R>(&self, use_it: impl FnOnce(&mut Child) -> R) -> R {
        use_it(self.child.borrow_mut().as_mut().expect("the child is taken out by `drop` only"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take()
            && let Ok(None) = child.try_wait()
        {
            orphans::adopt(child);
        }
    }
}

/// Kills a process unless it is told that all went well.
pub(super) struct KillOnDrop<'a> {
    pub(super) process: Option<&'a Process>,
}

impl Drop for KillOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            // It fails only for a process that has ended by itself.
            let _ = process.kill();
        }
    }
}

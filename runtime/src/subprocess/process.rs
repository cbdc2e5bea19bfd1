//! A child process, from its start until it has been collected.

use super::reaper::{self, SharedChild, Watch};
use crate::error::while_doing;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskState;
use crate::traps::{self, JobHold};
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::task::{Poll, ready};

/// All of it takes `&self`, so that a wait and the killing of what is waited for go together.
pub(super) struct Process {
    id: u32,
    child: SharedChild,
}

impl Process {
    /// Starts it, and returns the child's standard streams beside it.
    pub(super) fn start(command: &mut Command) -> io::Result<(Process, Streams)> {
        reaper::prepare()?;
        let mut child = command.spawn()?;
        let streams =
            Streams { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() };
        Ok((Process { id: child.id(), child: Arc::new(Mutex::new(child)) }, streams))
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Sends SIGKILL, unless it is known to have ended. Does not wait.
    pub(super) fn kill(&self) -> io::Result<()> {
        reaper::lock(&self.child).kill()
    }

    /// Waits until it has ended, and collects it. Cancel-safe; may be repeated.
    pub(super) fn wait(
        &self,
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<ExitStatus>> {
        let mut waiting = None;
        poll_fn(move |cx| {
            ready!(traps::spend(cx));
            if let Some(status) = self.try_wait()? {
                waiting = None;
                return Poll::Ready(Ok(status));
            }
            let goes_on = waiting.as_mut().is_some_and(|(watch, hold): &mut (Watch, JobHold)| {
                hold.follow();
                watch.renew(cx.waker())
            });
            if !goes_on {
                waiting = Some((Watch::new(&self.child, cx.waker())?, traps::hold_clock()));
                // If it ended before the watch began, this is the last chance to learn of it without a pause.
                if let Some(status) = self.try_wait()? {
                    waiting = None;
                    return Poll::Ready(Ok(status));
                }
            }
            let about = || format!("child process {}, end", self.id);
            traps::park_for(TaskState::ReadWait, at, Resource::Nothing, &about);
            Poll::Pending
        })
    }

    fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        let asked = reaper::lock(&self.child).try_wait();
        // ECHILD, above all: other code of this process has waited for it, and has its status.
        asked.map_err(|error| while_doing(format_args!("waiting for child process {}", self.id), error))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.try_wait() {
            reaper::adopt(Arc::clone(&self.child));
        }
    }
}

/// Those of a child's standard streams that are piped.
pub(super) struct Streams {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

/// Kills a process when it is dropped, unless `process` has been taken out.
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

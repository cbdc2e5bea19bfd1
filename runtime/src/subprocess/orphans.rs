//! Children that nobody waits for any more.
//!
//! A process that has ended stays in the system's table, a *zombie*, until its parent asks how it went. Whoever
//! drops the handle of a running child will not ask; so a thread does. It is started when there is the first such
//! child and ends with the last, and it belongs to the process and not to a kernel, because these children may
//! outlive every kernel.

use signal_hook::consts::SIGCHLD;
use signal_hook::low_level;
use std::io::{self, PipeReader, Read};
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

static ORPHANS: Mutex<Orphans> = Mutex::new(Orphans { children: Vec::new(), collector: None });

struct Orphans {
    children: Vec<Child>,
    /// Its registration for SIGCHLD, as long as the thread runs.
    collector: Option<signal_hook::SigId>,
}

/// Collects `child` when it ends.
pub(super) fn adopt(mut child: Child) {
    let mut orphans = lock();
    if orphans.collector.is_none() {
        match start_collector() {
            Ok(registered) => orphans.collector = Some(registered),
            Err(error) => crate::traps::report(&format!(
                "child process {} will not be collected before another one is left behind: {error}",
                child.id()
            )),
        }
    }
    // If it ended before SIGCHLD was listened to, the thread would not hear of it. If it ends from now on, the
    // thread will, and then waits for the lock that is held here.
    if let Ok(None) = child.try_wait() {
        orphans.children.push(child);
    }
}

fn start_collector() -> io::Result<signal_hook::SigId> {
    let (exits, writer) = io::pipe()?;
    let registered = low_level::pipe::register(SIGCHLD, writer)?;
    let started = thread::Builder::new()
        .name("curio-orphans".into())
        .stack_size(64 * 1024)
        .spawn(move || collect(exits));
    match started {
        Ok(_) => Ok(registered),
        Err(error) => {
            low_level::unregister(registered);
            Err(error)
        }
    }
}

/// What the thread does.
fn collect(mut exits: PipeReader) {
    loop {
        let mut orphans = lock();
        orphans.children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if orphans.children.is_empty() {
            if let Some(registered) = orphans.collector.take() {
                low_level::unregister(registered);
            }
            return;
        }
        drop(orphans);
        // One arrival or many: all children are asked. An error is no reason to stop asking.
        let _ = exits.read(&mut [0; 256]);
    }
}

fn lock() -> MutexGuard<'static, Orphans> {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}

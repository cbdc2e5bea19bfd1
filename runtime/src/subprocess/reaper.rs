//! The reaper: the thread that notices the end of every child process.
//!
//! There is one for the process and not one for each kernel, because children may outlive their kernels: when the
//! handle of a running child is dropped, the reaper is what is left to collect it, so that it does not stay behind as
//! a zombie. The thread starts with the first child that is waited for or left behind, and ends with the last.
//!
//! A handler of SIGCHLD wakes it through a pipe. That signal alone is not enough: a parent may have started this process
//! with SIGCHLD blocked, and then it never arrives. So each child is also polled after pauses that grow from one
//! millisecond to one second, which costs next to nothing and delays the notification by no more than the time that the
//! child has run already.
//!
//! If SIGCHLD is *ignored*, which is inherited too, the system discards the exit status of each child at once. A
//! signal handler ends that, provided that it is there before the child is: [`prepare`].

use crate::error::while_doing;
use crate::kernel::waker::wake_all;
use mio::unix::pipe;
use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::SIGCHLD;
use signal_hook::{SigId, flag, low_level};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::process::Child;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

/// The pause before a child is asked for the second time, and the longest that it grows to.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

const SIGNAL: Token = Token(0);
const CHANGED: Token = Token(1);

static REAPER: Mutex<Reaper> =
    Mutex::new(Reaper { handles_signal: false, children: BTreeMap::new(), next_key: 0, running: None });

/// What the thread and all kernels of the process share.
struct Reaper {
    /// A handler for SIGCHLD has been installed; it is never removed.
    handles_signal: bool,
    children: BTreeMap<u64, Awaited>,
    next_key: u64,
    running: Option<Running>,
}

/// A child that has not ended as far as the reaper knows.
struct Awaited {
    child: SharedChild,
    /// The task that waits for it. None waits for a child that was left behind.
    waker: Option<Waker>,
    pause: Duration,
    ask_at: Instant,
}

/// A child that its owner may kill while the reaper waits for its end: both ask under this lock, and neither blocks
/// in it.
pub(super) type SharedChild = Arc<Mutex<Child>>;

/// The thread, as long as it runs.
struct Running {
    changed: mio::Waker,
    registered: SigId,
}

impl Drop for Running {
    fn drop(&mut self) {
        low_level::unregister(self.registered);
    }
}

fn reaper() -> MutexGuard<'static, Reaper> {
    REAPER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To be called before a child is started.
///
/// # Errors
/// The operating system refuses a handler for SIGCHLD.
pub(super) fn prepare() -> io::Result<()> {
    let mut reaper = reaper();
    if !reaper.handles_signal {
        // The flag is not looked at. It is the handler that matters: without one the signal may be ignored.
        flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))
            .map_err(|error| while_doing("listening to SIGCHLD", error))?;
        reaper.handles_signal = true;
    }
    Ok(())
}

/// Collects a child that is left behind, when it ends.
pub(super) fn adopt(child: SharedChild) {
    let id = lock(&child).id();
    if let Err(error) = reaper().add(child, None) {
        crate::traps::report(&format!(
            "child process {id} will not be collected when it ends, and stays as a zombie: {error}"
        ));
    }
}

/// A task's wait for the end of a child; ends when it is dropped.
pub(super) struct Watch {
    key: u64,
}

impl Watch {
    /// From now on the waker is called when the child has ended. If it had before, this may go unnoticed for a
    /// moment: ask once more.
    ///
    /// # Errors
    /// The process has no file descriptors left, or no thread can be started.
    pub(super) fn new(child: &SharedChild, waker: &Waker) -> io::Result<Watch> {
        let key = reaper().add(Arc::clone(child), Some(waker.clone()))?;
        Ok(Watch { key })
    }

    /// The wait goes on with this waker. False if the waker before was called.
    pub(super) fn renew(&self, waker: &Waker) -> bool {
        let mut reaper = reaper();
        let Some(awaited) = reaper.children.get_mut(&self.key) else { return false };
        let replaced = crate::kernel::waker::renew(&mut awaited.waker, waker);
        drop(reaper);
        drop(replaced);
        true
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut reaper = reaper();
        let removed = reaper.children.remove(&self.key);
        if reaper.children.is_empty() {
            reaper.tell_thread();
        }
        drop(reaper);
        drop(removed);
    }
}

impl Reaper {
    fn add(&mut self, child: SharedChild, waker: Option<Waker>) -> io::Result<u64> {
        if self.running.is_none() {
            self.running =
                Some(start().map_err(|error| while_doing("starting to wait for child processes", error))?);
        }
        let key = self.next_key;
        self.next_key += 1;
        let ask_at = Instant::now() + FIRST_PAUSE;
        self.children.insert(key, Awaited { child, waker, pause: FIRST_PAUSE, ask_at });
        // It may have planned to sleep for longer.
        self.tell_thread();
        Ok(key)
    }

    fn tell_thread(&self) {
        if let Some(running) = &self.running {
            // It fails only for a descriptor that is none. Then the thread is late by a pause.
            let _ = running.changed.wake();
        }
    }

    /// Asks all children, or those whose time has come. Takes out those that have ended, with the wakers to be called.
    fn ask(&mut self, all: bool) -> Vec<Awaited> {
        let now = Instant::now();
        let mut ended = Vec::new();
        for (&key, awaited) in &mut self.children {
            if !all && awaited.ask_at > now {
                continue;
            }
            awaited.pause = (awaited.pause * 2).min(LONGEST_PAUSE);
            awaited.ask_at = now + awaited.pause;
            // An error is for the waiting task, which asks again. A child left behind that cannot be asked is not ours.
            if !matches!(lock(&awaited.child).try_wait(), Ok(None)) {
                ended.push(key);
            }
        }
        ended.into_iter().filter_map(|key| self.children.remove(&key)).collect()
    }

    fn next_pause(&self) -> Option<Duration> {
        let first = self.children.values().map(|awaited| awaited.ask_at).min()?;
        Some(first.saturating_duration_since(Instant::now()))
    }
}

fn start() -> io::Result<Running> {
    let poll = Poll::new()?;
    let changed = mio::Waker::new(poll.registry(), CHANGED)?;
    let (sender, mut arrivals) = pipe::new()?;
    poll.registry().register(&mut arrivals, SIGNAL, Interest::READABLE)?;
    let registered = low_level::pipe::register(SIGCHLD, sender)?;
    // Unregisters if no thread can be started.
    let running = Running { changed, registered };
    thread::Builder::new()
        .name("curio-reaper".into())
        .stack_size(128 * 1024)
        .spawn(move || reap(poll, arrivals))?;
    Ok(running)
}

/// What the thread does, until there are no children left.
fn reap(mut poll: Poll, mut arrivals: pipe::Receiver) {
    let mut events = Events::with_capacity(8);
    let mut signalled = false;
    loop {
        let mut reaper = reaper();
        let ended = reaper.ask(signalled);
        let pause = reaper.next_pause();
        if pause.is_none() {
            reaper.running = None;
        }
        drop(reaper);
        // A foreign waker that panics, which the panic hook has reported by then, must not end the thread.
        let _ = wake_all(ended.into_iter().filter_map(|awaited| awaited.waker));
        if pause.is_none() {
            return;
        }
        // If it fails, the pauses go on growing all the same.
        signalled =
            poll.poll(&mut events, pause).is_ok() && events.iter().any(|event| event.token() == SIGNAL);
        if signalled {
            // Before the children are asked: a signal that comes while they are is for the next round.
            while arrivals.read(&mut [0; 256]).is_ok_and(|read| read > 0) {}
        }
    }
}

pub(super) fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

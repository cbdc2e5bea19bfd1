//! Ctrl-C: the first one cancels `main`, the second ends the process.
//!
//! After a first Ctrl-C the program may hang: a task may compute for an hour, a cleanup may wait for a server that
//! does not respond. So the second one must not depend on the kernel. It is handled in the signal handler, which has
//! two actions: "exit if the flag is set", and after it "set the flag".
//!
//! Several kernels may run, each on a thread of its own. All of them are interrupted, and the process may only
//! exit when all have run their cleanups: the last one ends it.

use super::listeners::{Listener, was_ignored};
use super::pipe::SignalPipe;
use signal_hook::consts::SIGINT;
use signal_hook::{SigId, flag, low_level};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What a shell reports of a program that SIGINT ended: 128 and the signal's number.
const EXIT_STATUS: i32 = 130;

static PROCESS: Mutex<Process> = Mutex::new(Process { runs: 0, sigint_owners: 0, handler: None });
static RUN_ENDED: Condvar = Condvar::new();

/// What all kernels of the process share.
struct Process {
    /// How many `run`s are running that listen.
    runs: usize,
    /// How many listeners of the program itself there are on SIGINT.
    sigint_owners: usize,
    handler: Option<Handler>,
}

/// The two actions in the signal handler.
struct Handler {
    pressed: Arc<AtomicBool>,
    actions: [SigId; 2],
}

impl Handler {
    fn install() -> io::Result<Handler> {
        let pressed = Arc::new(AtomicBool::new(false));
        let leave = flag::register_conditional_shutdown(SIGINT, EXIT_STATUS, Arc::clone(&pressed))?;
        let set = flag::register(SIGINT, Arc::clone(&pressed)).inspect_err(|_| {
            low_level::unregister(leave);
        })?;
        Ok(Handler { pressed, actions: [leave, set] })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        for action in self.actions {
            low_level::unregister(action);
        }
    }
}

impl Process {
    fn lock() -> MutexGuard<'static, Process> {
        PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Installs or removes the handler, as `runs` and `sigint_owners` require.
    fn settle(&mut self) -> io::Result<()> {
        if self.sigint_owners > 0 {
            self.handler = None;
        } else if self.runs > 0 && self.handler.is_none() {
            self.handler = Some(Handler::install()?);
        }
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        self.handler.as_ref().is_some_and(|handler| handler.pressed.load(Ordering::SeqCst))
    }
}

/// A `run` that Ctrl-C interrupts.
pub(crate) struct CtrlC {
    arrivals: SignalPipe,
    /// Ctrl-C came before this run began, while other runs were still running their cleanups.
    too_late: bool,
    pressed: bool,
    _run: Run,
    _listener: Listener,
}

/// One of the runs that are counted.
struct Run;

impl CtrlC {
    /// [`listen`](Self::listen), unless the process was started with SIGINT ignored: then its parent did not want it
    /// to be interrupted.
    pub(crate) fn listen_unless_ignored() -> Option<CtrlC> {
        if was_ignored(SIGINT) { None } else { CtrlC::listen() }
    }

    /// From now on the first Ctrl-C interrupts this run. `None` if that is impossible, which is reported.
    pub(crate) fn listen() -> Option<CtrlC> {
        let listening = CtrlC::try_listen();
        if let Err(error) = &listening {
            crate::traps::report(&format!("Ctrl-C will not run any cleanups: {error}"));
        }
        listening.ok()
    }

    fn try_listen() -> io::Result<CtrlC> {
        let listener = Listener::new(SIGINT)?;
        let arrivals = SignalPipe::new(SIGINT)?;
        let mut process = Process::lock();
        if process.runs == 0
            && let Some(handler) = &process.handler
        {
            handler.pressed.store(false, Ordering::SeqCst);
        }
        process.runs += 1;
        let run = Run;
        let settled = process.settle();
        let too_late = process.is_pressed();
        drop(process);
        settled?;
        Ok(CtrlC { arrivals, too_late, pressed: false, _run: run, _listener: listener })
    }

    /// Whether `main` is to be cancelled now; true once. Costs no system call and no lock unless SIGINT arrived.
    pub(crate) fn pressed(&mut self) -> bool {
        let arrived = self.arrivals.take_announced() && Process::lock().sigint_owners == 0;
        let pressed = !self.pressed && (arrived || self.too_late);
        self.pressed |= pressed;
        pressed
    }

    pub(crate) fn was_pressed(&self) -> bool {
        self.pressed
    }

    /// Ends the process as soon as no other run is left that was interrupted too.
    pub(crate) fn end_process(self) -> ! {
        drop(self);
        let mut process = Process::lock();
        while process.runs > 0 {
            process = RUN_ENDED.wait(process).unwrap_or_else(PoisonError::into_inner);
        }
        drop(process);
        std::process::exit(EXIT_STATUS)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        Process::lock().runs -= 1;
        RUN_ENDED.notify_all();
    }
}

/// As long as there is one, Ctrl-C is the program's own business.
pub(super) struct SigintOwner(());

impl SigintOwner {
    pub(super) fn new() -> SigintOwner {
        let mut process = Process::lock();
        process.sigint_owners += 1;
        process.handler = None;
        SigintOwner(())
    }
}

impl Drop for SigintOwner {
    fn drop(&mut self) {
        let mut process = Process::lock();
        process.sigint_owners -= 1;
        // The handler has been there before, so there is no reason for it to fail now.
        let _ = process.settle();
    }
}

//! What is noted of a run while it goes on: the lines of its trace, the good points it has reached, and its panics.
//!
//! A run is on one thread, so the recording of the thread's current run is in a thread-local. The panic hook finds it there. It
//! prints nothing for a run of the grader: learners see the panic in the report, with the order that leads to it.

use curio::debug::{Event, EventKind, SchedTrace, WakeCause, schedtrace};
use std::cell::{Cell, RefCell};
use std::panic::{self, PanicHookInfo};
use std::rc::Rc;
use std::sync::Once;
use std::thread::LocalKey;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Recording>>> = const { RefCell::new(None) };
}

/// How the line of a good point begins.
pub(crate) const MARK: &str = "---- ";

/// More lines than this are not kept: the first ones are dropped.
const MOST_LINES: usize = 10_000;

#[derive(Default)]
pub(crate) struct Recording {
    lines: RefCell<Vec<String>>,
    /// How many lines there were before these.
    dropped: Cell<usize>,
    panics: RefCell<Vec<Panic>>,
    /// The run has failed: what comes now is its end.
    is_over: Cell<bool>,
}

/// A panic, and where it was.
#[derive(Clone, Debug)]
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Recording {
    /// A recording that gets the panics of this thread until the returned guard is dropped.
    pub(crate) fn begin() -> (Rc<Recording>, Current) {
        install_hook();
        let recording = Rc::new(Recording::default());
        CURRENT.set(Some(Rc::clone(&recording)));
        (recording, Current(&CURRENT))
    }

    /// The activation that writes the trace of a kernel into this recording.
    pub(crate) fn trace(self: &Rc<Self>) -> Tracing {
        let lines = Rc::clone(self);
        Tracing { recording: Rc::clone(self), trace: schedtrace().on_line(move |line| lines.add(line)) }
    }

    fn add(&self, line: &str) {
        if !self.is_over.get() {
            let mut lines = self.lines.borrow_mut();
            if lines.len() == MOST_LINES {
                lines.drain(..MOST_LINES / 2);
                self.dropped.set(self.dropped.get() + MOST_LINES / 2);
            }
            lines.push(line.to_owned());
        }
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.get()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// The first one is the cause; the others follow from it.
    pub(crate) fn first_panic(&self) -> Option<Panic> {
        self.panics.borrow().first().cloned()
    }
}

/// While it exists, the thread has a current recording.
pub(crate) struct Current(&'static LocalKey<RefCell<Option<Rc<Recording>>>>);

impl Drop for Current {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// The trace of a run up to its failure.
pub(crate) struct Tracing {
    recording: Rc<Recording>,
    trace: SchedTrace,
}

impl curio::Activation for Tracing {
    fn event(&mut self, event: &Event) {
        // At the end of a run the kernel cancels what is left, and no task asks for that. In a deadlock it polls each task once
        // more before.
        let is_end = match &event.kind {
            EventKind::CancelRequested => event.by.is_none(),
            EventKind::Woken { cause, .. } => *cause == WakeCause::Check,
            _ => false,
        };
        self.recording.is_over.set(self.recording.is_over.get() || is_end);
        self.trace.event(event);
    }
}

/// Notes a good point: so far the program of a check has done what it should. The trace of a failure begins at the last one.
pub fn reached(point: &str) {
    CURRENT.with_borrow(|current| {
        if let Some(recording) = current {
            recording.add(&format!("{MARK}{point}"));
        }
    });
}

/// Puts our panic hook before the one that is there.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !note(info) {
                print(info);
            }
        }));
    });
}

/// Notes a panic of a run of the grader. False if this thread has none.
fn note(info: &PanicHookInfo<'_>) -> bool {
    let current = CURRENT.try_with(|current| current.try_borrow().ok().and_then(|current| current.clone()));
    let Some(recording) = current.ok().flatten() else { return false };
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("a value that is not a message").to_owned();
    if message.contains("in a destructor during cleanup") {
        // Rust ends the process after this. So what has been noted is printed here.
        let panics = recording.panics.borrow();
        let told = panics.iter().map(|panic| format!("  {}:{}: {}\n", panic.file, panic.line, panic.message));
        let told: String = told.collect();
        println!(
            "\nTwo panics at the same time, the second one in a destructor that ran because of the first. Rust ends the \
             program then. They were:\n{told}"
        );
        return true;
    }
    let (file, line) =
        info.location().map_or_else(Default::default, |at| (at.file().replace('\\', "/"), at.line()));
    recording.is_over.set(true);
    if let Ok(mut panics) = recording.panics.try_borrow_mut() {
        panics.push(Panic { message, file, line });
    }
    true
}

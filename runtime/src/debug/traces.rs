//! Traces: the event stream as lines on standard error.
//!
//! ```text
//! [t=1.000s] #3 worker  RUN        cycle 2
//! [t=1.000s] #3 worker  SUSPEND    TIME_SLEEP at src/main.rs:12:5
//! [t=3.000s] #3 worker  WAKE       by a timer due at t=3.000s
//! ```
//!
//! A line says when, which task, what, and why or at which source line. Times count from the first event. The format is
//! stable: programs may search it. However many traces a kernel has, each event is printed once. A schedtrace can also give
//! its lines to the program ([`SchedTrace::on_line`]).

use super::activation::{Activation, Event, EventKind};
use super::wake_cause::WakeCause;
use crate::debug::standard_error::write_line;
use crate::task::info::{TaskId, TaskInfo, TaskState};
use std::fmt::{self, Write};
use std::time::Instant;

/// Prints every step of the schedule: created, running, suspended, woken, ended. Curio's `schedtrace`.
///
/// ```
/// use curio::debug::schedtrace;
/// use std::time::Duration;
///
/// let kernel = curio::Kernel::builder().virtual_clock(true).activation(schedtrace());
/// kernel.run(curio::sleep(Duration::from_secs(2)));
/// ```
///
/// Without source lines, it prints
///
/// ```text
/// [t=0.000s] #1 main  CREATE
/// [t=0.000s] #1 main  WAKE       by its spawn
/// [t=0.000s] #1 main  RUN        cycle 1
/// [t=0.000s] #1 main  SUSPEND    TIME_SLEEP
/// [t=0.000s] IDLE
/// [t=2.000s] #1 main  WAKE       by a timer due at t=2.000s
/// [t=2.000s] #1 main  RUN        cycle 2
/// [t=2.000s] #1 main  END        TERMINATED
/// [t=2.000s] EXIT
/// ```
pub fn schedtrace() -> SchedTrace {
    SchedTrace { lines: Lines::default() }
}

/// Prints every wait: which task, what for, at which line. Curio's `traptrace`. [`schedtrace`] prints these lines too; with
/// both, each comes once.
///
/// ```
/// use curio::debug::traptrace;
///
/// curio::Kernel::builder().activation(traptrace()).run(async {
///     let answer = curio::spawn(async { 42 });
///     answer.join().await.unwrap(); // printed as TASK_JOIN, with this line
/// });
/// ```
pub fn traptrace() -> TrapTrace {
    TrapTrace { lines: Lines::default() }
}

/// Prints a line with the whole record of every task that panicked. Curio's `logcrash`.
///
/// The kernel reports each crash at once anyhow; this adds when it was and how often the task had run.
///
/// ```
/// curio::Kernel::builder().activation(curio::debug::logcrash()).run(async {
///     let divide = curio::spawn_named("divide", async { 1 / "0".parse::<u32>().unwrap() });
///     assert!(divide.join().await.unwrap_err().is_panic()); // and a line with CRASH was printed
/// });
/// ```
pub fn logcrash() -> LogCrash {
    LogCrash { lines: Lines::default() }
}

/// The activation made by [`schedtrace`].
#[derive(Debug)]
pub struct SchedTrace {
    lines: Lines,
}

impl SchedTrace {
    /// Passes the lines to `sink`, one per event and without a line end, instead of printing them.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// let lines = Rc::new(RefCell::new(Vec::new()));
    /// let kept = Rc::clone(&lines);
    /// let trace = curio::debug::schedtrace().on_line(move |line| kept.borrow_mut().push(line.to_owned()));
    /// curio::Kernel::builder().virtual_clock(true).activation(trace).run(async {});
    /// assert_eq!(lines.borrow().last().unwrap(), "[t=0.000s] EXIT");
    /// ```
    pub fn on_line(mut self, sink: impl FnMut(&str) + 'static) -> SchedTrace {
        self.lines.sink = Some(Box::new(sink));
        self
    }
}

impl Activation for SchedTrace {
    fn event(&mut self, event: &Event) {
        let what = match &event.kind {
            EventKind::Created => created(event.task.as_ref()),
            EventKind::Running => {
                format!("RUN        cycle {}", event.task.as_ref().map_or(0, TaskInfo::cycles))
            }
            // The line of `Terminated` says it all.
            EventKind::Suspended { state: TaskState::Terminated | TaskState::Cancelled, .. } => return,
            EventKind::Suspended { .. } => suspended(event),
            EventKind::Woken { by, cause } => format!("WAKE       {}", self.lines.woken(event, *by, cause)),
            EventKind::RegionEntered { region } => format!("ENTER      {region}"),
            EventKind::RegionLeft { region } => format!("LEAVE      {}", region.label()),
            EventKind::CancelRequested => match event.by {
                Some(by) => format!("CANCEL     requested by #{by}"),
                None => "CANCEL     requested".into(),
            },
            EventKind::Terminated => {
                format!("END        {}", event.task.as_ref().map_or(TaskState::Terminated, TaskInfo::state))
            }
            EventKind::Idle => "IDLE".into(),
            EventKind::ShutDown { .. } => "EXIT".into(),
        };
        self.lines.print(event, &what);
    }
}

/// The activation made by [`traptrace`].
#[derive(Debug)]
pub struct TrapTrace {
    lines: Lines,
}

impl Activation for TrapTrace {
    fn event(&mut self, event: &Event) {
        if let EventKind::Suspended { state, .. } = &event.kind
            && !matches!(state, TaskState::Terminated | TaskState::Cancelled)
        {
            self.lines.print(event, &suspended(event));
        }
    }
}

/// The activation made by [`logcrash`].
#[derive(Debug)]
pub struct LogCrash {
    lines: Lines,
}

impl Activation for LogCrash {
    fn event(&mut self, event: &Event) {
        let crashed = event.task.as_ref().filter(|task| task.panicked());
        if let (EventKind::Terminated, Some(task)) = (&event.kind, crashed) {
            let parent = task.parent().map_or("no task".into(), |id| format!("#{id}"));
            let what = format!(
                "CRASH      after {} cycles, spawned at {} by {parent}",
                task.cycles(),
                task.spawned_at()
            );
            self.lines.print(event, &what);
        }
    }
}

fn created(task: Option<&TaskInfo>) -> String {
    let Some(task) = task else { return "CREATE".into() };
    match task.parent() {
        Some(parent) => format!("CREATE     by #{parent} at {}", task.spawned_at()),
        None => format!("CREATE     at {}", task.spawned_at()),
    }
}

fn suspended(event: &Event) -> String {
    let EventKind::Suspended { state, location } = &event.kind else { return String::new() };
    let mut text = format!("SUSPEND    {state}");
    if let Some(location) = location {
        let _ = write!(text, " at {location}");
    }
    if let Some(region) = event.task.as_ref().and_then(TaskInfo::region) {
        let _ = write!(text, ", in {region}");
    }
    text
}

type LineSink = Box<dyn FnMut(&str)>;

/// Numbers times from the first event on.
#[derive(Default)]
struct Lines {
    start: Option<Instant>,
    /// Gets the lines instead of standard error.
    sink: Option<LineSink>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("start", &self.start).finish_non_exhaustive()
    }
}

impl Lines {
    fn print(&mut self, event: &Event, what: &str) {
        let time = self.time(event, event.time);
        if self.sink.is_none() && event.printed.replace(true) {
            return;
        }
        let line = match &event.task {
            Some(task) => format!("[{time}] #{} {}  {what}", task.id(), task.name()),
            None => format!("[{time}] {what}"),
        };
        match &mut self.sink {
            Some(sink) => sink(&line),
            None => write_line(&line),
        }
    }

    fn time(&mut self, event: &Event, time: Instant) -> String {
        let start = *self.start.get_or_insert(event.time);
        format!("t={:.3}s", time.saturating_duration_since(start).as_secs_f64())
    }

    fn woken(&mut self, event: &Event, by: Option<TaskId>, cause: &WakeCause) -> String {
        match (cause, by) {
            (WakeCause::Timer { deadline }, _) => {
                format!("by a timer due at {}", self.time(event, *deadline))
            }
            (WakeCause::Task, Some(by)) if event.task.as_ref().is_some_and(|task| task.id() == by) => {
                "by itself".into()
            }
            (WakeCause::Task, Some(by)) => format!("by #{by}"),
            (WakeCause::CancelRequested, Some(by)) => format!("by a request to cancel it, from #{by}"),
            (cause, _) => format!("by {cause}"),
        }
    }
}

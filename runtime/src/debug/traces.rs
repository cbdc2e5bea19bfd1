//! Traces: the event stream as lines on standard error.
//!
//! ```text
//! [t=1.000s] #3 worker  RUN        cycle 2
//! [t=1.000s] #3 worker  SUSPEND    TIME_SLEEP at src/main.rs:12:5
//! [t=3.000s] #3 worker  WAKE       by a timer, a socket or a thread
//! ```
//!
//! Times count from the first event. The format is stable: programs may search it.

use super::activation::{Activation, Event, EventKind};
use crate::debug::standard_error::write_line;
use crate::task::info::{TaskInfo, TaskState};
use std::time::Instant;

/// Prints every step of the schedule: created, running, suspended, woken, ended. Curio's `schedtrace`.
pub fn schedtrace() -> SchedTrace {
    SchedTrace { lines: Lines::default() }
}

/// Prints every wait: which task, what for, at which line. Curio's `traptrace`.
pub fn traptrace() -> TrapTrace {
    TrapTrace { lines: Lines::default() }
}

/// Prints a line with the whole record of every task that panicked. Curio's `logcrash`.
///
/// The kernel reports each crash at once anyhow; this adds when it was and how often the task had run.
pub fn logcrash() -> LogCrash {
    LogCrash { lines: Lines::default() }
}

/// The activation made by [`schedtrace`].
#[derive(Debug)]
pub struct SchedTrace {
    lines: Lines,
}

impl Activation for SchedTrace {
    fn event(&mut self, event: &Event) {
        let what = match &event.kind {
            EventKind::Created => match event.task.as_ref().and_then(TaskInfo::parent) {
                Some(parent) => format!("CREATE     by #{parent}"),
                None => "CREATE".into(),
            },
            EventKind::Running => {
                format!("RUN        cycle {}", event.task.as_ref().map_or(0, TaskInfo::cycles))
            }
            EventKind::Suspended { state, location } => format!("SUSPEND    {}", waiting(*state, *location)),
            EventKind::Woken { by: Some(by) } => format!("WAKE       by #{by}"),
            EventKind::Woken { by: None } => "WAKE       by a timer, a socket or a thread".into(),
            EventKind::CancelRequested => "CANCEL     requested".into(),
            EventKind::Terminated => {
                format!("END        {}", event.task.as_ref().map_or(TaskState::Terminated, TaskInfo::state))
            }
            EventKind::Idle => "IDLE".into(),
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
        if let EventKind::Suspended { state, location } = &event.kind
            && !matches!(state, TaskState::Terminated | TaskState::Cancelled)
        {
            self.lines.print(event, &format!("TRAP       {}", waiting(*state, *location)));
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

fn waiting(state: TaskState, location: Option<&std::panic::Location<'_>>) -> String {
    match location {
        Some(location) => format!("{state} at {location}"),
        None => state.to_string(),
    }
}

/// Numbers times from the first event on.
#[derive(Debug, Default)]
struct Lines {
    start: Option<Instant>,
}

impl Lines {
    fn print(&mut self, event: &Event, what: &str) {
        let start = *self.start.get_or_insert(event.time);
        let time = event.time.saturating_duration_since(start).as_secs_f64();
        match &event.task {
            Some(task) => {
                write_line(&format!("[t={time:.3}s] #{} {}  {what}", task.id(), task.name()));
            }
            None => write_line(&format!("[t={time:.3}s] {what}")),
        }
    }
}

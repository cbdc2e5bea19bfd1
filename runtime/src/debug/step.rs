//! `CURIO_STEP`: the schedule, one poll at a time.

use super::activation::{Activation, Event, EventKind};
use super::standard_error::write_line;
use crate::task::info::TaskId;
use std::fmt;
use std::io::{self, BufRead};

/// Stops before each poll, shows which tasks are ready and why, and goes on when a line is entered.
///
/// Enter goes on by one poll; `c` and Enter, or the end of the input, goes on without stopping again. While it waits, the
/// whole kernel waits: real time passes, and timers that have come due meanwhile fire late.
///
/// ```no_run
/// curio::Kernel::builder().activation(curio::debug::step()).run(async {
///     curio::spawn(async { println!("second") }).detach();
///     println!("first");
/// });
/// ```
pub fn step() -> Step {
    Step { ready: Vec::new(), goes_on: false, input: Box::new(io::stdin().lock()) }
}

/// The activation made by [`step`].
pub struct Step {
    /// The tasks that were woken and have not run since, with the reason of each.
    ready: Vec<(TaskId, String)>,
    /// It does not stop any more.
    goes_on: bool,
    input: Box<dyn BufRead>,
}

impl Step {
    fn stop(&mut self) {
        let ready: Vec<_> = self.ready.iter().map(|(_, reason)| reason.as_str()).collect();
        write_line(&format!("curio: ready: {}", ready.join("; ")));
        write_line("curio: Enter polls the first, c goes on");
        let mut line = String::new();
        match self.input.read_line(&mut line) {
            Ok(read) if read > 0 && line.trim() != "c" => {}
            _ => self.goes_on = true,
        }
    }
}

impl Activation for Step {
    fn event(&mut self, event: &Event) {
        let Some(task) = &event.task else { return };
        match &event.kind {
            EventKind::Woken { by, cause, .. } => {
                let why = by.map_or_else(|| cause.to_string(), |by| format!("task {by}"));
                self.ready.push((task.id(), format!("task {} `{}`, woken by {why}", task.id(), task.name())));
            }
            EventKind::Running => {
                // With a seed it need not be the one that has waited longest.
                if let Some(place) = self.ready.iter().position(|(id, _)| *id == task.id()) {
                    let first = self.ready.remove(place);
                    self.ready.insert(0, first);
                }
                if !self.goes_on {
                    self.stop();
                }
                self.ready.retain(|(id, _)| *id != task.id());
            }
            EventKind::Terminated => self.ready.retain(|(id, _)| *id != task.id()),
            _ => {}
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("ready", &self.ready).finish_non_exhaustive()
    }
}

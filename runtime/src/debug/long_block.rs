//! Finding the task that keeps all others waiting.

use super::activation::{Activation, Event, EventKind};
use crate::debug::standard_error::write_line;
use crate::task::info::TaskId;
use std::panic::Location;
use std::time::{Duration, Instant};

/// Prints a line whenever a task runs for longer than `limit` without awaiting: Curio's `longblock`.
///
/// It measures real time, also on a virtual clock.
///
/// ```
/// use curio::debug::longblock;
/// use std::time::Duration;
///
/// let kernel = curio::Kernel::builder().activation(longblock(Duration::from_millis(1)));
/// kernel.run(async {
///     std::thread::sleep(Duration::from_millis(2)); // blocks all tasks, and is named on standard error
/// });
/// ```
pub fn longblock(limit: Duration) -> LongBlock {
    LongBlock { limit, running: None }
}

/// The activation made by [`longblock`].
#[derive(Debug)]
pub struct LongBlock {
    limit: Duration,
    running: Option<Run>,
}

/// A poll that has begun.
#[derive(Debug)]
struct Run {
    task: TaskId,
    since: Instant,
    from: &'static Location<'static>,
}

impl Activation for LongBlock {
    fn event(&mut self, event: &Event) {
        let Some(task) = &event.task else { return };
        match event.kind {
            EventKind::Running => {
                self.running = Some(Run { task: task.id(), since: Instant::now(), from: task.resumes_at() });
            }
            EventKind::Suspended { .. } | EventKind::Terminated => {
                let Some(Run { since, from, .. }) = self.running.take_if(|run| run.task == task.id()) else {
                    return;
                };
                let took = since.elapsed();
                if took > self.limit {
                    let until = match task.waiting_at() {
                        Some(at) => format!("until {at}"),
                        None => "to its end".into(),
                    };
                    write_line(&format!(
                        "curio: task {} `{}` ran for {took:.1?} without awaiting, from {from} {until}; blocking work belongs into \
                         `run_in_thread`, long computations into pieces with `schedule().await` between them",
                        task.id(),
                        task.name()
                    ));
                }
            }
            _ => {}
        }
    }
}

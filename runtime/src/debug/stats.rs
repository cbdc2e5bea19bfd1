//! `CURIO_STATS`: what a program did, in numbers.

use super::activation::{Activation, Event, EventKind};
use super::counts::KernelCounts;
use super::standard_error::write_line;
use super::wake_cause::{Direction, WakeCause};
use crate::task::info::TaskId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::Location;
use std::time::{Duration, Instant};

/// Prints at the end of a kernel how many tasks, polls, wakes, timers and system calls there were, and the longest poll.
///
/// ```
/// let kernel = curio::Kernel::builder().virtual_clock(true).activation(curio::debug::stats());
/// kernel.run(curio::sleep(std::time::Duration::from_secs(1))); // prints 1 task, 2 polls, 1 timer, …
/// ```
pub fn stats() -> Stats {
    Stats::default()
}

/// The activation made by [`stats`].
#[derive(Debug, Default)]
pub struct Stats {
    tasks: u64,
    alive: u64,
    most_alive: u64,
    polls: u64,
    /// By cause.
    wakes: BTreeMap<&'static str, u64>,
    ready: BTreeSet<TaskId>,
    most_ready: usize,
    running: Option<Poll>,
    longest: Option<(Duration, Poll)>,
}

/// A poll of a task.
#[derive(Clone, Debug)]
struct Poll {
    task: TaskId,
    name: String,
    began: Instant,
    /// Where it went on.
    at: &'static Location<'static>,
}

impl Stats {
    fn count(&mut self, event: &Event) {
        match (&event.kind, &event.task) {
            (EventKind::Created, _) => {
                self.tasks += 1;
                self.alive += 1;
                self.most_alive = self.most_alive.max(self.alive);
            }
            (EventKind::Woken { cause, .. }, Some(task)) => {
                *self.wakes.entry(word(cause)).or_default() += 1;
                self.ready.insert(task.id());
                self.most_ready = self.most_ready.max(self.ready.len());
            }
            (EventKind::Running, Some(task)) => {
                self.polls += 1;
                self.ready.remove(&task.id());
                let at = task.resumes_at();
                let (task, name) = (task.id(), task.name().to_string());
                self.running = Some(Poll { task, name, began: Instant::now(), at });
            }
            (EventKind::Suspended { .. }, Some(_)) => {
                let Some(poll) = self.running.take() else { return };
                let took = poll.began.elapsed();
                if self.longest.as_ref().is_none_or(|(longest, _)| took > *longest) {
                    self.longest = Some((took, poll));
                }
            }
            (EventKind::Terminated, Some(task)) => {
                self.alive -= 1;
                self.ready.remove(&task.id());
            }
            _ => {}
        }
    }

    fn report(&self, counts: &KernelCounts) -> String {
        let mut text = format!(
            "curio: tasks: {}, at most {} alive and {} ready at the same time\ncurio: polls: {}",
            self.tasks, self.most_alive, self.most_ready, self.polls
        );
        if let Some((took, poll)) = &self.longest {
            let Poll { task, name, at, .. } = poll;
            let _ = write!(text, ", the longest {took:.1?}: task {task} `{name}`, which went on at {at}");
        }
        let wakes: u64 = self.wakes.values().sum();
        let _ = write!(text, "\ncurio: wakes: {wakes}");
        let mut causes: Vec<_> = self.wakes.iter().collect();
        causes.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), **word));
        for (index, (word, count)) in causes.into_iter().enumerate() {
            let _ = write!(text, "{} {count} by {word}", if index == 0 { ":" } else { "," });
        }
        let KernelCounts { timers_set, timers_fired, polls_for_events, socket_calls, .. } = counts;
        let cancelled = timers_set - timers_fired;
        let _ = write!(
            text,
            "\ncurio: timers: {timers_set} set, {timers_fired} fired, {cancelled} cancelled\n\
             curio: system calls: {polls_for_events} for events, {socket_calls} on sockets"
        );
        text
    }
}

impl Activation for Stats {
    fn event(&mut self, event: &Event) {
        if let EventKind::ShutDown { counts } = &event.kind {
            self.report(counts).lines().for_each(write_line);
        } else {
            self.count(event);
        }
    }
}

/// A cause without what differs from wake to wake.
fn word(cause: &WakeCause) -> &'static str {
    match cause {
        WakeCause::Spawned => "a spawn",
        WakeCause::Task => "a task",
        WakeCause::Timer { .. } => "a timer",
        WakeCause::Socket { direction: Direction::Read } => "a socket to read",
        WakeCause::Socket { direction: Direction::Write } => "a socket to write",
        WakeCause::Thread { .. } => "a thread",
        WakeCause::Signal { .. } => "a signal",
        WakeCause::CancelRequested => "a request to cancel",
        WakeCause::Schedule => "schedule()",
        WakeCause::Budget => "a used-up budget",
        WakeCause::Upkeep => "upkeep",
        WakeCause::Check | WakeCause::Regranted => "the kernel",
        WakeCause::Outside => "code outside of tasks",
    }
}

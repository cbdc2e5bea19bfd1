//! What the monitor knows by itself, from the event stream: it is there also when the kernel does not answer.

use crate::debug::{Event, EventKind};
use crate::task::info::{TaskId, TaskInfo, TaskState};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::Location;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Table {
    tasks: BTreeMap<TaskId, Row>,
    running: Option<Poll>,
}

/// One task.
struct Row {
    name: String,
    state: TaskState,
    cycles: u64,
    parent: Option<TaskId>,
    spawned_at: &'static Location<'static>,
    waiting_at: Option<&'static Location<'static>>,
    region: Option<String>,
    /// In real time.
    since: Instant,
}

/// The poll in progress.
struct Poll {
    task: TaskId,
    since: Instant,
    resumed_at: &'static Location<'static>,
}

impl Table {
    pub(super) fn add(&mut self, event: &Event) {
        let Some(task) = &event.task else { return };
        match &event.kind {
            EventKind::Running => {
                let (task, resumed_at) = (task.id(), task.resumes_at());
                self.running = Some(Poll { task, since: Instant::now(), resumed_at });
            }
            EventKind::Suspended { .. } => self.running = None,
            EventKind::Terminated => {
                self.tasks.remove(&task.id());
                return;
            }
            _ => {}
        }
        let row = self.tasks.entry(task.id()).or_insert_with(|| Row::new(task));
        row.update(task);
    }

    /// Since when which task has kept the kernel from answering, if that is at least so long.
    pub(super) fn blocked_for(&self, least: Duration) -> Option<String> {
        let Poll { task, since, resumed_at } = self.running.as_ref()?;
        let name = self.tasks.get(task).map_or("", |row| &row.name);
        let time = since.elapsed();
        (time >= least).then(|| {
            format!("task {task} `{name}` has been running for {time:.1?} since it went on at {resumed_at}")
        })
    }

    /// The tasks as a table, as Curio's `ps` shows them.
    pub(super) fn ps(&self) -> String {
        let mut text = format!("{:>6}  {:<14}{:>7}  {:>8}  {}\n", "Task", "State", "Cycles", "Since", "Name");
        for (id, row) in &self.tasks {
            let since = short(row.since.elapsed());
            let _ = write!(
                text,
                "{:>6}  {:<14}{:>7}  {since:>8}  ",
                id.as_u64(),
                row.state.to_string(),
                row.cycles
            );
            text.push_str(&row.name);
            if let Some(at) = row.waiting_at {
                let _ = write!(text, ", at {at}");
            }
            if let Some(region) = &row.region {
                let _ = write!(text, ", in {region}");
            }
            text.push('\n');
        }
        text
    }

    /// The tasks below those that spawned them.
    pub(super) fn tree(&self) -> String {
        let mut children: BTreeMap<Option<TaskId>, Vec<TaskId>> = BTreeMap::new();
        for (id, row) in &self.tasks {
            let parent = row.parent.filter(|parent| self.tasks.contains_key(parent));
            children.entry(parent).or_default().push(*id);
        }
        let mut text = String::new();
        let mut next: Vec<(TaskId, usize)> = Vec::new();
        let below = |id: Option<TaskId>, depth| {
            children.get(&id).into_iter().flatten().rev().map(move |child| (*child, depth))
        };
        next.extend(below(None, 0));
        while let Some((id, depth)) = next.pop() {
            let row = &self.tasks[&id];
            let _ = writeln!(text, "{:1$}{id} {2} {3}", "", 2 * depth, row.name, row.state);
            next.extend(below(Some(id), depth + 1));
        }
        text
    }

    /// The task, the task that spawned it, and so on, each with the line of the spawn.
    pub(super) fn parents(&self, id: TaskId) -> Option<String> {
        self.tasks.get(&id)?;
        let mut text = String::new();
        let mut next = Some(id);
        while let Some(id) = next {
            match self.tasks.get(&id) {
                Some(row) => {
                    let _ = writeln!(text, "{id} {} spawned at {}", row.name, row.spawned_at);
                    next = row.parent;
                }
                None => {
                    let _ = writeln!(text, "{id} has ended");
                    next = None;
                }
            }
        }
        Some(text)
    }

    pub(super) fn counts(&self) -> String {
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        for row in self.tasks.values() {
            *states.entry(row.state.to_string()).or_default() += 1;
        }
        let states: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        format!("tasks: {} ({})\n", self.tasks.len(), states.join(", "))
    }
}

impl Row {
    fn new(task: &TaskInfo) -> Row {
        Row {
            name: printable(task.name()),
            state: task.state(),
            cycles: 0,
            parent: task.parent(),
            spawned_at: task.spawned_at(),
            waiting_at: None,
            region: None,
            since: Instant::now(),
        }
    }

    fn update(&mut self, task: &TaskInfo) {
        if self.state != task.state() || self.cycles != task.cycles() {
            self.since = Instant::now();
        }
        self.state = task.state();
        self.cycles = task.cycles();
        self.waiting_at = task.waiting_at();
        self.region = task.region().map(|region| printable(&region.to_string()));
    }
}

/// A name without what would control a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// `4.2s`, `12ms`.
fn short(time: Duration) -> String {
    match time.as_millis() {
        0..1000 => format!("{}ms", time.as_millis()),
        1000..100_000 => format!("{:.1}s", time.as_secs_f64()),
        _ => format!("{}s", time.as_secs()),
    }
}

//! What a timeline remembers of a run: the last events, as plain data that holds no task.
//!
//! An [`Event`] of the stream carries all that is known of its task. Here each is boiled down to what a picture needs, and
//! what does not change (a task's name, a region's label) is kept once. When there are more events than the limit, the
//! oldest are forgotten; how many, the picture says.

use crate::debug::{Event, EventKind, Region, WakeCause};
use crate::task::info::{TaskInfo, TaskState};
use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::time::{Duration, Instant};

pub(super) type Place = &'static Location<'static>;

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Since the beginning of the recording.
    pub(super) time: Duration,
    /// 0: the loop itself.
    pub(super) task: u64,
    pub(super) step: Step,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Created,
    Woken { by: Option<u64>, cause: WakeCause },
    Running,
    Suspended(Wait),
    RegionEntered(u64),
    RegionLeft(u64),
    CancelRequested { by: Option<u64> },
    Ended(TaskState),
    Idle,
}

/// How a poll ended.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) state: TaskState,
    pub(super) at: Option<Place>,
    pub(super) region: Option<u64>,
    /// How long the poll took, in real time.
    pub(super) took: Duration,
}

/// What does not change about a task.
#[derive(Clone, Debug)]
pub(super) struct TaskFacts {
    pub(super) name: String,
    pub(super) parent: Option<u64>,
    pub(super) spawned_at: Place,
    pub(super) panicked: bool,
}

/// What does not change about a region.
#[derive(Clone, Debug)]
pub(super) struct RegionFacts {
    pub(super) label: String,
    pub(super) at: Place,
    pub(super) outer: Option<u64>,
}

/// The last events of a run.
#[derive(Debug)]
pub(super) struct Recording {
    limit: usize,
    start: Option<Instant>,
    pub(super) entries: VecDeque<Entry>,
    pub(super) tasks: BTreeMap<u64, TaskFacts>,
    pub(super) regions: BTreeMap<u64, RegionFacts>,
    /// How many events are no longer there.
    pub(super) forgotten: u64,
    /// When the current poll began, in real time.
    poll_began: Option<Instant>,
}

impl Recording {
    pub(super) fn new(limit: usize) -> Recording {
        Recording {
            limit,
            start: None,
            entries: VecDeque::new(),
            tasks: BTreeMap::new(),
            regions: BTreeMap::new(),
            forgotten: 0,
            poll_began: None,
        }
    }

    pub(super) fn set_limit(&mut self, events: usize) {
        self.limit = events.max(1);
    }

    pub(super) fn add(&mut self, event: &Event) {
        let start = *self.start.get_or_insert(event.time);
        if let Some(task) = &event.task {
            self.know_task(task);
        }
        let Some(step) = self.step(event) else { return };
        let task = event.task.as_ref().map_or(0, |task| task.id().as_u64());
        let time = event.time.saturating_duration_since(start);
        self.entries.push_back(Entry { time, task, step });
        while self.entries.len() > self.limit {
            self.forget_first();
        }
    }

    fn step(&mut self, event: &Event) -> Option<Step> {
        Some(match &event.kind {
            EventKind::Created => Step::Created,
            EventKind::Running => {
                self.poll_began = Some(Instant::now());
                Step::Running
            }
            EventKind::Suspended { state, location } => {
                let region = event.task.as_ref().and_then(TaskInfo::region);
                if let Some(region) = region {
                    self.know_region(region);
                }
                Step::Suspended(Wait {
                    state: *state,
                    at: *location,
                    region: region.map(Region::id),
                    took: self.poll_began.take().map(|began| began.elapsed()).unwrap_or_default(),
                })
            }
            EventKind::Woken { by, cause } => {
                Step::Woken { by: by.map(|id| id.as_u64()), cause: cause.clone() }
            }
            EventKind::RegionEntered { region } => {
                self.know_region(region);
                Step::RegionEntered(region.id())
            }
            EventKind::RegionLeft { region } => Step::RegionLeft(region.id()),
            EventKind::CancelRequested => Step::CancelRequested { by: event.by.map(|id| id.as_u64()) },
            EventKind::Terminated => Step::Ended(event.task.as_ref()?.state()),
            EventKind::Idle => Step::Idle,
            EventKind::ShutDown { .. } => return None,
        })
    }

    fn know_task(&mut self, task: &TaskInfo) {
        let facts = self.tasks.entry(task.id().as_u64()).or_insert_with(|| TaskFacts {
            name: task.name().to_string(),
            parent: task.parent().map(|id| id.as_u64()),
            spawned_at: task.spawned_at(),
            panicked: false,
        });
        facts.panicked |= task.panicked();
    }

    fn know_region(&mut self, region: &Region) {
        self.regions.entry(region.id()).or_insert_with(|| RegionFacts {
            label: region.label().to_string(),
            at: region.location(),
            outer: region.outer().map(Region::id),
        });
    }

    fn forget_first(&mut self) {
        self.forgotten += 1;
        match self.entries.pop_front() {
            // What comes after the end of a task or a region does not name it.
            Some(Entry { step: Step::Ended(_), task, .. }) => drop(self.tasks.remove(&task)),
            Some(Entry { step: Step::RegionLeft(region), .. }) => drop(self.regions.remove(&region)),
            _ => {}
        }
    }
}

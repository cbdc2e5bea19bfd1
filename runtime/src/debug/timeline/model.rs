//! The model of a picture: a lane for each task with the stretches of its life, its regions, and the arrows between lanes.

use super::record::{Entry, Place, Recording, RegionFacts, Step, TaskFacts, Wait};
use crate::debug::WakeCause;
use crate::task::info::TaskState;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A poll that takes longer than this keeps all other tasks waiting for noticeably long.
pub(super) const LONG_POLL: Duration = Duration::from_millis(10);

/// A run, ready to be drawn. Times count from the beginning of the recording.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) start: Duration,
    pub(super) end: Duration,
    /// Children below their parents.
    pub(super) lanes: Vec<Lane>,
    /// Where in `lanes` a task is.
    places: HashMap<u64, usize>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) forgotten: u64,
}

/// One task.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) spawned_at: Option<Place>,
    /// How many tasks of the picture are above it in the line of its parents.
    pub(super) depth: usize,
    pub(super) parent: Option<u64>,
    pub(super) spans: Vec<Span>,
    pub(super) regions: Vec<RegionBar>,
    /// How it has ended, if it has.
    pub(super) end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Returned,
    Panicked,
    Cancelled,
}

/// A stretch of a task's life in one state.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// The number of the event that began it.
    pub(super) order: u64,
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) doing: Doing,
    /// For a wait, the line that waits; for a poll, the line at which it went on.
    pub(super) at: Option<Place>,
    pub(super) region: Option<u64>,
    /// Of a task that is ready: what woke it.
    pub(super) woken: Option<Woken>,
    /// Of a poll: how long it took in real time.
    pub(super) took: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Running,
    Ready,
    Waiting(TaskState),
}

#[derive(Clone, Debug)]
pub(super) struct Woken {
    pub(super) by: Option<u64>,
    pub(super) cause: WakeCause,
}

/// A region of a task's work.
#[derive(Debug)]
pub(super) struct RegionBar {
    pub(super) id: u64,
    pub(super) label: String,
    pub(super) at: Place,
    /// How many regions are around it.
    pub(super) depth: usize,
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// An event of one task that another one caused.
#[derive(Debug)]
pub(super) struct Arrow {
    /// The number of the event.
    pub(super) order: u64,
    pub(super) time: Duration,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) kind: ArrowKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArrowKind {
    Spawn,
    Wake,
    /// The wake of a task that waited for the end of the one that woke it.
    Join,
    Cancel,
}

impl ArrowKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            ArrowKind::Spawn => "spawn",
            ArrowKind::Wake => "wake",
            ArrowKind::Join => "join",
            ArrowKind::Cancel => "cancel",
        }
    }
}

impl Lane {
    pub(super) fn region(&self, id: u64) -> Option<&RegionBar> {
        // Regions are numbered in the order in which they are entered.
        self.regions.binary_search_by_key(&id, |bar| bar.id).ok().map(|place| &self.regions[place])
    }
}

impl Span {
    pub(super) fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    pub(super) fn is_long_poll(&self) -> bool {
        self.doing == Doing::Running && self.took > LONG_POLL
    }
}

impl Model {
    pub(super) fn of(recording: &Recording) -> Model {
        let mut builder = Builder::default();
        for entry in &recording.entries {
            builder.add(entry, recording);
        }
        builder.finish(recording)
    }

    pub(super) fn lane(&self, id: u64) -> Option<&Lane> {
        self.places.get(&id).map(|place| &self.lanes[*place])
    }

    pub(super) fn length(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

#[derive(Default)]
struct Builder {
    lanes: BTreeMap<u64, Growing>,
    arrows: Vec<Arrow>,
    /// How many there were so far.
    events: u64,
}

/// The lane of a task whose later events are still to come.
#[derive(Default)]
struct Growing {
    spans: Vec<Span>,
    /// The stretch that is not over.
    open: Option<Span>,
    regions: Vec<RegionBar>,
    end: Option<End>,
    /// Where it was parked last.
    parked: Option<Place>,
    /// What woke it while it was being polled.
    woken: Option<Woken>,
    /// The number of the current event.
    event: u64,
}

impl Builder {
    fn add(&mut self, entry: &Entry, recording: &Recording) {
        if entry.task == 0 {
            return;
        }
        let time = entry.time;
        self.events += 1;
        let order = self.events;
        let lane = self.lanes.entry(entry.task).or_default();
        lane.event = order;
        match &entry.step {
            Step::Created => {
                let parent = recording.tasks.get(&entry.task).and_then(|facts| facts.parent);
                self.arrows.extend(parent.map(|from| Arrow {
                    order,
                    time,
                    from,
                    to: entry.task,
                    kind: ArrowKind::Spawn,
                }));
            }
            Step::Woken { by, cause } => {
                let joined = lane.waits_in(TaskState::TaskJoin);
                lane.wake(time, Woken { by: *by, cause: cause.clone() });
                let kind = if joined { ArrowKind::Join } else { ArrowKind::Wake };
                // The arrow of a cancellation is drawn for the request.
                let is_new = *cause != WakeCause::CancelRequested;
                let from = by.filter(|by| *by != entry.task && is_new);
                self.arrows.extend(from.map(|from| Arrow { order, time, from, to: entry.task, kind }));
            }
            Step::Running => {
                let at = lane.parked;
                lane.go_on(time, Doing::Running, at);
            }
            Step::Suspended(wait) => lane.suspend(time, wait),
            Step::RegionEntered(region) => {
                if let Some(facts) = recording.regions.get(region) {
                    lane.regions.push(bar(*region, facts, recording, time));
                }
            }
            Step::RegionLeft(region) => lane.leave(*region, time),
            Step::CancelRequested { by: Some(from) } if *from != entry.task => {
                let (from, to) = (*from, entry.task);
                self.arrows.push(Arrow { order, time, from, to, kind: ArrowKind::Cancel });
            }
            Step::Ended(state) => {
                lane.close(time);
                let panicked = recording.tasks.get(&entry.task).is_some_and(|facts| facts.panicked);
                lane.end = Some(match state {
                    TaskState::Cancelled => End::Cancelled,
                    _ if panicked => End::Panicked,
                    _ => End::Returned,
                });
            }
            Step::CancelRequested { .. } | Step::Idle => {}
        }
    }

    fn finish(mut self, recording: &Recording) -> Model {
        let start = recording.entries.front().map_or(Duration::ZERO, |entry| entry.time);
        let end = recording.entries.back().map_or(start, |entry| entry.time);
        for lane in self.lanes.values_mut() {
            lane.close(end);
            for bar in &mut lane.regions {
                bar.to = bar.to.min(end);
            }
        }
        let order = in_order(&self.lanes, &recording.tasks);
        let lanes = order.into_iter().filter_map(|(id, depth)| {
            let growing = self.lanes.remove(&id)?;
            let facts = recording.tasks.get(&id);
            Some(Lane {
                id,
                name: facts.map_or_else(|| "a task".to_string(), |facts| facts.name.clone()),
                spawned_at: facts.map(|facts| facts.spawned_at),
                depth,
                parent: facts.and_then(|facts| facts.parent),
                spans: growing.spans,
                regions: growing.regions,
                end: growing.end,
            })
        });
        let lanes: Vec<Lane> = lanes.collect();
        let places = lanes.iter().enumerate().map(|(place, lane)| (lane.id, place)).collect();
        Model { start, end, lanes, places, arrows: self.arrows, forgotten: recording.forgotten }
    }
}

impl Growing {
    /// Ends the current stretch and begins the next one.
    fn go_on(&mut self, time: Duration, doing: Doing, at: Option<Place>) {
        self.close(time);
        self.open = Some(Span {
            order: self.event,
            from: time,
            to: time,
            doing,
            at,
            region: None,
            woken: None,
            took: Duration::ZERO,
        });
    }

    fn wake(&mut self, time: Duration, woken: Woken) {
        // One that wakes itself first ends its poll.
        if self.open.as_ref().is_some_and(|open| open.doing == Doing::Running) {
            self.woken = Some(woken);
            return;
        }
        self.go_on(time, Doing::Ready, None);
        if let Some(open) = &mut self.open {
            open.woken = Some(woken);
        }
    }

    fn suspend(&mut self, time: Duration, wait: &Wait) {
        if let Some(open) = &mut self.open {
            open.took = wait.took;
        }
        self.close(time);
        self.parked = wait.at;
        if matches!(wait.state, TaskState::Terminated | TaskState::Cancelled) {
            return;
        }
        let woken = self.woken.take();
        let doing = if woken.is_some() { Doing::Ready } else { Doing::Waiting(wait.state) };
        self.go_on(time, doing, wait.at);
        if let Some(open) = &mut self.open {
            (open.region, open.woken) = (wait.region, woken);
        }
    }

    fn waits_in(&self, state: TaskState) -> bool {
        self.open.as_ref().is_some_and(|open| open.doing == Doing::Waiting(state))
    }

    fn leave(&mut self, region: u64, time: Duration) {
        if let Some(bar) = self.regions.iter_mut().rev().find(|bar| bar.id == region) {
            bar.to = time;
        }
    }

    fn close(&mut self, time: Duration) {
        if let Some(mut open) = self.open.take() {
            open.to = time;
            self.spans.push(open);
        }
    }
}

fn bar(id: u64, facts: &RegionFacts, recording: &Recording, from: Duration) -> RegionBar {
    let outer = |id: &u64| recording.regions.get(id).and_then(|facts| facts.outer);
    let depth = std::iter::successors(facts.outer, outer).count();
    RegionBar { id, label: facts.label.clone(), at: facts.at, depth, from, to: Duration::MAX }
}

/// The tasks, each after its parent and the elder children of that, with their depths.
fn in_order(lanes: &BTreeMap<u64, Growing>, facts: &BTreeMap<u64, TaskFacts>) -> Vec<(u64, usize)> {
    let mut children: BTreeMap<Option<u64>, Vec<u64>> = BTreeMap::new();
    for id in lanes.keys() {
        let parent = facts.get(id).and_then(|facts| facts.parent);
        children.entry(parent.filter(|parent| lanes.contains_key(parent))).or_default().push(*id);
    }
    let mut order = Vec::new();
    let mut next: Vec<(u64, usize)> = Vec::new();
    let add = |next: &mut Vec<(u64, usize)>, of: Option<u64>, depth| {
        next.extend(children.get(&of).into_iter().flatten().rev().map(|id| (*id, depth)));
    };
    add(&mut next, None, 0);
    while let Some((id, depth)) = next.pop() {
        order.push((id, depth));
        add(&mut next, Some(id), depth + 1);
    }
    order
}

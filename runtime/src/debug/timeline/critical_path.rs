//! Why `main` took as long as it did: the chain of causes, followed backwards from its end.
//!
//! At every moment of the run one thing held `main` up. While it was running, that was `main` itself. Before that it was
//! ready and waited for its turn; before that it waited for something, and its wake says for what: for a timer or a socket,
//! which lie outside, or for another task. In that case the question moves on to that task, as it was at that moment. Followed
//! to the beginning this gives stretches without gaps, each in one task: the critical path. Only what lies on it can make
//! `main` end sooner.

use super::model::{Arrow, ArrowKind, Doing, End, Lane, Model, Span};
use super::words::{duration, of_cause, of_state};
use crate::debug::WakeCause;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A stretch of the path: what one task did, or waited for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) task: u64,
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) held_up_by: HeldUpBy,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HeldUpBy {
    /// It was being polled.
    Running,
    /// It was ready, and others had their turn.
    OtherTasks,
    /// A few words that fit behind "waited for".
    Outside(String),
}

impl fmt::Display for HeldUpBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeldUpBy::Running => f.write_str("running"),
            HeldUpBy::OtherTasks => f.write_str("ready, while other tasks ran"),
            HeldUpBy::Outside(what) => write!(f, "waiting for {what}"),
        }
    }
}

/// The path to the end of `main`, in order of time. Empty if the recording does not hold its end.
pub(super) fn of(model: &Model) -> Vec<Stretch> {
    let Some(main) = model.lane(1) else { return Vec::new() };
    let Some(last) = main.spans.last() else { return Vec::new() };
    let mut path = Vec::new();
    // How far back in which lane; `time` is where the stretch that was found last begins.
    let (mut lane, mut before, mut time) = (main, main.spans.len(), last.to);
    // Each step goes further back, but for one to the task that cancelled another; so many there can be in all.
    let most: usize = model.lanes.iter().map(|lane| 2 * lane.spans.len() + 2).sum();
    for _ in 0..most {
        let Some(span) = lane.spans[..before].last() else {
            // It did not exist yet: before that, the task that spawned it was running.
            let born = lane.spans.first().map(|first| first.order);
            let parent = lane.parent.and_then(|parent| model.lane(parent));
            let (Some(parent), Some(born)) = (parent, born) else { break };
            (lane, before) = (parent, begun_before(parent, born));
            continue;
        };
        let held_up_by = match span.doing {
            Doing::Running => HeldUpBy::Running,
            Doing::Ready => HeldUpBy::OtherTasks,
            Doing::Waiting(state) => {
                let cause = lane.spans.get(before).and_then(|next| next.woken.as_ref());
                HeldUpBy::Outside(match cause.map(|woken| &woken.cause) {
                    Some(WakeCause::Task) | None => of_state(state).to_string(),
                    Some(cause) => of_cause(cause),
                })
            }
        };
        path.push(Stretch { task: lane.id, from: span.from, to: time.min(span.to), held_up_by });
        time = span.from;
        let is_last = before + 1 >= lane.spans.len();
        let cancelled_by = if is_last { ended_by(lane, span, model) } else { None };
        let woken_by = || Some((caused_by_task(span, lane)?, span.order));
        let cause = if span.doing == Doing::Ready { cancelled_by.or_else(woken_by) } else { None };
        match cause.and_then(|(task, event)| Some((model.lane(task)?, event))) {
            Some((other, event)) => (lane, before) = (other, begun_before(other, event)),
            None => before -= 1,
        }
    }
    path.retain(|stretch| stretch.to > stretch.from);
    path.reverse();
    path
}

/// How many of its spans began before the event with this number. By numbers and not by times, because on a virtual clock
/// many things happen at the same time.
fn begun_before(lane: &Lane, event: u64) -> usize {
    lane.spans.partition_point(|span| span.order < event)
}

/// Of a task that was cancelled while it was ready: who asked for that, and at which event. What had woken it before that is
/// not why it ended.
fn ended_by(lane: &Lane, ready: &Span, model: &Model) -> Option<(u64, u64)> {
    if lane.end != Some(End::Cancelled) {
        return None;
    }
    let asked =
        |arrow: &&Arrow| arrow.to == lane.id && arrow.kind == ArrowKind::Cancel && arrow.order > ready.order;
    model.arrows.iter().rfind(asked).map(|arrow| (arrow.from, arrow.order))
}

fn caused_by_task(ready: &Span, lane: &Lane) -> Option<u64> {
    let woken = ready.woken.as_ref()?;
    match woken.cause {
        WakeCause::Task | WakeCause::CancelRequested => woken.by.filter(|by| *by != lane.id),
        WakeCause::Spawned => lane.parent,
        _ => None,
    }
}

/// "main took 4.00 s:" and a line for each cause that had a part in it, the largest first.
pub(super) fn summary(model: &Model, path: &[Stretch]) -> Vec<String> {
    let whole: Duration = path.iter().map(|stretch| stretch.to - stretch.from).sum();
    if whole.is_zero() {
        return Vec::new();
    }
    let mut parts: BTreeMap<(u64, &HeldUpBy), Duration> = BTreeMap::new();
    for stretch in path {
        *parts.entry((stretch.task, &stretch.held_up_by)).or_default() += stretch.to - stretch.from;
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let mut lines = vec![format!("main took {}:", duration(whole))];
    for ((task, what), time) in parts {
        let percent = 100.0 * time.as_secs_f64() / whole.as_secs_f64();
        if percent < 0.1 {
            break;
        }
        let name = model.lane(task).map_or("", |lane| &lane.name);
        let time = duration(time);
        let part = match (task, what) {
            (1, what) => format!("{what}, for {time}"),
            (_, HeldUpBy::Running) => format!("waiting for task {task} `{name}`, which ran for {time}"),
            (_, HeldUpBy::OtherTasks) => {
                format!("waiting for task {task} `{name}`, which was ready while other tasks ran for {time}")
            }
            (_, HeldUpBy::Outside(what)) => {
                format!("waiting for task {task} `{name}`, which waited {time} for {what}")
            }
        };
        lines.push(format!("{percent:.1} % {part}"));
    }
    lines
}

//! Regions: named stretches of a task's work, and where they are shown.

use curio::debug::{Activation, Event, EventKind, Region, phase, region, region_at};
use curio::{Kernel, TaskInfo, TaskState, join};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::pending;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Keeps every event of the tasks.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<(TaskInfo, EventKind)>>>);

impl Activation for Recorder {
    fn event(&mut self, event: &Event) {
        if let Some(task) = &event.task {
            self.0.borrow_mut().push((task.clone(), event.kind.clone()));
        }
    }
}

fn watched<R>(program: impl AsyncFnOnce() -> R) -> (R, Vec<(TaskInfo, EventKind)>) {
    let recorder = Recorder::default();
    let result = Kernel::builder().virtual_clock(true).activation(recorder.clone()).run(program());
    (result, recorder.0.take())
}

/// The labels of the regions that a task enters (`+`) and leaves (`-`).
fn steps(events: &[(TaskInfo, EventKind)]) -> Vec<String> {
    let step = |(_, kind): &(TaskInfo, EventKind)| match kind {
        EventKind::RegionEntered { region, .. } => Some(format!("+{}", region.label())),
        EventKind::RegionLeft { region, .. } => Some(format!("-{}", region.label())),
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

#[test]
fn regions_nest_and_a_waiting_task_shows_the_innermost_one() {
    let (shown, events) = watched(async || {
        let inner = region("inner", curio::sleep(SECOND));
        let task = curio::spawn(region("outer", async {
            inner.await;
            curio::sleep(SECOND).await;
        }));
        curio::schedule().await;
        let first = task.info().region().cloned().unwrap();
        curio::sleep(SECOND + SECOND / 2).await;
        let second = task.info().region().cloned().unwrap();
        task.join().await.unwrap();
        [first, second]
    });
    assert_eq!(shown.each_ref().map(Region::label), ["inner", "outer"]);
    assert_eq!(shown[0].outer(), Some(&shown[1]));
    assert_eq!(steps(&events), ["+outer", "+inner", "-inner", "-outer"]);
}

#[test]
fn a_region_begins_at_its_callers_line_and_says_each_line_once() {
    let (text, _) = watched(async || {
        let at = Location::caller();
        let phase = phase("phase", curio::sleep(SECOND));
        let request = region_at(at, "request", phase);
        let task = curio::spawn(region("job", request));
        curio::schedule().await;
        task.info().region().unwrap().to_string()
    });
    let file = file!();
    let lines: Vec<&str> = text.split(" at ").collect();
    assert!(text.starts_with(&format!("phase, in request at {file}:")), "{text}");
    assert!(text.contains(", in job at "), "{text}");
    assert_eq!(lines.len(), 3, "{text}");
}

#[test]
fn a_suspension_says_in_which_region_the_task_waits() {
    let (_, events) = watched(async || region("nap", curio::sleep(SECOND)).await);
    let asleep = events.iter().find(|(_, kind)| matches!(kind, EventKind::Suspended { .. })).unwrap();
    assert_eq!(asleep.0.region().unwrap().label(), "nap");
    assert!(asleep.0.to_string().contains(", in nap at "), "{}", asleep.0);
}

#[test]
fn branches_of_one_task_are_in_regions_of_their_own() {
    let (labels, events) = watched(async || {
        let task = curio::spawn(async {
            join!(
                region("long", curio::sleep(3 * SECOND)),
                region("short", curio::sleep(SECOND)),
                curio::sleep(2 * SECOND),
            );
        });
        let label = || task.info().region().map(|region| region.label().to_string());
        curio::schedule().await;
        let first = label();
        curio::sleep(2 * SECOND + SECOND / 2).await;
        [first, label()]
    });
    // Of several waits the one that was begun last is shown.
    assert_eq!(labels, [None, Some("long".into())]);
    assert_eq!(steps(&events), ["+long", "+short", "-short", "-long"]);
}

#[test]
fn a_wait_in_a_future_of_another_crate_is_shown_in_its_region() {
    let (shown, _) = watched(async || {
        let task = curio::spawn(async {
            join!(region("ours", curio::sleep(SECOND)), region("theirs", pending::<()>()));
        });
        curio::schedule().await;
        let info = task.info();
        (info.state(), info.region().unwrap().label().to_string())
    });
    assert_eq!(shown, (TaskState::ForeignWait, "theirs".to_string()));
}

#[test]
fn a_region_is_left_when_its_task_is_cancelled_or_its_future_dropped() {
    let (_, events) = watched(async || {
        let task = curio::spawn(region("cancelled", curio::sleep(SECOND)));
        let _ = curio::timeout_after(SECOND / 2, region("timed out", curio::sleep(SECOND))).await;
        task.cancel().await;
        assert!(task.info().region().is_none());
    });
    assert_eq!(steps(&events), ["+timed out", "+cancelled", "-timed out", "-cancelled"]);
}

#[test]
fn a_child_of_a_scope_is_not_in_the_region_of_its_parent() {
    let (shown, _) = watched(async || {
        curio::scope(async |scope| {
            let body = region("body", async {
                scope.spawn(curio::sleep(SECOND));
                curio::sleep(SECOND / 2).await;
                curio::tasks().iter().map(|task| task.region().map(|r| r.label().to_string())).collect()
            });
            body.await
        })
        .await
    });
    let shown: Vec<Option<String>> = shown;
    assert_eq!(shown, [Some("body".to_string()), None]);
}

#[test]
fn a_deadlock_report_names_the_regions() {
    let run = || curio::Kernel::builder().virtual_clock(true).run(region("stuck", pending::<()>()));
    let payload = std::panic::catch_unwind(run).unwrap_err();
    let report = payload.downcast_ref::<String>().unwrap();
    let line = line!() - 3;
    assert!(report.contains(&format!("FOREIGN_WAIT, in stuck at {}:{line}", file!())), "{report}");
}

#[test]
fn the_label_is_never_made_if_nothing_asks_for_it() {
    struct Counting<'a>(&'a Cell<u32>);
    impl fmt::Display for Counting<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            f.write_str("counted")
        }
    }
    let made = Cell::new(0);
    curio::run(region_at(Location::caller(), Counting(&made), curio::schedule()));
    assert_eq!(made.get(), 0);
    Kernel::builder().activation(Recorder::default()).run(region_at(
        Location::caller(),
        Counting(&made),
        async {
            curio::schedule().await;
            curio::schedule().await;
        },
    ));
    assert_eq!(made.get(), 1, "and then once");
}

#[test]
fn a_region_that_is_dropped_before_it_is_polled_was_never_entered() {
    let (_, events) = watched(async || drop(region("unused", pending::<()>())));
    assert!(steps(&events).is_empty());
}

#[test]
fn outside_of_a_kernel_a_region_is_the_future_inside() {
    let mut future = std::pin::pin!(region("outside", std::future::ready(5)));
    let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.as_mut().poll(cx), std::task::Poll::Ready(5));
}

//! What can be known of a task from outside: its name, number, state, parent, place, and who woke it.

mod common;

use common::{ms, poll_once, run_virtual, secs};
use curio::{Event, TaskState, current_task, schedule, sleep, spawn, spawn_named, tasks};
use std::collections::HashSet;
use std::pin::pin;
use std::rc::Rc;

async fn named_after_me() -> u32 {
    schedule().await;
    7
}

#[test]
fn a_task_is_named_after_its_async_function_or_as_it_is_told() {
    run_virtual(async {
        let tasks = [
            spawn(named_after_me()),
            spawn_named("static", named_after_me()),
            spawn_named(format!("worker {}", 3), named_after_me()),
        ];
        let names = tasks.each_ref().map(|task| task.info().name().to_string());
        assert_eq!(names, ["named_after_me", "static", "worker 3"]);
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn a_task_knows_its_parent_and_where_it_was_spawned() {
    run_virtual(async {
        let (line, task) =
            (line!(), spawn(async { (current_task(), spawn(async { current_task() }).await) }));
        let (child, grandchild) = task.join().await.unwrap();
        assert_eq!((child.spawned_at().file(), child.spawned_at().line()), (file!(), line));
        assert_eq!(child.parent(), Some(current_task().id()));
        assert_eq!(grandchild.unwrap().parent(), Some(child.id()));
    });
}

#[test]
fn a_number_displays_bare_and_numbers_are_ordered() {
    run_virtual(async {
        let (one, two) = (spawn(async {}), spawn(async {}));
        let (a, b) = (one.id(), two.id());
        assert_eq!(a.to_string(), a.as_u64().to_string());
        assert!(a < b && HashSet::from([a, b, a]).len() == 2);
        one.join().await.unwrap();
        two.join().await.unwrap();
    });
}

#[test]
fn the_state_of_a_task_follows_its_life() {
    run_virtual(async {
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let task = spawn(async move {
            let running = current_task().state();
            own.wait().await;
            running
        });
        assert_eq!(task.info().state().to_string(), "READY");
        schedule().await;
        assert_eq!(task.info().state().to_string(), "EVENT_WAIT");
        event.set();
        task.wait().await;
        assert_eq!(task.info().state().to_string(), "TERMINATED");
        assert!(task.is_terminated() && !task.is_cancelled());
        assert_eq!(task.join().await.unwrap().to_string(), "RUNNING");

        let task = spawn(sleep(secs(9)));
        task.cancel().await;
        assert_eq!(task.info().state().to_string(), "CANCELLED");
        assert!(task.is_terminated() && task.is_cancelled());
    });
}

#[test]
fn a_task_that_was_woken_and_has_not_run_yet_is_ready() {
    run_virtual(async {
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let task = spawn(async move { own.wait().await });
        schedule().await;
        assert_eq!(task.info().state(), TaskState::EventWait);
        event.set();
        assert_eq!(task.info().state(), TaskState::Ready);
        task.join().await.unwrap();
    });
}

#[test]
fn states_display_as_curios_names() {
    use TaskState::*;
    let names = [
        (Ready, "READY"),
        (Running, "RUNNING"),
        (TimeSleep, "TIME_SLEEP"),
        (ReadWait, "READ_WAIT"),
        (WriteWait, "WRITE_WAIT"),
        (TaskJoin, "TASK_JOIN"),
        (EventWait, "EVENT_WAIT"),
        (LockAcquire, "LOCK_ACQUIRE"),
        (RlockAcquire, "RLOCK_ACQUIRE"),
        (SemaAcquire, "SEMA_ACQUIRE"),
        (CondWait, "COND_WAIT"),
        (QueueGet, "QUEUE_GET"),
        (QueuePut, "QUEUE_PUT"),
        (QueueJoin, "QUEUE_JOIN"),
        (ResultWait, "RESULT_WAIT"),
        (ThreadWait, "THREAD_WAIT"),
        (Cleanup, "CLEANUP"),
        (ForeignWait, "FOREIGN_WAIT"),
        (Terminated, "TERMINATED"),
        (Cancelled, "CANCELLED"),
    ];
    for (state, name) in names {
        assert_eq!(state.to_string(), name);
        assert_eq!(format!("{state:>14}"), format!("{name:>14}"), "it can be lined up in a table");
    }
}

#[test]
fn cycles_count_how_often_a_task_ran() {
    run_virtual(async {
        let task = spawn(async {
            for _ in 0..9 {
                schedule().await;
            }
        });
        task.wait().await;
        assert_eq!(task.info().cycles(), 10);
        task.join().await.unwrap();
    });
}

#[test]
fn a_task_that_is_woken_several_times_runs_once() {
    run_virtual(async {
        let events = Rc::new([Event::new(), Event::new(), Event::new()]);
        let own = Rc::clone(&events);
        let task = spawn(async move { curio::join!(own[0].wait(), own[1].wait(), own[2].wait()) });
        schedule().await;
        events.iter().for_each(Event::set);
        task.wait().await;
        assert_eq!(task.info().cycles(), 2);
        task.join().await.unwrap();
    });
}

#[test]
fn a_task_knows_who_woke_it() {
    run_virtual(async {
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let waiter = spawn(async move { own.wait().await });
        schedule().await;
        let setter = spawn(async move { event.set() });
        let setter_id = setter.id();
        setter.join().await.unwrap();
        waiter.wait().await;
        assert_eq!(waiter.info().woken_by(), Some(setter_id));
        waiter.join().await.unwrap();

        let sleeper = spawn(sleep(secs(1)));
        sleeper.wait().await;
        assert_eq!(sleeper.info().woken_by(), None, "a timer is no task");
        sleeper.join().await.unwrap();
    });
}

#[test]
fn the_list_of_tasks_holds_the_live_ones_by_number() {
    run_virtual(async {
        let (short, long) = (spawn_named("short", async {}), spawn_named("long", sleep(secs(1))));
        let names = || tasks().iter().map(|task| task.name().to_string()).collect::<Vec<_>>();
        assert_eq!(names(), ["main", "short", "long"]);
        sleep(ms(1)).await;
        assert_eq!(names(), ["main", "long"]);
        let new = spawn_named("in the place of short", sleep(secs(1)));
        assert_eq!(names(), ["main", "long", "in the place of short"]);
        for task in [short, long, new] {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn what_is_known_of_a_task_is_a_snapshot_that_outlives_it() {
    let info = run_virtual(async {
        let task = spawn_named("mayfly", sleep(secs(1)));
        schedule().await;
        let info = task.info();
        task.join().await.unwrap();
        info.clone()
    });
    assert_eq!((info.name(), info.state(), info.cycles()), ("mayfly", TaskState::TimeSleep, 1));
    let (display, debug) = (info.to_string(), format!("{info:?}"));
    assert!(
        display.contains("mayfly") && display.contains("TIME_SLEEP") && display.contains(file!()),
        "{display}"
    );
    assert!(debug.contains("mayfly") && debug.contains("TIME_SLEEP"), "{debug}");
}

#[test]
fn a_future_polled_by_hand_is_a_foreign_wait() {
    run_virtual(async {
        let task = spawn(std::future::pending::<()>());
        schedule().await;
        assert_eq!((task.info().state(), task.info().waiting_at()), (TaskState::ForeignWait, None));
        task.cancel().await;
    });
}

#[test]
fn a_handle_shows_what_it_is_a_handle_of() {
    run_virtual(async {
        let task = spawn_named("shown", async {});
        assert!(format!("{task:?}").contains("shown"));
        let mut join = pin!(task.join());
        assert!(poll_once(join.as_mut()).await.is_pending());
        join.await.unwrap();
    });
}

#[test]
fn a_task_that_runs_a_finally_is_named_after_it() {
    common::run_virtual(async {
        let task = curio::spawn(curio::finally(async {}, async |_| ()));
        assert_eq!(task.info().name(), "finally");
        task.join().await.unwrap();
    });
}

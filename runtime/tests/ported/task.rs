//! After Curio's `test_task.py`: groups, and values that belong to a task.

use crate::common::{Log, ms, run_reporting, run_virtual};
use curio::{Event, TaskGroup, Wait, scope, sleep, spawn, task_local};
use std::future::pending;
use std::rc::Rc;

#[test]
fn a_group_takes_in_tasks_that_run_and_tasks_that_have_ended() {
    run_virtual(async {
        let event = Rc::new(Event::new());
        let waits = |value: u32| {
            let event = Rc::clone(&event);
            spawn(async move {
                event.wait().await;
                value
            })
        };
        let (ended, two, three, late) = (spawn(async { 1 }), waits(2), waits(3), spawn(async { 4 }));
        ended.wait().await;
        late.wait().await;
        let group = TaskGroup::new();
        [ended, two, three].into_iter().for_each(|task| group.add_task(task));
        event.set();
        group.add_task(late);
        assert_eq!(group.join().await.unwrap(), [1, 2, 3, 4]);
    });
}

#[test]
fn if_the_first_of_any_panics_that_is_the_result_and_the_rest_is_cancelled() {
    let ((), reports) = run_reporting(async {
        let log = Log::new();
        let group = TaskGroup::<u32>::with_wait(Wait::Any);
        group.spawn(async { panic!("boom") });
        for name in ["second", "third"] {
            let gone = log.on_drop(name);
            group.spawn(async move {
                let _gone = gone;
                pending().await
            });
        }
        assert!(group.join().await.unwrap_err().is_panic());
        let mut gone = log.take();
        gone.sort();
        assert_eq!(gone, ["0 second", "0 third"]);
    });
    assert_eq!(reports.len(), 1, "the crash: {reports:?}");
}

#[test]
fn an_owner_that_panics_takes_its_group_along() {
    let ((), _crash) = run_reporting(async {
        let log = Log::new();
        let (own, started) = (log.clone(), Rc::new(Event::new()));
        let begun = Rc::clone(&started);
        let owner = spawn(async move {
            let group = TaskGroup::<()>::new();
            for _ in 0..3 {
                let (gone, begun) = (own.on_drop("gone"), Rc::clone(&begun));
                group.spawn(async move {
                    let _gone = gone;
                    begun.set();
                    pending().await
                });
            }
            sleep(ms(100)).await;
            panic!("boom");
        });
        started.wait().await;
        assert!(owner.join().await.unwrap_err().is_panic());
        assert_eq!(curio::tasks().len(), 1, "nobody outlives the group");
        assert_eq!(log.take(), ["100 gone"; 3]);
    });
}

#[test]
fn a_panic_that_somebody_took_does_not_end_the_group() {
    let ((), _crash) = run_reporting(async {
        let (group, event) = (TaskGroup::new(), Rc::new(Event::new()));
        group.spawn(async { panic!("boom") });
        for value in [4, 6] {
            let event = Rc::clone(&event);
            group.spawn(async move {
                event.wait().await;
                value
            });
        }
        let (_, failed) = group.next_done().await.expect("one of three");
        assert!(failed.unwrap_err().is_panic());
        event.set();
        assert_eq!(group.join().await.unwrap(), [4, 6]);
    });
}

#[test]
fn a_value_that_somebody_took_is_not_in_the_results() {
    run_virtual(async {
        let group = TaskGroup::new();
        for n in [2, 4, 6] {
            group.spawn(async move {
                sleep(ms(n)).await;
                n
            });
        }
        assert_eq!(group.next_result().await.unwrap().unwrap(), 2);
        assert_eq!(group.join().await.unwrap(), [4, 6]);
    });
}

#[test]
fn an_empty_group_and_one_that_never_ran_can_be_told_to_stop() {
    run_virtual(async {
        TaskGroup::<()>::new().cancel_remaining().await;
        let group = TaskGroup::new();
        group.spawn(sleep(ms(1000)));
        let log = Log::new();
        group.cancel_remaining().await;
        log.note("stopped");
        assert_eq!(log.take(), ["0 stopped"]);
    });
}

task_local! { static LEFT: u32 = 0; }

#[test]
fn two_countdowns_with_a_variable_of_their_own_alternate() {
    run_virtual(async {
        let log = &Log::new();
        scope(async move |s| {
            for start in [3, 6] {
                s.spawn(async move {
                    LEFT.set(start);
                    while LEFT.get() > 0 {
                        log.note(LEFT.get());
                        LEFT.set(LEFT.get() - 1);
                        curio::schedule().await;
                    }
                });
            }
        })
        .await;
        let seen: Vec<String> = log.take().iter().map(|line| line.replace("0 ", "")).collect();
        assert_eq!(seen, ["3", "6", "2", "5", "1", "4", "3", "2", "1"]);
    });
}

//! Task-locals: each task has its own values, and starts with its parent's.

use curio::{Kernel, TaskGroup, schedule, scope, sleep, spawn, spawn_named};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

curio::task_local! {
    /// With a doc comment, and visible to others.
    pub static NAME: String = String::from("nobody");
    static NUMBER: u64 = 0;
    static LIST: Vec<u32> = Vec::new()
}

fn run<F: IntoFuture>(main: F) -> F::Output {
    Kernel::builder().virtual_clock(true).on_report(no_wake_is_lost).run(main)
}

/// Other reports are expected here.
fn no_wake_is_lost(line: &str) {
    assert!(!line.contains("lost its wake-up"), "{line}");
}

#[test]
fn a_task_local_has_its_initial_value_until_it_is_set() {
    run(async {
        assert_eq!((NAME.get().as_str(), NUMBER.get()), ("nobody", 0));
        NUMBER.set(7);
        NAME.set("ada".into());
        assert_eq!((NAME.get().as_str(), NUMBER.get()), ("ada", 7));
        assert_eq!(NAME.with(|name| name.len()), 3);
        assert_eq!(LIST.get(), []);
    });
}

#[test]
fn a_child_starts_with_the_values_its_parent_had_at_the_spawn() {
    run(async {
        NUMBER.set(1);
        let child = spawn(async { NUMBER.get() });
        NUMBER.set(2);
        let later = spawn(async { NUMBER.get() });
        assert_eq!((child.join().await.unwrap(), later.join().await.unwrap()), (1, 2));
    });
}

#[test]
fn what_a_child_sets_its_parent_and_siblings_do_not_see() {
    run(async {
        NUMBER.set(1);
        NAME.set("parent".into());
        let children: Vec<_> = (10..13)
            .map(|n| {
                spawn(async move {
                    NUMBER.set(n);
                    schedule().await;
                    (NUMBER.get(), NAME.get())
                })
            })
            .collect();
        for (n, child) in (10..).zip(children) {
            assert_eq!(child.join().await.unwrap(), (n, "parent".to_string()));
        }
        assert_eq!(NUMBER.get(), 1);
    });
}

#[test]
fn tasks_that_take_turns_each_see_their_own() {
    run(async {
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                spawn(async move {
                    NUMBER.set(n);
                    for _ in 0..5 {
                        sleep(Duration::from_secs(n % 3)).await;
                        assert_eq!(NUMBER.get(), n);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn members_of_a_group_and_children_of_a_scope_inherit_too() {
    run(async {
        NUMBER.set(5);
        let group = TaskGroup::new();
        group.spawn(async { NUMBER.get() });
        assert_eq!(group.join().await.unwrap(), [5]);
        scope(async |s| {
            let child = s.spawn(async {
                let inherited = NUMBER.get();
                NUMBER.set(6);
                schedule().await;
                (inherited, NUMBER.get())
            });
            assert_eq!(child.join().await.unwrap(), (5, 6));
            assert_eq!(NUMBER.get(), 5, "the parent is itself again");
        })
        .await;
    });
}

#[test]
fn main_starts_anew_in_every_run() {
    let mut kernel = Kernel::new().unwrap();
    kernel.run(async { NUMBER.set(1) });
    assert_eq!(kernel.run(async { NUMBER.get() }), 0);
}

#[test]
fn an_initial_value_is_made_once_for_a_task_and_those_it_spawns() {
    thread_local!(static MADE: Cell<u32> = const { Cell::new(0) });
    curio::task_local! { static SERIAL: u32 = MADE.with(|made| { made.set(made.get() + 1); made.get() }); }
    run(async {
        assert_eq!((SERIAL.get(), SERIAL.get()), (1, 1));
        assert_eq!(spawn(async { SERIAL.get() }).join().await.unwrap(), 1);
    });
    run(async { assert_eq!(SERIAL.get(), 2) });
}

#[test]
fn values_are_dropped_with_the_last_task_that_has_them() {
    curio::task_local! { static HELD: Option<Rc<()>> = None; }
    run(async {
        let value = Rc::new(());
        let there = value.clone();
        let task = spawn(async move { HELD.set(Some(there)) });
        task.wait().await;
        assert_eq!(Rc::strong_count(&value), 1, "although the handle is still here");
        task.join().await.unwrap();
    });
}

#[test]
fn destructors_may_use_task_locals() {
    struct Looks(Rc<RefCell<Vec<u64>>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.borrow_mut().push(NUMBER.get());
        }
    }
    #[derive(Clone)]
    struct SetsAnother;
    impl Drop for SetsAnother {
        fn drop(&mut self) {
            LIST.set(vec![1]);
        }
    }
    curio::task_local! { static GUARD: Option<SetsAnother> = None; }
    let seen = Rc::new(RefCell::new(Vec::new()));
    run(async {
        NUMBER.set(3);
        let looks = Looks(seen.clone());
        let task = spawn(async move {
            let _looks = looks;
            sleep(Duration::from_secs(9)).await;
        });
        schedule().await;
        task.cancel().await;
        GUARD.set(Some(SetsAnother));
        GUARD.set(None);
        assert_eq!(LIST.get(), [1]);
    });
    assert_eq!(seen.take(), [3]);
}

#[test]
#[should_panic = "no curio kernel is running on this thread"]
fn outside_of_a_kernel_there_are_none() {
    NUMBER.get();
}

#[test]
fn a_value_that_panics_when_its_task_is_over_is_reported_and_harms_nobody() {
    #[derive(Clone)]
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "boom in a destructor");
        }
    }
    curio::task_local! { static BOMB: Bomb = Bomb(false); }
    let (reports, kept) = (Rc::new(RefCell::new(Vec::new())), Rc::default());
    let sink: Rc<RefCell<Vec<String>>> = Rc::clone(&kept);
    Kernel::builder().on_report(move |line| sink.borrow_mut().push(line.to_string())).run(async {
        spawn_named("bomber", async { BOMB.set(Bomb(true)) }).await.unwrap();
        reports.borrow_mut().extend(kept.take());
    });
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "{reports:#?}");
    assert!(reports[0].contains("`bomber`") && reports[0].contains("boom in a destructor"), "{reports:?}");
}

//! Step 3: tasks spawn tasks and join them.

use build_step3::{Task, TaskError, oneshot, run, run_in_thread, schedule, spawn};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[test]
fn a_task_is_spawned_and_joined() {
    let value = run(async {
        let task = spawn(async { 6 * 7 });
        task.join().await.unwrap()
    });
    assert_eq!(value, 42);
}

#[test]
fn a_new_task_runs_after_its_spawner_next_suspends() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let log = run(async {
        let (of_child, of_parent) = (Rc::clone(&log), log);
        let child = spawn(async move { of_child.borrow_mut().push("child") });
        of_parent.borrow_mut().push("parent");
        child.join().await.unwrap();
        of_parent.borrow_mut().push("joined");
        of_parent.take()
    });
    assert_eq!(log, ["parent", "child", "joined"]);
}

#[test]
fn an_outcome_waits_for_its_join() {
    let value = run(async {
        let task = spawn(async { "early" });
        for _ in 0..10 {
            schedule().await;
        }
        task.join().await.unwrap()
    });
    assert_eq!(value, "early");
}

#[test]
fn tasks_nest() {
    fn fibonacci(n: u32) -> Task<u64> {
        spawn(async move {
            if n < 2 {
                return u64::from(n);
            }
            let (first, second) = (fibonacci(n - 1), fibonacci(n - 2));
            first.join().await.unwrap() + second.join().await.unwrap()
        })
    }
    assert_eq!(run(async { fibonacci(12).join().await.unwrap() }), 144);
}

#[test]
fn a_panic_of_a_task_is_an_error_of_its_join_and_the_others_run_on() {
    let other = run(async {
        let other = spawn(async {
            schedule().await;
            "fine"
        });
        let task: Task<()> = spawn(async { panic!("this panic is part of the test") });
        let TaskError::Panicked(payload) = task.join().await.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"this panic is part of the test"));
        other.join().await.unwrap()
    });
    assert_eq!(other, "fine");
}

#[test]
#[should_panic(expected = "of main")]
fn a_panic_of_main_comes_out_of_run() {
    run(async { panic!("the panic of main") })
}

#[test]
fn a_task_joins_what_runs_in_a_thread() {
    let value = run(async {
        let task = spawn(run_in_thread(|| "from a thread"));
        task.join().await.unwrap()
    });
    assert_eq!(value, Ok("from a thread"));
}

#[test]
fn tasks_that_are_left_when_main_ends_are_dropped() {
    struct SetOnDrop(Rc<Cell<bool>>);
    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let guard = SetOnDrop(Rc::clone(&dropped));
    let (_sender, receiver) = oneshot::<()>();
    run(async {
        spawn(async move {
            let _guard = guard;
            let _ = receiver.await;
        });
        schedule().await;
    });
    assert!(dropped.get());
}

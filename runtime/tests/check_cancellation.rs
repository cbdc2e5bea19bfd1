//! Seeing a cancellation from inside: `cancellation_pending` and `check_cancellation`.

mod common;

use common::{Log, run_virtual, secs};
use curio::{
    Task, cancellation_pending, check_cancellation, disable_cancellation, finally, join, schedule, sleep,
    spawn, timeout_after,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::rc::Rc;

type Own<T> = Rc<RefCell<Option<Task<T>>>>;

/// A task that can reach its own handle.
fn spawn_with_handle<F: Future<Output = ()> + 'static>(make: impl FnOnce(Own<()>) -> F) -> Own<()> {
    let own = Own::default();
    *own.borrow_mut() = Some(spawn(make(Rc::clone(&own))));
    own
}

#[test]
fn a_request_can_be_seen_inside_a_shield_and_not_be_swallowed() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let task = spawn(async move {
            disable_cancellation(async {
                assert!(!cancellation_pending());
                sleep(secs(2)).await;
                inside.note(format!("pending: {}", cancellation_pending()));
            })
            .await;
            inside.note("after the shield");
            sleep(secs(1)).await;
            inside.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["2000 pending: true", "2000 after the shield"]);
    });
}

#[test]
fn check_cancellation_goes_on_at_once_when_there_is_nothing() {
    run_virtual(async {
        let ran = Rc::new(Cell::new(false));
        let flag = Rc::clone(&ran);
        let other = spawn(async move { flag.set(true) });
        for _ in 0..10 {
            check_cancellation().await;
        }
        assert!(!ran.get(), "it does not yield");
        other.join().await.unwrap();
    });
}

#[test]
fn check_cancellation_ends_a_task_that_was_asked_to_stop() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let own = spawn_with_handle(|own: Own<()>| async move {
            schedule().await;
            own.borrow().as_ref().unwrap().request_cancel();
            inside.note("computing");
            check_cancellation().await;
            inside.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(own.take().unwrap().is_cancelled());
        assert_eq!(log.take(), ["0 computing"]);
    });
}

#[test]
fn check_cancellation_in_a_shield_goes_on_and_after_it_ends() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let task = spawn(async move {
            disable_cancellation(async {
                sleep(secs(1)).await;
                check_cancellation().await;
                inside.note("shielded");
            })
            .await;
            inside.note("after");
            check_cancellation().await;
            inside.note("never reached");
        });
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["1000 shielded", "1000 after"]);
    });
}

#[test]
fn check_cancellation_ends_the_body_of_a_limit_that_has_passed() {
    run_virtual(async {
        let log = Log::new();
        let body = async {
            disable_cancellation(sleep(secs(2))).await;
            assert!(cancellation_pending());
            check_cancellation().await;
            log.note("never reached");
        };
        assert!(timeout_after(secs(1), body).await.is_err());
        assert!(!cancellation_pending(), "out here nobody asked for anything");
        assert_eq!(log.now(), 2000.);
        assert!(log.take().is_empty());
    });
}

#[test]
fn check_cancellation_waits_for_cleanups_beside_it() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let task = spawn(async move {
            let cleanup = async |_| {
                sleep(secs(3)).await;
                inside.note("cleaned up");
            };
            let checking = async {
                disable_cancellation(sleep(secs(1))).await;
                check_cancellation().await;
                inside.note("never reached");
            };
            join!(checking, finally(pending::<()>(), cleanup));
        });
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["3000 cleaned up"]);
    });
}

#[test]
fn nothing_is_pending_in_a_task_that_nobody_cancelled() {
    run_virtual(async {
        assert!(!cancellation_pending());
        assert!(!spawn(async { cancellation_pending() }).join().await.unwrap());
    });
}

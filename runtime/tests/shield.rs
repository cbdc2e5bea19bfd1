//! Shields: `disable_cancellation` holds requests back and never loses them.

mod common;

use common::{Log, ms, poll_once, run_virtual, secs};
use curio::{
    check_cancellation, disable_cancellation, finally, join, race, schedule, sleep, spawn, timeout_after,
};
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::task::Poll;

#[test]
fn a_cancel_takes_effect_at_the_first_await_after_the_shield() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            disable_cancellation(async {
                own.note("head");
                sleep(secs(2)).await;
                own.note("body");
                sleep(secs(2)).await;
                own.note("tail");
            })
            .await;
            own.note("up to the next await");
            sleep(secs(1)).await;
            own.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        log.note("cancelled");
        let expected = ["0 head", "2000 body", "4000 tail", "4000 up to the next await", "4000 cancelled"];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn a_task_that_ends_right_after_its_shield_was_not_cancelled() {
    run_virtual(async {
        let task = spawn(async {
            disable_cancellation(sleep(secs(2))).await;
            "finished"
        });
        schedule().await;
        assert!(!task.cancel().await);
        assert_eq!(task.join().await.unwrap(), "finished");
    });
}

#[test]
fn a_task_that_is_nothing_but_a_shield_returns_its_value() {
    run_virtual(async {
        let task = spawn(disable_cancellation(async {
            sleep(secs(1)).await;
            5
        }));
        schedule().await;
        task.request_cancel();
        assert_eq!(task.join().await.unwrap(), 5);
    });
}

#[test]
fn shields_nest_and_cannot_be_lifted_from_inside() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            disable_cancellation(async {
                disable_cancellation(sleep(secs(1))).await;
                own.note("inner shield over");
                sleep(secs(1)).await;
                check_cancellation().await;
                own.note("still shielded");
            })
            .await;
            schedule().await;
            own.note("never reached");
        });
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["1000 inner shield over", "2000 still shielded"]);
    });
}

#[test]
fn a_limit_around_a_shield_reports_after_it() {
    run_virtual(async {
        let log = Log::new();
        let body = async {
            disable_cancellation(sleep(secs(5))).await;
            log.note("shield over");
            schedule().await;
            log.note("never reached");
        };
        assert!(timeout_after(secs(1), body).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["5000 shield over", "5000 reported"]);
    });
}

#[test]
fn a_shield_in_one_branch_does_not_shield_the_other() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let shielded = async {
                disable_cancellation(sleep(secs(3))).await;
                own.note("shield over");
                schedule().await;
                own.note("never reached");
            };
            let bare = async {
                let _dropped = own.on_drop("other branch dropped");
                sleep(secs(60)).await;
            };
            join!(shielded, bare);
            own.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        log.note("cancelled");
        assert_eq!(log.take(), ["1000 other branch dropped", "3000 shield over", "3000 cancelled"]);
    });
}

#[test]
fn a_join_whose_other_branch_was_cancelled_never_finishes() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            join!(disable_cancellation(sleep(secs(3))), sleep(secs(60)));
            own.note("never reached");
        });
        schedule().await;
        assert!(task.cancel().await);
        log.note("cancelled");
        assert_eq!(log.take(), ["3000 cancelled"]);
    });
}

#[test]
fn a_limit_in_a_branch_beside_a_shield_stops_its_own_branch_only() {
    run_virtual(async {
        let log = Log::new();
        let shielded = async {
            disable_cancellation(sleep(secs(3))).await;
            log.note("shield over");
        };
        let limited = async {
            assert!(timeout_after(secs(1), pending::<()>()).await.is_err());
            log.note("limit passed");
        };
        join!(shielded, limited);
        assert_eq!(log.take(), ["1000 limit passed", "3000 shield over"]);
    });
}

#[test]
fn a_loser_of_a_race_finishes_its_shield() {
    run_virtual(async {
        let log = Log::new();
        let loser = async {
            disable_cancellation(sleep(secs(3))).await;
            log.note("shield over");
            schedule().await;
            log.note("never reached");
            "loser"
        };
        let winner = async {
            sleep(secs(1)).await;
            "winner"
        };
        assert_eq!(race((loser, winner)).await, "winner");
        log.note("race over");
        assert_eq!(log.take(), ["3000 shield over", "3000 race over"]);
    });
}

#[test]
fn a_shield_that_was_polled_before_it_was_enclosed_counts() {
    run_virtual(async {
        let log = Log::new();
        let mut shielded = Box::pin(disable_cancellation(sleep(secs(2))));
        assert!(poll_once(shielded.as_mut()).await.is_pending());
        let body = async {
            shielded.await;
            log.note("shield over");
            pending::<()>().await;
        };
        assert!(timeout_after(secs(1), body).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["2000 shield over", "2000 reported"]);
    });
}

#[test]
fn a_shield_dropped_by_hand_holds_nobody_up() {
    run_virtual(async {
        let task = spawn(async {
            let mut shielded = Box::pin(disable_cancellation(pending::<()>()));
            assert!(poll_once(shielded.as_mut()).await.is_pending());
            drop(shielded);
            pending::<()>().await;
        });
        schedule().await;
        assert!(task.cancel().await);
    });
}

#[test]
fn a_shield_gives_its_value_and_takes_no_time() {
    run_virtual(async {
        assert_eq!(disable_cancellation(ready(7)).await, 7);
        let mut shielded = Box::pin(disable_cancellation(ready(8)));
        assert_eq!(poll_once(shielded.as_mut()).await, Poll::Ready(8));
    });
}

#[test]
fn a_cleanup_inside_a_shield_belongs_to_the_shield() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            disable_cancellation(async {
                // Only its own limit can stop it in here.
                let cleanup = async |outcome| {
                    sleep(secs(1)).await;
                    own.note(format!("{outcome:?}"));
                };
                let _ = timeout_after(secs(5), finally(pending::<()>(), cleanup)).await;
                own.note("limit reported");
            })
            .await;
            pending::<()>().await;
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["6000 TimedOut", "6000 limit reported"]);
    });
}

#[test]
fn a_thousand_shields_nest() {
    fn nested(depth: u64) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            if depth > 0 {
                disable_cancellation(nested(depth - 1)).await;
            } else {
                sleep(ms(5)).await;
            }
        })
    }
    let run = || {
        run_virtual(async {
            let log = Log::new();
            let own = log.clone();
            let task = spawn(async move {
                nested(1000).await;
                own.note("all over");
                schedule().await;
                own.note("never reached");
            });
            schedule().await;
            assert!(task.cancel().await);
            assert_eq!(log.take(), ["5 all over"]);
        });
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

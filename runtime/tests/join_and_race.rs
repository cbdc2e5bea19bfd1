//! Several futures in one task: `join!` waits for all, `race` for the first.

mod common;

use common::{Log, ms, panic_of, run_reporting, run_virtual, secs};
use curio::{Outcome, Race, clock, current_task, finally, join, race, schedule, sleep, spawn, timeout_after};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::pin::Pin;

async fn after(length: u64, value: &'static str) -> &'static str {
    sleep(ms(length)).await;
    value
}

// ---- join!

#[test]
fn join_waits_for_all_and_gives_their_outputs_in_order() {
    run_virtual(async {
        let start = clock();
        let (a, b, c) = join!(after(30, "a"), async { 2 }, after(10, "c"));
        assert_eq!((a, b, c), ("a", 2, "c"));
        assert_eq!(clock() - start, ms(30));
    });
}

#[test]
fn join_takes_from_one_to_sixteen_futures_and_a_trailing_comma() {
    run_virtual(async {
        assert_eq!(join!(ready(1)), (1,));
        let twelve = join!(
            ready(1),
            ready(2),
            ready(3),
            ready(4),
            ready(5),
            ready(6),
            ready(7),
            ready(8),
            ready(9),
            ready(10),
            ready(11),
            ready("twelve"),
        );
        assert_eq!((twelve.0, twelve.11), (1, "twelve"));
        let r = ready::<u8>;
        let all = join!(
            r(0),
            r(1),
            r(2),
            r(3),
            r(4),
            r(5),
            r(6),
            r(7),
            r(8),
            r(9),
            r(10),
            r(11),
            r(12),
            r(13),
            r(14),
            r(15)
        );
        assert_eq!(all.15, 15);
    });
}

#[test]
fn branches_run_in_one_task_and_may_borrow() {
    run_virtual(async {
        let (log, id) = (RefCell::new(Vec::new()), current_task().id());
        let branch = async |n| {
            for round in 0..3 {
                assert_eq!(current_task().id(), id);
                log.borrow_mut().push((round, n));
                schedule().await;
            }
        };
        join!(branch(0), branch(1));
        assert_eq!(log.into_inner(), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    });
}

#[test]
fn tasks_can_be_joined_side_by_side() {
    run_virtual(async {
        let (one, mut two) = (spawn(after(20, "one")), spawn(after(10, "two")));
        let (a, b) = join!(one, &mut two);
        assert_eq!((a.unwrap(), b.unwrap()), ("one", "two"));
    });
}

#[test]
fn a_cancelled_join_cleans_up_every_branch() {
    run_virtual(async {
        let log = Log::new();
        let branch = |name: &'static str, length| {
            let log = log.clone();
            finally(pending::<()>(), async move |outcome| {
                sleep(ms(length)).await;
                log.note(format!("{name} {outcome:?}"));
            })
        };
        let both = async { join!(branch("slow", 20), branch("fast", 5), pending::<()>()).0 };
        assert!(timeout_after(ms(100), both).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["105 fast TimedOut", "120 slow TimedOut", "120 reported"]);
    });
}

#[test]
fn a_branch_that_finishes_while_the_others_unwind_gives_no_result() {
    run_virtual(async {
        let log = Log::new();
        let shielded = curio::disable_cancellation(after(200, "done"));
        let both = async {
            join!(shielded, pending::<()>());
            log.note("never reached");
        };
        assert!(timeout_after(ms(100), both).await.is_err());
        log.note("reported");
        assert_eq!(log.take(), ["200 reported"]);
    });
}

#[test]
fn a_panic_in_one_branch_leaves_the_join_and_drops_the_others() {
    let (_, reports) = run_reporting(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let other = async {
                let _dropped = own.on_drop("other branch dropped");
                pending::<()>().await;
            };
            let panics = async {
                sleep(ms(10)).await;
                panic!("in a branch");
            };
            join!(other, panics);
        });
        assert!(task.join().await.unwrap_err().is_panic());
        assert_eq!(log.take(), ["10 other branch dropped"]);
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

#[test]
fn joins_nest() {
    run_virtual(async {
        let start = clock();
        let inner = async { join!(after(10, "a"), after(20, "b")) };
        let (inner, c) = join!(inner, after(15, "c"));
        assert_eq!((inner, c, clock() - start), (("a", "b"), "c", ms(20)));
    });
}

// ---- race

#[test]
fn the_first_to_finish_wins_the_race() {
    run_virtual(async {
        let start = clock();
        assert_eq!(race((after(20, "slow"), after(10, "fast"))).await, "fast");
        assert_eq!(race([after(20, "slow"), after(10, "fast"), after(30, "slowest")]).await, "fast");
        let many: Vec<_> = (1..=9).rev().map(|n| after(n * 10, "one of many")).collect();
        assert_eq!(race(many).await, "one of many");
        assert_eq!(clock() - start, ms(30));
    });
}

#[test]
fn a_race_takes_tuples_of_two_to_eight_of_different_kinds() {
    async fn wins<R: Race<Output = u8>>(racers: R) {
        assert_eq!(race(racers).await, 7);
    }
    run_virtual(async {
        let slow = || async {
            sleep(secs(1)).await;
            0
        };
        wins((slow(), ready(7))).await;
        wins((slow(), slow(), ready(7))).await;
        wins((ready(7), slow(), slow(), pending())).await;
        wins((slow(), slow(), pending(), ready(7), pending())).await;
        wins((slow(), slow(), slow(), slow(), slow(), ready(7))).await;
        wins((slow(), slow(), slow(), slow(), slow(), slow(), ready(7))).await;
        wins((slow(), slow(), slow(), slow(), slow(), slow(), slow(), ready(7))).await;
    });
}

#[test]
fn of_two_that_are_ready_at_once_the_first_named_wins_and_the_other_is_not_asked() {
    run_virtual(async {
        let asked = Cell::new(false);
        let second = async {
            asked.set(true);
            2
        };
        assert_eq!(race((ready(1), second)).await, 1);
        assert!(!asked.get());
        assert_eq!(race((after(10, "first named"), after(10, "second"))).await, "first named");
    });
}

#[test]
fn losers_are_cancelled_and_waited_for_with_their_cleanups() {
    run_virtual(async {
        let log = Log::new();
        let loser = |name: &'static str, length| {
            let log = log.clone();
            let body = async { pending::<&'static str>().await };
            finally(body, async move |outcome| {
                assert_eq!(outcome, Outcome::Cancelled);
                sleep(ms(length)).await;
                log.note(name);
            })
        };
        let won = race((loser("long cleanup", 50), after(10, "winner"), loser("short cleanup", 20))).await;
        log.note(won);
        assert_eq!(log.take(), ["30 short cleanup", "60 long cleanup", "60 winner"]);
    });
}

#[test]
fn a_race_inside_a_limit_that_passes_is_cleaned_up() {
    run_virtual(async {
        let log = Log::new();
        let racer = |name: &'static str| {
            let log = log.clone();
            finally(pending::<()>(), async move |outcome| {
                sleep(ms(5)).await;
                log.note(format!("{name} {outcome:?}"));
            })
        };
        assert!(timeout_after(ms(10), race((racer("left"), racer("right")))).await.is_err());
        assert_eq!(log.take(), ["15 left TimedOut", "15 right TimedOut"]);
    });
}

#[test]
fn a_race_that_is_cancelled_while_its_losers_clean_up_still_waits_for_them() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let cleanup = async |_| {
                sleep(ms(50)).await;
                own.note("loser cleaned up");
            };
            race((after(10, "winner"), finally(async { pending().await }, cleanup))).await;
            own.note("won, to the next await");
            schedule().await;
            own.note("never reached");
        });
        sleep(ms(30)).await;
        assert!(task.cancel().await);
        log.note("cancelled");
        let lines = log.take();
        assert_eq!(
            (lines.first().unwrap().as_str(), lines.last().unwrap().as_str()),
            ("60 loser cleaned up", "60 cancelled")
        );
        assert!(!lines.iter().any(|line| line.contains("never")), "{lines:?}");
    });
}

#[test]
fn tasks_can_race_and_the_losing_task_lives_on() {
    run_virtual(async {
        let (mut fast, mut slow) = (spawn(after(10, "fast")), spawn(after(20, "slow")));
        let won = race((&mut fast, &mut slow)).await;
        assert_eq!(won.unwrap(), "fast");
        assert!(!slow.is_terminated());
        assert_eq!(slow.join().await.unwrap(), "slow");
    });
}

#[test]
fn a_race_of_nobody_panics_and_says_why() {
    run_virtual(async {
        let nobody: Vec<std::future::Ready<()>> = Vec::new();
        assert!(panic_of(|| race(nobody)).contains("would never end"));
    });
}

#[test]
fn races_and_joins_nest() {
    run_virtual(async {
        let start = clock();
        let pair = async { join!(after(10, "a"), after(30, "b")).1 };
        let winner: Pin<Box<dyn Future<Output = &'static str>>> = Box::pin(race((pair, after(40, "c"))));
        assert_eq!(race((winner, after(35, "d"))).await, "b");
        assert_eq!(clock() - start, ms(30));
    });
}

#[test]
fn a_panic_in_one_racer_leaves_the_race() {
    let (_, reports) = run_reporting(async {
        let task = spawn(async {
            let panics = async {
                sleep(ms(10)).await;
                panic!("in a racer");
            };
            race((pending::<()>(), panics)).await;
        });
        assert!(task.join().await.unwrap_err().is_panic());
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

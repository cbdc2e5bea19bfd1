//! Task groups: what each join waits for, and that no member outlives its group.

use curio::{
    Kernel, MemberError, Outcome, TaskGroup, Wait, clock, disable_cancellation, finally, ignore_after,
    schedule, sleep, spawn, spawn_named, timeout_after,
};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn run<F: IntoFuture>(main: F) -> F::Output {
    Kernel::builder().virtual_clock(true).on_report(no_wake_is_lost).run(main)
}

/// Other reports are expected here.
fn no_wake_is_lost(line: &str) {
    assert!(!line.contains("lost its wake-up"), "{line}");
}

async fn after<T>(seconds: u64, value: T) -> T {
    sleep(SECOND * seconds as u32).await;
    value
}

/// Runs for ever; when it is cancelled, cleans up for a while and then counts.
async fn cleans_up(seconds: u64, ended: Rc<Cell<u32>>) {
    finally(pending::<()>(), async move |outcome| {
        assert_ne!(outcome, Outcome::Done);
        sleep(SECOND * seconds as u32).await;
        ended.set(ended.get() + 1);
    })
    .await
}

#[test]
fn join_gives_results_in_spawn_order() {
    run(async {
        let start = clock();
        let group = TaskGroup::new();
        for n in [3, 1, 2] {
            group.spawn(after(n, n));
        }
        assert_eq!(group.join().await.unwrap(), [3, 1, 2]);
        assert_eq!(clock() - start, 3 * SECOND);
    });
}

#[test]
fn an_empty_group_joins_at_once() {
    run(async {
        assert_eq!(TaskGroup::<u32>::new().join().await.unwrap(), []);
        assert_eq!(TaskGroup::<u32>::with_wait(Wait::Any).join().await.unwrap(), []);
        assert_eq!(TaskGroup::<Option<u32>>::new().join_object().await.unwrap(), None);
        assert_eq!(TaskGroup::<Result<u32, String>>::new().try_join().await.unwrap(), []);
        assert!(TaskGroup::<Result<u32, String>>::new().join_ok().await.unwrap_err().is_empty());
        assert!(TaskGroup::<u32>::new().next_done().await.is_none());
    });
}

#[test]
fn the_first_panic_cancels_the_rest_and_is_returned() {
    run(async {
        let (start, ended) = (clock(), Rc::new(Cell::new(0)));
        let group = TaskGroup::new();
        group.spawn(cleans_up(2, ended.clone()));
        group.spawn(async {
            sleep(SECOND).await;
            panic!("boom");
        });
        group.spawn(cleans_up(4, ended.clone()));
        let error = group.join().await.unwrap_err();
        assert_eq!(error.to_string(), "the task panicked: boom");
        assert_eq!(ended.get(), 2);
        assert_eq!(clock() - start, 5 * SECOND, "the cleanups ran at the same time");
    });
}

#[test]
fn a_member_that_somebody_else_cancels_fails_the_join() {
    run(async {
        let start = clock();
        let group = TaskGroup::new();
        group.spawn(after(5, ()));
        let cancelled = spawn(pending());
        cancelled.request_cancel();
        group.add_task(cancelled);
        assert!(group.join().await.unwrap_err().is_cancelled());
        assert_eq!(clock() - start, Duration::ZERO);
    });
}

#[test]
fn any_returns_the_first_and_cancels_the_rest() {
    run(async {
        let start = clock();
        let group = TaskGroup::with_wait(Wait::Any);
        for n in [3, 1, 2] {
            group.spawn(after(n, n));
        }
        assert_eq!(group.join().await.unwrap(), [1]);
        assert_eq!(clock() - start, SECOND);
        assert_eq!(curio::tasks().len(), 1);
        let group = TaskGroup::with_wait(Wait::Object);
        group.spawn(async { panic!("first") });
        group.spawn(after(1, ()));
        assert!(group.join().await.unwrap_err().is_panic());
    });
}

#[test]
fn none_cancels_all_and_keeps_what_was_finished() {
    run(async {
        let start = clock();
        let group = TaskGroup::with_wait(Wait::None);
        group.spawn(after(9, 9));
        group.spawn(async { 1 });
        sleep(SECOND).await;
        assert_eq!(group.join().await.unwrap(), [1]);
        assert_eq!(clock() - start, SECOND);
    });
}

#[test]
fn object_skips_those_that_return_none() {
    run(async {
        let group = TaskGroup::new();
        group.spawn(after(1, None));
        group.spawn(after(2, Some("two")));
        group.spawn(after(3, Some("three")));
        assert_eq!(group.join_object().await.unwrap(), Some("two"));
        let group = TaskGroup::<Option<u32>>::new();
        group.spawn(after(1, None));
        group.spawn(async {
            sleep(2 * SECOND).await;
            panic!("boom")
        });
        group.spawn(after(3, Some(3)));
        assert!(group.join_object().await.unwrap_err().is_panic());
    });
}

#[test]
fn try_join_cancels_at_the_first_error_and_lists_later_ones() {
    run(async {
        let group = TaskGroup::new();
        group.spawn(after(1, Ok::<u32, String>(1)));
        group.spawn(after(2, Err("second".to_string())));
        group.spawn(disable_cancellation(after(4, Err("fourth".to_string()))));
        group.spawn(after(9, Ok(9)));
        let error = group.try_join().await.unwrap_err();
        assert!(matches!(error.first(), MemberError::Failed(message) if message == "second"));
        assert_eq!(error.others().len(), 1);
        assert_eq!(error.to_string(), "second (and one more task of the group failed)");
        assert_eq!(error.into_first().to_string(), "second");
        let group = TaskGroup::<Result<u32, String>>::new();
        group.spawn(after(2, Ok(2)));
        group.spawn(after(1, Ok(1)));
        assert_eq!(group.try_join().await.unwrap(), [2, 1]);
    });
}

#[test]
fn join_ok_returns_the_first_success_or_every_failure() {
    run(async {
        let group = TaskGroup::new();
        group.spawn(after(1, Err("one")));
        group.spawn(after(2, Ok(2)));
        group.spawn(after(3, Ok(3)));
        assert_eq!(group.join_ok().await.unwrap(), 2);
        let group = TaskGroup::<Result<(), &str>>::new();
        group.spawn(after(2, Err("two")));
        group.spawn(async { panic!("boom") });
        let errors = group.join_ok().await.unwrap_err();
        assert!(matches!(errors[0], MemberError::Failed("two")));
        assert!(matches!(&errors[1], MemberError::Task(error) if error.is_panic()));
    });
}

#[test]
fn next_done_gives_members_in_completion_order_and_join_the_others() {
    run(async {
        let group = TaskGroup::new();
        let slow = group.spawn(after(3, "slow"));
        let fast = group.spawn(after(1, "fast"));
        assert_eq!(group.len(), 2);
        let (id, result) = group.next_done().await.unwrap();
        assert_eq!((id, result.unwrap()), (fast, "fast"));
        assert!(slow < fast && !group.is_empty());
        assert_eq!(group.join().await.unwrap(), ["slow"]);
    });
}

#[test]
fn next_result_ends_with_none_and_the_group_can_be_used_again() {
    run(async {
        let group = TaskGroup::new();
        for n in [2, 1] {
            group.spawn(after(n, n));
        }
        let mut seen = Vec::new();
        while let Some(result) = group.next_result().await {
            seen.push(result.unwrap());
        }
        assert_eq!(seen, [1, 2]);
        group.spawn(async { 3 });
        assert_eq!(group.next_result().await.unwrap().unwrap(), 3);
    });
}

#[test]
fn several_tasks_may_take_results_and_each_is_taken_once() {
    run(async {
        let group = Rc::new(TaskGroup::new());
        for n in 1..=9 {
            group.spawn(after(n, n));
        }
        let take_all = |group: Rc<TaskGroup<u64>>| async move {
            let mut taken = Vec::new();
            while let Some(result) = group.next_result().await {
                taken.push(result.unwrap());
            }
            taken
        };
        let takers: Vec<_> = (0..3).map(|_| spawn(take_all(group.clone()))).collect();
        let mut taken = Vec::new();
        for taker in takers {
            taken.extend(taker.join().await.unwrap());
        }
        taken.sort();
        assert_eq!(taken, (1..=9).collect::<Vec<_>>());
    });
}

#[test]
fn a_dropped_next_done_takes_nothing_and_cancels_nobody() {
    run(async {
        let group = TaskGroup::new();
        group.spawn(after(2, "kept"));
        assert!(timeout_after(SECOND, group.next_done()).await.is_err());
        assert_eq!(group.next_result().await.unwrap().unwrap(), "kept");
    });
}

#[test]
fn a_task_that_has_ended_can_be_added() {
    run(async {
        let task = spawn(async { 7 });
        task.wait().await;
        let group = TaskGroup::new();
        group.add_task(task);
        assert_eq!(group.len(), 1);
        assert_eq!(group.join().await.unwrap(), [7]);
    });
}

#[test]
fn cancel_remaining_waits_for_all_cleanups_at_once_and_keeps_finished_results() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let group = TaskGroup::new();
        group.spawn(async {});
        for seconds in [2, 3] {
            group.spawn(cleans_up(seconds, ended.clone()));
        }
        sleep(SECOND).await;
        let start = clock();
        group.cancel_remaining().await;
        assert_eq!((clock() - start, ended.get()), (3 * SECOND, 2));
        assert_eq!(group.len(), 1);
        assert_eq!(group.join().await.unwrap(), [()]);
    });
}

#[test]
fn cancel_remaining_keeps_a_panic() {
    run(async {
        let group = TaskGroup::<()>::new();
        group.spawn(finally(pending(), async |_| panic!("while cleaning up")));
        schedule().await;
        schedule().await;
        group.cancel_remaining().await;
        assert!(group.join().await.unwrap_err().is_panic());
    });
}

#[test]
fn dropping_a_group_cancels_its_members() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let group = TaskGroup::new();
        group.spawn(cleans_up(1, ended.clone()));
        schedule().await;
        schedule().await;
        drop(group);
        sleep(2 * SECOND).await;
        assert_eq!(ended.get(), 1);
        assert_eq!(curio::tasks().len(), 1);
    });
}

#[test]
fn cancelling_a_join_waits_for_the_cleanup_of_every_member() {
    run(async {
        let (start, ended) = (clock(), Rc::new(Cell::new(0)));
        let there = ended.clone();
        let owner = spawn(async move {
            let group = TaskGroup::new();
            for seconds in 1..=3 {
                group.spawn(cleans_up(seconds, there.clone()));
            }
            group.join().await.unwrap();
            unreachable!("the join was cancelled");
        });
        sleep(SECOND).await;
        assert!(owner.cancel().await);
        assert_eq!((ended.get(), clock() - start), (3, 4 * SECOND));
    });
}

#[test]
fn cancelling_the_owner_waits_for_members_wherever_it_is_parked() {
    for awaiting in ["sleep", "next_done", "cancel_remaining"] {
        run(async {
            let (start, ended) = (clock(), Rc::new(Cell::new(0)));
            let there = ended.clone();
            let owner = spawn(async move {
                let group = TaskGroup::new();
                group.spawn(cleans_up(2, there.clone()));
                schedule().await;
                match awaiting {
                    "sleep" => sleep(99 * SECOND).await,
                    "next_done" => drop(group.next_done().await),
                    _ => group.cancel_remaining().await,
                }
                assert_eq!(awaiting, "cancel_remaining");
                pending::<()>().await
            });
            sleep(SECOND).await;
            assert!(owner.cancel().await);
            assert_eq!(ended.get(), 1, "{awaiting}");
            assert!(clock() - start <= 3 * SECOND, "{awaiting}");
        });
    }
}

#[test]
fn a_time_limit_around_a_join_is_a_limit_for_the_members() {
    run(async {
        let (start, ended) = (clock(), Rc::new(Cell::new(0)));
        let group = TaskGroup::new();
        group.spawn(cleans_up(2, ended.clone()));
        assert!(timeout_after(SECOND, group.join()).await.is_err());
        assert_eq!((ended.get(), clock() - start), (1, 3 * SECOND));
    });
}

#[test]
fn a_time_limit_around_the_owner_of_a_group_waits_for_its_members() {
    run(async {
        let (start, ended) = (clock(), Rc::new(Cell::new(0)));
        let limited = ignore_after(SECOND, async {
            let group = TaskGroup::new();
            group.spawn(cleans_up(2, ended.clone()));
            sleep(99 * SECOND).await;
        });
        assert_eq!(limited.await, None);
        assert_eq!((ended.get(), clock() - start), (1, 3 * SECOND));
    });
}

#[test]
fn a_group_in_a_lost_race_is_cancelled_and_waited_for() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let owns_a_group = async {
            let group = TaskGroup::new();
            group.spawn(cleans_up(2, ended.clone()));
            sleep(99 * SECOND).await;
        };
        curio::race((owns_a_group, sleep(SECOND))).await;
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn a_shield_around_a_join_shields_the_members() {
    run(async {
        let done = Rc::new(Cell::new(false));
        let there = done.clone();
        let owner = spawn(async move {
            disable_cancellation(async {
                let group = TaskGroup::new();
                group.spawn(after(3, ()));
                there.set(group.join().await.is_ok());
            })
            .await;
            pending::<()>().await
        });
        sleep(SECOND).await;
        assert!(owner.cancel().await);
        assert!(done.get());
    });
}

#[test]
fn a_member_that_is_spawned_after_the_call_to_stop_is_stopped_too() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let there = ended.clone();
        let owner = spawn(async move {
            let group = Rc::new(TaskGroup::new());
            let late = group.clone();
            group.spawn(async move {
                finally(pending::<()>(), async move |_| {
                    late.spawn(cleans_up(1, there));
                })
                .await
            });
            sleep(99 * SECOND).await;
        });
        sleep(SECOND).await;
        assert!(owner.cancel().await);
        assert_eq!(ended.get(), 1);
        assert_eq!(curio::tasks().len(), 1);
    });
}

#[test]
fn a_group_that_is_moved_to_another_task_belongs_to_whoever_awaits_it() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let group = TaskGroup::new();
        group.spawn(cleans_up(1, ended.clone()));
        let owner = spawn(async move { group.join().await.is_ok() });
        sleep(SECOND).await;
        assert!(owner.cancel().await);
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn a_group_may_be_made_outside_of_a_kernel_and_outlive_it() {
    let group = TaskGroup::new();
    run(async {
        group.spawn(async { 1 });
        assert_eq!(group.next_result().await.unwrap().unwrap(), 1);
        group.spawn(pending());
    });
    assert!(format!("{group:?}").contains("ended: 1"));
    drop(group);
}

#[test]
fn a_thousand_nested_groups_are_cancelled_without_overflowing_the_stack() {
    fn nested(depth: u32, ended: Rc<Cell<u32>>) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            let group = TaskGroup::new();
            if depth > 0 {
                group.spawn(nested(depth - 1, ended.clone()));
            }
            let count = async |_: Outcome| ended.set(ended.get() + 1);
            finally(pending::<()>(), count).await
        })
    }
    run(async {
        let ended = Rc::new(Cell::new(0));
        let outermost = spawn(nested(1000, ended.clone()));
        sleep(SECOND).await;
        assert!(outermost.cancel().await);
        assert_eq!(ended.get(), 1001);
    });
}

#[test]
fn a_waiting_join_says_where_and_for_whom() {
    run(async {
        let group = TaskGroup::new();
        let member = group.spawn(pending::<()>());
        let line = line!() + 1;
        let owner = spawn_named("owner", async move { group.join().await.is_ok() });
        schedule().await;
        schedule().await;
        let info = owner.info();
        assert_eq!(info.state().to_string(), "TASK_JOIN");
        assert_eq!(info.waiting_at().unwrap().line(), line);
        assert_eq!(info.waiting_at().unwrap().file(), file!());
        assert!(curio::tasks().iter().any(|task| task.id() == member));
        owner.cancel().await;
    });
}

#[test]
fn a_foreign_combinator_hears_when_the_members_of_a_cancelled_part_have_ended() {
    run(async {
        let ended = Rc::new(Cell::new(0));
        let mut limited = pin!(ignore_after(SECOND, async {
            let group = TaskGroup::new();
            group.spawn(cleans_up(2, ended.clone()));
            sleep(99 * SECOND).await;
        }));
        // Polls its one future only when that was woken, as `FuturesUnordered` does.
        let flag = std::sync::Arc::new(Flag::default());
        let inner = std::task::Waker::from(flag.clone());
        flag.woken.store(true, std::sync::atomic::Ordering::Relaxed);
        poll_fn(|cx| {
            *flag.outer.lock().unwrap() = Some(cx.waker().clone());
            if flag.woken.swap(false, std::sync::atomic::Ordering::Relaxed) {
                return limited.as_mut().poll(&mut std::task::Context::from_waker(&inner));
            }
            Poll::Pending
        })
        .await;
        assert_eq!(ended.get(), 1);
    });
}

#[derive(Default)]
struct Flag {
    woken: std::sync::atomic::AtomicBool,
    outer: std::sync::Mutex<Option<std::task::Waker>>,
}

impl std::task::Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.woken.store(true, std::sync::atomic::Ordering::Relaxed);
        let outer = self.outer.lock().unwrap().clone();
        outer.unwrap().wake();
    }
}

#[test]
fn a_join_that_is_dropped_at_any_poll_cancels_every_member() {
    run(async {
        for kind in 0..5 {
            for polls in 0..6 {
                let ended = Rc::new(Cell::new(0));
                let group = TaskGroup::<Result<u32, String>>::new();
                for n in 1..=3 {
                    let ended = ended.clone();
                    group.spawn(async move {
                        finally(after(n, ()), async |_| ended.set(ended.get() + 1)).await;
                        Err(String::new())
                    });
                }
                schedule().await;
                let mut join: std::pin::Pin<Box<dyn Future<Output = ()>>> = match kind {
                    0 => Box::pin(async { drop(group.join().await) }),
                    1 => Box::pin(async { drop(group.try_join().await) }),
                    2 => Box::pin(async { drop(group.join_ok().await) }),
                    3 => Box::pin(async move { while group.next_done().await.is_some() {} }),
                    _ => Box::pin(async move { group.cancel_remaining().await }),
                };
                for _ in 0..polls {
                    if poll_fn(|cx| Poll::Ready(join.as_mut().poll(cx).is_ready())).await {
                        break;
                    }
                    sleep(SECOND).await;
                }
                drop(join);
                for _ in 0..3 {
                    schedule().await;
                }
                assert_eq!((ended.get(), curio::tasks().len()), (3, 1), "join {kind} after {polls} polls");
            }
        }
    });
}

/// Random programs against a simple model: every member that is spawned ends exactly once, and none after its
/// group.
#[test]
fn whatever_happens_every_member_ends_once_and_none_outlives_its_owner() {
    for seed in 0..300_u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = move |limit: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % limit
        };
        Kernel::builder().virtual_clock(true).seed(seed).on_report(no_wake_is_lost).run(async move {
            let (begun, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let owner = {
                let (begun, ended) = (begun.clone(), ended.clone());
                let members: Vec<_> = (0..1 + below(6)).map(|_| (below(5), below(3), below(8))).collect();
                let (way, pause) = (below(5), below(4));
                spawn(async move {
                    let policy = [Wait::All, Wait::Any, Wait::Object, Wait::None][pause as usize % 4];
                    let group = TaskGroup::with_wait(policy);
                    for (work, cleanup, kind) in members {
                        let (begun, ended) = (begun.clone(), ended.clone());
                        group.spawn(async move {
                            begun.set(begun.get() + 1);
                            finally(after(work, ()), async |_| {
                                sleep(SECOND * cleanup as u32).await;
                                ended.set(ended.get() + 1);
                            })
                            .await;
                            assert!(kind > 0, "one in eight panics");
                        });
                    }
                    sleep(SECOND * pause as u32).await;
                    match way {
                        0 => drop(group.join().await),
                        1 => while group.next_done().await.is_some() {},
                        2 => group.cancel_remaining().await,
                        3 => drop(ignore_after(SECOND, group.join()).await),
                        _ => sleep(SECOND).await,
                    }
                    way != 4
                })
            };
            sleep(SECOND * below(9) as u32).await;
            let was_cancelled = owner.cancel().await;
            let waited_for_members = was_cancelled || owner.join().await.unwrap_or(true);
            if waited_for_members {
                assert_eq!(begun.get(), ended.get(), "seed {seed}");
                assert_eq!(curio::tasks().len(), 1, "seed {seed}");
            }
        });
    }
}

// ---- to whom a group belongs

#[test]
fn a_limit_around_a_wait_for_another_tasks_group_is_no_limit_of_the_members() {
    run(async {
        let start = clock();
        let group = Rc::new(TaskGroup::new());
        group.spawn(after(5, 5));
        let shared = group.clone();
        let waiter = spawn(async move { timeout_after(SECOND, shared.next_done()).await.is_err() });
        assert!(waiter.join().await.unwrap());
        assert_eq!(clock() - start, SECOND);
        assert_eq!(group.next_result().await.unwrap().unwrap(), 5, "the member was not cancelled");
    });
}

#[test]
fn a_limit_around_cancelling_another_tasks_group_does_not_wait_for_the_members() {
    run(async {
        let start = clock();
        let group = Rc::new(TaskGroup::new());
        group.spawn(disable_cancellation(after(5, ())));
        let shared = group.clone();
        let canceller = spawn(async move { timeout_after(SECOND, shared.cancel_remaining()).await.is_err() });
        assert!(canceller.join().await.unwrap());
        assert_eq!(clock() - start, SECOND);
    });
}

/// Ways in which a group leaves the region in which it was made.
fn group_that_was_returned(
    way: usize,
    ended: Rc<Cell<u32>>,
) -> std::pin::Pin<Box<dyn Future<Output = TaskGroup<()>>>> {
    let make = async move || {
        let group = TaskGroup::new();
        group.spawn(cleans_up(2, ended));
        sleep(SECOND).await;
        group
    };
    let make = make();
    match way {
        0 => Box::pin(async { timeout_after(9 * SECOND, make).await.unwrap() }),
        1 => Box::pin(async { curio::join!(make, sleep(SECOND)).0 }),
        2 => Box::pin(async { curio::race([make]).await }),
        3 => Box::pin(disable_cancellation(make)),
        4 => Box::pin(finally(make, async |_| sleep(SECOND).await)),
        5 => Box::pin(curio::scope(async |_| make.await)),
        6 => Box::pin(curio::scope(async |scope| scope.spawn(make).join().await.unwrap())),
        _ => Box::pin(async {
            timeout_after(9 * SECOND, ignore_after(9 * SECOND, make)).await.unwrap().unwrap()
        }),
    }
}

#[test]
fn a_group_that_leaves_the_region_it_was_made_in_belongs_to_the_region_around_it() {
    for way in 0..8 {
        run(async {
            let ended = Rc::new(Cell::new(0));
            let members_ended = ended.clone();
            let owner = spawn(async move {
                let _group = group_that_was_returned(way, members_ended).await;
                pending::<()>().await;
            });
            sleep(5 * SECOND).await;
            assert_eq!(ended.get(), 0);
            assert!(owner.cancel().await);
            assert_eq!(ended.get(), 1, "way {way}: the owner's end waits for the members' cleanups");
        });
    }
}

#[test]
fn a_group_that_left_a_limit_is_ended_by_a_limit_further_out() {
    for way in 0..8 {
        run(async {
            let (start, ended) = (clock(), Rc::new(Cell::new(0)));
            let limited = ignore_after(4 * SECOND, async {
                let _group = group_that_was_returned(way, ended.clone()).await;
                pending::<()>().await;
            });
            assert!(limited.await.is_none());
            assert_eq!((ended.get(), clock() - start), (1, 6 * SECOND), "way {way}");
        });
    }
}

#[test]
fn a_group_that_outlives_the_limit_in_which_it_was_made_takes_new_members() {
    run(async {
        let kept = std::cell::RefCell::new(None);
        let ended = Rc::new(Cell::new(0));
        let limited = ignore_after(SECOND, async {
            let group = TaskGroup::new();
            group.spawn(cleans_up(1, ended.clone()));
            *kept.borrow_mut() = Some(group);
            pending::<()>().await;
        });
        assert!(limited.await.is_none());
        assert_eq!(ended.get(), 1, "the limit was one for the members, too");
        let group = kept.take().unwrap();
        group.spawn(sleep(SECOND));
        while let Some((_, result)) = group.next_done().await {
            if result.is_ok() {
                return;
            }
        }
        panic!("the new member was not left to run");
    });
}

// ---- fairness and cost

#[test]
fn asking_an_empty_group_for_its_next_end_lets_others_run() {
    run(async {
        let group = TaskGroup::<()>::new();
        let stop = Rc::new(Cell::new(false));
        let stopper = spawn({
            let stop = stop.clone();
            async move { stop.set(true) }
        });
        for _ in 0..1000 {
            assert!(group.next_done().await.is_none());
            assert!(group.next_result().await.is_none());
            group.cancel_remaining().await;
        }
        assert!(stop.get());
        stopper.join().await.unwrap();
    });
}

//! After Curio's `test_kernel.py`: what becomes of tasks that wait, are limited or cancelled.

use crate::common::{Log, ms, run_real, run_virtual, secs, virtual_kernel};
use curio::{Event, UnixStream, finally, ignore_after, join, schedule, sleep, spawn, timeout_after};
use std::cell::Cell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn ignoring_a_limit_gives_none_at_its_exact_time() {
    run_virtual(async {
        let log = Log::new();
        assert_eq!(ignore_after(ms(100), sleep(ms(1000))).await, None);
        log.note("given up");
        assert_eq!(ignore_after(ms(500), sleep(ms(100))).await, Some(()));
        log.note("in time");
        sleep(ms(500)).await;
        log.note("not disturbed later");
        assert_eq!(log.take(), ["100 given up", "200 in time", "700 not disturbed later"]);
    });
}

#[test]
fn a_join_of_a_task_that_a_third_one_cancels_is_told_so() {
    run_virtual(async {
        let waits = Rc::new(spawn(async { Event::new().wait().await }));
        let victim = Rc::clone(&waits);
        spawn(async move { assert!(victim.cancel().await) }).join().await.unwrap();
        let waits = Rc::into_inner(waits).expect("the canceller has ended");
        assert!(waits.join().await.unwrap_err().is_cancelled());
    });
}

#[test]
fn generations_that_cancel_each_other_end_from_the_youngest_on() {
    run_virtual(async {
        let log = Log::new();
        let (child, parent, grandparent) = (log.clone(), log.clone(), log.clone());
        let task = spawn(async move {
            let parent = spawn(async move {
                let child = spawn(async move {
                    child.note("starts");
                    let _gone = child.on_drop("child cancelled");
                    sleep(ms(500)).await;
                });
                finally(sleep(ms(500)), async |_| {
                    child.cancel().await;
                    parent.note("parent cancelled");
                })
                .await;
            });
            finally(sleep(ms(500)), async |_| {
                parent.cancel().await;
                grandparent.note("grandparent cancelled");
            })
            .await;
        });
        sleep(ms(200)).await;
        log.note("cancels");
        task.cancel().await;
        log.note("done");
        assert_eq!(
            log.take(),
            [
                "0 starts",
                "200 cancels",
                "200 child cancelled",
                "200 parent cancelled",
                "200 grandparent cancelled",
                "200 done"
            ]
        );
    });
}

#[test]
fn a_canceller_that_tries_again_does_not_cut_the_cleanup_short() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(finally(sleep(ms(1000)), async move |_| {
            own.note("cleans up");
            sleep(ms(1000)).await;
            own.note("clean");
        }));
        sleep(ms(500)).await;
        timeout_after(ms(750), task.cancel()).await.unwrap_err();
        log.note("tries again");
        assert!(task.cancel().await);
        log.note("done");
        assert_eq!(log.take(), ["500 cleans up", "1250 tries again", "1500 clean", "1500 done"]);
    });
}

#[test]
fn an_outer_limit_passes_through_a_call_without_one() {
    run_virtual(async {
        let log = Log::new();
        let body = async {
            timeout_after(None, sleep(ms(2000))).await.unwrap();
            log.note("never here");
        };
        timeout_after(ms(1000), body).await.unwrap_err();
        log.note("outer limit");
        assert_eq!(log.take(), ["1000 outer limit"]);
    });
}

#[test]
fn a_task_that_only_yields_does_not_hold_up_sockets_and_can_be_cancelled() {
    run_real(async {
        let yields = spawn(async {
            loop {
                schedule().await;
            }
        });
        schedule().await;
        let (a, b) = UnixStream::pair().unwrap();
        let first = async {
            a.read_exactly(1).await.unwrap();
            a.sendall(b"x").await.unwrap();
            a.read_exactly(1).await.unwrap();
        };
        let second = async {
            b.sendall(b"x").await.unwrap();
            b.read_exactly(1).await.unwrap();
            b.sendall(b"x").await.unwrap();
        };
        timeout_after(secs(4), async { join!(first, second) }).await.expect("the sockets get their turn");
        assert!(yields.cancel().await);
    });
}

#[test]
fn a_writer_that_is_refused_or_cancelled_leaves_the_reader_of_its_socket_alone() {
    run_virtual(async {
        let (a, b) = UnixStream::pair().unwrap();
        let a = Rc::new(a);
        while timeout_after(ms(1), a.send(&[0; 65536])).await.is_ok() {}
        let (reads, writes) = (Rc::clone(&a), Rc::clone(&a));
        let reader = spawn(async move { reads.read_exactly(5).await.unwrap() });
        let writer = spawn(async move { writes.send(b"x").await.map(drop) });
        schedule().await;
        assert_eq!(a.send(b"y").await.unwrap_err().kind(), ErrorKind::ResourceBusy);
        assert!(writer.cancel().await);
        b.sendall(b"hello").await.unwrap();
        assert_eq!(reader.join().await.unwrap(), b"hello");
    });
}

#[test]
fn a_kernel_can_be_stepped_by_hand() {
    let mut kernel = virtual_kernel();
    let value = Rc::new(Cell::new(0));
    let own = Rc::clone(&value);
    kernel.run(async {
        spawn(async move {
            schedule().await;
            own.set(1);
            sleep(ms(100)).await;
            own.set(2);
        })
        .detach();
    });
    for expected in [1, 2] {
        for _ in 0..10 {
            if value.get() == expected {
                break;
            }
            kernel.turn(None);
        }
        assert_eq!(value.get(), expected);
    }
}

/// The kernel is held up past the end of a sleep and of the limit around it. The sleep was first.
#[test]
fn a_limit_and_a_sleep_that_both_passed_while_a_task_hogged_the_kernel_end_as_the_sleep_did() {
    run_real(async {
        let task = spawn(async {
            timeout_after(ms(10), sleep(ms(5))).await.expect("it was awake before its limit");
            sleep(ms(1)).await;
            true
        });
        sleep(ms(1)).await;
        // Real time is what this test is about.
        std::thread::sleep(Duration::from_millis(20));
        assert!(task.join().await.unwrap());
    });
}

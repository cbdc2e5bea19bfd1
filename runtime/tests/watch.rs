//! `watch`: the latest value, and word of its changes.

mod common;

use common::{Log, Random, ms, must_end, poll_once, run_real, run_virtual};
use curio::{TaskState, schedule, sleep, spawn, timeout_after, watch};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

#[test]
fn a_receiver_sees_the_first_value_and_is_told_of_changes() {
    run_virtual(async {
        let (sender, mut receiver) = watch(0);
        let log = Log::new();
        let there = log.clone();
        let watching = spawn(async move {
            there.note(receiver.get());
            while receiver.changed().await.is_ok() {
                there.note(receiver.get());
            }
            there.note("closed");
        });
        for n in 1..=2 {
            sleep(ms(10)).await;
            sender.send(n);
        }
        sleep(ms(10)).await;
        drop(sender);
        watching.join().await.unwrap();
        assert_eq!(log.take(), ["0 0", "10 1", "20 2", "30 closed"]);
    });
}

#[test]
fn whoever_looks_away_sees_the_latest_only() {
    run_virtual(async {
        let (sender, mut receiver) = watch(0);
        for n in 1..=5 {
            sender.send(n);
        }
        receiver.changed().await.unwrap();
        assert_eq!(receiver.get(), 5);
        assert!(timeout_after(ms(1), receiver.changed()).await.is_err(), "five changes were told as one");
    });
}

#[test]
fn every_receiver_is_told() {
    run_virtual(async {
        let (sender, mut one) = watch(0);
        let (mut two, mut three) = (one.clone(), sender.subscribe());
        sender.send(1);
        for receiver in [&mut one, &mut two, &mut three] {
            receiver.changed().await.unwrap();
            assert_eq!(receiver.get(), 1);
        }
        let mut late = sender.subscribe();
        assert_eq!(late.get(), 1);
        assert!(timeout_after(ms(1), late.changed()).await.is_err(), "it has seen the current value");
    });
}

#[test]
fn a_clone_has_seen_what_the_original_has_seen() {
    run_virtual(async {
        let (sender, mut receiver) = watch(0);
        sender.send(1);
        let mut unaware = receiver.clone();
        receiver.changed().await.unwrap();
        let mut aware = receiver.clone();
        unaware.changed().await.unwrap();
        assert!(timeout_after(ms(1), aware.changed()).await.is_err());
    });
}

#[test]
fn the_last_value_is_told_before_the_end() {
    run_virtual(async {
        let (sender, mut receiver) = watch(0);
        let other = sender.clone();
        other.send(1);
        drop(other);
        assert!(receiver.changed().await.is_ok());
        assert!(timeout_after(ms(1), receiver.changed()).await.is_err(), "one sender is left");
        sender.send(2);
        drop(sender);
        assert!(receiver.changed().await.is_ok());
        assert!(receiver.changed().await.is_err());
        assert_eq!(receiver.get(), 2, "it can still be had");
    });
}

#[test]
fn sending_without_receivers_changes_the_value() {
    let (sender, receiver) = watch(Rc::new(0));
    let first = receiver.get();
    drop(receiver);
    sender.send(Rc::new(1));
    assert_eq!(Rc::strong_count(&first), 1, "the first value has been dropped");
    assert_eq!(*sender.subscribe().get(), 1);
}

#[test]
fn a_dropped_wait_leaves_the_change_to_the_next() {
    run_virtual(async {
        let (sender, mut receiver) = watch(0);
        {
            let mut wait = pin!(receiver.changed());
            assert!(poll_once(wait.as_mut()).await.is_pending());
            sender.send(1);
        }
        assert!(receiver.changed().await.is_ok());
        assert!(timeout_after(ms(1), receiver.changed()).await.is_err());
    });
}

#[test]
fn a_wait_says_where_it_is() {
    run_virtual(async {
        let (sender, mut receiver) = watch(0);
        let (line, waiting) = (line!(), spawn(async move { receiver.changed().await }));
        schedule().await;
        let info = waiting.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::EventWait, line));
        sender.send(1);
        waiting.join().await.unwrap().unwrap();
    });
}

#[test]
fn threads_use_the_blocking_twin() {
    must_end(|| {
        let (sender, mut receiver) = watch(0u32);
        let thread = std::thread::spawn(move || {
            let mut last = 0;
            while receiver.changed_blocking().is_ok() {
                let now = receiver.get();
                assert!(now >= last, "it went back from {last} to {now}");
                last = now;
            }
            last
        });
        run_real(async {
            for n in 1..=500 {
                sender.send(n);
                schedule().await;
            }
        });
        drop(sender);
        assert_eq!(thread.join().unwrap(), 500);
    });
}

#[test]
fn random_cancellation_misses_no_last_value() {
    for seed in 1..100 {
        run_virtual(async move {
            let (sender, receiver) = watch(0);
            let told = Rc::new(Cell::new(0));
            let mut tasks = Vec::new();
            for n in 0..4 {
                let (mut receiver, told) = (receiver.clone(), Rc::clone(&told));
                tasks.push(spawn(async move {
                    let mut random = Random::new(seed * 100 + n);
                    let mut last = 0;
                    loop {
                        match timeout_after(ms(random.below(4) as u64), receiver.changed()).await {
                            Ok(Ok(())) => {
                                assert!(receiver.get() > last, "told of a change that was none");
                                last = receiver.get();
                                told.set(told.get() + 1);
                            }
                            Ok(Err(_)) => return last,
                            Err(_) => schedule().await,
                        }
                    }
                }));
            }
            let mut random = Random::new(seed);
            for n in 1..=30 {
                sender.send(n);
                sleep(ms(random.below(3) as u64)).await;
            }
            drop(sender);
            for task in tasks {
                assert_eq!(task.join().await.unwrap(), 30, "seed {seed}");
            }
            assert!(told.get() >= 4);
        });
    }
}

//! Events: a flag that many wait for.

mod common;

use common::{Calls, Log, Random, ms, must_end, panic_of, poll_once, run_virtual, secs};
use curio::sync::EventWait;
use curio::{Event, Kernel, schedule, sleep, spawn, timeout_after};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

#[test]
fn set_lets_everybody_go_on_in_the_order_in_which_they_came() {
    run_virtual(async {
        let (event, log) = (Rc::new(Event::new()), Log::new());
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                let (event, log) = (Rc::clone(&event), log.clone());
                spawn(async move {
                    event.wait().await;
                    log.note(n);
                })
            })
            .collect();
        sleep(secs(1)).await;
        assert!(log.take().is_empty());
        event.set();
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), ["1000 0", "1000 1", "1000 2", "1000 3", "1000 4"]);
    });
}

#[test]
fn waiting_for_an_event_that_is_set_does_not_yield() {
    run_virtual(async {
        let event = Event::new();
        event.set();
        event.set();
        assert!(event.is_set());
        let mut wait = Box::pin(event.wait());
        assert!(poll_once(wait.as_mut()).await.is_ready());
    });
}

#[test]
fn whoever_was_woken_goes_on_although_the_event_was_cleared() {
    run_virtual(async {
        let event = Rc::new(Event::new());
        let own = Rc::clone(&event);
        let task = spawn(async move { own.wait().await });
        schedule().await;
        event.set();
        event.clear();
        assert!(!event.is_set());
        task.join().await.unwrap();
    });
}

#[test]
fn whoever_comes_after_clear_waits_for_the_next_set() {
    run_virtual(async {
        let event = Event::new();
        event.set();
        event.clear();
        assert!(timeout_after(secs(1), event.wait()).await.is_err());
        event.set();
        assert!(timeout_after(secs(1), event.wait()).await.is_ok());
    });
}

#[test]
fn a_wait_that_is_given_up_leaves_nothing_behind() {
    run_virtual(async {
        let event = Event::new();
        for _ in 0..1000 {
            assert!(timeout_after(ms(1), event.wait()).await.is_err());
        }
        event.set();
        assert!(timeout_after(ms(1), event.wait()).await.is_ok());
    });
}

#[test]
fn an_event_may_be_static_and_set_from_a_thread() {
    static STARTED: Event = Event::new();
    must_end(|| {
        let thread = std::thread::spawn(|| {
            std::thread::sleep(ms(10));
            STARTED.set();
        });
        curio::run(STARTED.wait());
        thread.join().unwrap();
    });
}

#[test]
fn a_thread_can_wait_for_an_event_too() {
    static ANSWERED: Event = Event::new();
    must_end(|| {
        let thread = std::thread::spawn(|| ANSWERED.wait_blocking());
        curio::run(async {
            sleep(ms(10)).await;
            ANSWERED.set();
        });
        thread.join().unwrap();
        ANSWERED.wait_blocking();
    });
}

#[test]
fn waiting_with_the_whole_kernel_is_refused() {
    run_virtual(async {
        let message = panic_of(|| Event::new().wait_blocking());
        assert!(message.contains("await") && message.contains("run_in_thread"), "{message}");
    });
}

#[test]
fn a_waiting_event_future_may_move_to_another_task() {
    run_virtual(async {
        static EVENT: Event = Event::new();
        let mut wait = Box::pin(EVENT.wait());
        assert!(poll_once(wait.as_mut()).await.is_pending());
        let task = spawn(wait);
        schedule().await;
        EVENT.set();
        assert!(timeout_after(secs(1), task).await.is_ok());
    });
}

#[test]
fn events_show_whether_they_are_set() {
    let event = Event::default();
    assert!(format!("{event:?}").contains("false"));
    event.set();
    assert!(format!("{event:?}").contains("true"));
}

struct Waiter<'a> {
    future: Pin<Box<EventWait<'a>>>,
    calls: Arc<Calls>,
    waker: Waker,
    number: u32,
}

impl Waiter<'_> {
    fn poll(&mut self) -> Poll<()> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

/// Random waiting, setting, clearing and giving up, against the plainest model.
#[test]
fn random_use_agrees_with_a_simple_model() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let event = Event::new();
        let (mut is_set, mut released) = (false, BTreeSet::new());
        let mut waiting: Vec<Waiter<'_>> = Vec::new();
        for number in 0..500 {
            match random.below(6) {
                0 | 1 => {
                    let (calls, waker) = Calls::new();
                    let mut waiter = Waiter { future: Box::pin(event.wait()), calls, waker, number };
                    assert_eq!(waiter.poll().is_ready(), is_set, "seed {seed}");
                    if !is_set {
                        waiting.push(waiter);
                    }
                }
                2 if !waiting.is_empty() => {
                    let index = random.below(waiting.len());
                    let waiter = &mut waiting[index];
                    let over = released.remove(&waiter.number);
                    assert_eq!(waiter.poll().is_ready(), over, "seed {seed}");
                    if over {
                        waiting.swap_remove(index);
                    }
                }
                3 if !waiting.is_empty() => {
                    let dropped = waiting.swap_remove(random.below(waiting.len()));
                    released.remove(&dropped.number);
                }
                4 => {
                    event.set();
                    is_set = true;
                    released.extend(waiting.iter().map(|waiter| waiter.number));
                }
                _ => {
                    event.clear();
                    is_set = false;
                }
            }
            assert_eq!(event.is_set(), is_set);
            for waiter in &waiting {
                let expected = usize::from(released.contains(&waiter.number));
                assert_eq!(waiter.calls.count(), expected, "woken once if released (seed {seed})");
            }
        }
    }
}

/// The same inside a kernel, with tasks that give up and are cancelled at random.
#[test]
fn nobody_who_waits_when_it_is_set_is_forgotten_under_any_schedule() {
    for seed in 0..200 {
        Kernel::builder().virtual_clock(true).seed(seed).run(async move {
            let mut random = Random::new(seed);
            let event = Rc::new(Event::new());
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let (event, come, patience) =
                        (Rc::clone(&event), ms(random.below(50) as u64), ms(random.below(100) as u64));
                    spawn(async move {
                        sleep(come).await;
                        let begun = curio::clock();
                        let waited = timeout_after(patience, event.wait()).await;
                        (begun, patience, waited.is_ok())
                    })
                })
                .collect();
            for _ in 0..5 {
                let cancelled = random.below(tasks.len());
                tasks[cancelled].request_cancel();
                sleep(ms(7)).await;
            }
            sleep(ms(25)).await;
            event.set();
            let set_at = curio::clock();
            for task in tasks {
                if let Ok((begun, patience, passed)) = task.join().await {
                    if begun + patience < set_at {
                        assert!(!passed, "seed {seed}");
                    } else if begun + patience > set_at {
                        assert!(passed, "seed {seed}");
                    }
                }
            }
        });
    }
}

//! Each means of synchronisation under hundreds of schedules, with waits that are given up at every sort of moment.
//! What holds must hold in any order in which the ready tasks may run.

mod common;

use common::ms;
use curio::testing::explore;
use curio::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue, RLock, ResultCell,
    RwLock, Semaphore, broadcast, channel, ignore_after, oneshot, schedule, scope, sleep, watch,
};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

const SEEDS: u64 = 150;

/// Time limits for several waiters: some give up at the very moment at which others act.
fn limit(n: u64) -> Option<Duration> {
    [None, Some(ms(1)), Some(ms(2)), None, Some(ms(3)), Some(Duration::ZERO)][n as usize % 6]
}

/// Counts who is inside; none may be when one wants to be alone.
#[derive(Default)]
struct Inside {
    shared: Cell<u32>,
    alone: Cell<bool>,
    most: Cell<u32>,
    visits: Cell<u32>,
}

impl Inside {
    async fn alone(&self) {
        assert!(!self.alone.replace(true) && self.shared.get() == 0, "somebody else is inside");
        self.visits.set(self.visits.get() + 1);
        schedule().await;
        sleep(ms(1)).await;
        self.alone.set(false);
    }

    async fn shared(&self) {
        assert!(!self.alone.get(), "somebody is inside who wants to be alone");
        self.shared.set(self.shared.get() + 1);
        self.most.set(self.most.get().max(self.shared.get()));
        self.visits.set(self.visits.get() + 1);
        schedule().await;
        sleep(ms(1)).await;
        self.shared.set(self.shared.get() - 1);
    }
}

#[test]
fn nobody_passes_an_event_before_it_is_set_and_everybody_afterwards() {
    explore(SEEDS, async || {
        let (event, passed) = &(Event::new(), Cell::new(0));
        scope(async move |s| {
            for n in 0..6 {
                s.spawn(async move {
                    if ignore_after(limit(n), event.wait()).await.is_some() {
                        assert!(event.is_set());
                        passed.set(passed.get() + 1);
                    }
                });
            }
            s.spawn(async move {
                sleep(ms(2)).await;
                assert_eq!(passed.get(), 0);
                event.set();
            });
        })
        .await;
        // Those without a limit, that of three milliseconds, and perhaps the one whose limit passed with the event.
        assert!((3..=4).contains(&passed.get()), "{passed:?}");
    });
}

#[test]
fn a_lock_has_one_holder_and_is_free_in_the_end() {
    explore(SEEDS, async || {
        let (lock, inside) = &(Lock::new(()), Inside::default());
        scope(async move |s| {
            for n in 0..6 {
                s.spawn(async move {
                    let got = ignore_after(limit(n), lock.acquire()).await;
                    if let Some(_guard) = got {
                        inside.alone().await;
                    }
                });
            }
        })
        .await;
        assert!(!lock.locked());
        assert!(inside.visits.get() >= 2);
    });
}

#[test]
fn a_reentrant_lock_has_one_task_inside_as_often_as_it_likes() {
    explore(SEEDS, async || {
        let (lock, inside) = &(RLock::new(), Inside::default());
        scope(async move |s| {
            for n in 0..6 {
                s.spawn(async move {
                    if let Some(_outer) = ignore_after(limit(n), lock.acquire()).await {
                        let inner = lock.acquire().await;
                        schedule().await;
                        drop(inner);
                        inside.alone().await;
                    }
                });
            }
        })
        .await;
        assert!(!lock.locked());
    });
}

#[test]
fn semaphores_of_both_kinds_let_no_more_in_than_they_have_permits() {
    explore(SEEDS, async || {
        let (sema, bounded, inside) =
            &(Semaphore::new(2), BoundedSemaphore::new(2), [(); 2].map(|()| Inside::default()));
        scope(async move |s| {
            for n in 0..8 {
                s.spawn(async move {
                    if let Some(_permit) = ignore_after(limit(n), sema.acquire()).await {
                        inside[0].shared().await;
                    }
                    if let Some(_permits) =
                        ignore_after(limit(n + 1), bounded.acquire_many(1 + n as usize % 2)).await
                    {
                        inside[1].shared().await;
                    }
                });
            }
        })
        .await;
        assert_eq!((sema.value(), bounded.value(), inside[0].most.get()), (2, 2, 2));
        assert!(inside[1].most.get() <= 2 && inside[0].visits.get() >= 3);
        assert!(bounded.release().is_err());
    });
}

#[test]
fn a_condition_forgets_no_item_and_nobody_who_waits() {
    explore(SEEDS, async || {
        let (items, changed, taken) = &(Lock::new(VecDeque::new()), Condition::new(), Cell::new(0));
        scope(async move |s| {
            for n in 0..4 {
                s.spawn(async move {
                    while taken.get() < 6 {
                        let wait = async {
                            let items = items.acquire().await;
                            let done = |items: &mut VecDeque<u32>| !items.is_empty() || taken.get() == 6;
                            let mut items = changed.wait_for(items, done).await;
                            if items.pop_front().is_some() {
                                taken.set(taken.get() + 1);
                            }
                            if taken.get() == 6 {
                                changed.notify_all();
                            }
                        };
                        let _ = ignore_after(limit(n).filter(|limit| !limit.is_zero()), wait).await;
                    }
                });
            }
            s.spawn(async move {
                for item in 0..6 {
                    items.acquire().await.push_back(item);
                    changed.notify(1);
                    sleep(ms(1)).await;
                }
            });
        })
        .await;
        assert_eq!(taken.get(), 6);
        assert!(items.acquire().await.is_empty());
    });
}

#[test]
fn a_result_is_given_to_everybody_who_stayed() {
    explore(SEEDS, async || {
        let (cell, got) = &(ResultCell::<u32, ()>::new(), Cell::new(0));
        scope(async move |s| {
            for n in 0..6 {
                s.spawn(async move {
                    if let Some(result) = ignore_after(limit(n), cell.unwrap()).await {
                        assert_eq!(result, Ok(7));
                        got.set(got.get() + 1);
                    }
                });
            }
            sleep(ms(2)).await;
            cell.set_value(7);
        })
        .await;
        assert!((3..=4).contains(&got.get()), "{got:?}");
    });
}

#[test]
fn each_round_of_a_barrier_has_one_leader() {
    explore(SEEDS, async || {
        let (barrier, leaders) = &(Barrier::new(3), Cell::new(0));
        scope(async move |s| {
            for _ in 0..6 {
                s.spawn(async move {
                    schedule().await;
                    if barrier.wait().await {
                        leaders.set(leaders.get() + 1);
                    }
                });
            }
        })
        .await;
        assert_eq!(leaders.get(), 2);
    });
}

#[test]
fn a_writer_is_alone_and_readers_are_not() {
    explore(SEEDS, async || {
        let (lock, inside) = &(RwLock::new(0), Inside::default());
        scope(async move |s| {
            for n in 0..8 {
                s.spawn(async move {
                    if n % 3 == 0 {
                        if let Some(mut number) = ignore_after(limit(n), lock.write()).await {
                            *number += 1;
                            inside.alone().await;
                        }
                    } else if let Some(_number) = ignore_after(limit(n), lock.read()).await {
                        inside.shared().await;
                    }
                });
            }
        })
        .await;
        assert!(lock.try_write().is_some_and(|number| *number >= 1));
    });
}

#[test]
fn a_oneshot_gives_its_value_or_says_that_there_will_be_none() {
    explore(SEEDS, async || {
        for sent in [true, false] {
            let (sender, receiver) = oneshot();
            scope(async move |s| {
                s.spawn(async move {
                    schedule().await;
                    match sent {
                        true => sender.send(5).expect("the receiver is there"),
                        false => drop(sender),
                    }
                });
                let received = s.spawn(receiver.recv());
                let received = received.join().await.unwrap();
                assert_eq!(received.ok(), sent.then_some(5));
            })
            .await;
        }
    });
}

#[test]
fn a_channel_loses_and_doubles_nothing_and_keeps_each_senders_order() {
    explore(SEEDS, async || {
        let (sender, receiver) = channel(1);
        let received = &RefCell::new(Vec::new());
        scope(async move |s| {
            for who in 0..2_u32 {
                let sender = sender.clone();
                s.spawn(async move {
                    for n in 0..4_u32 {
                        // What a send that was given up takes along, is sent again.
                        while ignore_after(
                            limit(u64::from(n + who)).filter(|d| !d.is_zero()),
                            sender.send((who, n)),
                        )
                        .await
                        .is_none()
                        {}
                    }
                });
            }
            drop(sender);
            for n in 0..2 {
                let receiver = receiver.clone();
                s.spawn(async move {
                    loop {
                        match ignore_after(limit(n + 1), receiver.recv()).await {
                            Some(Some(item)) => received.borrow_mut().push(item),
                            Some(None) => break,
                            None => continue,
                        }
                        sleep(ms(1)).await;
                    }
                });
            }
        })
        .await;
        for who in 0..2 {
            let of_one: Vec<_> =
                received.borrow().iter().filter(|item| item.0 == who).map(|item| item.1).collect();
            assert_eq!(of_one, [0, 1, 2, 3]);
        }
    });
}

#[test]
fn a_watcher_sees_the_last_value_and_none_twice() {
    explore(SEEDS, async || {
        let (sender, receiver) = watch(0);
        scope(async move |s| {
            for n in 0..4 {
                let mut receiver = receiver.clone();
                s.spawn(async move {
                    let mut seen = vec![receiver.get()];
                    loop {
                        match ignore_after(limit(n).filter(|d| !d.is_zero()), receiver.changed()).await {
                            Some(Ok(())) => seen.push(receiver.get()),
                            Some(Err(_)) => break,
                            None => {}
                        }
                    }
                    assert!(seen.is_sorted() && seen.windows(2).all(|two| two[0] != two[1]), "{seen:?}");
                    assert_eq!(seen.last(), Some(&3));
                });
            }
            s.spawn(async move {
                for value in 1..=3 {
                    sleep(ms(1)).await;
                    sender.send(value);
                }
            });
        })
        .await;
    });
}

#[test]
fn every_listener_to_a_broadcast_hears_all_of_it_in_order() {
    explore(SEEDS, async || {
        let (sender, receiver) = broadcast(8);
        let listeners: Vec<_> = (0..4).map(|_| sender.subscribe()).collect();
        drop(receiver);
        scope(async move |s| {
            for (n, mut listener) in (0..).zip(listeners) {
                s.spawn(async move {
                    let mut heard = Vec::new();
                    loop {
                        match ignore_after(limit(n).filter(|d| !d.is_zero()), listener.recv()).await {
                            Some(Ok(value)) => heard.push(value),
                            Some(Err(_)) => break,
                            None => {}
                        }
                    }
                    assert_eq!(heard, [0, 1, 2, 3, 4]);
                });
            }
            s.spawn(async move {
                for value in 0..5 {
                    sender.send(value);
                    sleep(ms(1)).await;
                }
            });
        })
        .await;
    });
}

/// The three kinds of queue have the same methods, and no trait.
macro_rules! explore_queue {
    ($queue:expr) => {
        explore(SEEDS, async || {
            let (queue, taken) = &($queue, RefCell::new(Vec::new()));
            scope(async move |s| {
                for who in 0..2_u32 {
                    s.spawn(async move {
                        for n in 0..4_u32 {
                            let limit = limit(u64::from(n + who)).filter(|d| !d.is_zero());
                            while ignore_after(limit, queue.put(4 * who + n)).await.is_none() {}
                        }
                    });
                }
                for n in 0..2 {
                    s.spawn(async move {
                        while taken.borrow().len() < 8 {
                            // Some getters find nothing any more when the others have taken all.
                            let limit = limit(n + 1).unwrap_or(ms(5));
                            if let Some(item) = ignore_after(limit, queue.get()).await {
                                taken.borrow_mut().push(item);
                                queue.task_done();
                            }
                        }
                    });
                }
            })
            .await;
            queue.join().await;
            let mut taken = taken.take();
            taken.sort();
            assert_eq!(taken, [0, 1, 2, 3, 4, 5, 6, 7]);
            assert!(queue.is_empty());
        })
    };
}

#[test]
fn a_queue_loses_and_doubles_nothing() {
    explore_queue!(Queue::new(2));
}

#[test]
fn a_priority_queue_loses_and_doubles_nothing() {
    explore_queue!(PriorityQueue::new(2));
}

#[test]
fn a_last_in_first_out_queue_loses_and_doubles_nothing() {
    explore_queue!(LifoQueue::new(2));
}

//! After Curio's `test_queue.py`.

use crate::common::{Log, ms, must_end, run_virtual};
use curio::{
    LifoQueue, PriorityQueue, Queue, TaskGroup, join, run_in_thread, scope, sleep, spawn, timeout_after,
};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

#[test]
fn two_consumers_take_turns_and_the_producer_joins_the_queue() {
    run_virtual(async {
        let (queue, log) = &(Queue::unbounded(), Log::new());
        scope(async move |s| {
            for name in ["a", "b"] {
                s.spawn(async move {
                    while let Some(item) = queue.get().await {
                        log.note(format!("{name} takes {item}"));
                        queue.task_done();
                    }
                    queue.task_done();
                    log.note(format!("{name} ends"));
                });
            }
            sleep(ms(100)).await;
            for item in 0..4 {
                queue.put(Some(item)).await;
                sleep(ms(100)).await;
            }
            queue.put(None).await;
            queue.put(None).await;
            log.note("joins");
            queue.join().await;
            log.note("joined");
        })
        .await;
        assert_eq!(
            log.take(),
            [
                "100 a takes 0",
                "200 b takes 1",
                "300 a takes 2",
                "400 b takes 3",
                "500 joins",
                "500 a ends",
                "500 b ends",
                "500 joined"
            ]
        );
    });
}

#[test]
fn a_producer_of_an_unbounded_queue_never_waits() {
    run_virtual(async {
        let (queue, log) = &(Queue::new(0), Log::new());
        scope(async move |s| {
            s.spawn(async move {
                while let Some(item) = queue.get().await {
                    log.note(format!("takes {item}"));
                    queue.task_done();
                }
                queue.task_done();
            });
            sleep(ms(100)).await;
            for item in [Some(0), Some(1), Some(2), Some(3), None] {
                queue.put(item).await;
            }
            log.note("joins");
            queue.join().await;
            log.note("joined");
        })
        .await;
        let expected =
            ["100 joins", "100 takes 0", "100 takes 1", "100 takes 2", "100 takes 3", "100 joined"];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn a_producer_of_a_bounded_queue_waits_for_room() {
    run_virtual(async {
        let (queue, log) = &(Queue::new(2), Log::new());
        let consumer = async {
            sleep(ms(100)).await;
            while let Some(item) = queue.get().await {
                log.note(format!("takes {item}"));
                sleep(ms(100)).await;
                queue.task_done();
            }
            queue.task_done();
        };
        let producer = async {
            for item in 0..4 {
                queue.put(Some(item)).await;
                log.note(format!("put {item}"));
            }
            queue.put(None).await;
            log.note("joins");
            queue.join().await;
            log.note("joined");
        };
        join!(consumer, producer);
        assert_eq!(
            log.take(),
            [
                "0 put 0",
                "0 put 1",
                "100 takes 0",
                "100 put 2",
                "200 takes 1",
                "200 put 3",
                "300 takes 2",
                "300 joins",
                "400 takes 3",
                "500 joined"
            ]
        );
    });
}

#[test]
fn waits_for_an_item_or_for_room_can_be_cancelled() {
    run_virtual(async {
        let (queue, log) = (Rc::new(Queue::new(1)), Log::new());
        let (own, gone) = (Rc::clone(&queue), log.on_drop("getter gone"));
        let getter = spawn(async move {
            let _gone = gone;
            own.get().await
        });
        sleep(ms(500)).await;
        assert!(getter.cancel().await);
        queue.put(0).await;
        let (own, gone) = (Rc::clone(&queue), log.on_drop("putter gone"));
        let putter = spawn(async move {
            let _gone = gone;
            own.put(1).await
        });
        sleep(ms(500)).await;
        assert!(putter.cancel().await);
        assert_eq!(log.take(), ["500 getter gone", "1000 putter gone"]);
        assert_eq!((queue.try_get(), queue.try_get()), (Some(0), None));
    });
}

#[test]
fn waits_for_an_item_or_for_room_can_be_limited() {
    run_virtual(async {
        let (queue, log) = (Queue::new(1), Log::new());
        timeout_after(ms(500), queue.get()).await.unwrap_err();
        log.note("no item");
        queue.put(0).await;
        timeout_after(ms(500), queue.put(1)).await.unwrap_err();
        log.note("no room");
        assert_eq!(log.take(), ["500 no item", "1000 no room"]);
        assert_eq!(queue.size(), 1);
    });
}

#[test]
fn the_lowest_priority_and_the_latest_item_come_first() {
    run_virtual(async {
        let (lowest, latest) = (PriorityQueue::new(0), LifoQueue::new(0));
        for n in [4, 2, 1, 3] {
            lowest.put(n).await;
            latest.put(n).await;
        }
        let (mut by_priority, mut by_age) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            by_priority.push(lowest.get().await);
            by_age.push(latest.get().await);
            sleep(ms(200)).await;
        }
        assert_eq!((by_priority, by_age), (vec![1, 2, 3, 4], vec![3, 1, 2, 4]));
    });
}

#[test]
fn a_thread_fills_a_queue_that_impatient_tasks_empty() {
    must_end(|| {
        curio::run(async {
            let (queue, got) = (Arc::new(Queue::new(2)), Rc::default());
            let (own, taken): (_, Rc<std::cell::RefCell<Vec<_>>>) = (Arc::clone(&queue), Rc::clone(&got));
            let consumer = spawn(async move {
                loop {
                    // The limit passes between any two items; none may be lost to a get that was given up.
                    match timeout_after(std::time::Duration::from_micros(50), own.get()).await {
                        Ok(Some(item)) => taken.borrow_mut().push(item),
                        Ok(None) => return,
                        Err(_) => continue,
                    }
                    own.task_done();
                }
            });
            let filling = Arc::clone(&queue);
            let producer = run_in_thread(move || {
                for n in 0..200 {
                    filling.put_blocking(Some(n));
                }
                filling.join_blocking();
            });
            producer.await.unwrap();
            queue.put(None).await;
            consumer.join().await.unwrap();
            assert_eq!(*got.borrow(), (0..200).collect::<Vec<u32>>());
        });
    });
}

#[test]
fn a_task_fills_a_queue_that_a_thread_empties() {
    must_end(|| {
        curio::run(async {
            let queue = Arc::new(Queue::new(2));
            let emptying = Arc::clone(&queue);
            let consumer = spawn(run_in_thread(move || {
                let mut got = Vec::new();
                while let Some(item) = emptying.get_blocking() {
                    got.push(item);
                    emptying.task_done();
                }
                got
            }));
            for n in 0..100 {
                queue.put(Some(n)).await;
            }
            queue.join().await;
            queue.put(None).await;
            assert_eq!(consumer.join().await.unwrap().unwrap(), (0..100).collect::<Vec<u32>>());
        });
    });
}

#[test]
fn several_consumers_share_what_a_thread_puts() {
    must_end(|| {
        curio::run(async {
            let (queue, got) = (Arc::new(Queue::new(10)), Rc::new(std::cell::RefCell::new(Vec::new())));
            let group = TaskGroup::new();
            for _ in 0..3 {
                let (queue, got) = (Arc::clone(&queue), Rc::clone(&got));
                group.spawn(async move {
                    while let Some(item) = queue.get().await {
                        got.borrow_mut().push(item);
                        queue.task_done();
                    }
                });
            }
            let filling = Arc::clone(&queue);
            run_in_thread(move || {
                (0..1000).for_each(|n| filling.put_blocking(Some(n)));
                filling.join_blocking();
            })
            .await
            .unwrap();
            for _ in 0..3 {
                queue.put(None).await;
            }
            group.join().await.unwrap();
            assert_eq!(*got.borrow(), (0..1000).collect::<Vec<u32>>(), "in the order in which they were put");
        });
    });
}

#[test]
fn kernels_of_several_threads_share_one_queue() {
    must_end(|| {
        let (queue, got) = (Arc::new(Queue::new(10)), Arc::new(Mutex::new(Vec::new())));
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, got) = (Arc::clone(&queue), Arc::clone(&got));
                std::thread::spawn(move || {
                    curio::run(async {
                        while let Some(item) = queue.get().await {
                            got.lock().unwrap().push(item);
                            queue.task_done();
                        }
                    })
                })
            })
            .collect();
        curio::run(async {
            for n in 0..500 {
                queue.put(Some(n)).await;
            }
            queue.join().await;
            for _ in 0..3 {
                queue.put(None).await;
            }
        });
        consumers.into_iter().for_each(|consumer| consumer.join().unwrap());
        let mut got = std::mem::take(&mut *got.lock().unwrap());
        got.sort_unstable();
        assert_eq!(got, (0..500).collect::<Vec<u32>>());
    });
}

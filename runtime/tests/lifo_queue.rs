//! `LifoQueue`: the newest item first, and otherwise a queue like any other.

mod common;
mod queue_model;

use common::{Log, ms, must_end, panic_of, poll_once, run_virtual};
use curio::{Full, LifoQueue, TaskState, schedule, sleep, spawn, timeout_after};
use queue_model::{Boxed, Subject, walk};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

#[test]
fn the_newest_item_comes_out_first() {
    run_virtual(async {
        let queue = LifoQueue::unbounded();
        for n in [1, 2, 3] {
            queue.put(n).await;
        }
        assert_eq!(queue.get().await, 3);
        queue.put(4).await;
        assert_eq!([queue.get().await, queue.get().await, queue.get().await], [4, 2, 1]);
    });
}

#[test]
fn getters_are_served_in_the_order_in_which_they_came() {
    run_virtual(async {
        let queue = Rc::new(LifoQueue::unbounded());
        let log = Log::new();
        let getters = ["first", "second"].map(|name| {
            let (queue, log) = (Rc::clone(&queue), log.clone());
            spawn(async move { log.note(format!("{name} got {}", queue.get().await)) })
        });
        schedule().await;
        queue.put("a").await;
        sleep(ms(1)).await;
        queue.put("b").await;
        for getter in getters {
            getter.join().await.unwrap();
        }
        assert_eq!(log.take(), ["0 first got a", "1 second got b"]);
    });
}

#[test]
fn a_full_queue_refuses_or_makes_wait() {
    run_virtual(async {
        let queue = LifoQueue::new(1);
        queue.put("under").await;
        assert_eq!(queue.try_put("over"), Err(Full("over")));
        assert!(queue.is_full() && queue.size() == 1);
        let mut put = pin!(queue.put("over"));
        assert!(poll_once(put.as_mut()).await.is_pending());
        assert_eq!(queue.try_get(), Some("under"));
        assert_eq!(queue.try_put("barger"), Err(Full("barger")), "the room belongs to the putter in line");
        put.await;
        assert_eq!(queue.try_get(), Some("over"));
    });
}

#[test]
fn a_dropped_put_has_put_nothing_and_a_dropped_get_has_taken_nothing() {
    run_virtual(async {
        let queue = LifoQueue::new(1);
        assert!(timeout_after(ms(1), queue.get()).await.is_err());
        queue.put(1).await;
        assert!(timeout_after(ms(1), queue.put(2)).await.is_err());
        assert_eq!(queue.get().await, 1);
        assert!(queue.is_empty());
    });
}

#[test]
fn a_put_that_was_given_room_and_dropped_leaves_it_to_the_next() {
    run_virtual(async {
        let queue = LifoQueue::new(1);
        queue.put(0).await;
        let mut second = pin!(queue.put(2));
        {
            let mut first = pin!(queue.put(1));
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert!(poll_once(second.as_mut()).await.is_pending());
            assert_eq!(queue.get().await, 0);
        }
        second.await;
        assert_eq!(queue.get().await, 2);
    });
}

#[test]
fn join_waits_until_every_item_is_done() {
    run_virtual(async {
        let queue = LifoQueue::unbounded();
        queue.put(1).await;
        queue.get().await;
        assert!(timeout_after(ms(1), queue.join()).await.is_err());
        queue.task_done();
        queue.join().await;
        assert!(panic_of(|| queue.task_done()).contains("more often than items were put"));
    });
}

#[test]
fn waits_say_where_they_are() {
    run_virtual(async {
        let queue = Rc::new(LifoQueue::new(1));
        queue.put(0).await;
        let theirs = Rc::clone(&queue);
        let (line, putter) = (line!(), spawn(async move { theirs.put(1).await }));
        schedule().await;
        let info = putter.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::QueuePut, line));
        queue.get().await;
        putter.join().await.unwrap();
    });
}

#[test]
fn threads_use_the_blocking_twins() {
    let sum = must_end(|| {
        let queue = Arc::new(LifoQueue::new(2));
        let theirs = Arc::clone(&queue);
        let producer = std::thread::spawn(move || {
            for n in 0..500 {
                theirs.put_blocking(n);
            }
            theirs.join_blocking();
        });
        let sum: u32 = (0..500)
            .map(|_| {
                let n = queue.get_blocking();
                queue.task_done();
                n
            })
            .sum();
        producer.join().unwrap();
        sum
    });
    assert_eq!(sum, 500 * 499 / 2);
}

impl Subject for LifoQueue<u32> {
    fn put(&self, item: u32) -> Boxed<'_, bool> {
        Box::pin(async move {
            self.put(item).await;
            true
        })
    }
    fn get(&self) -> Boxed<'_, Option<u32>> {
        Box::pin(async { Some(self.get().await) })
    }
    fn try_put(&self, item: u32) -> bool {
        self.try_put(item).is_ok()
    }
    fn try_get(&self) -> Option<u32> {
        self.try_get()
    }
    fn next(items: &[u32]) -> usize {
        items.len() - 1
    }
    fn close(&self) -> bool {
        false
    }
}

#[test]
fn random_walks_agree_with_the_model() {
    for seed in 1..200 {
        let capacity = 1 + seed as usize % 4;
        walk(&LifoQueue::new(capacity), capacity, seed, 600);
    }
}

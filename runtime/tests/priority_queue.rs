//! `PriorityQueue`: the lowest item first, and otherwise a queue like any other.

mod common;
mod queue_model;

use common::{Log, ms, must_end, panic_of, poll_once, run_virtual};
use curio::{Full, PriorityQueue, TaskState, schedule, sleep, spawn, timeout_after};
use queue_model::{Boxed, Subject, walk};
use std::cell::Cell;
use std::cmp::{Ordering, Reverse};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

#[test]
fn the_lowest_item_comes_out_first() {
    run_virtual(async {
        let queue = PriorityQueue::unbounded();
        for n in [3, 1, 4, 1, 5, 9, 2, 6] {
            queue.put(n).await;
        }
        let mut got = Vec::new();
        while !queue.is_empty() {
            got.push(queue.get().await);
        }
        assert_eq!(got, [1, 1, 2, 3, 4, 5, 6, 9]);
    });
}

#[test]
fn reversed_items_come_out_highest_first() {
    let queue = PriorityQueue::unbounded();
    for n in [3, 1, 2] {
        queue.try_put(Reverse(n)).unwrap();
    }
    assert_eq!([queue.try_get(), queue.try_get()], [Some(Reverse(3)), Some(Reverse(2))]);
}

/// Compares by priority alone.
struct Job(u32, &'static str);

impl Ord for Job {
    fn cmp(&self, other: &Job) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Job) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Job) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Job {}

#[test]
fn equal_items_come_out_in_the_order_in_which_they_were_put() {
    let queue = PriorityQueue::unbounded();
    for job in [Job(1, "b"), Job(0, "a"), Job(1, "c"), Job(1, "d"), Job(1, "e")] {
        assert!(queue.try_put(job).is_ok());
    }
    let names: String = std::iter::from_fn(|| queue.try_get()).map(|job| job.1).collect();
    assert_eq!(names, "abcde");
}

#[test]
fn a_getter_takes_what_is_lowest_when_it_comes_to_fetch_it() {
    run_virtual(async {
        let queue = Rc::new(PriorityQueue::unbounded());
        let theirs = Rc::clone(&queue);
        let getter = spawn(async move { theirs.get().await });
        schedule().await;
        queue.put(5).await;
        queue.put(1).await;
        assert_eq!(getter.join().await.unwrap(), 1, "it was woken for the 5, and the 1 came before it ran");
        assert_eq!(queue.size(), 1);
    });
}

#[test]
fn a_full_queue_makes_putters_wait_in_order() {
    run_virtual(async {
        let queue = Rc::new(PriorityQueue::new(1));
        let log = Log::new();
        queue.put(0).await;
        let putters: Vec<_> = [3, 2, 1]
            .map(|n| {
                let (queue, log) = (Rc::clone(&queue), log.clone());
                spawn(async move {
                    queue.put(n).await;
                    log.note(n);
                })
            })
            .into();
        schedule().await;
        assert!(queue.is_full());
        assert_eq!(queue.try_put(7), Err(Full(7)));
        for expected in [0, 3, 2, 1] {
            assert_eq!(queue.get().await, expected, "there was room for one, and they came in this order");
            sleep(ms(1)).await;
        }
        for putter in putters {
            putter.join().await.unwrap();
        }
        assert_eq!(log.take(), ["0 3", "1 2", "2 1"]);
    });
}

#[test]
fn a_dropped_put_has_put_nothing_and_a_dropped_get_has_taken_nothing() {
    run_virtual(async {
        let queue = PriorityQueue::new(1);
        assert!(timeout_after(ms(1), queue.get()).await.is_err());
        queue.put(1).await;
        assert!(timeout_after(ms(1), queue.put(0)).await.is_err());
        assert_eq!(queue.get().await, 1);
        assert!(queue.is_empty());
    });
}

#[test]
fn a_get_that_was_served_and_dropped_leaves_the_item_to_the_next() {
    run_virtual(async {
        let queue = PriorityQueue::unbounded();
        let mut second = pin!(queue.get());
        {
            let mut first = pin!(queue.get());
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert!(poll_once(second.as_mut()).await.is_pending());
            queue.put(1).await;
            assert_eq!(queue.try_get(), None, "it belongs to the first");
        }
        assert_eq!(second.await, 1);
    });
}

#[test]
fn join_waits_until_every_item_is_done() {
    run_virtual(async {
        let queue = Rc::new(PriorityQueue::unbounded());
        queue.put(1).await;
        queue.put(2).await;
        let theirs = Rc::clone(&queue);
        let worker = spawn(async move {
            for _ in 0..2 {
                theirs.get().await;
                sleep(ms(10)).await;
                theirs.task_done();
            }
        });
        let log = Log::new();
        queue.join().await;
        log.note("joined");
        assert_eq!(log.take(), ["20 joined"]);
        worker.join().await.unwrap();
        assert!(panic_of(|| queue.task_done()).contains("more often than items were put"));
    });
}

#[test]
fn waits_say_where_they_are() {
    run_virtual(async {
        let queue = Rc::new(PriorityQueue::new(1));
        let theirs = Rc::clone(&queue);
        let (line, getter) = (line!(), spawn(async move { theirs.get().await }));
        schedule().await;
        let info = getter.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::QueueGet, line));
        queue.put(1).await;
        getter.join().await.unwrap();
    });
}

/// Panics when it is compared while the fuse is set.
struct Fussy<'a>(u32, &'a Cell<bool>);

impl Ord for Fussy<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        assert!(!self.1.get(), "not now");
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Fussy<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Fussy<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Fussy<'_> {}

#[test]
fn a_panic_in_a_comparison_leaves_the_books_in_order() {
    let fuse = Cell::new(false);
    let queue = PriorityQueue::new(3);
    assert!(queue.try_put(Fussy(2, &fuse)).is_ok());
    fuse.set(true);
    panic_of(|| queue.try_put(Fussy(1, &fuse)));
    fuse.set(false);
    assert_eq!(queue.size(), 2, "it was put all the same");
    assert!(queue.try_put(Fussy(3, &fuse)).is_ok());
    assert!(queue.is_full());
    fuse.set(true);
    panic_of(|| queue.try_get());
    fuse.set(false);
    let left = std::iter::from_fn(|| queue.try_get()).count();
    assert_eq!(left, 2, "what was being taken is gone, and there is room for another");
    assert!(queue.try_put(Fussy(4, &fuse)).is_ok() && queue.size() == 1);
}

#[test]
fn threads_use_the_blocking_twins() {
    let sum = must_end(|| {
        let queue = Arc::new(PriorityQueue::new(2));
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

impl Subject for PriorityQueue<u32> {
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
        (0..items.len()).min_by_key(|index| items[*index]).unwrap()
    }
    fn close(&self) -> bool {
        false
    }
}

#[test]
fn random_walks_agree_with_the_model() {
    for seed in 1..200 {
        let capacity = 1 + seed as usize % 4;
        walk(&PriorityQueue::new(capacity), capacity, seed, 600);
    }
}

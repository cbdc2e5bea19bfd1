//! Queues: the bounded buffer. No item is lost, doubled or reordered, whichever wait is dropped.

mod common;

use common::{Log, ms, must_end, panic_of, poll_once, run_virtual, secs};
use curio::{Full, Queue, join, schedule, sleep, spawn, timeout_after};
use std::rc::Rc;
use std::task::Poll;

#[test]
fn items_come_out_in_the_order_in_which_they_were_put() {
    run_virtual(async {
        let queue = Queue::unbounded();
        for n in 0..100 {
            queue.put(n).await;
        }
        assert_eq!((queue.size(), queue.is_empty()), (100, false));
        for n in 0..100 {
            assert_eq!(queue.get().await, n);
        }
        assert!(queue.is_empty());
    });
}

#[test]
fn a_full_queue_makes_its_putter_wait_and_an_empty_one_its_getter() {
    run_virtual(async {
        let (queue, log) = (Queue::new(2), Log::new());
        let producer = async {
            for n in 0..5 {
                queue.put(n).await;
                log.note(format!("put {n}"));
            }
        };
        let consumer = async {
            for _ in 0..5 {
                sleep(ms(10)).await;
                log.note(format!("got {}", queue.get().await));
            }
        };
        join!(producer, consumer);
        let lines = log.take();
        assert_eq!(lines[..2], ["0 put 0", "0 put 1"]);
        for n in 0..5 {
            let got = lines.iter().position(|line| line.ends_with(&format!("got {n}"))).unwrap();
            let put = lines.iter().position(|line| line.ends_with(&format!("put {n}"))).unwrap();
            assert!(put < got, "{lines:?}");
            assert!(lines[got].starts_with(&format!("{} ", (n + 1) * 10)), "{lines:?}");
        }
        assert!(lines.contains(&"10 put 2".to_string()), "there was room when 0 was taken: {lines:?}");
    });
}

#[test]
fn a_size_of_zero_is_any_size() {
    let queue = Queue::new(0);
    for n in 0..10_000 {
        assert_eq!(queue.try_put(n), Ok(()));
    }
    assert!(!queue.is_full() && queue.size() == 10_000);
}

#[test]
fn trying_never_waits() {
    let queue = Queue::new(1);
    assert_eq!(queue.try_get(), None);
    assert_eq!(queue.try_put("one"), Ok(()));
    assert!(queue.is_full());
    let Err(Full(back)) = queue.try_put("two") else { panic!("there is no room") };
    assert_eq!(back, "two", "the item comes back");
    assert_eq!(Full(1).to_string(), "the queue is full");
    assert_eq!(queue.try_get(), Some("one"));
    assert!(!queue.is_full());
}

#[test]
fn getters_are_served_in_the_order_in_which_they_came() {
    run_virtual(async {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::new());
        let getters: Vec<_> = (0..4)
            .map(|n| {
                let (queue, log) = (Rc::clone(&queue), log.clone());
                spawn(async move { log.note(format!("getter {n} got {}", queue.get().await)) })
            })
            .collect();
        schedule().await;
        for item in ["a", "b", "c", "d"] {
            queue.put(item).await;
        }
        for getter in getters {
            getter.join().await.unwrap();
        }
        assert_eq!(
            log.take(),
            ["0 getter 0 got a", "0 getter 1 got b", "0 getter 2 got c", "0 getter 3 got d"]
        );
    });
}

#[test]
fn putters_are_served_in_the_order_in_which_they_came() {
    run_virtual(async {
        let queue = Rc::new(Queue::new(1));
        queue.put(0).await;
        let putters: Vec<_> = (1..5)
            .map(|n| {
                let queue = Rc::clone(&queue);
                spawn(async move { queue.put(n).await })
            })
            .collect();
        schedule().await;
        for n in 0..5 {
            assert_eq!(queue.get().await, n);
        }
        for putter in putters {
            putter.join().await.unwrap();
        }
    });
}

#[test]
fn an_item_that_was_handed_to_a_waiter_is_not_there_for_others() {
    run_virtual(async {
        let queue = Queue::new(5);
        let mut getter = Box::pin(queue.get());
        assert!(poll_once(getter.as_mut()).await.is_pending());
        queue.put(1).await;
        assert_eq!((queue.try_get(), queue.size()), (None, 0));
        assert_eq!(poll_once(getter.as_mut()).await, Poll::Ready(1));
    });
}

#[test]
fn room_that_was_handed_to_a_waiter_is_not_there_for_others() {
    run_virtual(async {
        let queue = Queue::new(1);
        queue.put(1).await;
        let mut putter = Box::pin(queue.put(2));
        assert!(poll_once(putter.as_mut()).await.is_pending());
        assert_eq!(queue.try_get(), Some(1));
        assert_eq!(queue.try_put(3), Err(Full(3)));
        assert!(queue.is_full());
        assert!(poll_once(putter.as_mut()).await.is_ready());
        assert_eq!(queue.try_get(), Some(2));
    });
}

#[test]
fn a_dropped_get_takes_nothing() {
    run_virtual(async {
        let queue = Queue::unbounded();
        let (mut first, mut second) = (Box::pin(queue.get()), Box::pin(queue.get()));
        assert!(poll_once(first.as_mut()).await.is_pending());
        assert!(poll_once(second.as_mut()).await.is_pending());
        queue.put("handed to the first").await;
        drop(first);
        assert_eq!(poll_once(second.as_mut()).await, Poll::Ready("handed to the first"));
        let mut third = Box::pin(queue.get());
        assert!(poll_once(third.as_mut()).await.is_pending());
        queue.put("handed to the third").await;
        drop(third);
        assert_eq!((queue.size(), queue.try_get()), (1, Some("handed to the third")));
    });
}

#[test]
fn a_dropped_put_puts_nothing() {
    run_virtual(async {
        let queue = Queue::new(1);
        queue.put(1).await;
        assert!(timeout_after(secs(1), queue.put(2)).await.is_err());
        let mut putter = Box::pin(queue.put(3));
        assert!(poll_once(putter.as_mut()).await.is_pending());
        assert_eq!(queue.get().await, 1);
        drop(putter);
        assert_eq!(queue.try_get(), None);
        assert_eq!(queue.try_put(4), Ok(()), "its room is free again");
    });
}

#[test]
fn an_item_put_back_by_a_dropped_get_keeps_its_place() {
    run_virtual(async {
        let queue = Queue::unbounded();
        let mut getter = Box::pin(queue.get());
        assert!(poll_once(getter.as_mut()).await.is_pending());
        queue.put(1).await;
        queue.put(2).await;
        drop(getter);
        assert_eq!((queue.get().await, queue.get().await), (1, 2));
    });
}

// ---- join and task_done

#[test]
fn join_waits_until_every_item_has_been_dealt_with() {
    run_virtual(async {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::new());
        for n in 1..=3 {
            queue.put(n).await;
        }
        let own = Rc::clone(&queue);
        let worker = spawn(async move {
            loop {
                sleep(secs(own.get().await)).await;
                own.task_done();
            }
        });
        join!(queue.join(), queue.join());
        log.note("joined");
        assert_eq!(log.take(), ["6000 joined"]);
        worker.cancel().await;
    });
}

#[test]
fn joining_a_queue_without_open_items_does_not_wait() {
    run_virtual(async {
        let queue = Queue::new(3);
        assert!(poll_once(Box::pin(queue.join()).as_mut()).await.is_ready());
        queue.put(1).await;
        let mut joining = Box::pin(queue.join());
        assert!(poll_once(joining.as_mut()).await.is_pending());
        queue.get().await;
        assert!(poll_once(joining.as_mut()).await.is_pending(), "taken is not dealt with");
        queue.task_done();
        queue.put(2).await;
        assert!(poll_once(joining.as_mut()).await.is_ready(), "what came later is not its business");
    });
}

#[test]
fn task_done_once_too_often_panics_and_says_so() {
    let queue = Queue::new(1);
    queue.try_put(1).unwrap();
    queue.task_done();
    assert!(panic_of(|| queue.task_done()).contains("more often than items were put"));
    assert_eq!(queue.try_get(), Some(1), "the queue is sound all the same");
}

#[test]
fn a_join_that_is_given_up_leaves_the_others_waiting() {
    run_virtual(async {
        let queue = Queue::unbounded();
        queue.put(()).await;
        assert!(timeout_after(secs(1), queue.join()).await.is_err());
        let mut other = Box::pin(queue.join());
        assert!(poll_once(other.as_mut()).await.is_pending());
        queue.task_done();
        assert!(poll_once(other.as_mut()).await.is_ready());
    });
}

// ---- threads and statics

#[test]
fn a_static_queue_connects_threads_and_tasks() {
    static JOBS: Queue<u32> = Queue::new(3);
    static RESULTS: Queue<u32> = Queue::unbounded();
    must_end(|| {
        let thread = std::thread::spawn(|| {
            loop {
                match JOBS.get_blocking() {
                    0 => return,
                    n => RESULTS.put_blocking(n * n),
                }
            }
        });
        let sum = curio::run(async {
            let producer = spawn(async {
                for n in 1..=500 {
                    JOBS.put(n).await;
                }
                JOBS.put(0).await;
            });
            let mut sum = 0;
            for _ in 1..=500 {
                sum += RESULTS.get().await;
            }
            producer.join().await.unwrap();
            sum
        });
        thread.join().unwrap();
        assert_eq!(sum, (1..=500).map(|n| n * n).sum());
    });
}

#[test]
fn a_thread_can_join_a_queue() {
    static QUEUE: Queue<u8> = Queue::new(1);
    must_end(|| {
        QUEUE.put_blocking(1);
        let thread = std::thread::spawn(|| QUEUE.join_blocking());
        curio::run(async {
            QUEUE.get().await;
            sleep(ms(5)).await;
            QUEUE.task_done();
        });
        thread.join().unwrap();
    });
}

#[test]
fn blocking_inside_a_kernel_is_refused() {
    run_virtual(async {
        let queue = Queue::new(1);
        for message in [
            panic_of(|| queue.get_blocking()),
            panic_of(|| queue.put_blocking(1)),
            panic_of(|| queue.join_blocking()),
        ] {
            assert!(message.contains("run_in_thread"), "{message}");
        }
        assert!(queue.is_empty(), "the item went with the panic");
    });
}

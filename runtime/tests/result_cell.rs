//! `ResultCell`: one result, a copy for each waiter.

mod common;

use common::{Calls, Log, Random, ms, must_end, poll_once, run_real, run_virtual};
use curio::{ResultCell, TaskState, schedule, sleep, spawn, timeout_after};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

static ANSWER: ResultCell<u32, String> = ResultCell::new();

#[test]
fn it_may_stand_in_a_static() {
    run_virtual(async {
        let task = spawn(async { ANSWER.unwrap().await });
        schedule().await;
        ANSWER.set_value(42);
        assert_eq!(task.join().await.unwrap(), Ok(42));
    });
}

#[test]
fn everybody_gets_a_copy_in_the_order_in_which_they_came() {
    run_virtual(async {
        let cell = Rc::new(ResultCell::<String, ()>::default());
        let log = Log::new();
        let tasks = ["a", "b", "c"].map(|name| {
            let (cell, log) = (Rc::clone(&cell), log.clone());
            spawn(async move { log.note(format!("{name} {}", cell.unwrap().await.unwrap())) })
        });
        sleep(ms(5)).await;
        assert!(!cell.is_set());
        cell.set_value("done".into());
        assert!(cell.is_set());
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), ["5 a done", "5 b done", "5 c done"]);
        assert_eq!(cell.unwrap().await, Ok("done".into()), "and whoever comes later");
    });
}

#[test]
fn an_error_is_a_result_too() {
    run_virtual(async {
        let cell = ResultCell::<u32, String>::new();
        cell.set_exception("broken".into());
        assert_eq!(cell.unwrap().await, Err("broken".into()));
    });
}

#[test]
fn a_later_result_replaces_the_earlier_one() {
    run_virtual(async {
        let cell = ResultCell::<Rc<u32>, ()>::new();
        let first = Rc::new(1);
        cell.set_value(Rc::clone(&first));
        cell.set_value(Rc::new(2));
        assert_eq!(Rc::strong_count(&first), 1, "the earlier one has been dropped");
        assert_eq!(cell.unwrap().await, Ok(Rc::new(2)));
    });
}

#[test]
fn a_result_that_is_there_is_given_without_yielding() {
    let cell = ResultCell::<u32, ()>::new();
    cell.set_value(1);
    let (calls, waker) = Calls::new();
    let polled = pin!(cell.unwrap()).poll(&mut Context::from_waker(&waker));
    assert_eq!((polled, calls.count()), (Poll::Ready(Ok(1)), 0));
}

#[test]
fn a_dropped_wait_leaves_nothing_behind() {
    run_virtual(async {
        let cell = ResultCell::<u32, ()>::new();
        let (calls, waker) = Calls::new();
        let mut waiting = Box::pin(cell.unwrap());
        assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waiting);
        assert_eq!(Arc::strong_count(&calls), 2, "its waker is gone: ours and the one in `waker` are left");
        assert!(timeout_after(ms(1), cell.unwrap()).await.is_err());
        cell.set_value(1);
        assert_eq!(calls.count(), 0);
        assert_eq!(cell.unwrap().await, Ok(1));
    });
}

#[test]
fn a_wait_that_was_released_and_dropped_takes_nothing_from_the_others() {
    run_virtual(async {
        let cell = ResultCell::<u32, ()>::new();
        let mut first = Box::pin(cell.unwrap());
        let mut second = Box::pin(cell.unwrap());
        assert!(poll_once(first.as_mut()).await.is_pending());
        assert!(poll_once(second.as_mut()).await.is_pending());
        cell.set_value(1);
        drop(first);
        assert_eq!(second.await, Ok(1));
    });
}

#[test]
fn a_wait_says_where_it_is() {
    run_virtual(async {
        let cell = Rc::new(ResultCell::<u32, ()>::new());
        let theirs = Rc::clone(&cell);
        let (line, waiting) = (line!(), spawn(async move { theirs.unwrap().await }));
        schedule().await;
        let info = waiting.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::ResultWait, line));
        cell.set_value(0);
        waiting.join().await.unwrap().unwrap();
    });
}

#[test]
fn threads_wait_for_tasks_and_tasks_for_threads() {
    let got = must_end(|| {
        let (question, answer) = (Arc::new(ResultCell::<u32, ()>::new()), Arc::new(ResultCell::new()));
        let (q, a) = (Arc::clone(&question), Arc::clone(&answer));
        let thread = std::thread::spawn(move || match q.unwrap_blocking() {
            Ok(n) => a.set_value(n * 2),
            Err(()) => a.set_exception("no question"),
        });
        let got = run_real(async {
            question.set_value(21);
            answer.unwrap().await
        });
        thread.join().unwrap();
        got
    });
    assert_eq!(got, Ok(42));
}

#[test]
fn random_cancellation_gives_it_to_exactly_those_who_stayed() {
    for seed in 1..100 {
        run_virtual(async move {
            let cell = Rc::new(ResultCell::<u32, ()>::new());
            let mut random = Random::new(seed);
            let set_at = 1 + random.below(10) as u64;
            let mut tasks = Vec::new();
            for _ in 0..20 {
                // Never the same millisecond: who is first of two equal deadlines is not the question here.
                let limit = ms(random.below(12) as u64) + ms(1) / 2;
                let cell = Rc::clone(&cell);
                tasks.push((limit, spawn(async move { timeout_after(limit, cell.unwrap()).await.ok() })));
            }
            sleep(ms(set_at)).await;
            cell.set_value(7);
            for (limit, task) in tasks {
                let expected = (limit > ms(set_at)).then_some(Ok(7));
                assert_eq!(task.join().await.unwrap(), expected, "seed {seed}, limit {limit:?}");
            }
        });
    }
}

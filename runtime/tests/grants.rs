//! Grants that come from elsewhere, and grants to tasks that cannot claim them: whoever makes a grant, to whatever kernel,
//! a task that does not claim it holds up neither its own kernel nor others.

mod common;

use common::{Calls, Log, ms, must_end, poll_once, run_real, run_virtual, secs, virtual_kernel};
use curio::{
    Condition, Event, Kernel, Lock, Queue, Semaphore, join, schedule, scope, sleep, spawn, timeout_after,
};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// Polls outside of any kernel, as a thread or another executor does.
fn poll_here<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A thread that takes the lock at once, and gives it back when it is told to.
fn holder(lock: &'static Lock) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (told, until_told) = mpsc::channel();
    let (has_it, until_it_has) = mpsc::channel();
    let thread = thread::spawn(move || {
        let guard = lock.acquire_blocking();
        has_it.send(()).unwrap();
        until_told.recv().unwrap();
        drop(guard);
    });
    until_it_has.recv().unwrap();
    (told, thread)
}

/// A kernel whose tasks, `n` of them, wait for the lock while it does not run.
fn stopped_kernel(lock: &Arc<Lock>, n: usize) -> (Kernel, Vec<curio::Task<()>>) {
    let mut kernel = virtual_kernel();
    let tasks = kernel.run(async {
        let waiting = (0..n).map(|_| {
            let lock = Arc::clone(lock);
            spawn(async move { drop(lock.acquire().await) })
        });
        let waiting = waiting.collect();
        schedule().await;
        waiting
    });
    (kernel, tasks)
}

#[test]
fn a_grant_by_a_thread_to_a_task_that_does_not_claim_it_goes_to_the_next() {
    static LOCK: Lock = Lock::new(());
    must_end(|| {
        let (release, thread) = holder(&LOCK);
        run_real(async move {
            let mut dormant = Box::pin(LOCK.acquire());
            assert!(poll_once(dormant.as_mut()).await.is_pending());
            let served = timeout_after(secs(60), LOCK.acquire());
            let (served, ()) = join!(served, async { release.send(()).unwrap() });
            drop(served.expect("the wait that is not polled is passed over"));
            thread.join().unwrap();
            drop(dormant.await);
        });
    });
}

#[test]
fn a_grant_by_a_thread_that_was_made_before_the_next_came_is_taken_back_too() {
    static LOCK: Lock = Lock::new(());
    must_end(|| {
        let (release, thread) = holder(&LOCK);
        run_real(async move {
            let mut dormant = Box::pin(LOCK.acquire());
            assert!(poll_once(dormant.as_mut()).await.is_pending());
            release.send(()).unwrap();
            thread.join().unwrap();
            assert!(LOCK.try_acquire().is_none(), "it belongs to the wait");
            drop(timeout_after(secs(60), LOCK.acquire()).await.expect("but that does not claim it"));
            drop(dormant.await);
        });
    });
}

#[test]
fn a_grant_by_another_kernel_to_a_task_that_does_not_claim_it_goes_to_the_next() {
    static QUEUE: Queue<u32> = Queue::unbounded();
    must_end(|| {
        run_real(async {
            let mut dormant = Box::pin(QUEUE.get());
            assert!(poll_once(dormant.as_mut()).await.is_pending());
            let put = async { thread::spawn(|| curio::run(QUEUE.put(7))) };
            let (got, thread) = join!(timeout_after(secs(60), QUEUE.get()), put);
            assert_eq!(got, Ok(7));
            thread.join().unwrap();
            drop(dormant);
        });
    });
}

#[test]
fn a_grant_by_a_thread_that_is_claimed_in_time_is_not_taken_back() {
    static LOCK: Lock = Lock::new(());
    must_end(|| {
        for _ in 0..50 {
            let (release, thread) = holder(&LOCK);
            run_real(async move {
                let first = spawn(async { drop(LOCK.acquire().await) });
                schedule().await;
                let second = spawn(async move {
                    drop(LOCK.acquire().await);
                    let was_first = first.is_terminated();
                    first.join().await.unwrap();
                    was_first
                });
                schedule().await;
                release.send(()).unwrap();
                // Keeps the kernel busy while the wake-up travels.
                while !second.is_terminated() {
                    schedule().await;
                }
                assert!(second.join().await.unwrap(), "the first in line was first");
                thread.join().unwrap();
            });
        }
    });
}

#[test]
fn a_try_gets_what_was_granted_and_is_not_claimed() {
    run_virtual(async {
        let lock = Lock::new(());
        let guard = lock.acquire().await;
        let mut dormant = Box::pin(lock.acquire());
        assert!(poll_once(dormant.as_mut()).await.is_pending());
        drop(guard);
        assert!(lock.try_acquire().is_none(), "it may still be claimed");
        let mut polls = 0;
        while lock.try_acquire().is_none() {
            polls += 1;
            assert!(polls < 10, "whoever tries again is heard");
            schedule().await;
        }
    });
}

#[test]
fn a_grant_to_a_kernel_that_stopped_running_goes_to_a_waiter_elsewhere() {
    let lock = Arc::new(Lock::new(()));
    let guard = lock.try_acquire().unwrap();
    let (mut kernel, tasks) = stopped_kernel(&lock, 3);
    let (calls, waker) = Calls::new();
    let mut elsewhere = pin!(lock.acquire());
    assert!(poll_here(elsewhere.as_mut(), &waker).is_pending());
    drop(guard);
    assert_eq!(calls.count(), 1, "none of the three before it can claim anything");
    assert!(poll_here(elsewhere.as_mut(), &waker).is_ready());
    kernel.run(async {
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn a_grant_to_a_kernel_that_stopped_running_is_there_for_those_who_come_later() {
    let lock = Arc::new(Lock::new(()));
    let guard = lock.try_acquire().unwrap();
    let (mut kernel, tasks) = stopped_kernel(&lock, 1);
    drop(guard);
    drop(lock.try_acquire().expect("the task cannot claim it"));
    drop(lock.acquire_blocking());
    kernel.run(async {
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn a_kernel_that_stops_before_its_task_claims_a_grant_loses_it_to_another_kernel() {
    static LOCK: Lock = Lock::new(());
    must_end(|| {
        let (stopped, until_stopped) = mpsc::channel();
        let (in_line, until_in_line) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            curio::run(async move {
                let waiting = spawn(async { drop(LOCK.acquire().await) });
                schedule().await;
                in_line.send(()).unwrap();
                timeout_after(secs(60), waiting)
                    .await
                    .expect("the stopped kernel does not hold it up")
                    .unwrap();
                until_stopped.recv().unwrap();
            });
        });
        let mut kernel = Kernel::new().unwrap();
        let task = kernel.run(async move {
            let guard = LOCK.acquire().await;
            let task = spawn(async { drop(LOCK.acquire().await) });
            schedule().await;
            // The other kernel comes second.
            until_in_line.recv().unwrap();
            drop(guard);
            task
        });
        stopped.send(()).unwrap();
        other.join().unwrap();
        kernel.run(async { timeout_after(secs(60), task).await.expect("it queues again").unwrap() });
    });
}

#[test]
fn a_kernel_that_runs_again_serves_the_tasks_that_were_passed_over_in_order() {
    let lock = Arc::new(Lock::new(()));
    let guard = lock.try_acquire().unwrap();
    let order = Rc::new(std::cell::RefCell::new(Vec::new()));
    let mut kernel = virtual_kernel();
    let tasks: Vec<_> = kernel.run(async {
        let waiting = (0..5).map(|n| {
            let (lock, order) = (Arc::clone(&lock), Rc::clone(&order));
            spawn(async move {
                let _guard = lock.acquire().await;
                order.borrow_mut().push(n);
                schedule().await;
            })
        });
        let waiting = waiting.collect();
        schedule().await;
        waiting
    });
    drop(guard);
    drop(lock.acquire_blocking());
    kernel.run(async {
        for task in tasks {
            task.join().await.unwrap();
        }
    });
    assert_eq!(*order.borrow(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_kernel_that_is_driven_by_turns_keeps_its_grants_between_them() {
    let lock = Arc::new(Lock::new(()));
    let mut kernel = virtual_kernel();
    kernel.run(async {
        let lock = Arc::clone(&lock);
        spawn(async move {
            drop(lock.acquire().await);
            drop(lock.acquire().await);
        })
        .detach();
    });
    let guard = lock.try_acquire().unwrap();
    kernel.turn(Some(Duration::ZERO));
    drop(guard);
    assert!(lock.try_acquire().is_none(), "the task will claim it in the next turn");
    kernel.turn(Some(Duration::ZERO));
    assert!(lock.try_acquire().is_some());
}

#[test]
fn a_sleeping_wait_in_a_child_that_is_not_polled_is_passed_over() {
    run_virtual(async {
        let lock = Lock::new(());
        let guard = lock.acquire().await;
        let mut dormant = Box::pin(scope(async |children| {
            children.spawn(async { drop(lock.acquire().await) });
        }));
        // The child is polled in the poll of its scope that follows its own wake-up.
        for _ in 0..3 {
            assert!(poll_once(dormant.as_mut()).await.is_pending());
            schedule().await;
        }
        drop(guard);
        assert!(lock.try_acquire().is_none(), "it was granted to the child");
        let served = timeout_after(secs(1), lock.acquire()).await;
        drop(served.expect("the child is not polled, so it cannot claim it"));
        dormant.await;
    });
}

#[test]
fn a_wake_up_that_has_many_scopes_to_pass_keeps_the_turn_of_its_task() {
    async fn nest(depth: u32, lock: &Lock, log: &Log) {
        if depth == 0 {
            let _guard = lock.acquire().await;
            log.note("the nested child");
        } else {
            scope(async |children| drop(children.spawn(Box::pin(nest(depth - 1, lock, log))))).await;
        }
    }
    run_virtual(async {
        let (lock, log) = (Rc::new(Lock::new(())), Log::new());
        let guard = lock.acquire().await;
        let (own, own_log) = (Rc::clone(&lock), log.clone());
        let nested = spawn(async move { nest(8, &own, &own_log).await });
        for _ in 0..200 {
            schedule().await;
        }
        let (own, own_log) = (Rc::clone(&lock), log.clone());
        let second = spawn(async move {
            let _guard = own.acquire().await;
            own_log.note("the second in line");
        });
        schedule().await;
        drop(guard);
        // Keeps the kernel busy, so that the cycles go by.
        while !second.is_terminated() {
            schedule().await;
        }
        assert_eq!(log.take(), ["0 the nested child", "0 the second in line"]);
        second.join().await.unwrap();
        nested.join().await.unwrap();
    });
}

#[test]
fn a_notification_for_a_stopped_kernel_goes_to_a_waiter_elsewhere() {
    let (lock, changed) = (Arc::new(Lock::new(())), Arc::new(Condition::new()));
    let mut kernel = virtual_kernel();
    kernel.run(async {
        let (lock, changed) = (Arc::clone(&lock), Arc::clone(&changed));
        spawn(async move {
            let guard = lock.acquire().await;
            drop(changed.wait(guard).await);
        })
        .detach();
        schedule().await;
    });
    let (calls, waker) = Calls::new();
    let mut elsewhere = pin!(changed.wait(lock.try_acquire().unwrap()));
    assert!(poll_here(elsewhere.as_mut(), &waker).is_pending());
    changed.notify(1);
    assert_eq!(calls.count(), 1);
    assert!(poll_here(elsewhere.as_mut(), &waker).is_ready());
    // The task in the kernel is told when it is its turn again.
    kernel.run(async {
        schedule().await;
        changed.notify(1);
        schedule().await;
    });
}

/// Whatever the order: permits that go to waits which lie unpolled reach the others, none is lost, and none is made.
#[test]
fn in_every_order_dormant_waits_for_several_permits_hold_up_no_one() {
    curio::testing::explore(500, async || {
        let permits = Rc::new(Semaphore::new(3));
        let all_begun = Rc::new(Event::new());
        let tasks: Vec<_> = (1..=4)
            .map(|n| {
                let (permits, all_begun) = (Rc::clone(&permits), Rc::clone(&all_begun));
                spawn(async move {
                    let mut dormant = Box::pin(permits.acquire_many(1 + n % 3));
                    let begun = poll_once(dormant.as_mut()).await;
                    schedule().await;
                    drop(begun);
                    drop(permits.acquire_many(1 + (n + 1) % 3).await);
                    if n % 2 == 0 {
                        all_begun.wait().await;
                        drop(permits.acquire().await);
                    }
                })
            })
            .collect();
        sleep(ms(1)).await;
        all_begun.set();
        for task in tasks {
            timeout_after(secs(60), task).await.expect("it is served").unwrap();
        }
        assert_eq!(permits.value(), 3);
    });
}

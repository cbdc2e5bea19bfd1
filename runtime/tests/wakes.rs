//! Wakes from anywhere: from other tasks and threads, after the end of a task, and more often than necessary.

mod common;

use common::{Signal, ms, must_end, run_real, run_reporting, run_virtual, secs};
use curio::{Event, Kernel, Queue, schedule, sleep, spawn};
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Hands out the waker of the task that awaits this.
async fn my_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

#[test]
fn eight_threads_wake_one_task_at_once_and_no_wake_is_lost() {
    #[derive(Default)]
    struct Counter {
        count: AtomicUsize,
        waker: Mutex<Option<Waker>>,
    }
    const THREADS: usize = 8;
    const EACH: usize = 2000;
    must_end(|| {
        let counter = Arc::new(Counter::default());
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || {
                    for _ in 0..EACH {
                        counter.count.fetch_add(1, Ordering::SeqCst);
                        let waker = counter.waker.lock().unwrap().take();
                        waker.into_iter().for_each(Waker::wake);
                    }
                })
            })
            .collect();
        curio::run(poll_fn(|cx| {
            // The waker is left before the count is read: a thread that counts after that finds the waker.
            *counter.waker.lock().unwrap() = Some(cx.waker().clone());
            if counter.count.load(Ordering::SeqCst) == THREADS * EACH {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn eight_threads_wake_eight_tasks_over_and_over() {
    must_end(|| {
        run_real(async {
            let pairs: Vec<_> = (0..8)
                .map(|_| {
                    let (there, back) = (Arc::new(Queue::new(1)), Arc::new(Queue::new(1)));
                    let (from, to) = (Arc::clone(&there), Arc::clone(&back));
                    let thread = std::thread::spawn(move || {
                        for n in 0..200_u32 {
                            assert_eq!(from.get_blocking(), n);
                            to.put_blocking(n * 2);
                        }
                    });
                    let task = spawn(async move {
                        for n in 0..200 {
                            there.put(n).await;
                            assert_eq!(back.get().await, n * 2);
                        }
                    });
                    (thread, task)
                })
                .collect();
            for (thread, task) in pairs {
                task.join().await.unwrap();
                thread.join().unwrap();
            }
        });
    });
}

/// Each of the wakes ends the kernel's wait for events, and none of them makes a task ready.
#[test]
fn wakes_that_reach_no_task_leave_other_threads_their_time_to_wake_one() {
    must_end(|| {
        run_real(async {
            let ended = spawn(my_waker()).join().await.unwrap();
            let event = Arc::new(Event::new());
            let own = Arc::clone(&event);
            let thread = std::thread::spawn(move || {
                for _ in 0..20 {
                    std::thread::sleep(ms(5));
                    ended.wake_by_ref();
                }
                own.set();
            });
            event.wait().await;
            thread.join().unwrap();
        });
    });
}

#[test]
fn a_wake_during_the_poll_is_not_lost() {
    must_end(|| {
        run_real(async {
            for _ in 0..500 {
                let signal = Arc::new(Signal::default());
                let setter = Arc::clone(&signal);
                // The thread sets it while, before or after the task looks.
                let thread = std::thread::spawn(move || setter.set());
                signal.wait().await;
                thread.join().unwrap();
            }
        });
    });
}

#[test]
fn a_task_that_wakes_itself_runs_once_in_every_cycle() {
    run_virtual(async {
        let polls = Rc::new(Cell::new(0));
        let own = Rc::clone(&polls);
        let task = spawn(poll_fn(move |cx| {
            own.set(own.get() + 1);
            cx.waker().wake_by_ref();
            let again = cx.waker().clone();
            again.wake();
            Poll::<()>::Pending
        }));
        for n in 1..=20 {
            schedule().await;
            assert_eq!(polls.get(), n);
        }
        task.cancel().await;
    });
}

#[test]
fn a_waker_that_outlives_its_task_wakes_nobody() {
    run_virtual(async {
        let wakers = Rc::new(Cell::new(Vec::new()));
        let own = Rc::clone(&wakers);
        spawn(async move { own.set(vec![my_waker().await; 3]) }).join().await.unwrap();
        let polls = Rc::new(Cell::new(0));
        let own = Rc::clone(&polls);
        // It takes over the place of the task that is gone.
        let successor = spawn(poll_fn(move |_| {
            own.set(own.get() + 1);
            Poll::<()>::Pending
        }));
        schedule().await;
        wakers.take().into_iter().for_each(Waker::wake);
        schedule().await;
        schedule().await;
        assert!(polls.get() <= 2, "at worst one poll too many, not {}", polls.get());
        successor.cancel().await;
    });
}

#[test]
fn a_waker_that_outlives_its_kernel_does_nothing_anywhere() {
    let waker = curio::run(my_waker());
    waker.wake_by_ref();
    run_virtual(async {
        let task = spawn(std::future::pending::<()>());
        schedule().await;
        let cycles = task.info().cycles();
        waker.wake_by_ref();
        std::thread::scope(|scope| scope.spawn(|| waker.wake_by_ref()).join().unwrap());
        sleep(secs(1)).await;
        assert_eq!(task.info().cycles(), cycles, "it does not reach into another kernel");
        task.cancel().await;
    });
    drop(waker);
}

#[test]
fn a_wake_between_two_runs_is_heard_in_the_next() {
    must_end(|| {
        let mut kernel = Kernel::new().unwrap();
        let (ready, waker) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(None)));
        let (is_ready, keeps) = (Rc::clone(&ready), Rc::clone(&waker));
        let task = kernel.run(async move {
            let task = spawn(poll_fn(move |cx| {
                keeps.set(Some(cx.waker().clone()));
                if is_ready.get() { Poll::Ready(5) } else { Poll::Pending }
            }));
            schedule().await;
            task
        });
        ready.set(true);
        waker.take().unwrap().wake();
        assert_eq!(kernel.run(task).unwrap(), 5);
    });
}

#[test]
fn wakers_of_one_task_know_that_they_are_the_same() {
    run_virtual(async {
        let (first, second) = (my_waker().await, my_waker().await);
        assert!(first.will_wake(&second));
        schedule().await;
        assert!(first.will_wake(&my_waker().await), "a primitive need not replace it at every poll");
        let other = spawn(my_waker()).join().await.unwrap();
        assert!(!first.will_wake(&other));
    });
}

#[test]
fn a_wake_from_a_thread_ends_the_wait_of_an_idle_kernel() {
    static EVENT: Event = Event::new();
    must_end(|| {
        let thread = std::thread::spawn(|| {
            std::thread::sleep(ms(20));
            EVENT.set();
        });
        run_real(EVENT.wait());
        thread.join().unwrap();
    });
}

#[test]
fn a_kernel_that_is_woken_for_nothing_goes_back_to_waiting() {
    must_end(|| {
        run_real(async {
            let waker = my_waker().await;
            let thread = std::thread::spawn(move || {
                for _ in 0..50 {
                    waker.wake_by_ref();
                    std::thread::sleep(ms(1));
                }
            });
            let before = std::time::Instant::now();
            sleep(ms(60)).await;
            assert!(before.elapsed() >= ms(60), "early wakes do not end a sleep");
            thread.join().unwrap();
        });
    });
}

#[test]
fn a_panicking_wake_of_a_foreign_waker_is_not_swallowed() {
    struct Explosive;
    impl std::task::Wake for Explosive {
        fn wake(self: Arc<Self>) {
            panic!("in a foreign waker");
        }
    }
    let event = Event::new();
    let waker = Waker::from(Arc::new(Explosive));
    let mut wait = Box::pin(event.wait());
    assert!(wait.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    assert_eq!(common::panic_of(|| event.set()), "in a foreign waker");
    assert!(event.is_set(), "and the event is sound");
    assert!(wait.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn a_foreign_waker_that_panics_loses_nobody_elses_wake() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("boom in a waker");
        }
    }
    fn poll_with_bomb(future: Pin<&mut impl Future>) {
        assert!(future.poll(&mut Context::from_waker(&Waker::from(Arc::new(Bomb)))).is_pending());
    }
    let (_, reports) = run_reporting(async {
        let event = Rc::new(Event::new());
        let mut first = pin!(event.wait());
        poll_with_bomb(first.as_mut());
        let second = spawn({
            let event = Rc::clone(&event);
            async move { event.wait().await }
        });
        schedule().await;
        assert!(
            catch_unwind(AssertUnwindSafe(|| event.set())).is_err(),
            "whoever sets it hears of the panic"
        );
        second.await.unwrap();

        let mut timer = pin!(sleep(ms(1)));
        poll_with_bomb(timer.as_mut());
        let other = spawn(sleep(ms(1)));
        other.await.unwrap();

        let ended = spawn(sleep(ms(1)));
        let mut joining = pin!(ended.wait());
        poll_with_bomb(joining.as_mut());
        let other = spawn(sleep(ms(2)));
        other.await.unwrap();
        ended.cancel().await;
    });
    assert_eq!(reports, ["a waker panicked: boom in a waker"; 2], "the loop itself reports it and goes on");
}

// ---- wakers of tasks that have ended

/// Counts its polls, and waits for ever.
fn count_polls() -> (curio::Task<()>, Rc<Cell<u32>>) {
    let polls = Rc::new(Cell::new(0));
    let own = Rc::clone(&polls);
    let task = spawn(poll_fn(move |_| {
        own.set(own.get() + 1);
        Poll::<()>::Pending
    }));
    (task, polls)
}

#[test]
fn a_waker_of_a_task_that_has_ended_does_not_poll_a_later_one() {
    run_virtual(async {
        let mut kept = Vec::new();
        for n in 0..100 {
            let (sender, receiver) = curio::oneshot();
            spawn(async move { sender.send(my_waker().await).unwrap() }).join().await.unwrap();
            kept.push(receiver.await.unwrap());
            let (task, polls) = count_polls();
            schedule().await;
            kept.iter().for_each(Waker::wake_by_ref);
            std::thread::scope(|scope| {
                scope.spawn(|| kept.iter().for_each(Waker::wake_by_ref)).join().unwrap();
            });
            sleep(ms(1)).await;
            assert_eq!(polls.get(), 1, "after {n} others");
            task.cancel().await;
        }
    });
}

#[test]
fn a_wake_that_is_still_on_its_way_when_its_task_ends_does_not_poll_a_later_one() {
    run_virtual(async {
        for _ in 0..10 {
            let (sender, receiver) = curio::oneshot();
            let task = spawn(async move { sender.send(my_waker().await).unwrap() });
            task.join().await.unwrap();
            let waker = receiver.await.unwrap();
            // The kernel hears of this wake only after this poll; the waker itself is gone by then.
            std::thread::scope(|scope| scope.spawn(move || waker.wake()).join().unwrap());
            let (task, polls) = count_polls();
            schedule().await;
            sleep(ms(1)).await;
            assert_eq!(polls.get(), 1);
            task.cancel().await;
        }
    });
}

#[test]
fn a_task_that_takes_the_place_of_one_that_woke_itself_was_woken_by_nobody() {
    run_virtual(async {
        let event = Rc::new(Event::new());
        let set = Rc::clone(&event);
        // It wakes this task, then itself, and ends. So its place is free, and named on the run queue behind this task.
        spawn(poll_fn(move |cx| {
            set.set();
            cx.waker().wake_by_ref();
            Poll::Ready(())
        }))
        .detach();
        event.wait().await;
        let (task, polls) = count_polls();
        schedule().await;
        schedule().await;
        assert_eq!(polls.get(), 1);
        assert_eq!(task.info().woken_by(), None);
        task.cancel().await;
    });
}

#[test]
fn places_whose_wakers_are_kept_are_used_again_once_the_wakers_are_gone() {
    run_virtual(async {
        for _ in 0..200 {
            let wakers: Rc<Cell<Vec<Waker>>> = Rc::default();
            let tasks: Vec<_> = (0..50)
                .map(|_| {
                    let wakers = Rc::clone(&wakers);
                    spawn(async move {
                        let waker = my_waker().await;
                        let mut all = wakers.take();
                        all.push(waker);
                        wakers.set(all);
                    })
                })
                .collect();
            for task in tasks {
                task.join().await.unwrap();
            }
        }
        let (task, polls) = count_polls();
        schedule().await;
        assert_eq!(polls.get(), 1);
        task.cancel().await;
    });
}

/// What the process has in memory, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(target_os = "linux")]
const MANY_WAKES: usize = 8_000_000;

#[test]
#[cfg(target_os = "linux")]
fn wakes_for_a_kernel_that_is_gone_are_not_kept() {
    let waker = curio::run(my_waker());
    let before = resident();
    (0..MANY_WAKES).for_each(|_| waker.wake_by_ref());
    let grown = resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes are kept for a kernel that is gone");
}

#[test]
#[cfg(target_os = "linux")]
fn wakes_for_a_kernel_that_does_not_run_are_kept_once_for_each_task() {
    let mut kernel = Kernel::new().unwrap();
    let wakers = Rc::new(Cell::new(Vec::new()));
    let keep = Rc::clone(&wakers);
    let task = kernel.run(async move {
        let task = spawn(poll_fn(move |cx| {
            let mut all = keep.take();
            all.push(cx.waker().clone());
            let polls = all.len();
            keep.set(all);
            if polls < 2 { Poll::Pending } else { Poll::Ready(()) }
        }));
        schedule().await;
        task
    });
    let waker = wakers.take().pop().unwrap();
    wakers.set(vec![waker.clone()]);
    let before = resident();
    (0..MANY_WAKES).for_each(|_| waker.wake_by_ref());
    let grown = resident().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes are kept for one task");
    kernel.run(task).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_waker_keeps_no_descriptor_of_a_kernel_that_is_gone() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let first = curio::run(my_waker());
    let before = descriptors();
    let wakers: Vec<_> = (0..50).map(|_| curio::run(my_waker())).collect();
    // Other tests of this process may open some meanwhile, if they run beside this one.
    let more = descriptors().saturating_sub(before);
    assert!(more < 40, "{more} descriptors for {} wakers", wakers.len());
    drop(first);
}

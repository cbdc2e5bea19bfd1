//! Blocking work in threads.

mod common;

use common::{message, ms, must_end, run_real, run_virtual, secs, with_reports};
use curio::{Kernel, TaskState, ignore_after, run_in_thread, schedule, sleep, spawn, timeout_after};
use std::collections::HashSet;
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

#[test]
fn a_call_runs_on_another_thread_and_gives_its_value() {
    run_real(async {
        let here = std::thread::current().id();
        let there = run_in_thread(move || std::thread::current().id()).await.unwrap();
        assert_ne!(here, there);
    });
}

#[test]
fn tasks_run_on_while_a_thread_works() {
    run_real(async {
        let (sender, receiver) = mpsc::channel();
        let call = spawn(run_in_thread(move || receiver.recv().unwrap()));
        schedule().await;
        sender.send("sent while it was blocked").unwrap();
        assert_eq!(call.join().await.unwrap().unwrap(), "sent while it was blocked");
    });
}

#[test]
fn a_panic_of_the_call_is_an_error_with_its_payload() {
    run_real(async {
        let error = run_in_thread(|| panic_any(17_u64)).await.map(|()| unreachable!()).unwrap_err();
        assert!(error.is_panic());
        assert_eq!(*error.into_panic().downcast::<u64>().unwrap(), 17);
        let error = run_in_thread(|| panic!("in a thread")).await.map(|()| unreachable!()).unwrap_err();
        assert!(error.to_string().contains("in a thread"));
        assert_eq!(message(error.into_panic().as_ref()), "in a thread");
        assert_eq!(run_in_thread(|| 1).await.unwrap(), 1, "and the pool lives on");
    });
}

#[test]
fn no_more_threads_run_than_allowed_and_the_rest_wait_their_turn() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let done = Kernel::builder().max_worker_threads(3).run(async {
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                spawn(run_in_thread(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(ms(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                }))
            })
            .collect();
        let mut done = 0;
        for call in calls {
            call.join().await.unwrap().unwrap();
            done += 1;
        }
        done
    });
    assert_eq!(done, 20);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} at once");
}

#[test]
fn waiting_calls_start_in_the_order_in_which_they_came() {
    let order = Arc::new(Mutex::new(Vec::new()));
    Kernel::builder().max_worker_threads(1).run(async {
        let calls: Vec<_> = (0..20)
            .map(|n| {
                let order = Arc::clone(&order);
                spawn(run_in_thread(move || order.lock().unwrap().push(n)))
            })
            .collect();
        for call in calls {
            call.join().await.unwrap().unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[test]
fn threads_are_used_again() {
    let threads = Kernel::builder().max_worker_threads(2).run(async {
        let mut threads = HashSet::new();
        for _ in 0..50 {
            threads.insert(run_in_thread(|| std::thread::current().id()).await.unwrap());
        }
        threads.len()
    });
    assert!(threads <= 2, "{threads} threads for 50 calls");
}

#[test]
fn a_limit_of_zero_threads_is_one() {
    let value = must_end(|| Kernel::builder().max_worker_threads(0).run(run_in_thread(|| 5)).unwrap());
    assert_eq!(value, 5);
}

#[test]
fn a_cancelled_call_returns_at_once_and_its_thread_goes_on_alone() {
    run_real(async {
        let (release, blocked) = mpsc::channel::<()>();
        let (start, started) = mpsc::channel();
        let finished = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&finished);
        let mut call = Box::pin(run_in_thread(move || {
            start.send(()).unwrap();
            let _ = blocked.recv();
            flag.store(true, Ordering::SeqCst);
        }));
        assert!(timeout_after(ms(1), &mut call).await.is_err());
        // A call that no thread has begun is taken back.
        started.recv_timeout(secs(5)).unwrap();
        drop(call);
        assert!(!finished.load(Ordering::SeqCst));
        assert_eq!(run_in_thread(|| "others get a thread").await.unwrap(), "others get a thread");
        release.send(()).unwrap();
        let begun = Instant::now();
        while !finished.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < secs(5), "the abandoned call ends by itself");
            sleep(ms(1)).await;
        }
    });
}

#[test]
fn the_result_of_an_abandoned_call_is_dropped() {
    struct Flag(Arc<AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    run_real(async {
        let dropped = Arc::new(AtomicBool::new(false));
        let (release, blocked) = mpsc::channel::<()>();
        let result = Flag(Arc::clone(&dropped));
        let call = run_in_thread(move || {
            let _ = blocked.recv();
            result
        });
        assert!(timeout_after(ms(5), call).await.is_err());
        drop(release);
        let begun = Instant::now();
        while !dropped.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < secs(5));
            sleep(ms(1)).await;
        }
    });
}

#[test]
fn a_call_that_was_dropped_before_its_turn_never_starts() {
    let started = Arc::new(AtomicBool::new(false));
    Kernel::builder().max_worker_threads(1).run(async {
        let (release, blocked) = mpsc::channel::<()>();
        let first = spawn(run_in_thread(move || blocked.recv().is_err()));
        schedule().await;
        let flag = Arc::clone(&started);
        let second = spawn(run_in_thread(move || flag.store(true, Ordering::SeqCst)));
        schedule().await;
        assert!(second.cancel().await);
        drop(release);
        first.join().await.unwrap().unwrap();
        run_in_thread(|| ()).await.unwrap();
    });
    assert!(!started.load(Ordering::SeqCst));
}

#[test]
fn a_call_that_is_never_awaited_never_starts() {
    let started = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&started);
    run_real(async {
        drop(run_in_thread(move || flag.store(true, Ordering::SeqCst)));
        run_in_thread(|| ()).await.unwrap();
    });
    assert!(!started.load(Ordering::SeqCst));
}

#[test]
fn destructors_that_panic_in_an_abandoned_call_do_not_cost_a_thread() {
    struct Bomb(mpsc::Sender<()>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            let _ = self.0.send(());
            panic!("boom in a destructor");
        }
    }
    must_end(|| {
        Kernel::builder().max_worker_threads(1).run(async {
            let (exploded, explosions) = mpsc::channel();
            // One that is abandoned while it runs: its result explodes when the thread drops it.
            let (release, blocked) = mpsc::channel::<()>();
            let (begins, begun) = mpsc::channel();
            let bomb = Bomb(exploded.clone());
            let running = spawn(run_in_thread(move || {
                begins.send(()).unwrap();
                let _ = blocked.recv();
                bomb
            }));
            while begun.try_recv().is_err() {
                sleep(ms(1)).await;
            }
            assert!(running.cancel().await);
            // And one that is abandoned before it starts: what it captured explodes.
            let bomb = Bomb(exploded);
            let waiting = spawn(run_in_thread(move || drop(bomb)));
            schedule().await;
            assert!(waiting.cancel().await);
            drop(release);
            assert_eq!(
                run_in_thread(|| "the only thread still works").await.unwrap(),
                "the only thread still works"
            );
            assert_eq!(explosions.iter().count(), 2);
        });
    });
}

#[test]
fn a_kernel_may_run_inside_a_call() {
    run_real(async {
        let inner = || curio::run(async { spawn(async { 5 }).join().await.unwrap() });
        assert_eq!(run_in_thread(inner).await.unwrap(), 5);
    });
}

#[test]
fn every_kernel_has_threads_of_its_own() {
    let run = || {
        Kernel::builder().max_worker_threads(1).run(async {
            let threads = [(); 4].map(|()| spawn(run_in_thread(|| std::thread::current().id())));
            let mut seen = HashSet::new();
            for thread in threads {
                seen.insert(thread.join().await.unwrap().unwrap());
            }
            seen
        })
    };
    let (first, second) = (run(), run());
    assert!(first.len() == 1 && first.is_disjoint(&second));
}

#[test]
fn a_task_that_waits_for_a_thread_shows_it() {
    run_real(async {
        let (release, blocked) = mpsc::channel::<()>();
        let call = spawn(run_in_thread(move || blocked.recv().is_err()));
        schedule().await;
        assert_eq!(call.info().state(), TaskState::ThreadWait);
        drop(release);
        call.join().await.unwrap().unwrap();
    });
}

#[test]
fn thousands_of_calls_come_back() {
    run_virtual(async {
        let calls: Vec<_> = (0..3000_u64).map(|n| spawn(run_in_thread(move || n))).collect();
        let mut sum = 0;
        for call in calls {
            sum += call.join().await.unwrap().unwrap();
        }
        assert_eq!(sum, 2999 * 3000 / 2);
    });
}

#[test]
fn a_thread_that_ends_after_its_kernel_finds_nobody_and_that_is_fine() {
    let (begun, begins) = mpsc::channel();
    let (release, blocked) = mpsc::channel::<()>();
    let (finished, finish) = mpsc::channel();
    let (builder, reports) = with_reports(Kernel::builder());
    builder.run(async move {
        let call = run_in_thread(move || {
            begun.send(()).unwrap();
            let _ = blocked.recv();
            finished.send(()).unwrap();
        });
        spawn(call).detach();
        schedule().await;
        begins.recv_timeout(secs(20)).expect("the thread begins while its kernel is there");
    });
    drop(release);
    finish.recv_timeout(secs(20)).expect("the abandoned thread runs to its end");
    assert!(reports.take().is_empty());
}

#[test]
fn an_abandoned_call_lets_go_of_what_it_captured_at_once() {
    Kernel::builder().max_worker_threads(1).run(async {
        let (release, blocked) = mpsc::channel::<()>();
        let first = spawn(run_in_thread(move || blocked.recv().is_err()));
        schedule().await;
        let captured = Arc::new(());
        for _ in 0..100 {
            let kept = Arc::clone(&captured);
            // It waits for the only thread, and is given up.
            assert!(ignore_after(Duration::ZERO, run_in_thread(move || drop(kept))).await.is_none());
        }
        assert_eq!(Arc::strong_count(&captured), 1, "all captures are gone while the thread is still busy");
        drop(release);
        first.join().await.unwrap().unwrap();
    });
}

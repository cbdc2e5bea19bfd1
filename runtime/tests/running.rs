//! Running a kernel: `run`, `Kernel::run`, `turn`, several kernels, and what happens outside of them.

mod common;

use common::{Log, ms, must_end, panic_of, poll_once, run_real, run_virtual, secs, virtual_kernel};
use curio::{Kernel, clock, current_task, is_running, schedule, sleep, spawn, timeout_after};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

#[test]
fn run_returns_what_main_returns() {
    assert_eq!(curio::run(async { 6 * 7 }), 42);
    assert_eq!(curio::run(std::future::ready("anything that becomes a future")).len(), 30);
}

#[test]
fn main_may_borrow_from_its_caller() {
    let mut text = String::from("borrowed");
    let length = curio::run(async {
        text.push('!');
        schedule().await;
        text.len()
    });
    assert_eq!((length, text.as_str()), (9, "borrowed!"));
}

#[test]
fn main_is_task_one() {
    curio::run(async {
        let main = current_task();
        assert_eq!((main.id().as_u64(), main.name(), main.parent()), (1, "main", None));
        assert_eq!(main.spawned_at().file(), file!());
    });
}

#[test]
fn numbers_of_tasks_are_never_reused() {
    let mut kernel = virtual_kernel();
    let mut seen = Vec::new();
    for _ in 0..3 {
        kernel.run(async {
            seen.push(current_task().id().as_u64());
            for alive in 1..=13 {
                let tasks: Vec<_> = (0..alive).map(|_| spawn(async {})).collect();
                seen.extend(tasks.iter().map(|task| task.id().as_u64()));
                for task in tasks {
                    task.join().await.unwrap();
                }
            }
        });
    }
    assert_eq!(seen, (1..=3 * (1 + 13 * 14 / 2)).collect::<Vec<_>>());
}

#[test]
fn several_threads_may_run_a_kernel_each() {
    let thread = || {
        run_virtual(async {
            let task = spawn(async {
                sleep(secs(1)).await;
                current_task().id().as_u64()
            });
            task.join().await.unwrap()
        })
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(thread)).collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 2), "each counts its own tasks");
}

#[test]
fn is_running_tells_inside_from_outside() {
    assert!(!is_running());
    assert!(curio::run(async { is_running() }));
    assert!(!curio::run(async { curio::run_in_thread(is_running).await.unwrap() }), "not on other threads");
    assert!(!is_running());
}

#[test]
fn run_inside_run_panics_with_advice_and_the_outer_one_goes_on() {
    run_virtual(async {
        let message = panic_of(|| curio::run(async {}));
        assert!(message.contains("runs on this thread already"), "{message}");
        assert!(message.contains("await") && message.contains("spawn"), "it says what to do: {message}");
        sleep(secs(1)).await;
        assert_eq!(spawn(async { 1 }).join().await.unwrap(), 1, "the kernel works on");
    });
}

#[test]
fn a_kernel_can_be_made_and_dropped_inside_another_one() {
    run_virtual(async {
        let other = Kernel::new().unwrap();
        let waiting = spawn(sleep(secs(1)));
        schedule().await;
        drop(other);
        assert_eq!(current_task().id().as_u64(), 1);
        waiting.join().await.unwrap();
    });
}

#[test]
fn a_kernel_that_is_dropped_inside_another_one_cleans_its_own_tasks_up() {
    let cleaned = Rc::new(Cell::new(false));
    let flag = Rc::clone(&cleaned);
    let mut inner = virtual_kernel();
    inner.run(async {
        let task = spawn(curio::finally(std::future::pending::<()>(), async move |_| {
            sleep(secs(1)).await;
            flag.set(true);
        }));
        task.detach();
        schedule().await;
    });
    run_virtual(async move {
        let before = clock();
        drop(inner);
        assert!(cleaned.get());
        assert_eq!(clock(), before, "it was not this kernel's second");
        sleep(secs(1)).await;
    });
}

#[test]
fn calls_outside_of_a_kernel_panic_and_say_what_to_do() {
    type Call = fn();
    let calls: [(&str, Call); 10] = [
        ("clock", || assert!(clock() <= Instant::now())),
        ("spawn", || spawn(async {}).detach()),
        ("spawn_named", || curio::spawn_named("x", async {}).detach()),
        ("current_task", || drop(current_task())),
        ("tasks", || drop(curio::tasks())),
        ("cancellation_pending", || assert!(!curio::cancellation_pending())),
        ("sleep", || poll_outside(sleep(secs(1)))),
        ("schedule", || poll_outside(schedule())),
        ("timeout_after", || poll_outside(timeout_after(secs(1), std::future::pending::<()>()))),
        ("run_in_thread", || poll_outside(curio::run_in_thread(|| ()))),
    ];
    for (name, call) in calls {
        let message = panic_of(call);
        assert!(message.contains("no curio kernel is running"), "{name}: {message}");
        assert!(message.contains("curio::run"), "{name} says what to do: {message}");
    }
}

fn poll_outside<F: Future>(future: F) {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = pin!(future).poll(&mut cx);
}

#[test]
fn a_panic_of_main_leaves_run_with_its_payload_after_shutdown() {
    let cleaned = Rc::new(Cell::new(false));
    let flag = Rc::clone(&cleaned);
    let run = || {
        Kernel::builder().virtual_clock(true).run(async move {
            let body = curio::finally(std::future::pending::<()>(), async move |_| {
                sleep(secs(1)).await;
                flag.set(true);
            });
            spawn(body).detach();
            schedule().await;
            panic_any(0xC0FFEE_u32);
        })
    };
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(payload.downcast_ref::<u32>(), Some(&0xC0FFEE));
    assert!(cleaned.get(), "the other task was cleaned up before");
}

#[test]
fn a_kernel_whose_main_panicked_cannot_be_used_again_and_says_why() {
    let mut kernel = virtual_kernel();
    assert_eq!(panic_of(|| kernel.run(async { panic!("first") })), "first");
    for message in [panic_of(|| kernel.run(async {})), panic_of(|| kernel.turn(Some(Duration::ZERO)))] {
        assert!(message.contains("earlier `main` panicked"), "{message}");
    }
    kernel.shutdown();
    assert!(!is_running());
}

#[test]
fn a_panic_in_the_destructor_of_main_is_a_panic_of_main() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom in a destructor");
        }
    }
    impl Future for Bomb {
        type Output = u8;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
            Poll::Ready(1)
        }
    }
    let payload = catch_unwind(|| Kernel::builder().on_report(|_| ()).run(Bomb)).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"boom in a destructor"));
}

#[test]
fn destructors_of_main_run_while_the_kernel_is_still_there() {
    struct AsksTheKernel(Rc<Cell<u32>>);
    impl Drop for AsksTheKernel {
        fn drop(&mut self) {
            clock();
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    let (captured, local) = (AsksTheKernel(dropped.clone()), dropped.clone());
    run_virtual(async move {
        let _local = AsksTheKernel(local);
        schedule().await;
        let _keep = &captured;
    });
    assert_eq!(dropped.get(), 2);
}

#[test]
fn tasks_run_in_the_order_in_which_they_became_ready() {
    run_virtual(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                let log = Rc::clone(&log);
                spawn(async move {
                    for round in 0..3 {
                        log.borrow_mut().push((round, n));
                        schedule().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        let expected: Vec<_> = (0..3).flat_map(|round| (0..5).map(move |n| (round, n))).collect();
        assert_eq!(*log.borrow(), expected);
    });
}

#[test]
fn background_tasks_live_on_between_runs() {
    let mut kernel = virtual_kernel();
    let (log, task) = kernel.run(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            for n in 1..=4 {
                sleep(ms(10)).await;
                own.note(n);
            }
            "done"
        });
        (log, task)
    });
    assert!(log.take().is_empty());
    kernel.run(async { sleep(ms(25)).await });
    assert_eq!(log.take(), ["10 1", "20 2"]);
    assert_eq!(kernel.run(task).unwrap(), "done");
    assert_eq!(kernel.run(async { log.take() }), ["30 3", "40 4"]);
}

#[test]
fn a_turn_runs_exactly_those_who_were_ready_when_it_began() {
    let mut kernel = virtual_kernel();
    let ran = Rc::new(RefCell::new(Vec::new()));
    kernel.run(async {
        for n in 0..3 {
            let ran = Rc::clone(&ran);
            spawn(async move {
                ran.borrow_mut().push(n);
                let child = Rc::clone(&ran);
                spawn(async move { child.borrow_mut().push(n + 10) }).detach();
                schedule().await;
                ran.borrow_mut().push(n + 20);
            })
            .detach();
        }
    });
    // Main ended in the cycle in which it spawned them, so none of them has run.
    let turn = kernel.turn(Some(Duration::ZERO));
    assert_eq!((turn.ran, turn.ready, turn.next_deadline), (3, 6, None));
    assert_eq!(ran.take(), [0, 1, 2]);
    let turn = kernel.turn(Some(Duration::ZERO));
    assert_eq!((turn.ran, turn.ready), (6, 0));
    assert_eq!(ran.take(), [10, 20, 11, 21, 12, 22]);
}

#[test]
fn a_turn_without_work_waits_no_longer_than_it_is_allowed() {
    let mut kernel = Kernel::new().unwrap();
    let start = Instant::now();
    let turn = kernel.turn(Some(ms(20)));
    assert_eq!((turn.ran, turn.ready, turn.next_deadline), (0, 0, None));
    assert!(start.elapsed() >= ms(20));
    let start = Instant::now();
    kernel.turn(Some(Duration::ZERO));
    assert!(start.elapsed() < secs(5));
}

#[test]
fn a_turn_tells_when_the_next_timer_is_due_and_fires_it_when_it_is() {
    let mut kernel = Kernel::new().unwrap();
    let deadline = Instant::now() + ms(30);
    let task = kernel.run(async move { spawn(curio::sleep_until(deadline)) });
    let turn = kernel.turn(Some(Duration::ZERO));
    assert_eq!((turn.ran, turn.next_deadline), (1, Some(deadline)));
    let mut turns = 0;
    while !task.is_terminated() {
        kernel.turn(None);
        turns += 1;
    }
    assert!(Instant::now() >= deadline);
    assert!(turns < 100, "it waits instead of spinning, but took {turns} turns");
    kernel.run(task).unwrap();
}

#[test]
fn a_turn_of_a_virtual_clock_jumps_to_the_next_timer() {
    let mut kernel = virtual_kernel();
    let tasks = kernel.run(async { [spawn(sleep(secs(3600))), spawn(sleep(secs(7200)))] });
    let first = kernel.turn(None);
    assert_eq!(first.ran, 2);
    let second = kernel.turn(None);
    assert_eq!(second.ran, 1);
    assert_eq!(second.next_deadline.unwrap() - first.next_deadline.unwrap(), secs(3600));
    assert_eq!(tasks.each_ref().map(|task| task.is_terminated()), [true, false]);
    kernel.run(async move {
        for task in tasks {
            task.join().await.unwrap();
        }
    });
}

#[test]
fn a_timer_that_is_dropped_between_two_runs_is_gone() {
    let mut kernel = Kernel::new().unwrap();
    let mut sleeping = Box::pin(sleep(secs(3600)));
    assert!(kernel.run(poll_once(sleeping.as_mut())).is_pending());
    assert!(kernel.turn(Some(Duration::ZERO)).next_deadline.is_some());
    drop(sleeping);
    assert_eq!(kernel.turn(Some(Duration::ZERO)).next_deadline, None);
}

#[test]
fn a_thread_call_that_is_dropped_between_two_runs_does_not_hold_the_virtual_clock() {
    must_end(|| {
        let mut kernel = virtual_kernel();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let mut call = Box::pin(curio::run_in_thread(move || blocked.recv()));
        assert!(kernel.run(poll_once(call.as_mut())).is_pending());
        drop(call);
        kernel.run(sleep(secs(1)));
        drop(release);
    });
}

#[test]
fn a_future_may_be_begun_in_one_run_and_finished_in_another() {
    let mut kernel = virtual_kernel();
    let mut sleeping = Box::pin(sleep(secs(5)));
    let start = kernel.run(async {
        assert!(poll_once(sleeping.as_mut()).await.is_pending());
        clock()
    });
    kernel.run(sleep(secs(2)));
    let end = kernel.run(async {
        sleeping.await;
        clock()
    });
    assert_eq!(end - start, secs(5));
}

#[test]
fn one_cycle_of_polls_for_io_is_enough_for_a_thread_to_be_heard() {
    // A busy task keeps the run queue full all the time; a wake from a thread must get through all the same.
    run_real(async {
        let busy = spawn(async {
            loop {
                schedule().await;
            }
        });
        let answer = timeout_after(secs(5), curio::run_in_thread(|| 5)).await;
        assert_eq!(answer.expect("within five seconds").unwrap(), 5);
        busy.cancel().await;
    });
}

#[test]
fn a_kernel_hears_of_all_requests_that_came_while_it_did_not_run_and_of_no_others() {
    let mut kernels = [virtual_kernel(), virtual_kernel()];
    let tasks = kernels
        .each_mut()
        .map(|kernel| kernel.run(async { [(); 3].map(|()| spawn(std::future::pending::<()>())) }));
    tasks[0][2].request_cancel();
    tasks[1][0].request_cancel();
    tasks[0][0].request_cancel();
    tasks[0][0].request_cancel();
    for kernel in &mut kernels {
        kernel.run(schedule());
    }
    let ended = |kernel: usize| [0, 1, 2].map(|task| tasks[kernel][task].is_cancelled());
    assert_eq!((ended(0), ended(1)), ([true, false, true], [true, false, false]));
    tasks.into_iter().flatten().for_each(curio::Task::detach);
}

#[test]
fn a_kernel_shows_how_many_tasks_it_has() {
    let mut kernel = virtual_kernel();
    let task = kernel.run(async { spawn(std::future::pending::<()>()) });
    assert_eq!(format!("{kernel:?}"), "Kernel { tasks: 1, is_shut_down: false, .. }");
    task.detach();
}

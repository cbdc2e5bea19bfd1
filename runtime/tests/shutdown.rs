//! The end of a kernel: who is asked to stop, in which order, and what happens to those who don't.

mod common;

use common::{Log, ms, must_end, run_reporting, run_virtual, secs, virtual_kernel, with_reports};
use curio::{
    Kernel, Outcome, current_task, disable_cancellation, finally, run_in_thread, schedule, sleep, spawn,
    spawn_named,
};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

type Notes = Rc<RefCell<Vec<&'static str>>>;

/// Notes its name when it is dropped.
struct Note(&'static str, Notes);

impl Drop for Note {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[test]
fn tasks_that_are_left_are_cancelled_newest_first() {
    let order = Notes::default();
    let notes = Rc::clone(&order);
    run_reporting(async move {
        for name in ["oldest", "middle", "newest"] {
            let note = Note(name, Rc::clone(&notes));
            spawn(async move {
                let _note = note;
                pending::<()>().await;
            })
            .detach();
        }
        schedule().await;
    });
    assert_eq!(*order.borrow(), ["newest", "middle", "oldest"]);
}

#[test]
fn cleanups_run_side_by_side_before_run_returns() {
    let log = Rc::new(RefCell::new(None));
    let place = Rc::clone(&log);
    let (value, reports) = run_reporting(async move {
        let log = Log::new();
        *place.borrow_mut() = Some(log.clone());
        for length in [3, 1, 2] {
            let log = log.clone();
            spawn(finally(pending::<()>(), async move |outcome| {
                assert_eq!(outcome, Outcome::Cancelled);
                sleep(secs(length)).await;
                log.note(length);
            }))
            .detach();
        }
        schedule().await;
        log.note("main returns");
        "the value of main"
    });
    assert_eq!(value, "the value of main");
    assert_eq!(log.take().unwrap().take(), ["0 main returns", "1000 1", "2000 2", "3000 3"]);
    assert!(reports.is_empty(), "{reports:#?}");
}

#[test]
fn a_task_that_does_not_end_within_the_grace_period_is_dropped_and_said_so() {
    for (grace, expected) in [(None, "5s"), (Some(ms(250)), "250ms"), (Some(Duration::ZERO), "0ns")] {
        let builder = Kernel::builder().virtual_clock(true);
        let builder = match grace {
            Some(grace) => builder.shutdown_grace(grace),
            None => builder,
        };
        let (builder, reports) = with_reports(builder);
        let order = Notes::default();
        let notes = Rc::clone(&order);
        builder.run(async move {
            let note = Note("its destructors ran", notes);
            let cleanup = async |_| pending::<()>().await;
            let body = async move {
                let _note = note;
                finally(pending::<()>(), cleanup).await;
            };
            spawn_named("stubborn", body).detach();
            schedule().await;
        });
        assert_eq!(*order.borrow(), ["its destructors ran"]);
        let reports = reports.take();
        assert_eq!(
            reports.len(),
            2,
            "that it was dropped, and that its cleanup did not run to its end: {reports:#?}"
        );
        assert!(reports[0].contains("`stubborn`") && reports[0].contains(expected), "{reports:#?}");
        assert!(reports[0].contains(file!()), "it names the line that spawned it: {reports:#?}");
        assert!(reports[1].contains("cleanup"), "{reports:#?}");
    }
}

#[test]
fn the_grace_period_is_one_for_all_and_in_kernel_time() {
    let begun = Instant::now();
    let log = Rc::new(RefCell::new(None));
    let place = Rc::clone(&log);
    let (builder, reports) = with_reports(Kernel::builder().virtual_clock(true).shutdown_grace(secs(3600)));
    builder.run(async move {
        let log = Log::new();
        *place.borrow_mut() = Some(log.clone());
        for n in 0..3 {
            let log = log.clone();
            spawn(finally(pending::<()>(), async move |_| {
                sleep(secs(1800 + 1200 * n)).await;
                log.note(n);
            }))
            .detach();
        }
        schedule().await;
    });
    assert!(begun.elapsed() < secs(5), "an hour of virtual time takes no time");
    assert_eq!(log.take().unwrap().take(), ["1800000 0", "3000000 1"]);
    assert_eq!(reports.take().len(), 2, "the third one was dropped");
}

#[test]
fn tasks_spawned_by_a_cleanup_are_cancelled_too() {
    let notes = Rc::new(RefCell::new(Vec::new()));
    let own = Rc::clone(&notes);
    let (_, reports) = run_reporting(async move {
        spawn(finally(pending::<()>(), async move |_| {
            let inner = Rc::clone(&own);
            let child = spawn(async move {
                inner.borrow_mut().push("child begins");
                let cleanup = async |_| inner.borrow_mut().push("child cleans up");
                finally(sleep(secs(60)), cleanup).await;
                unreachable!("it is cancelled at its first wait");
            });
            assert!(child.join().await.unwrap_err().is_cancelled());
            own.borrow_mut().push("cleanup goes on");
        }))
        .detach();
        schedule().await;
    });
    assert_eq!(notes.take(), ["child begins", "child cleans up", "cleanup goes on"]);
    assert!(reports.is_empty(), "{reports:#?}");
}

#[test]
fn tasks_that_spawn_tasks_without_end_are_stopped_by_the_grace_period() {
    fn hydra(heads: Rc<Cell<u64>>) {
        spawn(finally(pending::<()>(), async move |_| {
            heads.set(heads.get() + 1);
            sleep(secs(1)).await;
            hydra(heads);
        }))
        .detach();
    }
    must_end(|| {
        let heads = Rc::new(Cell::new(0));
        let own = Rc::clone(&heads);
        let (_, reports) = run_reporting(async move {
            hydra(own);
            schedule().await;
        });
        assert!((5..=6).contains(&heads.get()), "one a second for five seconds, not {}", heads.get());
        assert!(!reports.is_empty());
    });
}

#[test]
fn a_destructor_may_spawn_and_what_it_spawns_is_dropped() {
    struct SpawnsWhenDropped(Rc<Cell<bool>>);
    impl Drop for SpawnsWhenDropped {
        fn drop(&mut self) {
            let flag = Rc::clone(&self.0);
            spawn(async move {
                flag.set(true);
                pending::<()>().await;
            })
            .detach();
        }
    }
    for grace in [Duration::ZERO, secs(5)] {
        let ran = Rc::new(Cell::new(false));
        let spawner = SpawnsWhenDropped(Rc::clone(&ran));
        let (builder, _reports) = with_reports(Kernel::builder().virtual_clock(true).shutdown_grace(grace));
        builder.run(async move {
            spawn(async move {
                let _spawner = spawner;
                pending::<()>().await;
            })
            .detach();
            schedule().await;
        });
        assert_eq!(Rc::strong_count(&ran), 1, "nothing of it is left");
        assert_eq!(ran.get(), !grace.is_zero(), "within the grace period it runs to its first wait");
    }
}

#[test]
fn a_destructor_that_spawns_what_it_drops_does_not_go_on_for_ever() {
    struct Phoenix(Rc<Cell<u32>>);
    impl Drop for Phoenix {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            let next = Phoenix(Rc::clone(&self.0));
            spawn(async move {
                let _next = next;
                pending::<()>().await;
            })
            .detach();
        }
    }
    let dropped = Rc::new(Cell::new(0));
    let first = Phoenix(Rc::clone(&dropped));
    let (builder, reports) =
        with_reports(Kernel::builder().virtual_clock(true).shutdown_grace(Duration::ZERO));
    builder.run(async move {
        spawn(async move {
            let _first = first;
            pending::<()>().await;
        })
        .detach();
        schedule().await;
    });
    assert_eq!(dropped.get(), 16);
    let reports = reports.take();
    assert!(reports.last().is_some_and(|last| last.contains("is leaked")), "{reports:#?}");
}

#[test]
fn a_task_that_never_ran_runs_to_its_first_wait_at_shutdown() {
    let order = Notes::default();
    let notes = Rc::clone(&order);
    let (_, reports) = run_reporting(async move {
        spawn(async move {
            notes.borrow_mut().push("started");
            let _note = Note("dropped", Rc::clone(&notes));
            schedule().await;
            notes.borrow_mut().push("never reached");
        })
        .detach();
    });
    assert_eq!(*order.borrow(), ["started", "dropped"]);
    assert!(reports.is_empty());
}

#[test]
fn a_shield_holds_shutdown_back_until_it_is_over() {
    let order = Notes::default();
    let notes = Rc::clone(&order);
    let (_, reports) = run_reporting(async move {
        spawn(async move {
            disable_cancellation(sleep(secs(4))).await;
            notes.borrow_mut().push("written to the end");
            schedule().await;
            notes.borrow_mut().push("never reached");
        })
        .detach();
        schedule().await;
    });
    assert_eq!(*order.borrow(), ["written to the end"]);
    assert!(reports.is_empty());
}

#[test]
fn an_endless_loop_of_short_waits_ends_at_shutdown() {
    must_end(|| {
        let (_, reports) = run_reporting(async {
            spawn(async {
                loop {
                    schedule().await;
                }
            })
            .detach();
            sleep(Duration::ZERO).await;
        });
        assert!(reports.is_empty());
    });
}

#[test]
fn shutdown_and_dropping_the_kernel_do_the_same() {
    for by_hand in [true, false] {
        let order = Notes::default();
        let notes = Rc::clone(&order);
        let mut kernel = virtual_kernel();
        kernel.run(async move {
            spawn(finally(pending::<()>(), async move |_| {
                sleep(secs(1)).await;
                notes.borrow_mut().push("cleaned up");
            }))
            .detach();
            schedule().await;
        });
        assert!(order.borrow().is_empty(), "not at the end of a `run`");
        if by_hand {
            kernel.shutdown()
        } else {
            drop(kernel)
        }
        assert_eq!(*order.borrow(), ["cleaned up"]);
    }
}

#[test]
fn a_task_that_is_left_shows_as_cancelled_and_can_be_joined_in_another_kernel() {
    let mut kernel = virtual_kernel();
    let task = kernel.run(async {
        let task = spawn(pending::<()>());
        schedule().await;
        task
    });
    drop(kernel);
    assert!(task.is_terminated() && task.is_cancelled());
    assert!(curio::run(task).unwrap_err().is_cancelled());
}

#[test]
fn current_task_is_known_while_tasks_are_dropped_hard() {
    struct SaysWho(Rc<RefCell<Vec<String>>>);
    impl Drop for SaysWho {
        fn drop(&mut self) {
            self.0.borrow_mut().push(current_task().name().to_string());
        }
    }
    let names = Rc::default();
    let (says, also_says) = (SaysWho(Rc::clone(&names)), SaysWho(Rc::clone(&names)));
    let (builder, _reports) = with_reports(Kernel::builder().virtual_clock(true).shutdown_grace(secs(1)));
    builder.run(async move {
        spawn_named("stubborn", async move {
            let _says = says;
            disable_cancellation(pending::<()>()).await;
        })
        .detach();
        spawn_named("obedient", async move {
            let _says = also_says;
            pending::<()>().await;
        })
        .detach();
        schedule().await;
    });
    assert_eq!(*names.borrow(), ["obedient", "stubborn"]);
}

#[test]
fn a_blocked_thread_does_not_delay_the_exit() {
    let (release, blocked) = mpsc::channel::<()>();
    must_end(move || {
        Kernel::builder().run(async move {
            let call = spawn(run_in_thread(move || blocked.recv().is_err()));
            sleep(ms(5)).await;
            call.detach();
        });
    });
    drop(release);
}

#[test]
fn a_cleanup_that_waits_for_a_blocked_thread_delays_the_exit_by_the_grace_period_only() {
    let (release, blocked) = mpsc::channel::<()>();
    must_end(move || {
        let (builder, reports) = with_reports(Kernel::builder().shutdown_grace(ms(50)));
        builder.run(async move {
            let cleanup = async move |_| drop(run_in_thread(move || blocked.recv().is_err()).await);
            spawn(finally(pending::<()>(), cleanup)).detach();
            sleep(ms(1)).await;
        });
        assert_eq!(reports.take().len(), 2);
    });
    drop(release);
}

/// On a virtual clock its time stands still here, so it is real time that ends it.
#[test]
fn cleanups_that_hold_a_virtual_clock_do_not_delay_the_exit_for_ever() {
    let (release, blocked) = mpsc::channel::<()>();
    let begun = Instant::now();
    let waits = std::thread::spawn(move || {
        reports_of_a_cleanup(async move || drop(run_in_thread(move || blocked.recv()).await))
    });
    let computes = std::thread::spawn(|| {
        reports_of_a_cleanup(async || {
            loop {
                schedule().await;
            }
        })
    });
    for thread in [waits, computes] {
        let reports = thread.join().unwrap();
        assert!(reports[0].contains("did not end within") && reports[0].contains("CLEANUP"), "{reports:#?}");
    }
    assert!(begun.elapsed() >= secs(5), "a cleanup that needs a thread is not cut short by a busy machine");
    drop(release);
}

fn reports_of_a_cleanup(cleanup: impl AsyncFnOnce() + 'static) -> Vec<String> {
    let (builder, reports) = with_reports(Kernel::builder().virtual_clock(true).shutdown_grace(ms(10)));
    builder.run(async move {
        spawn(finally(pending::<()>(), async move |_| cleanup().await)).detach();
        sleep(ms(1)).await;
    });
    reports.take()
}

#[test]
fn a_task_that_joins_another_one_does_not_see_it_cancelled_but_is_cancelled_itself() {
    run_virtual(async {
        let (kept, detached) = (spawn(pending::<()>()), spawn(sleep(secs(60))));
        spawn(async move { kept.join().await.expect("nobody but shutdown cancels it") }).detach();
        spawn(async move { detached.join().await.expect("nobody but shutdown cancels it") }).detach();
        schedule().await;
    });
}

// ---- at the end of a thread

thread_local! {
    static KEPT: RefCell<Option<Kernel>> = const { RefCell::new(None) };
}

/// Says its name when it is dropped.
struct Says(&'static str, mpsc::Sender<&'static str>);

impl Drop for Says {
    fn drop(&mut self) {
        let _ = self.1.send(self.0);
    }
}

/// A kernel with a task in it that sleeps, uses what a task uses, and says when it is dropped; `cleanup` is said by its
/// cleanup.
fn kernel_with_a_task(said: &mpsc::Sender<&'static str>, lines: &mpsc::Sender<String>) -> Kernel {
    let lines = lines.clone();
    let mut kernel = Kernel::builder().on_report(move |line| drop(lines.send(line.into()))).build().unwrap();
    let (dropped, cleaned) = (Says("dropped", said.clone()), said.clone());
    kernel.run(async move {
        let task = spawn_named("left", async move {
            let lock = curio::Lock::new(());
            let body = async {
                let _dropped = dropped;
                let _guard = lock.acquire().await;
                let other = spawn_named("other", sleep(secs(60)));
                curio::race((sleep(secs(60)), async { other.join().await.unwrap() })).await;
            };
            finally(body, async move |_| cleaned.send("cleanup").unwrap()).await;
        });
        task.detach();
        schedule().await;
        schedule().await;
    });
    kernel
}

#[test]
fn a_kernel_in_a_thread_local_that_outlives_the_runtimes_own_drops_its_tasks_and_says_so() {
    let ((said, heard), (lines, reports)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        // Made first, so torn down last on every platform that tears down in reverse order.
        KEPT.with_borrow(|kept| assert!(kept.is_none()));
        let kernel = kernel_with_a_task(&said, &lines);
        KEPT.with_borrow_mut(|kept| *kept = Some(kernel));
    })
    .join()
    .unwrap();
    let said: Vec<_> = heard.iter().collect();
    let lines: Vec<_> = reports.iter().collect();
    assert!(said.contains(&"dropped"), "{said:?}");
    if !said.contains(&"cleanup") {
        let left: Vec<_> = lines.iter().filter(|line| line.contains("`left`")).collect();
        assert!(left.len() == 1 && left[0].contains("thread"), "what was not run is reported: {lines:?}");
    }
}

#[test]
fn a_kernel_in_a_thread_local_that_goes_before_the_runtimes_own_shuts_down_as_ever() {
    let ((said, heard), (lines, _reports)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        let kernel = kernel_with_a_task(&said, &lines);
        KEPT.with_borrow_mut(|kept| *kept = Some(kernel));
    })
    .join()
    .unwrap();
    assert!(heard.iter().any(|said| said == "dropped"));
}

#[test]
fn what_a_thread_local_keeps_of_a_kernel_may_be_dropped_at_the_end_of_the_thread() {
    thread_local! {
        static THINGS: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
    }
    std::thread::spawn(|| {
        THINGS.with_borrow(|things| assert!(things.is_empty()));
        let mut kernel = virtual_kernel();
        kernel.run(async {
            let ended = spawn_named("ended", async { 5 });
            ended.wait().await;
            let mut waiting = Box::pin(sleep(secs(5)));
            assert!(common::poll_once(waiting.as_mut()).await.is_pending());
            let job = run_in_thread(|| ());
            let waker = std::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone())).await;
            struct Wakes(std::task::Waker);
            impl Drop for Wakes {
                fn drop(&mut self) {
                    self.0.wake_by_ref();
                    assert!(!curio::is_running());
                }
            }
            let running = spawn_named("running", sleep(secs(60)));
            THINGS.with_borrow_mut(|things| {
                things.push(Box::new(ended));
                things.push(Box::new(waiting));
                things.push(Box::new(job));
                things.push(Box::new(Wakes(waker)));
                things.push(Box::new(running));
                things.push(Box::new(curio::TaskGroup::<()>::new()));
            });
        });
        THINGS.with_borrow_mut(|things| things.push(Box::new(kernel)));
    })
    .join()
    .unwrap();
}

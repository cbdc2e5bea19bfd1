//! Asking a task what it waits for: `TaskInfo::stack`, and that asking changes nothing.

use curio::debug::{self, Activation, EventKind, phase, region, why};
use curio::{
    Event, Kernel, Lock, Queue, Semaphore, TaskGroup, TaskState, join, schedule, sleep, spawn, timeout_after,
};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn on_virtual_clock<R>(program: impl AsyncFnOnce() -> R) -> R {
    Kernel::builder().virtual_clock(true).run(program())
}

async fn inner() {
    sleep(SECOND).await;
}
const SLEEPS: u32 = line!() - 2;

async fn outer() {
    inner().await;
}
const AWAITS: u32 = line!() - 2;

/// Whether this program was compiled with debug information. In CI it is run with and without.
fn has_lines() -> bool {
    let here = std::backtrace::Backtrace::force_capture().to_string();
    here.contains("asking.rs")
}

#[test]
fn a_stack_has_the_functions_from_the_wait_to_the_task() {
    on_virtual_clock(async || {
        let task = spawn(outer());
        schedule().await;
        let stack = task.info().stack().unwrap();
        let [wait] = stack.waits() else { panic!("{stack}") };
        assert_eq!((stack.task(), wait.state()), (task.id(), TaskState::TimeSleep));
        assert_eq!(wait.location().unwrap().line(), SLEEPS);
        let frames: Vec<_> = wait.frames().iter().map(|frame| (frame.function(), frame.line())).collect();
        if has_lines() {
            let [inner, outer] = frames[..] else { panic!("{frames:?}") };
            assert!(
                inner.0 == "asking::inner" && inner.1.contains(&format!("asking.rs:{SLEEPS}:")),
                "{inner:?}"
            );
            assert!(
                outer.0 == "asking::outer" && outer.1.contains(&format!("asking.rs:{AWAITS}:")),
                "{outer:?}"
            );
        } else {
            assert_eq!(frames, [], "without debug information there is the line of the wait");
        }
        task.join().await.unwrap();
        assert!(curio::current_task().stack().is_some(), "main is being polled, and so is not asked");
    });
}

#[test]
fn each_branch_of_a_task_has_a_wait_with_its_region() {
    on_virtual_clock(async || {
        let lock = Rc::new(Lock::new(()));
        let guard = lock.acquire().await;
        let waits = Rc::clone(&lock);
        let task = spawn(async move {
            drop(join!(region("first", waits.acquire()), region("second", sleep(SECOND))));
        });
        schedule().await;
        let stack = task.info().stack().unwrap();
        let waits: Vec<_> = stack
            .waits()
            .iter()
            .map(|wait| (wait.state(), wait.region().unwrap().label().to_string()))
            .collect();
        let expected =
            [(TaskState::LockAcquire, "first".to_string()), (TaskState::TimeSleep, "second".into())];
        assert_eq!(waits, expected, "also while no activation listens");
        drop(guard);
        task.join().await.unwrap();
    });
}

#[test]
fn a_child_of_a_scope_is_asked_through_the_task_around_it() {
    on_virtual_clock(async || {
        let task = spawn(async {
            curio::scope(async |scope| {
                let child =
                    scope.spawn(async { curio::scope(async |inner| drop(inner.spawn(outer()))).await });
                child.join().await.unwrap();
            })
            .await;
        });
        sleep(SECOND / 2).await;
        let innermost = curio::tasks().pop().unwrap();
        assert_eq!((innermost.name(), innermost.state()), ("outer", TaskState::TimeSleep));
        let cycles = innermost.cycles();
        let stack = innermost.stack().unwrap();
        assert_eq!(stack.waits().len(), 1);
        assert_eq!(stack.waits()[0].location().unwrap().line(), SLEEPS);
        assert_eq!(stack.waits()[0].frames().is_empty(), !has_lines());
        assert_eq!(curio::tasks().pop().unwrap().cycles(), cycles);
        task.join().await.unwrap();
    });
}

#[test]
fn a_future_of_another_crate_has_the_state_that_is_known() {
    on_virtual_clock(async || {
        let task = spawn(region("theirs", pending::<()>()));
        schedule().await;
        let stack = task.info().stack().unwrap();
        let [wait] = stack.waits() else { panic!("{stack}") };
        assert_eq!((wait.state(), wait.frames().len()), (TaskState::ForeignWait, 0));
        assert_eq!(wait.region().unwrap().label(), "theirs", "also while no activation listens");
        task.cancel().await;
        assert!(task.info().stack().is_none(), "it has ended");
    });
}

#[test]
fn a_foreign_future_that_can_go_on_does_so_and_nothing_is_lost() {
    on_virtual_clock(async || {
        let ready = Rc::new(Cell::new(false));
        let asked = Rc::clone(&ready);
        // It has lost its wake-up: it would go on, but keeps no waker.
        let task = spawn(async move {
            poll_fn(|_| if asked.get() { Poll::Ready(()) } else { Poll::Pending }).await;
            5
        });
        schedule().await;
        ready.set(true);
        assert!(task.info().stack().is_none(), "it ended when it was asked");
        assert!(task.is_terminated());
        assert_eq!(task.join().await.unwrap(), 5);
    });
}

#[test]
fn a_deadlock_report_has_the_functions_that_wait() {
    async fn stuck(queue: &Queue<u32>) -> u32 {
        queue.get().await
    }
    let run = || on_virtual_clock(async || stuck(&Queue::unbounded()).await);
    let payload = std::panic::catch_unwind(run).unwrap_err();
    let report = payload.downcast_ref::<String>().unwrap();
    assert_eq!(
        report.contains("\n    in asking::a_deadlock_report_has_the_functions_that_wait::stuck at "),
        has_lines(),
        "{report}"
    );
}

/// A container of another crate: it polls what is in it only if that was woken.
struct OnlyIfWoken<F> {
    body: std::pin::Pin<Box<F>>,
    woken: std::sync::Arc<Woken>,
}

struct Woken(std::sync::atomic::AtomicBool, std::sync::Mutex<Option<std::task::Waker>>);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(waker) = self.1.lock().unwrap().take() {
            waker.wake();
        }
    }
}

impl<F: Future> OnlyIfWoken<F> {
    fn new(body: F) -> Self {
        OnlyIfWoken { body: Box::pin(body), woken: std::sync::Arc::new(Woken(true.into(), None.into())) }
    }
}

impl<F: Future> Future for OnlyIfWoken<F> {
    type Output = F::Output;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        *this.woken.1.lock().unwrap() = Some(cx.waker().clone());
        if !this.woken.0.swap(false, std::sync::atomic::Ordering::Relaxed) {
            return Poll::Pending;
        }
        this.body.as_mut().poll(&mut std::task::Context::from_waker(&this.woken.clone().into()))
    }
}

#[test]
fn a_task_whose_traps_are_not_reached_keeps_the_wait_that_it_had() {
    let recorder = Recorder::default();
    let events = Rc::clone(&recorder.0);
    Kernel::builder().virtual_clock(true).activation(recorder).run(async {
        let task = spawn(timeout_after(9 * SECOND, OnlyIfWoken::new(sleep(SECOND))));
        schedule().await;
        let before = task.info();
        let told = events.borrow().len();
        let stack = task.info().stack().unwrap();
        let after = task.info();
        assert_eq!(
            (after.state(), after.waiting_at(), after.cycles()),
            (TaskState::TimeSleep, before.waiting_at(), 1)
        );
        assert_eq!(stack.waits()[0].state(), TaskState::TimeSleep, "{stack}");
        assert_eq!(events.borrow()[told..], [] as [String; 0]);
        task.join().await.unwrap().unwrap();
    });
}

#[test]
fn what_a_foreign_future_does_when_it_is_asked_is_told_as_of_any_other_poll() {
    let recorder = Recorder::default();
    let events = Rc::clone(&recorder.0);
    Kernel::builder().virtual_clock(true).activation(recorder).run(async {
        let goes_on = Rc::new(Cell::new(false));
        let asked = Rc::clone(&goes_on);
        let task = spawn(async move {
            poll_fn(|_| if asked.get() { Poll::Ready(()) } else { Poll::Pending }).await;
            let child = spawn(async {});
            sleep(SECOND).await;
            child.join().await.unwrap();
        });
        schedule().await;
        goes_on.set(true);
        let told = events.borrow().len();
        assert_eq!(task.info().stack().unwrap().waits()[0].state(), TaskState::TimeSleep);
        assert_eq!(task.info().cycles(), 2);
        schedule().await;
        let events: Vec<_> = events.borrow()[told..].iter().map(|event| event.replace("Some", "")).collect();
        let starts = |number: usize, start: &str| assert!(events[number].starts_with(start), "{events:#?}");
        starts(0, "(\"2 2 RUNNING\") Running");
        starts(1, "(\"3 0 READY\") Created");
        starts(2, "(\"3 0 READY\") woken by None, ");
        starts(3, "(\"2 2 TIME_SLEEP\") Suspended");
        task.join().await.unwrap();
    });
}

#[test]
fn a_task_that_comes_to_another_wait_when_it_is_asked_is_shown_there() {
    let recorder = Recorder::default();
    let events = Rc::clone(&recorder.0);
    Kernel::builder().virtual_clock(true).activation(recorder).run(async {
        let asked = Rc::new(Cell::new(false));
        let goes_on = Rc::clone(&asked);
        let task = spawn(async move {
            let theirs = poll_fn(|_| if goes_on.get() { Poll::Ready(()) } else { Poll::Pending });
            curio::race((theirs, sleep(SECOND))).await;
            sleep(SECOND / 4).await;
        });
        schedule().await;
        let line = task.info().waiting_at().unwrap().line();
        asked.set(true);
        let told = events.borrow().len();
        task.info().stack();
        assert_eq!((task.info().waiting_at().unwrap().line(), task.info().cycles()), (line + 1, 2));
        let events: Vec<_> = events.borrow()[told..].iter().map(|event| event[6..18].to_string()).collect();
        assert_eq!(events, ["2 2 RUNNING\"", "2 2 TIME_SLE"]);
        task.join().await.unwrap();
    });
}

#[test]
fn asking_within_an_answer_says_what_is_known_and_events_go_on() {
    let recorder = Recorder::default();
    let events = Rc::clone(&recorder.0);
    Kernel::builder().virtual_clock(true).activation(recorder).run(async {
        let sleeper = spawn(sleep(SECOND));
        let other = sleeper.info();
        let answers = Rc::new(Cell::new(0));
        let count = Rc::clone(&answers);
        let asks = spawn(poll_fn(move |_| {
            let stack = other.stack().unwrap();
            count.set(count.get() + stack.waits().len());
            Poll::<()>::Pending
        }));
        schedule().await;
        let before = answers.get();
        assert_eq!(asks.info().stack().unwrap().waits()[0].state(), TaskState::ForeignWait);
        assert_eq!(answers.get(), before + 1);
        let told = events.borrow().len();
        sleeper.join().await.unwrap();
        assert!(events.borrow()[told..].iter().any(|event| event.ends_with("Terminated")), "events go on");
        asks.cancel().await;
    });
}

#[test]
fn an_activation_may_ask_and_gets_the_same_events() {
    struct Asks(Recorder);
    impl Activation for Asks {
        fn event(&mut self, event: &debug::Event) {
            self.0.event(event);
            for task in curio::tasks() {
                let _ = task.stack();
            }
        }
    }
    async fn program() {
        let lock = Rc::new(Lock::new(()));
        let tasks: Vec<_> = (1..4)
            .map(|n| {
                let lock = Rc::clone(&lock);
                spawn(async move {
                    let _guard = lock.acquire().await;
                    region("holding", sleep(n * SECOND)).await;
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
    }
    let (plain, asks) = (Recorder::default(), Recorder::default());
    Kernel::builder().virtual_clock(true).activation(plain.clone()).run(program());
    Kernel::builder().virtual_clock(true).activation(Asks(asks.clone())).run(program());
    assert_eq!(plain.0.take(), asks.0.take());
}

/// What happened in a kernel, without addresses and real times.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<String>>>);

impl Activation for Recorder {
    fn event(&mut self, event: &debug::Event) {
        let task =
            event.task.as_ref().map(|task| format!("{} {} {}", task.id(), task.cycles(), task.state()));
        let kind = match &event.kind {
            EventKind::Woken { by, cause, .. } => format!("woken by {by:?}, {cause}"),
            EventKind::RegionEntered { region, .. } => format!("+{}", region.label()),
            EventKind::RegionLeft { region, .. } => format!("-{}", region.label()),
            // How often the loop looks for events depends on real time.
            EventKind::ShutDown { counts, .. } => {
                format!("shut down, timers: {} set, {} fired", counts.timers_set, counts.timers_fired)
            }
            kind => format!("{kind:?}"),
        };
        self.0.borrow_mut().push(format!("{task:?} {kind}"));
    }
}

/// A program with every kind of wait. With `asking`, each of its tasks is asked over and over.
fn program_with_many_waits(seed: u64, asking: bool) -> (Vec<String>, Vec<String>, Duration) {
    let recorder = Recorder::default();
    let done = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&done);
    let kernel = Kernel::builder().virtual_clock(true).seed(seed).activation(recorder.clone());
    let took = kernel.run(async move {
        let start = curio::clock();
        let (lock, slots, queue) =
            (Rc::new(Lock::new(0)), Rc::new(Semaphore::new(2)), Rc::new(Queue::new(1)));
        let group = TaskGroup::new();
        for n in 0..6_u32 {
            let (lock, slots, queue, log) =
                (Rc::clone(&lock), Rc::clone(&slots), Rc::clone(&queue), Rc::clone(&log));
            group.spawn(async move {
                for step in 0..4_u32 {
                    let _slot = slots.acquire().await;
                    *lock.acquire().await += 1;
                    phase("sleeping", sleep(Duration::from_millis(u64::from((n * 7 + step * 3) % 5)))).await;
                    let limited = timeout_after(Duration::from_millis(3), queue.put((n, step))).await;
                    log.borrow_mut().push(format!("{n} {step} {}", limited.is_ok()));
                }
            });
        }
        let consumer = {
            let (queue, log) = (Rc::clone(&queue), Rc::clone(&log));
            spawn(async move {
                loop {
                    let (n, step) = queue.get().await;
                    log.borrow_mut().push(format!("got {n} {step}"));
                    sleep(Duration::from_millis(2)).await;
                }
            })
        };
        let (sender, receiver) = curio::sync::channel::<u32>(1);
        let scoped = spawn(async move {
            curio::scope(async |scope| {
                scope.spawn(async move {
                    for n in 0..5 {
                        sender.send(n).await.unwrap();
                    }
                });
                while let Some(n) = receiver.recv().await {
                    sleep(Duration::from_millis(u64::from(n))).await;
                }
            })
            .await;
        });
        let bell = Rc::new(Event::new());
        let (rings, waits) = (Rc::clone(&bell), Rc::clone(&bell));
        let ringer = spawn(async move {
            sleep(Duration::from_millis(4)).await;
            rings.set();
        });
        let listeners = spawn(async move {
            join!(waits.wait(), OnlyIfWoken::new(waits.wait()));
        });
        // In both runs there is a task that wakes up as often; only one of them asks.
        let asker = spawn(async move {
            loop {
                sleep(Duration::from_micros(500)).await;
                for task in curio::tasks() {
                    if asking {
                        assert!(task.stack().is_some() && why(task.id()).is_some());
                    }
                }
            }
        });
        group.join().await.unwrap();
        for task in [ringer, listeners] {
            task.join().await.unwrap();
        }
        scoped.join().await.unwrap();
        consumer.cancel().await;
        asker.cancel().await;
        curio::clock() - start
    });
    (recorder.0.take(), done.take(), took)
}

#[test]
fn asking_changes_neither_the_schedule_nor_queues_nor_timers_nor_the_clock() {
    for seed in 0..20 {
        let (events, done, took) = program_with_many_waits(seed, false);
        let (asked_events, asked_done, asked_took) = program_with_many_waits(seed, true);
        assert!(events.len() > 500, "{}", events.len());
        assert_eq!((done, took), (asked_done, asked_took), "seed {seed}");
        for (index, (event, asked)) in events.iter().zip(&asked_events).enumerate() {
            assert_eq!(event, asked, "seed {seed}, event {index}");
        }
        assert_eq!(events.len(), asked_events.len());
    }
}

/// Of two tasks with a connection between them each waits for the other. With `asking`, each asks about the other.
fn program_with_sockets(asking: bool) -> (Vec<String>, usize) {
    let ask = move || {
        for task in curio::tasks().iter().filter(|_| asking) {
            assert!(task.stack().is_some() && why(task.id()).is_some());
        }
    };
    let recorder = Recorder::default();
    let echoed = Kernel::builder().activation(recorder.clone()).run(async move {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = curio::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let echo = spawn(async move {
            let mut echoed = 0;
            while server.recv(&mut [0; 1]).await.unwrap() > 0 {
                ask();
                server.sendall(b"x").await.unwrap();
                echoed += 1;
            }
            echoed
        });
        let client = spawn(async move {
            for _ in 0..20 {
                client.sendall(b"x").await.unwrap();
                assert_eq!(client.recv(&mut [0; 1]).await.unwrap(), 1);
                ask();
            }
        });
        client.join().await.unwrap();
        echo.join().await.unwrap()
    });
    let events = recorder.0.take();
    // How often the loop waits depends on how fast the system is.
    (events.into_iter().filter(|event| !event.ends_with("Idle")).collect(), echoed)
}

#[test]
fn asking_changes_nothing_of_waits_for_sockets() {
    let (events, echoed) = program_with_sockets(false);
    let (asked_events, asked_echoed) = program_with_sockets(true);
    assert_eq!((echoed, asked_echoed), (20, 20));
    assert!(events.len() > 100, "{events:#?}");
    assert_eq!(events, asked_events);
}

//! Asking a task what it waits for: `TaskInfo::stack`, `debug::why`, and that asking changes nothing.

use curio::debug::{Activation, Event, EventKind, phase, region, why};
use curio::{
    Kernel, Lock, Queue, Semaphore, TaskGroup, TaskState, join, schedule, sleep, spawn, spawn_named,
    timeout_after,
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

/// Whether this program was compiled with debug information: CI's are.
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
fn why_follows_holders_and_joins_to_the_world_outside() {
    on_virtual_clock(async || {
        let lock = Rc::new(Lock::new(()));
        let (held, waits) = (Rc::clone(&lock), Rc::clone(&lock));
        let holder = spawn_named("holder", async move {
            let _guard = held.acquire().await;
            let _ = timeout_after(5 * SECOND, region("fetching", sleep(3 * SECOND))).await;
        });
        let waiter = spawn_named("waiter", async move { drop(waits.acquire().await) });
        let joiner = spawn_named("joiner", async move { waiter.join().await });
        sleep(SECOND).await;
        let chain = why(joiner.id()).unwrap();
        let texts: Vec<_> = chain.steps().iter().map(|step| step.text()).collect();
        assert!(texts[0].starts_with("task 4 `joiner` waits: TASK_JOIN at "), "{texts:?}");
        assert!(texts[0].ends_with(", for task 3"), "{texts:?}");
        assert!(texts[1].starts_with("task 3 `waiter` waits: LOCK_ACQUIRE at "), "{texts:?}");
        assert!(texts[1].contains(", held by task 2 since "), "{texts:?}");
        assert!(texts[2].starts_with("task 2 `holder` waits: TIME_SLEEP at "), "{texts:?}");
        assert!(
            texts[2].contains(", for 2s more, in fetching at ") && texts[2].ends_with(", time limit in 4.0s"),
            "{texts:?}"
        );
        assert_eq!(chain.end(), "the clock has to reach that time");
        assert_eq!(chain.to_string().lines().count(), 4);
        joiner.join().await.unwrap().unwrap();
        holder.join().await.unwrap();
    });
}

#[test]
fn why_names_a_socket_and_what_is_not_known() {
    curio::run(async {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let queue = Rc::new(Queue::<u32>::unbounded());
        let empty = Rc::clone(&queue);
        let server = spawn(async move { listener.accept().await.map(drop) });
        let getter = spawn(async move { empty.get().await });
        let foreign = spawn(region("elsewhere", pending::<()>()));
        schedule().await;
        let text = why(server.id()).unwrap().to_string();
        assert!(text.contains("READ_WAIT at "), "{text}");
        assert!(
            text.contains(&format!(", listening socket {address} (")) && text.contains("), read"),
            "{text}"
        );
        assert!(text.contains("\n  that is outside of this program: "), "{text}");
        let chain = why(getter.id()).unwrap();
        assert!(chain.end().starts_with("a task or thread has to put something into the queue"), "{chain}");
        assert!(chain.to_string().contains(&format!(", empty, in line: task {}", getter.id())), "{chain}");
        assert_eq!(why(foreign.id()).unwrap().end(), "unknown: foreign future");
        let main = why(curio::current_task().id()).unwrap().to_string();
        assert_eq!(main.lines().next().unwrap(), "task 1 `main` is being polled");
        foreign.cancel().await;
        assert!(why(foreign.id()).is_none());
        getter.cancel().await;
        server.cancel().await;
    });
}

#[test]
fn why_says_when_the_chain_comes_round() {
    on_virtual_clock(async || {
        let locks = [(); 2].map(|()| Rc::new(Lock::new(())));
        let crossed = |first: usize| {
            let [one, two] = [first, 1 - first].map(|n| Rc::clone(&locks[n]));
            spawn(async move {
                let _one = one.acquire().await;
                sleep(SECOND).await;
                let _two = two.acquire().await;
            })
        };
        let tasks = [crossed(0), crossed(1)];
        sleep(2 * SECOND).await;
        let chain = why(tasks[0].id()).unwrap();
        assert_eq!(chain.steps().len(), 2);
        assert_eq!(chain.end(), format!("which is task {} again: a deadlock", tasks[0].id()));
        for task in tasks {
            task.cancel().await;
        }
    });
}

#[test]
fn why_says_since_when_if_that_was_noted() {
    struct Listener;
    impl Activation for Listener {}
    Kernel::builder().virtual_clock(true).activation(Listener).run(async {
        let task = spawn(sleep(9 * SECOND));
        sleep(2 * SECOND).await;
        let text = why(task.id()).unwrap().to_string();
        assert!(text.contains(", for 7s more, since 2.0s"), "{text}");
        assert!(why(task.id()).unwrap().to_string().contains("since 2.0s"), "asking is no new wait");
        task.cancel().await;
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

#[test]
fn why_has_a_chain_for_each_wait_of_a_task() {
    on_virtual_clock(async || {
        let lock = Rc::new(Lock::new(()));
        let (held, waits) = (Rc::clone(&lock), Rc::clone(&lock));
        let holder = spawn_named("holder", async move {
            let _guard = held.acquire().await;
            sleep(SECOND).await;
        });
        schedule().await;
        let both = spawn_named("both", async move {
            let _both = join!(waits.acquire(), sleep(2 * SECOND));
        });
        schedule().await;
        let chain = why(both.id()).unwrap();
        let steps: Vec<_> = chain
            .steps()
            .iter()
            .map(|step| {
                (step.task(), step.depth(), step.text().contains("LOCK_ACQUIRE"), step.end().is_some())
            })
            .collect();
        let expected =
            [(both.id(), 0, true, false), (holder.id(), 1, false, true), (both.id(), 0, false, true)];
        assert_eq!(steps, expected, "{chain}");
        assert!(chain.steps()[0].text().contains(&format!(", in line: task {}", both.id())), "{chain}");
        both.join().await.unwrap();
        holder.join().await.unwrap();
    });
}

#[test]
fn why_names_both_ends_of_a_connection() {
    curio::run(async {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = curio::TcpStream::connect(address).await.unwrap();
        let local = client.local_addr().unwrap();
        let (_server, _) = listener.accept().await.unwrap();
        let reader = spawn(async move { timeout_after(60 * SECOND, client.recv(&mut [0; 1])).await });
        schedule().await;
        let text = why(reader.id()).unwrap().to_string();
        assert!(text.contains(&format!(", socket {address} (from {local}, ")), "{text}");
        assert!(text.contains("), read, time limit in "), "{text}");
        assert!(!text.contains("since"), "nothing notes that: {text}");
        reader.cancel().await;
    });
}

#[test]
fn why_says_on_which_thread_a_call_is() {
    curio::run(async {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = curio::sync::oneshot();
        let caller = spawn(curio::run_in_thread(move || {
            started.send(()).unwrap();
            released.recv().unwrap();
        }));
        has_started.recv().await.unwrap();
        let chain = why(caller.id()).unwrap();
        assert!(chain.steps()[0].text().contains(", a call on thread `curio-worker` ("), "{chain}");
        assert_eq!(chain.end(), "the thread has to return");
        release.send(()).unwrap();
        caller.join().await.unwrap().unwrap();
    });
}

#[test]
#[cfg(all(unix, feature = "signals"))]
fn why_names_child_processes_and_signals() {
    curio::run(async {
        let signals = curio::SignalEvent::new(&[curio::signals::SIGUSR2]).unwrap();
        // It ends with its input.
        let mut command = std::process::Command::new("cat");
        command.stdin(std::process::Stdio::piped());
        let mut child = curio::subprocess::Popen::new(command).unwrap();
        let pid = child.id();
        let waiter = spawn(async move { child.wait().await });
        let listener = spawn(async move { signals.wait().await });
        schedule().await;
        schedule().await;
        let text = why(waiter.id()).unwrap().to_string();
        assert!(text.contains(&format!(", child process {pid}")), "{text}");
        let text = why(listener.id()).unwrap().to_string();
        assert!(text.contains(&format!(", signal {}", curio::signals::SIGUSR2)), "{text}");
        assert!(text.contains("waits: EVENT_WAIT at ") && !text.contains("src/signals"), "{text}");
        waiter.cancel().await;
        listener.cancel().await;
    });
}

#[test]
fn why_says_of_a_semaphore_how_much_is_wanted_and_free() {
    on_virtual_clock(async || {
        let slots = Rc::new(Semaphore::new(1));
        let _taken = slots.acquire().await;
        let wants = Rc::clone(&slots);
        let task = spawn(async move { drop(wants.acquire().await) });
        schedule().await;
        let text = why(task.id()).unwrap().to_string();
        assert!(text.contains(&format!(", wants 1, free are 0, in line: task {}", task.id())), "{text}");
        task.cancel().await;
    });
}

#[test]
fn what_the_task_around_a_child_waits_for_is_not_said_of_the_child() {
    curio::run(async {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = spawn(async move {
            curio::scope(async |scope| {
                scope.spawn(pending::<()>());
                let _ = listener.accept().await;
            })
            .await;
        });
        // It takes a cycle to come to the child.
        for _ in 0..3 {
            schedule().await;
        }
        let child = curio::tasks().pop().unwrap();
        let text = why(child.id()).unwrap().to_string();
        assert!(text.contains("FOREIGN_WAIT") && !text.contains("socket"), "{text}");
        assert!(why(host.id()).unwrap().to_string().contains("listening socket"));
        host.cancel().await;
    });
}

#[test]
fn the_time_limit_of_the_task_that_asks_is_not_said_of_the_one_that_is_asked() {
    Kernel::builder().virtual_clock(true).activation(Recorder::default()).run(async {
        let task = spawn(sleep(SECOND));
        schedule().await;
        // From its second poll on, the limit is noted.
        let asked = timeout_after(60 * SECOND, async {
            sleep(SECOND / 2).await;
            why(task.id()).unwrap().to_string()
        });
        let text = asked.await.unwrap();
        assert!(!text.contains("time limit"), "{text}");
        task.join().await.unwrap();
    });
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
        fn event(&mut self, event: &Event) {
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
    fn event(&mut self, event: &Event) {
        let task =
            event.task.as_ref().map(|task| format!("{} {} {}", task.id(), task.cycles(), task.state()));
        let kind = match &event.kind {
            EventKind::Woken { by, cause, .. } => format!("woken by {by:?}, {cause}"),
            EventKind::RegionEntered { region, .. } => format!("+{}", region.label()),
            EventKind::RegionLeft { region, .. } => format!("-{}", region.label()),
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

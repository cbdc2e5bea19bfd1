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
        task.info().stack();
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
        assert!(text.contains("READ_WAIT at ") && text.contains(&format!("addr: {address}")), "{text}");
        assert!(
            text.ends_with("the other side of the socket has to send something, or to close it"),
            "{text}"
        );
        let chain = why(getter.id()).unwrap();
        assert!(chain.end().starts_with("a task or thread has to put something into the queue"), "{chain}");
        assert_eq!(why(foreign.id()).unwrap().end(), "unknown: a foreign future");
        assert!(why(curio::current_task().id()).unwrap().end().contains("being polled"));
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

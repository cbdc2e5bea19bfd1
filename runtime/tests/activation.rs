//! The event stream: what an activation hears, and when.

use curio::debug::{Activation, Direction, Event, EventKind, WakeCause};
use curio::{Kernel, TaskState};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Keeps every event.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<Event>>>);

impl Activation for Recorder {
    fn event(&mut self, event: &Event) {
        self.0.borrow_mut().push(event.clone());
    }
}

impl Recorder {
    fn of(program: impl AsyncFnOnce()) -> Recorder {
        let recorder = Recorder::default();
        Kernel::builder().virtual_clock(true).activation(recorder.clone()).run(program());
        recorder
    }

    /// The kinds of one task's events, in order.
    fn kinds(&self, name: &str) -> Vec<EventKind> {
        let events = self.0.borrow();
        let of_task = |event: &&Event| event.task.as_ref().is_some_and(|task| task.name() == name);
        events.iter().filter(of_task).map(|event| event.kind.clone()).collect()
    }

    fn times(&self, kind: impl Fn(&EventKind) -> bool) -> Vec<Instant> {
        self.0.borrow().iter().filter(|event| kind(&event.kind)).map(|event| event.time).collect()
    }
}

#[test]
fn a_sleeping_task_is_created_woken_run_suspended_and_ended_in_this_order() {
    let recorder = Recorder::of(async || {
        curio::spawn_named("sleeper", curio::sleep(SECOND)).join().await.unwrap();
    });
    let kinds = recorder.kinds("sleeper");
    let shape: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            EventKind::Created => "created",
            EventKind::Woken { .. } => "woken",
            EventKind::Running => "running",
            EventKind::Suspended { state: TaskState::TimeSleep, location: Some(_) } => "asleep",
            EventKind::Suspended { state: TaskState::Terminated, .. } => "over",
            EventKind::Terminated => "ended",
            _ => "?",
        })
        .collect();
    assert_eq!(shape, ["created", "woken", "running", "asleep", "woken", "running", "over", "ended"]);
}

#[test]
fn a_wake_names_the_task_that_caused_it_and_a_timer_is_nobody() {
    let recorder = Recorder::of(async || {
        let event = Rc::new(curio::Event::new());
        let waiting = Rc::clone(&event);
        let waiter = curio::spawn_named("waiter", async move { waiting.wait().await });
        let setter = curio::spawn_named("setter", async move {
            curio::sleep(SECOND).await;
            event.set();
        });
        waiter.join().await.unwrap();
        setter.join().await.unwrap();
    });
    let woken = |name: &str| -> Vec<Option<u64>> {
        let wakes = recorder.kinds(name).into_iter();
        let by =
            |kind| if let EventKind::Woken { by, .. } = kind { Some(by.map(|id| id.as_u64())) } else { None };
        wakes.filter_map(by).collect()
    };
    assert_eq!(woken("waiter"), [None, Some(3)], "spawned, then woken by task 3, the setter");
    assert_eq!(woken("setter"), [None, None], "spawned, then woken by its timer");
}

/// The causes of one task's wakes.
fn causes(recorder: &Recorder, name: &str) -> Vec<WakeCause> {
    let cause = |kind| if let EventKind::Woken { cause, .. } = kind { Some(cause) } else { None };
    recorder.kinds(name).into_iter().filter_map(cause).collect()
}

#[test]
fn a_timers_wake_says_when_it_was_due() {
    let mut deadline = None;
    let recorder = Recorder::of(async || {
        deadline = Some(curio::clock() + SECOND);
        curio::sleep(SECOND).await;
    });
    let deadline = deadline.unwrap();
    assert_eq!(causes(&recorder, "main"), [WakeCause::Spawned, WakeCause::Timer { deadline }]);
}

#[test]
fn a_socket_says_which_direction_woke_the_task() {
    let recorder = Recorder::of(async || {
        let (socket, peer) = std::net::UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| {
                Ok((curio::UdpSocket::from_std(socket)?, std::net::UdpSocket::bind("127.0.0.1:0")?))
            })
            .unwrap();
        let to = socket.local_addr().unwrap();
        curio::spawn_named("sender", async move {
            peer.send_to(b"hello", to).unwrap();
        })
        .detach();
        socket.recv(&mut [0; 16]).await.unwrap();
    });
    assert_eq!(
        causes(&recorder, "main"),
        [WakeCause::Spawned, WakeCause::Socket { direction: Direction::Read }]
    );
}

#[test]
fn a_wake_from_a_thread_says_the_threads_name() {
    let recorder = Recorder::of(async || {
        let event = Arc::new(curio::Event::new());
        let there = Arc::clone(&event);
        let set = move || there.set();
        let thread = std::thread::Builder::new().name("setter".into()).spawn(set).unwrap();
        event.wait().await;
        thread.join().unwrap();
        curio::run_in_thread(|| ()).await.unwrap();
    });
    let names = |cause: &WakeCause| match cause {
        WakeCause::Thread { name } => name.as_deref().map(String::from),
        _ => None,
    };
    let names: Vec<String> = causes(&recorder, "main").iter().filter_map(names).collect();
    // The event may have been set before it was awaited.
    assert!(names == ["setter", "curio-worker"] || names == ["curio-worker"], "{names:?}");
}

#[cfg(all(unix, feature = "signals"))]
#[test]
fn a_signal_says_its_number() {
    use curio::signals::{SIGUSR1, SignalEvent};
    let recorder = Recorder::of(async || {
        let arrived = SignalEvent::new(&[SIGUSR1]).unwrap();
        let kill = format!("kill -USR1 {}", std::process::id());
        curio::spawn_named("killer", async move {
            std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        })
        .detach();
        arrived.wait().await;
    });
    assert_eq!(causes(&recorder, "main")[..2], [WakeCause::Spawned, WakeCause::Signal { number: SIGUSR1 }]);
}

#[test]
fn a_task_that_lets_others_run_says_whether_it_wanted_to_or_had_to() {
    let recorder = Recorder::of(async || {
        curio::schedule().await;
        let event = curio::Event::new();
        event.set();
        for _ in 0..200 {
            event.wait().await;
        }
    });
    assert_eq!(causes(&recorder, "main"), [WakeCause::Spawned, WakeCause::Schedule, WakeCause::Budget]);
}

/// The wait in front of it is polled once and then left alone, so it does not claim the lock.
#[test]
fn a_task_that_gets_what_another_did_not_claim_is_woken_by_that() {
    let recorder = Recorder::of(async || {
        let lock = Rc::new(curio::Lock::new(()));
        let guard = lock.acquire().await;
        let mut dormant = std::pin::pin!(lock.acquire());
        std::future::poll_fn(|cx| Poll::Ready(dormant.as_mut().poll(cx).is_pending())).await;
        let in_line = Rc::clone(&lock);
        let waiter = curio::spawn_named("waiter", async move { drop(in_line.acquire().await) });
        curio::schedule().await;
        drop(guard);
        waiter.join().await.unwrap();
    });
    assert_eq!(causes(&recorder, "waiter"), [WakeCause::Spawned, WakeCause::Regranted]);
    assert!(causes(&recorder, "main").contains(&WakeCause::Check), "it was asked whether it claims the lock");
}

#[test]
fn a_cancelled_task_is_woken_by_the_request() {
    let recorder = Recorder::of(async || {
        let task = curio::spawn_named("victim", std::future::pending::<()>());
        curio::schedule().await;
        task.cancel().await;
    });
    assert_eq!(causes(&recorder, "victim"), [WakeCause::Spawned, WakeCause::CancelRequested]);
    let requested = |event: &&Event| event.kind == EventKind::CancelRequested;
    let by = recorder.0.borrow().iter().find(requested).and_then(|event| event.by);
    assert_eq!(by.map(|id| id.as_u64()), Some(1));
}

#[test]
fn a_child_of_a_scope_wakes_the_task_around_it() {
    let recorder = Recorder::of(async || {
        curio::scope(async |scope| {
            scope.spawn(curio::sleep(SECOND));
        })
        .await;
    });
    let by = |kind| {
        if let EventKind::Woken { by: Some(by), cause: WakeCause::Task, .. } = kind { Some(by) } else { None }
    };
    let by: Vec<u64> = recorder.kinds("main").into_iter().filter_map(by).map(|id| id.as_u64()).collect();
    assert_eq!(by, [2, 2], "when it is new, and after its sleep");
}

#[test]
fn times_never_go_backwards_and_each_poll_has_one_suspension() {
    let recorder = Recorder::default();
    Kernel::builder().activation(recorder.clone()).run(async {
        let tasks = Rc::new(curio::Semaphore::new(1));
        let busy = |n: u64| {
            let tasks = Rc::clone(&tasks);
            async move {
                let _permit = tasks.acquire().await;
                curio::spawn(curio::schedule()).detach();
                curio::sleep(Duration::from_micros(100 * n)).await;
                assert!(n != 3, "one that panics");
            }
        };
        let all: Vec<_> = (0..8).map(|n| curio::spawn(busy(n))).collect();
        all[5].cancel().await;
        for task in all {
            let _ = task.join().await;
        }
    });
    let events = recorder.0.borrow();
    assert!(
        events.windows(2).all(|pair| pair[0].time <= pair[1].time && pair[0].number + 1 == pair[1].number)
    );
    let mut running = None;
    for event in events.iter() {
        let id = event.task.as_ref().map(|task| task.id());
        match event.kind {
            EventKind::Running => assert_eq!(std::mem::replace(&mut running, id), None, "{event:?}"),
            EventKind::Suspended { .. } => assert_eq!(running.take(), id, "{event:?}"),
            _ => {}
        }
    }
}

#[test]
fn a_wait_says_its_line() {
    let line = line!() + 2;
    let recorder = Recorder::of(async || {
        curio::sleep(SECOND).await;
    });
    let at = |kind: &EventKind| match kind {
        EventKind::Suspended { state: TaskState::TimeSleep, location } => location.map(|at| at.line()),
        _ => None,
    };
    assert_eq!(recorder.kinds("main").iter().find_map(at), Some(line));
}

#[test]
fn times_are_those_of_the_kernels_clock() {
    let recorder = Recorder::of(async || {
        curio::sleep(SECOND).await;
        curio::sleep(SECOND).await;
    });
    let times = recorder.times(|kind| *kind == EventKind::Running);
    let passed: Vec<Duration> = times.iter().map(|time| *time - times[0]).collect();
    assert_eq!(passed, [Duration::ZERO, SECOND, 2 * SECOND]);
    assert_eq!(recorder.times(|kind| *kind == EventKind::Idle).len(), 2);
}

#[test]
fn a_cancellation_is_heard_of_before_the_task_ends() {
    let recorder = Recorder::of(async || {
        let task = curio::spawn_named("victim", std::future::pending::<()>());
        curio::schedule().await;
        task.cancel().await;
    });
    let kinds = recorder.kinds("victim");
    let position = |wanted: &EventKind| kinds.iter().position(|kind| kind == wanted);
    assert!(position(&EventKind::CancelRequested) < position(&EventKind::Terminated));
    let cancelled = EventKind::Suspended { state: TaskState::Cancelled, location: None };
    assert!(position(&cancelled).is_some() && position(&cancelled) < position(&EventKind::Terminated));
}

#[test]
fn what_an_activation_does_itself_is_not_told_to_it() {
    struct Spawner(u32);
    impl Activation for Spawner {
        fn event(&mut self, event: &Event) {
            if self.0 < 3 && event.kind == EventKind::Running {
                self.0 += 1;
                curio::spawn(async {}).detach();
            }
        }
    }
    Kernel::builder().activation(Spawner(0)).run(curio::schedule());
}

#[test]
fn several_activations_hear_the_same() {
    let (one, two) = (Recorder::default(), Recorder::default());
    Kernel::builder().activation(one.clone()).activation(two.clone()).run(curio::schedule());
    let kinds = |recorder: &Recorder| recorder.kinds("main");
    assert!(!kinds(&one).is_empty());
    assert_eq!(kinds(&one), kinds(&two));
}

#[test]
fn an_activation_that_panics_is_reported_once_and_the_kernel_goes_on() {
    struct Fragile(fn(&EventKind) -> bool);
    impl Activation for Fragile {
        fn event(&mut self, event: &Event) {
            assert!(!(self.0)(&event.kind), "fragile");
        }
    }
    let fragile: [fn(&EventKind) -> bool; 7] = [
        |kind| *kind == EventKind::Created,
        |kind| *kind == EventKind::Running,
        |kind| matches!(kind, EventKind::Suspended { .. }),
        |kind| matches!(kind, EventKind::Woken { .. }),
        |kind| *kind == EventKind::CancelRequested,
        |kind| *kind == EventKind::Terminated,
        |kind| *kind == EventKind::Idle,
    ];
    for breaks_at in fragile {
        let (recorder, reports) = (Recorder::default(), Rc::new(RefCell::new(Vec::new())));
        let sink = Rc::clone(&reports);
        let slept = Kernel::builder()
            .virtual_clock(true)
            .on_report(move |line| sink.borrow_mut().push(line.to_string()))
            .activation(Fragile(breaks_at))
            .activation(recorder.clone())
            .run(async {
                let task = curio::spawn_named("sleeper", curio::sleep(SECOND));
                let victim = curio::spawn(std::future::pending::<()>());
                curio::schedule().await;
                victim.cancel().await;
                task.await
            });
        slept.unwrap();
        assert_eq!(*reports.borrow(), ["an activation panicked and gets no further events: fragile"]);
        assert_eq!(recorder.kinds("sleeper").last(), Some(&EventKind::Terminated), "the other one heard all");
    }
}

#[test]
fn a_kernel_cannot_be_run_by_an_activation_and_it_is_told_so() {
    struct Nested(Rc<RefCell<Vec<(EventKind, String)>>>);
    impl Activation for Nested {
        fn event(&mut self, event: &Event) {
            let run = std::panic::AssertUnwindSafe(|| curio::run(async {}));
            let payload = std::panic::catch_unwind(run).expect_err("a kernel runs here already");
            let message = payload.downcast_ref::<&str>().map(|text| text.to_string());
            let message = message.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap();
            self.0.borrow_mut().push((event.kind.clone(), message));
            // One may be made, and shut down.
            drop(Kernel::builder().virtual_clock(true).build().unwrap());
        }
    }
    let heard = Rc::new(RefCell::new(Vec::new()));
    Kernel::builder().virtual_clock(true).activation(Nested(Rc::clone(&heard))).run(async {
        let task = curio::spawn(std::future::pending::<()>());
        curio::schedule().await;
        task.cancel().await;
        curio::sleep(SECOND).await;
    });
    let heard = heard.take();
    for kind in [EventKind::Created, EventKind::Running, EventKind::CancelRequested, EventKind::Idle] {
        assert!(heard.iter().any(|(heard, _)| *heard == kind), "{kind:?}: {heard:#?}");
    }
    for (kind, message) in heard {
        assert!(message.contains("runs on this thread already"), "{kind:?}: {message}");
    }
}

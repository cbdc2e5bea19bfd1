//! `debug::why`: what a task waits for, followed to the world outside.

use curio::debug::{Activation, Event, EventKind, WakeCause, region, why};
use curio::{Kernel, Lock, Queue, Semaphore, join, schedule, sleep, spawn, spawn_named, timeout_after};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct Listener;
impl Activation for Listener {}

fn on_virtual_clock<R>(program: impl AsyncFnOnce() -> R) -> R {
    Kernel::builder().virtual_clock(true).run(program())
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

/// Two tasks, each of which holds a lock that the other waits for, perhaps with a time limit. Why does the first not go on?
fn crossed_locks(limit: Option<Duration>) -> String {
    on_virtual_clock(async move || {
        let locks = [(); 2].map(|()| Rc::new(Lock::new(())));
        let crossed = |first: usize| {
            let [one, two] = [first, 1 - first].map(|n| Rc::clone(&locks[n]));
            spawn(async move {
                let _one = one.acquire().await;
                sleep(SECOND).await;
                let _ = timeout_after(limit, two.acquire()).await;
            })
        };
        let tasks = [crossed(0), crossed(1)];
        sleep(2 * SECOND).await;
        let chain = why(tasks[0].id()).unwrap();
        assert_eq!(chain.steps().len(), 2, "{chain}");
        for task in tasks {
            task.cancel().await;
        }
        chain.end().to_string()
    })
}

#[test]
fn why_says_when_the_chain_comes_round() {
    assert_eq!(crossed_locks(None), "which is task 2 again: a deadlock");
    assert_eq!(
        crossed_locks(Some(60 * SECOND)),
        "which is task 2 again: a deadlock, unless a time limit passes or another wait of theirs ends"
    );
}

#[test]
fn why_says_that_the_guard_of_a_task_that_has_ended_still_exists() {
    on_virtual_clock(async || {
        let lock: &'static Lock<()> = Box::leak(Box::new(Lock::new(())));
        let task = spawn(async move { lock.acquire().await });
        let holder = task.id();
        let guard = task.join().await.unwrap();
        let waiter = spawn(async move { drop(lock.acquire().await) });
        schedule().await;
        let expected = format!("task {holder} has ended, but its guard still exists");
        assert_eq!(why(waiter.id()).unwrap().end(), expected);
        drop(guard);
        waiter.join().await.unwrap();
    });
}

#[test]
fn why_says_since_when_if_that_was_noted() {
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
    Kernel::builder().virtual_clock(true).activation(Listener).run(async {
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

#[test]
fn since_when_it_waits_is_not_changed_by_a_search_for_a_deadlock() {
    /// Says when a kernel has polled all of its tasks to find out whether they can go on: after a second without a wake.
    struct Searches(std::sync::mpsc::Sender<()>);
    impl Activation for Searches {
        fn event(&mut self, event: &Event) {
            if matches!(event.kind, EventKind::Woken { cause: WakeCause::Check, .. }) {
                let _ = self.0.send(());
            }
        }
    }
    let (says, searched) = std::sync::mpsc::channel();
    let end = std::sync::Arc::new(Queue::unbounded());
    let ends = std::sync::Arc::clone(&end);
    let other = std::thread::spawn(move || {
        searched.recv().unwrap();
        ends.put_blocking(());
    });
    Kernel::builder().activation(Searches(says)).run(async move {
        let stuck = spawn(async { Queue::<()>::unbounded().get().await });
        end.get().await;
        // The search may still be going on.
        for _ in 0..3 {
            schedule().await;
        }
        let text = why(stuck.id()).unwrap().to_string();
        let since = text.lines().next().unwrap().rsplit_once("since ").unwrap().1;
        assert!(since.ends_with('s') && !since.ends_with("ms") && !since.ends_with("µs"), "{text}");
        stuck.cancel().await;
    });
    other.join().unwrap();
}

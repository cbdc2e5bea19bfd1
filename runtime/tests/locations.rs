//! Everything that waits says where: each awaiting function publishes the line of its caller.

mod common;

use common::{ms, secs};
use curio::{
    BoundedSemaphore, Event, Kernel, Lock, Outcome, Queue, Semaphore, Task, TaskInfo, TaskState, TcpListener,
    TcpStream, disable_cancellation, finally, getaddrinfo, ignore_after, ignore_at, interval, join,
    open_connection, race, run_in_thread, run_server, schedule, sleep, sleep_until, spawn, tcp_server,
    timeout_after, timeout_at,
};
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

/// One function that waits: its name, the line on which it is awaited, and what its task is seen to do there.
struct Row {
    name: &'static str,
    line: u32,
    expected: TaskState,
    seen: TaskInfo,
}

/// Spawns a task that awaits something on this very line, lets it get there, looks, and cancels it.
macro_rules! row {
    ($rows:ident, $state:ident, $name:literal, $future:expr) => {
        let task = spawn(async move {
            let _ = $future.await;
        });
        $rows.push(look($name, line!(), TaskState::$state, task).await);
    };
}

async fn look(name: &'static str, line: u32, expected: TaskState, task: Task<()>) -> Row {
    let mut seen = task.info();
    for _ in 0..200 {
        schedule().await;
        seen = task.info();
        if task.is_terminated() || seen.state() == expected {
            break;
        }
    }
    let row = Row { name, line, expected, seen };
    task.cancel().await;
    row
}

fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for Row { name, line, expected, seen } in rows {
        let place = seen.waiting_at().map(|at| (at.file(), at.line()));
        if (seen.state(), place) != (*expected, Some((file!(), *line))) {
            wrong.push(format!("{name}: should be {expected} at {}:{line}, but is {seen}", file!()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!rows.is_empty());
}

/// Some tasks to wait for: each is needed until the test ends.
fn endless() -> Rc<Task<()>> {
    Rc::new(spawn(pending()))
}

#[test]
#[rustfmt::skip]
fn waits_for_time_and_tasks_publish_the_line_of_their_caller() {
    let kernel = Kernel::builder().on_report(|_| ());
    kernel.run(async {
        let mut rows = Vec::new();
        row!(rows, TimeSleep, "sleep", sleep(secs(60)));
        row!(rows, TimeSleep, "sleep of all time", sleep(Duration::MAX));
        row!(rows, TimeSleep, "sleep_until", sleep_until(curio::clock() + secs(60)));
        let mut ticks = interval(secs(60));
        ticks.tick().await;
        row!(rows, TimeSleep, "Interval::tick", ticks.tick());
        row!(rows, Ready, "schedule", async { loop { schedule().await } });
        let (wait, cancel) = (endless(), Rc::new(spawn(disable_cancellation(sleep(ms(200))))));
        schedule().await;
        row!(rows, TaskJoin, "Task::join", spawn(pending::<()>()).join());
        row!(rows, TaskJoin, "Task::into_future", spawn(pending::<()>()));
        row!(rows, TaskJoin, "&mut Task", &mut spawn(pending::<()>()));
        row!(rows, TaskJoin, "Task::wait", wait.wait());
        row!(rows, TaskJoin, "Task::cancel", cancel.cancel());
        row!(rows, ThreadWait, "run_in_thread", blocked_call());
        check(&rows);
    });
}

/// A call that lasts long enough to be looked at, and not longer than the test.
#[track_caller]
fn blocked_call() -> impl Future {
    let (release, blocked) = mpsc::channel::<()>();
    let call = run_in_thread(move || blocked.recv_timeout(secs(2)).is_ok());
    async move {
        call.await.unwrap();
        drop(release);
    }
}

#[test]
#[rustfmt::skip]
fn waits_in_line_publish_the_line_of_their_caller() {
    static LOCK: Lock = Lock::new(());
    static SEMA: Semaphore = Semaphore::new(0);
    static BOUNDED: BoundedSemaphore = BoundedSemaphore::new(2);
    static EVENT: Event = Event::new();
    static FULL: Queue<u8> = Queue::new(1);
    static EMPTY: Queue<u8> = Queue::new(1);
    Kernel::builder().on_report(|_| ()).run(async {
        let (_guard, _permits) = (LOCK.acquire().await, BOUNDED.acquire_many(2).await);
        FULL.put(0).await;
        let mut rows = Vec::new();
        row!(rows, LockAcquire, "Lock::acquire", LOCK.acquire());
        row!(rows, SemaAcquire, "Semaphore::acquire", SEMA.acquire());
        row!(rows, SemaAcquire, "Semaphore::acquire_many", SEMA.acquire_many(3));
        row!(rows, SemaAcquire, "BoundedSemaphore::acquire", BOUNDED.acquire());
        row!(rows, SemaAcquire, "BoundedSemaphore::acquire_many", BOUNDED.acquire_many(2));
        row!(rows, EventWait, "Event::wait", EVENT.wait());
        row!(rows, QueuePut, "Queue::put", FULL.put(1));
        row!(rows, QueueGet, "Queue::get", async { assert_eq!(EMPTY.get().await, 1) });
        row!(rows, QueueJoin, "Queue::join", FULL.join());
        check(&rows);
    });
}

#[test]
#[rustfmt::skip]
fn waits_for_the_network_publish_the_line_of_their_caller() {
    Kernel::builder().on_report(|_| ()).run(async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let (near, far) = (TcpStream::connect(address).await.unwrap(), listener.accept().await.unwrap().0);
        // Full in one direction, empty in the other.
        while timeout_after(ms(20), near.send(&[0; 65536])).await.is_ok() {}
        let (near, far) = (Rc::new(near), Rc::new(far));
        let ends: [_; 9] = std::array::from_fn(|_| Rc::clone(&near));
        let [recv, read, exactly, all, send, sendall, write_all, ..] = ends;
        let mut rows = Vec::new();
        row!(rows, ReadWait, "TcpListener::accept", listener.accept());
        row!(rows, ReadWait, "TcpStream::recv", recv.recv(&mut [0]));
        row!(rows, ReadWait, "TcpStream::read", read.read(&mut [0]));
        row!(rows, ReadWait, "TcpStream::read_exactly", exactly.read_exactly(5));
        row!(rows, ReadWait, "TcpStream::read_all", all.read_all());
        row!(rows, WriteWait, "TcpStream::send", send.send(b"x"));
        row!(rows, WriteWait, "TcpStream::sendall", sendall.sendall(b"x"));
        row!(rows, WriteWait, "TcpStream::write_all", write_all.write_all(b"x"));
        row!(rows, WriteWait, "TcpStream::connect", TcpStream::connect(never_answers()));
        row!(rows, WriteWait, "open_connection to an address", open_connection("127.0.0.1", never_answers().port()));
        row!(rows, ReadWait, "run_server", run_server(TcpListener::from_std(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap(), async |_, _| ()));
        row!(rows, ReadWait, "tcp_server", tcp_server("127.0.0.1", 0, async |_, _| ()));
        drop(far);
        check(&rows);
    });
}

/// An address whose connections stay on their way: its backlog is full.
fn never_answers() -> std::net::SocketAddr {
    use std::sync::OnceLock;
    static FULL: OnceLock<(std::net::TcpListener, std::sync::Mutex<Vec<std::net::TcpStream>>)> =
        OnceLock::new();
    let (listener, _) = FULL.get_or_init(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, ms(50)) {
            waiting.push(stream);
        }
        (listener, std::sync::Mutex::new(waiting))
    });
    listener.local_addr().unwrap()
}

#[test]
#[rustfmt::skip]
fn look_ups_publish_the_line_of_whoever_asked_for_them() {
    // The only thread is taken, so that the look-ups stay where they are.
    Kernel::builder().max_worker_threads(1).on_report(|_| ()).run(async {
        let (release, blocked) = mpsc::channel::<()>();
        let taken = spawn(run_in_thread(move || blocked.recv().is_err()));
        schedule().await;
        let mut rows = Vec::new();
        row!(rows, ThreadWait, "getaddrinfo", getaddrinfo("localhost", 80));
        row!(rows, ThreadWait, "open_connection", open_connection("localhost", 80));
        row!(rows, ThreadWait, "TcpStream::connect", TcpStream::connect("localhost:80"));
        row!(rows, ThreadWait, "TcpListener::bind", TcpListener::bind("localhost:0"));
        row!(rows, ThreadWait, "tcp_server", tcp_server("localhost", 0, async |_, _| ()));
        drop(release);
        taken.join().await.unwrap().unwrap();
        check(&rows);
    });
}

#[test]
#[rustfmt::skip]
fn what_surrounds_a_wait_leaves_its_line_alone() {
    Kernel::builder().on_report(|_| ()).run(async {
        let limit = curio::clock() + secs(60);
        let mut rows = Vec::new();
        row!(rows, EventWait, "timeout_after", async { let e = Event::new(); timeout_after(secs(60), e.wait()).await });
        row!(rows, EventWait, "timeout_at", async { let e = Event::new(); timeout_at(limit, e.wait()).await });
        row!(rows, EventWait, "ignore_after", async { let e = Event::new(); ignore_after(None, e.wait()).await });
        row!(rows, EventWait, "ignore_at", async { let e = Event::new(); ignore_at(limit, e.wait()).await });
        row!(rows, EventWait, "disable_cancellation", async { let e = Event::new(); ignore_after(ms(300), disable_cancellation(ignore_after(ms(100), e.wait()))).await });
        row!(rows, EventWait, "finally", async { let e = Event::new(); finally(e.wait(), async |_| ()).await });
        row!(rows, EventWait, "join", async { let e = Event::new(); join!(pending::<()>(), e.wait()) });
        row!(rows, EventWait, "race", async { let e = Event::new(); race((pending(), e.wait())).await });
        check(&rows);
    });
}

#[test]
#[rustfmt::skip]
fn a_task_that_is_awaited_through_something_else_is_awaited_at_that_line() {
    Kernel::builder().on_report(|_| ()).run(async {
        let limit = curio::clock() + secs(60);
        let mut rows = Vec::new();
        row!(rows, TaskJoin, "timeout_after a task", timeout_after(secs(60), spawn(pending::<()>())));
        row!(rows, TaskJoin, "timeout_after a &mut task", async { let mut t = spawn(pending::<()>()); timeout_after(secs(60), &mut t).await });
        row!(rows, TaskJoin, "timeout_at a task", timeout_at(limit, spawn(pending::<()>())));
        row!(rows, TaskJoin, "ignore_after a task", ignore_after(secs(60), spawn(pending::<()>())));
        row!(rows, TaskJoin, "ignore_at a task", ignore_at(limit, spawn(pending::<()>())));
        row!(rows, TaskJoin, "disable_cancellation of a task", disable_cancellation(spawn(sleep(ms(200)))));
        row!(rows, TaskJoin, "finally of a task", finally(spawn(pending::<()>()), async |_: Outcome| ()));
        row!(rows, TaskJoin, "join! of a task", async { join!(pending::<()>(), spawn(pending::<()>())) });
        row!(rows, TaskJoin, "race of tasks", race((spawn(pending::<()>()), spawn(pending::<()>()))));
        row!(rows, TaskJoin, "race of an array of tasks", race([spawn(pending::<()>())]));
        row!(rows, TaskJoin, "race of a Vec of tasks", race(vec![spawn(pending::<()>())]));
        check(&rows);
        let inner = spawn(spawn(pending::<()>()));
        let line = line!() - 1;
        schedule().await;
        assert_eq!(inner.info().waiting_at().map(|at| (at.file(), at.line())), Some((file!(), line)), "spawn of a task");
        inner.cancel().await;
    });
}

#[test]
#[rustfmt::skip]
fn a_limit_around_a_foreign_future_publishes_its_own_line() {
    Kernel::builder().on_report(|_| ()).run(async {
        let limit = curio::clock() + secs(60);
        let mut wrong = Vec::new();
        let tasks = [
            ("timeout_after", line!(), spawn(async move { timeout_after(secs(60), pending::<()>()).await.unwrap() })),
            ("timeout_at", line!(), spawn(async move { timeout_at(limit, pending::<()>()).await.unwrap() })),
            ("ignore_after", line!(), spawn(async move { ignore_after(secs(60), pending::<()>()).await.unwrap() })),
            ("ignore_at", line!(), spawn(async move { ignore_at(limit, pending::<()>()).await.unwrap() })),
        ];
        schedule().await;
        for (name, line, task) in tasks {
            let place = task.info().waiting_at().map(|at| (at.file(), at.line()));
            if place != Some((file!(), line)) {
                wrong.push(format!("{name}: should be at line {line}, but is {}", task.info()));
            }
            task.cancel().await;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn of_several_waits_in_one_task_the_last_one_shows() {
    Kernel::builder().on_report(|_| ()).run(async {
        let (event, line) = (Event::new(), line!() + 1);
        let task = spawn(async move { join!(sleep(secs(60)), event.wait()) });
        schedule().await;
        assert_eq!(task.info().state(), TaskState::EventWait);
        assert_eq!(task.info().waiting_at().unwrap().line(), line);
        task.cancel().await;
    });
}

//! The monitor: what each command answers, also while the kernel is blocked, and what hostile input does to it.

use curio::debug::region;
use curio::{Event, Kernel, Lock, sleep, spawn_named};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PROMPT: &str = "curio > ";

/// A port that no other program of this machine listens on, most likely.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A kernel with a monitor, on a thread of its own.
struct Monitored {
    address: SocketAddr,
    stop: Arc<Event>,
    thread: Option<JoinHandle<()>>,
}

impl Monitored {
    /// `program` is told to come to its end by the event.
    fn start(program: impl AsyncFnOnce(Arc<Event>) + Send + 'static) -> Monitored {
        let (address, stop) = (free_address(), Arc::new(Event::new()));
        let there = Arc::clone(&stop);
        let run = move || Kernel::builder().monitor(address).run(program(there));
        Monitored { address, stop, thread: Some(std::thread::spawn(run)) }
    }

    fn client(&self) -> Client {
        Client::connect(self.address)
    }

    fn end(mut self) {
        self.stop.set();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What `nc` is.
struct Client(TcpStream);

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let until = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Client(stream);
        let greeting = client.read_answer();
        assert!(greeting.starts_with("Curio monitor of "), "{greeting}");
        client
    }

    fn read_answer(&mut self) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(PROMPT.as_bytes()) {
            match self.0.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                ended => panic!("{ended:?} after {}", String::from_utf8_lossy(&text)),
            }
        }
        text.truncate(text.len() - PROMPT.len());
        String::from_utf8(text).unwrap()
    }

    fn ask(&mut self, command: &str) -> String {
        self.0.write_all(format!("{command}\n").as_bytes()).unwrap();
        self.read_answer()
    }

    /// Asks until the answer is as wanted.
    fn ask_until(&mut self, command: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.ask(command);
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < until, "{answer}");
        }
    }

    /// Whether the monitor has closed the connection.
    fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// Task 1 joins task 2, which waits for a lock that task 3 holds, which sleeps in a region; task 4 waits for a connection.
async fn known_state(stop: Arc<Event>) {
    let lock = Rc::new(Lock::new(()));
    let (held, waits) = (Rc::clone(&lock), lock);
    let waiter = spawn_named("waiter", async move {
        sleep(Duration::from_millis(1)).await;
        drop(waits.acquire().await);
    });
    let holder = spawn_named("holder", async move {
        let _guard = held.acquire().await;
        region("a long nap", sleep(Duration::from_secs(3600))).await;
    });
    let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = spawn_named("server", async move { listener.accept().await.map(drop) });
    stop.wait().await;
    holder.cancel().await;
    server.cancel().await;
    waiter.join().await.unwrap();
}

/// The commands that look at one state of a program.
#[test]
fn each_command_says_what_it_is_asked() {
    let program = Monitored::start(known_state);
    let mut client = program.client();
    let ps = client.ask_until("ps", |text| text.contains("LOCK_ACQUIRE") && text.contains("READ_WAIT"));
    let rows: Vec<&str> = ps.lines().collect();
    assert_eq!(rows.len(), 5, "{ps}");
    assert!(rows[0].split_whitespace().eq(["Task", "State", "Cycles", "Since", "Name"]), "{ps}");
    assert!(rows[1].starts_with("     1  EVENT_WAIT") && rows[1].contains("main, at "), "{ps}");
    assert!(rows[3].starts_with("     3  TIME_SLEEP"), "{ps}");
    assert!(rows[3].contains("holder, at ") && rows[3].contains(", in a long nap at "), "{ps}");

    let tree = client.ask("tree");
    let expected =
        "1 main EVENT_WAIT\n  2 waiter LOCK_ACQUIRE\n  3 holder TIME_SLEEP\n  4 server READ_WAIT\n";
    assert_eq!(tree, expected);

    let stack = client.ask("where 3");
    assert!(
        stack.starts_with("task 3 waits\nTIME_SLEEP at ") && stack.contains(", in a long nap at "),
        "{stack}"
    );
    let main = client.ask("where 1");
    assert!(main.starts_with("task 1 waits\nEVENT_WAIT at "), "{main}");

    let why = client.ask("why 2");
    let lines: Vec<&str> = why.lines().collect();
    assert_eq!(lines.len(), 3, "{why}");
    assert!(lines[0].starts_with("task 2 `waiter` waits: LOCK_ACQUIRE at "), "{why}");
    assert!(lines[0].contains(", held by task 3 since ") && lines[0].contains(", since "), "{why}");
    assert!(lines[1].starts_with("  task 3 `holder` waits: TIME_SLEEP at "), "{why}");
    assert_eq!(lines[2], "    the clock has to reach that time");

    let parents = client.ask("parents 3");
    let lines: Vec<&str> = parents.lines().collect();
    assert!(
        lines[0].starts_with("3 holder spawned at ") && lines[1].starts_with("1 main spawned at "),
        "{parents}"
    );

    let locks = client.ask("locks");
    assert!(
        locks.starts_with("task 2 `waiter`: LOCK_ACQUIRE at ") && locks.contains(", held by task 3 since "),
        "{locks}"
    );
    let sockets = client.ask("sockets");
    assert!(sockets.contains(" sockets, 1 waits\ntask 4 waits for listening socket 127.0.0.1:"), "{sockets}");
    assert!(sockets.contains("), read, at ") && sockets.contains("tests/monitor.rs:"), "{sockets}");
    let stats = client.ask("stats");
    let first = "tasks: 4 (1 EVENT_WAIT, 1 LOCK_ACQUIRE, 1 READ_WAIT, 1 TIME_SLEEP)\ntimers: 1 are set; 2 were set so far, and 1 fired\n";
    assert!(stats.starts_with(first), "{stats}");

    let help = client.ask("help");
    for command in "help ps tree where why parents locks sockets stats cancel watch exit".split(' ') {
        assert!(help.lines().any(|line| line.split_whitespace().next() == Some(command)), "{command}");
    }
    assert_eq!(client.ask("where 99"), "there is no task 99\n");
    assert_eq!(client.ask("parents 99"), "there is no task 99\n");
    assert_eq!(client.ask("dance"), "`dance` is no command; `help` lists them\n");
    assert_eq!(client.ask(""), "");
    client.0.write_all(b"exit\n").unwrap();
    assert!(client.is_closed());
    program.end();
}

#[test]
fn a_task_can_be_cancelled() {
    let program = Monitored::start(known_state);
    let mut client = program.client();
    client.ask_until("ps", |text| text.contains("LOCK_ACQUIRE"));
    let answer = client.ask("cancel 3");
    assert!(
        answer.starts_with("task 3 `holder` (spawned at ") && answer.ends_with(") is asked to stop\n"),
        "{answer}"
    );
    client.ask_until("ps", |text| !text.contains("holder") && !text.contains("waiter"));
    assert_eq!(client.ask("cancel 3"), "there is no task 3\n");
    program.end();
}

#[test]
fn it_answers_while_the_kernel_is_blocked_and_says_by_what() {
    let goes_on = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&goes_on);
    let program = Monitored::start(async move |stop| {
        let blocker = spawn_named("blocker", async move {
            sleep(Duration::from_millis(1)).await;
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        stop.wait().await;
        blocker.join().await.unwrap();
    });
    let mut client = program.client();
    let ps = client.ask_until("ps", |text| text.contains("the kernel is blocked"));
    let (first, table) = ps.split_once('\n').unwrap();
    assert!(first.starts_with("the kernel is blocked: task 2 `blocker` has been running for "), "{ps}");
    assert!(first.contains(" since it went on at ") && first.contains("tests/monitor.rs:"), "{ps}");
    assert!(
        first.ends_with("or blocks its thread (`std::sync::Mutex`, `thread::sleep`, blocking I/O)"),
        "{ps}"
    );
    assert!(table.contains("blocker") && table.contains("RUNNING") && table.contains("EVENT_WAIT"), "{ps}");
    let stack = client.ask("where 1");
    assert!(stack.contains("only the kernel can answer this; ask again when it goes on"), "{stack}");
    assert_eq!(client.ask("tree").lines().count(), 3);
    assert!(client.ask("parents 2").starts_with("2 blocker spawned at "));
    goes_on.store(true, Ordering::Relaxed);
    client.ask_until("where 1", |text| text.starts_with("task 1 waits\nEVENT_WAIT"));
    program.end();
}

#[test]
fn watch_shows_the_tasks_again_until_a_key_is_pressed() {
    let program = Monitored::start(known_state);
    let mut client = program.client();
    client.0.write_all(b"watch\n").unwrap();
    let mut text = Vec::new();
    let mut bytes = [0; 256];
    let shown = |text: &[u8]| String::from_utf8_lossy(text).matches("any key ends this").count();
    while shown(&text) < 2 {
        let count = client.0.read(&mut bytes).unwrap();
        text.extend_from_slice(&bytes[..count]);
    }
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches("\u{1b}[H\u{1b}[2J").count(), 2, "{text}");
    client.0.write_all(b"x").unwrap();
    client.read_answer();
    assert!(client.ask("help").contains("ps "), "the key is no part of the next command");
    // All at once, as from a file.
    client.0.write_all(b"watch\nany key\nstats\n").unwrap();
    client.read_answer();
    assert!(client.read_answer().starts_with("tasks: 4 "));
    program.end();
}

#[test]
fn hostile_input_stops_neither_it_nor_the_program() {
    let program = Monitored::start(known_state);
    // A megabyte without a line end.
    let mut endless = program.client();
    let sent = endless.0.write_all(&vec![b'x'; 1024 * 1024]);
    assert!(sent.is_err() || endless.is_closed(), "the connection is closed");
    // Bytes that are no text.
    let mut binary = program.client();
    let bytes: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').chain([b'\n']).collect();
    binary.0.write_all(&bytes).unwrap();
    let answer = binary.read_answer();
    assert!(answer.contains("is no command") && !answer.contains('\u{1b}'), "{answer:?}");
    // A client that asks and asks and reads nothing.
    let mut deaf = program.client();
    deaf.0.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let questions = "help\n".repeat(1000);
    for _ in 0..100 {
        if deaf.0.write_all(questions.as_bytes()).is_err() {
            break;
        }
    }
    // More connections than it serves: the silent ones make room.
    let mut many: Vec<TcpStream> = Vec::new();
    for _ in 0..1000 {
        many.push(TcpStream::connect(program.address).unwrap());
    }
    let mut client = program.client();
    assert_eq!(client.ask("tree").lines().count(), 4);
    drop(many);
    assert_eq!(program.client().ask("tree").lines().count(), 4);
    program.end();
}

#[test]
fn it_listens_on_addresses_of_this_machine_only() {
    for address in ["0.0.0.0:0", "192.0.2.1:48802", "[::]:0"] {
        let error = Kernel::builder().monitor(address).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.starts_with("the monitor does not listen on ") && text.contains("127.0.0.1"), "{text}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Kernel::builder().monitor(address).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("the monitor cannot listen on {address}: ")), "{error}");
}

#[test]
fn it_ends_with_its_kernel() {
    let program = Monitored::start(known_state);
    let (address, mut client) = (program.address, program.client());
    program.end();
    assert!(client.is_closed());
    // The thread may be a moment behind.
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < until);
    }
}

#[test]
fn a_kernel_says_where_its_monitor_listens() {
    let kernel = Kernel::builder().monitor("127.0.0.1:0").build().unwrap();
    let address = kernel.monitor_addr().unwrap();
    assert!(address.ip().is_loopback() && address.port() > 0);
    assert!(TcpStream::connect(address).is_ok());
    assert_eq!(Kernel::new().unwrap().monitor_addr(), None);
}

#[test]
fn it_hides_no_deadlock() {
    let run = || {
        Kernel::builder()
            .ctrl_c(false)
            .virtual_clock(true)
            .monitor(free_address())
            .run(std::future::pending::<()>())
    };
    let payload = std::panic::catch_unwind(run).unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().starts_with("deadlock: "));
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn part_two_kernels() {
    let here = || curio::run(async { curio::tasks().len() });
    assert_eq!([here(), here()], [1, 1]);
    curio::Kernel::new().unwrap().run(async { assert_eq!(curio::run_in_thread(here).await.unwrap(), 1) });
}

#[test]
fn the_environment_starts_it_and_what_is_wrong_is_reported() {
    let part = |value: &str| {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", "--ignored", "part_two_kernels"]).env("CURIO_MONITOR", value);
        let output = program.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        text.lines().filter(|line| line.starts_with("curio: ")).map(str::to_string).collect::<Vec<_>>()
    };
    let address = free_address().to_string();
    let said = part(&address);
    let start = format!(
        "curio: CURIO_MONITOR is `{address}`, and has no effect: the monitor cannot listen on {address}: "
    );
    assert!(said.len() == 1 && said[0].starts_with(&start), "the kernel within the third one: {said:?}");
    let said = part("0.0.0.0:1");
    assert!(
        said[0].starts_with(
            "curio: CURIO_MONITOR is `0.0.0.0:1`, and has no effect: the monitor does not listen on "
        ),
        "{said:?}"
    );
    let said = part("nonsense");
    assert!(said[0].starts_with("curio: CURIO_MONITOR is `nonsense`, and has no effect: "), "{said:?}");
}

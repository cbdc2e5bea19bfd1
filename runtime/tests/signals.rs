//! Signals, and Ctrl-C.
//!
//! What ends a process is tried on a process of its own: this program, started again with the name of a part to play.
#![cfg(unix)]

mod common;

use common::{ms, panic_of, poll_once, run_real, secs};
use curio::io::Stream;
use curio::signals::{SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2};
use curio::subprocess::{PipeReader, Popen};
use curio::{
    Kernel, SignalEvent, SignalQueue, disable_cancellation, finally, ignore_after, join, schedule, sleep,
    spawn, timeout_after,
};
use signal_hook::consts::{SIGKILL, SIGSEGV};
use signal_hook::low_level::raise;
use std::io::{self, ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Signals are the whole process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    let _alone = alone();
    run_real(timeout_after(secs(20), test)).expect("it ends in time").expect("no step fails")
}

// ---- queues and events

#[test]
fn a_queue_gives_every_signal_by_its_number() {
    bounded(async {
        let queue = SignalQueue::new(&[SIGUSR1, SIGUSR2, SIGUSR1])?;
        raise(SIGUSR2)?;
        assert_eq!(queue.get().await, SIGUSR2);
        for _ in 0..3 {
            raise(SIGUSR1)?;
        }
        for _ in 0..3 {
            assert_eq!(queue.get().await, SIGUSR1);
        }
        assert_eq!(queue.try_get(), None);
        Ok(())
    });
}

#[test]
fn waits_for_signals_show_as_what_they_are_to_the_user() {
    bounded(async {
        let (queue, event) = (SignalQueue::new(&[SIGUSR1])?, SignalEvent::new(&[SIGUSR2])?);
        let getting = spawn(async move { queue.get().await });
        let waiting = spawn(async move { event.wait().await });
        schedule().await;
        assert_eq!(getting.info().state().to_string(), "QUEUE_GET");
        assert_eq!(waiting.info().state().to_string(), "EVENT_WAIT");
        getting.cancel().await;
        waiting.cancel().await;
        Ok(())
    });
}

#[test]
fn a_signal_wakes_a_task_that_waits() {
    bounded(async {
        let queue = SignalQueue::new(&[SIGUSR1])?;
        let waiter = spawn(async move { queue.get().await });
        let line = line!() - 1;
        sleep(ms(5)).await;
        let at = waiter.info().waiting_at().expect("it waits");
        assert!(at.file().ends_with("signals.rs") && at.line() == line, "{at}");
        raise(SIGUSR1)?;
        assert_eq!(waiter.join().await.unwrap(), SIGUSR1);
        Ok(())
    });
}

#[test]
fn a_dropped_get_takes_nothing_and_waiters_are_served_in_order() {
    bounded(async {
        let queue = SignalQueue::new(&[SIGUSR1])?;
        let order = std::cell::RefCell::new(Vec::new());
        let waiter = async |name| {
            queue.get().await;
            order.borrow_mut().push(name);
        };
        let signals = async {
            schedule().await;
            for n in 1..=3 {
                raise(SIGUSR1)?;
                while order.borrow().len() < n {
                    schedule().await;
                }
            }
            io::Result::Ok(())
        };
        assert!(ignore_after(ms(1), queue.get()).await.is_none());
        {
            let mut given_up = pin!(queue.get());
            assert!(poll_once(given_up.as_mut()).await.is_pending());
        }
        let ((), (), (), signalled) = join!(waiter("a"), waiter("b"), waiter("c"), signals);
        signalled?;
        assert_eq!(order.into_inner(), ["a", "b", "c"]);
        Ok(())
    });
}

#[test]
fn try_get_sees_what_has_arrived_by_now_and_leaves_it_to_those_who_wait() {
    bounded(async {
        let queue = SignalQueue::new(&[SIGUSR1])?;
        assert_eq!(queue.try_get(), None);
        raise(SIGUSR1)?;
        assert_eq!(queue.try_get(), Some(SIGUSR1));
        let mut waiting = pin!(queue.get());
        assert!(poll_once(waiting.as_mut()).await.is_pending());
        raise(SIGUSR1)?;
        assert_eq!(queue.try_get(), None);
        assert_eq!(waiting.await, SIGUSR1);
        Ok(())
    });
}

#[test]
fn every_queue_that_listens_gets_the_signal() {
    bounded(async {
        let (one, two) = (SignalQueue::new(&[SIGHUP])?, SignalQueue::new(&[SIGHUP])?);
        raise(SIGHUP)?;
        assert_eq!((one.get().await, two.get().await), (SIGHUP, SIGHUP));
        Ok(())
    });
}

#[test]
fn an_event_lets_all_who_wait_go_on_and_stays_set() {
    bounded(async {
        let event = SignalEvent::new(&[SIGTERM])?;
        assert!(!event.is_set());
        assert!(ignore_after(ms(1), event.wait()).await.is_none());
        let signal = async {
            sleep(ms(2)).await;
            raise(SIGTERM)
        };
        let ((), (), (), raised) = join!(event.wait(), event.wait(), event.wait(), signal);
        raised?;
        event.wait().await;
        assert!(event.is_set());
        event.clear();
        assert!(!event.is_set());
        raise(SIGTERM)?;
        assert!(event.is_set());
        Ok(())
    });
}

#[test]
fn when_the_first_of_several_waiters_is_cancelled_the_others_hear_of_the_signal() {
    bounded(async {
        let event = std::rc::Rc::new(SignalEvent::new(&[SIGUSR2])?);
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let event = event.clone();
                spawn(async move { event.wait().await })
            })
            .collect();
        sleep(ms(2)).await;
        tasks[0].cancel().await;
        raise(SIGUSR2)?;
        for task in &tasks[1..] {
            task.wait().await;
        }
        for task in tasks {
            task.detach();
        }
        Ok(())
    });
}

#[test]
fn what_cannot_be_listened_to_is_refused() {
    bounded(async {
        for signal in [SIGKILL, SIGSEGV, 0, -1] {
            let error = SignalQueue::new(&[SIGUSR1, signal]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{signal}");
            assert!(error.to_string().contains(&signal.to_string()), "{error}");
        }
        assert!(SignalQueue::new(&[4000]).is_err());
        let queue = SignalQueue::new(&[SIGCHLD])?;
        assert_eq!(queue.try_get(), None);
        Ok(())
    });
}

#[test]
fn waiting_for_an_event_that_is_set_lets_others_run() {
    bounded(async {
        let event = SignalEvent::new(&[SIGUSR1])?;
        raise(SIGUSR1)?;
        event.wait().await;
        let other = spawn(async {});
        for _ in 0..1000 {
            event.wait().await;
        }
        assert!(other.is_terminated());
        other.join().await.expect("it does not panic");
        Ok(())
    });
}

#[test]
fn a_queue_of_another_kernel_says_what_is_wrong() {
    let _alone = alone();
    let queue = run_real(async { SignalQueue::new(&[SIGUSR1]).expect("it can be listened to") });
    let event = run_real(async { SignalEvent::new(&[SIGUSR1]).expect("it can be listened to") });
    for text in [panic_of(|| curio::run(queue.get())), panic_of(|| curio::run(event.wait()))] {
        assert!(text.contains("signal") && text.contains("another kernel"), "{text}");
    }
    // Its wait may also have begun in the kernel of the queue.
    let mut first = Kernel::new().expect("a kernel");
    let queue = first.run(async { SignalQueue::new(&[SIGUSR1]).expect("it can be listened to") });
    let mut waiting = Box::pin(queue.get());
    first.run(async { assert!(poll_once(waiting.as_mut()).await.is_pending()) });
    let text = panic_of(|| curio::run(waiting));
    assert!(text.starts_with("these signals are listened to in another kernel"), "{text}");
    raise(SIGUSR1).expect("it can be raised");
    assert_eq!(queue.try_get(), Some(SIGUSR1), "what takes no waiting works anywhere");
    assert!(event.is_set());
}

// ---- what ends a process

/// The part that this program plays when it was started as a child.
#[test]
fn a_part_to_play() {
    let Ok(part) = std::env::var("CURIO_TEST_PART") else { return };
    match part.as_str() {
        "cleanup" => curio::run(with_cleanups(ms(30))),
        "stuck cleanup" => curio::run(with_cleanups(secs(3600))),
        "busy" => curio::run(async {
            say("ready");
            loop {
                std::thread::sleep(ms(1));
            }
        }),
        "switched off" => Kernel::builder().ctrl_c(false).run(with_cleanups(ms(0))),
        "after run" => {
            curio::run(async {});
            say("ready");
            std::thread::sleep(secs(60));
        }
        "shielded" => {
            let value = curio::run(disable_cancellation(async {
                say("ready");
                sleep(ms(300)).await;
                "a value"
            }));
            say(value);
        }
        "own" => curio::run(async {
            let event = SignalEvent::new(&[SIGINT]).expect("it can be listened to");
            say("ready");
            event.wait().await;
            event.clear();
            say("one");
            event.wait().await;
            say("two");
            drop(event);
            with_cleanups(ms(0)).await;
        }),
        "two kernels" => {
            let other = std::thread::spawn(|| curio::run(with_cleanups(ms(1))));
            curio::run(with_cleanups(ms(200)));
            let _ = other.join();
        }
        "terminated" => {
            curio::run(async {
                let queue = SignalQueue::new(&[SIGTERM]).expect("it can be listened to");
                say("ready");
                assert_eq!(queue.get().await, SIGTERM);
            });
            say("one");
            std::thread::sleep(secs(60));
        }
        "until USR1" => curio::run(async {
            let queue = SignalQueue::new(&[SIGUSR1]).expect("it can be listened to");
            say("ready");
            queue.get().await;
            say("still here");
        }),
        "asked for" => Kernel::builder().ctrl_c(true).run(with_cleanups(ms(0))),
        "own for a while" => {
            curio::run(async {
                let own = SignalQueue::new(&[SIGINT, SIGHUP]).expect("they can be listened to");
                say("ready");
                own.get().await;
                say("one");
                own.get().await;
                say("two");
            });
            curio::run(async {
                let queue = SignalQueue::new(&[SIGUSR1]).expect("it can be listened to");
                say("let go");
                queue.get().await;
                say("still here");
            });
        }
        "a handler of others" => {
            let theirs = Arc::new(AtomicUsize::new(0));
            signal_hook::flag::register_usize(SIGTERM, Arc::clone(&theirs), 1).expect("it can be handled");
            curio::run(async {
                let queue = SignalQueue::new(&[SIGTERM]).expect("it can be listened to");
                raise(SIGTERM).expect("it can be raised");
                queue.get().await;
            });
            theirs.store(0, Ordering::SeqCst);
            raise(SIGTERM).expect("it can be raised");
            say(if theirs.load(Ordering::SeqCst) == 1 { "handled" } else { "lost" });
        }
        "broken pipe" => {
            curio::run(async { drop(SignalQueue::new(&[SIGPIPE]).expect("it can be listened to")) });
            let (reader, mut writer) = io::pipe().expect("there are descriptors");
            drop(reader);
            let error = writer.write(b"nobody reads this").expect_err("the other end is closed");
            say(&format!("{:?}", error.kind()));
        }
        "kernel in hand" => {
            let mut kernel = Kernel::new().expect("an event queue can be made");
            for _ in 0..3 {
                kernel.run(async {});
            }
            kernel.run(with_cleanups(ms(1)));
        }
        other => panic!("no such part: {other}"),
    }
    say("over");
}

async fn with_cleanups(long: std::time::Duration) {
    let background = spawn(finally(sleep(secs(3600)), async |outcome| {
        say(&format!("background {outcome:?}"));
    }));
    background.detach();
    let main = async {
        say("ready");
        sleep(secs(3600)).await;
    };
    finally(main, async |outcome| {
        say("cleaning up");
        sleep(long).await;
        say(&format!("main {outcome:?}"));
    })
    .await;
}

fn say(line: &str) {
    println!("> {line}");
}

struct Actor {
    child: Popen,
    output: Stream<PipeReader>,
}

impl Actor {
    fn start(part: &str) -> io::Result<Actor> {
        Actor::start_as(part, Command::new(std::env::current_exe()?))
    }

    /// Inherits from its parent that these signals are ignored, as under `nohup` or, in a script, `&`.
    fn start_ignoring(signals: &str, part: &str) -> io::Result<Actor> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("trap '' {signals}; exec \"$0\" \"$@\"")]);
        command.arg(std::env::current_exe()?);
        Actor::start_as(part, command)
    }

    fn start_as(part: &str, mut command: Command) -> io::Result<Actor> {
        command.args(["--exact", "a_part_to_play", "--nocapture", "--test-threads=1"]);
        command
            .env("CURIO_TEST_PART", part)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = Popen::new(command)?;
        let output = Stream::new(child.stdout.take().expect("it is piped"));
        Ok(Actor { child, output })
    }

    /// Reads until it says this.
    async fn says(&mut self, expected: &str) -> io::Result<()> {
        loop {
            let line = self.output.readline().await?;
            assert!(!line.is_empty(), "it ended without saying `{expected}`");
            if String::from_utf8_lossy(&line).trim_end().ends_with(&format!("> {expected}")) {
                return Ok(());
            }
        }
    }

    async fn signal(&self, name: &str) -> io::Result<()> {
        let mut kill = Command::new("kill");
        kill.args([format!("-{name}"), self.child.id().to_string()]);
        assert!(curio::subprocess::run(kill).await?.status.success());
        Ok(())
    }

    /// The lines that it still says, and how it ends.
    async fn ends(mut self) -> io::Result<(Vec<String>, ExitStatus)> {
        let rest = self.output.readlines().await?;
        let lines = rest.iter().filter_map(|line| {
            let line = String::from_utf8_lossy(line);
            line.split_once("> ").map(|(_, said)| said.trim_end().to_string())
        });
        Ok((lines.collect(), self.child.wait().await?))
    }
}

#[test]
fn ctrl_c_cancels_main_runs_all_cleanups_and_exits_with_130() {
    bounded(async {
        for part in ["cleanup", "kernel in hand"] {
            let mut actor = Actor::start(part)?;
            actor.says("ready").await?;
            sleep(ms(20)).await;
            actor.signal("INT").await?;
            let (said, status) = actor.ends().await?;
            assert_eq!(said, ["cleaning up", "main Cancelled", "background Cancelled"], "{part}");
            assert_eq!(status.code(), Some(130), "{part}: {status}");
        }
        Ok(())
    });
}

#[test]
fn a_second_ctrl_c_ends_the_process_although_a_cleanup_hangs() {
    bounded(async {
        let mut actor = Actor::start("stuck cleanup")?;
        actor.says("ready").await?;
        actor.signal("INT").await?;
        actor.says("cleaning up").await?;
        let start = Instant::now();
        actor.signal("INT").await?;
        let (said, status) = actor.ends().await?;
        assert_eq!((said, status.code()), (Vec::new(), Some(130)));
        assert!(start.elapsed() < secs(4), "sooner than any grace period");
        Ok(())
    });
}

#[test]
fn a_second_ctrl_c_ends_the_process_although_a_task_never_awaits() {
    bounded(async {
        let mut actor = Actor::start("busy")?;
        actor.says("ready").await?;
        actor.signal("INT").await?;
        sleep(ms(50)).await;
        actor.signal("INT").await?;
        assert_eq!(actor.ends().await?.1.code(), Some(130));
        Ok(())
    });
}

#[test]
fn switched_off_or_outside_of_run_ctrl_c_does_what_it_always_did() {
    bounded(async {
        for part in ["switched off", "after run"] {
            let mut actor = Actor::start(part)?;
            actor.says("ready").await?;
            actor.signal("INT").await?;
            let (said, status) = actor.ends().await?;
            assert_eq!(said, [""; 0], "{part}");
            assert_eq!(status.signal(), Some(SIGINT), "{part}: {status}");
        }
        Ok(())
    });
}

#[test]
fn a_main_that_finishes_all_the_same_keeps_its_value() {
    bounded(async {
        let mut actor = Actor::start("shielded")?;
        actor.says("ready").await?;
        actor.signal("INT").await?;
        let (said, status) = actor.ends().await?;
        assert_eq!(said, ["a value", "over"]);
        assert!(status.success());
        Ok(())
    });
}

#[test]
fn a_program_that_listens_to_sigint_has_it_for_itself_as_long_as_it_does() {
    bounded(async {
        let mut actor = Actor::start("own")?;
        actor.says("ready").await?;
        for answer in ["one", "two"] {
            actor.signal("INT").await?;
            actor.says(answer).await?;
        }
        actor.says("ready").await?;
        actor.signal("INT").await?;
        let (said, status) = actor.ends().await?;
        assert_eq!(said, ["cleaning up", "main Cancelled", "background Cancelled"]);
        assert_eq!(status.code(), Some(130));
        Ok(())
    });
}

#[test]
fn ctrl_c_interrupts_all_kernels_and_the_last_one_ends_the_process() {
    bounded(async {
        let mut actor = Actor::start("two kernels")?;
        actor.says("ready").await?;
        actor.says("ready").await?;
        sleep(ms(20)).await;
        actor.signal("INT").await?;
        let (mut said, status) = actor.ends().await?;
        said.sort();
        let twice = ["background Cancelled", "cleaning up", "main Cancelled"].map(|line| [line; 2]).concat();
        assert_eq!(said, twice);
        assert_eq!(status.code(), Some(130));
        Ok(())
    });
}

#[test]
fn a_signal_that_nobody_listens_to_any_more_does_what_it_always_did() {
    bounded(async {
        let mut actor = Actor::start("terminated")?;
        actor.says("ready").await?;
        actor.signal("TERM").await?;
        actor.says("one").await?;
        actor.signal("TERM").await?;
        assert_eq!(actor.ends().await?.1.signal(), Some(SIGTERM));
        Ok(())
    });
}

// ---- what was there before

/// What is inherited can be read on Linux only.
#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_leaves_a_program_alone_that_was_started_to_ignore_it() {
    bounded(async {
        let mut actor = Actor::start_ignoring("INT", "until USR1")?;
        actor.says("ready").await?;
        for _ in 0..3 {
            actor.signal("INT").await?;
        }
        actor.signal("USR1").await?;
        let (said, status) = actor.ends().await?;
        assert_eq!(said, ["still here", "over"]);
        assert!(status.success(), "{status}");
        Ok(())
    });
}

#[test]
fn a_kernel_that_is_told_to_listen_to_ctrl_c_does_so_even_if_it_was_ignored() {
    bounded(async {
        let mut actor = Actor::start_ignoring("INT", "asked for")?;
        actor.says("ready").await?;
        sleep(ms(20)).await;
        actor.signal("INT").await?;
        let (said, status) = actor.ends().await?;
        assert_eq!(said, ["cleaning up", "main Cancelled", "background Cancelled"]);
        assert_eq!(status.code(), Some(130), "{status}");
        Ok(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_was_ignored_is_ignored_again_when_it_is_no_longer_listened_to() {
    bounded(async {
        let mut actor = Actor::start_ignoring("INT HUP", "own for a while")?;
        actor.says("ready").await?;
        actor.signal("INT").await?;
        actor.says("one").await?;
        actor.signal("HUP").await?;
        actor.says("two").await?;
        actor.says("let go").await?;
        actor.signal("INT").await?;
        actor.signal("HUP").await?;
        actor.signal("INT").await?;
        actor.signal("USR1").await?;
        let (said, status) = actor.ends().await?;
        assert_eq!(said, ["still here", "over"]);
        assert!(status.success(), "{status}");
        Ok(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_other_code_handles_is_left_to_it_when_it_is_no_longer_listened_to() {
    bounded(async {
        let (said, status) = Actor::start("a handler of others")?.ends().await?;
        assert_eq!(said, ["handled", "over"]);
        assert!(status.success(), "{status}");
        Ok(())
    });
}

/// Rust ignores SIGPIPE before `main`, so that writing to a closed pipe is an error and not the end.
#[test]
fn a_broken_pipe_stays_an_error_after_sigpipe_was_listened_to() {
    bounded(async {
        let (said, status) = Actor::start("broken pipe")?.ends().await?;
        assert_eq!(said, ["BrokenPipe", "over"]);
        assert!(status.success(), "{status}");
        Ok(())
    });
}

//! What a kernel makes of silence when its thread is the only one of the process, or has just become so. The usual test
//! harness has threads of its own, so this program runs everything on the main thread.

#[cfg(target_os = "linux")]
mod common;
#[cfg(target_os = "linux")]
mod harness;

#[cfg(target_os = "linux")]
mod on_linux {
    use super::common::{ms, panic_of, with_reports};
    use curio::{Event, Kernel, RwLock, ignore_after, join, run_in_thread, schedule, sleep, spawn_named};
    use std::future::pending;
    use std::io::Read;
    use std::process::{Command, ExitCode, Stdio};
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::{Duration, Instant};

    pub(super) const TESTS: [(&str, fn()); 6] = [
        ("a_sleep_of_all_time_waits_for_ctrl_c", a_sleep_of_all_time_waits_for_ctrl_c),
        (
            "a_sleep_of_all_time_that_nothing_can_end_is_a_deadlock_that_says_why",
            a_sleep_of_all_time_that_nothing_can_end_is_a_deadlock_that_says_why,
        ),
        ("without_other_threads_a_deadlock_is_certain", without_other_threads_a_deadlock_is_certain),
        (
            "threads_that_wake_us_and_end_are_not_taken_for_a_lost_wake_up",
            threads_that_wake_us_and_end_are_not_taken_for_a_lost_wake_up,
        ),
        ("idle_workers_are_no_company", idle_workers_are_no_company),
        ("an_abandoned_job_that_still_runs_is_company", an_abandoned_job_that_still_runs_is_company),
    ];

    /// Set in the process that `a_sleep_of_all_time_waits_for_ctrl_c` starts: this program once more.
    pub(super) const PART: &str = "ALONE_SLEEPS_FOR_ALL_TIME";

    /// What that process does.
    pub(super) fn sleep_for_all_time() -> ExitCode {
        curio::run(async {
            println!("ready");
            let mut ticks = curio::interval(Duration::MAX);
            ticks.tick().await;
            join!(sleep(Duration::MAX), ticks.tick());
        });
        ExitCode::FAILURE
    }

    /// On Linux a service that does nothing but wait to be stopped says it so.
    fn a_sleep_of_all_time_waits_for_ctrl_c() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(PART, "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        // If it takes this for a deadlock, it does so at once.
        thread::sleep(ms(300));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{errors}");
        assert!(!errors.contains("deadlock"), "{errors}");
    }

    fn a_sleep_of_all_time_that_nothing_can_end_is_a_deadlock_that_says_why() {
        for builder in [Kernel::builder().ctrl_c(false), Kernel::builder().virtual_clock(true)] {
            let report = panic_of(|| builder.run(sleep(Duration::MAX)));
            assert!(report.starts_with("deadlock: no task can run"), "{report}");
            assert!(report.contains("TIME_SLEEP") && report.contains("never"), "{report}");
            assert!(report.contains("Ctrl-C"), "{report}");
        }
        // Without a task that sleeps for ever it is a deadlock like any other.
        let report = panic_of(|| curio::run(curio::ignore_after(Duration::MAX, pending::<()>())));
        assert!(report.starts_with("deadlock: no task can run") && !report.contains("Ctrl-C"), "{report}");
    }

    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }

    /// Threads of an earlier kernel need a moment to end.
    pub(super) fn until_alone() {
        let begun = Instant::now();
        while threads() > 1 {
            assert!(begun.elapsed().as_secs() < 5, "a thread was left behind");
            thread::yield_now();
        }
    }

    /// With company it would be a line, and `run` would go on waiting.
    fn without_other_threads_a_deadlock_is_certain() {
        let report = panic_of(|| {
            curio::run(async {
                let event = Event::new();
                spawn_named("stuck", async move { event.wait().await }).join().await.unwrap();
            });
        });
        assert!(report.starts_with("deadlock: no task can run"), "{report}");
        assert!(report.contains("`stuck`") && report.contains("EVENT_WAIT"), "{report}");
    }

    /// The last thing each thread does is to hand the kernel what it waits for. Between that and its wake the kernel
    /// may find itself idle, and when it counts the threads this one may be gone.
    fn threads_that_wake_us_and_end_are_not_taken_for_a_lost_wake_up() {
        for _ in 0..300 {
            let lock = Arc::new(RwLock::new(0u32));
            let workers: Vec<_> = (0..2)
                .map(|n| {
                    let lock = Arc::clone(&lock);
                    thread::spawn(move || {
                        for _ in 0..5 {
                            if n == 0 { *lock.write_blocking() += 1 } else { drop(lock.read_blocking()) }
                        }
                    })
                })
                .collect();
            let (builder, reports) = with_reports(Kernel::builder());
            builder.run(async {
                for _ in 0..10 {
                    drop(lock.read().await);
                    drop(lock.write().await);
                    schedule().await;
                }
            });
            assert_eq!(*reports.borrow(), Vec::<String>::new());
            workers.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(*lock.try_read().expect("all turns are given back"), 5);
        }
    }

    /// An idle worker thread of the kernel cannot wake a task.
    fn idle_workers_are_no_company() {
        let report = panic_of(|| {
            curio::run(async {
                run_in_thread(|| ()).await.unwrap();
                // Until it has gone back to its place.
                run_in_thread(|| ()).await.unwrap();
                schedule().await;
                pending::<()>().await;
            });
        });
        assert!(report.starts_with("deadlock: no task can run"), "{report}");
    }

    /// A job whose task has stopped waiting runs on, and may wake a task.
    fn an_abandoned_job_that_still_runs_is_company() {
        static DONE: Event = Event::new();
        let (builder, reports) = with_reports(Kernel::builder());
        builder.run(async {
            let (abandon, abandoned) = mpsc::channel();
            let job = run_in_thread(move || {
                abandoned.recv().expect("it is abandoned");
                thread::sleep(ms(200));
                DONE.set();
            });
            assert!(ignore_after(ms(20), job).await.is_none());
            abandon.send(()).expect("the job runs");
            DONE.wait().await;
        });
        assert_eq!(*reports.borrow(), Vec::<String>::new());
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    if std::env::var_os(on_linux::PART).is_some() {
        return on_linux::sleep_for_all_time();
    }
    harness::run(&on_linux::TESTS, on_linux::until_alone)
}

#[cfg(not(target_os = "linux"))]
fn main() {}

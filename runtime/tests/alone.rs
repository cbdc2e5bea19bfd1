//! What a kernel makes of silence when its thread is the only one of the process, or has just become so. The usual test
//! harness has threads of its own, so this program runs everything on the main thread.

#[cfg(target_os = "linux")]
mod common;
#[cfg(target_os = "linux")]
mod harness;

#[cfg(target_os = "linux")]
mod on_linux {
    use super::common::{ms, panic_of, with_reports};
    use curio::{Event, Kernel, RwLock, ignore_after, run_in_thread, schedule, spawn_named};
    use std::future::pending;
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    pub(super) const TESTS: [(&str, fn()); 4] = [
        ("without_other_threads_a_deadlock_is_certain", without_other_threads_a_deadlock_is_certain),
        (
            "threads_that_wake_us_and_end_are_not_taken_for_a_lost_wake_up",
            threads_that_wake_us_and_end_are_not_taken_for_a_lost_wake_up,
        ),
        ("idle_workers_are_no_company", idle_workers_are_no_company),
        ("an_abandoned_job_that_still_runs_is_company", an_abandoned_job_that_still_runs_is_company),
    ];

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

    /// A kernel's own worker that has nothing to do can wake nobody.
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

    /// A job that nobody waits for any more goes on, and may wake us.
    fn an_abandoned_job_that_still_runs_is_company() {
        static DONE: Event = Event::new();
        let (builder, reports) = with_reports(Kernel::builder());
        builder.run(async {
            let job = run_in_thread(|| {
                thread::sleep(ms(200));
                DONE.set();
            });
            assert!(ignore_after(ms(20), job).await.is_none());
            DONE.wait().await;
        });
        assert_eq!(*reports.borrow(), Vec::<String>::new());
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    harness::run(&on_linux::TESTS, on_linux::until_alone)
}

#[cfg(not(target_os = "linux"))]
fn main() {}

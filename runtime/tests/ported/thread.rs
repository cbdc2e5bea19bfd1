//! After Curio's `test_thread.py` and `test_workers.py`: threads that await, and calls that block.

use crate::common::{Log, ms, must_end, run_real, run_virtual, secs};
use curio::{
    Lock, TaskGroup, aopen, disable_cancellation, run_in_thread, scope, sleep, spawn, spawn_thread,
    timeout_after,
};
use std::process::Command;
use std::sync::mpsc;

#[test]
fn a_thread_waits_for_a_lock_that_a_task_holds() {
    static LOCK: Lock = Lock::new(());
    run_virtual(async {
        let log = Log::new();
        let guard = LOCK.acquire().await;
        let thread = spawn_thread(|thread| {
            thread
                .await_(|| async {
                    let _guard = LOCK.acquire().await;
                    curio::clock()
                })
                .unwrap()
        });
        sleep(ms(500)).await;
        log.note("lets go");
        let released = curio::clock();
        drop(guard);
        assert_eq!(thread.join().await.unwrap(), released);
        assert_eq!(log.take(), ["500 lets go"]);
        assert!(!LOCK.locked());
    });
}

#[test]
fn a_limit_inside_a_thread_passes_at_its_time() {
    run_virtual(async {
        let log = Log::new();
        let thread =
            spawn_thread(|thread| thread.await_(|| timeout_after(secs(1), sleep(secs(2)))).unwrap().is_err());
        assert!(thread.join().await.unwrap());
        log.note("given up");
        assert_eq!(log.take(), ["1000 given up"]);
    });
}

#[test]
fn a_thread_in_a_shield_hears_of_a_cancel_afterwards() {
    run_virtual(async {
        let log = Log::new();
        let (tell, told) = mpsc::channel();
        let thread = spawn_thread(move |thread| {
            let shielded = thread.await_(|| disable_cancellation(sleep(secs(1))));
            let after = thread.await_(|| sleep(secs(2)));
            tell.send((shielded.is_ok(), after.unwrap_err().is_cancelled())).unwrap();
        });
        sleep(ms(500)).await;
        thread.cancel().await;
        log.note("cancelled");
        assert_eq!(log.take(), ["1000 cancelled"], "the shield comes first");
        assert_eq!(told.recv().unwrap(), (true, true));
    });
}

#[test]
fn a_thread_reads_a_file_and_runs_a_program() {
    let path = std::env::temp_dir().join(format!("curio-thread-{}", std::process::id()));
    std::fs::write(&path, "line 1\nline 2\n").unwrap();
    let read = path.clone();
    run_real(async {
        let thread = spawn_thread(move |thread| {
            let text = thread.await_(|| async move { aopen(read, "r").await?.readall().await }).unwrap();
            let mut echo = Command::new("echo");
            echo.arg("hello");
            let said = thread.await_(|| curio::subprocess::check_output(echo)).unwrap();
            (text.unwrap(), said.unwrap())
        });
        let (text, said) = thread.join().await.unwrap();
        assert_eq!((&text[..], &said[..]), (&b"line 1\nline 2\n"[..], &b"hello\n"[..]));
    });
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_thread_may_have_a_group_of_tasks() {
    run_virtual(async {
        let thread = spawn_thread(|thread| {
            thread
                .await_(|| async {
                    let group = TaskGroup::new();
                    for n in [1, 2, 3] {
                        group.spawn(async move { n + n });
                    }
                    group.join().await
                })
                .unwrap()
                .unwrap()
        });
        assert_eq!(thread.join().await.unwrap(), [2, 4, 6]);
    });
}

#[test]
fn a_group_may_have_threads_for_members() {
    run_virtual(async {
        let group = TaskGroup::new();
        for n in [1, 2, 3] {
            group.add_task(spawn_thread(move |thread| {
                thread.await_(move || sleep(secs(4 - n))).unwrap();
                n + n
            }));
        }
        assert_eq!(group.next_result().await.unwrap().unwrap(), 6);
        assert_eq!(group.join().await.unwrap(), [2, 4]);
    });
}

/// Real time, as a virtual clock stands still as long as a thread works.
#[test]
fn a_limit_or_a_cancel_ends_the_wait_for_a_call_and_others_run_meanwhile() {
    must_end(|| {
        run_real(async {
            let (release, blocked) = mpsc::channel::<()>();
            let (release_too, blocked_too) = mpsc::channel::<()>();
            let ticks = &std::cell::Cell::new(0);
            scope(async move |s| {
                let ticking = s.spawn(async move {
                    loop {
                        sleep(ms(1)).await;
                        ticks.set(ticks.get() + 1);
                    }
                });
                timeout_after(ms(20), run_in_thread(move || blocked.recv().is_err())).await.unwrap_err();
                assert!(ticks.get() > 0);
                let call = spawn(run_in_thread(move || blocked_too.recv().is_err()));
                sleep(ms(2)).await;
                assert!(call.cancel().await);
                assert!(call.join().await.unwrap_err().is_cancelled());
                ticking.cancel().await;
            })
            .await;
            drop((release, release_too));
        });
    });
}

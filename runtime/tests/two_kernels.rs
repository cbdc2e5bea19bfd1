//! Futures that are begun in one kernel and finished in another one of the same thread.

mod common;

use common::{panic_of, secs, virtual_kernel};
use curio::{
    Outcome, TaskGroup, block_in_thread, clock, disable_cancellation, finally, ignore_after, race,
    run_in_thread, sleep, spawn, timeout_after,
};
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

/// Polls a future once in a kernel, which is shut down or kept.
fn begin<F: Future + ?Sized>(kernel: &mut curio::Kernel, mut future: Pin<&mut F>) {
    kernel.run(poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
}

#[test]
fn a_limit_that_was_begun_in_another_kernel_passes_in_this_one() {
    let mut limited = pin!(timeout_after(secs(2), pending::<()>()));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, limited.as_mut());
    drop(first);
    second.run(async {
        assert!(limited.await.is_err());
    });
}

/// Begins a body with a cleanup under a limit in one kernel, and awaits it in another one.
fn times_out_in_the_second_kernel(limit: u64) {
    let log = RefCell::new(Vec::new());
    let mut limited = pin!(ignore_after(
        secs(limit),
        finally(pending::<()>(), async |outcome| {
            sleep(secs(1)).await;
            log.borrow_mut().push(outcome);
        })
    ));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, limited.as_mut());
    second.run(async {
        assert!(limited.await.is_none());
    });
    assert_eq!(*log.borrow(), [Outcome::TimedOut]);
}

#[test]
fn a_limit_with_a_cleanup_inside_passes_and_cleans_up_in_the_kernel_it_was_moved_to() {
    times_out_in_the_second_kernel(2);
}

#[test]
fn a_limit_that_has_passed_stays_passed_in_the_kernel_it_is_moved_to() {
    times_out_in_the_second_kernel(0);
}

#[test]
fn a_shield_that_was_begun_in_another_kernel_shields_in_this_one() {
    let steps = RefCell::new(Vec::new());
    let mut shielded = pin!(disable_cancellation(async {
        sleep(secs(3)).await;
        steps.borrow_mut().push("shielded to its end");
    }));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, shielded.as_mut());
    second.run(async {
        ignore_after(secs(1), async {
            shielded.await;
            sleep(secs(1)).await;
            steps.borrow_mut().push("and further");
        })
        .await;
    });
    assert_eq!(*steps.borrow(), ["shielded to its end"]);
}

#[test]
fn a_race_that_is_decided_in_another_kernel_cleans_up_there() {
    let cleaned = RefCell::new(false);
    let mut racing =
        pin!(race((async { finally(pending::<()>(), async |_| sleep(secs(1)).await).await }, async {
            finally(sleep(secs(2)), async |_| *cleaned.borrow_mut() = true).await;
        },)));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, racing.as_mut());
    second.run(async {
        let start = clock();
        racing.await;
        assert!(clock() - start >= secs(1), "the loser's cleanup was waited for");
    });
    assert!(*cleaned.borrow());
}

#[test]
fn a_scope_cannot_be_moved_into_another_kernel_and_says_so() {
    let mut scoped = Box::pin(curio::scope(async |scope| {
        scope.spawn(pending::<()>());
        pending::<()>().await;
    }));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, scoped.as_mut());
    let message = panic_of(|| second.run(poll_fn(|cx| scoped.as_mut().poll(cx))));
    assert!(message.contains("scope") && message.contains("another kernel"), "{message}");
}

#[test]
fn a_limit_that_is_dropped_in_another_kernel_leaves_nothing_in_either() {
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    let seen = Rc::new(());
    let mut limited = Box::pin(timeout_after(secs(2), {
        let seen = Rc::clone(&seen);
        async move {
            let _seen = seen;
            disable_cancellation(sleep(secs(1))).await;
        }
    }));
    begin(&mut first, limited.as_mut());
    second.run(async move { drop(limited) });
    assert_eq!(Rc::strong_count(&seen), 1);
    let turn = first.turn(Some(secs(0)));
    assert_eq!(turn.next_deadline, None, "its timers are gone");
}

#[test]
fn a_clock_waits_for_a_thread_whose_call_was_begun_in_another_kernel() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let mut first_turn = pin!(block_in_thread("key", move || {
        let _ = blocked.recv();
        // Long enough for a clock that does not wait to jump.
        std::thread::sleep(std::time::Duration::from_millis(50));
        1
    }));
    let mut second_turn = pin!(block_in_thread("key", || 2));
    let (release_other, blocked) = std::sync::mpsc::channel::<()>();
    let mut call = pin!(run_in_thread(move || {
        let _ = blocked.recv();
        std::thread::sleep(std::time::Duration::from_millis(50));
        3
    }));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, first_turn.as_mut());
    begin(&mut first, second_turn.as_mut());
    begin(&mut first, call.as_mut());
    second.run(async {
        let start = clock();
        drop(release);
        assert_eq!(timeout_after(secs(1), second_turn).await.expect("it waits").unwrap(), 2);
        drop(release_other);
        assert_eq!(timeout_after(secs(1), call).await.expect("it waits").unwrap(), 3);
        assert_eq!(clock(), start);
    });
    drop(first);
}

#[test]
fn a_sleep_without_end_that_was_begun_in_another_kernel_is_one_of_this_kernel() {
    let mut endless = pin!(sleep(std::time::Duration::MAX));
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    begin(&mut first, endless.as_mut());
    let report = panic_of(|| second.run(endless));
    assert!(report.contains("a sleep without end waits for Ctrl-C"), "{report}");
}

/// Gives a group a member, and is cancelled. The group has to be waited for.
fn a_group_cleans_up_before_its_owner_ends(mut kernel: curio::Kernel, group: TaskGroup<()>) {
    let log = Rc::new(RefCell::new(Vec::new()));
    let notes = Rc::clone(&log);
    kernel.run(async {
        let owner = spawn(async move {
            group.spawn(async move {
                finally(pending::<()>(), async |_| {
                    sleep(secs(1)).await;
                    notes.borrow_mut().push("cleaned up");
                })
                .await;
            });
            pending::<()>().await;
        });
        sleep(secs(1)).await;
        owner.cancel().await;
        log.borrow_mut().push("owner ended");
        assert_eq!(*log.borrow(), ["cleaned up", "owner ended"]);
    });
}

#[test]
fn a_group_that_was_made_in_another_kernel_belongs_to_the_task_that_gives_it_a_member() {
    let (mut first, second) = (virtual_kernel(), virtual_kernel());
    // In a task with the same number as the one that uses it.
    let group = first.run(async { spawn(async { TaskGroup::new() }).join().await.unwrap() });
    a_group_cleans_up_before_its_owner_ends(second, group);
    drop(first);
}

#[test]
fn a_group_that_was_made_outside_of_a_kernel_belongs_to_the_task_that_gives_it_a_member() {
    a_group_cleans_up_before_its_owner_ends(virtual_kernel(), TaskGroup::new());
}

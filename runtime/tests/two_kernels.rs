//! Futures that are begun in one kernel and finished in another one of the same thread.

mod common;

use common::{panic_of, secs, virtual_kernel};
use curio::{Outcome, clock, disable_cancellation, finally, ignore_after, race, sleep, timeout_after};
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

#[test]
fn a_limit_with_a_cleanup_inside_passes_and_cleans_up_in_the_kernel_it_was_moved_to() {
    let log = RefCell::new(Vec::new());
    let mut limited = pin!(ignore_after(
        secs(2),
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
fn a_limit_that_has_passed_stays_passed_in_the_kernel_it_is_moved_to() {
    let log = RefCell::new(Vec::new());
    let mut limited = pin!(ignore_after(
        secs(0),
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

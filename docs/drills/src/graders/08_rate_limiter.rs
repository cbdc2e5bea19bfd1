//! Drill 8: a rate limiter.

use crate::{Check, reached};
use curio::{clock, ignore_after, sleep, spawn_named};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// So many calls in a period, and no more.
pub trait RateLimiterDrill: 'static {
    /// Lets `most` calls pass in any stretch of time as long as `period`.
    fn new(most: usize, period: Duration) -> Self;
    /// Waits until this call may pass.
    fn pass(&self) -> impl Future<Output = ()>;
}

/// The checks, from the plainest on.
pub fn checks<L: RateLimiterDrill>() -> Vec<Check> {
    vec![
        Check::new("Calls within the limit pass at once.", at_once::<L>),
        Check::new("Calls beyond the limit pass as soon as they may, and not before.", as_soon::<L>),
        Check::new(
            "No stretch of a period has more calls than the limit, wherever it begins.",
            any_stretch::<L>,
        ),
        Check::new("Calls pass in the order in which they came.", in_order::<L>),
        Check::new("A call that gave up has used nothing of the limit.", gives_up::<L>),
    ]
}

const SECOND: Duration = Duration::from_secs(1);

async fn at_once<L: RateLimiterDrill>() {
    let (limiter, start) = (L::new(3, SECOND), clock());
    for _ in 0..3 {
        limiter.pass().await;
    }
    assert_eq!(clock() - start, Duration::ZERO, "three calls in a second are within the limit");
}

async fn as_soon<L: RateLimiterDrill>() {
    let (limiter, start) = (L::new(2, SECOND), clock());
    for seconds in [0, 0, 1, 1, 2] {
        limiter.pass().await;
        let passed = clock() - start;
        assert_eq!(
            passed,
            seconds * SECOND,
            "five calls, two in a second: they pass after 0, 0, 1, 1 and 2 seconds"
        );
        reached(&format!("a call has passed after {seconds} s"));
    }
}

async fn any_stretch<L: RateLimiterDrill>() {
    let (limiter, start) = (L::new(3, SECOND), clock());
    let mut passed = Vec::new();
    for pause in [0, 900, 0, 150, 0, 0, 700, 0, 0, 0] {
        sleep(Duration::from_millis(pause)).await;
        limiter.pass().await;
        passed.push(clock() - start);
        if let [.., first, _, _, last] = passed[..] {
            let stretch = last - first;
            assert!(stretch >= SECOND, "four calls have passed within {stretch:?}: after {passed:?}");
        }
    }
}

async fn in_order<L: RateLimiterDrill>() {
    let limiter = Rc::new(L::new(1, SECOND));
    let (came, passed) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let tasks = ["a", "b", "c", "d"].map(|name| {
        let (limiter, came, passed) = (Rc::clone(&limiter), Rc::clone(&came), Rc::clone(&passed));
        spawn_named(name, async move {
            came.borrow_mut().push(name);
            limiter.pass().await;
            passed.borrow_mut().push(name);
        })
    });
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(passed.take(), came.take(), "found: who has passed; expected: who came, in this order");
}

async fn gives_up<L: RateLimiterDrill>() {
    let (limiter, start) = (L::new(1, SECOND), clock());
    limiter.pass().await;
    let given_up = ignore_after(SECOND / 2, limiter.pass()).await;
    assert!(given_up.is_none(), "two calls have passed within half a second, and one in a second may");
    reached("after half a second a call has given up");
    limiter.pass().await;
    assert_eq!(
        clock() - start,
        SECOND,
        "one call has passed at the beginning, so this one may after a second"
    );
}

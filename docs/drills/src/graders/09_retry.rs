//! Drill 9: a retry with backoff.

use crate::{Check, reached};
use curio::{clock, sleep};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::time::Duration;

/// How often to try, and how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How many attempts there are in all, at least 1.
    pub attempts: u32,
    /// How long the pause after the first attempt is. Each one after that is twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// How long one attempt may take.
    pub limit: Duration,
}

/// Why an attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// In a way that may be over soon. With the number of the attempt.
    Temporary(u32),
    /// In a way that another attempt does not change.
    Permanent,
    /// It took longer than one attempt may take.
    OutOfTime,
}

/// Trying again.
pub trait RetryDrill: 'static {
    /// Calls `attempt` until it succeeds, fails for good, or has been called as often as the policy allows. Failures that are
    /// temporary or out of time are followed by another attempt.
    fn retry<T>(
        policy: Policy,
        attempt: impl AsyncFnMut() -> Result<T, Failed>,
    ) -> impl Future<Output = Result<T, Failed>>;
}

/// The checks, from the plainest on.
pub fn checks<R: RetryDrill>() -> Vec<Check> {
    vec![
        Check::new("A success at the first attempt is returned at once.", success::<R>),
        Check::new("Pauses double after each failure, up to the longest.", pauses::<R>),
        Check::new(
            "The failure of the last attempt is returned, without a pause after it.",
            last_failure::<R>,
        ),
        Check::new("A permanent failure is returned at once.", permanent::<R>),
        Check::new("An attempt that takes too long is ended before the next one begins.", out_of_time::<R>),
        Check::new("A hundred attempts are possible.", hundred::<R>),
    ]
}

const SECOND: Duration = Duration::from_secs(1);
const POLICY: Policy =
    Policy { attempts: 6, first_pause: SECOND, longest_pause: Duration::from_secs(4), limit: SECOND };

async fn success<R: RetryDrill>() {
    let start = clock();
    assert_eq!(R::retry(POLICY, async || Ok("done")).await, Ok("done"));
    assert_eq!(clock() - start, Duration::ZERO, "the first attempt has succeeded at once");
}

async fn pauses<R: RetryDrill>() {
    let (start, begun) = (clock(), RefCell::new(Vec::new()));
    let attempt = async || {
        begun.borrow_mut().push((clock() - start).as_secs());
        reached(&format!("an attempt, after {} s", (clock() - start).as_secs()));
        let number = begun.borrow().len();
        if number < 6 { Err(Failed::Temporary(number as u32)) } else { Ok(number) }
    };
    assert_eq!(R::retry(POLICY, attempt).await, Ok(6), "the sixth attempt succeeds");
    assert_eq!(begun.take(), [0, 1, 3, 7, 11, 15], "after so many seconds the attempts have begun");
}

async fn last_failure<R: RetryDrill>() {
    let (start, number) = (clock(), Cell::new(0));
    let attempt = async || {
        number.set(number.get() + 1);
        Err::<(), _>(Failed::Temporary(number.get()))
    };
    let policy = Policy { attempts: 3, ..POLICY };
    assert_eq!(
        R::retry(policy, attempt).await,
        Err(Failed::Temporary(3)),
        "three attempts, all of which fail"
    );
    assert_eq!(clock() - start, 3 * SECOND, "two pauses, of one second and of two");
}

async fn permanent<R: RetryDrill>() {
    let (start, number) = (clock(), Cell::new(0));
    let attempt = async || {
        number.set(number.get() + 1);
        if number.get() == 1 { Err(Failed::Temporary(1)) } else { Err::<(), _>(Failed::Permanent) }
    };
    assert_eq!(R::retry(POLICY, attempt).await, Err(Failed::Permanent));
    assert_eq!(number.get(), 2, "the second attempt has failed for good; so many were made");
    assert_eq!(clock() - start, SECOND, "one pause, of a second");
}

/// Counts an attempt as running until it is dropped.
struct Running<'a>(&'a Cell<u32>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn out_of_time<R: RetryDrill>() {
    let (start, number, running) = (clock(), Cell::new(0), Cell::new(0));
    let attempt = async || {
        number.set(number.get() + 1);
        running.set(running.get() + 1);
        let _running = Running(&running);
        assert_eq!(running.get(), 1, "so many attempts run at the same time");
        match number.get() {
            1 => pending().await,
            2 => sleep(SECOND / 2).await,
            _ => pending().await,
        }
        Err::<(), _>(Failed::Temporary(number.get()))
    };
    let policy = Policy { attempts: 3, ..POLICY };
    assert_eq!(
        R::retry(policy, attempt).await,
        Err(Failed::OutOfTime),
        "the last attempt never ends by itself"
    );
    let (attempts, pauses) = (SECOND + SECOND / 2 + SECOND, 3 * SECOND);
    assert_eq!(clock() - start, attempts + pauses, "attempts of 1, 0.5 and 1 s, with pauses of 1 and 2 s");
}

async fn hundred<R: RetryDrill>() {
    let start = clock();
    let policy = Policy { attempts: 100, ..POLICY };
    let failed = R::retry(policy, async || Err::<(), _>(Failed::Temporary(0))).await;
    assert_eq!(failed, Err(Failed::Temporary(0)));
    assert_eq!(clock() - start, (1 + 2 + 97 * 4) * SECOND, "pauses of 1 and 2 s, then of 4 s each");
}

//! Drill 5: a race of two futures.

use super::by_hand::poll_once;
use crate::{Check, reached};
use curio::{clock, sleep};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

/// Two futures in one task, of which the first to be ready wins.
pub trait RaceDrill: 'static {
    /// Runs both until one is ready, and returns its output.
    fn race<T: 'static>(
        first: impl Future<Output = T> + 'static,
        second: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T>;
}

/// The checks, from the plainest on.
pub fn checks<R: RaceDrill>() -> Vec<Check> {
    vec![
        Check::new("The future that is ready first wins, and the race takes no longer than it.", winner::<R>),
        Check::new(
            "Of two futures that are ready the first one wins, and the second one is not polled.",
            tie::<R>,
        ),
        Check::new("The loser has been dropped when the race returns.", loser::<R>),
        Check::new("A race that is dropped drops both futures.", dropped_race::<R>),
    ]
}

/// Sets its flag when it is dropped.
struct Dropped(Rc<Cell<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

async fn after(seconds: u64, name: &'static str) -> &'static str {
    sleep(Duration::from_secs(seconds)).await;
    name
}

async fn winner<R: RaceDrill>() {
    let start = clock();
    assert_eq!(R::race(after(1, "quick"), after(2, "slow")).await, "quick");
    assert_eq!(clock() - start, Duration::from_secs(1), "the quick one takes a second");
    reached("the quick future has won as the first of two");
    assert_eq!(R::race(after(2, "slow"), after(1, "quick")).await, "quick");
    assert_eq!(clock() - start, Duration::from_secs(2), "the quick one takes a second");
    sleep(Duration::from_secs(2)).await;
}

async fn tie<R: RaceDrill>() {
    let polled = Rc::new(Cell::new(false));
    let its = Rc::clone(&polled);
    let second = async move {
        its.set(true);
        "second"
    };
    assert_eq!(R::race(async { "first" }, second).await, "first", "both futures were ready");
    assert!(!polled.get(), "the first future was ready, and the second one was polled all the same");
}

async fn loser<R: RaceDrill>() {
    for order in 0..2 {
        let dropped = Rc::new(Cell::new(false));
        let flag = Dropped(Rc::clone(&dropped));
        let loser = async move {
            let _flag = flag;
            pending().await
        };
        match order {
            0 => R::race(loser, after(1, "quick")).await,
            _ => R::race(after(1, "quick"), loser).await,
        };
        assert!(dropped.get(), "the race has returned, and the loser is still there");
    }
}

async fn dropped_race<R: RaceDrill>() {
    let flags = [(); 2].map(|()| Rc::new(Cell::new(false)));
    let [first, second] = flags.each_ref().map(|flag| {
        let flag = Dropped(Rc::clone(flag));
        async move {
            let _flag = flag;
            pending::<()>().await;
        }
    });
    let mut race = Box::pin(R::race(first, second));
    assert!(poll_once(&mut race).await.is_pending(), "neither future is ever ready");
    drop(race);
    for flag in flags {
        assert!(flag.get(), "the race was dropped, and one of its futures is still there");
    }
}

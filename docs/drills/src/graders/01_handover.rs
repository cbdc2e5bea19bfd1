//! Drill 1: a wake that is not lost.

use super::by_hand::poll_once;
use crate::{Check, reached};
use curio::{schedule, sleep, spawn_named};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// One task hands values to another one, one at a time.
pub trait HandoverDrill: 'static {
    /// Nothing has been put in yet.
    fn new() -> Self;
    /// Puts a value in, for the task that takes it.
    fn put(&self, value: u32);
    /// Waits until there is a value, and takes it out.
    fn take(&self) -> impl Future<Output = u32>;
}

/// The checks, from the plainest on.
pub fn checks<H: HandoverDrill>() -> Vec<Check> {
    vec![
        Check::new("A value that is there already is taken in the first poll.", value_is_there::<H>),
        Check::new("A task that waits for a value goes on when it is put in.", waiter_goes_on::<H>),
        Check::new(
            "A task that waits is not polled before there is something for it.",
            no_needless_polls::<H>,
        ),
        Check::new("A value is taken once, and the next take waits for the next value.", one_by_one::<H>),
        Check::new("The task that polled last is woken, even if another one polled first.", last_poller::<H>),
        Check::new("A take that is dropped takes no value with it.", dropped_take::<H>),
    ]
}

async fn value_is_there<H: HandoverDrill>() {
    let handover = H::new();
    handover.put(7);
    let mut take = Box::pin(handover.take());
    assert_eq!(poll_once(&mut take).await, Poll::Ready(7), "7 was put in before the take was polled");
}

async fn waiter_goes_on<H: HandoverDrill>() {
    let handover = Rc::new(H::new());
    let its = Rc::clone(&handover);
    let taker = spawn_named("taker", async move { its.take().await });
    let its = Rc::clone(&handover);
    let putter = spawn_named("putter", async move {
        schedule().await;
        reached("the taker has been polled, and waits");
        its.put(7);
    });
    putter.join().await.unwrap();
    assert_eq!(taker.join().await.unwrap(), 7, "7 was put in, and something else was taken out");
}

async fn no_needless_polls<H: HandoverDrill>() {
    let handover = Rc::new(H::new());
    let its = Rc::clone(&handover);
    let taker = spawn_named("taker", async move { its.take().await });
    for _ in 0..5 {
        schedule().await;
    }
    let polls = taker.info().cycles();
    assert!(polls <= 1, "nothing was put in, and the taker has been polled {polls} times");
    handover.put(7);
    assert_eq!(taker.join().await.unwrap(), 7);
}

async fn one_by_one<H: HandoverDrill>() {
    let handover = Rc::new(H::new());
    let its = Rc::clone(&handover);
    let putter = spawn_named("putter", async move {
        for value in [1, 2, 3] {
            sleep(Duration::from_secs(1)).await;
            its.put(value);
        }
    });
    for value in [1, 2, 3] {
        assert_eq!(handover.take().await, value, "the values are put in one second apart: 1, 2, 3");
        reached(&format!("{value} was taken"));
    }
    putter.join().await.unwrap();
}

async fn last_poller<H: HandoverDrill>() {
    let handover = Rc::new(H::new());
    let its = Rc::clone(&handover);
    let mut take = Box::pin(async move { its.take().await });
    assert!(poll_once(&mut take).await.is_pending(), "nothing was put in");
    reached("main has polled the take, and gives it to another task");
    let taker = spawn_named("taker", take);
    sleep(Duration::from_secs(1)).await;
    handover.put(7);
    assert_eq!(taker.join().await.unwrap(), 7);
}

async fn dropped_take<H: HandoverDrill>() {
    let handover = H::new();
    let mut first = Box::pin(handover.take());
    assert!(poll_once(&mut first).await.is_pending(), "nothing was put in");
    handover.put(7);
    drop(first);
    reached("the take that waited was dropped when there was a value for it");
    let mut second = Box::pin(handover.take());
    assert_eq!(poll_once(&mut second).await, Poll::Ready(7), "7 was put in, and no take has returned it");
}

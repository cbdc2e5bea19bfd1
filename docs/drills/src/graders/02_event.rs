//! Drill 2: an event.

use super::by_hand::{all_others_wait, poll_once};
use crate::{Check, reached};
use curio::spawn_named;
use std::rc::Rc;

/// A flag that any number of tasks wait for.
pub trait EventDrill: 'static {
    /// An event that is not set.
    fn new() -> Self;
    /// Sets the flag, and releases every task that waits.
    fn set(&self);
    /// Clears the flag.
    fn clear(&self);
    /// Whether the flag is set.
    fn is_set(&self) -> bool;
    /// Waits until the flag is set, or goes on at once if it is.
    fn wait(&self) -> impl Future<Output = ()>;
    /// How many waits are kept: those that have been polled, and have been neither released nor dropped.
    fn waiting(&self) -> usize;
}

/// The checks, from the plainest on.
pub fn checks<E: EventDrill>() -> Vec<Check> {
    vec![
        Check::new("A wait goes on at once if the event is set.", set_before::<E>),
        Check::new("No task goes on before the event is set, and then all do.", set_releases_all::<E>),
        Check::new(
            "A wait that set has released goes on, even if clear comes before it runs.",
            set_then_clear::<E>,
        ),
        Check::new("A wait that begins after clear waits for the next set.", wait_after_clear::<E>),
        Check::new(
            "A wait that is polled twice is one wait, and one that is dropped is forgotten.",
            no_traces::<E>,
        ),
    ]
}

async fn set_before<E: EventDrill>() {
    let event = E::new();
    assert!(!event.is_set(), "an event that is new is not set");
    event.set();
    assert!(event.is_set(), "the event was set");
    assert!(poll_once(&mut Box::pin(event.wait())).await.is_ready(), "the event was set before the wait");
}

async fn set_releases_all<E: EventDrill>() {
    let event = Rc::new(E::new());
    let waiters = ["first", "second", "third"].map(|name| {
        let event = Rc::clone(&event);
        spawn_named(name, async move {
            event.wait().await;
            assert!(event.is_set(), "a task went on although the event was not set");
        })
    });
    all_others_wait().await;
    reached("three tasks wait");
    event.set();
    for waiter in waiters {
        waiter.join().await.unwrap();
    }
}

async fn set_then_clear<E: EventDrill>() {
    let event = Rc::new(E::new());
    let waiters = ["first", "second"].map(|name| {
        let event = Rc::clone(&event);
        spawn_named(name, async move { event.wait().await })
    });
    all_others_wait().await;
    reached("two tasks wait");
    event.set();
    event.clear();
    for waiter in waiters {
        waiter.join().await.unwrap();
    }
}

async fn wait_after_clear<E: EventDrill>() {
    let event = E::new();
    event.set();
    event.clear();
    assert!(!event.is_set(), "the event was cleared");
    let mut wait = Box::pin(event.wait());
    assert!(poll_once(&mut wait).await.is_pending(), "the event was cleared before the wait");
    event.set();
    assert!(poll_once(&mut wait).await.is_ready(), "the event was set again");
}

async fn no_traces<E: EventDrill>() {
    let event = E::new();
    let mut waits = [(); 3].map(|()| Box::pin(event.wait()));
    for wait in &mut waits {
        assert!(poll_once(wait).await.is_pending(), "the event is not set");
        assert!(poll_once(wait).await.is_pending(), "the event is not set");
    }
    assert_eq!(event.waiting(), 3, "three waits were polled twice each");
    reached("three waits are kept");
    let [first, second, third] = waits;
    drop(second);
    assert_eq!(event.waiting(), 2, "one of three waits was dropped");
    drop((first, third));
    assert_eq!(event.waiting(), 0, "all waits were dropped");
}

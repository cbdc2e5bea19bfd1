//! Drill 3: a semaphore without barging.

use super::by_hand::{all_others_wait, poll_once};
use crate::{Check, reached};
use curio::{clock, schedule, sleep_until, spawn_named};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// A number of permits.
pub trait SemaphoreDrill: 'static {
    /// A semaphore with so many permits.
    fn new(permits: usize) -> Self;
    /// Waits for a permit, and takes it.
    fn acquire(&self) -> impl Future<Output = ()>;
    /// Takes a permit if one is free, without waiting.
    fn try_acquire(&self) -> bool;
    /// Gives a permit back.
    fn release(&self);
    /// How many permits are free.
    fn free(&self) -> usize;
}

/// The checks, from the plainest on.
pub fn checks<S: SemaphoreDrill>() -> Vec<Check> {
    vec![
        Check::new("A free permit is taken without waiting, and with none left acquire waits.", takes::<S>),
        Check::new("No more tasks hold a permit at a time than there are permits.", at_most::<S>),
        Check::new("Permits go to the tasks in the order in which they came.", in_order::<S>),
        Check::new("A permit that was released for a waiter is taken by no other task.", no_barging::<S>),
        Check::new("A wait that is dropped gets no permit.", gives_up::<S>),
        Check::new("A wait that is dropped after it was granted a permit passes it on.", passes_on::<S>),
    ]
}

async fn takes<S: SemaphoreDrill>() {
    let semaphore = S::new(2);
    assert!(poll_once(&mut Box::pin(semaphore.acquire())).await.is_ready(), "two permits were free");
    assert!(semaphore.try_acquire(), "one permit was free");
    assert_eq!(semaphore.free(), 0, "both permits were taken");
    assert!(!semaphore.try_acquire(), "no permit was free, and try_acquire took one");
    let mut third = Box::pin(semaphore.acquire());
    assert!(poll_once(&mut third).await.is_pending(), "no permit was free, and acquire took one");
    semaphore.release();
    assert!(poll_once(&mut third).await.is_ready(), "a permit was released");
}

async fn at_most<S: SemaphoreDrill>() {
    let (semaphore, holders) = (Rc::new(S::new(2)), Rc::new(Cell::new(0)));
    let tasks = [(); 5].map(|()| {
        let (semaphore, holders) = (Rc::clone(&semaphore), Rc::clone(&holders));
        spawn_named("worker", async move {
            semaphore.acquire().await;
            holders.set(holders.get() + 1);
            assert!(holders.get() <= 2, "{} tasks hold one of two permits", holders.get());
            schedule().await;
            holders.set(holders.get() - 1);
            semaphore.release();
        })
    });
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(semaphore.free(), 2, "all tasks have released their permits");
}

async fn in_order<S: SemaphoreDrill>() {
    let semaphore = Rc::new(S::new(1));
    let (came, served) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    semaphore.acquire().await;
    let tasks = ["a", "b", "c", "d"].map(|name| {
        let (semaphore, came, served) = (Rc::clone(&semaphore), Rc::clone(&came), Rc::clone(&served));
        spawn_named(name, async move {
            came.borrow_mut().push(name);
            semaphore.acquire().await;
            served.borrow_mut().push(name);
            semaphore.release();
        })
    });
    all_others_wait().await;
    reached("four tasks wait");
    semaphore.release();
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(served.take(), came.take(), "found: who got a permit; expected: who came, in this order");
}

async fn no_barging<S: SemaphoreDrill>() {
    let semaphore = Rc::new(S::new(1));
    semaphore.acquire().await;
    let waiter = spawn_named("waiter", {
        let semaphore = Rc::clone(&semaphore);
        async move { semaphore.acquire().await }
    });
    all_others_wait().await;
    reached("main holds the only permit, and the waiter waits for it");
    let newcomer = spawn_named("newcomer", {
        let semaphore = Rc::clone(&semaphore);
        async move { assert!(!semaphore.try_acquire(), "the newcomer took the permit before the waiter") }
    });
    let holder = spawn_named("holder", async move { semaphore.release() });
    for task in [holder, newcomer, waiter] {
        task.join().await.unwrap();
    }
}

async fn gives_up<S: SemaphoreDrill>() {
    let semaphore = Rc::new(S::new(1));
    semaphore.acquire().await;
    let mut first = Box::pin(semaphore.acquire());
    assert!(poll_once(&mut first).await.is_pending(), "main holds the only permit");
    let second = spawn_named("second", {
        let semaphore = Rc::clone(&semaphore);
        async move { semaphore.acquire().await }
    });
    all_others_wait().await;
    drop(first);
    reached("the first wait was dropped, the second one goes on waiting");
    semaphore.release();
    second.join().await.unwrap();
    semaphore.release();
    assert_eq!(semaphore.free(), 1, "the permit was released twice, and taken twice");
}

async fn passes_on<S: SemaphoreDrill>() {
    let semaphore = Rc::new(S::new(1));
    semaphore.acquire().await;
    let later = clock() + Duration::from_secs(1);
    let its = Rc::clone(&semaphore);
    let quitter = spawn_named("quitter", async move {
        let mut wait = Box::pin(its.acquire());
        assert!(poll_once(&mut wait).await.is_pending(), "main holds the only permit");
        sleep_until(later).await;
        drop(wait);
    });
    all_others_wait().await;
    let its = Rc::clone(&semaphore);
    let second = spawn_named("second", async move { its.acquire().await });
    all_others_wait().await;
    reached(
        "two waits stand in line; after a second main releases the permit, and the first wait is dropped",
    );
    sleep_until(later).await;
    semaphore.release();
    quitter.join().await.unwrap();
    second.join().await.unwrap();
}

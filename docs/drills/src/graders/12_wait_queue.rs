//! Drill 12: a mistake in a wait queue.

use super::by_hand::{all_others_wait, poll_once};
use crate::{Check, reached};
use curio::{sleep, spawn_named};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Waits in a line, of which the first one is granted its turn.
pub trait WaitQueueDrill: 'static {
    /// No wait is in line.
    fn new() -> Self;
    /// Enters the line in its first poll, and waits for its turn.
    fn wait(&self) -> impl Future<Output = ()>;
    /// Grants the first wait its turn, and takes it out of the line. False if none is in line.
    fn grant_first(&self) -> bool;
    /// How many places there are, in use or not.
    fn places(&self) -> usize;
}

/// The checks, from the plainest on.
pub fn checks<Q: WaitQueueDrill>() -> Vec<Check> {
    vec![
        Check::new("Turns are granted in the order in which the waits came.", in_order::<Q>),
        Check::new("A wait that is dropped leaves the others in their order.", leaves::<Q>),
        Check::new("A wait that was granted its turn and is dropped passes it on.", passes_on::<Q>),
        Check::new(
            "A wait that was granted its turn goes on, whichever waits come after it.",
            keeps_its_turn::<Q>,
        ),
        Check::new("There are no more places than there were waits at the same time.", places::<Q>),
    ]
}

async fn in_order<Q: WaitQueueDrill>() {
    let queue = Rc::new(Q::new());
    assert!(!queue.grant_first(), "no wait is in line");
    let (came, served) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let tasks = ["a", "b", "c"].map(|name| {
        let (queue, came, served) = (Rc::clone(&queue), Rc::clone(&came), Rc::clone(&served));
        spawn_named(name, async move {
            came.borrow_mut().push(name);
            queue.wait().await;
            served.borrow_mut().push(name);
        })
    });
    all_others_wait().await;
    for _ in 0..3 {
        assert!(queue.grant_first(), "a wait is in line");
        all_others_wait().await;
    }
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(served.take(), came.take(), "found: who got a turn; expected: who came, in this order");
}

async fn leaves<Q: WaitQueueDrill>() {
    let queue = Q::new();
    let [mut first, mut second, mut third] = [(); 3].map(|()| Box::pin(queue.wait()));
    for wait in [&mut first, &mut second, &mut third] {
        assert!(poll_once(wait).await.is_pending(), "it was not granted its turn");
    }
    drop(second);
    reached("the second of three waits was dropped");
    assert!(queue.grant_first(), "two waits are in line");
    assert!(
        poll_once(&mut third).await.is_pending(),
        "the first of three was granted its turn, not the third"
    );
    assert!(poll_once(&mut first).await.is_ready(), "the first of three was granted its turn");
    assert!(queue.grant_first(), "one wait is in line");
    assert!(poll_once(&mut third).await.is_ready(), "the third of three was granted its turn");
    assert!(!queue.grant_first(), "no wait is in line");
}

async fn passes_on<Q: WaitQueueDrill>() {
    let queue = Rc::new(Q::new());
    let mut first = Box::pin(queue.wait());
    assert!(poll_once(&mut first).await.is_pending(), "it was not granted its turn");
    let its = Rc::clone(&queue);
    let second = spawn_named("second", async move { its.wait().await });
    all_others_wait().await;
    assert!(queue.grant_first(), "two waits are in line");
    drop(first);
    reached("the first wait was granted its turn and dropped, the second one is in line");
    second.join().await.unwrap();
}

async fn keeps_its_turn<Q: WaitQueueDrill>() {
    let queue = Rc::new(Q::new());
    let its = Rc::clone(&queue);
    let first = spawn_named("first", async move { its.wait().await });
    all_others_wait().await;
    reached("the first wait is in line; it will be granted its turn, and at the same time a newcomer enters");
    let its = Rc::clone(&queue);
    let newcomer = spawn_named("newcomer", async move { its.wait().await });
    assert!(queue.grant_first(), "one wait is in line");
    first.join().await.unwrap();
    reached("the first wait has gone on");
    sleep(Duration::from_secs(1)).await;
    assert!(!newcomer.is_terminated(), "one turn was granted, and two waits went on");
    assert!(queue.grant_first(), "the newcomer is in line");
    newcomer.join().await.unwrap();
}

async fn places<Q: WaitQueueDrill>() {
    let queue = Q::new();
    for _ in 0..50 {
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(queue.wait()));
        assert!(poll_once(&mut first).await.is_pending(), "it was not granted its turn");
        assert!(poll_once(&mut second).await.is_pending(), "it was not granted its turn");
        assert!(queue.grant_first(), "two waits are in line");
        assert!(poll_once(&mut first).await.is_ready(), "it was granted its turn");
    }
    assert_eq!(queue.places(), 2, "there were never more than two waits at the same time");
}

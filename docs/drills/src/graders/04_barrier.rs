//! Drill 4: a barrier.

use super::by_hand::poll_once;
use crate::{Check, reached};
use curio::spawn_named;
use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;

/// A point at which a number of tasks wait for one another.
pub trait BarrierDrill: 'static {
    /// A barrier for so many tasks.
    fn new(tasks: usize) -> Self;
    /// Waits until all have arrived. True for the last one to arrive.
    fn wait(&self) -> impl Future<Output = bool>;
}

/// The checks, from the plainest on.
pub fn checks<B: BarrierDrill>() -> Vec<Check> {
    vec![
        Check::new(
            "No task goes on before the last one has arrived, and the last one does not wait.",
            last_one::<B>,
        ),
        Check::new(
            "When the last task arrives all go on, and exactly one is told that it was the last.",
            leader::<B>,
        ),
        Check::new("A barrier holds the tasks in every round, not only in the first.", rounds::<B>),
        Check::new("A wait that is dropped does not count as an arrival.", not_counted::<B>),
        Check::new(
            "A wait that is dropped after its round was over takes nothing from the next one.",
            next_round::<B>,
        ),
    ]
}

async fn last_one<B: BarrierDrill>() {
    let barrier = B::new(3);
    let [mut first, mut second, mut third] = [(); 3].map(|()| Box::pin(barrier.wait()));
    assert!(poll_once(&mut first).await.is_pending(), "one of three has arrived");
    assert!(poll_once(&mut second).await.is_pending(), "two of three have arrived");
    assert!(
        poll_once(&mut first).await.is_pending(),
        "two of three have arrived, and the first was polled again"
    );
    assert_eq!(poll_once(&mut third).await, Poll::Ready(true), "the last of three has arrived");
    assert_eq!(poll_once(&mut first).await, Poll::Ready(false), "all have arrived");
    assert_eq!(poll_once(&mut second).await, Poll::Ready(false), "all have arrived");
}

async fn leader<B: BarrierDrill>() {
    let barrier = Rc::new(B::new(3));
    let tasks = ["first", "second", "third"].map(|name| {
        let barrier = Rc::clone(&barrier);
        spawn_named(name, async move { barrier.wait().await })
    });
    let mut leaders = 0;
    for task in tasks {
        leaders += u32::from(task.join().await.unwrap());
    }
    assert_eq!(leaders, 1, "one of three tasks was the last to arrive");
}

async fn rounds<B: BarrierDrill>() {
    let barrier = Rc::new(B::new(3));
    let arrived: Rc<[Cell<u32>; 4]> = Rc::default();
    let tasks = ["a", "b", "c"].map(|name| {
        let (barrier, arrived) = (Rc::clone(&barrier), Rc::clone(&arrived));
        spawn_named(name, async move {
            for (number, round) in arrived.iter().enumerate() {
                round.set(round.get() + 1);
                barrier.wait().await;
                assert_eq!(
                    round.get(),
                    3,
                    "task {name} went on in round {number}; so many tasks had arrived there"
                );
                reached(&format!("task {name} goes on from round {number}"));
            }
        })
    });
    for task in tasks {
        task.join().await.unwrap();
    }
}

async fn not_counted<B: BarrierDrill>() {
    let barrier = B::new(2);
    let mut first = Box::pin(barrier.wait());
    assert!(poll_once(&mut first).await.is_pending(), "one of two has arrived");
    drop(first);
    reached("the only wait was dropped");
    let (mut second, mut third) = (Box::pin(barrier.wait()), Box::pin(barrier.wait()));
    assert!(poll_once(&mut second).await.is_pending(), "one of two waits, the other one was dropped");
    assert!(poll_once(&mut third).await.is_ready(), "two of two wait");
}

async fn next_round<B: BarrierDrill>() {
    let barrier = Rc::new(B::new(2));
    let mut first = Box::pin(barrier.wait());
    assert!(poll_once(&mut first).await.is_pending(), "one of two has arrived");
    assert!(poll_once(&mut Box::pin(barrier.wait())).await.is_ready(), "two of two have arrived");
    drop(first);
    reached("the round is over, and a wait of it was dropped before it was polled again");
    let tasks = ["third", "fourth"].map(|name| {
        let barrier = Rc::clone(&barrier);
        spawn_named(name, async move { barrier.wait().await })
    });
    for task in tasks {
        task.join().await.unwrap();
    }
}

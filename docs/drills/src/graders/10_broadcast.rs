//! Drill 10: a broadcast.

use super::by_hand::all_others_wait;
use crate::{Check, reached};
use curio::{ignore_after, schedule, sleep, spawn_named};
use std::rc::Rc;
use std::time::Duration;

/// What a receiver gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The next value.
    Value(u32),
    /// So many values were dropped before this receiver came to them.
    Missed(u64),
    /// There will be no more values.
    Closed,
}

/// Values that every receiver gets.
pub trait BroadcastDrill: 'static {
    /// What gets them.
    type Receiver: ReceiverDrill;
    /// Keeps the last `capacity` values for receivers that are late.
    fn new(capacity: usize) -> Self;
    /// A receiver of the values that are sent from now on.
    fn subscribe(&self) -> Self::Receiver;
    /// Sends a value to all receivers, without waiting. If more than `capacity` values are kept then, the oldest is dropped.
    fn send(&self, value: u32);
    /// There will be no more values.
    fn close(&self);
    /// How many values are kept.
    fn kept(&self) -> usize;
}

/// One of the receivers.
pub trait ReceiverDrill: 'static {
    /// Waits for the next value, and takes it.
    fn recv(&mut self) -> impl Future<Output = Received>;
}

/// The checks, from the plainest on.
pub fn checks<B: BroadcastDrill>() -> Vec<Check> {
    vec![
        Check::new(
            "A receiver gets what was sent after it has subscribed, and nothing from before.",
            subscribes::<B>,
        ),
        Check::new("Every receiver gets every value, in the order of sending.", every_value::<B>),
        Check::new("No more values are kept than the capacity.", kept::<B>),
        Check::new("A receiver that fell behind is told how many values it has missed.", missed::<B>),
        Check::new(
            "After close, receivers get what is kept, and then Closed; those that wait, at once.",
            closed::<B>,
        ),
        Check::new("A recv that is dropped loses no value.", dropped_recv::<B>),
    ]
}

async fn subscribes<B: BroadcastDrill>() {
    let broadcast = B::new(4);
    let mut early = broadcast.subscribe();
    broadcast.send(1);
    let mut late = broadcast.subscribe();
    broadcast.send(2);
    reached("1 and 2 were sent");
    assert_eq!(early.recv().await, Received::Value(1), "it subscribed before 1 was sent");
    assert_eq!(early.recv().await, Received::Value(2));
    assert_eq!(late.recv().await, Received::Value(2), "it subscribed after 1 was sent");
}

async fn every_value<B: BroadcastDrill>() {
    let broadcast = Rc::new(B::new(4));
    let receivers = ["first", "second", "third"].map(|name| {
        let mut receiver = broadcast.subscribe();
        spawn_named(name, async move {
            for value in 0..6 {
                assert_eq!(
                    receiver.recv().await,
                    Received::Value(value),
                    "0 to 5 were sent, one after the other"
                );
                reached(&format!("receiver `{name}` has got {value}"));
            }
        })
    });
    let sender = spawn_named("sender", async move {
        for value in 0..6 {
            broadcast.send(value);
            schedule().await;
        }
    });
    for task in receivers {
        task.join().await.unwrap();
    }
    sender.join().await.unwrap();
}

async fn kept<B: BroadcastDrill>() {
    let broadcast = B::new(3);
    let _receiver = broadcast.subscribe();
    for value in 0..10 {
        broadcast.send(value);
        assert!(broadcast.kept() <= 3, "{} values are kept, the capacity is 3", broadcast.kept());
    }
}

async fn missed<B: BroadcastDrill>() {
    let broadcast = B::new(3);
    let mut receiver = broadcast.subscribe();
    for value in 0..5 {
        broadcast.send(value);
    }
    reached("0 to 4 were sent, and 2, 3 and 4 are kept");
    assert_eq!(receiver.recv().await, Received::Missed(2), "0 and 1 were dropped before it came to them");
    for value in [2, 3, 4] {
        assert_eq!(receiver.recv().await, Received::Value(value), "2, 3 and 4 were kept for it");
    }
}

async fn closed<B: BroadcastDrill>() {
    let broadcast = B::new(3);
    let (mut late, mut waits) = (broadcast.subscribe(), broadcast.subscribe());
    broadcast.send(1);
    assert_eq!(waits.recv().await, Received::Value(1));
    let waiter = spawn_named("waiter", async move { waits.recv().await });
    all_others_wait().await;
    reached("the waiter has got 1, and waits for the next value");
    broadcast.close();
    assert_eq!(waiter.join().await.unwrap(), Received::Closed, "there is nothing left for it");
    assert_eq!(late.recv().await, Received::Value(1), "1 was kept for it");
    for _ in 0..2 {
        assert_eq!(late.recv().await, Received::Closed, "it has got everything");
    }
}

async fn dropped_recv<B: BroadcastDrill>() {
    let broadcast = B::new(8);
    let mut receiver = broadcast.subscribe();
    let sender = spawn_named("sender", async move {
        for value in 0..5 {
            sleep(Duration::from_millis(200)).await;
            broadcast.send(value);
        }
    });
    for value in 0..5 {
        let received = loop {
            match ignore_after(Duration::from_millis(100), receiver.recv()).await {
                Some(received) => break received,
                None => reached("a recv ran out of time, and was dropped"),
            }
        };
        assert_eq!(received, Received::Value(value), "0 to 4 were sent");
    }
    sender.join().await.unwrap();
}

//! Moves money between two accounts in both directions at once.
use curio::{Lock, sleep, spawn_named};
use std::rc::Rc;
use std::time::Duration;

type Account = Rc<Lock<i64>>;

/// A task that needs both locks takes them in the order that all tasks use: here that of their addresses.
async fn transfer(from: Account, to: Account, amount: i64) {
    let from_first = Rc::as_ptr(&from) < Rc::as_ptr(&to);
    let (first, second) = if from_first { (&from, &to) } else { (&to, &from) };
    let mut first = first.acquire().await;
    sleep(Duration::from_secs(1)).await;
    let mut second = second.acquire().await;
    let (from, to) = if from_first { (&mut first, &mut second) } else { (&mut second, &mut first) };
    **from -= amount;
    **to += amount;
}

async fn main_task() {
    let (ann, bob) = (Account::default(), Account::default());
    let there = spawn_named("ann to bob", transfer(ann.clone(), bob.clone(), 10));
    let back = spawn_named("bob to ann", transfer(bob, ann, 20));
    there.join().await.expect("it is not cancelled");
    back.join().await.expect("it is not cancelled");
}

pub(crate) fn main() {
    curio::testing::run(main_task());
}

//! Meant to move money between two accounts in both directions at once.
//!
//! `cargo run --example zoo -- crossed_locks`
use curio::{Lock, sleep, spawn_named};
use std::rc::Rc;
use std::time::Duration;

type Account = Rc<Lock<i64>>;

async fn transfer(from: Account, to: Account, amount: i64) {
    let mut from = from.acquire().await;
    sleep(Duration::from_secs(1)).await;
    let mut to = to.acquire().await;
    *from -= amount;
    *to += amount;
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

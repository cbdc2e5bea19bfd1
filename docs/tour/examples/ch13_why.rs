//! A program that hangs: two tasks take two locks in opposite orders. After five seconds `main` asks why.
use curio::debug::{region, why};
use curio::{Lock, sleep, spawn_named, timeout_after};
use std::rc::Rc;
use std::time::Duration;

type Account = Rc<Lock<u32>>;

async fn transfer(from: Account, to: Account) {
    let mut from = from.acquire().await;
    sleep(Duration::from_secs(1)).await;
    let mut to = region("taking the second account", to.acquire()).await;
    (*from, *to) = (*from - 10, *to + 10);
}

async fn main_task() {
    let (a, b) = (Rc::new(Lock::new(100)), Rc::new(Lock::new(100)));
    let there = spawn_named("there", transfer(Rc::clone(&a), Rc::clone(&b)));
    let back = spawn_named("back", transfer(b, a));
    if timeout_after(Duration::from_secs(5), there.wait()).await.is_err() {
        println!("{}", why(there.id()).expect("it has not ended"));
    }
    there.cancel().await;
    back.cancel().await;
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}

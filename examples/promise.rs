//! A new way to wait, made from an old one.
//!
//! A promise is a value that will be there later. Curio's example makes one from an `Event`, and so does this: forty
//! lines, and not a word about tasks, wakers or polling. What cancels, times out, or is seen by a debugger when a task
//! waits for an `Event` does so when it waits for a `Promise`.
//!
//! Run it: `cargo run --example promise`.
//!
//! Then try: what happens to those who wait when the promise is never kept? Remove `set`, and read the report. Many a
//! library has this under another name; here it is `ResultCell` (with errors, and for threads too) or, for a single
//! reader, `oneshot`.
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use curio::{Event, TaskError, TaskGroup, ignore_after};

/// A value that is set once and may be awaited by many.
struct Promise<T> {
    kept: Event,
    value: OnceCell<T>,
}

impl<T: Clone> Promise<T> {
    const fn new() -> Self {
        Promise { kept: Event::new(), value: OnceCell::new() }
    }

    /// Keeps the promise; gives the value back if it was kept before.
    fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.kept.set();
        Ok(())
    }

    async fn get(&self) -> T {
        self.kept.wait().await;
        self.value.get().expect("it is set before the event is").clone()
    }
}

async fn main_task() -> Result<(), TaskError> {
    let promise = Rc::new(Promise::new());
    let group = TaskGroup::new();
    for name in ["Ada", "Linus"] {
        let promise = Rc::clone(&promise);
        group.spawn(async move { println!("{name} got {}", promise.get().await) });
    }
    // Other tools fit around it as around anything that is awaited.
    let impatient = ignore_after(Duration::from_millis(50), promise.get()).await;
    println!("Grace did not wait: {impatient:?}");

    println!("Set to a pony: {:?}", promise.set("a pony"));
    println!("Set to a horse: {:?}", promise.set("a horse"));
    group.join().await?;
    println!("Later it is there at once: {}", promise.get().await);
    Ok(())
}

fn main() -> Result<(), TaskError> {
    curio::run(main_task())
}

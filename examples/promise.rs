//! A new way to wait, built from an existing one.
//!
//! A promise is a value that will be there later. Curio's example builds one from an `Event`, and so does this one: forty
//! lines, without tasks, wakers or polling. Cancellation, timeouts and debugging output work for a `Promise` as they do for
//! the `Event` inside it.
//!
//! Run it: `cargo run --example promise`.
//!
//! Then try: what happens to the waiting tasks when the promise is never kept? Remove `set`, and read the report. The library
//! has this type under other names: `ResultCell` (with errors, and for threads too) or, for a single receiver, `oneshot`.
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use curio::{Event, TaskError, TaskGroup, ignore_after};

/// A value that is set once and may be awaited by many tasks.
struct Promise<T> {
    kept: Event,
    value: OnceCell<T>,
}

impl<T: Clone> Promise<T> {
    const fn new() -> Self {
        Promise { kept: Event::new(), value: OnceCell::new() }
    }

    /// Sets the value; returns it as the error if one was set before.
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
    // It can be combined with timeouts and the like, as any future.
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

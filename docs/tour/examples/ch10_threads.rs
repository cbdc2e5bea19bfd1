//! A call in a thread: it wakes one task with an event, and its own with what it returns.
use curio::{Event, run_in_thread, spawn_named};
use std::sync::mpsc::channel;
use std::thread;

static BELL: Event = Event::new();

async fn main_task() {
    let (heard, bell_was_heard) = channel();
    let listener = spawn_named("listener", async move {
        BELL.wait().await;
        println!("the bell rang");
        heard.send(()).expect("the call waits for it");
    });
    let caller = spawn_named("caller", async {
        let call = run_in_thread(move || {
            BELL.set();
            bell_was_heard.recv().expect("the listener sends it");
            thread::current().name().map(str::to_string)
        });
        println!("a call ran on {:?}", call.await);
    });
    caller.join().await.expect("it does not panic");
    listener.join().await.expect("it does not panic");
}

fn main() {
    curio::Kernel::builder().virtual_clock(true).run(main_task());
}

//! `block_on`: polls one future to its end, and parks the thread while there is nothing to do.
//!
//! A waker is a promise to the future: "call this when it is worth polling you again, from any thread, and I will". Here the
//! promise is kept by unparking the thread. `std::task::Wake` turns an `Arc` of ours into a `Waker` without `unsafe`.
//!
//! The flag is necessary. `park` also returns when something else has unparked the thread, or for no reason at all; and a
//! wake that comes *during* the poll, before the thread parks, must not be lost. The flag belongs to this wait alone: it is
//! set by the waker and cleared before the poll that it asks for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Waits for `future` on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let sleeper = Arc::new(Sleeper { woken: AtomicBool::new(false), thread: thread::current() });
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
        while !sleeper.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// A thread that waits.
struct Sleeper {
    woken: AtomicBool,
    thread: Thread,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

//! The same waits, for threads that run no kernel.
//!
//! A future needs nothing of a kernel but a waker, and a thread can be one: wake means unpark. So the blocking
//! twin of every operation is the operation itself, polled by a thread that sleeps in between.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Waits for `future` on this thread.
///
/// # Panics
/// On a thread that runs a kernel: nobody could ever wake it.
#[track_caller]
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    assert!(
        !crate::is_running(),
        "a blocking call inside a curio kernel would stop all of its tasks; await the other form of it, \
         or move the call into `run_in_thread`"
    );
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

//! The `…_blocking` waits, for threads that run no kernel.
//!
//! A future needs a waker and nothing else of a kernel, and a waker can unpark a thread. So the blocking twin of every
//! operation is the operation itself, polled by a thread that is parked in between.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Waits for `future` on this thread.
///
/// # Panics
/// On a thread that runs a kernel: while it is parked, none of the tasks that could wake it runs.
#[track_caller]
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    assert!(
        !crate::is_running(),
        "a blocking call inside a curio kernel would stop all of its tasks; await the other form of it, \
         or move the call into `run_in_thread`"
    );
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

/// A thread that waits. `park` remembers an `unpark` too, but only one for the whole thread: a value's destructor or
/// `cmp` that runs within the poll may park as well, in a channel of `std` for instance, and consume our wake-up. This
/// flag belongs to the wait.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_poll_that_parks_for_itself_does_not_take_our_wake_up_with_it() {
        let (done, ended) = channel();
        thread::spawn(move || {
            let mut woken = false;
            wait(poll_fn(|cx| {
                if !woken {
                    woken = true;
                    cx.waker().wake_by_ref();
                    thread::park();
                    return Poll::Pending;
                }
                Poll::Ready(())
            }));
            done.send(()).unwrap();
        });
        ended.recv_timeout(Duration::from_secs(5)).expect("it was woken");
    }
}

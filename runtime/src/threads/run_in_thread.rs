//! Blocking work in threads, awaited by tasks.
//!
//! The closure and its result cross threads, so they are `Send`; nothing else has to be. The result comes back
//! through a cell with a mutex and a waker: the one wake in this crate that always comes from another thread.

use crate::error::{Panicked, TaskError};
use crate::kernel::task_record::Resource;
use crate::kernel::waker::renew;
use crate::task::info::TaskState;
use crate::traps::{self, JobHold};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};

/// Runs `f` on a thread of the kernel's pool and waits for what it returns.
///
/// At most [`max_worker_threads`](crate::KernelBuilder::max_worker_threads) calls run at once; further calls are queued. If
/// this future is dropped, a call that has not started never starts, and what it captured is dropped with it; one
/// that has started runs to its end, and its result is discarded. No thread ever delays the exit of a kernel.
///
/// # Errors
/// [`TaskError::Panicked`] if `f` panics, or if no thread can be started.
///
/// ```
/// let sum = curio::run(curio::run_in_thread(|| (1..=10).sum::<u32>())).unwrap();
/// assert_eq!(sum, 55);
/// ```
///
/// How it works inside: the tour, `docs/tour/10-how-do-threads-and-signals-wake-a-task.md` in the repository.
#[doc(alias("spawn_blocking", "unblock", "to_thread"))]
#[track_caller]
pub fn run_in_thread<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> RunInThread<T> {
    run_in_thread_at(f, Location::caller())
}

/// [`run_in_thread`] for a caller further out.
pub(crate) fn run_in_thread_at<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
    at: &'static Location<'static>,
) -> RunInThread<T> {
    RunInThread { call: Call::New(Box::new(f)), at }
}

/// The future of [`run_in_thread`].
#[must_use = "futures do nothing unless awaited"]
pub struct RunInThread<T: Send + 'static> {
    call: Call<T>,
    at: &'static Location<'static>,
}

enum Call<T> {
    New(Box<dyn FnOnce() -> T + Send>),
    Out(Arc<Reply<T>>, JobHold),
    Done,
}

/// Shared by the task and the thread: the call, and then its result.
struct Reply<T>(Mutex<ReplyState<T>>);

struct ReplyState<T> {
    /// The closure, until it starts or is abandoned. It is not in the job, which may stay in the queue after that.
    call: Option<Box<dyn FnOnce() -> T + Send>>,
    /// Which has started it.
    thread: Option<Thread>,
    result: Option<thread::Result<T>>,
    waker: Option<Waker>,
}

impl<T> Reply<T> {
    fn lock(&self) -> MutexGuard<'_, ReplyState<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `a call on thread `curio-worker` (ThreadId(4))`
    fn describe(&self) -> String {
        match &self.lock().thread {
            Some(thread) => {
                format!("a call on thread `{}` ({:?})", thread.name().unwrap_or_default(), thread.id())
            }
            None => "a call that waits for a thread of the pool".into(),
        }
    }

    /// On a thread of the pool. A result that no task waits for any more is dropped here.
    fn run(&self) {
        let mut state = self.lock();
        let Some(call) = state.call.take() else { return };
        state.thread = Some(thread::current());
        drop(state);
        let result = catch_unwind(AssertUnwindSafe(call));
        let mut state = self.lock();
        state.result = Some(result);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: Send + 'static> RunInThread<T> {
    fn start(f: Box<dyn FnOnce() -> T + Send>, waker: &Waker) -> io::Result<(Arc<Reply<T>>, JobHold)> {
        let state = ReplyState { call: Some(f), thread: None, result: None, waker: Some(waker.clone()) };
        let reply = Arc::new(Reply(Mutex::new(state)));
        let there = Arc::clone(&reply);
        let hold = traps::run_job(Box::new(move || there.run()))?;
        Ok((reply, hold))
    }
}

impl<T: Send + 'static> Future for RunInThread<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Call::New(_) = &this.call
            && let Call::New(f) = std::mem::replace(&mut this.call, Call::Done)
        {
            match Self::start(f, cx.waker()) {
                Ok((reply, hold)) => this.call = Call::Out(reply, hold),
                Err(error) => {
                    let message = format!("no thread could be started for blocking work: {error}");
                    return Poll::Ready(Err(TaskError::Panicked(Panicked::new(Box::new(message)))));
                }
            }
        }
        let Call::Out(reply, hold) = &mut this.call else {
            panic!("`run_in_thread` polled after it was ready")
        };
        let mut state = reply.lock();
        if let Some(result) = state.result.take() {
            drop(state);
            this.call = Call::Done;
            return Poll::Ready(result.map_err(|payload| TaskError::Panicked(Panicked::new(payload))));
        }
        let replaced = renew(&mut state.waker, cx.waker());
        drop(state);
        drop(replaced);
        hold.follow();
        traps::park_for(TaskState::ThreadWait, this.at, Resource::Nothing, &|| reply.describe());
        Poll::Pending
    }
}

impl<T: Send + 'static> Drop for RunInThread<T> {
    fn drop(&mut self) {
        if let Call::Out(reply, _) = &self.call {
            let mut state = reply.lock();
            let left = (state.call.take(), state.result.take(), state.waker.take());
            drop(state);
            drop(left);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for RunInThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunInThread").finish_non_exhaustive()
    }
}

//! Async threads: a thread that may await.
//!
//! Some work needs a thread of its own, because it blocks or computes all the time, and yet wants to use what
//! tasks use: sleep, take a lock, talk over a socket. In Curio such a thread calls `AWAIT(coro)`. Here it
//! calls [`ThreadContext::await_`], and the future runs in the kernel, inside the task that stands for the thread:
//!
//! ```text
//! thread ── make: FnOnce() -> F ──▶ the task calls make() and awaits F
//! blocks ◀────── F's output ─────── the task sends it back, and waits for what the thread wants next
//! ```
//!
//! The closure that makes the future is sent to the kernel's thread and has to be `Send`; the future itself never
//! leaves that thread and need not be.
//!
//! Cancelling the task cancels the future that the thread waits for, its cleanup included, and ends: each `await_` of
//! the thread returns `Cancelled` from then on. The thread itself cannot be stopped; it runs to its end and its
//! result is discarded.

use crate::error::{Panicked, TaskError};
use crate::kernel::task_record::Resource;
use crate::kernel::waker::renew;
use crate::task::info::{TaskName, TaskState};
use crate::task::{self, Task};
use crate::traps;
use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

/// Runs `f` on a thread of its own, as a task that can be joined and cancelled like any other.
///
/// The thread is started when the task first runs. It does not count against
/// [`max_worker_threads`](crate::KernelBuilder::max_worker_threads), because it may itself wait for work that
/// does. If the task is cancelled, it ends at once; the thread finds out at its next `await_`.
///
/// The task panics if `f` does, and if no thread can be started.
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// use std::time::Duration;
///
/// curio::run(async {
///     let task = curio::spawn_thread(|thread| {
///         thread.await_(|| curio::sleep(Duration::from_millis(1))).unwrap();
///         thread.await_(|| async { curio::current_task().id() }).unwrap()
///     });
///     let id = task.id();
///     assert_eq!(task.join().await.unwrap(), id);
/// });
/// ```
#[track_caller]
pub fn spawn_thread<F, T>(f: F) -> Task<T>
where
    F: FnOnce(ThreadContext) -> T + Send + 'static,
    T: Send + 'static,
{
    let at = Location::caller();
    task::start(TaskName::OfType(type_name::<F>), serve(f, at), at)
}

/// The handle through which an async thread, made by [`spawn_thread`], uses the kernel. It may be moved to another thread,
/// but only one thread at a time can use it.
pub struct ThreadContext {
    calls: Arc<Calls>,
    one_at_a_time: PhantomData<Cell<()>>,
}

impl ThreadContext {
    /// Runs a future in the kernel and blocks this thread until it is ready: Curio's `AWAIT`.
    ///
    /// `make` is called on the kernel's thread, so the future need not be `Send`. It runs in the task that
    /// [`spawn_thread`] returned, with that task's task-locals.
    ///
    /// # Errors
    /// [`TaskError::Panicked`] if `make` or the future panics. [`TaskError::Cancelled`] if the task is cancelled, or
    /// has been: the thread should end then.
    ///
    /// # Panics
    /// On a thread that runs a kernel, which this would block.
    #[track_caller]
    pub fn await_<F>(&self, make: impl FnOnce() -> F + Send + 'static) -> Result<F::Output, TaskError>
    where
        F: IntoFuture,
        F::IntoFuture: 'static,
        F::Output: Send + 'static,
    {
        assert!(
            !traps::is_running(),
            "`await_` would block the kernel that runs on this thread; use `.await`"
        );
        let (sender, receiver) = sync_channel(1);
        self.calls.post(Box::new(move || Box::pin(answer(|| make().into_future(), sender))));
        match receiver.recv() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(payload)) => Err(TaskError::Panicked(Panicked::new(payload))),
            // The sender was dropped with the future, or with a call that the task did not take.
            Err(_) => Err(TaskError::Cancelled),
        }
    }
}

impl fmt::Debug for ThreadContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadContext").finish_non_exhaustive()
    }
}

/// Awaits one future for the thread and sends its output back.
async fn answer<F: Future>(make: impl FnOnce() -> F, sender: SyncSender<thread::Result<F::Output>>) {
    let mut future = match catch_unwind(AssertUnwindSafe(make)) {
        Ok(future) => Some(Box::pin(future)),
        Err(payload) => return send(&sender, Err(payload)),
    };
    let result = poll_fn(|cx| {
        let Some(running) = &mut future else { return Poll::Pending };
        let result = match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(payload) => Err(payload),
        };
        future = None;
        Poll::Ready(result)
    })
    .await;
    send(&sender, result);
}

fn send<T>(sender: &SyncSender<T>, value: T) {
    // There is room for the one value that is ever sent, and the thread waits for it.
    let _ = sender.try_send(value);
}

/// The task that stands for the thread: starts it, then does what it asks for until it is done.
async fn serve<T: Send + 'static>(
    f: impl FnOnce(ThreadContext) -> T + Send + 'static,
    at: &'static Location<'static>,
) -> T {
    let calls = Arc::new(Calls::default());
    let (sender, receiver) = sync_channel(1);
    let there = Arc::clone(&calls);
    let started = thread::Builder::new().name("curio-thread".into()).spawn(move || {
        let context = ThreadContext { calls: Arc::clone(&there), one_at_a_time: PhantomData };
        let result = catch_unwind(AssertUnwindSafe(|| f(context)));
        send(&sender, result);
        there.finish();
    });
    if let Err(error) = started {
        panic!("no thread could be started: {error}");
    }
    let serving = Serving(calls);
    while let Some(future) = serving.next_call(at).await {
        future.await;
    }
    match receiver.try_recv() {
        Ok(Ok(value)) => value,
        Ok(Err(payload)) => resume_unwind(payload),
        Err(error) => panic!("the thread ended without a result: {error}"),
    }
}

/// A future that the thread wants awaited, to be made where it is to run.
type Call = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The calls of the thread, which its task takes from here.
#[derive(Default)]
struct Calls(Mutex<CallsState>);

#[derive(Default)]
struct CallsState {
    /// At most one: the thread waits for the output before it makes the next call.
    call: Option<Call>,
    /// The thread has ended.
    done: bool,
    task: Option<Waker>,
    /// The task is gone.
    closed: bool,
}

impl Calls {
    fn post(&self, call: Call) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return drop(call);
        }
        let unanswered = state.call.replace(call);
        let task = state.task.take();
        drop(state);
        drop(unanswered);
        if let Some(task) = task {
            task.wake();
        }
    }

    fn finish(&self) {
        let mut state = self.lock();
        state.done = true;
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, CallsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's side. When it is dropped, `await_` returns `Cancelled` from then on.
struct Serving(Arc<Calls>);

impl Serving {
    /// Waits for the next future that the thread wants awaited; `None` when it is done. The thread works
    /// meanwhile, so a virtual clock stands still.
    async fn next_call(&self, at: &'static Location<'static>) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        let hold = traps::hold_clock();
        let call = poll_fn(|cx| self.poll_call(cx, at)).await;
        drop(hold);
        call.map(|make| make())
    }

    fn poll_call(&self, cx: &mut Context<'_>, at: &'static Location<'static>) -> Poll<Option<Call>> {
        let mut state = self.0.lock();
        if state.done {
            return Poll::Ready(None);
        }
        if let Some(call) = state.call.take() {
            return Poll::Ready(Some(call));
        }
        let replaced = renew(&mut state.task, cx.waker());
        drop(state);
        drop(replaced);
        traps::park(TaskState::ThreadWait, at, Resource::Nothing);
        Poll::Pending
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed = true;
        let left = (state.call.take(), state.task.take());
        drop(state);
        drop(left);
    }
}

//! Cleanup that may await.
//!
//! A destructor cannot await, so a transaction cannot be rolled back in one. [`finally`] can: when its body is
//! cancelled, it drops the body and then runs the cleanup to its end, shielded, while everything further out
//! waits for it.

use crate::cancel::catch_unwind::CatchUnwind;
use crate::kernel::cancel_tree::CancelReason;
use crate::task::info::TaskState;
use crate::traps::{self, Line, Scope};
use std::panic::{Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// How the body of a [`finally`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// By itself: it returned, or it panicked.
    Done,
    /// It was cancelled: by `Task::cancel`, a lost race, its group or shutdown.
    Cancelled,
    /// The time limit around it passed.
    TimedOut,
}

/// Runs `body`, then `cleanup`, whatever happens: also if the body is cancelled, times out or panics.
///
/// The cleanup receives how the body ended. It is shielded: nothing cancels it, and [`Task::cancel`](crate::Task::cancel)
/// waits until it has ended. At shutdown all tasks are cancelled, and all cleanups together have a grace period. A body
/// that joins another task may then see that task as [`Cancelled`](crate::TaskError::Cancelled) and return before it is
/// dropped itself; its cleanup receives `Done`.
///
/// If code of another crate drops this future while it runs, the cleanup cannot run; that is reported. And if such code
/// has polled it and then leaves it unpolled, as a `select!` does with a `&mut future` while one of its arms awaits
/// something else, a cancellation waits until it is polled again: only a poll can run a cleanup. A deadlock report names
/// such a place, and shutdown waits no longer than its grace period. One allocation.
///
/// ```
/// use std::cell::RefCell;
/// use std::time::Duration;
/// use curio::{Outcome, finally, ignore_after, sleep};
///
/// curio::Kernel::builder().virtual_clock(true).run(async {
///     let log = RefCell::new(Vec::new());
///     ignore_after(
///         Duration::from_secs(1),
///         finally(sleep(Duration::from_secs(60)), async |outcome| {
///             sleep(Duration::from_secs(1)).await; // a cleanup may wait
///             log.borrow_mut().push(outcome);
///         }),
///     )
///     .await;
///     assert_eq!(log.into_inner(), [Outcome::TimedOut]);
/// });
/// ```
///
/// How it works inside: the tour, `docs/tour/08-how-does-cancellation-end-a-task.md` in the repository.
#[track_caller]
pub fn finally<F, C>(body: F, cleanup: C) -> impl Future<Output = F::Output>
where
    F: IntoFuture,
    C: AsyncFnOnce(Outcome),
{
    for_caller::finally(Location::caller(), body, cleanup)
}

/// [`finally`] for a caller that passes its own caller's line on. A task is named after the function that its future
/// comes from, so this one has the public name.
pub(crate) mod for_caller {
    use super::{Ended, Outcome, Region};
    use crate::kernel::cancel_tree::CancelReason;
    use std::future::{pending, poll_fn};
    use std::panic::{Location, resume_unwind};
    use std::pin::pin;

    #[track_caller]
    pub(crate) fn finally<F, C>(
        at: &'static Location<'static>,
        body: F,
        cleanup: C,
    ) -> impl Future<Output = F::Output>
    where
        F: IntoFuture,
        C: AsyncFnOnce(Outcome),
    {
        let mut body = Some(Box::pin(body.into_future()));
        async move {
            let mut region = Region::open(at);
            let ended = poll_fn(|cx| region.poll_body(&mut body, cx)).await;
            let outcome = match &ended {
                Ended::ByItself(_) => Outcome::Done,
                Ended::Dropped(CancelReason::Cancelled) => Outcome::Cancelled,
                Ended::Dropped(CancelReason::TimedOut) => Outcome::TimedOut,
            };
            region.scope.set_shield(true);
            {
                let mut cleanup = pin!(cleanup(outcome));
                poll_fn(|cx| region.poll_cleanup(cleanup.as_mut(), cx)).await;
            }
            region.close();
            match ended {
                Ended::ByItself(Ok(value)) => value,
                Ended::ByItself(Err(payload)) => resume_unwind(payload),
                // The enclosing region sees that nothing in here is alive any more and drops it, within this poll.
                Ended::Dropped(_) => pending().await,
            }
        }
    }
}

enum Ended<T> {
    ByItself(std::thread::Result<T>),
    Dropped(CancelReason),
}

/// The node of one `finally`. If it is dropped before it is closed, the cleanup did not run to its end.
struct Region {
    scope: Scope,
    at: &'static Location<'static>,
    closed: std::cell::Cell<bool>,
}

impl Region {
    fn open(at: &'static Location<'static>) -> Region {
        let scope = traps::open_scope();
        scope.set_alive_at(at);
        Region { scope, at, closed: std::cell::Cell::new(false) }
    }

    /// Few and small frames on the way into the body: regions nest, and all are polled from the outermost in.
    fn poll_body<F: Future>(
        &mut self,
        slot: &mut Option<Pin<Box<F>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Ended<F::Output>> {
        let Some(body) = slot else { return Poll::Pending };
        self.scope.follow();
        let entered = self.scope.entered();
        let body = CatchUnwind::new(body.as_mut(), cx.waker());
        let polled = catch_unwind(move || body.poll());
        drop(entered);
        self.after_body(polled, slot, cx)
    }

    fn after_body<F: Future>(
        &self,
        polled: std::thread::Result<Poll<F::Output>>,
        slot: &mut Option<Pin<Box<F>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Ended<F::Output>> {
        let ended = match polled {
            Ok(Poll::Ready(value)) => Ended::ByItself(Ok(value)),
            Err(payload) => Ended::ByItself(Err(payload)),
            Ok(Poll::Pending) => {
                self.scope.set_waker(cx.waker());
                match self.scope.must_unwind() {
                    Some(why) => Ended::Dropped(why),
                    None => return Poll::Pending,
                }
            }
        };
        let body = slot.take();
        self.scope.enter(|| drop(body));
        Poll::Ready(ended)
    }

    fn poll_cleanup(
        &mut self,
        cleanup: Pin<&mut impl Future<Output = ()>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        self.scope.follow();
        let polled = self.scope.enter(|| cleanup.poll(cx));
        if polled.is_pending() {
            traps::park_around(Some(TaskState::Cleanup), self.at, Line::Inner);
        }
        polled
    }

    fn close(&self) {
        self.closed.set(true);
        self.scope.set_alive(false);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if !self.closed.get() && !std::thread::panicking() {
            self.scope.report(&format!(
                "the cleanup of the `finally` at {} did not run to its end, because its future was dropped; \
                 cancel it through curio (cancel, timeout_after, race) for its cleanup to run",
                self.at
            ));
        }
    }
}

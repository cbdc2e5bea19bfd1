//! Scopes: children that may borrow from their parent.
//!
//! ```text
//! child.rs      the handle of a child, and its place among the kernel's tasks
//! children.rs   how the children of one scope are kept, polled, cancelled and waited for
//! ```
//!
//! A spawned task must be `'static`, because it may live longer than the function that spawned it. A child that borrows
//! has to end before its parent does. Any value may be leaked with `mem::forget`, so no destructor can guarantee that;
//! libraries that hand such futures to an executor need `unsafe` and a contract.
//!
//! Here the children are *part of the parent's future*. What [`scope`] returns owns the body and all children, and
//! polls them when it is polled. The compiler sees an ordinary future that contains borrowing futures; if it is leaked,
//! its children never run again and no borrow is violated. The price is that children cannot run in parallel, which
//! they could not on one thread anyway.
//!
//! Still, each child is a task: it has a number, a name, a state, a waker and a cancel scope of its own in the kernel's
//! table. When its waker is called, the kernel takes the child off the run queue as it would any task, and passes the
//! wake on:
//!
//! ```text
//! timer ─▶ child's waker ─▶ run queue ─▶ ChildTask::pass_on ─▶ list of ready children, parent's waker
//!                                        parent is polled   ─▶ takes the child off the list, polls it as itself
//! ```
//!
//! So a wake of a child costs two turns on the run queue instead of one. For that it is seen by `tasks()`, traces
//! and reports, and cancelled like every other task.
//!
//! # Scopes in scopes
//!
//! A child of a child is polled through all the scopes around it, and a wake of it is passed on through all of them: both
//! costs are proportional to the depth. The stack frames are kept small, as the comments in `children.rs` explain; a
//! thousand scopes, each inside the next, run on a thread with 2 MiB of stack even in a debug build (about 1.8 KiB for
//! each, the futures between them included). Where that is not enough, spawn tasks, which the kernel polls directly,
//! into a [`TaskGroup`](crate::TaskGroup).

mod child;
mod children;

pub use child::{Child, ChildJoin};

use children::{Children, Scoped};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// Runs `body`, which may spawn children that borrow from the surrounding function, and returns when the body and
/// all children have ended.
///
/// If this is cancelled, or runs out of an enclosing time limit, the body and all children are cancelled at
/// once, and their cleanups waited for.
///
/// # Panics
/// With the panic of the body, or of a child that was not joined: one whose handle was dropped, or has not been used
/// when everything has ended. The body and all other children are cancelled first, and their cleanups waited for.
///
/// ```
/// use std::time::Duration;
///
/// async fn increment(x: &mut u32) {
///     curio::sleep(Duration::from_secs(1)).await;
///     *x += 1;
/// }
///
/// curio::testing::run(async {
///     let mut data = vec![1, 2];
///     curio::scope(async |s| {
///         for x in data.iter_mut() {
///             s.spawn(increment(x));
///         }
///     })
///     .await;
///     assert_eq!(data, [2, 3]); // after one second, not two
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #1 main  SUSPEND    TASK_JOIN
/// [t=0.000s] IDLE
/// [t=1.000s] #2 increment  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #3 increment  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #1 main  WAKE       by #2
/// [t=1.000s] #1 main  RUN        cycle 3
/// [t=1.000s] #2 increment  RUN        cycle 2
/// [t=1.000s] #2 increment  END        TERMINATED
/// [t=1.000s] #3 increment  RUN        cycle 2
/// [t=1.000s] #3 increment  END        TERMINATED
/// [t=1.000s] #1 main  END        TERMINATED
/// [t=1.000s] EXIT
/// ```
///
/// How it works inside: the tour, `docs/tour/09-who-waits-for-the-children.md` in the repository.
#[doc(alias("nursery"))]
#[track_caller]
pub fn scope<'env, R>(body: impl AsyncFnOnce(Scope<'env>) -> R) -> impl Future<Output = R> {
    let at = Location::caller();
    Scoped::new(move || {
        let children = Rc::new(Children::open(at));
        let scope = Scope { children: Rc::clone(&children) };
        (children, Box::pin(body(scope)))
    })
}

/// Spawns children into a [`scope()`]. Clones spawn into the same one, so that a child may have siblings.
#[derive(Clone)]
pub struct Scope<'env> {
    children: Rc<Children<'env>>,
}

impl<'env> Scope<'env> {
    /// Spawns a child, which may borrow whatever outlives the scope. It first runs after the calling task next
    /// suspends.
    ///
    /// The handle may be dropped: the scope waits for the child all the same. Four allocations.
    ///
    /// # Panics
    /// If the scope has ended.
    #[track_caller]
    pub fn spawn<F>(&self, f: F) -> Child<F::Output>
    where
        F: IntoFuture,
        F::IntoFuture: 'env,
        F::Output: 'env,
    {
        self.children.spawn(f.into_future(), Location::caller())
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("children", &self.children.len()).finish()
    }
}

//! Asking what a task waits for.

use crate::debug::{AsyncStack, Why};
use crate::task::info::{TaskId, TaskInfo};
use crate::traps;

impl TaskInfo {
    /// Where the task waits now, and which functions await that, innermost first. `None` if it has ended, or if its kernel does
    /// not run on this thread.
    ///
    /// The task is asked: the kernel polls its future once more, as a future may be polled at any time. That changes neither
    /// the schedule nor timers nor queues. A task that is ready or being polled is not asked, nor is `main` by another task;
    /// they have the one line that is published.
    ///
    /// It takes milliseconds: for people, not for programs.
    ///
    /// ```
    /// curio::run(async {
    ///     let task = curio::spawn(curio::sleep(std::time::Duration::from_secs(60)));
    ///     curio::schedule().await;
    ///     println!("{}", task.info().stack().unwrap());
    ///     task.cancel().await;
    ///     assert!(task.info().stack().is_none());
    /// });
    /// ```
    pub fn stack(&self) -> Option<AsyncStack> {
        traps::async_stack(self.id, self.kernel)
    }
}

/// Why a task of this kernel does not go on: what it waits for, what that waits for, and so on, down to the world outside.
/// `None` if there is no such task.
///
/// Each task on the way is asked as by [`TaskInfo::stack`].
///
/// # Panics
/// Outside of a kernel.
///
/// ```
/// use std::rc::Rc;
///
/// curio::run(async {
///     let lock = Rc::new(curio::Lock::new(()));
///     let guard = lock.acquire().await;
///     let waits = Rc::clone(&lock);
///     let task = curio::spawn_named("worker", async move {
///         waits.acquire().await;
///     });
///     curio::schedule().await;
///     let why = curio::debug::why(task.id()).unwrap();
///     let [worker, main] = why.steps() else { panic!("the worker waits for the lock, which main holds") };
///     assert_eq!((worker.task(), worker.depth(), worker.end()), (task.id(), 0, None));
///     assert_eq!((main.task(), main.depth()), (curio::current_task().id(), 1));
///     println!("{}, then {}: {}", worker.text(), main.text(), why.end());
///     drop(guard);
///     task.join().await.unwrap();
/// });
/// ```
#[track_caller]
pub fn why(task: TaskId) -> Option<Why> {
    traps::why(task)
}

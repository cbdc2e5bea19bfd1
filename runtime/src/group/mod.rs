//! Task groups: several tasks with one owner.
//!
//! ```text
//! members.rs   which members run, which have ended; the wakers that notify the group
//! join.rs      the ways to wait for all of them
//! error.rs     how they fail
//! ```
//!
//! A task that is merely spawned has no owner: its failure may go unnoticed, and it may outlive the code that needed it.
//! A group guarantees that *none of its tasks outlives it*, in every way it can end:
//!
//! * `join` returns when all have ended, by themselves or because its policy cancelled the rest. The rest is
//!   cancelled at once, not one after the other: the wait is as long as the longest cleanup, not as all together.
//! * When the group's owner is cancelled, all members are, and the owner is not dropped before the last of them
//!   has ended, its cleanup included. For that the group has a node in the owner's tree of cancel scopes
//!   (`kernel/cancel_tree.rs`), as a `finally` has.
//! * When the group is dropped, all are asked to stop. A destructor cannot wait, so in this case alone a member may still
//!   be cleaning up afterwards.
//!
//! # The owner of a group
//!
//! A group belongs to the region of the cancel tree that its node is below:
//!
//! * A group belongs to the region in which it was made. A time limit around that place is a limit for the members.
//! * One that was made outside of a kernel, or in another kernel, belongs to the task that adds a member to it.
//! * If that region ends and the group lives on, because it was returned or stored, it passes to the region around it,
//!   and so on, up to the task.
//! * A task that awaits a group of another task (`next_done`, `cancel_remaining`) takes it over as a whole: a limit
//!   around that wait is a limit for the wait only.
//! * `join` and its variants consume the group, so it belongs to the place where they are awaited: a limit there is a
//!   limit for the members, and a shield there shields them.
//!
//! Unlike the children of a [`scope`](crate::scope()), members are tasks in their own right: they cannot borrow,
//! but the kernel polls them directly, and a group can be stored, passed on, and added to for as long as it lives.

mod error;
mod join;
mod members;

pub use error::{GroupError, MemberError};

use crate::error::TaskError;
use crate::task::info::TaskId;
use crate::task::{self, Task};
use crate::traps::{self, Scope};
use join::NextEnd;
use members::{MemberNumber, Members};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;

/// What [`TaskGroup::join`] waits for: Curio's `wait=`.
///
/// ```
/// use curio::{TaskGroup, Wait, sleep};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let mirrors = TaskGroup::with_wait(Wait::Any);
///     for seconds in [3, 1, 2] {
///         mirrors.spawn(async move {
///             sleep(Duration::from_secs(seconds)).await;
///             seconds
///         });
///     }
///     assert_eq!(mirrors.join().await.unwrap(), [1]); // the fastest; the others were cancelled
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Wait {
    /// All of them. The first that panics, or is cancelled from outside of the group, makes it cancel the rest.
    #[default]
    All,
    /// The first that ends, in whatever way; the rest is cancelled.
    Any,
    /// The first that returns something. A plain `join` cannot see that a value stands for nothing, and treats
    /// this like `Any`; [`TaskGroup::join_object`] can.
    Object,
    /// None: all are cancelled.
    None,
}

/// Several tasks with one owner. None of them outlives it.
///
/// Dropping the group asks all its tasks to stop. Cancelling the task in which it was made, or that awaits it,
/// does so too, and waits until they have. A time limit around the place where it was made is a limit for its tasks,
/// unless the group is returned out of it before.
///
/// A destructor cannot wait. A task that drops a group whose members run goes on at once, and may return, while they
/// still run to their next await or clean up. Each member is dropped at the first await it reaches that is not shielded,
/// and the kernel does not end before that. If the end of their cleanups matters, await
/// [`cancel_remaining`](Self::cancel_remaining) or [`join`](Self::join) before.
///
/// ```
/// use std::time::Duration;
///
/// async fn fetch(n: u64) -> u64 {
///     curio::sleep(Duration::from_secs(10 - n)).await;
///     n * n
/// }
///
/// curio::testing::run(async {
///     let group = curio::TaskGroup::new();
///     for n in 1..=3 {
///         group.spawn(fetch(n));
///     }
///     assert_eq!(group.join().await.unwrap(), [1, 4, 9]); // in the order in which they were spawned
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] IDLE
/// [t=7.000s] #4 fetch  WAKE       by a timer due at t=7.000s
/// [t=7.000s] #4 fetch  RUN        cycle 2
/// [t=7.000s] #4 fetch  END        TERMINATED
/// [t=7.000s] #1 main  WAKE       by #4
/// [t=7.000s] #1 main  RUN        cycle 2
/// [t=7.000s] #1 main  SUSPEND    TASK_JOIN
/// [t=7.000s] IDLE
/// …
/// [t=8.000s] IDLE
/// [t=9.000s] #2 fetch  WAKE       by a timer due at t=9.000s
/// [t=9.000s] #2 fetch  RUN        cycle 2
/// [t=9.000s] #2 fetch  END        TERMINATED
/// [t=9.000s] #1 main  WAKE       by #2
/// [t=9.000s] #1 main  RUN        cycle 4
/// [t=9.000s] #1 main  END        TERMINATED
/// [t=9.000s] EXIT
/// ```
///
/// How it works inside: the tour, `docs/tour/09-who-waits-for-the-children.md` in the repository.
///
/// Results as they come, until there are enough:
///
/// ```
/// use curio::{TaskGroup, sleep, spawn_named};
/// use std::time::Duration;
///
/// async fn ask(seconds: u64) -> u64 {
///     sleep(Duration::from_secs(seconds)).await;
///     seconds
/// }
///
/// curio::testing::run(async {
///     let group = TaskGroup::new();
///     group.spawn(ask(3));
///     group.add_task(spawn_named("first", ask(1)));
///     group.spawn(ask(2));
///     assert_eq!(group.len(), 3);
///
///     let (_task, first) = group.next_done().await.expect("it has members");
///     assert_eq!(first.unwrap(), 1);
///     assert_eq!(group.next_result().await.expect("two are left").unwrap(), 2);
///     group.cancel_remaining().await;
///     assert!(group.is_empty());
/// });
/// ```
#[doc(alias("JoinSet", "nursery"))]
#[must_use = "dropping a group cancels its tasks; `join` waits for them"]
pub struct TaskGroup<T: 'static> {
    wait: Wait,
    tasks: RefCell<BTreeMap<MemberNumber, Member<T>>>,
    members: Arc<Members>,
    next_number: Cell<MemberNumber>,
    /// Where the group belongs: its owner's task and the group's node there.
    home: RefCell<Option<(TaskId, Scope)>>,
    /// How many members were dismissed and have not been looked at since they ended.
    dismissed: Cell<usize>,
}

struct Member<T> {
    task: Task<T>,
    /// Cancelled by `cancel_remaining`: its result is not wanted unless it panics.
    dismissed: bool,
}

impl<T: 'static> TaskGroup<T> {
    /// A group whose `join` waits for all: `with_wait(Wait::All)`.
    pub fn new() -> TaskGroup<T> {
        TaskGroup::with_wait(Wait::All)
    }

    /// A group whose `join` waits as [`Wait`] says.
    pub fn with_wait(wait: Wait) -> TaskGroup<T> {
        let group = TaskGroup {
            wait,
            tasks: RefCell::default(),
            members: Arc::default(),
            next_number: Cell::new(0),
            home: RefCell::new(None),
            dismissed: Cell::new(0),
        };
        if let Some(task) = traps::current_id() {
            group.settle(task, traps::open_scope());
        }
        group
    }

    /// Spawns a task into the group.
    ///
    /// # Panics
    /// Outside of a kernel.
    #[track_caller]
    pub fn spawn<F>(&self, f: F) -> TaskId
    where
        F: IntoFuture<Output = T>,
        F::IntoFuture: 'static,
    {
        let task = task::spawn(f);
        let id = task.id();
        self.add_task(task);
        id
    }

    /// Makes a task a member, whether it runs or has ended. From now on it is the group that joins it.
    pub fn add_task(&self, task: Task<T>) {
        let number = self.next_number.replace(self.next_number.get() + 1);
        task.record().attended.set(true);
        if self.home.borrow().as_ref().is_none_or(|(_, scope)| !scope.is_here()) {
            self.settle_in_current_task();
        }
        self.members.add(number, task.record());
        self.tasks.borrow_mut().insert(number, Member { task, dismissed: false });
    }

    /// Waits for the next member that ends and takes its result, in the order in which they end. `None` when no
    /// member is left.
    ///
    /// What is taken here is not in the result of a later `join`. Cancel-safe: a dropped wait takes no result, and cancels
    /// no member. Cancelling the task that waits here cancels the members; if another task made the group, it belongs to
    /// this one from now on.
    ///
    /// # Errors
    /// None of its own: that a member panicked or was cancelled is its result, and cancels no other member.
    #[track_caller]
    pub fn next_done(&self) -> impl Future<Output = Option<(TaskId, Result<T, TaskError>)>> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.settle_in_current_task();
            let (_, id, result) = NextEnd::new(self, at).await?;
            Some((id, result))
        }
    }

    /// [`next_done`](Self::next_done) without the number of the task.
    #[track_caller]
    pub fn next_result(&self) -> impl Future<Output = Option<Result<T, TaskError>>> + use<'_, T> {
        let next = self.next_done();
        async move { next.await.map(|(_, result)| result) }
    }

    /// Cancels all members that run, at once, and waits until they have ended. They are then forgotten, but for
    /// those that panicked. What members before them returned is still there for a `join`.
    ///
    /// Members that are spawned while it waits are left alone. If this is dropped, the requests stand.
    #[track_caller]
    pub fn cancel_remaining(&self) -> impl Future<Output = ()> + use<'_, T> {
        let at = Location::caller();
        async move {
            self.settle_in_current_task();
            let end = self.next_number.get();
            self.dismiss_running();
            self.request_cancel();
            join::ended_before(self, end, at).await;
            self.forget_dismissed();
        }
    }

    /// How many members there are: those that run, and those whose results have not been taken.
    pub fn len(&self) -> usize {
        self.forget_dismissed();
        self.tasks.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks every member that runs to stop.
    fn request_cancel(&self) {
        self.members.all_running().into_iter().for_each(traps::request_cancel_of);
    }

    /// Takes the result of the next member that has ended.
    fn take_ended(&self) -> Option<(MemberNumber, TaskId, Result<T, TaskError>)> {
        self.forget_dismissed();
        let number = self.members.take_ended()?;
        let member = self.tasks.borrow_mut().remove(&number)?;
        Some((number, member.task.id(), member.task.take_outcome()))
    }

    fn forget_dismissed(&self) {
        if self.dismissed.get() == 0 {
            return;
        }
        let mut forgotten = Vec::new();
        let mut tasks = self.tasks.borrow_mut();
        self.members.retain_newly_ended(|number| {
            let Some(member) = tasks.get(number).filter(|member| member.dismissed) else { return true };
            self.dismissed.set(self.dismissed.get() - 1);
            let is_wanted = !member.task.is_cancelled();
            if !is_wanted {
                forgotten.extend(tasks.remove(number));
            }
            is_wanted
        });
        drop(tasks);
        drop(forgotten);
    }

    fn dismiss_running(&self) {
        for member in self.tasks.borrow_mut().values_mut() {
            if !member.dismissed && !member.task.is_terminated() {
                member.dismissed = true;
                self.dismissed.set(self.dismissed.get() + 1);
            }
        }
    }

    /// A group that is awaited by another task than the one it was made in belongs to that one. Its node is put
    /// below the task's root: a time limit around the wait is not a limit of the members.
    fn settle_in_current_task(&self) {
        let Some(task) = traps::current_id() else { return };
        // Tasks of different kernels have the same numbers.
        let is_of = |(owner, scope): &(TaskId, Scope)| *owner == task && scope.is_here();
        let is_home = self.home.borrow().as_ref().is_some_and(is_of);
        let is_member = || self.tasks.borrow().values().any(|member| member.task.id() == task);
        if !is_home && !is_member() {
            self.settle(task, traps::open_task_scope());
        }
    }

    fn settle(&self, task: TaskId, scope: Scope) {
        scope.set_waker(&Waker::from(Arc::clone(&self.members)));
        self.members.settle(Some(scope.link()));
        let before = self.home.replace(Some((task, scope)));
        drop(before);
    }
}

impl<T: 'static> Default for TaskGroup<T> {
    fn default() -> TaskGroup<T> {
        TaskGroup::new()
    }
}

impl<T: 'static> Drop for TaskGroup<T> {
    fn drop(&mut self) {
        self.members.settle(None);
        self.home.take();
        // By their records: the tasks may belong to a kernel that is not running now.
        for member in self.tasks.get_mut().values().rev() {
            traps::request_cancel(member.task.record());
        }
    }
}

impl<T: 'static> fmt::Debug for TaskGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = self.tasks.borrow();
        let ended = tasks.values().filter(|member| member.task.is_terminated()).count();
        f.debug_struct("TaskGroup")
            .field("wait", &self.wait)
            .field("running", &(tasks.len() - ended))
            .field("ended", &ended)
            .finish()
    }
}

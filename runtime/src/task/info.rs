//! What can be known of a task from outside: its number, its name, its state, where it was spawned and where it waits.
//!
//! These are plain values. They hold no reference to the task, so that a trace can keep them, a log can print
//! them, and none of it changes when a task lives or dies.

use crate::debug::Region;
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::rc::Rc;

/// A task's number. The first task of a kernel, `main`, is 1; numbers are never reused.
///
/// Displays as the bare number.
///
/// ```
/// let main = curio::run(async { curio::current_task().id() });
/// assert_eq!((main.as_u64(), main.to_string()), (1, "1".into()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(NonZeroU64);

impl TaskId {
    pub(crate) const fn new(number: NonZeroU64) -> TaskId {
        TaskId(number)
    }

    /// The number itself.
    pub fn as_u64(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

/// What a task is doing, or waiting for. Displays as Curio's name for it (`TIME_SLEEP`, `TASK_JOIN`, …).
///
/// A waiting task shows the *last* trap it entered: a task that awaits several things at once, as with
/// [`join!`](crate::join!), shows the last of them that is still pending.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum TaskState {
    /// On the run queue.
    Ready,
    /// Being polled right now.
    Running,
    /// In `sleep`, `sleep_until` or between ticks of an interval.
    TimeSleep,
    /// Waiting for a socket to become readable.
    ReadWait,
    /// Waiting for a socket to become writable.
    WriteWait,
    /// Waiting for another task to end (`join`, `wait`, `cancel`).
    TaskJoin,
    /// Waiting for an `Event`.
    EventWait,
    /// Waiting for a `Lock`.
    LockAcquire,
    /// Waiting for an `RLock`.
    RlockAcquire,
    /// Waiting for a permit of a semaphore.
    SemaAcquire,
    /// Waiting on a `Condition`.
    CondWait,
    /// Waiting for an item of a queue or a channel.
    QueueGet,
    /// Waiting for room in a queue or a channel.
    QueuePut,
    /// Waiting until a queue's items have all been dealt with.
    QueueJoin,
    /// Waiting for the value of a `ResultCell` or a oneshot.
    ResultWait,
    /// Waiting for a thread to finish some blocking work.
    ThreadWait,
    /// Running the cleanup of a `finally`.
    Cleanup,
    /// Waiting in a future of another crate, or in one that has published nothing.
    ForeignWait,
    /// Ended, by returning or by a panic.
    Terminated,
    /// Ended by cancellation.
    Cancelled,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TaskState::Ready => "READY",
            TaskState::Running => "RUNNING",
            TaskState::TimeSleep => "TIME_SLEEP",
            TaskState::ReadWait => "READ_WAIT",
            TaskState::WriteWait => "WRITE_WAIT",
            TaskState::TaskJoin => "TASK_JOIN",
            TaskState::EventWait => "EVENT_WAIT",
            TaskState::LockAcquire => "LOCK_ACQUIRE",
            TaskState::RlockAcquire => "RLOCK_ACQUIRE",
            TaskState::SemaAcquire => "SEMA_ACQUIRE",
            TaskState::CondWait => "COND_WAIT",
            TaskState::QueueGet => "QUEUE_GET",
            TaskState::QueuePut => "QUEUE_PUT",
            TaskState::QueueJoin => "QUEUE_JOIN",
            TaskState::ResultWait => "RESULT_WAIT",
            TaskState::ThreadWait => "THREAD_WAIT",
            TaskState::Cleanup => "CLEANUP",
            TaskState::ForeignWait => "FOREIGN_WAIT",
            TaskState::Terminated => "TERMINATED",
            TaskState::Cancelled => "CANCELLED",
        })
    }
}

/// A snapshot of one task, as it was when [`Task::info`](crate::Task::info), [`current_task`](crate::current_task)
/// or [`tasks`](crate::tasks) was called. Cloning it is cheap.
///
/// ```
/// curio::run(async {
///     let child = curio::spawn_named("child", curio::sleep(std::time::Duration::from_millis(1)));
///     curio::schedule().await;
///     let info = child.info();
///     assert_eq!(info.name(), "child");
///     assert_eq!(info.state().to_string(), "TIME_SLEEP");
///     assert_eq!(info.parent(), Some(curio::current_task().id()));
///     child.join().await.unwrap();
/// });
/// ```
///
/// It tells where the task has been, too:
///
/// ```
/// curio::run(async {
///     let child = curio::spawn(async {
///         curio::schedule().await;
///         panic!("on purpose");
///     });
///     curio::schedule().await;
///     let parked = child.info();
///     assert_eq!(parked.cycles(), 1);
///     println!("spawned at {}, goes on at {}", parked.spawned_at(), parked.resumes_at());
///     println!("waits at {:?}, last woken by {:?}", parked.waiting_at(), parked.woken_by());
///
///     child.wait().await;
///     assert!(child.info().panicked());
/// });
/// ```
#[derive(Clone)]
pub struct TaskInfo {
    pub(crate) id: TaskId,
    pub(crate) name: TaskName,
    pub(crate) state: TaskState,
    pub(crate) cycles: u64,
    pub(crate) parent: Option<TaskId>,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) waiting_at: Option<&'static Location<'static>>,
    pub(crate) woken_by: Option<TaskId>,
    pub(crate) resumes_at: &'static Location<'static>,
    pub(crate) region: Option<Region>,
    /// The number of its kernel.
    pub(crate) kernel: u64,
    pub(crate) panicked: bool,
}

impl TaskInfo {
    /// The task's number.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The name given to `spawn_named`, else the name of the async function that was spawned.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// What it was doing.
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// How many times the kernel had polled it.
    pub fn cycles(&self) -> u64 {
        self.cycles
    }

    /// The task that spawned it; `None` for `main`.
    pub fn parent(&self) -> Option<TaskId> {
        self.parent
    }

    /// The source line that spawned it.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// The source line where it waits, if it waits in one of our futures.
    pub fn waiting_at(&self) -> Option<&'static Location<'static>> {
        self.waiting_at
    }

    /// Of a task that is being polled: the line where it went on; it was spawned there if it had never run.
    pub fn resumes_at(&self) -> &'static Location<'static> {
        self.resumes_at
    }

    /// The innermost [region](crate::debug::region()) of its work in which it waits.
    ///
    /// It is noted while the kernel has an activation, and when a deadlock is reported. At other times,
    /// [`stack`](Self::stack) asks the task for the regions of its waits.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// Whether it has ended by a panic.
    pub fn panicked(&self) -> bool {
        self.panicked
    }

    /// The task that last woke it; `None` if that was a timer, a socket, another thread or the spawn itself.
    pub fn woken_by(&self) -> Option<TaskId> {
        self.woken_by
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} `{}` {}", self.id, self.name(), self.state)?;
        if let Some(at) = self.waiting_at {
            write!(f, " at {at}")?;
        }
        self.region.as_ref().map_or(Ok(()), |region| write!(f, ", in {region}"))
    }
}

impl fmt::Debug for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskInfo")
            .field("id", &self.id.as_u64())
            .field("name", &self.name())
            .field("state", &format_args!("{}", self.state))
            .field("cycles", &self.cycles)
            .field("parent", &self.parent.map(TaskId::as_u64))
            .field("spawned_at", &format_args!("{}", self.spawned_at))
            .field("waiting_at", &format_args!("{}", Place(self.waiting_at)))
            .finish()
    }
}

struct Place(Option<&'static Location<'static>>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => fmt::Display::fmt(at, f),
            None => f.write_str("-"),
        }
    }
}

/// A name that is cheap to keep and to clone: two words. Every task has room for one, and most are the spawned
/// future's type name.
#[derive(Clone)]
pub(crate) enum TaskName {
    /// A function that gives the full type name of the future. It is called, and the name shortened, only when the
    /// name is shown: most never are.
    OfType(fn() -> &'static str),
    Given(Rc<Cow<'static, str>>),
}

impl TaskName {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            TaskName::OfType(name) => last_name(name()),
            TaskName::Given(name) => name,
        }
    }
}

/// `program::fetch_one::{{closure}}` (an async function's future) to `fetch_one`.
fn last_name(type_name: &str) -> &str {
    let path = type_name.split('<').next().unwrap_or(type_name);
    path.rsplit("::").find(|part| !part.is_empty() && !part.starts_with('{')).unwrap_or(type_name)
}

#[cfg(test)]
mod tests {
    use super::last_name;

    #[test]
    fn a_task_is_named_after_its_async_function() {
        assert_eq!(last_name("program::fetch_one::{{closure}}"), "fetch_one");
        assert_eq!(last_name("program::main::{{closure}}::{{closure}}"), "main");
        assert_eq!(last_name("core::pin::Pin<alloc::boxed::Box<dyn core::future::Future>>"), "Pin");
        assert_eq!(last_name("{odd}"), "{odd}");
    }
}

//! Errors of the runtime. Errors of the program are part of a task's output; see [`Task::join`](crate::Task::join).

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Why a task has no result.
///
/// ```
/// curio::run(async {
///     let task = curio::spawn(std::future::pending::<()>());
///     task.cancel().await;
///     assert!(task.join().await.unwrap_err().is_cancelled());
/// });
/// ```
///
/// A panic can be passed on:
///
/// ```should_panic
/// curio::run(async {
///     let task = curio::spawn(async { assert_eq!(1 + 1, 3) });
///     match task.join().await {
///         Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
///         result => result.unwrap(),
///     }
/// });
/// ```
#[non_exhaustive]
pub enum TaskError {
    /// It was cancelled.
    Cancelled,
    /// It panicked.
    Panicked(Panicked),
}

impl TaskError {
    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, TaskError::Cancelled)
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, TaskError::Panicked(_))
    }

    /// The panic's payload, for `std::panic::resume_unwind`.
    ///
    /// # Panics
    /// If the task did not panic; ask [`is_panic`](Self::is_panic) first.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self {
            TaskError::Panicked(panicked) => panicked.into_payload(),
            TaskError::Cancelled => {
                panic!("`into_panic` called, but the task was cancelled and did not panic")
            }
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Cancelled => f.write_str("the task was cancelled"),
            TaskError::Panicked(panicked) => fmt::Display::fmt(panicked, f),
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Cancelled => f.write_str("Cancelled"),
            TaskError::Panicked(panicked) => write!(f, "Panicked({:?})", panicked.message),
        }
    }
}

impl Error for TaskError {}

/// So that `task.join().await??` works in a function that returns `io::Result`. The kind is `Other`, and the `TaskError`
/// is inside: `io::Error::downcast` gets it out again.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// curio::run(async {
///     let reading = curio::spawn(async {
///         let mut file = curio::aopen("Cargo.toml", "r").await?;
///         file.readline().await
///     });
///     assert_eq!(reading.join().await??, b"[package]\n");
///     Ok(())
/// })
/// # }
/// ```
impl From<TaskError> for io::Error {
    fn from(error: TaskError) -> io::Error {
        io::Error::other(error)
    }
}

/// A panic that ended a task: see [`TaskError`]. Displays as the panic's message.
///
/// ```
/// use curio::TaskError;
///
/// fn print(pages: u32) {
///     assert!(pages < 10, "out of paper");
/// }
///
/// curio::run(async {
///     let printing = curio::spawn(async { print(20) });
///     let Err(TaskError::Panicked(panicked)) = printing.join().await else { unreachable!("it panics") };
///     assert_eq!(panicked.message(), "out of paper");
///     let payload = panicked.into_payload();
///     assert_eq!(payload.downcast_ref(), Some(&"out of paper"));
/// });
/// ```
pub struct Panicked {
    message: String,
    /// A payload is `Send` but not `Sync`; the mutex makes the error both, as errors are expected to be.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl Panicked {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Panicked {
        Panicked { message: panic_message(payload.as_ref()), payload: Mutex::new(payload) }
    }

    /// The panic's message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The payload, for `std::panic::resume_unwind`.
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the task panicked: {}", self.message)
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked").field("message", &self.message).finish_non_exhaustive()
    }
}

/// The payload of `panic!` is a `&str` or a `String`; that of `panic_any` may be anything.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(message) = payload.downcast_ref::<&str>() {
        (*message).to_string()
    } else if let Some(message) = payload.downcast_ref::<String>() {
        message.clone()
    } else {
        "a value that is not a message".into()
    }
}

/// The time limit of a [`timeout_after`](crate::timeout_after) or [`timeout_at`](crate::timeout_at) passed.
///
/// It always comes from the call whose own limit it was: an outer limit never shows up as an inner call's error.
/// It displays as the limit, and the line at which that was set:
///
/// ```
/// use curio::{sleep, timeout_after};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let error = timeout_after(Duration::from_secs(5), sleep(Duration::MAX)).await.unwrap_err();
///     assert!(error.to_string().starts_with("the time limit passed (5s, set at "), "{error}");
/// });
/// ```
///
/// All of them are equal.
#[derive(Clone, Copy)]
pub struct TaskTimeout {
    /// `None` if it was given as a point in time.
    pub(crate) limit: Option<Duration>,
    pub(crate) at: &'static Location<'static>,
}

impl PartialEq for TaskTimeout {
    fn eq(&self, _: &TaskTimeout) -> bool {
        true
    }
}

impl Eq for TaskTimeout {}

impl fmt::Display for TaskTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskTimeout { limit, at } = self;
        match limit {
            Some(limit) => write!(f, "the time limit passed ({limit:?}, set at {at})"),
            None => write!(f, "the time limit passed (set at {at})"),
        }
    }
}

impl fmt::Debug for TaskTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(limit) => write!(f, "TaskTimeout({limit:?} at {})", self.at),
            None => write!(f, "TaskTimeout(at {})", self.at),
        }
    }
}

impl Error for TaskTimeout {}

/// So that `timeout_after(limit, stream.recv(&mut buffer)).await??` works in a function that returns `io::Result`. The
/// kind is `TimedOut`.
impl From<TaskTimeout> for io::Error {
    fn from(error: TaskTimeout) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, error)
    }
}

/// An operating system's error, with what was being done, and to what. The kind stays; the system's number is in the text
/// only, because an `io::Error` holds either a number or a text.
pub(crate) fn while_doing(what: impl fmt::Display, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// [`release`](crate::BoundedSemaphore::release) of a [`BoundedSemaphore`](crate::BoundedSemaphore) was called when no permit
/// was out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OverReleased {
    pub(crate) bound: usize,
}

impl fmt::Display for OverReleased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "released once too often: all {} permits of the semaphore are back already", self.bound)
    }
}

impl Error for OverReleased {}

/// The [`Queue`](crate::Queue) is full; the error holds the item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is full")
    }
}

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> Error for Full<T> {}

/// A [`oneshot`](crate::oneshot()) or [`watch`](crate::watch()) channel is closed: the sender has been dropped, and there is
/// no value left to receive.
///
/// ```
/// curio::run(async {
///     let (sender, receiver) = curio::oneshot::<u32>();
///     drop(sender);
///     let closed = receiver.recv().await.unwrap_err();
///     assert_eq!(closed.to_string(), "the channel is closed: the sender is gone");
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed(pub(crate) ());

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed: the sender is gone")
    }
}

impl Error for Closed {}

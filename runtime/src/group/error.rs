//! How the members of a group fail.

use crate::error::TaskError;
use std::error::Error;
use std::fmt;

/// How one member of a [`TaskGroup`](crate::TaskGroup) whose tasks return `Result<V, E>` failed.
#[derive(Debug)]
pub enum MemberError<E> {
    /// It returned an error.
    Failed(E),
    /// It panicked, or was cancelled from outside of the group.
    Task(TaskError),
}

impl<E: fmt::Display> fmt::Display for MemberError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemberError::Failed(error) => fmt::Display::fmt(error, f),
            MemberError::Task(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for MemberError<E> {}

/// Why [`TaskGroup::try_join`](crate::TaskGroup::try_join) failed: the first failure, and those that came while
/// the other members were being cancelled.
///
/// Displays as the first failure and the number of others.
///
/// ```
/// use curio::{MemberError, TaskGroup};
///
/// curio::run(async {
///     let group = TaskGroup::new();
///     for text in ["1", "two", ""] {
///         group.spawn(async move { text.parse::<u32>().map_err(|error| format!("`{text}`: {error}")) });
///     }
///     let error = group.try_join().await.unwrap_err();
///     assert_eq!(error.first().to_string(), "`two`: invalid digit found in string");
///     assert_eq!(error.others().len(), 1, "the other one failed before it could be cancelled");
///     assert!(matches!(error.into_first(), MemberError::Failed(_)));
/// });
/// ```
#[derive(Debug)]
pub struct GroupError<E> {
    first: MemberError<E>,
    others: Vec<MemberError<E>>,
}

impl<E> GroupError<E> {
    pub(super) fn new(first: MemberError<E>) -> GroupError<E> {
        GroupError { first, others: Vec::new() }
    }

    pub(super) fn add(&mut self, other: MemberError<E>) {
        self.others.push(other);
    }

    /// The failure that made the group cancel the rest.
    pub fn first(&self) -> &MemberError<E> {
        &self.first
    }

    /// Members that failed after it, in the order in which they did. Those that were merely cancelled are not
    /// among them.
    pub fn others(&self) -> &[MemberError<E>] {
        &self.others
    }

    /// The first failure alone.
    pub fn into_first(self) -> MemberError<E> {
        self.first
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        match self.others.len() {
            0 => Ok(()),
            1 => f.write_str(" (and one more task of the group failed)"),
            n => write!(f, " (and {n} more tasks of the group failed)"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for GroupError<E> {}

//! The ways to wait for a whole group.
//!
//! All joins are one loop: take the members that have ended, one by one, until none is left; at each decide
//! whether to cancel the rest. They differ in that decision and in what they keep.
//!
//! A join owns its group. So its node in the cancel-scope tree is moved to where the join is awaited: a time limit
//! around a join is a limit for the members, and a shield around it shields them.

use super::members::MemberNumber;
use super::{GroupError, MemberError, TaskGroup, Wait};
use crate::error::TaskError;
use crate::kernel::task_record::Resource;
use crate::task::info::{TaskId, TaskState};
use crate::traps;
use std::future::poll_fn;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<T: 'static> TaskGroup<T> {
    /// Waits as the group's [`Wait`] says, until no member is left, and returns what they returned, in the order
    /// in which they were spawned.
    ///
    /// * `All`: every result. The first member that does not return one makes it cancel the rest.
    /// * `Any`, `Object`: the one result of the first member that ends; the rest is cancelled. An empty group
    ///   gives an empty `Vec`.
    /// * `None`: all members are cancelled; the results of those that had ended.
    ///
    /// If this future is dropped, the members are cancelled. If it is cancelled by curio, their cleanups are
    /// waited for as well.
    ///
    /// # Errors
    /// With `Any` and `Object` how the first member failed, if it did. Else the first panic; or `Cancelled`, if
    /// a member of an `All` group was cancelled from outside of it.
    #[track_caller]
    pub fn join(self) -> impl Future<Output = Result<Vec<T>, TaskError>> {
        let mut joining = Joining::new(self, Location::caller());
        async move {
            match joining.group.wait {
                Wait::All => joining.all().await,
                Wait::Any | Wait::Object => {
                    joining.first(|_| true).await.map(|first| first.into_iter().collect())
                }
                Wait::None => joining.none().await,
            }
        }
    }
}

impl<V: 'static> TaskGroup<Option<V>> {
    /// Waits for the first member that returns `Some`, cancels the rest and waits for them: Curio's `wait=object`.
    /// `None` if no member returned one. The group's [`Wait`] does not matter.
    ///
    /// # Errors
    /// If a member panics, or is cancelled from outside of the group, before any has returned `Some`. The rest is
    /// cancelled then too.
    ///
    /// ```
    /// async fn look_in(shelf: &[&str], for_what: &str) -> Option<usize> {
    ///     shelf.iter().position(|item| *item == for_what)
    /// }
    ///
    /// curio::run(async {
    ///     let search = curio::TaskGroup::new();
    ///     search.spawn(look_in(&["pots"], "cup"));
    ///     search.spawn(look_in(&["jug", "cup"], "cup"));
    ///     assert_eq!(search.join_object().await.unwrap(), Some(1));
    /// });
    /// ```
    #[track_caller]
    pub fn join_object(self) -> impl Future<Output = Result<Option<V>, TaskError>> {
        let mut joining = Joining::new(self, Location::caller());
        async move { Ok(joining.first(Option::is_some).await?.flatten()) }
    }
}

impl<V: 'static, E: 'static> TaskGroup<Result<V, E>> {
    /// Waits for all members; the first that fails, in whatever way, makes it cancel the rest and wait for them.
    /// Gives the values in the order in which the members were spawned. The group's [`Wait`] does not matter.
    ///
    /// # Errors
    /// The first failure, together with those that came while the rest was being cancelled.
    ///
    /// ```
    /// curio::run(async {
    ///     let sum = curio::TaskGroup::new();
    ///     for text in ["1", "2", "3"] {
    ///         sum.spawn(async move { text.parse::<u32>() });
    ///     }
    ///     assert_eq!(sum.try_join().await.unwrap(), [1, 2, 3]);
    /// });
    /// ```
    ///
    /// [`GroupError`] shows what a failure looks like.
    #[track_caller]
    pub fn try_join(self) -> impl Future<Output = Result<Vec<V>, GroupError<E>>> {
        let mut joining = Joining::new(self, Location::caller());
        async move {
            let mut values = Vec::new();
            let mut failed: Option<GroupError<E>> = None;
            joining
                .each(|number, result| {
                    match (member_result(result), &mut failed) {
                        (Ok(value), _) => values.push((number, value)),
                        (Err(error), None) => failed = Some(GroupError::new(error)),
                        (Err(MemberError::Task(TaskError::Cancelled)), Some(_)) => {}
                        (Err(error), Some(failed)) => failed.add(error),
                    }
                    if failed.is_some() { Then::CancelTheRest } else { Then::GoOn }
                })
                .await;
            match failed {
                Some(error) => Err(error),
                None => Ok(in_spawn_order(values)),
            }
        }
    }

    /// Waits for the first member that succeeds, cancels the rest and waits for them. The group's [`Wait`] does
    /// not matter.
    ///
    /// # Errors
    /// If none succeeded: how each of them failed, in the order in which they were spawned.
    ///
    /// ```
    /// curio::run(async {
    ///     let first_number = curio::TaskGroup::new();
    ///     for text in ["one", "2", "3"] {
    ///         first_number.spawn(async move { text.parse::<u32>() });
    ///     }
    ///     assert_eq!(first_number.join_ok().await.unwrap(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn join_ok(self) -> impl Future<Output = Result<V, Vec<MemberError<E>>>> {
        let mut joining = Joining::new(self, Location::caller());
        async move {
            let mut errors = Vec::new();
            let mut first = None;
            joining
                .each(|number, result| {
                    match member_result(result) {
                        Ok(value) if first.is_none() => first = Some(value),
                        Ok(_) => {}
                        Err(error) => errors.push((number, error)),
                    }
                    if first.is_some() { Then::CancelTheRest } else { Then::GoOn }
                })
                .await;
            first.ok_or_else(|| in_spawn_order(errors))
        }
    }
}

fn member_result<V, E>(result: Result<Result<V, E>, TaskError>) -> Result<V, MemberError<E>> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(MemberError::Failed(error)),
        Err(error) => Err(MemberError::Task(error)),
    }
}

fn in_spawn_order<V>(mut values: Vec<(MemberNumber, V)>) -> Vec<V> {
    values.sort_by_key(|&(number, _)| number);
    values.into_iter().map(|(_, value)| value).collect()
}

/// A group that is being joined.
struct Joining<T: 'static> {
    group: TaskGroup<T>,
    at: &'static Location<'static>,
}

/// What to do after a member has ended.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    CancelTheRest,
}

impl<T: 'static> Joining<T> {
    fn new(group: TaskGroup<T>, at: &'static Location<'static>) -> Joining<T> {
        Joining { group, at }
    }

    async fn all(&mut self) -> Result<Vec<T>, TaskError> {
        let mut values = Vec::new();
        let mut failed = None;
        self.each(|number, result| {
            match result {
                Ok(value) => values.push((number, value)),
                Err(error) => failed = failed.take().or(Some(error)),
            }
            if failed.is_some() { Then::CancelTheRest } else { Then::GoOn }
        })
        .await;
        match failed {
            Some(error) => Err(error),
            None => Ok(in_spawn_order(values)),
        }
    }

    /// The first value that is wanted, or failure. If there is neither, the last value.
    async fn first(&mut self, is_wanted: impl Fn(&T) -> bool) -> Result<Option<T>, TaskError> {
        let mut kept = Ok(None);
        let mut decided = false;
        self.each(|_, result| {
            if !decided {
                decided = result.as_ref().map_or(true, &is_wanted);
                kept = result.map(Some);
            }
            if decided { Then::CancelTheRest } else { Then::GoOn }
        })
        .await;
        kept
    }

    async fn none(&mut self) -> Result<Vec<T>, TaskError> {
        let mut values = Vec::new();
        let mut panicked = None;
        self.group.request_cancel();
        self.each(|number, result| {
            match result {
                Ok(value) => values.push((number, value)),
                Err(TaskError::Cancelled) => {}
                Err(error) => panicked = panicked.take().or(Some(error)),
            }
            Then::GoOn
        })
        .await;
        match panicked {
            Some(error) => Err(error),
            None => Ok(in_spawn_order(values)),
        }
    }

    /// Shows every result to `look`, as they come, until no member is left.
    async fn each(&mut self, mut look: impl FnMut(MemberNumber, Result<T, TaskError>) -> Then) {
        if let Some(task) = traps::current_id() {
            self.group.settle(task, traps::open_scope());
        }
        let mut asked = false;
        while let Some((number, _, result)) = NextEnd::new(&self.group, self.at).await {
            if look(number, result) == Then::CancelTheRest && !asked {
                asked = true;
                self.group.request_cancel();
            }
        }
    }
}

/// Waits for the next member that ends.
pub(super) struct NextEnd<'a, T: 'static> {
    group: &'a TaskGroup<T>,
    ticket: Option<u32>,
    at: &'static Location<'static>,
}

impl<'a, T: 'static> NextEnd<'a, T> {
    pub(super) fn new(group: &'a TaskGroup<T>, at: &'static Location<'static>) -> NextEnd<'a, T> {
        NextEnd { group, ticket: None, at }
    }

    /// Keeps the waker for the next end of a member.
    fn park(&mut self, cx: &mut Context<'_>) {
        let members = &self.group.members;
        self.ticket = Some(members.wait(self.ticket, cx.waker()));
        let resource = members.first_running().map_or(Resource::Nothing, |(_, task)| Resource::Task(task.id));
        traps::park(TaskState::TaskJoin, self.at, resource);
    }
}

impl<T: 'static> Future for NextEnd<'_, T> {
    type Output = Option<(MemberNumber, TaskId, Result<T, TaskError>)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.ticket.is_none() {
            ready!(traps::spend(cx));
        }
        let members = &this.group.members;
        members.pass_on_cancel();
        // The owner is being dropped as well, so it cannot act on the cancellation of its members.
        if !(members.are_lost() && traps::is_cancelled()) {
            if let Some(ended) = this.group.take_ended() {
                return Poll::Ready(Some(ended));
            }
            if members.first_running().is_none() {
                return Poll::Ready(None);
            }
        }
        this.park(cx);
        Poll::Pending
    }
}

impl<T: 'static> Drop for NextEnd<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.group.members.give_up(ticket);
        }
    }
}

/// Waits until every member with a number below `end` has ended.
pub(super) fn ended_before<T: 'static>(
    group: &TaskGroup<T>,
    end: MemberNumber,
    at: &'static Location<'static>,
) -> impl Future<Output = ()> {
    let mut wait = NextEnd::new(group, at);
    poll_fn(move |cx| match group.members.first_running() {
        Some((number, _)) if number < end => {
            wait.park(cx);
            Poll::Pending
        }
        _ if wait.ticket.is_none() => traps::spend(cx),
        _ => Poll::Ready(()),
    })
}

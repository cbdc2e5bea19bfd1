//! Which members are running, which have ended, and which tasks wait for that.
//!
//! A group is notified of the ends of its members by wakers: each member has a waker of the group among those that wait for its
//! end. This waker knows its member: calling it moves the member's number from the running to the ended. So finding the
//! next member that has ended takes no search, however many there are.
//!
//! A second waker of the group is kept at its node of the cancel tree and is called when the group's owner is cancelled.
//! So the node serves both sides of the guarantee that no member outlives its group: it counts as *alive* while any
//! member runs, which keeps the owner from being dropped, and its waker passes the cancellation on to all members.
//!
//! Wakers must be `Send`, so what they share is behind a mutex; it is only ever locked on the kernel's thread,
//! and never while anything foreign runs.

use crate::kernel::join_wakers::JoinWakers;
use crate::kernel::task_record::Record;
use crate::kernel::task_record::TaskRef;
use crate::kernel::waker::wake_each;
use crate::traps::{self, ScopeLink};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Numbers the members of one group in the order in which they joined it.
pub(super) type MemberNumber = u64;

#[derive(Default)]
pub(super) struct Members {
    state: Mutex<MembersState>,
}

#[derive(Default)]
struct MembersState {
    running: BTreeMap<MemberNumber, TaskRef>,
    ended: VecDeque<MemberNumber>,
    /// How many of those, from the front, it has been asked about whether they are wanted.
    ended_and_wanted: usize,
    waiting: JoinWakers,
    /// The group's node in the cancel-scope tree.
    home: Option<ScopeLink>,
    /// The owner is being cancelled, and the members that ran then were asked to stop.
    cancel_passed_on: bool,
}

impl Members {
    /// Adds a task. If the owner is being cancelled already, so is the task.
    pub(super) fn add(self: &Arc<Self>, number: MemberNumber, task: &Record) {
        if task.end.get().is_some() {
            self.lock().ended.push_back(number);
            return self.wake_waiting();
        }
        let mut state = self.lock();
        state.running.insert(number, TaskRef::to(task));
        let home = state.home.as_ref().filter(|_| state.running.len() == 1).copied();
        drop(state);
        if let Some(scope) = home {
            scope.set_alive(true);
        }
        let end = Waker::from(Arc::new(MemberEnd { members: Arc::clone(self), number }));
        task.wait_for_end(None, &end);
        if self.are_lost() {
            traps::request_cancel(task);
        } else {
            self.pass_on_cancel();
        }
    }

    /// Moves the group to another place in the cancel-scope tree, or out of it.
    pub(super) fn settle(self: &Arc<Self>, home: Option<ScopeLink>) {
        let mut state = self.lock();
        let alive = !state.running.is_empty();
        state.home = home;
        state.cancel_passed_on &= home.is_some_and(ScopeLink::is_cancelled);
        drop(state);
        if let Some(home) = home {
            home.set_alive(alive);
            self.pass_on_cancel();
        }
    }

    /// If the owner is being cancelled, passes that on to every member that runs.
    pub(super) fn pass_on_cancel(self: &Arc<Self>) {
        let mut state = self.lock();
        let cancelled = state.home.is_some_and(ScopeLink::is_cancelled);
        // No longer, if the group has outlived the region that was asked to stop.
        state.cancel_passed_on &= cancelled;
        if !cancelled || state.cancel_passed_on || state.running.is_empty() {
            return;
        }
        state.cancel_passed_on = true;
        drop(state);
        pass_on(Arc::clone(self));
    }

    /// Whether the owner is being cancelled and the members were stopped because of that: their results are not wanted
    /// any more.
    pub(super) fn are_lost(&self) -> bool {
        let state = self.lock();
        state.cancel_passed_on && state.home.is_some_and(ScopeLink::is_cancelled)
    }

    /// The next one that has ended, in the order in which they did.
    pub(super) fn take_ended(&self) -> Option<MemberNumber> {
        let mut state = self.lock();
        state.ended_and_wanted = state.ended_and_wanted.saturating_sub(1);
        state.ended.pop_front()
    }

    /// Forgets those that have ended since it was last asked this, and are not wanted.
    pub(super) fn retain_newly_ended(&self, is_wanted: impl FnMut(&MemberNumber) -> bool) {
        let state = &mut *self.lock();
        let newly_ended = state.ended.split_off(state.ended_and_wanted);
        state.ended.extend(newly_ended.into_iter().filter(is_wanted));
        state.ended_and_wanted = state.ended.len();
    }

    /// The member that has run for longest.
    pub(super) fn first_running(&self) -> Option<(MemberNumber, TaskRef)> {
        self.lock().running.first_key_value().map(|(&number, &task)| (number, task))
    }

    /// Newest first, as at shutdown.
    pub(super) fn all_running(&self) -> Vec<TaskRef> {
        self.lock().running.values().rev().copied().collect()
    }

    /// Waits for the next end of a member. See [`JoinWakers::wait`].
    pub(super) fn wait(&self, ticket: Option<u32>, waker: &Waker) -> u32 {
        let (ticket, replaced) = self.lock().waiting.wait(ticket, waker);
        drop(replaced);
        ticket
    }

    pub(super) fn give_up(&self, ticket: u32) {
        let waker = self.lock().waiting.give_up(ticket);
        drop(waker);
    }

    fn ended(&self, number: MemberNumber) {
        let mut state = self.lock();
        if state.running.remove(&number).is_none() {
            return;
        }
        state.ended.push_back(number);
        let home = if state.running.is_empty() { state.home } else { None };
        drop(state);
        self.wake_waiting();
        let Some(home) = home else { return };
        home.set_alive(false);
        if home.is_cancelled() {
            home.wake_above();
        }
    }

    /// All waiting tasks are woken and look for ended members, so that no end is reserved for a task that has stopped
    /// waiting.
    fn wake_waiting(&self) {
        let waiting: Vec<Waker> = self.lock().waiting.drain().collect();
        wake_each(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, MembersState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker at the group's node: the owner is being cancelled.
impl Wake for Members {
    fn wake(self: Arc<Self>) {
        self.pass_on_cancel();
    }
}

/// Waits for the end of one member.
struct MemberEnd {
    members: Arc<Members>,
    number: MemberNumber,
}

impl Wake for MemberEnd {
    fn wake(self: Arc<Self>) {
        self.members.ended(self.number);
    }
}

/// Asks every member of a group to stop.
///
/// A member may own a group itself, whose waker is called from in here. Groups nested a thousand deep must not need a
/// thousand frames of stack, so an inner call only adds its group to a list.
fn pass_on(group: Arc<Members>) {
    let enter = |pending: &RefCell<Option<Vec<Arc<Members>>>>| match &mut *pending.borrow_mut() {
        Some(pending) => {
            pending.push(Arc::clone(&group));
            false
        }
        none => {
            *none = Some(vec![Arc::clone(&group)]);
            true
        }
    };
    // A waker may be called while the locals of its thread are torn down. No kernel runs there, and nothing nests.
    let Ok(is_outermost) = PENDING_GROUPS.try_with(enter) else {
        return group.all_running().into_iter().for_each(traps::request_cancel_of);
    };
    if !is_outermost {
        return;
    }
    let _end = EndOfCall;
    while let Some(group) = PENDING_GROUPS.with_borrow_mut(|pending| pending.as_mut().and_then(Vec::pop)) {
        group.all_running().into_iter().for_each(traps::request_cancel_of);
    }
}

thread_local! {
    /// While a cancellation is being passed on: the groups that have to pass it on as well.
    static PENDING_GROUPS: RefCell<Option<Vec<Arc<Members>>>> = const { RefCell::new(None) };
}

/// A foreign waker may panic.
struct EndOfCall;

impl Drop for EndOfCall {
    fn drop(&mut self) {
        let left = PENDING_GROUPS.take();
        drop(left);
    }
}

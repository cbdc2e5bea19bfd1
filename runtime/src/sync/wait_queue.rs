//! The wait queue under every primitive that serves its waiters in order.
//!
//! It is a doubly linked list whose nodes live in a vector and are used again. Entering, leaving and being served are
//! O(1), a wait that is dropped leaves nothing behind, and once there are enough nodes no wait allocates.
//!
//! A node is in one of three states:
//!
//! ```text
//! enter ─▶ Waiting ── grant_front ─▶ Granted ── remove (claimed), or leave (dropped; the owner passes it on)
//!             │                         └────── revoke ─▶ Dismissed ── remove, look again, perhaps enter again
//!             └────────────────── dismiss_front ─────────────┘
//! ```
//!
//! `Granted` is what makes the queue fair. Between being granted its turn and being polled, a waiter *owns* what it
//! waited for. So a release makes nothing available to newcomers while a waiter is queued, and no waiter is overtaken. A
//! node is reused only when its wait has taken it out, so an index never names another wait.
//!
//! # Grants to tasks
//!
//! A task that was granted its turn may never poll the wait again, or its kernel may stop. The kernel
//! [counts](crate::kernel::grants) the grants that its tasks have not claimed, and asks for those that are overdue
//! ([`find_overdue`](WaitQueue::find_overdue)). A thread that blocks in a wait always claims its grant, so these are not
//! counted.

use super::locked::Wakers;
use super::permit_queue::Handover;
use crate::kernel::grants::{Grantee, Grants};
use crate::kernel::waker::renew;
use std::fmt::Write;
use std::iter::successors;
use std::mem;
use std::task::Waker;

const NONE: u32 = u32::MAX;

/// So many waits are named.
const LONGEST_LINE: usize = 8;

pub(super) struct WaitQueue {
    nodes: Vec<Node>,
    /// The first of the nodes that are not in use, linked through `after`.
    free: u32,
    head: u32,
    tail: u32,
}

struct Node {
    state: WaitState,
    /// How many permits it waits for.
    wanted: usize,
    waker: Option<Waker>,
    /// Who waits.
    grantee: Grantee,
    before: u32,
    after: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WaitState {
    Waiting,
    Granted,
    Dismissed,
}

/// Names one wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ticket(u32);

impl WaitQueue {
    pub(super) const fn new() -> WaitQueue {
        WaitQueue { nodes: Vec::new(), free: NONE, head: NONE, tail: NONE }
    }

    /// Enters at the end of the queue. `identify` says who waits.
    #[inline]
    pub(super) fn enter(&mut self, wanted: usize, waker: &Waker, identify: fn(&mut Grantee)) -> Ticket {
        let index = self.free;
        let node = match self.nodes.get_mut(index as usize) {
            Some(node) => node,
            None => return self.grow_and_enter(wanted, waker, identify),
        };
        self.free = node.after;
        node.state = WaitState::Waiting;
        node.wanted = wanted;
        // A free node has no waker, so there is nothing to drop.
        mem::forget(node.waker.replace(waker.clone()));
        identify(&mut node.grantee);
        node.before = self.tail;
        node.after = NONE;
        match self.tail {
            NONE => self.head = index,
            tail => self.nodes[tail as usize].after = index,
        }
        self.tail = index;
        Ticket(index)
    }

    #[cold]
    fn grow_and_enter(&mut self, wanted: usize, waker: &Waker, identify: fn(&mut Grantee)) -> Ticket {
        self.free = u32::try_from(self.nodes.len()).expect("fewer than 2^32 waits fit in memory");
        self.nodes.push(Node {
            state: WaitState::Dismissed,
            wanted: 0,
            waker: None,
            grantee: Grantee::default(),
            before: NONE,
            after: NONE,
        });
        self.enter(wanted, waker, identify)
    }

    /// How many permits the first queued wait wants.
    #[inline]
    pub(super) fn front(&self) -> Option<usize> {
        (self.head != NONE).then(|| self.nodes[self.head as usize].wanted)
    }

    /// Whether no wait is queued. One that has been granted its turn is no longer queued.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// Which wait, in words: `in line: task 3, task 7, a thread`.
    pub(super) fn describe(&self) -> String {
        let next = |index: &u32| Some(self.nodes[*index as usize].after).filter(|index| *index != NONE);
        let mut line = successors(Some(self.head).filter(|head| *head != NONE), next);
        let mut text = String::from("in line:");
        for (number, index) in line.by_ref().take(LONGEST_LINE).enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let _ = match self.nodes[index as usize].grantee.task() {
                Some(task) => write!(text, "{comma} task {task}"),
                None => write!(text, "{comma} a thread"),
            };
        }
        let more = line.count();
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
        text
    }

    #[inline]
    pub(super) fn state(&self, ticket: Ticket) -> WaitState {
        self.nodes[ticket.0 as usize].state
    }

    /// The wait is polled again: perhaps by another task, with another waker.
    pub(super) fn renew(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        identify: fn(&mut Grantee),
        wakers: &mut Wakers,
    ) {
        let node = &mut self.nodes[ticket.0 as usize];
        identify(&mut node.grantee);
        wakers.discard(renew(&mut node.waker, waker));
    }

    /// Grants the first queued wait its turn. False if it was dismissed instead, because its kernel does not run. The last
    /// one is not dismissed if `last_keeps`.
    #[inline]
    pub(super) fn grant_front(&mut self, last_keeps: bool, handover: &mut Handover) -> bool {
        let Some(index) = self.pop_front(&mut handover.wakers) else { return false };
        let is_last = self.is_empty();
        let node = &mut self.nodes[index as usize];
        if let Some(grants) = node.grantee.grants() {
            // Before the kernel is asked whether it runs: one that stops comes to the queues that it knows.
            handover.make_known(grants);
            if grants.can_be_claimed() {
                node.grantee.count();
            } else if !(is_last && last_keeps) {
                return false;
            }
        }
        node.state = WaitState::Granted;
        true
    }

    /// Dismisses the first queued wait without a grant. False if none is queued.
    pub(super) fn dismiss_front(&mut self, wakers: &mut Wakers) -> bool {
        self.pop_front(wakers).is_some()
    }

    /// Takes a wait out, and says in which state it was and how much it waited for.
    pub(super) fn leave(&mut self, ticket: Ticket, wakers: &mut Wakers) -> (WaitState, usize) {
        let node = &mut self.nodes[ticket.0 as usize];
        let left = (node.state, node.wanted);
        if node.state == WaitState::Waiting {
            wakers.discard(node.waker.take());
            self.unlink(ticket.0);
        }
        self.remove(ticket);
        left
    }

    /// Takes out a wait that is not queued any more.
    #[inline]
    pub(super) fn remove(&mut self, ticket: Ticket) {
        let node = &mut self.nodes[ticket.0 as usize];
        node.grantee.discount();
        // A free node is like a dismissed one: nothing can be taken back from it.
        node.state = WaitState::Dismissed;
        node.after = self.free;
        self.free = ticket.0;
    }

    /// The first wait from `from` on with an overdue grant to a task of `kernel`. O(waits): it looks at all of them.
    pub(super) fn find_overdue(
        &mut self,
        from: usize,
        kernel: &Grants,
        is_overdue: &dyn Fn(&mut Grantee) -> bool,
    ) -> Option<usize> {
        let found = self.nodes.iter_mut().skip(from).position(|node| {
            let grantee = &mut node.grantee;
            node.state == WaitState::Granted
                && grantee.is_counted()
                && grantee.is_of(kernel)
                && is_overdue(grantee)
        });
        found.map(|offset| from + offset)
    }

    /// Whether a task of `kernel` has an open grant. O(waits).
    pub(super) fn any_open(&self, kernel: &Grants) -> bool {
        self.nodes
            .iter()
            .map(|node| &node.grantee)
            .any(|grantee| grantee.is_counted() && grantee.is_of(kernel))
    }

    /// Takes a grant back. Returns how much it was of.
    pub(super) fn revoke(&mut self, index: usize) -> usize {
        let node = &mut self.nodes[index];
        node.state = WaitState::Dismissed;
        node.grantee.discount();
        node.wanted
    }

    /// Leaves an overdue grant where it is. The kernel does not ask for it again.
    pub(super) fn keep(&mut self, index: usize) {
        self.nodes[index].grantee.discount();
    }

    /// Has the kernels ask again for the grants that were [kept](Self::keep). Returns the first one of a kernel that
    /// does not run.
    pub(super) fn count_kept(&mut self, handover: &mut Handover) -> Option<usize> {
        self.nodes.iter_mut().position(|node| match node.grantee.grants() {
            Some(grants) if node.state == WaitState::Granted && !node.grantee.is_counted() => {
                handover.make_known(grants);
                let can_be_claimed = grants.can_be_claimed();
                if can_be_claimed {
                    node.grantee.count();
                }
                !can_be_claimed
            }
            _ => false,
        })
    }

    #[inline(always)]
    fn pop_front(&mut self, wakers: &mut Wakers) -> Option<u32> {
        let index = self.head;
        if index == NONE {
            return None;
        }
        let node = &mut self.nodes[index as usize];
        node.state = WaitState::Dismissed;
        wakers.add(node.waker.take());
        self.head = node.after;
        match self.head {
            NONE => self.tail = NONE,
            head => self.nodes[head as usize].before = NONE,
        }
        Some(index)
    }

    fn unlink(&mut self, index: u32) {
        let node = &self.nodes[index as usize];
        let (before, after) = (node.before, node.after);
        match before {
            NONE => self.head = after,
            before => self.nodes[before as usize].after = after,
        }
        match after {
            NONE => self.tail = before,
            after => self.nodes[after as usize].before = before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::waker::logging;
    use std::collections::VecDeque;
    use std::sync::Arc;

    fn enter(queue: &mut WaitQueue, value: usize) -> Ticket {
        queue.enter(value, Waker::noop(), Grantee::set_thread)
    }

    fn grant_front(queue: &mut WaitQueue) -> bool {
        Handover::in_test(|handover| queue.grant_front(false, handover))
    }

    fn leave(queue: &mut WaitQueue, ticket: Ticket) -> (WaitState, usize) {
        queue.leave(ticket, &mut Wakers::default())
    }

    /// Grants all remaining waits their turn.
    fn drain(queue: &mut WaitQueue) -> Vec<usize> {
        std::iter::from_fn(|| {
            let (value, ticket) = (queue.front()?, Ticket(queue.head));
            assert!(grant_front(queue));
            assert_eq!(leave(queue, ticket), (WaitState::Granted, value));
            Some(value)
        })
        .collect()
    }

    #[test]
    fn turns_are_granted_in_the_order_of_entering() {
        let mut queue = WaitQueue::new();
        for value in 0..5 {
            enter(&mut queue, value);
        }
        assert_eq!(drain(&mut queue), [0, 1, 2, 3, 4]);
        assert!(queue.is_empty() && queue.front().is_none() && !grant_front(&mut queue));
    }

    #[test]
    fn a_wait_that_leaves_from_anywhere_leaves_the_others_in_order() {
        for leaving in 0..5 {
            let mut queue = WaitQueue::new();
            let tickets: Vec<_> = (0..5).map(|value| enter(&mut queue, value)).collect();
            assert_eq!(leave(&mut queue, tickets[leaving]), (WaitState::Waiting, leaving));
            enter(&mut queue, 9);
            let stayed: Vec<_> = (0..5).filter(|value| *value != leaving).chain([9]).collect();
            assert_eq!(drain(&mut queue), stayed);
        }
    }

    #[test]
    fn a_granted_wait_is_out_of_line() {
        let mut queue = WaitQueue::new();
        let first = enter(&mut queue, 1);
        assert!(grant_front(&mut queue) && queue.is_empty());
        assert_eq!(queue.state(first), WaitState::Granted);
        assert_eq!(leave(&mut queue, first), (WaitState::Granted, 1));
    }

    #[test]
    fn places_are_used_again_instead_of_growing() {
        let mut queue = WaitQueue::new();
        for round in 0..1000 {
            let tickets = [0, 1, 2].map(|value| enter(&mut queue, round + value));
            for ticket in tickets {
                leave(&mut queue, ticket);
            }
        }
        assert_eq!(queue.nodes.len(), 3);
    }

    #[test]
    fn a_wait_that_is_polled_again_wakes_its_new_poller() {
        let (mut queue, log) = (WaitQueue::new(), Arc::default());
        let ticket = queue.enter(0, &logging(1, &log), Grantee::set_thread);
        queue.renew(ticket, &logging(2, &log), Grantee::set_thread, &mut Wakers::default());
        assert!(grant_front(&mut queue));
        assert_eq!(*log.lock().unwrap(), [2]);
    }

    /// The lists against the plainest model of them.
    #[test]
    fn random_use_agrees_with_a_double_ended_queue() {
        let mut random = crate::kernel::random::Random::new(1);
        let mut queue = WaitQueue::new();
        let mut model: VecDeque<usize> = VecDeque::new();
        // Every wait that has not left, with what the model thinks of it.
        let mut alive: Vec<(Ticket, usize, WaitState)> = Vec::new();
        for value in 0..50_000 {
            match random.below(5) {
                0 | 1 => {
                    alive.push((enter(&mut queue, value), value, WaitState::Waiting));
                    model.push_back(value);
                }
                2 if !alive.is_empty() => {
                    let (ticket, value, state) = alive.swap_remove(random.below(alive.len()));
                    assert_eq!(leave(&mut queue, ticket), (state, value));
                    model.retain(|waiting| *waiting != value);
                }
                3 => {
                    assert_eq!(
                        grant_front(&mut queue),
                        mark(&mut alive, model.pop_front(), WaitState::Granted)
                    );
                }
                4 => {
                    let dismissed = queue.dismiss_front(&mut Wakers::default());
                    assert_eq!(dismissed, mark(&mut alive, model.pop_front(), WaitState::Dismissed));
                }
                _ => {}
            }
            for (ticket, _, state) in alive.iter().take(3) {
                assert_eq!(queue.state(*ticket), *state);
            }
            assert_eq!((queue.front(), queue.is_empty()), (model.front().copied(), model.is_empty()));
        }
        assert_eq!(drain(&mut queue), Vec::from(model));
    }

    fn mark(alive: &mut [(Ticket, usize, WaitState)], value: Option<usize>, state: WaitState) -> bool {
        let found = alive.iter_mut().find(|(_, alive, _)| Some(*alive) == value);
        found.map(|found| found.2 = state).is_some()
    }
}

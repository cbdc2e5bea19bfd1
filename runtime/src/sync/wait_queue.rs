//! The wait queue under everything that waits in a line.
//!
//! It is a doubly linked list whose nodes live in a vector and are used again: entering, leaving and being served are O(1), nothing is
//! left behind by a wait that is given up, and once warm no wait allocates.
//!
//! A node is in one of three states, and the middle one is the whole trick:
//!
//! ```text
//! enter ─▶ Waiting ── grant_front ─▶ Granted ── leave (claimed, or given up: then the owner passes it on)
//!             │                         └────── revoke ─▶ Dismissed ── leave, look again, perhaps enter again
//!             └────────────────── dismiss_front ─────────────┘
//! ```
//!
//! Between being granted its turn and being polled, a waiter *owns* what it waited for. So a release never makes
//! anything available to bystanders while somebody waits, and first come, first served is a theorem, not a
//! tendency. A node is not used again until its owner has taken it out; so its index
//! can't come to mean another wait.
//!
//! The queue is used under its primitive's mutex. Wakers are foreign code: they are handed out in a [`Wakes`] and
//! called, or dropped, after the mutex is released.

use crate::kernel::grants::{Grantee, Watched};
use crate::kernel::waker::{renew, wake_all};
use std::mem;
use std::panic::resume_unwind;
use std::task::Waker;
use std::thread;

const NONE: u32 = u32::MAX;

pub(super) struct WaitQueue<N> {
    nodes: Vec<Node<N>>,
    /// The first of the nodes that are not in use, linked through `after`.
    free: u32,
    head: u32,
    tail: u32,
    next_sequence: u64,
}

struct Node<N> {
    sequence: u64,
    state: WaitState,
    value: N,
    waker: Option<Waker>,
    /// The task that waits; `None` for a thread.
    grantee: Option<Grantee>,
    /// That the kernel watches whether the grant is claimed.
    watched: Option<Watched>,
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
pub(super) struct Ticket {
    pub(super) index: u32,
    pub(super) sequence: u64,
}

/// A wait that has come to an end.
pub(super) struct Left<N> {
    pub(super) state: WaitState,
    pub(super) value: N,
    pub(super) watched: Option<Watched>,
    /// Only that of a wait whose turn had not come. To be dropped after the mutex is released.
    pub(super) waker: Option<Waker>,
}

impl<N: Copy> Default for WaitQueue<N> {
    fn default() -> WaitQueue<N> {
        WaitQueue::new()
    }
}

impl<N: Copy> WaitQueue<N> {
    pub(super) const fn new() -> WaitQueue<N> {
        WaitQueue { nodes: Vec::new(), free: NONE, head: NONE, tail: NONE, next_sequence: 0 }
    }

    /// Enters at the end of the line.
    pub(super) fn enter(&mut self, value: N, waker: &Waker, grantee: Option<Grantee>) -> Ticket {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let index = self.add(Node {
            sequence,
            state: WaitState::Waiting,
            value,
            waker: Some(waker.clone()),
            grantee,
            watched: None,
            before: self.tail,
            after: NONE,
        });
        match self.tail {
            NONE => self.head = index,
            tail => self.nodes[tail as usize].after = index,
        }
        self.tail = index;
        Ticket { index, sequence }
    }

    /// What the first in line waits for.
    pub(super) fn front(&self) -> Option<N> {
        (self.head != NONE).then(|| self.nodes[self.head as usize].value)
    }

    /// Whether nobody is in line. Those who have been granted their turn are not in line any more.
    pub(super) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// Gives the first in line its turn.
    pub(super) fn grant_front(&mut self) -> Option<(Ticket, Option<Grantee>, Option<Waker>)> {
        self.pop_front(WaitState::Granted).map(|(ticket, node)| (ticket, node.grantee, node.waker.take()))
    }

    /// Sends the first in line away with nothing. Its waker is to be called.
    pub(super) fn dismiss_front(&mut self) -> Option<Option<Waker>> {
        self.pop_front(WaitState::Dismissed).map(|(_, node)| node.waker.take())
    }

    pub(super) fn set_watched(&mut self, ticket: Ticket, watched: Option<Watched>) {
        self.nodes[ticket.index as usize].watched = watched;
    }

    pub(super) fn state(&self, ticket: Ticket) -> WaitState {
        self.nodes[ticket.index as usize].state
    }

    /// The wait is polled again: perhaps by another task, with another waker. Returns the one it replaced.
    pub(super) fn renew(&mut self, ticket: Ticket, waker: &Waker, grantee: Option<Grantee>) -> Option<Waker> {
        let node = &mut self.nodes[ticket.index as usize];
        node.grantee = grantee;
        renew(&mut node.waker, waker)
    }

    /// Takes a wait out.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Left<N> {
        if self.state(ticket) == WaitState::Waiting {
            self.unlink(ticket.index);
        }
        let node = &mut self.nodes[ticket.index as usize];
        let left =
            Left { state: node.state, value: node.value, watched: node.watched, waker: node.waker.take() };
        // A free node is like a dismissed one: nothing can be taken back from it.
        node.state = WaitState::Dismissed;
        node.after = self.free;
        self.free = ticket.index;
        left
    }

    /// Takes a grant back from a wait that has not claimed it. `None` if it has, or is gone.
    pub(super) fn revoke(&mut self, index: u32, sequence: u64) -> Option<N> {
        let node = self.nodes.get_mut(index as usize)?;
        if node.sequence != sequence || node.state != WaitState::Granted {
            return None;
        }
        node.state = WaitState::Dismissed;
        node.watched = None;
        Some(node.value)
    }

    fn add(&mut self, node: Node<N>) -> u32 {
        if let Some(free) = self.nodes.get_mut(self.free as usize) {
            let index = self.free;
            self.free = free.after;
            *free = node;
            return index;
        }
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 waits fit in memory")
    }

    fn pop_front(&mut self, state: WaitState) -> Option<(Ticket, &mut Node<N>)> {
        let index = self.head;
        if index == NONE {
            return None;
        }
        self.unlink(index);
        let node = &mut self.nodes[index as usize];
        node.state = state;
        Some((Ticket { index, sequence: node.sequence }, node))
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

/// Wakers to be called once nothing is locked: at the latest when this is dropped, so that a panic in between
/// loses no wake-up. Most often there is just one, which needs no memory.
#[derive(Default)]
pub(super) struct Wakes {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakes {
    #[inline]
    pub(super) fn add(&mut self, waker: Option<Waker>) {
        match &self.first {
            None => self.first = waker,
            Some(_) => self.others.extend(waker),
        }
    }

    /// Calls them. Whatever was locked has been released.
    #[inline]
    pub(super) fn wake(mut self) {
        if let Some(first) = self.first.take() {
            self.wake_from(first);
        }
        // Without the first one there are no others. To drop it would be to look again, in every operation.
        mem::forget(self);
    }

    fn wake_from(&mut self, first: Waker) {
        if self.others.is_empty() {
            first.wake();
            return;
        }
        let others = mem::take(&mut self.others);
        if let Err(panic) = wake_all([first].into_iter().chain(others))
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl Drop for Wakes {
    #[inline]
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            self.wake_from(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    /// A waker that writes its number down.
    struct Note(u32, Arc<Mutex<Vec<u32>>>);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    fn note(number: u32, log: &Arc<Mutex<Vec<u32>>>) -> Waker {
        Waker::from(Arc::new(Note(number, Arc::clone(log))))
    }

    fn enter(queue: &mut WaitQueue<u32>, value: u32) -> Ticket {
        queue.enter(value, Waker::noop(), None)
    }

    /// Grants everybody who is left their turn.
    fn drain(queue: &mut WaitQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| {
            let value = queue.front()?;
            let (ticket, ..) = queue.grant_front()?;
            assert_eq!(queue.leave(ticket).value, value);
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
        assert!(queue.is_empty() && queue.front().is_none() && queue.grant_front().is_none());
    }

    #[test]
    fn whoever_leaves_from_anywhere_leaves_the_others_in_order() {
        for leaving in 0..5 {
            let mut queue = WaitQueue::new();
            let tickets: Vec<_> = (0..5).map(|value| enter(&mut queue, value)).collect();
            let left = queue.leave(tickets[leaving]);
            assert!(left.state == WaitState::Waiting && left.waker.is_some());
            enter(&mut queue, 9);
            let stayed: Vec<_> = (0..5).filter(|value| *value != leaving as u32).chain([9]).collect();
            assert_eq!(drain(&mut queue), stayed);
        }
    }

    #[test]
    fn a_granted_wait_is_out_of_line_and_gives_its_waker_away() {
        let mut queue = WaitQueue::new();
        let first = enter(&mut queue, 1);
        let (granted, _, waker) = queue.grant_front().unwrap();
        assert!(granted == first && waker.is_some() && queue.is_empty());
        assert_eq!(queue.state(first), WaitState::Granted);
        let left = queue.leave(first);
        assert!(left.state == WaitState::Granted && left.waker.is_none());
    }

    #[test]
    fn only_a_grant_that_nobody_claimed_can_be_revoked_and_only_once() {
        let mut queue = WaitQueue::new();
        let ticket = enter(&mut queue, 7);
        assert_eq!(queue.revoke(ticket.index, ticket.sequence), None, "it still waits");
        queue.grant_front();
        assert_eq!(queue.revoke(ticket.index, ticket.sequence + 1), None, "that is another wait");
        assert_eq!(queue.revoke(ticket.index, ticket.sequence), Some(7));
        assert_eq!(queue.revoke(ticket.index, ticket.sequence), None);
        assert_eq!(queue.leave(ticket).state, WaitState::Dismissed);
        assert_eq!(queue.revoke(ticket.index, ticket.sequence), None, "its place is free");
        assert_eq!(queue.revoke(99, 0), None);
    }

    #[test]
    fn a_place_that_is_used_again_is_not_mistaken_for_its_last_tenant() {
        let mut queue = WaitQueue::new();
        let old = enter(&mut queue, 1);
        queue.grant_front();
        queue.leave(old);
        let new = enter(&mut queue, 2);
        queue.grant_front();
        assert_eq!(new.index, old.index, "the place is used again");
        assert_eq!(queue.revoke(old.index, old.sequence), None);
        assert_eq!(queue.revoke(new.index, new.sequence), Some(2));
    }

    #[test]
    fn places_are_used_again_instead_of_growing() {
        let mut queue = WaitQueue::new();
        for round in 0..1000 {
            let tickets = [0, 1, 2].map(|value| enter(&mut queue, round + value));
            tickets.into_iter().for_each(|ticket| drop(queue.leave(ticket)));
        }
        assert_eq!(queue.nodes.len(), 3);
    }

    #[test]
    fn a_wait_that_is_polled_again_wakes_its_new_poller() {
        let (mut queue, log) = (WaitQueue::new(), Arc::default());
        let first = note(1, &log);
        let ticket = queue.enter(0, &first, None);
        assert!(queue.renew(ticket, &first, None).is_none(), "the same waker need not be replaced");
        assert!(queue.renew(ticket, &note(2, &log), None).is_some_and(|old| old.will_wake(&first)));
        queue.grant_front().unwrap().2.unwrap().wake();
        assert_eq!(*log.lock().unwrap(), [2]);
    }

    #[test]
    fn wakes_are_made_in_order_at_the_latest_when_they_are_dropped() {
        let log = Arc::default();
        let mut wakes = Wakes::default();
        for number in 0..4 {
            wakes.add(Some(note(number, &log)));
            wakes.add(None);
        }
        assert!(log.lock().unwrap().is_empty());
        drop(wakes);
        assert_eq!(*log.lock().unwrap(), [0, 1, 2, 3]);
    }

    /// The list against the plainest model of it.
    #[test]
    fn random_use_agrees_with_a_double_ended_queue() {
        let mut random = crate::kernel::random::Random::new(1);
        let mut queue = WaitQueue::new();
        let mut model: VecDeque<u32> = VecDeque::new();
        // Every wait that has not left, with what the model thinks of it.
        let mut alive: Vec<(Ticket, u32, WaitState)> = Vec::new();
        for value in 0..50_000 {
            match random.below(6) {
                0 | 1 => {
                    alive.push((enter(&mut queue, value), value, WaitState::Waiting));
                    model.push_back(value);
                }
                2 if !alive.is_empty() => {
                    let (ticket, value, state) = alive.swap_remove(random.below(alive.len()));
                    let left = queue.leave(ticket);
                    assert_eq!((left.value, left.state), (value, state));
                    model.retain(|waiting| *waiting != value);
                }
                3 => {
                    let granted = queue.grant_front().map(|(ticket, ..)| ticket);
                    mark(&mut alive, granted, model.pop_front(), WaitState::Granted);
                }
                4 => {
                    let front = model.front().copied();
                    let ticket =
                        alive.iter().find(|(_, value, _)| Some(*value) == front).map(|(ticket, ..)| *ticket);
                    assert_eq!(queue.dismiss_front().is_some(), front.is_some());
                    mark(&mut alive, ticket, model.pop_front(), WaitState::Dismissed);
                }
                5 if !alive.is_empty() => {
                    let index = random.below(alive.len());
                    let (ticket, value, state) = &mut alive[index];
                    let expected = (*state == WaitState::Granted).then_some(*value);
                    assert_eq!(queue.revoke(ticket.index, ticket.sequence), expected);
                    if expected.is_some() {
                        *state = WaitState::Dismissed;
                    }
                }
                _ => {}
            }
            assert_eq!((queue.front(), queue.is_empty()), (model.front().copied(), model.is_empty()));
        }
        assert_eq!(drain(&mut queue), Vec::from(model));
    }

    fn mark(
        alive: &mut [(Ticket, u32, WaitState)],
        ticket: Option<Ticket>,
        value: Option<u32>,
        state: WaitState,
    ) {
        let found = alive.iter_mut().find(|(_, alive, _)| Some(*alive) == value);
        assert_eq!(found.as_ref().map(|(ticket, ..)| *ticket), ticket);
        if let Some(found) = found {
            found.2 = state;
        }
    }
}

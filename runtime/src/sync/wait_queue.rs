//! The wait queue under everything that waits in a line.
//!
//! It is a doubly linked list whose nodes live in a slab: entering, leaving and being served are O(1), nothing is
//! left behind by a wait that is given up, and once warm no wait allocates.
//!
//! A node is in one of three states, and the middle one is the whole trick:
//!
//! ```text
//! enter ─▶ Waiting ── grant_front ─▶ Granted ── leave (claimed, or given up: then the owner passes it on)
//!                                       └────── revoke ─▶ Revoked ── leave, and enter again at the end
//! ```
//!
//! Between being granted its turn and being polled, a waiter *owns* what it waited for. So a release never makes
//! anything available to bystanders while somebody waits, and first come, first served is a theorem, not a
//! tendency. A node stays in the slab until its owner takes it out; so its key can't come to mean another wait.
//!
//! The queue is used under its primitive's mutex. Wakers are foreign code: they are handed out in a [`Wakes`] and
//! called, or dropped, after the mutex is released.

use crate::grants::Grantee;
use crate::waker::renew;
use slab::Slab;
use std::task::Waker;

const NONE: u32 = u32::MAX;

pub(super) struct WaitQueue<N> {
    nodes: Slab<Node<N>>,
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
    /// The number under which the kernel watches whether the grant is claimed.
    watched: Option<u64>,
    before: u32,
    after: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WaitState {
    Waiting,
    Granted,
    Revoked,
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
    pub(super) watched: Option<u64>,
    /// To be dropped after the mutex is released.
    pub(super) waker: Option<Waker>,
}

impl<N> WaitQueue<N> {
    pub(super) const fn new() -> WaitQueue<N> {
        WaitQueue { nodes: Slab::new(), head: NONE, tail: NONE, next_sequence: 0 }
    }

    /// Enters at the end of the line.
    pub(super) fn enter(&mut self, value: N, waker: &Waker, grantee: Option<Grantee>) -> Ticket {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let node = Node {
            sequence,
            state: WaitState::Waiting,
            value,
            waker: Some(waker.clone()),
            grantee,
            watched: None,
            before: self.tail,
            after: NONE,
        };
        let index = u32::try_from(self.nodes.insert(node)).expect("fewer than 2^32 waits fit in memory");
        match self.tail {
            NONE => self.head = index,
            tail => self.nodes[tail as usize].after = index,
        }
        self.tail = index;
        Ticket { index, sequence }
    }

    /// What the first in line waits for.
    pub(super) fn front(&self) -> Option<&N> {
        (self.head != NONE).then(|| &self.nodes[self.head as usize].value)
    }

    /// Whether nobody is in line. Those who have been granted their turn are not in line any more.
    pub(super) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// Gives the first in line its turn.
    pub(super) fn grant_front(&mut self) -> Option<(Ticket, Option<Grantee>, Option<Waker>)> {
        let index = self.head;
        if index == NONE {
            return None;
        }
        self.unlink(index);
        let node = &mut self.nodes[index as usize];
        node.state = WaitState::Granted;
        Some((Ticket { index, sequence: node.sequence }, node.grantee, node.waker.take()))
    }

    pub(super) fn set_watched(&mut self, ticket: Ticket, number: Option<u64>) {
        self.nodes[ticket.index as usize].watched = number;
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
        let Node { state, value, watched, waker, .. } = self.nodes.remove(ticket.index as usize);
        Left { state, value, watched, waker }
    }

    /// Takes a grant back from a wait that has not claimed it. `None` if it has, or is gone.
    pub(super) fn revoke(&mut self, index: u32, sequence: u64) -> Option<&N> {
        let node = self.nodes.get_mut(index as usize)?;
        if node.sequence != sequence || node.state != WaitState::Granted {
            return None;
        }
        node.state = WaitState::Revoked;
        node.watched = None;
        Some(&node.value)
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

/// Wakers to be called once nothing is locked. Most often there is just one, which needs no memory.
#[derive(Default)]
pub(super) struct Wakes {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakes {
    pub(super) fn add(&mut self, waker: Option<Waker>) {
        match &self.first {
            None => self.first = waker,
            Some(_) => self.others.extend(waker),
        }
    }

    pub(super) fn wake(self) {
        if let Some(waker) = self.first {
            waker.wake();
        }
        self.others.into_iter().for_each(Waker::wake);
    }
}

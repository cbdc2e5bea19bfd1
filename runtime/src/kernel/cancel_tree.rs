//! The tree of cancel scopes: what has been asked to stop, and what has to finish first.
//!
//! # Cancellation is a request, carried out later, by dropping
//!
//! Python's Curio cancels a task by throwing an exception into its coroutine. In Rust a future can only be stopped by
//! *dropping* it, and a future that is dropped at once cannot clean up with `await`. So here a cancellation first only
//! marks a node of a tree. The future is dropped later, by the region that polls it, when nothing below needs to run any
//! more.
//!
//! The tree mirrors how a task's futures are nested. Each of these *regions* is a node, from its first poll on
//! (a timeout only once there is a node inside it):
//!
//! ```text
//! task root ── timeout_after(5 s) ── finally(body, cleanup) ── …
//!           └─ branch of a join!  ── disable_cancellation(f)
//! ```
//!
//! # The rules
//!
//! 1. A node *is cancelled* if it or a node above it was asked to stop, with no shield in between.
//! 2. A region that has polled its body, got `Pending`, is cancelled and has nothing *alive* below it, drops its
//!    body now. What is alive: a `finally` or a `disable_cancellation` that has not finished.
//! 3. A `finally` whose body is dropped by rule 2 runs its cleanup (shielded), then stops being alive and stays
//!    pending for ever; the next region out finds nothing alive below it, still within the same poll, and goes on.
//! 4. The kernel applies rule 2 to the task itself, whose node is the root.
//! 5. What outlives the region that it was opened in, such as a group that was returned, passes to the region around.
//!
//! So unwinding runs from the inside out, cleanups can await, and code after a cancelled await does not run: no function
//! returns a "cancelled" value. A future that is ready wins over a cancellation that comes at the same time, because the
//! body is polled first.

use crate::kernel::waker::renew;
use slab::Slab;
use std::cell::Cell;
use std::num::NonZeroU32;
use std::panic::Location;
use std::task::Waker;

/// Why a node was asked to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CancelReason {
    /// `Task::cancel`, a lost race, a group, or shutdown.
    Cancelled,
    /// Its own deadline passed.
    TimedOut,
}

/// Names a node. One more than its index, so that `Option<ScopeKey>` takes no more room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ScopeKey(NonZeroU32);

impl ScopeKey {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[derive(Default)]
pub(crate) struct CancelTree {
    nodes: Slab<Node>,
    /// Counts the changes that may make a cached answer of [`cancelled`](Self::cancelled) wrong.
    changes: u64,
}

struct Node {
    requested: Option<CancelReason>,
    shield: bool,
    /// Must finish before anything above it may be dropped.
    alive: bool,
    /// Of a `finally` or a shield: its source line.
    at: Option<&'static Location<'static>>,
    /// Whether it has been polled since it was last asked to stop.
    polled_since_request: bool,
    /// How many children are alive or have something alive below them. A region that opens inside a living one, as
    /// in deep nesting, changes the count of its parent only.
    alive_below: u32,
    /// Whether it is cancelled, cached with the count of changes at that time. A region that asks finds the cached answers
    /// of the regions around it and inside of it, so that not every look-up walks to the root.
    found: Cell<Option<(u64, Option<CancelReason>)>>,
    /// Wakes the region of this node when a node above is asked to stop, even inside an executor of another crate.
    waker: Option<Waker>,
    /// Of the outermost node of a task: the slot of the task.
    task: Option<u32>,
    parent: Option<ScopeKey>,
    first_child: Option<ScopeKey>,
    previous: Option<ScopeKey>,
    next: Option<ScopeKey>,
}

impl CancelTree {
    /// The outermost node of a task; that of a nested task hangs below the region of its scope.
    pub(crate) fn add_task(
        &mut self,
        slot: u32,
        parent: Option<ScopeKey>,
        requested: Option<CancelReason>,
    ) -> ScopeKey {
        self.insert(Node { requested, task: Some(slot), ..Node::new() }, parent)
    }

    pub(crate) fn add(&mut self, parent: Option<ScopeKey>) -> ScopeKey {
        self.insert(Node::new(), parent)
    }

    /// Adds a node with the same request as the node `key` of another kernel's tree.
    pub(crate) fn add_copy(&mut self, of: &CancelTree, key: ScopeKey, parent: Option<ScopeKey>) -> ScopeKey {
        let Node { requested, shield, alive, at, .. } = *of.node(key);
        self.insert(Node { requested, shield, alive, at, ..Node::new() }, parent)
    }

    /// Removes a node. Children that outlive it pass to the node around it: a group that a limit returns, say, or a
    /// future that was polled in there by reference. (Those of a root become roots.) The waker is returned to be
    /// dropped outside of any borrow.
    pub(crate) fn remove(&mut self, key: ScopeKey) -> Option<Waker> {
        let parent = self.node(key).parent;
        while let Some(child) = self.node(key).first_child {
            self.move_to(child, parent);
        }
        self.unlink(key);
        self.nodes.remove(key.index()).waker
    }

    pub(crate) fn parent(&self, key: ScopeKey) -> Option<ScopeKey> {
        self.node(key).parent
    }

    /// Links a node to another parent: its future is now polled inside another one.
    pub(crate) fn move_to(&mut self, key: ScopeKey, parent: Option<ScopeKey>) {
        self.unlink(key);
        self.link(key, parent);
        self.changed(key);
    }

    pub(crate) fn set_shield(&mut self, key: ScopeKey, on: bool) {
        self.node_mut(key).shield = on;
        self.changed(key);
    }

    /// Drops the cached answers for `key` and what is below it. Most nodes have nothing below.
    fn changed(&mut self, key: ScopeKey) {
        let node = self.node_mut(key);
        node.found.set(None);
        self.changes += u64::from(node.first_child.is_some());
    }

    pub(crate) fn set_alive(&mut self, key: ScopeKey, alive: bool) {
        if self.node(key).alive != alive {
            let node = self.node_mut(key);
            let before = node.weight();
            node.alive = alive;
            let (parent, change) = (node.parent, node.weight() - before);
            self.count_above(parent, change);
        }
    }

    /// Sets the source line of the region.
    pub(crate) fn set_place(&mut self, key: ScopeKey, at: &'static Location<'static>) {
        self.node_mut(key).at = Some(at);
    }

    /// The region is being polled.
    pub(crate) fn note_polled(&mut self, key: ScopeKey) {
        self.node_mut(key).polled_since_request = true;
    }

    /// The regions at and below `key` that have to finish first, have been asked to stop, and have not been polled since.
    pub(crate) fn unpolled(&self, key: ScopeKey) -> Vec<&'static Location<'static>> {
        let late = self.at_and_below(key).into_iter().filter(|node| node.alive && !node.polled_since_request);
        late.filter_map(|node| node.at).collect()
    }

    /// Keeps a waker of the region; returns the waker it replaced.
    pub(crate) fn set_waker(&mut self, key: ScopeKey, waker: &Waker) -> Option<Waker> {
        renew(&mut self.node_mut(key).waker, waker)
    }

    /// Asks a node to stop. The wakers of what is alive below are handed out, to be called. The first reason stands.
    pub(crate) fn request(&mut self, key: ScopeKey, why: CancelReason, wakers: &mut Vec<Waker>) {
        self.node_mut(key).requested.get_or_insert(why);
        self.changed(key);
        let mut found = vec![key];
        while let Some(key) = found.pop() {
            let node = self.node_mut(key);
            node.polled_since_request = false;
            wakers.extend(node.waker.clone());
            let mut child = node.first_child.filter(|_| node.alive_below > 0);
            while let Some(key) = child {
                found.push(key);
                child = self.node(key).next;
            }
        }
    }

    /// What to wake when something alive at `key` has ended without being polled from above: the regions and the tasks
    /// (by their slots) that may have been waiting for it to unwind.
    pub(crate) fn waiting_above(&self, key: ScopeKey, wakers: &mut Vec<Waker>, tasks: &mut Vec<u32>) {
        for node in self.path(key).skip(1) {
            wakers.extend(node.waker.clone());
            tasks.extend(node.task);
        }
    }

    /// How many wakers the regions at and below `key` keep.
    pub(crate) fn wakers_in(&self, key: ScopeKey) -> usize {
        self.at_and_below(key).into_iter().filter(|node| node.waker.is_some()).count()
    }

    /// Rule 1, and why: the nearest request counts, unless a shield stands before it.
    pub(crate) fn cancelled(&self, key: ScopeKey) -> Option<CancelReason> {
        let why = self.path(key).find_map(|node| self.known(node)).flatten();
        // The answer holds for all nodes on the way there.
        for node in self.path(key) {
            let was_known = self.known(node).is_some();
            node.found.set(Some((self.changes, why)));
            if was_known {
                break;
            }
        }
        why
    }

    /// Whether a node is cancelled, if that can be said without a look at the nodes above it.
    fn known(&self, node: &Node) -> Option<Option<CancelReason>> {
        match node.found.get() {
            Some((changes, why)) if changes == self.changes => Some(why),
            _ => (node.requested.is_some() || node.shield).then_some(node.requested),
        }
    }

    /// Rule 2: whether the region of this node has to drop its body now, and why.
    pub(crate) fn must_unwind(&self, key: ScopeKey) -> Option<CancelReason> {
        // In this order: whether anything is alive is one look, who asked is a walk up the tree.
        if self.anything_alive_below(key) { None } else { self.cancelled(key) }
    }

    /// Whether a node above `key` was asked to stop, apart from `key` itself.
    pub(crate) fn cancelled_from_above(&self, key: ScopeKey) -> bool {
        let node = self.node(key);
        !node.shield && node.parent.is_some_and(|parent| self.cancelled(parent).is_some())
    }

    /// Whether this node or one above it was asked to stop, shielded or not.
    pub(crate) fn request_pending(&self, key: ScopeKey) -> bool {
        self.path(key).any(|node| node.requested.is_some())
    }

    pub(crate) fn anything_alive_below(&self, key: ScopeKey) -> bool {
        self.node(key).alive_below > 0
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn path(&self, key: ScopeKey) -> impl Iterator<Item = &Node> {
        std::iter::successors(Some(self.node(key)), |node| node.parent.map(|parent| self.node(parent)))
    }

    fn at_and_below(&self, key: ScopeKey) -> Vec<&Node> {
        let (mut found, mut seen) = (vec![self.node(key)], 0);
        while let Some(node) = found.get(seen) {
            seen += 1;
            let next = |node: &&Node| node.next.map(|next| self.node(next));
            found.extend(std::iter::successors(node.first_child.map(|child| self.node(child)), next));
        }
        found
    }

    fn link(&mut self, key: ScopeKey, parent: Option<ScopeKey>) {
        let Some(parent) = parent else { return };
        let first = self.node_mut(parent).first_child.replace(key);
        if let Some(first) = first {
            self.node_mut(first).previous = Some(key);
        }
        let node = self.node_mut(key);
        (node.parent, node.next) = (Some(parent), first);
        let weight = node.weight();
        self.count_above(Some(parent), weight);
    }

    fn unlink(&mut self, key: ScopeKey) {
        let node = self.node_mut(key);
        let weight = node.weight();
        let (parent, previous, next) = (node.parent.take(), node.previous.take(), node.next.take());
        if let Some(next) = next {
            self.node_mut(next).previous = previous;
        }
        match (previous, parent) {
            (Some(previous), _) => self.node_mut(previous).next = next,
            (None, Some(parent)) => self.node_mut(parent).first_child = next,
            (None, None) => {}
        }
        self.count_above(parent, -weight);
    }

    fn count_above(&mut self, mut key: Option<ScopeKey>, mut change: i64) {
        while let Some(above) = key.filter(|_| change != 0) {
            let node = self.node_mut(above);
            let before = node.weight();
            let alive = i64::from(node.alive_below) + change;
            node.alive_below = u32::try_from(alive).expect("each node is counted once above it");
            change = node.weight() - before;
            key = node.parent;
        }
    }

    fn insert(&mut self, node: Node, parent: Option<ScopeKey>) -> ScopeKey {
        let number = u32::try_from(self.nodes.insert(node) + 1).ok().and_then(NonZeroU32::new);
        let key = ScopeKey(number.expect("fewer than 2^32 scopes fit in memory"));
        self.link(key, parent);
        key
    }

    fn node(&self, key: ScopeKey) -> &Node {
        &self.nodes[key.index()]
    }

    fn node_mut(&mut self, key: ScopeKey) -> &mut Node {
        &mut self.nodes[key.index()]
    }
}

impl Node {
    fn new() -> Node {
        Node {
            requested: None,
            shield: false,
            alive: false,
            at: None,
            polled_since_request: true,
            alive_below: 0,
            found: Cell::new(None),
            waker: None,
            task: None,
            parent: None,
            first_child: None,
            previous: None,
            next: None,
        }
    }

    /// What it counts for in its parent.
    fn weight(&self) -> i64 {
        i64::from(self.alive || self.alive_below > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(tree: &mut CancelTree) -> ScopeKey {
        tree.add_task(0, None, None)
    }

    #[test]
    fn a_request_reaches_everything_below_but_stops_at_a_shield() {
        let mut tree = CancelTree::default();
        let root = root(&mut tree);
        let shield = tree.add(Some(root));
        tree.set_shield(shield, true);
        let (inside, beside) = (tree.add(Some(shield)), tree.add(Some(root)));
        tree.request(root, CancelReason::Cancelled, &mut Vec::new());
        assert_eq!(tree.cancelled(beside), Some(CancelReason::Cancelled));
        assert_eq!(tree.cancelled(inside), None);
        assert!(tree.request_pending(inside), "it can be seen through the shield");
        assert!(tree.cancelled_from_above(beside) && !tree.cancelled_from_above(root));
    }

    #[test]
    fn the_nearest_reason_counts() {
        let mut tree = CancelTree::default();
        let root = root(&mut tree);
        let timeout = tree.add(Some(root));
        let inside = tree.add(Some(timeout));
        tree.request(timeout, CancelReason::TimedOut, &mut Vec::new());
        tree.request(root, CancelReason::Cancelled, &mut Vec::new());
        assert_eq!(tree.cancelled(inside), Some(CancelReason::TimedOut));
        assert_eq!(tree.cancelled(root), Some(CancelReason::Cancelled));
    }

    #[test]
    fn what_is_alive_is_counted_above_it_and_only_there() {
        let mut tree = CancelTree::default();
        let root = root(&mut tree);
        let (left, right) = (tree.add(Some(root)), tree.add(Some(root)));
        let region = tree.add(Some(left));
        tree.set_alive(region, true);
        assert!(tree.anything_alive_below(root) && tree.anything_alive_below(left));
        assert!(!tree.anything_alive_below(right) && !tree.anything_alive_below(region));
        tree.move_to(region, Some(right));
        assert!(!tree.anything_alive_below(left) && tree.anything_alive_below(right));
        tree.set_alive(region, false);
        assert!(!tree.anything_alive_below(root));
    }

    #[test]
    fn what_was_found_once_is_found_anew_after_every_change() {
        let mut tree = CancelTree::default();
        let (first, second) = (root(&mut tree), root(&mut tree));
        let middle = tree.add(Some(first));
        let leaf = tree.add(Some(middle));
        assert_eq!(tree.cancelled(leaf), None);
        tree.request(first, CancelReason::Cancelled, &mut Vec::new());
        assert_eq!(tree.cancelled(leaf), Some(CancelReason::Cancelled));
        tree.set_shield(middle, true);
        assert_eq!((tree.cancelled(leaf), tree.cancelled(first)), (None, Some(CancelReason::Cancelled)));
        tree.set_shield(middle, false);
        assert_eq!(tree.cancelled(leaf), Some(CancelReason::Cancelled));
        tree.move_to(middle, Some(second));
        assert_eq!(tree.cancelled(leaf), None);
        tree.move_to(middle, Some(first));
        assert_eq!(tree.cancelled(leaf), Some(CancelReason::Cancelled));
        tree.move_to(middle, Some(second));
        tree.remove(middle);
        assert_eq!((tree.cancelled(leaf), tree.parent(leaf)), (None, Some(second)));
    }

    /// Each `finally` of a deep nest asks, shields its cleanup and is removed, from the inside out. If each walked to
    /// the root this would take minutes.
    #[test]
    fn regions_nest_a_hundred_thousand_deep() {
        let mut tree = CancelTree::default();
        let mut nest = vec![root(&mut tree)];
        for _ in 0..100_000 {
            nest.push(tree.add(nest.last().copied()));
            tree.set_alive(nest[nest.len() - 1], true);
        }
        assert!(nest.iter().rev().all(|&key| tree.cancelled(key).is_none()));
        tree.request(nest[0], CancelReason::Cancelled, &mut Vec::new());
        for key in nest.drain(1..).rev() {
            assert_eq!(tree.cancelled(key), Some(CancelReason::Cancelled));
            assert!(!tree.anything_alive_below(key));
            tree.set_shield(key, true);
            assert_eq!(tree.cancelled(key), None);
            tree.set_alive(key, false);
            tree.remove(key);
        }
        tree.remove(nest[0]);
        assert!(tree.is_empty());
    }

    #[test]
    fn the_children_of_a_removed_node_pass_to_the_node_around_it_and_those_of_a_root_become_roots() {
        let mut tree = CancelTree::default();
        let root = root(&mut tree);
        let middle = tree.add(Some(root));
        let (one, two) = (tree.add(Some(middle)), tree.add(Some(middle)));
        tree.set_alive(one, true);
        tree.remove(middle);
        assert!(tree.anything_alive_below(root));
        tree.request(root, CancelReason::Cancelled, &mut Vec::new());
        assert_eq!([one, two].map(|key| tree.cancelled(key)), [Some(CancelReason::Cancelled); 2]);
        tree.remove(root);
        assert_eq!([one, two].map(|key| tree.cancelled(key)), [None; 2]);
        for key in [one, two] {
            tree.remove(key);
        }
        assert!(tree.is_empty());
    }

    #[test]
    fn a_copy_in_another_tree_has_been_told_the_same() {
        let (mut tree, mut others) = (CancelTree::default(), CancelTree::default());
        let original = root(&mut tree);
        tree.request(original, CancelReason::TimedOut, &mut Vec::new());
        tree.set_alive(original, true);
        let outer = others.add_task(0, None, None);
        let copy = others.add_copy(&tree, original, Some(outer));
        assert_eq!(others.cancelled(copy), Some(CancelReason::TimedOut));
        assert!(others.anything_alive_below(outer));
    }
}

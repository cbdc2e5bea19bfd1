//! Where a queue keeps its items, and which of them comes out next: all that the queues differ in.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

pub(super) trait QueueOrder {
    type Item;
    /// For the queues' `const fn new`.
    const EMPTY: Self;
    fn put(&mut self, item: Self::Item);
    fn take(&mut self) -> Option<Self::Item>;
}

/// First in, first out.
pub(super) struct Fifo<T>(VecDeque<T>);

impl<T> QueueOrder for Fifo<T> {
    type Item = T;
    const EMPTY: Self = Fifo(VecDeque::new());

    fn put(&mut self, item: T) {
        self.0.push_back(item);
    }

    fn take(&mut self) -> Option<T> {
        self.0.pop_front()
    }
}

/// Last in, first out.
pub(super) struct Lifo<T>(Vec<T>);

impl<T> QueueOrder for Lifo<T> {
    type Item = T;
    const EMPTY: Self = Lifo(Vec::new());

    fn put(&mut self, item: T) {
        self.0.push(item);
    }

    fn take(&mut self) -> Option<T> {
        self.0.pop()
    }
}

/// The lowest first; of equal ones, the one that was put first.
pub(super) struct MinHeap<T> {
    heap: BinaryHeap<Reverse<Ranked<T>>>,
    next_number: u64,
}

struct Ranked<T> {
    item: T,
    number: u64,
}

impl<T: Ord> QueueOrder for MinHeap<T> {
    type Item = T;
    const EMPTY: Self = MinHeap { heap: BinaryHeap::new(), next_number: 0 };

    fn put(&mut self, item: T) {
        let number = self.next_number;
        self.next_number += 1;
        self.heap.push(Reverse(Ranked { item, number }));
    }

    fn take(&mut self) -> Option<T> {
        self.heap.pop().map(|Reverse(ranked)| ranked.item)
    }
}

impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.item.cmp(&other.item).then(self.number.cmp(&other.number))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Ranked<T> {}

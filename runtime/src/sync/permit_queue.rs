//! A permit queue: a number of free permits, and waiters for some of them in FIFO order. It is under every primitive that
//! hands something over.
//!
//! The invariant: *while a waiter is queued, there are fewer free permits than the first waiter wants.* Permits are taken
//! directly only when no waiter is queued; every operation that frees permits serves the queue before it releases the
//! mutex.
//!
//! # How a grant is taken back
//!
//! If a task is polled without claiming what it was granted, or its kernel stops, the
//! [kernel](crate::kernel::grants) calls [`revoke_overdue`](Revoke::revoke_overdue) of the queues that have made it
//! grants. That locks the queues of one primitive, finds their overdue grants and frees the permits again, which serves
//! the next waiters.
//!
//! What the kernel keeps of a primitive may outlive it, so it must not hold what the primitive borrows. That is why
//! only the permit queues are shared with the kernel ([`Revocable`]), and the items of a queue are beside them,
//! behind a mutex of their own.

use super::locked::{Locked, Wakers};
use super::wait_queue::{Ticket, WaitQueue, WaitState};
use crate::kernel::grants::{Grantee, Grants, Revoke};
use crate::traps;
use std::ptr;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};

pub(super) struct PermitQueue {
    free: usize,
    /// How many permits belong to waiters that have not claimed them yet.
    granted: usize,
    waiting: WaitQueue,
    /// Permits that are released while no waiter is queued are lost.
    notifies: bool,
    /// Whether overdue notifications were left with their waiters, because no other was queued.
    has_kept: bool,
}

impl PermitQueue {
    pub(super) const fn new(free: usize) -> PermitQueue {
        PermitQueue { free, granted: 0, waiting: WaitQueue::new(), notifies: false, has_kept: false }
    }

    /// A queue for notifications: one that is sent while no waiter is queued is lost.
    pub(super) fn for_notifications() -> PermitQueue {
        PermitQueue { notifies: true, ..PermitQueue::new(0) }
    }

    pub(super) fn free(&self) -> usize {
        self.free
    }

    /// The permits that have not been taken: free, or granted and not claimed yet.
    pub(super) fn untaken(&self) -> usize {
        self.free + self.granted
    }

    /// Whether no waiter is queued.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Which waits are queued, in words.
    pub(super) fn describe_line(&self) -> String {
        self.waiting.describe()
    }

    /// Takes `wanted` permits if they are free and no waiter is queued.
    #[inline]
    pub(super) fn try_take(&mut self, wanted: usize) -> bool {
        let may = wanted <= self.free && self.waiting.is_empty();
        if may {
            self.free -= wanted;
        }
        may
    }

    /// Takes `wanted` permits, or queues for them.
    // Once in each future: a permit that is free or granted is taken without a call, 60 instructions of a round trip.
    #[inline(always)]
    pub(super) fn poll_take(
        &mut self,
        ticket: &mut Option<Ticket>,
        wanted: usize,
        cx: &mut Context<'_>,
        handover: &mut Handover,
    ) -> Poll<()> {
        match *ticket {
            None if self.try_take(wanted) => Poll::Ready(()),
            None => self.enter(ticket, wanted, cx, handover),
            Some(waiting) if self.waiting.state(waiting) == WaitState::Granted => {
                *ticket = None;
                self.waiting.remove(waiting);
                self.granted -= wanted;
                Poll::Ready(())
            }
            Some(waiting) => self.poll_ungranted(waiting, ticket, wanted, cx, handover),
        }
    }

    #[inline(never)]
    fn poll_ungranted(
        &mut self,
        waiting: Ticket,
        ticket: &mut Option<Ticket>,
        wanted: usize,
        cx: &mut Context<'_>,
        handover: &mut Handover,
    ) -> Poll<()> {
        if self.waiting.state(waiting) == WaitState::Waiting {
            self.waiting.renew(waiting, cx.waker(), traps::identify, &mut handover.wakers);
            return Poll::Pending;
        }
        // It was dismissed, perhaps because it was not polled for too long. It starts again.
        self.waiting.remove(waiting);
        *ticket = None;
        self.poll_take(ticket, wanted, cx, handover)
    }

    #[inline(never)]
    fn enter(
        &mut self,
        ticket: &mut Option<Ticket>,
        wanted: usize,
        cx: &mut Context<'_>,
        handover: &mut Handover,
    ) -> Poll<()> {
        if self.has_kept {
            self.offer_kept(handover);
            if self.try_take(wanted) {
                return Poll::Ready(());
            }
        }
        *ticket = Some(self.waiting.enter(wanted, cx.waker(), traps::identify));
        Poll::Pending
    }

    /// Ends a wait that is being dropped; what it was granted goes on to the next.
    pub(super) fn give_up(&mut self, ticket: Ticket, handover: &mut Handover) {
        if let (WaitState::Granted, permits) = self.waiting.leave(ticket, &mut handover.wakers) {
            self.make_free(permits);
        }
        // A queued wait may have been the first, which wanted more than was free; that may be enough for the next.
        self.serve(handover);
    }

    /// Whether `count` more may be released: no more than `usize::MAX` permits can be untaken.
    pub(super) fn has_room_for(&self, count: usize) -> bool {
        self.untaken().checked_add(count).is_some()
    }

    /// Releases `count` permits, for which it [has room](Self::has_room_for), and serves the queued waiters.
    #[inline]
    pub(super) fn release(&mut self, count: usize, handover: &mut Handover) {
        debug_assert!(self.has_room_for(count) && !self.notifies);
        self.free += count;
        if !self.waiting.is_empty() {
            self.serve_waiting(handover);
        }
    }

    /// Grants one permit to each of the first `n` waiters. The rest is lost: for notifications.
    pub(super) fn notify(&mut self, n: usize, handover: &mut Handover) {
        self.free = n;
        self.serve(handover);
    }

    /// Dismisses all queued waiters: they are woken without a grant, and try again.
    pub(super) fn dismiss_all(&mut self, wakers: &mut Wakers) {
        while self.waiting.dismiss_front(wakers) {}
    }

    /// The kernel asks for overdue grants to its tasks. Returns whether others are open.
    fn revoke_overdue(
        &mut self,
        kernel: &Grants,
        is_overdue: &dyn Fn(&mut Grantee) -> bool,
        handover: &mut Handover,
    ) -> bool {
        let mut from = 0;
        while let Some(found) = self.waiting.find_overdue(from, kernel, is_overdue) {
            from = found + 1;
            if self.notifies && self.waiting.is_empty() {
                // A free notification would be lost.
                self.waiting.keep(found);
                self.has_kept = true;
            } else {
                let permits = self.waiting.revoke(found);
                self.make_free(permits);
                self.serve(handover);
            }
        }
        self.waiting.any_open(kernel)
    }

    /// A new waiter is queued, which may get a notification that was kept: at once, if the grantee's kernel does not run.
    #[cold]
    fn offer_kept(&mut self, handover: &mut Handover) {
        while let Some(found) = self.waiting.count_kept(handover) {
            let permits = self.waiting.revoke(found);
            self.make_free(permits);
        }
        self.has_kept = false;
    }

    fn make_free(&mut self, granted: usize) {
        self.granted -= granted;
        self.free += granted;
    }

    fn serve(&mut self, handover: &mut Handover) {
        self.serve_waiting(handover);
        if self.notifies {
            self.free = 0;
        }
    }

    fn serve_waiting(&mut self, handover: &mut Handover) {
        while let Some(wanted) = self.waiting.front()
            && wanted <= self.free
        {
            if self.waiting.grant_front(self.notifies, handover) {
                self.free -= wanted;
                self.granted += wanted;
            }
        }
    }
}

/// The permit queues of one primitive.
pub(super) trait PermitQueues: Send + 'static {
    /// `permits`: what [`Revocable::new`] was given.
    fn new(permits: usize) -> Self;
    fn for_each_queue(&mut self, visit: impl FnMut(&mut PermitQueue));
}

/// Permit queues behind a mutex that the kernel can reach too.
pub(super) struct Revocable<Q> {
    permits: usize,
    /// Made on first use, so that `new` can be `const`.
    shared: OnceLock<Arc<Locked<Q, Handover>>>,
}

impl<Q: PermitQueues> Revocable<Q> {
    pub(super) const fn new(permits: usize) -> Revocable<Q> {
        Revocable { permits, shared: OnceLock::new() }
    }

    /// Reads or changes the queues, if that frees nothing.
    pub(super) fn peek<R>(&self, change: impl FnOnce(&mut Q) -> R) -> R {
        self.shared().peek(change)
    }

    /// Changes the queues, then calls the wakers of the waiters that have been served.
    #[inline]
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Q, &mut Handover) -> R) -> R {
        self.shared().with(change)
    }

    #[inline]
    fn shared(&self) -> &Locked<Q, Handover> {
        self.shared.get_or_init(|| {
            Arc::new_cyclic(|queues: &Weak<Locked<Q, Handover>>| {
                Locked::collecting(Q::new(self.permits), Handover::new(queues.clone()))
            })
        })
    }
}

impl<Q: PermitQueues> Revoke for Locked<Q, Handover> {
    fn revoke_overdue(self: Arc<Self>, kernel: &Grants, is_overdue: &dyn Fn(&mut Grantee) -> bool) -> bool {
        self.with(|queues, handover| {
            let mut any_open = false;
            queues.for_each_queue(|queue| any_open |= queue.revoke_overdue(kernel, is_overdue, handover));
            if !any_open {
                handover.known_to.retain(|known| !ptr::eq(Arc::as_ptr(known), kernel));
            }
            any_open
        })
    }
}

/// What handing over needs besides the queue.
pub(super) struct Handover {
    /// To be called when the mutex is released.
    pub(super) wakers: Wakers,
    /// The kernels that will revoke overdue grants.
    known_to: Vec<Arc<Grants>>,
    /// What these kernels then ask.
    queues: Weak<dyn Revoke>,
}

impl Handover {
    fn new(queues: Weak<dyn Revoke>) -> Handover {
        Handover { wakers: Wakers::default(), known_to: Vec::new(), queues }
    }

    /// Registers the queues with a kernel, so that it can revoke the grant that its task is about to get.
    #[inline]
    pub(super) fn make_known(&mut self, kernel: &Arc<Grants>) {
        if !self.known_to.iter().any(|known| Arc::ptr_eq(known, kernel)) {
            self.add_kernel(kernel);
        }
    }

    #[cold]
    fn add_kernel(&mut self, kernel: &Arc<Grants>) {
        // A kernel that does not run asks for nothing. It may be gone.
        self.known_to.retain(|known| known.can_be_claimed());
        self.known_to.push(Arc::clone(kernel));
        kernel.add_queue(self.queues.clone());
    }

    /// For queues whose waits are not those of tasks, so that no kernel needs to know of them.
    #[cfg(test)]
    pub(super) fn in_test<R>(change: impl FnOnce(&mut Handover) -> R) -> R {
        struct Unknown;
        impl Revoke for Unknown {
            fn revoke_overdue(self: Arc<Self>, _: &Grants, _: &dyn Fn(&mut Grantee) -> bool) -> bool {
                unreachable!("no kernel is told of a thread's wait")
            }
        }
        let mut handover = Handover::new(Weak::<Unknown>::new());
        let result = change(&mut handover);
        handover.wakers.wake();
        result
    }
}

impl AsMut<Wakers> for Handover {
    fn as_mut(&mut self) -> &mut Wakers {
        &mut self.wakers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn poll(queue: &mut PermitQueue, ticket: &mut Option<Ticket>, wanted: usize) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        Handover::in_test(|handover| queue.poll_take(ticket, wanted, cx, handover)).is_ready()
    }

    fn release(queue: &mut PermitQueue, count: usize) {
        Handover::in_test(|handover| queue.release(count, handover));
    }

    fn give_up(queue: &mut PermitQueue, ticket: Option<Ticket>) {
        Handover::in_test(|handover| queue.give_up(ticket.expect("it waits"), handover));
    }

    #[test]
    fn what_is_free_is_taken_at_once() {
        let mut queue = PermitQueue::new(3);
        assert!(queue.try_take(2) && !queue.try_take(2) && queue.try_take(1));
        assert_eq!(queue.free(), 0);
        let mut ticket = None;
        assert!(poll(&mut queue, &mut ticket, 0) && ticket.is_none(), "no permits are always there");
    }

    #[test]
    fn a_newcomer_takes_nothing_while_someone_is_in_line() {
        let mut queue = PermitQueue::new(2);
        let (mut large, mut small) = (None, None);
        assert!(!poll(&mut queue, &mut large, 3));
        assert!(!queue.try_take(1) && !poll(&mut queue, &mut small, 1));
        assert_eq!(queue.free(), 2, "and nothing is set aside");
        release(&mut queue, 1);
        assert!(poll(&mut queue, &mut large, 3) && large.is_none());
        assert!(!poll(&mut queue, &mut small, 1));
    }

    #[test]
    fn a_release_serves_as_many_as_it_is_enough_for() {
        let mut queue = PermitQueue::new(0);
        let mut tickets = [None; 4];
        for ticket in &mut tickets {
            assert!(!poll(&mut queue, ticket, 2));
        }
        release(&mut queue, 5);
        assert_eq!((queue.free(), queue.untaken()), (1, 5));
        let served = tickets.each_mut().map(|ticket| poll(&mut queue, ticket, 2));
        assert_eq!(served, [true, true, false, false]);
        assert_eq!(queue.untaken(), 1);
    }

    #[test]
    fn what_was_granted_to_a_wait_that_is_given_up_goes_on() {
        let mut queue = PermitQueue::new(0);
        let [mut first, mut second] = [None; 2];
        assert!(!poll(&mut queue, &mut first, 1) && !poll(&mut queue, &mut second, 1));
        release(&mut queue, 1);
        give_up(&mut queue, first);
        assert!(poll(&mut queue, &mut second, 1));
        assert_eq!(queue.untaken(), 0);
    }

    #[test]
    fn giving_up_a_large_wait_serves_the_small_ones_behind_it() {
        let mut queue = PermitQueue::new(1);
        let [mut large, mut small] = [None; 2];
        assert!(!poll(&mut queue, &mut large, 2) && !poll(&mut queue, &mut small, 1));
        give_up(&mut queue, large);
        assert!(poll(&mut queue, &mut small, 1));
    }

    #[test]
    fn those_who_are_sent_away_look_again() {
        let mut queue = PermitQueue::new(1);
        let [mut large, mut small] = [None; 2];
        assert!(!poll(&mut queue, &mut large, 2) && !poll(&mut queue, &mut small, 1));
        Handover::in_test(|handover| queue.dismiss_all(&mut handover.wakers));
        assert!(poll(&mut queue, &mut small, 1), "the line is empty");
        assert!(!poll(&mut queue, &mut large, 2) && large.is_some());
    }

    #[test]
    fn no_more_than_usize_max_permits_are_free_or_granted() {
        let mut queue = PermitQueue::new(usize::MAX - 1);
        release(&mut queue, 1);
        assert!(!queue.has_room_for(1));
        assert!(queue.try_take(usize::MAX));
        let mut ticket = None;
        assert!(!poll(&mut queue, &mut ticket, usize::MAX));
        release(&mut queue, usize::MAX);
        assert!(!queue.has_room_for(1), "what was granted may come back");
        give_up(&mut queue, ticket);
        assert_eq!(queue.free(), usize::MAX);
    }

    #[test]
    fn a_notification_that_no_one_waits_for_is_lost() {
        let mut queue = PermitQueue::for_notifications();
        Handover::in_test(|handover| queue.notify(usize::MAX, handover));
        let [mut first, mut second] = [None; 2];
        assert!(!poll(&mut queue, &mut first, 1) && !poll(&mut queue, &mut second, 1));
        Handover::in_test(|handover| queue.notify(1, handover));
        give_up(&mut queue, first);
        assert!(poll(&mut queue, &mut second, 1), "but one that was given to a dropped wait goes on");
        assert_eq!(queue.untaken(), 0);
    }

    /// The sentence at the head of this file.
    #[test]
    fn while_someone_is_in_line_what_is_free_is_not_enough_for_the_first() {
        let mut random = crate::kernel::random::Random::new(5);
        let mut queue = PermitQueue::new(4);
        let mut waiting: Vec<(Option<Ticket>, usize)> = Vec::new();
        let (mut held, mut granted) = (Vec::new(), 0);
        for _ in 0..50_000 {
            match random.below(4) {
                0 => {
                    let (mut ticket, wanted) = (None, 1 + random.below(4));
                    if poll(&mut queue, &mut ticket, wanted) {
                        held.push(wanted)
                    } else {
                        waiting.push((ticket, wanted))
                    }
                }
                1 if !waiting.is_empty() => {
                    let index = random.below(waiting.len());
                    let (ticket, wanted) = &mut waiting[index];
                    if poll(&mut queue, ticket, *wanted) {
                        held.push(*wanted);
                        waiting.swap_remove(index);
                        granted += 1;
                    }
                }
                2 if !waiting.is_empty() => {
                    let (ticket, _) = waiting.swap_remove(random.below(waiting.len()));
                    give_up(&mut queue, ticket);
                }
                3 if !held.is_empty() => {
                    let count = held.swap_remove(random.below(held.len()));
                    release(&mut queue, count);
                }
                _ => {}
            }
            assert!(queue.waiting.front().is_none_or(|wanted| queue.free() < wanted));
        }
        for (ticket, _) in waiting {
            give_up(&mut queue, ticket);
        }
        assert!(granted > 1000, "the test waits often enough");
        assert_eq!(queue.free() + held.into_iter().sum::<usize>(), 4, "nothing was lost or made");
    }
}

//! The inbox: wakes from other threads, and from this one while the kernel does not run.
//!
//! A `mio::Waker` (an eventfd under `epoll`, a user event under `kqueue`, a completion packet on Windows) ends the kernel's
//! wait for events. It is called only when the inbox was empty: one call is enough for any number of wakes.
//!
//! A task that is woken many times before the kernel collects its wakes is in it once, so the inbox never holds more than one
//! wake for each slot of the task table. When the kernel ends the inbox is closed: a waker that outlives its kernel then
//! keeps neither memory nor a file descriptor of it, and does nothing.

use crate::debug::Question;
use crate::task::info::TaskId;
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Wakes until the kernel collects them.
pub(crate) struct Inbox {
    /// `None` once the kernel has ended.
    open: Mutex<Option<Open>>,
    any_questions: AtomicBool,
}

/// How many questions wait for a kernel that does not run.
const MOST_QUESTIONS: usize = 16;

struct Open {
    mio_waker: Arc<mio::Waker>,
    /// The slots that were woken, in order, each once.
    order: Vec<u32>,
    /// By slot: the generation that was woken, until it is collected.
    woken: Vec<Option<Generation>>,
    /// What the monitor asks.
    questions: VecDeque<Question>,
    /// With activations: by slot, the name of the thread that woke it.
    threads: Option<BTreeMap<u32, Option<Arc<str>>>>,
}

/// The generation of a slot, which differs for each task that has it in turn: the lower half of the task's number, which
/// fits beside the slot's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Generation(pub(crate) u32);

impl Generation {
    pub(crate) fn of(task: TaskId) -> Generation {
        Generation(task.as_u64() as u32)
    }
}

/// A wake of the task that had a slot when its waker was called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Posted {
    pub(crate) slot: u32,
    pub(crate) generation: Generation,
    /// The name of the thread that called it, if names are recorded.
    pub(crate) thread: Option<Arc<str>>,
}

impl Inbox {
    pub(crate) fn new(mio_waker: mio::Waker) -> Inbox {
        let open = Open {
            mio_waker: Arc::new(mio_waker),
            order: Vec::new(),
            woken: Vec::new(),
            questions: VecDeque::new(),
            threads: None,
        };
        Inbox { open: Mutex::new(Some(open)), any_questions: AtomicBool::new(false) }
    }

    /// Records from now on which thread each wake comes from.
    pub(crate) fn record_threads(&self) {
        if let Some(open) = &mut *self.lock() {
            open.threads = Some(BTreeMap::new());
        }
    }

    // Not inlined into a waker, whose usual way is shorter.
    #[inline(never)]
    pub(crate) fn post(&self, slot: u32, generation: Generation) {
        let mut inbox = self.lock();
        let Some(open) = &mut *inbox else { return };
        let is_first = open.order.is_empty();
        open.add(slot, generation);
        let mio_waker = is_first.then(|| Arc::clone(&open.mio_waker));
        drop(inbox);
        if let Some(mio_waker) = mio_waker {
            // It fails only if the kernel has just ended, and then nothing is left to wake.
            let _ = mio_waker.wake();
        }
    }

    /// Asks the kernel something. Of questions that it does not answer, because it does not run, the last few are kept.
    pub(crate) fn ask(&self, question: Question) {
        let mut inbox = self.lock();
        let Some(open) = &mut *inbox else { return };
        open.questions.push_back(question);
        let forgotten = if open.questions.len() > MOST_QUESTIONS { open.questions.pop_front() } else { None };
        self.any_questions.store(true, Ordering::Release);
        let mio_waker = Arc::clone(&open.mio_waker);
        drop(inbox);
        drop(forgotten);
        let _ = mio_waker.wake();
    }

    pub(crate) fn take_questions(&self) -> VecDeque<Question> {
        self.any_questions.store(false, Ordering::Relaxed);
        self.lock().as_mut().map(|open| mem::take(&mut open.questions)).unwrap_or_default()
    }

    pub(crate) fn any_questions(&self) -> bool {
        self.any_questions.load(Ordering::Acquire)
    }

    /// Takes what has been posted. The mutex is what makes the poster's writes visible to the task, also those of one
    /// whose wake was noted already.
    pub(crate) fn collect(&self) -> Vec<Posted> {
        let mut inbox = self.lock();
        let Some(open) = &mut *inbox else { return Vec::new() };
        let (woken, threads) = (&mut open.woken, &mut open.threads);
        let take = |slot: u32| {
            let thread = threads.as_mut().and_then(|threads| threads.remove(&slot).flatten());
            Some(Posted { slot, generation: woken[slot as usize].take()?, thread })
        };
        open.order.drain(..).filter_map(take).collect()
    }

    /// The kernel has ended: drops the `mio::Waker`, and all wakes from now on.
    pub(crate) fn close(&self) {
        let left = mem::take(&mut *self.lock());
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(&mut self, slot: u32, generation: Generation) {
        let index = slot as usize;
        if index >= self.woken.len() {
            self.woken.resize(index + 1, None);
        }
        // The task of an earlier generation has ended: only the later one can still be woken.
        let before = self.woken[index].replace(generation);
        if before.is_none() {
            self.order.push(slot);
        }
        if let Some(threads) = self.threads.as_mut().filter(|_| before != Some(generation)) {
            threads.insert(slot, thread::current().name().map(Arc::from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::reactor::Reactor;

    fn wake(slot: u32, generation: u32) -> Posted {
        Posted { slot, generation: Generation(generation), thread: None }
    }

    fn post(inbox: &Inbox, wake: Posted) {
        inbox.post(wake.slot, wake.generation);
    }

    #[test]
    fn each_slot_is_kept_once_in_order_and_for_its_latest_generation() {
        let (_reactor, inbox) = Reactor::new().unwrap();
        for posted in [wake(3, 1), wake(0, 2), wake(3, 1), wake(3, 4), wake(0, 2)] {
            post(&inbox, posted);
        }
        assert_eq!(inbox.collect(), [wake(3, 4), wake(0, 2)]);
        assert_eq!(inbox.collect(), []);
        post(&inbox, wake(0, 2));
        assert_eq!(inbox.collect(), [wake(0, 2)]);
    }

    #[test]
    fn the_thread_that_calls_a_waker_is_recorded_only_when_asked_for() {
        let (_reactor, inbox) = Reactor::new().unwrap();
        let post_from = |name: &str| {
            let there = Arc::clone(&inbox);
            let post = move || there.post(3, Generation(1));
            thread::Builder::new().name(name.into()).spawn(post).unwrap().join().unwrap();
        };
        post_from("one");
        assert_eq!(inbox.collect(), [wake(3, 1)]);
        inbox.record_threads();
        post_from("two");
        post_from("three");
        assert_eq!(inbox.collect(), [Posted { thread: Some("two".into()), ..wake(3, 1) }]);
    }

    #[test]
    fn one_that_is_closed_keeps_nothing() {
        let (_reactor, inbox) = Reactor::new().unwrap();
        post(&inbox, wake(1, 1));
        inbox.close();
        post(&inbox, wake(2, 1));
        assert_eq!(inbox.collect(), []);
        assert!(inbox.lock().is_none());
    }
}

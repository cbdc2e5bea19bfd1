//! The run queue: which tasks are to be polled, in the order in which they became ready.
//!
//! # Why a thread-local
//!
//! A wake is the most frequent thing that happens in an async program, and nearly every wake comes from the
//! thread on which the kernel itself runs: a task puts an item into a queue and so wakes another task. Such a
//! wake needs no lock and no atomic operation, if only it can *tell* that it is on the kernel's thread. So the
//! queue lives in a thread-local for as long as its kernel runs. A [waker](crate::waker) looks here first; if it
//! finds its own kernel, the wake is one flag and one `push_back`. If not, it comes from elsewhere and goes to
//! the kernel's [inbox](crate::waker::Inbox).
//!
//! # Why the flag is here too
//!
//! A task that is woken ten times before it runs must run once. The flag that says "already queued" is local to
//! this thread on purpose. A flag shared with other threads would have to be cleared before the poll and read by
//! wakers at the same time, and on real processors the two can miss each other: a wake-up is lost. Here, wakes
//! from elsewhere are simply posted, however many, and duplicates end at this local flag.

use crate::task_info::TaskId;
use crate::waker::KernelId;
use std::cell::RefCell;
use std::collections::VecDeque;

/// A FIFO of task slots, with the source of each wake.
#[derive(Default)]
pub(crate) struct RunQueue {
    kernel: Option<KernelId>,
    queue: VecDeque<u32>,
    marks: Vec<Mark>,
    /// The task being polled: whoever it wakes was woken by it.
    running: Option<TaskId>,
}

#[derive(Clone, Copy, Default)]
struct Mark {
    queued: bool,
    woken_by: Option<TaskId>,
}

thread_local! {
    static RUN_QUEUE: RefCell<RunQueue> = const { RefCell::new(RunQueue::new()) };
}

impl RunQueue {
    pub(crate) const fn new() -> RunQueue {
        RunQueue { kernel: None, queue: VecDeque::new(), marks: Vec::new(), running: None }
    }

    fn push(&mut self, slot: u32, woken_by: Option<TaskId>) {
        let index = slot as usize;
        if index >= self.marks.len() {
            self.marks.resize(index + 1, Mark::default());
        }
        let mark = &mut self.marks[index];
        if !mark.queued {
            *mark = Mark { queued: true, woken_by };
            self.queue.push_back(slot);
        }
    }
}

/// Makes `queue` the one of this thread, for `kernel`.
pub(crate) fn install(mut queue: RunQueue, kernel: KernelId) {
    queue.kernel = Some(kernel);
    RUN_QUEUE.with_borrow_mut(|current| *current = queue);
}

/// Takes the queue back when the kernel stops running; wakes go to its inbox from now on.
pub(crate) fn uninstall() -> RunQueue {
    RUN_QUEUE.with_borrow_mut(|current| {
        let mut queue = std::mem::take(current);
        queue.kernel = None;
        queue.running = None;
        queue
    })
}

/// A wake. False if `kernel` does not run on this thread.
pub(crate) fn wake(kernel: KernelId, slot: u32) -> bool {
    // A thread may be tearing its locals down while it drops the last handle of something of ours.
    RUN_QUEUE
        .try_with(|queue| {
            let mut queue = queue.borrow_mut();
            let here = queue.kernel == Some(kernel);
            if here {
                let by = queue.running;
                queue.push(slot, by);
            }
            here
        })
        .unwrap_or(false)
}

/// Queues a task that no task woke: a new one, or one that another thread woke.
pub(crate) fn push(slot: u32) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.push(slot, None));
}

/// Whether a task of `kernel` is on the queue.
pub(crate) fn is_queued(kernel: KernelId, slot: u32) -> bool {
    RUN_QUEUE.with_borrow(|queue| {
        queue.kernel == Some(kernel) && queue.marks.get(slot as usize).is_some_and(|mark| mark.queued)
    })
}

/// The next task to poll, and who woke it. It is no longer queued: a wake during its poll queues it again.
pub(crate) fn pop() -> Option<(u32, Option<TaskId>)> {
    RUN_QUEUE.with_borrow_mut(|queue| {
        let slot = queue.queue.pop_front()?;
        let mark = std::mem::take(&mut queue.marks[slot as usize]);
        Some((slot, mark.woken_by))
    })
}

/// Says which task is being polled.
pub(crate) fn set_running(task: Option<TaskId>) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.running = task);
}

/// How many tasks are ready.
pub(crate) fn len() -> usize {
    RUN_QUEUE.with_borrow(|queue| queue.queue.len())
}

/// Puts the first `count` tasks into another order: `random(n)` gives a number below `n`.
pub(crate) fn shuffle(count: usize, mut random: impl FnMut(usize) -> usize) {
    RUN_QUEUE.with_borrow_mut(|queue| {
        for last in (1..count).rev() {
            queue.queue.swap(last, random(last + 1));
        }
    });
}

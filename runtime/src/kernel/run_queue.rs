//! The run queue: which tasks are to be polled, in the order in which they became ready.
//!
//! # Why a thread-local
//!
//! Wakes are frequent, and nearly all come from the thread on which the kernel itself runs: a task puts an item into a
//! queue and so wakes another task. Such a wake needs no lock and no atomic operation, as long as it can find out that it
//! is on the kernel's thread. So the queue is in a thread-local for as long as its kernel runs. A [waker](crate::kernel::waker) looks here first; if it
//! finds its own kernel, the wake is one flag and one `push_back`. If not, it comes from elsewhere and goes to
//! the kernel's [inbox](crate::kernel::inbox::Inbox).
//!
//! # Why the flag is here too
//!
//! A task that is woken ten times before it runs must run once. The flag that says "already queued" is local to
//! this thread on purpose. A flag shared with other threads would have to be cleared before the poll and read by
//! wakers at the same time, and on real processors the two can miss each other: a wake-up is lost. Here, wakes
//! from elsewhere are simply posted, however many, and duplicates end at this local flag.

use crate::debug::WakeCause;
use crate::kernel::waker::KernelId;
use crate::task::info::TaskId;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::{self, ManuallyDrop};
use std::num::NonZeroU64;
use std::time::Instant;

/// A FIFO of task slots, with the source of each wake.
#[derive(Default)]
pub(crate) struct RunQueue {
    kernel: Option<KernelId>,
    queue: VecDeque<u32>,
    marks: Vec<Mark>,
    /// With activations: the wakes that have not been emitted yet.
    recorded: Option<Vec<RecordedWake>>,
    /// With activations: what causes the wakes that happen now, if it is not the running task.
    cause: Option<WakeCause>,
}

/// A wake, for the activations.
pub(crate) struct RecordedWake {
    pub(crate) slot: u32,
    pub(crate) by: Option<TaskId>,
    pub(crate) cause: WakeCause,
    /// In real time.
    pub(crate) at: Instant,
}

/// Whether a task is queued, and who woke it: one word, because there is one for every slot.
#[derive(Clone, Copy, Default)]
struct Mark(Option<TaskId>);

/// Stands for everything that is not a task. No task has this number.
const NO_TASK: TaskId = TaskId::new(NonZeroU64::MAX);

impl Mark {
    fn queued(woken_by: Option<TaskId>) -> Mark {
        Mark(Some(woken_by.unwrap_or(NO_TASK)))
    }

    fn is_queued(self) -> bool {
        self.0.is_some()
    }

    fn woken_by(self) -> Option<TaskId> {
        self.0.filter(|task| *task != NO_TASK)
    }
}

thread_local! {
    /// The task being polled: the source of the wakes that happen meanwhile.
    static RUNNING: Cell<Option<TaskId>> = const { Cell::new(None) };
    /// Without a destructor, because to access a thread-local that has one means to look first whether it is still there. It is
    /// empty while no kernel runs, so at the end of a thread there is nothing to drop.
    static RUN_QUEUE: RefCell<ManuallyDrop<RunQueue>> =
        const { RefCell::new(ManuallyDrop::new(RunQueue::new())) };
}

impl RunQueue {
    pub(crate) const fn new() -> RunQueue {
        RunQueue { kernel: None, queue: VecDeque::new(), marks: Vec::new(), recorded: None, cause: None }
    }

    /// Records every wake from now on.
    pub(crate) fn record_wakes(&mut self) {
        self.recorded = Some(Vec::new());
    }

    /// False if it is queued already.
    #[inline]
    fn push(&mut self, slot: u32, woken_by: Option<TaskId>) -> bool {
        let mark = match self.marks.get_mut(slot as usize) {
            Some(mark) => mark,
            None => self.add_marks(slot),
        };
        if mark.is_queued() {
            return false;
        }
        *mark = Mark::queued(woken_by);
        self.queue.push_back(slot);
        if self.recorded.is_some() {
            self.record(slot, woken_by);
        }
        true
    }

    /// Makes room for the mark of a slot that is new, and of those before it.
    #[cold]
    fn add_marks(&mut self, slot: u32) -> &mut Mark {
        let index = slot as usize;
        self.marks.resize(index + 1, Mark::default());
        &mut self.marks[index]
    }

    #[cold]
    fn record(&mut self, slot: u32, woken_by: Option<TaskId>) {
        let of_nothing = || if woken_by.is_some() { WakeCause::Task } else { WakeCause::Outside };
        let cause = self.cause.clone().unwrap_or_else(of_nothing);
        let wake = RecordedWake { slot, by: woken_by, cause, at: Instant::now() };
        self.recorded.get_or_insert_default().push(wake);
    }

    /// For a task that is new, or was put into its slot a moment ago.
    fn push_new(&mut self, slot: u32, woken_by: Option<TaskId>) {
        if !self.push(slot, woken_by) {
            // The mark is of an earlier task in this slot, which was woken and then ended.
            self.marks[slot as usize] = Mark::queued(woken_by);
        }
        if let Some(recorded) = &mut self.recorded {
            for note in recorded.iter_mut().filter(|note| note.slot == slot) {
                (note.by, note.cause) = (None, WakeCause::Spawned);
            }
        }
    }
}

/// Makes `queue` the one of this thread, for `kernel`.
pub(crate) fn install(mut queue: RunQueue, kernel: KernelId) {
    queue.kernel = Some(kernel);
    RUN_QUEUE.with_borrow_mut(|current| **current = queue);
}

/// Takes the queue back when the kernel stops running; wakes go to its inbox from now on.
pub(crate) fn uninstall() -> RunQueue {
    RUN_QUEUE.with_borrow_mut(|current| {
        let mut queue = mem::take(&mut **current);
        queue.kernel = None;
        RUNNING.set(None);
        queue
    })
}

/// What is ready and what happens now, while something else is done in between.
pub(crate) struct SetAside {
    queue: VecDeque<u32>,
    running: Option<TaskId>,
    cause: Option<WakeCause>,
}

/// Sets aside what is ready, which stays marked as queued: the queue then has only what is woken from now on.
pub(crate) fn set_aside() -> SetAside {
    RUN_QUEUE.with_borrow_mut(|current| SetAside {
        queue: mem::take(&mut current.queue),
        running: RUNNING.take(),
        cause: current.cause.take(),
    })
}

/// Ends that. What was woken meanwhile comes last.
pub(crate) fn put_back(aside: SetAside) {
    RUN_QUEUE.with_borrow_mut(|current| {
        let woken = mem::replace(&mut current.queue, aside.queue);
        current.queue.extend(woken);
        RUNNING.set(aside.running);
        current.cause = aside.cause;
    });
}

/// Undoes the last wake. The task that was woken by it.
pub(crate) fn take_back_wake() -> Option<u32> {
    RUN_QUEUE.with_borrow_mut(|queue| {
        let slot = queue.queue.pop_back()?;
        queue.marks[slot as usize] = Mark::default();
        queue.recorded.iter_mut().for_each(|recorded| drop(recorded.pop()));
        Some(slot)
    })
}

/// A wake. False if `kernel` does not run on this thread.
pub(crate) fn wake(kernel: KernelId, slot: u32) -> bool {
    RUN_QUEUE.with_borrow_mut(|queue| {
        let here = queue.kernel == Some(kernel);
        if here {
            queue.push(slot, RUNNING.get());
        }
        here
    })
}

/// Queues a task that no task woke: a new one, or one that another thread woke.
pub(crate) fn push(slot: u32) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.push(slot, None));
}

/// Queues a new task, which no task woke.
pub(crate) fn push_new(slot: u32) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.push_new(slot, None));
}

/// Queues a new task as one that the running task woke. False if `kernel` does not run on this thread.
pub(crate) fn wake_new(kernel: KernelId, slot: u32) -> bool {
    RUN_QUEUE.with_borrow_mut(|queue| {
        let here = queue.kernel == Some(kernel);
        if here {
            queue.push_new(slot, RUNNING.get());
        }
        here
    })
}

/// Whether a task of `kernel` is on the queue.
pub(crate) fn is_queued(kernel: KernelId, slot: u32) -> bool {
    RUN_QUEUE.with_borrow(|queue| {
        queue.kernel == Some(kernel) && queue.marks.get(slot as usize).is_some_and(|mark| mark.is_queued())
    })
}

/// The next task to poll, and who woke it. It is no longer queued: a wake during its poll queues it again.
pub(crate) fn pop() -> Option<(u32, Option<TaskId>)> {
    RUN_QUEUE.with_borrow_mut(|queue| {
        let slot = queue.queue.pop_front()?;
        let mark = mem::take(&mut queue.marks[slot as usize]);
        Some((slot, mark.woken_by()))
    })
}

/// Says which task is being polled.
#[inline]
pub(crate) fn set_running(task: Option<TaskId>) {
    RUNNING.set(task);
}

/// The task that is being polled.
#[inline]
pub(crate) fn running() -> Option<TaskId> {
    RUNNING.get()
}

/// What causes the wakes that are recorded from now on; `None`: the running task.
pub(crate) fn set_cause(cause: Option<WakeCause>) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.cause = cause);
}

/// The wakes since the last call, if they are recorded.
pub(crate) fn take_recorded_wakes() -> Vec<RecordedWake> {
    RUN_QUEUE.with_borrow_mut(|queue| queue.recorded.as_mut().map(mem::take).unwrap_or_default())
}

/// Who woke the tasks that are ready.
pub(crate) fn wakers() -> Vec<Option<TaskId>> {
    RUN_QUEUE
        .with_borrow(|queue| queue.queue.iter().map(|slot| queue.marks[*slot as usize].woken_by()).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The run queue of this thread as long as it lives.
    struct Installed(KernelId);

    impl Installed {
        fn new() -> Installed {
            let kernel = KernelId::next();
            install(RunQueue::new(), kernel);
            Installed(kernel)
        }
    }

    impl Drop for Installed {
        fn drop(&mut self) {
            uninstall();
        }
    }

    fn slots() -> Vec<u32> {
        std::iter::from_fn(pop).map(|(slot, _)| slot).collect()
    }

    #[test]
    fn tasks_come_out_in_the_order_in_which_they_were_woken_and_each_once() {
        let Installed(kernel) = &Installed::new();
        for slot in [3, 1, 3, 2, 1, 3] {
            assert!(wake(*kernel, slot));
        }
        assert_eq!(len(), 3);
        assert!(is_queued(*kernel, 1) && !is_queued(*kernel, 0) && !is_queued(*kernel, 99));
        assert_eq!(slots(), [3, 1, 2]);
        assert!(!is_queued(*kernel, 1));
    }

    #[test]
    fn a_task_that_was_taken_out_can_be_woken_again_at_once() {
        let Installed(kernel) = &Installed::new();
        push(0);
        push(1);
        assert_eq!(pop(), Some((0, None)));
        wake(*kernel, 0);
        assert_eq!(slots(), [1, 0]);
        assert_eq!(pop(), None);
    }

    #[test]
    fn the_first_who_wakes_a_task_is_remembered() {
        let Installed(kernel) = &Installed::new();
        let [one, two] = [1, 2].map(|number| Some(TaskId::new(NonZeroU64::new(number).unwrap())));
        set_running(one);
        wake(*kernel, 7);
        set_running(two);
        wake(*kernel, 7);
        wake(*kernel, 8);
        push(9);
        set_running(None);
        wake(*kernel, 10);
        assert_eq!(
            [pop(), pop(), pop(), pop()],
            [Some((7, one)), Some((8, two)), Some((9, None)), Some((10, None))]
        );
    }

    #[test]
    fn a_new_task_in_a_slot_that_is_queued_still_was_woken_by_no_task() {
        let Installed(kernel) = &Installed::new();
        let one = Some(TaskId::new(NonZeroU64::MIN));
        set_running(one);
        wake(*kernel, 7);
        push_new(7);
        push_new(8);
        assert_eq!([pop(), pop(), pop()], [Some((7, None)), Some((8, None)), None]);
    }

    #[test]
    fn wakes_of_another_kernel_or_of_none_are_refused() {
        let other = KernelId::next();
        assert!(!wake(other, 0), "no kernel runs here");
        let installed = Installed::new();
        assert!(!wake(other, 0) && len() == 0);
        let kernel = installed.0;
        std::thread::spawn(move || assert!(!wake(kernel, 0), "nor on this thread")).join().unwrap();
        drop(installed);
        assert!(!wake(kernel, 0), "nor when it has stopped");
    }

    #[test]
    fn a_queue_that_is_put_away_keeps_its_tasks() {
        let kernel = KernelId::next();
        install(RunQueue::new(), kernel);
        push(5);
        let queue = uninstall();
        assert_eq!(len(), 0);
        install(queue, kernel);
        assert!(is_queued(kernel, 5));
        assert_eq!(slots(), [5]);
        uninstall();
    }

    #[test]
    fn what_is_set_aside_counts_as_queued_and_comes_before_what_is_woken_meanwhile() {
        let Installed(kernel) = &Installed::new();
        (1..3).for_each(push);
        let aside = set_aside();
        assert!(len() == 0 && is_queued(*kernel, 1));
        (2..5).for_each(|slot| assert!(wake(*kernel, slot)));
        assert_eq!(take_back_wake(), Some(4));
        assert!(!is_queued(*kernel, 4));
        put_back(aside);
        assert_eq!(slots(), [1, 2, 3]);
    }

    #[test]
    fn a_shuffle_reorders_the_first_ones_only() {
        let Installed(_) = &Installed::new();
        (0..6).for_each(push);
        // Always the first of those that are left: each goes to the front in turn.
        shuffle(4, |limit| {
            assert!((2..=4).contains(&limit));
            0
        });
        let order = slots();
        assert_eq!(order, [1, 2, 3, 0, 4, 5]);
        (0..3).for_each(push);
        shuffle(1, |_| unreachable!("one task has one order"));
        shuffle(0, |_| unreachable!("nor has none"));
        assert_eq!(slots(), [0, 1, 2]);
    }

    #[test]
    fn wakes_are_recorded_only_when_asked_for() {
        let Installed(kernel) = &Installed::new();
        wake(*kernel, 1);
        assert!(take_recorded_wakes().is_empty());
        let mut queue = uninstall();
        queue.record_wakes();
        install(queue, *kernel);
        wake(*kernel, 1);
        wake(*kernel, 2);
        wake(*kernel, 2);
        let recorded: Vec<_> = take_recorded_wakes().iter().map(|wake| wake.slot).collect();
        assert_eq!(recorded, [2], "1 was queued before wakes were recorded, and 2 is queued once");
        assert!(take_recorded_wakes().is_empty());
    }
}

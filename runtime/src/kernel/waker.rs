//! The wakers of tasks.
//!
//! A `Waker` may be cloned, kept for any time and called from any thread: so `std::task` defines it. Therefore a waker of
//! this kernel holds no pointer to its task, only the *number of its slot* and the id of the kernel. Waking is then one of
//! two things:
//!
//! ```text
//! TaskWaker::wake ── on the kernel's own thread ──▶ run_queue::wake      a flag and a push, no lock, no atomic
//!                └── anywhere else ──────────────▶ Inbox::post      a mutex, and a `mio::Waker` if it was empty
//! ```
//!
//! A slot keeps its waker for its next task, so that spawning a task usually allocates no waker. That is why a slot
//! stays out of use for as long as anything else holds a copy of it: the copy would wake the wrong task. A wake that is
//! still in the inbox when the last copy goes says which generation of the slot it was for.

use crate::debug::{Direction, WakeCause};
use crate::kernel::inbox::{Generation, Inbox};
use crate::kernel::run_queue;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Instant;

/// Identifies a kernel; a waker of a kernel that has ended must not wake tasks of a later one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KernelId(u64);

impl KernelId {
    pub(crate) fn next() -> KernelId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        KernelId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn as_u64(self) -> u64 {
        self.0
    }
}

/// Wakes the task in one slot of one kernel.
pub(crate) struct TaskWaker {
    kernel: KernelId,
    slot: u32,
    /// The [`Generation`]. It changes only while the task table has the only copies of this.
    generation: AtomicU32,
    inbox: Arc<Inbox>,
}

impl TaskWaker {
    /// The waker of a slot in which there is no task yet.
    pub(crate) fn new(kernel: KernelId, slot: u32, inbox: Arc<Inbox>) -> TaskWaker {
        TaskWaker { kernel, slot, generation: AtomicU32::new(0), inbox }
    }

    /// From now on it wakes this task.
    pub(crate) fn set_generation(&self, generation: Generation) {
        self.generation.store(generation.0, Ordering::Relaxed);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !run_queue::wake(self.kernel, self.slot) {
            let generation = Generation(self.generation.load(Ordering::Relaxed));
            self.inbox.post(self.slot, generation);
        }
    }
}

/// A waker that is about to be called, and why.
pub(crate) struct Woken {
    pub(crate) waker: Waker,
    pub(crate) source: WakeSource,
}

/// What the loop calls a waker for. Plain data, because there is one for each wake, told or not.
#[derive(Clone, Copy)]
pub(crate) enum WakeSource {
    /// A timer that was due then.
    Timer(Instant),
    Socket(Direction),
    /// The pipe of this signal.
    Signal(i32),
    /// Nothing happened: the task is asked whether it still waits.
    Check,
}

impl WakeSource {
    pub(crate) fn cause(self) -> WakeCause {
        match self {
            WakeSource::Timer(deadline) => WakeCause::Timer { deadline },
            WakeSource::Socket(direction) => WakeCause::Socket { direction },
            WakeSource::Signal(number) => WakeCause::Signal { number },
            WakeSource::Check => WakeCause::Check,
        }
    }
}

/// Calls them all, in order. A foreign waker may run any code: if one panics the others are still called, and its
/// panic is returned.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) -> thread::Result<()> {
    let mut wakers = wakers.into_iter();
    let mut result = Ok(());
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| wakers.by_ref().for_each(Waker::wake))) {
        result = Err(panic);
    }
    result
}

/// [`wake_all`]; the panic of a foreign waker goes on to the caller, unless it is unwinding already.
pub(crate) fn wake_each(wakers: impl IntoIterator<Item = Waker>) {
    if let Err(panic) = wake_all(wakers)
        && !thread::panicking()
    {
        resume_unwind(panic);
    }
}

/// Keeps `waker` in place of an older one, if they differ. The older one is returned to be dropped by the caller,
/// outside of any lock or borrow: a foreign waker's destructor may run any code. Its `clone` may be called under one. It is
/// code of the waker's own only if that was made of a `RawWaker`, and then must not use what the waker is kept in.
pub(crate) fn renew(kept: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match kept {
        Some(kept) if is_as_good(kept, waker) => None,
        _ => kept.replace(waker.clone()),
    }
}

/// Whether a wait of ours may keep this waker instead of the one that it is polled with: it wakes the same task.
///
/// In the probe of a [deadlock search](crate::kernel::deadlock) tasks are polled with wakers of their own. Waits of ours do
/// not take these, so that the copies that are left of one afterwards are all in foreign hands.
pub(crate) fn is_as_good(kept: &Waker, waker: &Waker) -> bool {
    kept.will_wake(waker) || probe_of(waker) == Some(kept.data() as usize)
}

thread_local! {
    /// During a probe: which usual waker each of its wakers stands for. Both are named by their addresses.
    static PROBE: RefCell<BTreeMap<usize, usize>> = const { RefCell::new(BTreeMap::new()) };
}

fn probe_of(waker: &Waker) -> Option<usize> {
    let usual =
        |probe: &RefCell<BTreeMap<usize, usize>>| probe.borrow().get(&(waker.data() as usize)).copied();
    PROBE.try_with(usual).ok().flatten()
}

/// Begins a probe with these pairs of a waker of its own and the usual one, or ends it with none.
pub(crate) fn set_probe(wakers: impl IntoIterator<Item = (Waker, Waker)>) {
    let addresses = wakers.into_iter().map(|(own, usual)| (own.data() as usize, usual.data() as usize));
    PROBE.set(addresses.collect());
}

/// A waker for tests: writes its number to a log when it is called.
#[cfg(test)]
pub(crate) fn logging(number: u64, log: &Arc<std::sync::Mutex<Vec<u64>>>) -> Waker {
    struct Logging(u64, Arc<std::sync::Mutex<Vec<u64>>>);

    impl std::task::Wake for Logging {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    Waker::from(Arc::new(Logging(number, Arc::clone(log))))
}

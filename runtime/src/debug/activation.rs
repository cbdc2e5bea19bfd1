//! The event stream and its listeners.

use super::counts::KernelCounts;
use super::region::Region;
use super::wake_cause::WakeCause;
use crate::error::panic_message;
use crate::task::info::{TaskId, TaskInfo, TaskState};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::time::Instant;

/// A listener to what the kernel does: Curio's `Activation`.
///
/// It is called inside the kernel's loop, between polls. What it does itself (spawning a task, say) is not
/// shown to it. If it panics that is reported, it gets no further events, and the kernel goes on.
pub trait Activation {
    /// Something happened.
    fn event(&mut self, event: &Event) {
        let _ = event;
    }
}

/// Something that happened to a task, or to the loop.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its place in the stream of its kernel, from 1.
    pub number: u64,
    /// When, on the kernel's clock. Never earlier than that of the event before.
    pub time: Instant,
    /// The task; `None` for the loop itself.
    pub task: Option<TaskInfo>,
    /// The task that was being polled, and so did this; `None` for the loop and whatever comes from outside.
    pub by: Option<TaskId>,
    /// What.
    pub kind: EventKind,
    /// A trace has printed it.
    pub(super) printed: Cell<bool>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The task was spawned.
    Created,
    /// It is about to be polled.
    Running,
    /// Its poll is over: there is one for each `Running`. It waits, or has ended; then `Terminated` comes next, as in
    /// Curio.
    Suspended {
        /// What it waits for.
        state: TaskState,
        /// Where, if it waits in one of our futures.
        location: Option<&'static Location<'static>>,
    },
    /// It was put on the run queue. Further wakes before it runs are not told.
    #[non_exhaustive]
    Woken {
        /// By which task; `None` if no task was being polled, and for a task that is new.
        by: Option<TaskId>,
        /// Why.
        cause: WakeCause,
    },
    /// It has begun a [region](super::region()) of its work.
    #[non_exhaustive]
    RegionEntered {
        /// Which.
        region: Region,
    },
    /// It has left one: what was in the region has ended, or was dropped.
    #[non_exhaustive]
    RegionLeft {
        /// Which.
        region: Region,
    },
    /// It was asked to stop.
    CancelRequested,
    /// It has ended; its state says how.
    Terminated,
    /// No task is ready: the loop is about to wait.
    Idle,
    /// The kernel has been shut down. The last event.
    #[non_exhaustive]
    ShutDown {
        /// What it has counted.
        counts: KernelCounts,
    },
}

/// The listeners of one kernel.
pub(crate) struct Activations {
    events: Cell<u64>,
    /// The time of the last event.
    last: Cell<Option<Instant>>,
    /// Taken out while they are called, because they are foreign code.
    listeners: Cell<Vec<Box<dyn Activation>>>,
    any: Cell<bool>,
}

impl Activations {
    pub(crate) fn new(listeners: Vec<Box<dyn Activation>>) -> Activations {
        Activations {
            events: Cell::new(0),
            last: Cell::new(None),
            any: Cell::new(!listeners.is_empty()),
            listeners: Cell::new(listeners),
        }
    }

    /// The kernel has ended. Listeners are dropped now and not with the last handle to the kernel, which the program may keep.
    /// Returns the messages of those that panicked.
    pub(crate) fn close(&self) -> Vec<String> {
        self.any.set(false);
        let dropped = self.listeners.take().into_iter().map(|listener| {
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(listener)));
            dropped.map_err(|payload| panic_message(payload.as_ref()))
        });
        dropped.filter_map(Result::err).collect()
    }

    /// Whether there are listeners to call; none while they are being called. Making an event costs more than asking.
    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    /// Calls all listeners. Returns the messages of those that panicked, for a report; they are removed.
    pub(crate) fn emit(
        &self,
        time: Instant,
        task: Option<TaskInfo>,
        by: Option<TaskId>,
        kind: EventKind,
    ) -> Vec<String> {
        let mut panics = Vec::new();
        // Listeners are being called: one of them caused this event itself.
        if !self.any.replace(false) {
            return panics;
        }
        let number = self.events.get() + 1;
        self.events.set(number);
        let time = self.last.get().map_or(time, |last| last.max(time));
        self.last.set(Some(time));
        let event = &Event { number, time, task, by, kind, printed: Cell::new(false) };
        let mut listeners = self.listeners.take();
        let panicked = |listener: &mut Box<dyn Activation>| {
            let called = catch_unwind(AssertUnwindSafe(|| listener.event(event)));
            called.map_err(|payload| panics.push(panic_message(payload.as_ref()))).is_err()
        };
        let broken: Vec<_> = listeners.extract_if(.., panicked).collect();
        self.any.set(!listeners.is_empty());
        self.listeners.set(listeners);
        for listener in broken {
            // One panic of a listener is reported; the panic hook shows another one, of its destructor.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(listener)));
        }
        panics
    }
}

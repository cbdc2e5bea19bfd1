//! The event stream and its listeners.

use crate::task_info::{TaskId, TaskInfo, TaskState};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::time::Instant;

/// A listener to what the kernel does: Curio's `Activation`.
///
/// It is called inside the kernel's loop, between polls. What it does itself (spawning a task, say) is not
/// shown to it.
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
    /// When, on the kernel's clock.
    pub time: Instant,
    /// To whom; `None` for the loop itself.
    pub task: Option<TaskInfo>,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The task was spawned.
    Created,
    /// It is about to be polled.
    Running,
    /// Its poll is over, and it waits. Also comes right before `Terminated`, as in Curio.
    Suspended {
        /// What it waits for.
        state: TaskState,
        /// Where, if it waits in one of our futures.
        location: Option<&'static Location<'static>>,
    },
    /// It was put on the run queue.
    Woken {
        /// By which task; `None`: by a timer, a socket or another thread.
        by: Option<TaskId>,
    },
    /// It was asked to stop.
    CancelRequested,
    /// It has ended; its state says how.
    Terminated,
    /// No task is ready: the loop is about to wait.
    Idle,
}

/// The listeners of one kernel.
pub(crate) struct Activations {
    listeners: RefCell<Vec<Box<dyn Activation>>>,
    any: Cell<bool>,
}

impl Activations {
    pub(crate) fn new(listeners: Vec<Box<dyn Activation>>) -> Activations {
        Activations { any: Cell::new(!listeners.is_empty()), listeners: RefCell::new(listeners) }
    }

    /// Whether anybody listens. Making an event costs more than asking.
    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    /// Tells everybody.
    pub(crate) fn tell(&self, event: &Event) {
        // Borrowed already: a listener caused this event. It knows.
        if let Ok(mut listeners) = self.listeners.try_borrow_mut() {
            for listener in listeners.iter_mut() {
                listener.event(event);
            }
        }
    }
}

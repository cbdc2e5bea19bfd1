//! Traps for the [regions](crate::debug::region()) of a task's work.

use crate::debug::{EventKind, Region};
use crate::kernel::current_poll::PUBLISHED;
use crate::kernel::state::{self, State, try_with};
use crate::kernel::task_record::Parked;
use crate::task::info::TaskState;
use std::panic::Location;
use std::rc::Rc;

/// Whether anything asks in which regions tasks are.
#[inline]
pub(crate) fn is_watched() -> bool {
    state::is_watched()
}

/// The innermost region that is being polled.
pub(crate) fn current_region() -> Option<Region> {
    try_with(|kernel| kernel.regions.current()).flatten()
}

/// The current task enters a region, inside of `outer`.
pub(crate) fn enter_region(
    label: String,
    location: &'static Location<'static>,
    outer: Option<Region>,
) -> Region {
    let Some(kernel) = state::running() else { return Region::new(0, label, location, outer) };
    let region = Region::new(kernel.regions.next_id(), label, location, outer);
    tell(&kernel, EventKind::RegionEntered { region: region.clone() });
    region
}

/// What is in the region has ended, or was dropped.
pub(crate) fn leave_region(region: Region) {
    if let Some(kernel) = state::running() {
        tell(&kernel, EventKind::RegionLeft { region });
    }
}

fn tell(kernel: &State, kind: EventKind) {
    let task = kernel.current_task.borrow().clone();
    kernel.emit(task.as_deref(), kind);
}

/// What is polled while this lives is in a region. Two calls and a destructor instead of a closure, because regions nest.
pub(crate) struct InsideRegion {
    kernel: Option<Rc<State>>,
    region: Region,
    outer: Option<Region>,
    /// What was published before: by another branch of the task.
    before: Option<Parked>,
}

impl InsideRegion {
    pub(crate) fn new(region: Region) -> InsideRegion {
        let kernel = state::running();
        let outer = kernel.as_ref().and_then(|kernel| kernel.regions.current.replace(Some(region.clone())));
        let before = kernel.as_ref().and_then(|_| PUBLISHED.take());
        InsideRegion { kernel, region, outer, before }
    }

    /// It has been polled, and waits or not.
    pub(crate) fn end(self, waits: bool) {
        let Some(kernel) = &self.kernel else { return };
        if !waits {
            PUBLISHED.set(self.before);
        } else if PUBLISHED.get().is_none() {
            // It waits in a future of another crate, which publishes nothing.
            PUBLISHED.set(Some(Parked::in_state(TaskState::ForeignWait)));
            kernel.regions.published.set(Some(self.region.clone()));
        }
    }
}

/// Also after a panic.
impl Drop for InsideRegion {
    fn drop(&mut self) {
        if let Some(kernel) = &self.kernel {
            kernel.regions.current.set(self.outer.take());
        }
    }
}

//! Traps that make, name and cancel tasks.

use super::with;
use crate::debug::standard_error;
use crate::debug::{AsyncStack, EventKind, WakeCause, Why};
use crate::error::panic_message;
use crate::kernel::current_poll::HOST;
use crate::kernel::locals::Locals;
use crate::kernel::run_queue;
use crate::kernel::state::{self, State, try_with};
use crate::kernel::task_record::{Place, Record, TaskRef};
use crate::kernel::waker::wake_each;
use crate::task::info::{TaskId, TaskInfo};
use std::any::Any;
use std::rc::Rc;

/// Adds a task: `make` builds it around its place. It is queued; the spawner runs on.
#[track_caller]
pub(crate) fn spawn(make: impl FnOnce(Place, Option<TaskId>) -> Rc<Record>) -> Rc<Record> {
    let (task, is_observed) = with(|kernel| {
        let task = add(kernel, make);
        if kernel.shutting_down.get() {
            task.cancel_requested.set(true);
        }
        (task, kernel.activations.any())
    });
    // Outside of the borrow, because activations are foreign code.
    if is_observed && let Some(kernel) = state::running() {
        kernel.emit(Some(&task), EventKind::Created);
    }
    run_queue::push_new(task.slot);
    task
}

/// Makes a task at a place in the table, as a child of the current task.
pub(super) fn add(kernel: &State, make: impl FnOnce(Place, Option<TaskId>) -> Rc<Record>) -> Rc<Record> {
    let current = kernel.current_task.borrow();
    let parent = current.as_deref();
    let place = kernel.tasks.borrow_mut().reserve();
    let task = make(place, parent.map(|parent| parent.id));
    task.locals.set(parent.and_then(Record::shared_locals));
    kernel.tasks.borrow_mut().occupy(Rc::clone(&task));
    task
}

/// What is known of a task at this moment.
pub(crate) fn info_of(task: &Record) -> TaskInfo {
    state::info_of(task)
}

/// Where a task waits, if it is one of the kernel with this number, and that runs here.
pub(crate) fn async_stack(task: TaskId, kernel: u64) -> Option<AsyncStack> {
    // Not inside of a borrow: the task is polled.
    let running = state::running().filter(|running| running.id.as_u64() == kernel)?;
    running.async_stack(task, None)
}

#[track_caller]
pub(crate) fn why(task: TaskId) -> Option<Why> {
    with(Rc::clone).why(task, None)
}

#[track_caller]
pub(crate) fn current_task() -> TaskInfo {
    with_current(state::info_of)
}

/// The current task's number, if this is a task at all.
#[inline]
pub(crate) fn current_id() -> Option<TaskId> {
    HOST.get().and_then(|_| run_queue::running())
}

#[track_caller]
pub(crate) fn all_tasks() -> Vec<TaskInfo> {
    let tasks = with(|kernel| kernel.tasks.borrow().by_id());
    tasks.iter().map(|task| state::info_of(task)).collect()
}

/// Asks a task to stop, and queues it so that it does.
pub(crate) fn request_cancel(task: &Record) {
    if task.end.get().is_some() {
        return;
    }
    let asked_before = task.cancel_requested.replace(true);
    let Some(kernel) = state::running().filter(|kernel| kernel.id == task.kernel) else {
        if !asked_before {
            state::keep_request(TaskRef::to(task));
        }
        return;
    };
    kernel.emit(Some(task), EventKind::CancelRequested);
    let mut wakers = Vec::new();
    task.request_cancel(&mut kernel.cancel_tree.borrow_mut(), &mut wakers);
    if kernel.is_parked(task) {
        task.stops_where_parked.set(true);
    }
    kernel.set_wake_cause(Some(WakeCause::CancelRequested));
    run_queue::wake(kernel.id, task.slot);
    wake_each(wakers);
    kernel.set_wake_cause(None);
}

/// [`request_cancel`] for a task that is only known by its [`TaskRef`]. Nothing happens if it has ended.
pub(crate) fn request_cancel_of(task: TaskRef) {
    let found = try_with(|kernel| {
        let tasks = kernel.tasks.borrow();
        tasks.get(task.slot).filter(|found| kernel.id == task.kernel && found.id == task.id).cloned()
    });
    if let Some(found) = found.flatten() {
        request_cancel(&found);
    }
}

/// The task-locals of the current task.
#[track_caller]
pub(crate) fn locals() -> Option<Rc<Locals>> {
    with_current(Record::shared_locals)
}

/// Gives the current task other task-locals. Returns those it had, to be dropped when nothing is borrowed.
#[track_caller]
pub(crate) fn set_locals(locals: Option<Rc<Locals>>) -> Option<Rc<Locals>> {
    with_current(|record| record.locals.replace(locals))
}

#[track_caller]
fn with_current<R>(use_it: impl FnOnce(&Record) -> R) -> R {
    with(|kernel| match kernel.current_task.borrow().as_ref() {
        Some(task) => use_it(task),
        None => panic!("no task is running: this is called from a waker or a destructor of the kernel"),
    })
}

/// Whether the task that is being polled has been asked to stop and nothing inside it has to finish first: the
/// kernel is about to drop it.
pub(crate) fn task_must_unwind() -> bool {
    ask_record(State::must_unwind)
}

/// Whether the task whose turn it is was parked when it was asked to stop, and nothing inside it has to finish first:
/// it is not to be polled again.
pub(crate) fn task_stops_where_parked() -> bool {
    ask_record(State::stops_where_parked)
}

fn ask_record(ask: impl FnOnce(&State, &Record) -> bool) -> bool {
    let asked = try_with(|kernel| kernel.current_task.borrow().as_ref().map(|task| ask(kernel, task)));
    asked.flatten().unwrap_or(false)
}

/// Writes a line that must not be lost.
pub(crate) fn report(line: &str) {
    match state::running() {
        Some(kernel) => kernel.reports.say(line),
        None => standard_error::write_line(&format!("curio: {line}")),
    }
}

/// Something that belongs to a task has panicked.
pub(crate) fn report_panic(task: &Record, payload: &(dyn Any + Send), what: &str) {
    report(&format!("{task} {what}: {}", panic_message(payload)));
}

/// A task has ended, and its handle was dropped without a join.
pub(crate) fn report_never_joined(task: &Record) {
    if try_with(|kernel| kernel.reports.never_joined(task)).is_none() {
        let line = format!("curio: {task} was never joined; join it, cancel it, or detach it");
        standard_error::write_line(&line);
    }
}

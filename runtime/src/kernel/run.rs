//! Entering the loop: [`Kernel::run`] until one future is done, [`Kernel::turn`] for one cycle.
//!
//! While either is under way the kernel is *installed* on its thread: its state and its run queue sit in
//! thread-locals, where traps and wakers find them. [`Running`] takes them out again, also after a panic.

use super::cycle::Limit;
use super::{Kernel, Payload, Turn};
use crate::debug::EventKind;
use crate::kernel::run_queue;
use crate::kernel::state;
use crate::kernel::task_record::{End, Record};
use crate::signals::CtrlC;
use crate::task::info::{TaskId, TaskName};
use crate::traps;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The main future, which lives on the stack of `run` and need not be `'static`.
pub(crate) struct Main<'a> {
    pub(super) id: TaskId,
    pub(super) poll: &'a mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
}

impl Kernel {
    /// Runs `main` as a new task, together with whatever else is left in this kernel, until it returns.
    ///
    /// # Panics
    /// If no task can ever run again: a deadlock, with a report of what each task waits for. On the real clock only if
    /// the process has no other thread; otherwise the report is written to standard error, once. A program that
    /// hangs because a future has lost its wake-up gets the same report, which then names the task.
    /// If a limit of polls was set and is used up: see [`most_polls`](crate::KernelBuilder::most_polls).
    /// If `main` panics: the kernel is shut down, then the panic goes on with its payload. Ctrl-C cancels `main`
    /// and then ends the process, unless it is [switched off](crate::KernelBuilder::ctrl_c). Panics too if a kernel runs on
    /// this thread already, or this one was shut down by a panic of an earlier `main`.
    #[track_caller]
    pub fn run<F: IntoFuture>(&mut self, main: F) -> F::Output {
        assert!(
            !self.is_shut_down,
            "this kernel was shut down when an earlier `main` panicked; make a new one"
        );
        let at = Location::caller();
        let mut future = pin!(Some(main.into_future()));
        let mut output: Option<Result<F::Output, Payload>> = None;
        let mut poll = |cx: &mut Context<'_>| {
            if traps::task_stops_where_parked() {
                future.set(None);
                return Poll::Pending;
            }
            let Some(main) = future.as_mut().as_pin_mut() else { return Poll::Ready(()) };
            match catch_unwind(AssertUnwindSafe(|| main.poll(cx))) {
                Ok(Poll::Pending) => {
                    // It lives here and not in its task, so it is dropped here when its task is.
                    if traps::task_must_unwind() {
                        future.set(None);
                    }
                    return Poll::Pending;
                }
                Ok(Poll::Ready(value)) => output = Some(Ok(value)),
                Err(payload) => output = Some(Err(payload)),
            }
            // Its destructors run while the kernel is still there for them. A panic there is one of `main` as well.
            match (catch_unwind(AssertUnwindSafe(|| future.set(None))), &output) {
                (Err(payload), Some(Ok(_))) => output = Some(Err(payload)),
                (Err(payload), _) => resume_unwind(payload),
                (Ok(()), _) => {}
            }
            Poll::Ready(())
        };
        let running = Running::enter(self);
        running.kernel.abandon_probe();
        let place = running.kernel.state.tasks.borrow_mut().reserve();
        let task = Record::new(place, TaskName::OfType(|| "main"), None, at, None);
        running.kernel.state.tasks.borrow_mut().occupy(Rc::clone(&task));
        running.kernel.state.emit(Some(&task), EventKind::Created);
        run_queue::push_new(task.slot);
        let mut main = Main { id: task.id, poll: &mut poll };
        let mut ctrl_c = match running.kernel.listen_to_ctrl_c {
            Some(true) => CtrlC::listen(),
            Some(false) => None,
            None => CtrlC::listen_unless_ignored(),
        };
        running.kernel.hears_ctrl_c = ctrl_c.is_some();
        while task.end.get().is_none() && running.kernel.deadlock.is_none() {
            let ran = running.kernel.cycle(Some(&mut main), None);
            running.kernel.count_polls(ran);
            if running.kernel.has_looked_at_io(ran) && ctrl_c.as_mut().is_some_and(CtrlC::pressed) {
                traps::request_cancel(&task);
            }
        }
        // Main itself may have gone on in the probe, and ended.
        running.kernel.judge_probe();
        if let Some(report) = running.kernel.deadlock.take() {
            // `main` is cancelled like all others, so that its cleanups run; what is left of it is dropped.
            running.kernel.stop_everything(Some(&mut main));
            future.set(None);
            drop(running);
            panic!("{report}");
        }
        let cancelled = task.end.get() == Some(End::Cancelled);
        if !matches!(output, Some(Ok(_))) {
            running.kernel.stop_everything(None);
        }
        drop(running);
        match (output, ctrl_c) {
            (Some(Ok(value)), _) => value,
            (Some(Err(payload)), _) => resume_unwind(payload),
            (None, Some(ctrl_c)) if ctrl_c.was_pressed() => ctrl_c.end_process(),
            (None, _) if cancelled => panic!("main was cancelled, so `run` has no value to return"),
            (None, _) => panic!("main ended without a value: one of its destructors panicked"),
        }
    }

    /// Runs one cycle: waits at most `max_wait` for something to happen (`None`: as long as it takes), then runs
    /// what is ready. For driving a kernel from another loop, and for tests of schedules.
    ///
    /// # Panics
    /// As [`Kernel::run`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut kernel = curio::Kernel::new().unwrap();
    /// let task = kernel.run(async { curio::spawn(async { 6 * 7 }) });
    /// while !task.is_terminated() {
    ///     kernel.turn(Some(Duration::from_millis(10)));
    ///     // and now what the other loop does
    /// }
    /// assert_eq!(kernel.run(task).unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn turn(&mut self, max_wait: Option<Duration>) -> Turn {
        assert!(
            !self.is_shut_down,
            "this kernel was shut down when an earlier `main` panicked; make a new one"
        );
        let mut running = Running::enter(self);
        running.between_turns = true;
        running.kernel.look_at_io_next();
        let until = max_wait.and_then(|wait| Instant::now().checked_add(wait));
        let ran = running.kernel.cycle(None, until.map(Limit::real));
        let next_deadline = running.kernel.state.timers.borrow().next_deadline();
        if let Some(report) = running.kernel.deadlock.take() {
            running.kernel.stop_everything(None);
            drop(running);
            panic!("{report}");
        }
        Turn { ran, ready: run_queue::len(), next_deadline }
    }
}

/// The kernel is the one of this thread until this is dropped.
pub(super) struct Running<'k> {
    pub(super) kernel: &'k mut Kernel,
    /// Whether the kernel is expected to go on soon: it is driven by `turn`.
    between_turns: bool,
}

impl<'k> Running<'k> {
    #[track_caller]
    pub(super) fn enter(kernel: &'k mut Kernel) -> Running<'k> {
        assert!(
            state::enter(&kernel.state),
            "a curio kernel runs on this thread already, so another can't; \
             await the future, or `curio::spawn` it, instead of calling `run` inside a task"
        );
        run_queue::install(mem::take(&mut kernel.queue), kernel.state.id);
        kernel.state.grants.start();
        // A cancellation that was asked for between two runs could only leave its mark.
        for task in state::take_requests(kernel.state.id) {
            traps::request_cancel_of(task);
        }
        Running { kernel, between_turns: false }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.between_turns || self.kernel.is_shut_down {
            let state = &self.kernel.state;
            state.catch_wakers(|| state.grants.stop());
        }
        self.kernel.hears_ctrl_c = false;
        self.kernel.queue = run_queue::uninstall();
        state::replace(None);
    }
}

//! The kernel: a loop that you can recite.
//!
//! ```text
//! loop {
//!     poll I/O          wait in epoll, but not at all if a task is ready         reactor.rs, waker.rs
//!     fire timers       wake whoever's deadline has passed                        timers.rs
//!     run               exactly the tasks that were ready when the cycle began   ready.rs, table.rs
//! }
//! ```
//!
//! "Exactly those that were ready" is the fairness guarantee: a task that wakes itself over and over gets one
//! poll per cycle like everybody else, and between any two of its polls I/O and timers have had their turn. It
//! is also why a schedule can be reproduced.
//!
//! Asking `epoll` costs a system call, so while tasks are ready it is not asked in every cycle but once every
//! [`POLLS_PER_IO`] polls; two tasks that pass a value to and fro do not pay for it on every turn.
//!
//! # One poll of one task
//!
//! ```text
//! ready::pop ─▶ table.begin_poll ─▶ task.poll, inside catch_unwind, nothing borrowed
//!     ready                 ─▶ finish: free the slot, wake whoever joins
//!     panicked              ─▶ write it down at once, keep the payload for whoever joins, finish
//!     pending, cancelled    ─▶ if nothing inside is alive: drop the future, finish
//!     pending               ─▶ note what it waits for
//! ```
//!
//! # Where a virtual clock jumps
//!
//! In the first step, when no task is ready: if no thread job is out, the clock moves to the next deadline
//! instead of waiting for it. A parked socket does not hold it back, but is given a real millisecond first.
//!
//! # The end
//!
//! [`Kernel::shutdown`] asks every task to stop, newest first, and goes on running until they have: cleanups run
//! side by side, within one grace period for all. What is left then is dropped, and said so.

use crate::builder::KernelBuilder;
use crate::deadlock::Suspicion;
use crate::debug::EventKind;
use crate::grants::Grant;
use crate::ready::{self, RunQueue};
use crate::signals::CtrlC;
use crate::state::{self, State};
use crate::table::{End, Parked, Record, Runnable};
use crate::task::MainTask;
use crate::task_info::{TaskId, TaskState};
use crate::traps::{self, BUDGET};
use std::any::Any;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// While tasks are ready, I/O and timers are looked after once in so many polls.
const POLLS_PER_IO: u32 = 61;
/// How long a virtual clock waits for parked sockets before it jumps.
const JUMP_PATIENCE: Duration = Duration::from_millis(1);

/// An event loop and its tasks: what [`run`](crate::run) makes, kept in hand.
///
/// Tasks that are still running when [`Kernel::run`] returns stay, and go on in the next `run`.
/// Dropping the kernel shuts it down.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let mut kernel = curio::Kernel::new()?;
/// let words = String::from("one two");
/// let task = kernel.run(async { curio::spawn(async { 2 }) });
/// let sum = kernel.run(async { words.split(' ').count() + task.join().await.unwrap() });
/// assert_eq!(sum, 4);
/// # Ok(())
/// # }
/// ```
pub struct Kernel {
    state: Rc<State>,
    /// In its thread-local while the kernel runs.
    queue: RunQueue,
    grace: Duration,
    scratch: Scratch,
    polls_since_io: u32,
    is_shut_down: bool,
    /// Whether the first Ctrl-C cancels `main`.
    pub(crate) listens_to_ctrl_c: bool,
    pub(crate) suspicion: Suspicion,
    /// The report, once there is a deadlock.
    pub(crate) deadlock: Option<String>,
}

/// Room that is used in every cycle and kept.
#[derive(Default)]
struct Scratch {
    wakers: Vec<Waker>,
    grants: Vec<Grant>,
}

/// What one [`Kernel::turn`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// How many tasks were polled.
    pub ran: usize,
    /// How many are ready for the next turn.
    pub ready: usize,
    /// When the next timer is due.
    pub next_deadline: Option<Instant>,
}

type Payload = Box<dyn Any + Send>;

/// The main future, which lives on the stack of `run` and need not be `'static`.
struct Main<'a> {
    id: TaskId,
    poll: &'a mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
}

impl Kernel {
    /// A kernel with default settings.
    ///
    /// # Errors
    /// The operating system has no file descriptors left for an event queue.
    pub fn new() -> io::Result<Kernel> {
        Kernel::builder().build()
    }

    /// A kernel with settings of your own.
    pub fn builder() -> KernelBuilder {
        KernelBuilder::default()
    }

    pub(crate) fn with_state(state: State, grace: Duration) -> Kernel {
        let mut queue = RunQueue::new();
        if state.activations.any() {
            queue.observe();
        }
        Kernel {
            state: Rc::new(state),
            queue,
            grace,
            scratch: Scratch::default(),
            polls_since_io: 0,
            is_shut_down: false,
            listens_to_ctrl_c: false,
            suspicion: Suspicion::None,
            deadlock: None,
        }
    }

    /// Runs `main` as a new task, together with whatever else is left in this kernel, until it returns.
    ///
    /// # Panics
    /// If no task can ever run again: a deadlock, with a report of who waits for what. On the real clock only if
    /// the process has no other thread; otherwise the report is written to standard error.
    /// If `main` panics: the kernel is shut down, then the panic goes on with its payload. Ctrl-C cancels `main`
    /// and then ends the process, unless it is [switched off](KernelBuilder::ctrl_c). Panics too if a kernel runs on
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
            // Its destructors run while the kernel is still there for them.
            future.set(None);
            Poll::Ready(())
        };
        let running = Running::enter(self);
        let place = running.kernel.state.tasks.borrow_mut().reserve();
        let task: Rc<dyn Runnable> = Rc::new(MainTask::new(place, at));
        running.kernel.state.tasks.borrow_mut().occupy(task.clone());
        running.kernel.state.tell(Some(task.record()), EventKind::Created);
        ready::push(task.record().slot);
        let mut main = Main { id: task.record().id, poll: &mut poll };
        let mut ctrl_c = if running.kernel.listens_to_ctrl_c { CtrlC::listen() } else { None };
        while task.record().end.get().is_none() && running.kernel.deadlock.is_none() {
            running.kernel.cycle(Some(&mut main), None);
            if ctrl_c.as_mut().is_some_and(CtrlC::pressed) {
                running.kernel.request_cancel(task.record());
            }
        }
        if let Some(report) = running.kernel.deadlock.take() {
            future.set(None);
            running.kernel.stop_everything();
            drop(running);
            panic!("{report}");
        }
        let cancelled = task.record().end.get() == Some(End::Cancelled);
        if !matches!(output, Some(Ok(_))) {
            running.kernel.stop_everything();
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
    #[track_caller]
    pub fn turn(&mut self, max_wait: Option<Duration>) -> Turn {
        assert!(
            !self.is_shut_down,
            "this kernel was shut down when an earlier `main` panicked; make a new one"
        );
        let running = Running::enter(self);
        running.kernel.polls_since_io = POLLS_PER_IO;
        let until = max_wait.and_then(|wait| Instant::now().checked_add(wait));
        let ran = running.kernel.cycle(None, until.map(Limit::Real));
        let next_deadline = running.kernel.state.timers.borrow().next_deadline();
        if let Some(report) = running.kernel.deadlock.take() {
            running.kernel.stop_everything();
            drop(running);
            panic!("{report}");
        }
        Turn { ran, ready: ready::len(), next_deadline }
    }

    /// Ends the kernel: asks every task to stop, newest first, waits for their cleanups within the grace period
    /// ([`KernelBuilder::shutdown_grace`]), then drops what is left. Dropping the kernel does the same.
    pub fn shutdown(self) {
        drop(self);
    }

    /// What is still there between two runs, a line for each: the ledger of leaks.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let now = self.state.clock.now();
        let tasks = self.state.tasks.borrow().by_id();
        let task = |task: &Rc<dyn Runnable>| {
            format!("{}, in {}", task.record(), task.record().parked.get().describe(now))
        };
        let mut left: Vec<String> = tasks.iter().map(task).collect();
        // What tasks hold goes with them.
        if left.is_empty() {
            let timers = self.state.timers.borrow().len();
            let sockets = self.state.reactor.borrow().sockets();
            left.extend((timers > 0).then(|| format!("{timers} timers that nobody awaits")));
            left.extend((sockets > 0).then(|| format!("{sockets} open sockets")));
        }
        left
    }

    /// The same for `run` and for `Drop`; the kernel is installed on this thread.
    fn stop_everything(&mut self) {
        self.state.shutting_down.set(true);
        self.is_shut_down = true;
        let tasks = self.state.tasks.borrow().by_id();
        for task in tasks.iter().rev() {
            self.request_cancel(task.record());
        }
        drop(tasks);
        let deadline = self.state.clock.now().checked_add(self.grace);
        while self.state.tasks.borrow().len() > 0 && deadline.is_none_or(|end| self.state.clock.now() < end) {
            self.cycle(None, deadline.map(Limit::Kernel));
        }
        self.drop_the_rest();
        self.state.reports.say_never_joined();
    }

    fn request_cancel(&self, record: &Record) {
        let mut wakers = Vec::new();
        self.state.tell(Some(record), EventKind::CancelRequested);
        record.request_cancel(&mut self.state.scopes.borrow_mut(), &mut wakers);
        ready::push(record.slot);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Destructors may spawn; what they spawn is dropped as well, before it ever runs.
    fn drop_the_rest(&mut self) {
        loop {
            let Some(task) = self.state.tasks.borrow().by_id().pop() else { return };
            let record = task.record();
            self.state.reports.say(&format!(
                "{record} did not end within the {:?} that shutdown allows and was dropped; it was in {}",
                self.grace,
                record.parked.get().describe(self.state.clock.now())
            ));
            let previous = self.state.make_current(&task, None);
            debug_assert!(previous.is_none(), "the kernel drops one task at a time");
            self.discard(&task);
            self.state.finish(&task, End::Cancelled);
            let last = self.state.current.take();
            drop(last);
        }
    }

    /// One turn of the loop. Returns how many tasks ran.
    fn cycle(&mut self, main: Option<&mut Main<'_>>, limit: Option<Limit>) -> usize {
        self.poll_io(limit);
        self.tell_wakes();
        let ran = self.run_ready(main);
        self.settle_grants();
        ran
    }

    /// Wakes happen where nothing can be told; they are noted there, with their time, and told here.
    fn tell_wakes(&self) {
        if !self.state.activations.any() {
            return;
        }
        for wake in ready::untold_wakes() {
            let task = self.state.tasks.borrow().get(wake.slot).cloned();
            if let Some(task) = task {
                let time = if self.state.clock.is_virtual() { self.state.clock.now() } else { wake.at };
                self.state.tell_at(time, Some(task.record()), EventKind::Woken { by: wake.by });
            }
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    // ---- I/O and timers

    fn poll_io(&mut self, limit: Option<Limit>) {
        if ready::len() > 0 {
            self.no_deadlock();
            if self.polls_since_io < POLLS_PER_IO {
                return;
            }
            self.wait_in_epoll(Some(Duration::ZERO));
        } else if limit.is_none() && self.suspect_deadlock() {
            return;
        } else {
            self.state.tell(None, EventKind::Idle);
            if self.state.clock.is_virtual() {
                self.wait_or_jump(limit);
            } else {
                self.wait_in_epoll(self.time_to_wait(limit));
            }
        }
        self.polls_since_io = 0;
        self.fire_timers();
    }

    fn time_to_wait(&self, limit: Option<Limit>) -> Option<Duration> {
        let timer = self.state.timers.borrow().look_again_at();
        let until = [timer, limit.map(Limit::instant)].into_iter().flatten().min()?;
        Some(until.saturating_duration_since(self.state.clock.now()))
    }

    /// Virtual time: it passes only when nothing else can happen.
    fn wait_or_jump(&mut self, limit: Option<Limit>) {
        let held = self.state.thread_jobs.get() > 0 || self.state.reactor.borrow().holding_clock() > 0;
        let next = self.state.timers.borrow().next_deadline();
        let end = limit.and_then(Limit::kernel_time);
        let Some(target) = [next, end].into_iter().flatten().min().filter(|_| !held) else {
            // Only the outside world can wake anything, and that takes real time.
            return self.wait_in_epoll(limit.and_then(Limit::real_time_left));
        };
        let parked_sockets = self.state.reactor.borrow().waiting() > 0;
        self.wait_in_epoll(Some(if parked_sockets { JUMP_PATIENCE } else { Duration::ZERO }));
        if ready::len() == 0 {
            self.state.clock.jump_to(target);
        }
    }

    pub(crate) fn wait_in_epoll(&mut self, timeout: Option<Duration>) {
        let polled = self.state.reactor.borrow_mut().poll(timeout, &mut self.scratch.wakers);
        match polled {
            Ok(true) => self.state.inbox.collect().into_iter().for_each(ready::push),
            Ok(false) => {}
            // epoll_wait fails for a bad descriptor or bad memory: nothing that a program can go on after.
            Err(error) => panic!("waiting for I/O events failed: {error}"),
        }
        self.wake_all();
    }

    fn fire_timers(&mut self) {
        if self.state.timers.borrow().is_empty() {
            return;
        }
        let now = self.state.clock.now();
        self.state.timers.borrow_mut().expire_into(now, &mut self.scratch.wakers);
        self.wake_all();
    }

    fn wake_all(&mut self) {
        for waker in self.scratch.wakers.drain(..) {
            waker.wake();
        }
    }

    // ---- tasks

    fn run_ready(&mut self, mut main: Option<&mut Main<'_>>) -> usize {
        let count = ready::len();
        if let Some(seed) = &self.state.seed {
            let mut random = seed.borrow_mut();
            ready::shuffle(count, |limit| random.below(limit));
        }
        for _ in 0..count {
            let Some((slot, woken_by)) = ready::pop() else { break };
            self.run_task(slot, woken_by, main.as_deref_mut());
            self.tell_wakes();
        }
        ready::set_running(None);
        self.polls_since_io = self.polls_since_io.saturating_add(count as u32);
        count
    }

    fn run_task(&self, slot: u32, woken_by: Option<TaskId>, main: Option<&mut Main<'_>>) {
        let kernel = &*self.state;
        let begun = kernel.tasks.borrow_mut().begin_poll(slot);
        let Some((task, waker)) = begun else { return };
        let record = task.record();
        if record.nested.get() && task.pass_on(woken_by) {
            kernel.tasks.borrow_mut().end_poll(slot, waker);
            return;
        }
        let previous = kernel.make_current(&task, woken_by);
        debug_assert!(previous.is_none(), "the kernel polls one task at a time");
        let cx = &mut Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| match main {
            Some(main) if main.id == record.id => (main.poll)(cx),
            _ => task.poll(cx),
        }));
        let parked = kernel.published.take();
        kernel.tasks.borrow_mut().end_poll(slot, waker);
        match polled {
            Ok(Poll::Ready(())) => self.state.finish(&task, End::Returned),
            Err(payload) => self.crash(&task, payload),
            Ok(Poll::Pending) => {
                kernel.suspend(record, parked);
                if record.cancel_requested.get() && !self.anything_alive_in(record) {
                    self.discard(&task);
                    self.state.finish(&task, End::Cancelled);
                }
            }
        }
        let last = kernel.current.take();
        drop(last);
    }

    fn anything_alive_in(&self, record: &Record) -> bool {
        record.root.get().is_some_and(|root| self.state.scopes.borrow().anything_alive_below(root))
    }

    /// Drops a task's future where it is parked.
    fn discard(&self, task: &Rc<dyn Runnable>) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task.discard())) {
            self.state.report_panic(task.record(), payload.as_ref(), "panicked while it was dropped");
        }
    }

    fn crash(&self, task: &Rc<dyn Runnable>, payload: Payload) {
        self.state.report_panic(task.record(), payload.as_ref(), "panicked");
        self.discard(task);
        task.crash(payload);
        self.state.finish(task, End::Panicked);
    }

    /// Takes back what was granted to tasks that have been polled since and did not claim it.
    fn settle_grants(&mut self) {
        if self.state.grants.borrow().is_empty() {
            return;
        }
        self.state.grants.borrow_mut().collect(&self.state.tasks.borrow(), &mut self.scratch.grants);
        self.scratch.grants.drain(..).for_each(Grant::revoke);
    }
}

/// The turn of one task. The kernel uses these for the tasks it polls, and `traps` for tasks whose futures live
/// inside other tasks.
impl State {
    /// Makes a task the current one. Returns the one that was.
    pub(crate) fn make_current(
        &self,
        task: &Rc<dyn Runnable>,
        woken_by: Option<TaskId>,
    ) -> Option<Rc<dyn Runnable>> {
        let record = task.record();
        record.cycles.set(record.cycles.get() + 1);
        record.woken_by.set(woken_by);
        record.parked.set(Parked::in_state(TaskState::Running));
        self.scope.set(record.root.get());
        self.budget.set(BUDGET);
        ready::set_running(Some(record.id));
        self.tell(Some(record), EventKind::Running);
        self.current.replace(Some(Rc::clone(task)))
    }

    /// It was polled and waits: notes for what.
    pub(crate) fn suspend(&self, record: &Record, parked: Option<Parked>) {
        let parked = parked.unwrap_or(Parked::in_state(TaskState::ForeignWait));
        record.parked.set(parked);
        self.tell(Some(record), EventKind::Suspended { state: parked.state, location: parked.at });
    }

    pub(crate) fn report_panic(&self, record: &Record, payload: &(dyn Any + Send), what: &str) {
        self.reports.say(&format!("{record} {what}: {}", crate::error::panic_message(payload)));
    }

    /// The task has ended and its future is gone: frees its slot and tells whoever waits.
    pub(crate) fn finish(&self, task: &Rc<dyn Runnable>, end: End) {
        let record = task.record();
        record.end.set(Some(end));
        let state = match end {
            End::Cancelled => TaskState::Cancelled,
            End::Returned | End::Panicked => TaskState::Terminated,
        };
        record.parked.set(Parked::in_state(state));
        self.tell(Some(record), EventKind::Suspended { state, location: None });
        self.tell(Some(record), EventKind::Terminated);
        let root = record.root.take().and_then(|root| self.scopes.borrow_mut().remove(root));
        let removed = self.tasks.borrow_mut().remove(record.slot);
        drop((root, removed, record.locals.take()));
        let waiters = mem::take(&mut *record.waiters.borrow_mut());
        waiters.into_wakers().for_each(Waker::wake);
        let lost = end == End::Returned || self.shutting_down.get() && end == End::Cancelled;
        if lost && record.handle_dropped.get() && !record.attended.get() {
            self.reports.never_joined(record);
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if self.is_shut_down {
            return;
        }
        // A kernel may be dropped inside another one's task; its tasks then run under their own kernel's name.
        let outer = state::replace(None);
        let outer_queue = outer.as_ref().map(|_| ready::uninstall());
        let running = Running::enter(self);
        running.kernel.stop_everything();
        drop(running);
        if let (Some(outer), Some(queue)) = (outer, outer_queue) {
            ready::install(queue, outer.id);
            state::replace(Some(outer));
        }
    }
}

/// When an idle kernel stops waiting, whatever its timers say.
#[derive(Clone, Copy)]
enum Limit {
    /// Of kernel time: a virtual clock jumps there.
    Kernel(Instant),
    /// Of real time, for whoever drives the kernel from outside.
    Real(Instant),
}

impl Limit {
    fn instant(self) -> Instant {
        match self {
            Limit::Kernel(instant) | Limit::Real(instant) => instant,
        }
    }

    fn kernel_time(self) -> Option<Instant> {
        match self {
            Limit::Kernel(instant) => Some(instant),
            Limit::Real(_) => None,
        }
    }

    fn real_time_left(self) -> Option<Duration> {
        match self {
            Limit::Kernel(_) => None,
            Limit::Real(instant) => Some(instant.saturating_duration_since(Instant::now())),
        }
    }
}

/// The kernel is the one of this thread until this is dropped.
struct Running<'k> {
    kernel: &'k mut Kernel,
}

impl<'k> Running<'k> {
    #[track_caller]
    fn enter(kernel: &'k mut Kernel) -> Running<'k> {
        assert!(
            state::enter(&kernel.state),
            "a curio kernel runs on this thread already, so another can't; \
             await the future, or `curio::spawn` it, instead of calling `run` inside a task"
        );
        ready::install(mem::take(&mut kernel.queue), kernel.state.id);
        // A cancellation that was asked for between two runs could only leave its mark.
        let tasks = kernel.state.tasks.borrow().by_id();
        for task in tasks {
            if task.record().cancel_requested.get() {
                kernel.request_cancel(task.record());
            }
        }
        Running { kernel }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.kernel.queue = ready::uninstall();
        state::replace(None);
    }
}

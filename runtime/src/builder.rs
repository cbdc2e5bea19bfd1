//! Settings of a kernel.

use crate::clock::Clock;
use crate::kernel::Kernel;
use crate::random::Random;
use crate::reactor::Reactor;
use crate::report::{Reports, Sink};
use crate::state::State;
use crate::table::TaskTable;
use crate::timers::Timers;
use crate::waker::KernelId;
use crate::workers::Workers;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// Settings of a [`Kernel`]; made by [`Kernel::builder`].
///
/// ```
/// use std::time::Duration;
///
/// // An hour of sleeping that takes no time at all.
/// let slept = curio::Kernel::builder().virtual_clock(true).run(async {
///     let start = curio::clock();
///     curio::sleep(Duration::from_secs(3600)).await;
///     curio::clock() - start
/// });
/// assert_eq!(slept, Duration::from_secs(3600));
/// ```
#[must_use = "a builder does nothing until `build` or `run` is called"]
pub struct KernelBuilder {
    virtual_clock: bool,
    seed: Option<u64>,
    max_worker_threads: usize,
    shutdown_grace: Duration,
    on_report: Option<Sink>,
}

impl Default for KernelBuilder {
    fn default() -> KernelBuilder {
        KernelBuilder {
            virtual_clock: false,
            seed: None,
            max_worker_threads: 64,
            shutdown_grace: Duration::from_secs(5),
            on_report: None,
        }
    }
}

impl KernelBuilder {
    /// With `true`, time stands still while tasks run and jumps to the next timer when none can: sleeps take no
    /// time, and end exactly on their nanosecond. Thread jobs hold the clock; a parked socket does not.
    pub fn virtual_clock(mut self, on: bool) -> Self {
        self.virtual_clock = on;
        self
    }

    /// Runs ready tasks in an order drawn from `seed` instead of first come, first served. The same seed gives
    /// the same schedule.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many threads [`run_in_thread`](crate::run_in_thread) may use at once; more calls wait their turn.
    /// 64 by default, as in Curio; at least 1.
    pub fn max_worker_threads(mut self, n: usize) -> Self {
        self.max_worker_threads = n;
        self
    }

    /// How long the cleanups of all tasks together may take at shutdown, in the kernel's time. 5 s by default.
    pub fn shutdown_grace(mut self, d: Duration) -> Self {
        self.shutdown_grace = d;
        self
    }

    /// Takes over the lines that otherwise go to standard error: crashed tasks, tasks that nobody joined,
    /// cleanups that could not run. `|_| ()` silences them.
    pub fn on_report(mut self, sink: impl Fn(&str) + 'static) -> Self {
        self.on_report = Some(Box::new(sink));
        self
    }

    /// Makes the kernel.
    ///
    /// # Errors
    /// The operating system has no file descriptors left for an event queue.
    pub fn build(self) -> io::Result<Kernel> {
        let id = KernelId::next();
        let clock = Clock::new(self.virtual_clock);
        let (reactor, inbox) = Reactor::new()?;
        let state = State {
            id,
            seed: self.seed.map(|seed| RefCell::new(Random::new(seed))),
            tasks: RefCell::new(TaskTable::new(id, inbox.clone())),
            timers: RefCell::new(Timers::new(clock.now())),
            clock,
            reactor: Rc::new(RefCell::new(reactor)),
            inbox,
            scopes: RefCell::default(),
            grants: RefCell::default(),
            workers: Workers::new(self.max_worker_threads),
            reports: Reports::new(self.on_report),
            thread_jobs: Cell::new(0),
            shutting_down: Cell::new(false),
            current: RefCell::new(None),
            scope: Cell::new(None),
            limits_without_node: Cell::new(0),
            published: Cell::new(None),
            budget: Cell::new(0),
        };
        Ok(Kernel::with_state(state, self.shutdown_grace))
    }

    /// Makes the kernel, runs `main` and shuts the kernel down: [`run`](crate::run) with settings.
    ///
    /// # Panics
    /// As [`run`](crate::run).
    #[track_caller]
    pub fn run<F: IntoFuture>(self, main: F) -> F::Output {
        match self.build() {
            Ok(mut kernel) => kernel.run(main),
            Err(error) => panic!("curio could not start: the event queue cannot be made: {error}"),
        }
    }
}

impl fmt::Debug for KernelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelBuilder")
            .field("virtual_clock", &self.virtual_clock)
            .field("seed", &self.seed)
            .field("max_worker_threads", &self.max_worker_threads)
            .field("shutdown_grace", &self.shutdown_grace)
            .finish_non_exhaustive()
    }
}

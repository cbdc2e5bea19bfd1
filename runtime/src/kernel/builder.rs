//! Settings of a kernel.

use crate::debug::standard_error;
use crate::debug::{self, Activation, Activations};
use crate::kernel::Kernel;
use crate::kernel::captured::Captured;
use crate::kernel::clock::Clock;
use crate::kernel::grants::Grants;
use crate::kernel::maintenance::Maintenance;
use crate::kernel::random::Random;
use crate::kernel::reactor::Reactor;
use crate::kernel::regions::Regions;
use crate::kernel::reports::{Reports, Sink};
use crate::kernel::state::State;
use crate::kernel::task_table::TaskTable;
use crate::kernel::timer_queue::TimerQueue;
use crate::kernel::waker::KernelId;
use crate::kernel::worker_pool::WorkerPool;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
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
    ctrl_c: Option<bool>,
    on_report: Option<Sink>,
    activations: Vec<Box<dyn Activation>>,
    monitor: Option<io::Result<TcpListener>>,
    other_threads: bool,
    most_polls: Option<u64>,
}

impl Kernel {
    /// A kernel with default settings.
    ///
    /// # Errors
    /// The operating system has no file descriptors left for an event queue.
    pub fn new() -> io::Result<Kernel> {
        Kernel::builder().build()
    }

    /// A kernel with settings of your own: see [`KernelBuilder`].
    pub fn builder() -> KernelBuilder {
        KernelBuilder::default()
    }
}

impl Default for KernelBuilder {
    fn default() -> KernelBuilder {
        KernelBuilder {
            virtual_clock: false,
            seed: None,
            max_worker_threads: 64,
            shutdown_grace: Duration::from_secs(5),
            ctrl_c: None,
            on_report: None,
            activations: Vec::new(),
            monitor: None,
            other_threads: true,
            most_polls: None,
        }
    }
}

impl KernelBuilder {
    /// With `true`, time stands still while tasks run and jumps to the next timer when none can: sleeps take no real
    /// time and end exactly on their nanosecond. Thread jobs hold the clock back; a socket that a task waits for does not.
    pub fn virtual_clock(mut self, on: bool) -> Self {
        self.virtual_clock = on;
        self
    }

    /// Runs ready tasks in an order drawn from `seed` instead of first come, first served. The same seed gives
    /// the same schedule. Without this the environment's `CURIO_SEED` counts, if it is set.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// /// In which order four tasks run.
    /// fn order(seed: u64) -> Vec<u32> {
    ///     let ran = Rc::new(RefCell::new(Vec::new()));
    ///     curio::Kernel::builder().seed(seed).run(async {
    ///         let group = curio::TaskGroup::new();
    ///         for n in 1..=4 {
    ///             let ran = ran.clone();
    ///             group.spawn(async move { ran.borrow_mut().push(n) });
    ///         }
    ///         group.join().await.unwrap();
    ///     });
    ///     ran.take()
    /// }
    /// assert_eq!(order(7), order(7));
    /// assert!((0..10).any(|seed| order(seed) != [1, 2, 3, 4]));
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many threads [`run_in_thread`](crate::run_in_thread()) may use at once; more calls wait their turn.
    /// 64 by default, as in Curio; at least 1.
    pub fn max_worker_threads(mut self, n: usize) -> Self {
        self.max_worker_threads = n;
        self
    }

    /// How long the cleanups of all tasks together may take at shutdown, in the kernel's time. 5 s by default.
    ///
    /// A virtual clock stands still while a cleanup waits for a thread or another process, or computes without end. So
    /// real time counts too: on either clock, shutdown takes no longer than `d`, or five seconds if `d` is less.
    ///
    /// ```
    /// use curio::{Kernel, finally, sleep, spawn};
    /// use std::{cell::Cell, rc::Rc, time::Duration};
    ///
    /// let rolled_back = Rc::new(Cell::new(false));
    /// let flag = rolled_back.clone();
    /// let kernel = Kernel::builder().virtual_clock(true).shutdown_grace(Duration::from_secs(60));
    /// kernel.run(async {
    ///     spawn(finally(sleep(Duration::MAX), async move |_| {
    ///         sleep(Duration::from_secs(30)).await; // more than the default allows
    ///         flag.set(true);
    ///     }))
    ///     .detach();
    ///     curio::schedule().await;
    /// });
    /// assert!(rolled_back.get());
    /// ```
    pub fn shutdown_grace(mut self, d: Duration) -> Self {
        self.shutdown_grace = d;
        self
    }

    /// Whether the first Ctrl-C (SIGINT) cancels `main`, so that its cleanups run and the process exits with status 130
    /// after shutdown; the second one ends it at once. When off, Ctrl-C does what it does without a kernel. See
    /// [`signals`](crate::signals).
    ///
    /// On by default on Unix with the feature `signals`, with two exceptions: a virtual clock, which a signal from
    /// outside must not disturb, and a process that was started with SIGINT ignored, as a shell does for what a script
    /// runs in the background (only Linux says whether it was). `ctrl_c(true)` listens in any case.
    pub fn ctrl_c(mut self, on: bool) -> Self {
        self.ctrl_c = Some(on);
        self
    }

    /// Whether threads of the program may wake this kernel's tasks. On by default.
    ///
    /// With `false` a [deadlock](Kernel::run) is found at once, and also when a future that is not curio's keeps a waker. With
    /// `true` it takes a second to find one while the process has other threads, and such a waker hides it, because one of
    /// these threads might call it. Threads that run jobs for a task ([`run_in_thread`](crate::run_in_thread())) do not count:
    /// the kernel knows of these.
    ///
    /// ```should_panic
    /// // A future that keeps its waker, and is never woken.
    /// let mut kept = None;
    /// let stuck = std::future::poll_fn(|cx| {
    ///     kept = Some(cx.waker().clone());
    ///     std::task::Poll::<()>::Pending
    /// });
    /// curio::Kernel::builder().virtual_clock(true).other_threads(false).run(stuck);
    /// ```
    pub fn other_threads(mut self, may_wake: bool) -> Self {
        self.other_threads = may_wake;
        self
    }

    /// Ends [`Kernel::run`] after `n` polls of tasks: it panics with a report that names the tasks that were polled most. No
    /// limit by default.
    ///
    /// For tests: a task that wakes itself again and again keeps a virtual clock from moving, and the program from ending. The
    /// limit counts polls and not time, so that it does not depend on the machine. All `run`s of a kernel together may use it.
    ///
    /// ```should_panic
    /// curio::Kernel::builder().most_polls(1000).run(async {
    ///     loop {
    ///         curio::schedule().await;
    ///     }
    /// });
    /// ```
    ///
    /// ```should_panic
    /// curio::Kernel::builder().virtual_clock(true).most_polls(1000).run(async {
    ///     loop {
    ///         curio::schedule().await; // no task waits, so the clock never moves
    ///     }
    /// });
    /// ```
    pub fn most_polls(mut self, n: u64) -> Self {
        self.most_polls = Some(n);
        self
    }

    /// Takes over the lines that otherwise go to standard error: crashed tasks, tasks that were never joined,
    /// cleanups that could not run. `|_| ()` silences them. If `sink` panics it gets no more of them: that, and what
    /// there is to report from then on, is written to standard error. So is what `sink` itself causes to be reported.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// let reports = Rc::new(RefCell::new(Vec::new()));
    /// let log = reports.clone();
    /// curio::Kernel::builder().on_report(move |line| log.borrow_mut().push(line.to_string())).run(async {
    ///     curio::spawn_named("forgotten", async {});
    ///     curio::schedule().await;
    /// });
    /// assert!(reports.borrow()[0].contains("forgotten"), "it was never joined");
    /// ```
    pub fn on_report(mut self, sink: impl Fn(&str) + 'static) -> Self {
        self.on_report = Some(Box::new(sink));
        self
    }

    /// Adds a listener to what the kernel does; see [`debug`]. May be called several times.
    pub fn activation(mut self, a: impl Activation + 'static) -> Self {
        self.activations.push(Box::new(a));
        self
    }

    /// Lets this kernel be looked into from another terminal: it listens on the first of the addresses that can be bound, and
    /// `nc` talks to it. `ps`, `tree`, `where`, `why`, `locks`, `sockets`, `stats`, `cancel` and `watch` are its commands; `help`
    /// says what they do. It has a thread of its own, and so answers while the kernel is blocked.
    ///
    /// Only addresses of this machine are accepted. Without this, the environment's `CURIO_MONITOR` counts: an address, or `1`
    /// for `127.0.0.1:48802`.
    ///
    /// An address that cannot be used is an error of [`build`](Self::build).
    ///
    /// ```no_run
    /// curio::Kernel::builder().monitor("127.0.0.1:48802").run(curio::sleep(std::time::Duration::from_secs(60)));
    /// ```
    pub fn monitor(mut self, addr: impl ToSocketAddrs) -> Self {
        self.monitor = Some(debug::monitor::listen(addr));
        self
    }

    /// Makes the kernel.
    ///
    /// # Errors
    /// The operating system has no file descriptors left for an event queue; the [`monitor`](Self::monitor) cannot listen.
    pub fn build(self) -> io::Result<Kernel> {
        let id = KernelId::next();
        let mut activations = self.activations;
        activations.extend(debug::from_environment());
        let clock = Clock::new(self.virtual_clock);
        let (reactor, inbox) = Reactor::new()?;
        let monitor = self.monitor.transpose()?.or_else(debug::monitor_from_environment);
        let monitor_addr = monitor.as_ref().and_then(|listener| listener.local_addr().ok());
        if let Some(listener) = monitor {
            let post = Arc::clone(&inbox);
            activations.push(Box::new(debug::monitor::start(
                listener,
                Box::new(move |question| post.ask(question)),
            )?));
        }
        let watched = Cell::new(!activations.is_empty());
        let state = State {
            id,
            seed: self.seed.or_else(seed_from_environment).map(|seed| RefCell::new(Random::new(seed))),
            tasks: RefCell::new(TaskTable::new(id, inbox.clone())),
            timers: RefCell::new(TimerQueue::new(clock.now())),
            maintenance: Maintenance::default(),
            clock,
            reactor: Rc::new(RefCell::new(reactor)),
            inbox,
            cancel_tree: RefCell::default(),
            grants: Grants::new(id),
            workers: WorkerPool::new(self.max_worker_threads),
            reports: Reports::new(self.on_report),
            activations: Activations::new(activations),
            thread_jobs: Cell::new(0),
            endless_sleeps: Cell::new(0),
            watched,
            regions: Regions::default(),
            captured: Captured::default(),
            shutting_down: Cell::new(false),
            current_task: RefCell::new(None),
        };
        let mut kernel = Kernel::with_state(state, self.shutdown_grace);
        kernel.monitor_addr = monitor_addr;
        kernel.watch.set_other_threads(self.other_threads);
        kernel.most_polls = self.most_polls;
        kernel.virtual_seconds_per_second =
            if self.virtual_clock { debug::rate_from_environment() } else { None };
        kernel.listen_to_ctrl_c =
            if self.virtual_clock { Some(self.ctrl_c == Some(true)) } else { self.ctrl_c };
        Ok(kernel)
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

/// `CURIO_SEED`; what is not a number is reported.
pub(crate) fn seed_from_environment() -> Option<u64> {
    let text = std::env::var_os("CURIO_SEED")?;
    let seed = text.to_str().and_then(|text| text.parse().ok());
    if seed.is_none() {
        standard_error::write_line(&format!(
            "curio: CURIO_SEED is `{}`, which is not a number; tasks run in order",
            text.display()
        ));
    }
    seed
}

impl fmt::Debug for KernelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelBuilder")
            .field("virtual_clock", &self.virtual_clock)
            .field("seed", &self.seed)
            .field("max_worker_threads", &self.max_worker_threads)
            .field("shutdown_grace", &self.shutdown_grace)
            .field("ctrl_c", &self.ctrl_c)
            .field("other_threads", &self.other_threads)
            .field("most_polls", &self.most_polls)
            .finish_non_exhaustive()
    }
}

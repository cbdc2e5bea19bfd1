//! The cycle: poll I/O, fire timers, run what was ready. The three steps of the loop, in the order of the file.
//!
//! Wakers that the reactor and the timers hand out are called here, with nothing
//! borrowed; they put their tasks onto the [run queue](crate::kernel::run_queue), and [`run_ready`](Kernel::run_ready) takes
//! them off again, one [poll](super::poll) each.

use super::Kernel;
use super::run::Main;
use crate::debug::{EventKind, WakeCause};
use crate::error::panic_message;
use crate::kernel::run_queue;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long a virtual clock waits for awaited sockets before it jumps.
const JUMP_DELAY: Duration = Duration::from_millis(1);

impl Kernel {
    /// One turn of the loop. Returns how many tasks ran.
    pub(super) fn cycle(&mut self, mut main: Option<&mut Main<'_>>, limit: Option<Limit>) -> usize {
        self.poll_io(limit);
        if self.state.inbox.any_questions() {
            self.answer_questions(main.as_deref_mut());
        }
        self.state.emit_wakes();
        let ran = self.run_ready(main);
        self.settle_grants();
        ran
    }

    // ---- I/O and timers

    /// Whether the cycle that ran so many tasks has polled I/O: only then can there be new events.
    pub(super) fn has_looked_at_io(&self, ran: usize) -> bool {
        self.io_watch.polls() as usize <= ran
    }

    /// The next cycle polls I/O, even if tasks are ready.
    pub(super) fn look_at_io_next(&mut self) {
        self.io_watch.make_due();
    }

    fn poll_io(&mut self, limit: Option<Limit>) {
        self.judge_probe();
        if self.deadlock.is_some() {
            return;
        }
        if run_queue::len() > 0 {
            // A virtual clock stands still while tasks are ready, so no timer can have come due.
            let timers = !self.state.clock.is_virtual() && !self.state.timers.borrow().is_empty();
            let Some(now) = self.io_watch.time_to_look(timers) else { return };
            if self.io_watch.is_io_due(now) {
                self.wait_for_events(Some(Duration::ZERO));
                self.io_watch.start_at(now);
            } else if timers {
                return self.fire_timers_due_at(now);
            } else {
                return;
            }
        } else if limit.is_none() && self.suspect_deadlock() {
            return;
        } else {
            self.state.emit(None, EventKind::Idle);
            if self.state.clock.is_virtual() {
                self.wait_or_jump(limit);
            } else {
                self.wait_for_events(self.time_to_wait(limit));
            }
        }
        self.fire_timers();
        self.run_maintenance();
    }

    pub(super) fn time_to_wait(&self, limit: Option<Limit>) -> Option<Duration> {
        let mut timers = self.state.timers.borrow_mut();
        let others =
            [self.state.maintenance.next(), limit.and_then(Limit::earlier)].into_iter().flatten().min();
        if timers.is_empty() && others.is_none() {
            return None;
        }
        let now = self.state.clock.now();
        let until = timers.look_again_at(now).into_iter().chain(others).min()?;
        Some(until.saturating_duration_since(now))
    }

    /// Virtual time: it passes only when nothing else can happen.
    fn wait_or_jump(&mut self, limit: Option<Limit>) {
        let held = self.state.thread_jobs.get() > 0 || self.state.reactor.borrow().holding_clock() > 0;
        let next = self.state.timers.borrow().next_deadline();
        let end = limit.and_then(|limit| limit.kernel);
        let Some(target) = [next, end].into_iter().flatten().min().filter(|_| !held) else {
            // Only the outside world can wake anything, and that takes real time.
            self.wait_for_events(limit.and_then(Limit::real_time_left));
            return;
        };
        if let Some(rate) = self.virtual_seconds_per_second {
            return self.wait_slowly(target, rate);
        }
        let awaited_sockets = self.state.reactor.borrow().waiting() > 0;
        self.wait_for_events(Some(if awaited_sockets { JUMP_DELAY } else { Duration::ZERO }));
        if run_queue::len() == 0 {
            self.state.clock.jump_to(target);
        }
    }

    /// Virtual time that can be watched: it passes at this rate until `target`, or until there is an event.
    fn wait_slowly(&mut self, target: Instant, rate: f64) {
        let now = self.state.clock.now();
        let wait = target.saturating_duration_since(now).as_secs_f64() / rate;
        let began = Instant::now();
        self.wait_for_events(Some(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX)));
        let passed =
            Duration::try_from_secs_f64(began.elapsed().as_secs_f64() * rate).unwrap_or(Duration::MAX);
        // The wait ends a little early or late; a timer fires at exactly its time.
        let is_over = began.elapsed().as_secs_f64() >= wait;
        let reached = now.checked_add(passed).filter(|reached| !is_over && *reached < target);
        self.state.clock.jump_to(reached.unwrap_or(target));
    }

    /// True if another thread woke a task.
    pub(super) fn wait_for_events(&mut self, timeout: Option<Duration>) -> bool {
        self.io_watch.start();
        let polled = self.state.reactor.borrow_mut().poll(timeout, &mut self.scratch.wakers);
        let rang = match polled {
            Ok(rang) => rang,
            // It fails for a bad descriptor or bad memory: no program can go on after that.
            Err(error) => panic!("waiting for I/O events failed: {error}"),
        };
        if rang {
            let posted = self.state.inbox.collect().into_iter();
            let tasks = self.state.tasks.borrow();
            for wake in posted.filter(|wake| tasks.is_there(wake)) {
                self.state.set_wake_cause(Some(WakeCause::Thread { name: wake.thread }));
                run_queue::push(wake.slot);
            }
        }
        self.wake_all();
        rang
    }

    pub(super) fn fire_timers(&mut self) {
        if !self.state.timers.borrow().is_empty() {
            self.fire_timers_due_at(self.state.clock.now());
        }
    }

    fn fire_timers_due_at(&mut self, now: Instant) {
        self.state.timers.borrow_mut().expire_into(now, &mut self.scratch.wakers);
        self.wake_all();
    }

    /// Runs the maintenance that is due.
    pub(super) fn run_maintenance(&self) {
        let Some(next) = self.state.maintenance.next() else { return };
        let now = self.state.clock.now();
        if next > now {
            return;
        }
        for job in self.state.maintenance.take_due(now) {
            self.state.set_wake_cause(Some(WakeCause::Upkeep));
            match catch_unwind(AssertUnwindSafe(|| job.run())) {
                // One that asks for no pause gets a cycle's.
                Ok(Some(pause)) => {
                    if let Some(due) = now.checked_add(pause) {
                        self.state.maintenance.put(job, due);
                    }
                }
                Ok(None) => {}
                Err(payload) => {
                    let message = panic_message(payload.as_ref());
                    self.state
                        .reports
                        .say(&format!("the work of an `upkeep` panicked and has ended: {message}"));
                }
            }
        }
        self.state.set_wake_cause(None);
    }

    pub(super) fn wake_all(&mut self) {
        let state = &self.state;
        state.wake_all(self.scratch.wakers.drain(..).map(|woken| {
            if state.activations.any() {
                state.set_wake_cause(Some(woken.source.cause()));
            }
            woken.waker
        }));
        state.set_wake_cause(None);
    }

    // ---- tasks

    fn run_ready(&mut self, mut main: Option<&mut Main<'_>>) -> usize {
        let count = run_queue::len();
        if let Some(seed) = &self.state.seed {
            let mut random = seed.borrow_mut();
            run_queue::shuffle(count, |limit| random.below(limit));
        }
        for _ in 0..count {
            let Some((slot, woken_by)) = run_queue::pop() else { break };
            self.state.run_task(slot, woken_by, main.as_deref_mut());
            self.state.emit_wakes();
        }
        run_queue::set_running(None);
        self.io_watch.count(count);
        count
    }

    /// Takes back what was granted to tasks that have been polled since and did not claim it.
    #[inline]
    fn settle_grants(&self) {
        if self.state.grants.any_late() {
            self.state.set_wake_cause(Some(WakeCause::Regranted));
            self.state.catch_wakers(|| self.state.grants.revoke_overdue(&self.state.tasks));
            self.state.set_wake_cause(None);
        }
    }
}

/// When an idle kernel stops waiting, whatever its timers say.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// In kernel time: a virtual clock jumps there.
    pub(super) kernel: Option<Instant>,
    /// In real time.
    pub(super) real: Option<Instant>,
}

impl Limit {
    pub(super) fn real(until: Instant) -> Limit {
        Limit { kernel: None, real: Some(until) }
    }

    fn earlier(self) -> Option<Instant> {
        [self.kernel, self.real].into_iter().flatten().min()
    }

    fn real_time_left(self) -> Option<Duration> {
        self.real.map(|until| until.saturating_duration_since(Instant::now()))
    }
}

//! Threads for blocking work: DNS look-ups, file reads, anything that cannot be awaited.
//!
//! One queue of jobs, at most `limit` threads, started when a job comes and nobody is idle. An idle thread stays
//! for the kernel's life. When the kernel ends it does not wait for anybody: jobs that have not started are
//! dropped, a job that is running finishes by itself and its result goes nowhere. So a blocked look-up can never
//! keep a program from exiting.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct Workers {
    limit: usize,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    job_or_end: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    ended: bool,
}

impl Workers {
    pub(crate) fn new(limit: usize) -> Workers {
        Workers { limit: limit.max(1), shared: Arc::default() }
    }

    /// Runs `job` on a thread: an idle one, a new one, or, at the limit, the first that comes free.
    ///
    /// # Errors
    /// The operating system refuses to start a thread and there is none yet that could take the job later.
    pub(crate) fn submit(&self, job: Job) -> io::Result<()> {
        let mut state = self.shared.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            drop(state);
            self.shared.job_or_end.notify_one();
            return Ok(());
        }
        if state.threads >= self.limit {
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let shared = Arc::clone(&self.shared);
        let started = std::thread::Builder::new().name("curio-worker".into()).spawn(move || shared.work());
        if let Err(error) = started {
            let mut state = self.shared.lock();
            state.threads -= 1;
            if state.threads == 0 {
                let job = state.jobs.pop_back();
                drop(state);
                drop(job);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.ended = true;
        let never_started = std::mem::take(&mut state.jobs);
        drop(state);
        self.shared.job_or_end.notify_all();
        drop(never_started);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A job catches its own panics; see `thread::run_in_thread`.
                job();
                state = self.lock();
            } else if state.ended {
                state.threads -= 1;
                return;
            } else {
                state.idle += 1;
                state = self.job_or_end.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

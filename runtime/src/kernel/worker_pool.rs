//! Threads for blocking work: DNS look-ups, file reads, anything that cannot be awaited.
//!
//! One queue of jobs and at most `limit` threads, each started when a job comes and no thread is idle. An idle thread
//! stays for the kernel's life. When the kernel ends it does not wait for its threads: jobs that have not started are
//! dropped, and the result of a job that is running is discarded. So a blocked look-up cannot keep a program from
//! exiting.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

pub(crate) struct WorkerPool {
    limit: usize,
    pool: Arc<Pool>,
}

#[derive(Default)]
struct Pool {
    state: Mutex<PoolState>,
    job_or_end: Condvar,
}

#[derive(Default)]
struct PoolState {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    ended: bool,
}

impl WorkerPool {
    pub(crate) fn new(limit: usize) -> WorkerPool {
        WorkerPool { limit: limit.max(1), pool: Arc::default() }
    }

    /// Runs `job` on a thread: an idle one, a new one, or, at the limit, the first that comes free.
    ///
    /// # Errors
    /// The operating system refuses to start a thread and there is none yet that could take the job later.
    pub(crate) fn submit(&self, job: Job) -> io::Result<()> {
        let mut state = self.pool.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            drop(state);
            self.pool.job_or_end.notify_one();
            return Ok(());
        }
        if state.threads >= self.limit {
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let pool = Arc::clone(&self.pool);
        let started = std::thread::Builder::new().name("curio-worker".into()).spawn(move || pool.work());
        if let Err(error) = started {
            let mut state = self.pool.lock();
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

impl WorkerPool {
    /// How many threads are idle: to be compared with the number of threads of the process, where that can be read.
    pub(crate) fn idle_threads(&self) -> usize {
        let state = self.pool.lock();
        if state.jobs.is_empty() { state.idle } else { 0 }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.ended = true;
        let never_started = std::mem::take(&mut state.jobs);
        drop(state);
        self.pool.job_or_end.notify_all();
        drop(never_started);
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A job catches the panics of what it runs. What it drops may panic too, and must not end the
                // thread; the panic hook has reported it by then.
                let _ = catch_unwind(AssertUnwindSafe(job));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(20);

    /// Occupies one thread until the sender is dropped; says when it has begun.
    fn block(workers: &WorkerPool) -> std::sync::mpsc::Sender<()> {
        let (release, blocked) = channel::<()>();
        let (begun, begins) = channel();
        let job = move || {
            begun.send(()).unwrap();
            let _ = blocked.recv();
        };
        workers.submit(Box::new(job)).unwrap();
        begins.recv_timeout(SOON).unwrap();
        release
    }

    fn submit_numbers(workers: &WorkerPool, count: u32) -> Receiver<u32> {
        let (sender, receiver) = channel();
        for number in 0..count {
            let sender = sender.clone();
            workers.submit(Box::new(move || sender.send(number).unwrap())).unwrap();
        }
        receiver
    }

    #[test]
    fn jobs_wait_for_a_free_thread_and_run_in_order() {
        let workers = WorkerPool::new(1);
        let release = block(&workers);
        let numbers = submit_numbers(&workers, 5);
        assert!(numbers.try_recv().is_err(), "the only thread is busy");
        drop(release);
        let order: Vec<_> = (0..5).map(|_| numbers.recv_timeout(SOON).unwrap()).collect();
        assert_eq!((order, workers.pool.lock().threads), (vec![0, 1, 2, 3, 4], 1));
    }

    #[test]
    fn a_thread_is_started_for_each_job_that_finds_no_thread_idle_up_to_the_limit() {
        let workers = WorkerPool::new(3);
        let _blocked = [block(&workers), block(&workers)];
        assert_eq!(workers.pool.lock().threads, 2);
        let numbers = submit_numbers(&workers, 10);
        assert_eq!((0..10).map(|_| numbers.recv_timeout(SOON).unwrap()).sum::<u32>(), 45);
        assert_eq!(workers.pool.lock().threads, 3);
    }

    #[test]
    fn a_panicking_job_does_not_cost_a_thread() {
        let workers = WorkerPool::new(1);
        workers.submit(Box::new(|| panic!("on purpose"))).unwrap();
        assert_eq!(submit_numbers(&workers, 1).recv_timeout(SOON), Ok(0));
        assert_eq!(workers.pool.lock().threads, 1);
    }

    #[test]
    fn ending_waits_for_no_thread_and_drops_what_has_not_started() {
        let workers = WorkerPool::new(1);
        let release = block(&workers);
        let numbers = submit_numbers(&workers, 3);
        let pool = Arc::clone(&workers.pool);
        drop(workers);
        assert!(numbers.recv_timeout(SOON).is_err(), "the jobs are gone, and so are their senders");
        assert_eq!(pool.lock().threads, 1, "the busy thread is left alone");
        drop(release);
        let begun = std::time::Instant::now();
        while pool.lock().threads > 0 {
            assert!(begun.elapsed() < SOON, "it ends by itself");
            std::thread::yield_now();
        }
    }
}

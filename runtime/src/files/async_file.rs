//! A file for tasks: every operation is a job in a thread, and they happen in the order in which they were asked
//! for.
//!
//! The difficulty is a dropped operation: its thread cannot be stopped, and may still be writing when the next
//! operation begins. So each job carries a [`JobTurn`]: it first waits, in its thread, for the end of the job before
//! it. Jobs start in order, so what a job waits for is running or done, and never stuck behind it.
//!
//! A read is two steps for the same reason. The thread only *fetches* into the file's buffer; the bytes are taken
//! out when the task polls, at the moment in which the read returns.

use super::mode::Mode;
use super::opened::Opened;
use crate::error::while_doing;
use crate::threads::run_in_thread::run_in_thread;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Opens a file with one of Python's modes: `r`, `w`, `a` or `x`, with `+` to read and write both; `b` may be
/// added and changes nothing.
///
/// If it is dropped while a thread is at it, the file may still be made or emptied.
///
/// # Errors
/// `InvalidInput` for a mode that is none; else the file system's, with the file's name.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("curio-doc-{}.txt", std::process::id()));
/// use curio::aopen;
///
/// curio::run(async {
///     let mut notes = aopen(&path, "w").await?;
///     notes.write(b"one\ntwo\n").await?;
///     notes.close().await?;
///
///     let mut notes = aopen(&path, "r").await?;
///     assert_eq!(notes.readline().await?, b"one\n");
///     assert_eq!(notes.readall().await?, b"two\n");
///     std::fs::remove_file(&path)
/// })
/// # }
/// ```
#[track_caller]
pub fn aopen<P: AsRef<Path>>(path: P, mode: &str) -> impl Future<Output = io::Result<AsyncFile>> + use<P> {
    let mode = Mode::parse(mode);
    let path = path.as_ref().to_path_buf();
    let name = path.display().to_string();
    let opening = run_in_thread(move || {
        Opened::open(&path, mode?)
            .map_err(|error| while_doing(format_args!("opening `{}`", path.display()), error))
    });
    async move {
        let opened = opening.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
        Ok(AsyncFile { name, opened: Arc::new(Mutex::new(opened)), jobs: Arc::default() })
    }
}

/// A file that is read and written in threads; made by [`aopen`]. It gives and takes bytes.
///
/// Writes are not buffered: when a `write` returns, the operating system has the bytes. Reads are, 64 KiB ahead.
///
/// # Cancellation
/// A dropped read takes nothing: the next one finds the same bytes. A dropped write, seek or truncate either
/// happens as a whole or not at all: not if no thread had begun it. Whatever comes next waits for it.
///
/// # Errors
/// All operations return the file system's errors, and `Unsupported` for what the mode does not allow.
pub struct AsyncFile {
    name: String,
    opened: Arc<Mutex<Opened>>,
    jobs: Arc<Jobs>,
}

impl AsyncFile {
    /// Up to `n` bytes; fewer only at the end of the file, none if it has been reached.
    #[track_caller]
    pub fn read(&mut self, n: usize) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_> {
        self.fetch_and_take(move |file| file.fetch(n))
    }

    /// One line with its `\n`; what is left at the end of the file, which may be empty.
    #[track_caller]
    pub fn readline(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_> {
        self.fetch_and_take(Opened::fetch_line)
    }

    /// All lines from here to the end of the file, each with its `\n` but perhaps the last.
    #[track_caller]
    pub fn readlines(&mut self) -> impl Future<Output = io::Result<Vec<Vec<u8>>>> + use<'_> {
        let reading = self.readall();
        async move {
            let all = reading.await?;
            Ok(all.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect())
        }
    }

    /// Everything from here to the end of the file.
    #[track_caller]
    pub fn readall(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_> {
        self.fetch_and_take(|file| file.fetch(usize::MAX))
    }

    /// Writes all of `data`: here, or at the end of the file in mode `a`.
    #[track_caller]
    pub fn write(&mut self, data: &[u8]) -> impl Future<Output = io::Result<()>> + use<'_> {
        let data = data.to_vec();
        self.job(move |file| file.write(&data))
    }

    /// Goes to another position, and says which one that is, in bytes from the start.
    #[track_caller]
    pub fn seek(&mut self, to: SeekFrom) -> impl Future<Output = io::Result<u64>> + use<'_> {
        self.job(move |file| file.seek(to))
    }

    /// The position of the next read or write, in bytes from the start.
    #[track_caller]
    pub fn tell(&mut self) -> impl Future<Output = io::Result<u64>> + use<'_> {
        self.job(Opened::tell)
    }

    /// Makes the file `length` bytes long: cuts it off, or fills it up with zeros. The position stays.
    #[track_caller]
    pub fn truncate(&mut self, length: u64) -> impl Future<Output = io::Result<()>> + use<'_> {
        self.job(move |file| file.truncate(length))
    }

    /// Waits until everything written is with the operating system. It is as soon as each write has returned, so
    /// this matters only after a write that was dropped.
    #[track_caller]
    pub fn flush(&mut self) -> impl Future<Output = io::Result<()>> + use<'_> {
        self.job(Opened::flush)
    }

    /// Closes the file, in a thread, after whatever is still under way. Dropping the file closes it too, on the
    /// spot unless a thread is at it.
    #[track_caller]
    pub fn close(mut self) -> impl Future<Output = io::Result<()>> + use<> {
        // The job now has the only handle, and drops it in its thread.
        self.job(Opened::flush)
    }

    /// A thread fetches; whoever is still there takes it out.
    #[track_caller]
    fn fetch_and_take<F>(&mut self, fetch: F) -> impl Future<Output = io::Result<Vec<u8>>> + use<'_, F>
    where
        F: FnOnce(&mut Opened) -> io::Result<usize> + Send + 'static,
    {
        let fetching = self.job(fetch);
        let opened = &self.opened;
        async move {
            let n = fetching.await?;
            Ok(lock(opened).take(n))
        }
    }

    /// Does something with the file in a thread, when all that was begun before is over.
    #[track_caller]
    fn job<T, F>(&mut self, work: F) -> impl Future<Output = io::Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Opened) -> io::Result<T> + Send + 'static,
    {
        let turn = JobTurn::new(&self.jobs);
        let opened = Arc::clone(&self.opened);
        let running = run_in_thread(move || {
            let turn = turn;
            turn.wait();
            work(&mut lock(&opened))
        });
        async move { running.await.unwrap_or_else(|panic| Err(io::Error::other(panic))) }
    }
}

impl fmt::Debug for AsyncFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The jobs of one file, which are numbered in the order in which they were asked for.
#[derive(Default)]
struct Jobs {
    order: Mutex<Order>,
    one_is_over: Condvar,
}

#[derive(Default)]
struct Order {
    /// The number of the next job that is asked for.
    next: u64,
    /// The first job that is not over. All before it are.
    current: u64,
    /// Jobs behind that one that are over already: they were dropped before a thread began them.
    over: BTreeSet<u64>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one job in the order of its file's jobs. Dropping it ends the job, whether it was begun or not.
struct JobTurn {
    jobs: Arc<Jobs>,
    number: u64,
}

impl JobTurn {
    fn new(jobs: &Arc<Jobs>) -> JobTurn {
        let mut order = jobs.lock();
        let number = order.next;
        order.next += 1;
        drop(order);
        JobTurn { jobs: Arc::clone(jobs), number }
    }

    /// Blocks until all jobs before this one are over; usually they are.
    fn wait(&self) {
        let mut order = self.jobs.lock();
        while order.current < self.number {
            order = self.jobs.one_is_over.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for JobTurn {
    fn drop(&mut self) {
        let mut order = self.jobs.lock();
        order.over.insert(self.number);
        let mut current = order.current;
        while order.over.remove(&current) {
            current += 1;
        }
        order.current = current;
        drop(order);
        self.jobs.one_is_over.notify_all();
    }
}

fn lock(opened: &Mutex<Opened>) -> MutexGuard<'_, Opened> {
    opened.lock().unwrap_or_else(PoisonError::into_inner)
}

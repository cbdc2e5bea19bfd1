//! A file that tasks can use: each operation runs as a job in a thread of the kernel's pool, in the order in which they
//! were asked for.
//!
//! A dropped operation complicates that: its thread cannot be stopped, and may still be writing when the next operation
//! begins. So each job has a [`JobTurn`], and first waits in its thread until all jobs before it are over.
//!
//! For the same reason a read has two steps. The thread only *fetches* into the file's buffer; the bytes are taken
//! out when the task is polled and the read returns.

use super::job_order::{JobTurn, Jobs};
use super::mode::Mode;
use super::opened::Opened;
use crate::error::while_doing;
use crate::threads::run_in_thread::run_in_thread;
use std::fmt;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Opens a file with one of Python's modes: `r`, `w`, `a` or `x`, with `+` to read and write both; `b` may be
/// added and changes nothing.
///
/// If it is dropped while a thread is opening the file, the file may still be created or truncated.
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

/// A file that is read and written in threads; returned by [`aopen`]. It reads and writes bytes.
///
/// Writes are not buffered: when a `write` returns, the operating system has the bytes. Reads are, 64 KiB ahead.
///
/// # Cancellation
/// A dropped read takes nothing: the next one finds the same bytes. A dropped write, seek or truncate either
/// happens as a whole or not at all: not if no thread had begun it. Whatever comes next waits for it.
///
/// # Errors
/// All operations return the file system's errors, and `Unsupported` for what the mode does not allow.
///
/// # Example
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("curio-doc-update-{}.txt", std::process::id()));
/// use std::io::SeekFrom;
///
/// curio::run(async {
///     let mut notes = curio::aopen(&path, "w+").await?;
///     notes.write(b"one\ntwo\nthree\n").await?;
///     notes.seek(SeekFrom::Start(0)).await?;
///     assert_eq!(notes.read(4).await?, b"one\n");
///     assert_eq!(notes.tell().await?, 4);
///     notes.truncate(8).await?; // the third line goes
///     assert_eq!(notes.readlines().await?, [b"two\n"]);
///     notes.flush().await?;
///     notes.close().await?;
///     std::fs::remove_file(&path)
/// })
/// # }
/// ```
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

    /// Moves to another position, and returns it in bytes from the start.
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

    /// Closes the file in a thread, after all operations that are still running. Dropping the file closes it too: at
    /// once, or when the last operation that is still running has ended.
    #[track_caller]
    pub fn close(mut self) -> impl Future<Output = io::Result<()>> + use<> {
        // The job now has the only handle, and drops it in its thread.
        self.job(Opened::flush)
    }

    /// Fetches in a thread; if the task still waits then, it takes the bytes out of the buffer.
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

    /// Runs `job` on the file in a thread, after all jobs before it.
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

fn lock(opened: &Mutex<Opened>) -> MutexGuard<'_, Opened> {
    opened.lock().unwrap_or_else(PoisonError::into_inner)
}

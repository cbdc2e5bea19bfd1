//! A file as a request body. It is read in a thread, so that a slow disk blocks no other task. While a chunk is sent, the next one
//! is read; there are never more than two in memory. Of a pipe or a device only what is sent next is taken: what is taken from
//! it is gone.
//!
//! Of a file that has a length, exactly the declared number of bytes is sent: one that grows meanwhile (a log file, for
//! example) is cut off there. A file of length 0 is read once to see whether it really is empty: files in `/proc` have
//! content and no length, and are sent with chunked transfer coding, as pipes and devices are.

use crate::error::{Error, ErrorKind};
use crate::h1::BodyLength;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

/// How many bytes one job in a thread reads at most.
const FILE_CHUNK: usize = 256 * 1024;

pub(crate) struct FileUpload {
    path: PathBuf,
    state: FileState,
    /// Begins with the current chunk.
    buffer: Vec<u8>,
    /// How long the current chunk is.
    filled: usize,
    /// The memory of the chunk before, for the next one.
    spare: Vec<u8>,
    /// How much of the declared length is still to be read; `None` if no length was declared.
    left: Option<u64>,
}

/// A chunk: the file, memory that begins with it, and its length, which is 0 at the end of the file.
type Chunk = (File, Vec<u8>, usize);
type Outcome = Result<io::Result<Chunk>, curio::TaskError>;

enum FileState {
    Unopened,
    Idle(File),
    Reading(Pin<Box<dyn Future<Output = Outcome>>>),
    /// The next chunk, before it was asked for.
    Read(Outcome),
    Ended,
}

impl FileUpload {
    /// Opens the file and returns its length, if it has one: a pipe or a device has none.
    pub(super) async fn open(path: &Path) -> Result<(FileUpload, BodyLength), Error> {
        let ours = path.to_owned();
        let opened = curio::run_in_thread(move || -> io::Result<_> {
            let file = File::open(ours)?;
            let length = length(&file.metadata()?)?;
            if length != Some(0) {
                return Ok((length, file, Vec::new(), 0));
            }
            let (file, buffer, n) = read(file, Vec::new(), FILE_CHUNK)?;
            Ok((if n > 0 { None } else { length }, file, buffer, n))
        });
        let opened = opened.await.map_err(|cause| opening_failed(path).because(cause))?;
        let (left, file, buffer, n) = opened.map_err(|cause| opening_failed(path).because(cause))?;
        let state = if n > 0 { FileState::Read(Ok(Ok((file, buffer, n)))) } else { FileState::Idle(file) };
        let length = left.map_or(BodyLength::Chunked, BodyLength::Known);
        Ok((FileUpload::new(path, state, left), length))
    }

    /// Opens the file when its first chunk is polled. `announced` is the length that was declared for it.
    pub(super) fn later(path: &Path, announced: Option<u64>) -> FileUpload {
        FileUpload::new(path, FileState::Unopened, announced)
    }

    fn new(path: &Path, state: FileState, left: Option<u64>) -> FileUpload {
        FileUpload { path: path.to_owned(), state, buffer: Vec::new(), filled: 0, spare: Vec::new(), left }
    }

    /// Whether it is a regular file whose length was declared.
    pub(super) fn has_announced_length(&self) -> bool {
        self.left.is_some()
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.filled = 0;
        self.begin_reading();
        let outcome = match std::mem::replace(&mut self.state, FileState::Ended) {
            FileState::Read(outcome) => outcome,
            FileState::Reading(mut job) => match job.as_mut().poll(cx) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    self.state = FileState::Reading(job);
                    return Poll::Pending;
                }
            },
            FileState::Unopened | FileState::Idle(_) | FileState::Ended => return Poll::Ready(Ok(false)),
        };
        let failed = || Error::new(ErrorKind::Io, format!("reading {} to send it", self.path.display()));
        let read = outcome.map_err(|cause| failed().because(cause))?;
        let (file, buffer, n) = read.map_err(|cause| failed().because(cause))?;
        self.spare = std::mem::replace(&mut self.buffer, buffer);
        self.filled = n;
        if n > 0 {
            self.state = FileState::Idle(file);
            self.read_ahead(n as u64, cx);
        }
        Poll::Ready(Ok(n > 0))
    }

    /// `read` bytes were read.
    fn read_ahead(&mut self, read: u64, cx: &mut Context<'_>) {
        let Some(left) = &mut self.left else { return };
        *left = left.saturating_sub(read);
        self.begin_reading();
        // The thread begins with the first poll.
        if let FileState::Reading(job) = &mut self.state
            && let Poll::Ready(outcome) = job.as_mut().poll(cx)
        {
            self.state = FileState::Read(outcome);
        }
    }

    /// Begins to read the next chunk, if that has not begun and there may be one.
    fn begin_reading(&mut self) {
        let most = self.left.map_or(FILE_CHUNK, |left| left.min(FILE_CHUNK as u64) as usize);
        self.state = match std::mem::replace(&mut self.state, FileState::Ended) {
            _ if most == 0 => FileState::Ended,
            FileState::Unopened => {
                let path = self.path.clone();
                let job = move || read(File::open(path)?, Vec::new(), most);
                FileState::Reading(Box::pin(curio::run_in_thread(job)))
            }
            FileState::Idle(file) => {
                let buffer = std::mem::take(&mut self.spare);
                FileState::Reading(Box::pin(curio::run_in_thread(move || read(file, buffer, most))))
            }
            begun => begun,
        };
    }

    pub(super) fn chunk(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

/// The length of each of these files; `None` for one that has no length. An error if one cannot be opened.
pub(super) async fn measure_all(paths: Vec<PathBuf>) -> Result<Vec<Option<u64>>, Error> {
    let measured = curio::run_in_thread(move || {
        let measured =
            paths.iter().map(|path| measure(path).map_err(|cause| opening_failed(path).because(cause)));
        measured.collect()
    });
    let failed = |cause| Error::new(ErrorKind::Io, "looking at the files to be sent").because(cause);
    measured.await.map_err(failed)?
}

/// A regular file is opened too, so that a missing permission is an error now and not in the middle of a request.
fn measure(path: &Path) -> io::Result<Option<u64>> {
    let length = length(&fs::metadata(path)?)?;
    if length.is_none() {
        return Ok(None);
    }
    let file = File::open(path)?;
    let has_content = length == Some(0) && read(file, Vec::new(), 1)?.2 > 0;
    Ok(if has_content { None } else { length })
}

fn length(about: &fs::Metadata) -> io::Result<Option<u64>> {
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(about.is_file().then_some(about.len()))
}

fn opening_failed(path: &Path) -> Error {
    Error::new(ErrorKind::Io, format!("opening {} to send it", path.display()))
}

/// Reads a chunk of at most `most` bytes.
fn read(mut file: File, mut buffer: Vec<u8>, most: usize) -> io::Result<(File, Vec<u8>, usize)> {
    buffer.resize(most, 0);
    loop {
        match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(|n| (file, buffer, n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Waker;

    #[test]
    fn while_a_chunk_is_sent_the_next_one_is_read() {
        let content: Vec<u8> = (0..FILE_CHUNK + 1000).map(|n| (n % 251) as u8).collect();
        let path = std::env::temp_dir().join(format!("curio-read-ahead-{}", std::process::id()));
        fs::write(&path, &content).expect("a file");
        curio::run(async {
            let (mut file, length) = FileUpload::open(&path).await.expect("a file");
            assert_eq!(length, BodyLength::Known(content.len() as u64));
            assert!(poll_fn(|cx| file.poll_next(cx)).await.expect("a chunk"));
            assert!(file.chunk() == &content[..FILE_CHUNK]);
            // Nothing but the thread that reads ahead wakes this task.
            let mut is_woken = false;
            let woken =
                poll_fn(
                    |_| {
                        if std::mem::replace(&mut is_woken, true) { Poll::Ready(()) } else { Poll::Pending }
                    },
                );
            curio::timeout_after(std::time::Duration::from_secs(60), woken).await.expect("it reads ahead");
            let next = file.poll_next(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(next, Poll::Ready(Ok(true))));
            assert!(file.chunk() == &content[FILE_CHUNK..]);
            assert!(!poll_fn(|cx| file.poll_next(cx)).await.expect("the end"));
        });
        fs::remove_file(&path).expect("removed");
    }
}

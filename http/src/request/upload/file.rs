//! A file as a request body. It is read in a thread, so that a slow disk blocks no other task.
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
use std::task::{Context, Poll, ready};

/// How many bytes one job in a thread reads at most.
const FILE_CHUNK: usize = 256 * 1024;

pub(crate) struct FileUpload {
    path: PathBuf,
    state: FileState,
    /// How much of the buffer is the current chunk.
    filled: usize,
    /// How much of the declared length is still to be read; `None` if no length was declared.
    left: Option<u64>,
}

type Job<T> = Pin<Box<dyn Future<Output = Result<io::Result<T>, curio::TaskError>>>>;

enum FileState {
    Unopened,
    /// The first chunk was read when the file was opened.
    ReadAhead(File, Vec<u8>, usize),
    Idle(File, Vec<u8>),
    Reading(Job<(File, Vec<u8>, usize)>),
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
        let state = if n > 0 { FileState::ReadAhead(file, buffer, n) } else { FileState::Idle(file, buffer) };
        let length = left.map_or(BodyLength::Chunked, BodyLength::Known);
        Ok((FileUpload { path: path.to_owned(), state, filled: 0, left }, length))
    }

    /// Opens the file when its first chunk is polled. `announced` is the length that was declared for it.
    pub(super) fn later(path: &Path, announced: Option<u64>) -> FileUpload {
        FileUpload { path: path.to_owned(), state: FileState::Unopened, filled: 0, left: announced }
    }

    /// Whether it is a regular file whose length was declared.
    pub(super) fn has_announced_length(&self) -> bool {
        self.left.is_some()
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.filled = 0;
        if self.left == Some(0) {
            self.state = FileState::Ended;
        }
        let most = self.left.map_or(FILE_CHUNK, |left| left.min(FILE_CHUNK as u64) as usize);
        self.state = match std::mem::replace(&mut self.state, FileState::Ended) {
            FileState::Unopened => {
                let path = self.path.clone();
                let job = move || read(File::open(path)?, Vec::new(), most);
                FileState::Reading(Box::pin(curio::run_in_thread(job)))
            }
            FileState::Idle(file, buffer) => {
                FileState::Reading(Box::pin(curio::run_in_thread(move || read(file, buffer, most))))
            }
            FileState::ReadAhead(file, buffer, n) => return Poll::Ready(Ok(self.take(file, buffer, n))),
            other => other,
        };
        let FileState::Reading(reading) = &mut self.state else { return Poll::Ready(Ok(false)) };
        let finished = ready!(reading.as_mut().poll(cx));
        self.state = FileState::Ended;
        let failed = || Error::new(ErrorKind::Io, format!("reading {} to send it", self.path.display()));
        let read = finished.map_err(|cause| failed().because(cause))?;
        let (file, buffer, n) = read.map_err(|cause| failed().because(cause))?;
        Poll::Ready(Ok(self.take(file, buffer, n)))
    }

    /// Makes the first `n` bytes of `buffer` the current chunk; false at the end of the file, where `n` is 0.
    fn take(&mut self, file: File, buffer: Vec<u8>, n: usize) -> bool {
        self.state = if n > 0 { FileState::Idle(file, buffer) } else { FileState::Ended };
        self.filled = n;
        self.left = self.left.map(|left| left.saturating_sub(n as u64));
        n > 0
    }

    pub(super) fn chunk(&self) -> &[u8] {
        match &self.state {
            FileState::Idle(_, buffer) => &buffer[..self.filled],
            _ => &[],
        }
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

//! A file on its way out. Reading happens in a thread, so that a slow disk holds up nobody else.

use crate::error::{Error, ErrorKind};
use crate::h1::BodyLength;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How much one trip to a thread reads from a file.
const FILE_CHUNK: usize = 256 * 1024;

pub(crate) struct FileUpload {
    path: PathBuf,
    state: State,
    /// How much of the buffer is the current piece.
    filled: usize,
}

type Job<T> = Pin<Box<dyn Future<Output = Result<io::Result<T>, curio::TaskError>>>>;

enum State {
    Unopened,
    Idle(File, Vec<u8>),
    Reading(Job<(File, Vec<u8>, usize)>),
    Ended,
}

impl FileUpload {
    /// Opens the file and says how long it is, if it has a length: a pipe or a device has none.
    pub(super) async fn open(path: &Path) -> Result<(FileUpload, BodyLength), Error> {
        let ours = path.to_owned();
        let opened = curio::run_in_thread(move || -> io::Result<_> {
            let file = File::open(ours)?;
            let length = length(&file.metadata()?)?;
            Ok((file, length))
        });
        let opened = opened.await.map_err(|cause| opening_failed(path).because(cause))?;
        let (file, length) = opened.map_err(|cause| opening_failed(path).because(cause))?;
        let length = length.map_or(BodyLength::Chunked, BodyLength::Known);
        let state = State::Idle(file, Vec::new());
        Ok((FileUpload { path: path.to_owned(), state, filled: 0 }, length))
    }

    /// Opens the file when its first piece is asked for.
    pub(super) fn later(path: &Path) -> FileUpload {
        FileUpload { path: path.to_owned(), state: State::Unopened, filled: 0 }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.filled = 0;
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Unopened => {
                let path = self.path.clone();
                State::Reading(Box::pin(curio::run_in_thread(move || read(File::open(path)?, Vec::new()))))
            }
            State::Idle(file, buffer) => {
                State::Reading(Box::pin(curio::run_in_thread(move || read(file, buffer))))
            }
            other => other,
        };
        let State::Reading(reading) = &mut self.state else { return Poll::Ready(Ok(false)) };
        let finished = ready!(reading.as_mut().poll(cx));
        self.state = State::Ended;
        let failed = || Error::new(ErrorKind::Io, format!("reading {} to send it", self.path.display()));
        let read = finished.map_err(|cause| failed().because(cause))?;
        let (file, buffer, n) = read.map_err(|cause| failed().because(cause))?;
        if n > 0 {
            self.filled = n;
            self.state = State::Idle(file, buffer);
        }
        Poll::Ready(Ok(n > 0))
    }

    pub(super) fn chunk(&self) -> &[u8] {
        match &self.state {
            State::Idle(_, buffer) => &buffer[..self.filled],
            _ => &[],
        }
    }
}

/// The length of these files together; `None` if one of them has no length. An error if one cannot be opened.
pub(super) async fn length_of_all(paths: Vec<PathBuf>) -> Result<Option<u64>, Error> {
    let measured = curio::run_in_thread(move || {
        let mut sum = Some(0u64);
        for path in paths {
            let length = measure(&path).map_err(|cause| opening_failed(&path).because(cause))?;
            sum = sum.zip(length).and_then(|(sum, length)| sum.checked_add(length));
        }
        Ok(sum)
    });
    let failed = |cause| Error::new(ErrorKind::Io, "looking at the files to be sent").because(cause);
    measured.await.map_err(failed)?
}

/// Opens it too, if it is a file: whether we may read it is better known now than in the middle of a request.
fn measure(path: &Path) -> io::Result<Option<u64>> {
    let length = length(&fs::metadata(path)?)?;
    if length.is_some() {
        File::open(path)?;
    }
    Ok(length)
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

fn read(mut file: File, mut buffer: Vec<u8>) -> io::Result<(File, Vec<u8>, usize)> {
    buffer.resize(FILE_CHUNK, 0);
    loop {
        match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(|n| (file, buffer, n)),
        }
    }
}

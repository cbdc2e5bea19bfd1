//! Writing a body to a file.
//!
//! A file appears under its name only when it is whole. Until then the bytes go to a file beside it, which is renamed at
//! the end, or removed if there is no good end: an error, a cancelled task, a program that is told to stop. Removing is
//! the destructor's job, and the file travels with its destructor: into the thread that writes, and back.

use crate::error::{Error, ErrorKind};
use crate::payload::Payload;
use bytes::Bytes;
use std::fs::{self, File};
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How much is collected for one trip to a thread.
const BATCH: usize = 1024 * 1024;

/// Writes the body to `path` and returns its length.
pub(crate) async fn to_file(payload: &mut Payload, path: &Path) -> Result<u64, Error> {
    let failed = |cause: io::Error| {
        Error::new(ErrorKind::Io, format!("saving the body to {}", path.display())).because(cause)
    };
    let target = path.to_owned();
    let mut file = in_thread(move || Unfinished::create(&target)).await.map_err(failed)?;
    let mut written = 0;
    loop {
        let (batch, ended) = next_batch(payload).await?;
        if !batch.is_empty() {
            written += batch.iter().map(|piece| piece.len() as u64).sum::<u64>();
            file = in_thread(move || file.write(&batch)).await.map_err(failed)?;
        }
        if ended {
            let target = path.to_owned();
            in_thread(move || file.complete(&target)).await.map_err(failed)?;
            return Ok(written);
        }
    }
}

/// What comes next, up to a batch of it, and whether that is the end.
async fn next_batch(payload: &mut Payload) -> Result<(Vec<Bytes>, bool), Error> {
    let mut batch = Vec::new();
    let mut size = 0;
    while size < BATCH {
        match poll_fn(|cx| payload.poll_piece(cx, BATCH)).await {
            Some(piece) => {
                let piece = piece?;
                size += piece.len();
                batch.push(piece);
            }
            None => return Ok((batch, true)),
        }
    }
    Ok((batch, false))
}

async fn in_thread<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    curio::run_in_thread(job).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// A file that is removed unless it is completed.
struct Unfinished {
    file: File,
    path: PathBuf,
    complete: bool,
}

impl Unfinished {
    /// Creates a file with a name of its own beside `target`.
    fn create(target: &Path) -> io::Result<Unfinished> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no file name"))?;
        loop {
            let mut temporary = name.to_owned();
            temporary.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
            let path = target.with_file_name(temporary);
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Unfinished { file, path, complete: false }),
                // Left behind by another process that had the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write(mut self, batch: &[Bytes]) -> io::Result<Unfinished> {
        batch.iter().try_for_each(|piece| self.file.write_all(piece))?;
        Ok(self)
    }

    fn complete(mut self, target: &Path) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.path, target)?;
        self.complete = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.complete {
            // There is nobody to tell, and nothing else that could be done.
            let _ = fs::remove_file(&self.path);
        }
    }
}

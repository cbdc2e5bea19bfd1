//! A file that appears under its name only when it is complete.
//!
//! The bytes go to a temporary file beside it. That is renamed at the end, or removed after an error or a cancellation. The
//! destructor removes it, and moves with the file into the thread that writes, and back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that is removed unless it is completed.
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
    complete: bool,
}

impl NewFile {
    /// Creates a file with a name of its own beside `target`.
    pub(crate) fn create(target: &Path) -> io::Result<NewFile> {
        create_with(target, File::options().write(true).create_new(true))
    }

    /// The same, for secrets: on Unix only the owner can read it.
    pub(crate) fn create_private(target: &Path) -> io::Result<NewFile> {
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        create_with(target, options.write(true).create_new(true))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Renames it to `target`, and replaces a file of that name.
    pub(crate) fn complete(mut self, target: &Path) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.path, target)?;
        self.complete = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.complete {
            // A destructor cannot report the error.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn create_with(target: &Path, options: &fs::OpenOptions) -> io::Result<NewFile> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no file name"))?;
    loop {
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let path = target.with_file_name(temporary);
        match options.open(&path) {
            Ok(file) => return Ok(NewFile { file, path, complete: false }),
            // Left behind by another process that had the same id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Runs blocking work in a worker thread of the kernel.
pub(crate) async fn in_thread<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    curio::run_in_thread(job).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

//! A file that appears under its name only when it is complete, where there can be such a file.
//!
//! The bytes go to a temporary file beside it. That is renamed at the end, or removed after an error or a cancellation. The
//! destructor removes it, and moves with the file into the thread that writes, and back.
//!
//! What is at the path already decides the rest, as it does for programs that open the path and write:
//!
//! | at the path | what is done |
//! |---|---|
//! | nothing, or a symbolic link to nothing | a new file, where the link says |
//! | a file, or a symbolic link to one | replaced by a new file with the same mode (and owner, if the process may) |
//! | a FIFO, a device, a socket | written to as it is |
//! | a directory | an error |
//!
//! Replacing has one price: if the file had other hard links, these keep the old content.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Who may read a file that was not there before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whom the process's umask lets.
    Default,
    /// On Unix only the owner.
    Private,
}

/// A file that is being written.
pub(crate) struct NewFile {
    file: File,
    /// `None` if what is at the path is written to as it is.
    unfinished: Option<Unfinished>,
}

/// A file under a temporary name: removed when this is dropped.
struct Unfinished {
    path: PathBuf,
    target: PathBuf,
    is_renamed: bool,
}

impl NewFile {
    /// Makes ready what is to be at `path`. Opening a FIFO blocks until it has a reader.
    pub(crate) fn create(path: &Path, access: Access) -> io::Result<NewFile> {
        let existing = match fs::metadata(path) {
            Ok(existing) => Some(existing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // A name that is too long, links in a circle; or a device of Windows, which can be opened all the same.
            Err(_) => return NewFile::in_place(path),
        };
        if existing.as_ref().is_some_and(Metadata::is_dir) || is_named_as_directory(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        match existing {
            None => NewFile::beside(behind_links(path), None, access),
            Some(existing) if existing.is_file() => match real_path(path) {
                Ok(target) => NewFile::beside(target, Some(&existing), access),
                // An open file that has no name any more, by its link in /proc.
                Err(_) => NewFile::in_place(path),
            },
            Some(_) => NewFile::in_place(path),
        }
    }

    fn in_place(path: &Path) -> io::Result<NewFile> {
        Ok(NewFile { file: File::options().write(true).open(path)?, unfinished: None })
    }

    fn beside(target: PathBuf, existing: Option<&Metadata>, access: Access) -> io::Result<NewFile> {
        if existing.is_some() {
            refuse_unwritable(&target)?;
        }
        let (file, path) = create_temporary(&target, access)?;
        let file = NewFile { file, unfinished: Some(Unfinished { path, target, is_renamed: false }) };
        if let Some(existing) = existing {
            keep_owner(&file.file, existing);
            file.file.set_permissions(existing.permissions())?;
        }
        Ok(file)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives it its name, in place of a file that has it already.
    pub(crate) fn complete(mut self) -> io::Result<()> {
        self.file.flush()?;
        match &mut self.unfinished {
            Some(unfinished) => unfinished.rename(),
            None => Ok(()),
        }
    }
}

impl Unfinished {
    fn rename(&mut self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_renamed {
            // There is no caller left to tell, and nothing else that could be done.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `folder/`, `.` and `..` are no names of files, whether they exist or not.
fn is_named_as_directory(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last();
    path.file_name().is_none() || last.is_some_and(|&byte| std::path::is_separator(char::from(byte)))
}

/// Where a symbolic link to nothing leads; any other path as it is.
fn behind_links(path: &Path) -> PathBuf {
    // As many as Linux follows, though the caller has seen that there is an end.
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// The path of an existing file without symbolic links at its end.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    if fs::symlink_metadata(path)?.is_symlink() { fs::canonicalize(path) } else { Ok(path.to_owned()) }
}

/// Replacing asks for rights to the directory only. That must not get around the protection of a file. (A program that is
/// running cannot be written to either, but that is no reason not to replace it.)
fn refuse_unwritable(path: &Path) -> io::Result<()> {
    match File::options().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Creates a file beside `target`, with a name that is short because the target's may be as long as names can be.
fn create_temporary(target: &Path, access: Access) -> io::Result<(File, PathBuf)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == Access::Private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".curio-{}-{count}.part", std::process::id()));
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            // Left behind by another process that had the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Only root may give files away; for all others the owner is who writes.
#[cfg(unix)]
fn keep_owner(file: &File, existing: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(existing.uid()), Some(existing.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _existing: &Metadata) {}

/// Does blocking work in a thread of the kernel's.
pub(crate) async fn in_thread<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    curio::run_in_thread(job).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

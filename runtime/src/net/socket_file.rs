//! The file of a Unix server's socket.

use crate::traps;
use std::io;
use std::path::{Path, PathBuf};

/// The file of a Unix server's socket; removed with this, unless another one has taken its place.
pub(super) struct SocketFile {
    path: PathBuf,
    made: (u64, u64),
}

impl SocketFile {
    pub(super) fn made_at(path: PathBuf) -> io::Result<SocketFile> {
        let made = SocketFile::identity(&path)?;
        Ok(SocketFile { path, made })
    }

    fn identity(path: &Path) -> io::Result<(u64, u64)> {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::symlink_metadata(path)?;
        Ok((file.dev(), file.ino()))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        match SocketFile::identity(&self.path) {
            Ok(found) if found == self.made => {}
            _ => return,
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            traps::report(&format!("the socket file {} cannot be removed: {error}", self.path.display()));
        }
    }
}

//! Raising the limit of open files of this process.
//!
//! Every connection is an open file. Most systems start a process with a *soft* limit of 1024 and let it raise
//! that up to a *hard* limit of its own accord.

use std::io;

/// Raises this process's limit of open files to `wanted`, or as far as the system lets it, and returns the
/// limit that now holds. It never lowers it.
///
/// # Errors
/// When the limit cannot be read or set.
#[cfg(unix)]
pub fn raise_open_files(wanted: u64) -> io::Result<u64> {
    let (soft, hard) = rlimit::Resource::NOFILE.get()?;
    let limit = wanted.min(hard).max(soft);
    if limit > soft {
        rlimit::Resource::NOFILE.set(limit, hard)?;
    }
    Ok(limit)
}

/// This system has no such limit: returns `wanted`.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn raise_open_files(wanted: u64) -> io::Result<u64> {
    Ok(wanted)
}

//! What the errors of `accept` mean for a server: go on at once, go on later, or end.

use std::io;

pub(super) fn broke_before_it_was_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// EMFILE, ENFILE, ENOBUFS, ENOMEM; the standard library has no names for most of them.
pub(super) fn out_of_resources(error: &io::Error) -> bool {
    if error.kind() == io::ErrorKind::OutOfMemory {
        return true;
    }
    #[cfg(unix)]
    let codes = [libc_code::EMFILE, libc_code::ENFILE, libc_code::ENOBUFS];
    #[cfg(windows)]
    let codes = [10024, 10055];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// From the system's `errno.h`; they are the same on every Linux but differ in one case elsewhere.
#[cfg(unix)]
mod libc_code {
    pub(super) const ENFILE: i32 = 23;
    pub(super) const EMFILE: i32 = 24;
    #[cfg(target_os = "linux")]
    pub(super) const ENOBUFS: i32 = 105;
    #[cfg(not(target_os = "linux"))]
    pub(super) const ENOBUFS: i32 = 55;
}

//! What the errors of `accept` mean for a server.
//!
//! `accept` reports more than faults of the listener. Linux passes on what has become of the connection at the head of
//! the queue in the meantime: it was reset, its route is gone, a firewall refuses it (accept(2), "Error handling"). That
//! connection is lost, and the next may be fine. And a process that has run out of descriptors or memory can accept
//! again when it has released some. Only an error of the listener itself ends the server.

use std::io::{self, ErrorKind};

/// What a server does about an error of `accept`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AcceptError {
    /// One connection failed before it was accepted: accept the next.
    Connection,
    /// The process or the system has run out of something: accept again after a pause.
    Resources,
    /// The listener is of no use any more: end.
    Listener,
}

impl AcceptError {
    pub(super) fn of(error: &io::Error) -> AcceptError {
        use AcceptError::{Connection, Listener, Resources};
        match error.kind() {
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::TimedOut
            | ErrorKind::PermissionDenied => return Connection,
            ErrorKind::OutOfMemory | ErrorKind::StorageFull => return Resources,
            _ => {}
        }
        // The standard library has no names for the others.
        match error.raw_os_error() {
            Some(code) if codes::CONNECTION.contains(&code) => Connection,
            Some(code) if codes::RESOURCES.contains(&code) => Resources,
            _ => Listener,
        }
    }
}

/// The codes of the system's `errno.h`: for CONNECTION EPROTO, ENOPROTOOPT, EOPNOTSUPP, EHOSTDOWN and, on Linux, ENONET;
/// for RESOURCES ENFILE, EMFILE, ENOBUFS.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64"
    ))
))]
mod codes {
    pub(super) const CONNECTION: [i32; 5] = [71, 92, 95, 112, 64];
    pub(super) const RESOURCES: [i32; 3] = [23, 24, 105];
}

/// Solaris and its heirs have the numbers of System V, and so has Linux on MIPS.
#[cfg(any(
    target_os = "solaris",
    target_os = "illumos",
    all(
        target_os = "linux",
        any(
            target_arch = "mips",
            target_arch = "mips32r6",
            target_arch = "mips64",
            target_arch = "mips64r6"
        )
    )
))]
mod codes {
    pub(super) const CONNECTION: [i32; 5] = [71, 99, 122, 147, 64];
    pub(super) const RESOURCES: [i32; 3] = [23, 24, 132];
}

#[cfg(all(target_os = "linux", any(target_arch = "sparc", target_arch = "sparc64")))]
mod codes {
    pub(super) const CONNECTION: [i32; 5] = [86, 42, 45, 64, 80];
    pub(super) const RESOURCES: [i32; 3] = [23, 24, 55];
}

/// macOS has two codes for "not supported", 45 and 102.
#[cfg(target_vendor = "apple")]
mod codes {
    pub(super) const CONNECTION: [i32; 5] = [100, 42, 45, 102, 64];
    pub(super) const RESOURCES: [i32; 3] = [23, 24, 55];
}

/// The BSDs agree except on EPROTO.
#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "solaris",
        target_os = "illumos",
        target_vendor = "apple"
    ))
))]
mod codes {
    const EPROTO: i32 = if cfg!(target_os = "openbsd") {
        95
    } else if cfg!(target_os = "netbsd") {
        96
    } else {
        92
    };
    pub(super) const CONNECTION: [i32; 4] = [EPROTO, 42, 45, 64];
    pub(super) const RESOURCES: [i32; 3] = [23, 24, 55];
}

/// WSAENOPROTOOPT, WSAEOPNOTSUPP, WSAEHOSTDOWN; WSAEMFILE, WSAENOBUFS.
#[cfg(windows)]
mod codes {
    pub(super) const CONNECTION: [i32; 3] = [10042, 10045, 10064];
    pub(super) const RESOURCES: [i32; 2] = [10024, 10055];
}

#[cfg(all(test, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use super::*;

    fn of_codes(codes: &[i32], expected: AcceptError) {
        for &code in codes {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(AcceptError::of(&error), expected, "{code}: {error}");
        }
    }

    #[test]
    fn what_became_of_one_connection_does_not_end_a_server() {
        // EPERM EINTR EPROTO ENOPROTOOPT EOPNOTSUPP ENETDOWN ENETUNREACH ECONNABORTED ECONNRESET ETIMEDOUT EHOSTDOWN
        // EHOSTUNREACH ENONET
        of_codes(&[1, 4, 71, 92, 95, 100, 101, 103, 104, 110, 112, 113, 64], AcceptError::Connection);
    }

    #[test]
    fn what_the_process_has_run_out_of_may_come_back() {
        // ENOMEM ENFILE EMFILE ENOSPC ENOBUFS
        of_codes(&[12, 23, 24, 28, 105], AcceptError::Resources);
    }

    #[test]
    fn a_listener_that_is_none_ends_its_server() {
        // EBADF EFAULT EINVAL ENOTSOCK
        of_codes(&[9, 14, 22, 88], AcceptError::Listener);
        assert_eq!(AcceptError::of(&io::Error::other("of another kernel")), AcceptError::Listener);
        assert_eq!(AcceptError::of(&ErrorKind::ResourceBusy.into()), AcceptError::Listener);
    }
}

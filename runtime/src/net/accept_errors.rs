//! What the errors of `accept` mean for a server.
//!
//! `accept` reports more than errors of the listener. Linux also reports errors of the connection at the head of the queue:
//! it was reset, its route is gone, a firewall refuses it (accept(2), "Error handling"). That connection is lost, and the
//! next may be fine. A process that has run out of descriptors or memory can accept again when it has released some. Only
//! an error of the listener itself ends the server.

use super::error_codes as codes;
use std::io::{self, ErrorKind};

/// What a server does about an error of `accept`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AcceptError {
    /// One connection failed before it was accepted: accept the next.
    Connection,
    /// The process or the system has run out of something: accept again after a pause.
    Resources,
    /// The listener itself has failed: end.
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

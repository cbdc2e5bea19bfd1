//! Receiving a datagram, the same on all systems. Windows differs in two ways:
//!
//! * A datagram that does not fit into the buffer is an error (`WSAEMSGSIZE`) without the sender's address; elsewhere it is
//!   truncated. So on Windows it is received whole, and truncated here.
//! * When an earlier message could not be delivered (an ICMP "port unreachable" has come), a receive fails with
//!   `ConnectionReset`. Elsewhere a connected socket fails with `ConnectionRefused`, and one that is not connected does not
//!   fail, because such an error does not say which of its receivers is gone.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;

/// No datagram is longer: its length field has 16 bits.
const LONGEST: usize = 65_535;

pub(super) fn recv(socket: &UdpSocket, buf: &mut [u8]) -> io::Result<usize> {
    if cfg!(windows) {
        let received = whole(buf, |whole| socket.recv(whole).map(|length| (length, ())));
        received.map(|(length, ())| length).map_err(|error| undelivered(error, true))
    } else {
        socket.recv(buf)
    }
}

pub(super) fn recv_from(socket: &UdpSocket, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    if cfg!(windows) {
        whole(buf, |whole| socket.recv_from(whole))
            .map_err(|error| undelivered(error, socket.peer_addr().is_ok()))
    } else {
        socket.recv_from(buf)
    }
}

/// Receives with room for the longest datagram; `buf` gets as much of it as it holds.
fn whole<S>(
    buf: &mut [u8],
    receive: impl FnOnce(&mut [u8]) -> io::Result<(usize, S)>,
) -> io::Result<(usize, S)> {
    thread_local!(static WHOLE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    if buf.len() >= LONGEST {
        return receive(buf);
    }
    WHOLE.with_borrow_mut(|whole| {
        whole.resize(LONGEST, 0);
        let (length, sender) = receive(whole)?;
        let length = length.min(buf.len());
        buf[..length].copy_from_slice(&whole[..length]);
        Ok((length, sender))
    })
}

/// Maps the error of a receive on Windows to that of other systems. `Interrupted` means that the socket tries again.
fn undelivered(error: io::Error, is_connected: bool) -> io::Error {
    match error.kind() {
        io::ErrorKind::ConnectionReset if is_connected => {
            io::Error::new(io::ErrorKind::ConnectionRefused, error)
        }
        io::ErrorKind::ConnectionReset => io::ErrorKind::Interrupted.into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_received_whole_is_cut_to_the_buffer() {
        let receive = |into: &mut [u8]| {
            into[..5].copy_from_slice(b"hello");
            Ok((5, ()))
        };
        let mut short = [0; 3];
        assert_eq!(whole(&mut short, receive).unwrap().0, 3);
        assert_eq!(&short, b"hel");
        let mut long = [0; 8];
        assert_eq!(whole(&mut long, receive).unwrap().0, 5);
        assert_eq!(&long, b"hello\0\0\0");
    }

    #[test]
    fn a_reset_means_refused_on_a_connected_socket_and_nothing_on_another() {
        let reset = || io::ErrorKind::ConnectionReset.into();
        assert_eq!(undelivered(reset(), true).kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(undelivered(reset(), false).kind(), io::ErrorKind::Interrupted);
        let other = io::ErrorKind::PermissionDenied;
        assert_eq!(undelivered(other.into(), false).kind(), other);
    }
}

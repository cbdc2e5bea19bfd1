//! The client's side of a SOCKS 4A handshake: one request and one reply.
//!
//! SOCKS 4 supports only IPv4 addresses. Its extension 4A (Lee, "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol") sends
//! the invalid address `0.0.0.1`, followed by the name for the proxy to resolve. Texts end with a NUL.

use super::socks_step::{Destination, Refused, Step};
use std::net::IpAddr;

const VERSION: u8 = 4;
const CONNECT: u8 = 1;
const GRANTED: u8 = 90;

pub(super) struct Socks4a {
    request: Option<Vec<u8>>,
}

impl Socks4a {
    /// # Errors
    /// If the destination is an IPv6 address, or a text contains a NUL or is too long.
    pub(super) fn new(destination: &Destination<'_>, user: &[u8]) -> Result<Socks4a, Refused> {
        let (ip, name, port) = match destination {
            Destination::Address(address) => match address.ip() {
                IpAddr::V4(ip) => (ip.octets(), None, address.port()),
                IpAddr::V6(_) => return Err("SOCKS 4 cannot carry an IPv6 address; socks5:// can".into()),
            },
            Destination::Name(name, port) => ([0, 0, 0, 1], Some(name), *port),
        };
        if name.is_some_and(|name| name.len() > 255) {
            return Err("the host name has more than 255 bytes".into());
        }
        if user.contains(&0) || name.is_some_and(|name| name.contains('\0')) {
            return Err("SOCKS 4A texts end with a NUL and may not contain one".into());
        }
        let mut request = vec![VERSION, CONNECT];
        request.extend(port.to_be_bytes());
        request.extend(ip);
        request.extend(user);
        request.push(0);
        if let Some(name) = name {
            request.extend(name.bytes());
            request.push(0);
        }
        Ok(Socks4a { request: Some(request) })
    }

    /// The next step, given the reply to the last one.
    pub(super) fn step(&mut self, reply: &[u8]) -> Result<Step, Refused> {
        if let Some(request) = self.request.take() {
            return Ok(Step::Talk { say: request, expect: 8 });
        }
        match *reply {
            [0, GRANTED, ..] => Ok(Step::Done),
            [0, 91, ..] => Err("it refused the connection, or could not connect".into()),
            [0, 92 | 93, ..] => Err("it could not verify the user name".into()),
            [0, code, ..] => Err(format!("it failed with code {code}").into()),
            _ => Err("its reply is not SOCKS 4".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(destination: &Destination<'_>, user: &[u8]) -> Vec<u8> {
        let mut machine = Socks4a::new(destination, user).expect("a good request");
        match machine.step(&[]) {
            Ok(Step::Talk { say, expect: 8 }) => say,
            _ => panic!("it begins with a request"),
        }
    }

    fn answered(reply: &[u8]) -> Result<Step, Refused> {
        let mut machine = Socks4a::new(&Destination::Name("h.test", 80), b"").expect("a good request");
        machine.step(&[])?;
        machine.step(reply)
    }

    #[test]
    fn a_name_goes_behind_an_address_that_cannot_be() {
        let name = Destination::Name("h.test", 443);
        assert_eq!(said(&name, b"ann"), b"\x04\x01\x01\xbb\x00\x00\x00\x01ann\x00h.test\x00");
    }

    #[test]
    fn an_ipv4_address_goes_as_such() {
        let address = Destination::Address("1.2.3.4:80".parse().expect("an address"));
        assert_eq!(said(&address, b""), b"\x04\x01\x00\x50\x01\x02\x03\x04\x00");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let v6 = Destination::Address("[::1]:80".parse().expect("an address"));
        assert!(Socks4a::new(&v6, b"").is_err());
        assert!(Socks4a::new(&Destination::Name("h.test", 80), b"a\0b").is_err());
        assert!(Socks4a::new(&Destination::Name(&"x".repeat(256), 80), b"").is_err());
    }

    #[test]
    fn the_answer_is_read_for_what_it_says() {
        assert!(matches!(answered(b"\x00\x5a\0\0\0\0\0\0"), Ok(Step::Done)));
        for code in [0, 91, 92, 93, 94, 255] {
            assert!(answered(&[0, code, 0, 0, 0, 0, 0, 0]).is_err());
        }
        assert!(answered(b"HTTP/1.1").is_err());
    }
}

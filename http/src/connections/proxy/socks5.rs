//! The client's side of a SOCKS 5 handshake (RFC 1928; user name and password: RFC 1929).
//!
//! ```text
//!   client                               proxy
//!   version 5, methods              ──▶
//!                                   ◀──  version 5, the chosen method
//!   [ version 1, user, password     ──▶
//!                                   ◀──  version 1, 0 if they are accepted ]
//!   version 5, connect, destination ──▶
//!                                   ◀──  version 5, 0 or an error code, an address of the proxy
//! ```
//!
//! The tunnel begins after the last byte of the last reply, so no more bytes are requested than the reply has.

use super::socks_step::{Destination, Refused, Step};
use std::net::IpAddr;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

pub(super) struct Socks5 {
    /// In the form in which it is sent.
    request: Vec<u8>,
    /// The same for user name and password.
    sub_negotiation: Option<Vec<u8>>,
    expecting: Expecting,
}

enum Expecting {
    Nothing,
    Method,
    Welcome,
    Verdict,
    /// The length of a name.
    Length,
    /// The rest of the proxy's own address.
    Rest,
}

impl Socks5 {
    /// # Errors
    /// If the host name, the user name or the password has more than 255 bytes.
    pub(super) fn new(
        destination: &Destination<'_>,
        credentials: Option<(Vec<u8>, Vec<u8>)>,
    ) -> Result<Socks5, Refused> {
        let mut request = vec![VERSION, CONNECT, 0];
        let port = match destination {
            Destination::Address(address) => {
                match address.ip() {
                    IpAddr::V4(ip) => {
                        request.push(IPV4);
                        request.extend(ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        request.push(IPV6);
                        request.extend(ip.octets());
                    }
                }
                address.port()
            }
            Destination::Name(name, port) => {
                request.push(NAME);
                request.push(length(name.as_bytes(), "the host name")?);
                request.extend(name.bytes());
                *port
            }
        };
        request.extend(port.to_be_bytes());
        let sub_negotiation = match credentials {
            None => None,
            Some((user, password)) => {
                let mut message = vec![1, length(&user, "the user name")?];
                message.extend(&user);
                message.push(length(&password, "the password")?);
                message.extend(&password);
                Some(message)
            }
        };
        Ok(Socks5 { request, sub_negotiation, expecting: Expecting::Nothing })
    }

    /// The next step, given the reply to the last one.
    pub(super) fn step(&mut self, reply: &[u8]) -> Result<Step, Refused> {
        match self.expecting {
            Expecting::Nothing => {
                let methods: &[u8] = match self.sub_negotiation {
                    Some(_) => &[NO_AUTHENTICATION, USER_AND_PASSWORD],
                    None => &[NO_AUTHENTICATION],
                };
                let hello = [&[VERSION, methods.len() as u8], methods].concat();
                self.talk(hello, 2, Expecting::Method)
            }
            Expecting::Method => match *reply {
                [VERSION, NO_AUTHENTICATION] => self.ask(),
                [VERSION, USER_AND_PASSWORD] => match self.sub_negotiation.take() {
                    Some(message) => self.talk(message, 2, Expecting::Welcome),
                    None => Err("it chose an authentication method that was not offered".into()),
                },
                [VERSION, NONE_ACCEPTABLE] if self.sub_negotiation.is_none() => {
                    Err("it requires credentials (socks5://user:password@…)".into())
                }
                [VERSION, NONE_ACCEPTABLE] => Err("it does not accept a user name and password".into()),
                [VERSION, _] => Err("it chose an authentication method that was not offered".into()),
                _ => Err("its reply is not SOCKS 5".into()),
            },
            Expecting::Welcome => match *reply {
                [1, 0] => self.ask(),
                [1, _] => Err("it refused the user name or the password".into()),
                _ => Err("its reply to the user name is not SOCKS 5".into()),
            },
            Expecting::Verdict => match *reply {
                [VERSION, 0, _, IPV4] => self.talk(Vec::new(), 4 + 2, Expecting::Rest),
                [VERSION, 0, _, IPV6] => self.talk(Vec::new(), 16 + 2, Expecting::Rest),
                [VERSION, 0, _, NAME] => self.talk(Vec::new(), 1, Expecting::Length),
                [VERSION, 0, ..] => Err("its reply has an unknown address type".into()),
                [VERSION, code, ..] => Err(meaning(code)),
                _ => Err("its reply is not SOCKS 5".into()),
            },
            Expecting::Length => {
                let length = reply.first().copied().unwrap_or_default();
                self.talk(Vec::new(), usize::from(length) + 2, Expecting::Rest)
            }
            Expecting::Rest => Ok(Step::Done),
        }
    }

    fn ask(&mut self) -> Result<Step, Refused> {
        let request = std::mem::take(&mut self.request);
        self.talk(request, 4, Expecting::Verdict)
    }

    fn talk(&mut self, say: Vec<u8>, expect: usize, expecting: Expecting) -> Result<Step, Refused> {
        self.expecting = expecting;
        Ok(Step::Talk { say, expect })
    }
}

fn length(bytes: &[u8], what: &str) -> Result<u8, Refused> {
    u8::try_from(bytes.len())
        .map_err(|_| format!("{what} has {} bytes, and SOCKS 5 allows at most 255", bytes.len()).into())
}

/// RFC 1928 §6.
fn meaning(code: u8) -> Refused {
    match code {
        1 => "it failed".into(),
        2 => "its rules do not allow this connection".into(),
        3 => "it cannot reach the network".into(),
        4 => "it cannot reach the host".into(),
        5 => "the server refused the connection".into(),
        6 => "the connection timed out".into(),
        7 => "it does not support the command".into(),
        8 => "it does not support this address type".into(),
        code => format!("it failed with code {code}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays the proxy: its replies, in parts of the requested lengths. Returns what it received.
    fn play(mut machine: Socks5, mut proxy: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut heard = Vec::new();
        let mut reply: &[u8] = &[];
        loop {
            match machine.step(reply)? {
                Step::Done => {
                    assert!(proxy.is_empty(), "something was left unread");
                    return Ok(heard);
                }
                Step::Talk { say, expect } => {
                    heard.extend(say);
                    (reply, proxy) = proxy.split_at(expect);
                }
            }
        }
    }

    fn to_name() -> Socks5 {
        Socks5::new(&Destination::Name("h.test", 443), None).expect("a short name")
    }

    fn with_credentials() -> Socks5 {
        let credentials = (b"ann".to_vec(), b"pw".to_vec());
        Socks5::new(&Destination::Name("h.test", 443), Some(credentials)).expect("short credentials")
    }

    fn told(result: Result<Vec<u8>, Refused>) -> String {
        result.expect_err("a refusal").to_string()
    }

    #[test]
    fn a_name_goes_to_the_proxy_as_it_is() {
        let heard = play(to_name(), b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50").expect("agreement");
        assert_eq!(heard, b"\x05\x01\x00\x05\x01\x00\x03\x06h.test\x01\xbb");
    }

    #[test]
    fn an_address_goes_in_its_own_form() {
        let agrees = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50";
        let v4 = Destination::Address("1.2.3.4:80".parse().expect("an address"));
        let heard = play(Socks5::new(&v4, None).expect("fits"), agrees).expect("agreement");
        assert_eq!(heard, b"\x05\x01\x00\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50");
        let v6 = Destination::Address("[::1]:80".parse().expect("an address"));
        let heard = play(Socks5::new(&v6, None).expect("fits"), agrees).expect("agreement");
        assert_eq!(heard, b"\x05\x01\x00\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50");
    }

    #[test]
    fn the_proxys_own_address_may_have_any_form() {
        let v6 = [&b"\x05\x00\x05\x00\x00\x04"[..], &[7; 18]].concat();
        assert!(play(to_name(), &v6).is_ok());
        assert!(play(to_name(), b"\x05\x00\x05\x00\x00\x03\x02ab\x00\x50").is_ok());
        assert!(play(to_name(), b"\x05\x00\x05\x00\x00\x03\x00\x00\x50").is_ok());
    }

    #[test]
    fn user_and_password_are_sent_only_when_asked_for() {
        let asked = b"\x05\x02\x01\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50";
        let heard = play(with_credentials(), asked).expect("agreement");
        assert_eq!(heard, b"\x05\x02\x00\x02\x01\x03ann\x02pw\x05\x01\x00\x03\x06h.test\x01\xbb");
        let not_asked = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50";
        let heard = play(with_credentials(), not_asked).expect("agreement");
        assert!(!heard.windows(3).any(|window| window == b"ann"));
    }

    #[test]
    fn every_refusal_has_words() {
        assert!(told(play(to_name(), b"\x05\xff")).contains("requires credentials"));
        assert!(told(play(with_credentials(), b"\x05\xff")).contains("does not accept a user name"));
        assert!(told(play(with_credentials(), b"\x05\x02\x01\x01")).contains("refused the user name"));
        assert!(told(play(to_name(), b"\x05\x02")).contains("not offered"));
        assert!(told(play(to_name(), b"\x05\x01")).contains("not offered"));
        assert!(told(play(to_name(), b"HT")).contains("not SOCKS"));
        for code in 1..=255 {
            let text = told(play(to_name(), &[5, 0, 5, code, 0, 1]));
            assert!(!text.is_empty());
        }
        assert!(told(play(to_name(), b"\x05\x00\x05\x05\x00\x01")).contains("refused the connection"));
        assert!(told(play(to_name(), b"\x05\x00\x05\x00\x00\x09")).contains("unknown address type"));
        assert!(told(play(to_name(), b"\x05\x00\x04\x00\x00\x01")).contains("not SOCKS"));
    }

    #[test]
    fn case_129_a_name_longer_than_255_bytes_is_refused_before_anything_is_sent() {
        let name = "x".repeat(256);
        let refused = Socks5::new(&Destination::Name(&name, 80), None).err().expect("a refusal");
        assert!(refused.to_string().contains("256 bytes"), "{refused}");
        assert!(Socks5::new(&Destination::Name(&name[..255], 80), None).is_ok());
    }
}

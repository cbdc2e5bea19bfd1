//! Readable messages for TLS failures.
//!
//! "invalid peer certificate: UnknownIssuer" is hard to understand for most people. The messages here say which of a few
//! things is wrong, because each has its own remedy: an expired certificate must be renewed by the server's owner, a wrong
//! clock or a missing root certificate can be corrected by the caller.

use crate::encoding::date;
use crate::error::{Error, ErrorKind};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

/// A TLS failure: a readable message, with the technical error as its source.
#[derive(Debug)]
pub(crate) struct Explained {
    words: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Explained {
    /// The failure of a connection to `host`.
    pub(crate) fn new(cause: rustls::Error, host: &str) -> Explained {
        Explained { words: words(&cause, host), cause: Some(cause.into()) }
    }

    /// The response to the first message of the handshake begins like HTTP.
    pub(crate) fn plain_http() -> Explained {
        let words =
            "the server responds in plain HTTP on this port, not in TLS (http:// instead of https://?)";
        Explained { words: words.into(), cause: None }
    }

    /// The server closed the connection during the handshake.
    pub(crate) fn closed() -> Explained {
        Explained { words: "the server closed the connection during the handshake".into(), cause: None }
    }

    /// The socket failed during the handshake.
    pub(crate) fn broken(cause: io::Error) -> Explained {
        Explained { words: cause.to_string(), cause: None }
    }
}

impl From<rustls::Error> for Explained {
    fn from(cause: rustls::Error) -> Explained {
        Explained::new(cause, "this host")
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl StdError for Explained {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

/// A certificate that is signed with its own key.
#[derive(Debug)]
pub(crate) struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate is signed with its own key")
    }
}

impl StdError for SelfSigned {}

/// The server's key is none of those that were pinned.
#[derive(Debug)]
pub(super) struct NotPinned {
    /// That of the key which it has.
    pub(super) pin: String,
}

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pin = &self.pin;
        write!(
            f,
            "the server's public key is none of the pinned ones; if {pin} is its key, pin it with pin_public_key"
        )
    }
}

impl StdError for NotPinned {}

/// The error for a setting of TLS that cannot be used.
pub(super) fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Tls, format!("setting up TLS with {what}"))
}

fn words(error: &rustls::Error, host: &str) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => certificate(problem, host),
        rustls::Error::NoCertificatesPresented => "the server presented no certificate".into(),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server's data is not TLS; is this the right port?".into()
        }
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerMisbehaved(_) => "the server violated the TLS protocol".into(),
        rustls::Error::DecryptError => "a message was damaged or forged in transit".into(),
        rustls::Error::PeerIncompatible(_) => no_common_version(),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => no_common_version(),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the server refused the handshake; perhaps it supports none of the client's ciphers, or requires a client certificate".into()
        }
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            format!("the server does not know the name {host}")
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied,
        ) => "the server did not accept the client certificate, or requires one and got none".into(),
        rustls::Error::NoApplicationProtocol
        | rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the server does not support HTTP/1.1".into()
        }
        rustls::Error::AlertReceived(_) => "the server aborted the connection".into(),
        rustls::Error::InconsistentKeys(_) => "the client certificate and its key do not match".into(),
        _ => "the TLS connection failed".into(),
    }
}

fn no_common_version() -> String {
    "the server supports no safe version of TLS (1.2 or 1.3), or none of the client's ciphers".into()
}

fn certificate(problem: &CertificateError, host: &str) -> String {
    match problem {
        CertificateError::Expired => "the server's certificate has expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate has expired; it was valid until {}", day(*not_after))
        }
        CertificateError::NotValidYet => {
            "the server's certificate is not valid yet; is the clock right?".into()
        }
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is not valid yet; it will be from {} on; is the clock right?",
            day(*not_before)
        ),
        CertificateError::UnknownIssuer => {
            "the server's certificate was issued by an authority that is not trusted \
             here; a private one can be added with add_root_certificate"
                .into()
        }
        CertificateError::Other(other) if other.0.is::<NotPinned>() => other.0.to_string(),
        CertificateError::Other(other) if other.0.is::<SelfSigned>() => {
            "the server's certificate is self-signed: no \
             authority vouches for it; it can be trusted with add_root_certificate"
                .into()
        }
        CertificateError::NotValidForName => format!("the server's certificate is not for {host}"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented: Vec<String> = presented.iter().map(|name| bare(name)).collect();
            let presented = if presented.is_empty() { "no name at all".into() } else { presented.join(", ") };
            format!("the server's certificate is for {presented}, not for {}", shown(expected))
        }
        CertificateError::Revoked => "the server's certificate has been revoked".into(),
        CertificateError::BadEncoding => "the server's certificate is malformed".into(),
        CertificateError::BadSignature => {
            "the server's certificate has a wrong signature: it does not come from the \
             authority whose name it bears"
                .into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate was issued for another purpose".into()
        }
        _ => "the server's certificate is not acceptable".into(),
    }
}

/// webpki presents names as `DnsName("example.org")`.
fn bare(presented: &str) -> String {
    match (presented.find('"'), presented.rfind('"')) {
        (Some(first), Some(last)) if first < last => presented[first + 1..last].to_owned(),
        _ => presented.to_owned(),
    }
}

fn day(time: UnixTime) -> String {
    date::day(Duration::from_secs(time.as_secs()))
}

fn shown(name: &ServerName<'_>) -> String {
    match name {
        ServerName::IpAddress(address) => std::net::IpAddr::from(*address).to_string(),
        name => name.to_str().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn each_thing_that_can_be_wrong_with_a_certificate_has_words_of_its_own() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        let name = ServerName::try_from("example.org").expect("a good name");
        let problems = [
            CertificateError::ExpiredContext { time: now, not_after: now },
            CertificateError::NotValidYetContext { time: now, not_before: now },
            CertificateError::UnknownIssuer,
            CertificateError::Other(rustls::OtherError(Arc::new(SelfSigned))),
            CertificateError::NotValidForNameContext {
                expected: name,
                presented: vec!["DnsName(\"example.com\")".into()],
            },
        ];
        let words = problems.map(|problem| certificate(&problem, "example.org"));
        let expected = [
            "has expired",
            "not valid yet",
            "not trusted",
            "self-signed",
            "is for example.com, not for example.org",
        ];
        for (words, expected) in words.iter().zip(expected) {
            assert!(words.contains(expected), "{words}");
        }
        assert!(words[0].contains("2023-11-14"));
    }
}

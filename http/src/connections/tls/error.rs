//! TLS failures in plain words.
//!
//! "invalid peer certificate: UnknownIssuer" tells an expert everything and everybody else nothing. What a person
//! needs to know is which of a handful of things is wrong, because each has another remedy: an expired certificate
//! is for the server's owner to renew, a wrong clock or a missing root for the caller to put right.

use crate::encoding::date;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

/// A TLS failure: a sentence, and the technical error behind it as its source.
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

    /// The answer to our first message begins like an HTTP response.
    pub(crate) fn plain_http() -> Explained {
        let words =
            "the server answers in plain HTTP on this port, not in TLS (http:// instead of https://?)";
        Explained { words: words.into(), cause: None }
    }

    /// The server closed the connection during the handshake.
    pub(crate) fn closed() -> Explained {
        Explained { words: "the server closed the connection in the middle of it".into(), cause: None }
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

/// A certificate that was issued by nobody but itself.
#[derive(Debug)]
pub(crate) struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate is signed with its own key")
    }
}

impl StdError for SelfSigned {}

fn words(error: &rustls::Error, host: &str) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => certificate(problem, host),
        rustls::Error::NoCertificatesPresented => "the server has shown no certificate".into(),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what the server sent is not TLS; is this the right port?".into()
        }
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerMisbehaved(_) => "the server broke the rules of TLS".into(),
        rustls::Error::DecryptError => "a message was damaged or forged on its way".into(),
        rustls::Error::PeerIncompatible(_) => no_common_ground(),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => no_common_ground(),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the server refused the handshake; perhaps it speaks none of our ciphers, or wants a client certificate".into()
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
        ) => "the server did not accept our client certificate, or wants one and got none".into(),
        rustls::Error::NoApplicationProtocol
        | rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the server does not speak HTTP/1.1".into()
        }
        rustls::Error::AlertReceived(_) => "the server refused to go on".into(),
        rustls::Error::InconsistentKeys(_) => "the client certificate and its key do not belong together".into(),
        _ => "the TLS connection failed".into(),
    }
}

fn no_common_ground() -> String {
    "the server speaks no version of TLS that is safe (1.2 or 1.3), or none of our ciphers".into()
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

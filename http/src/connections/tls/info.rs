//! The negotiated parameters of a TLS connection.
//!
//! A response may outlive its connection, so the parameters are copied from the TLS state once per connection. Most
//! connections of a program go to few servers, each with a certificate chain of some kilobytes; so a connection with the
//! same parameters as the one before shares its copy.

use rustls::CommonState;
use std::fmt;
use std::rc::Rc;

/// How the connection under a response is protected: [`Response::tls`](crate::Response::tls).
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
/// let response = session.get("https://example.org/").await?;
/// if let Some(tls) = response.tls() {
///     println!("TLS {} with {}", tls.version(), tls.cipher_suite());
///     let chain = tls.peer_certificates();
///     std::fs::write("server.der", &chain[0]).expect("a folder to write to");
/// }
/// # Ok(()) }
/// ```
/// Cloning it is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsInfo(Rc<Facts>);

#[derive(PartialEq, Eq)]
struct Facts {
    version: &'static str,
    cipher_suite: String,
    certificates: Vec<Vec<u8>>,
}

impl TlsInfo {
    /// The parameters after a finished handshake; `known` itself if they are equal.
    pub(super) fn of(state: &CommonState, known: Option<TlsInfo>) -> Option<TlsInfo> {
        let version = match state.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => "1.2",
            rustls::ProtocolVersion::TLSv1_3 => "1.3",
            _ => return None,
        };
        let suite = state.negotiated_cipher_suite()?.suite();
        let suite = suite.as_str().unwrap_or("unknown");
        let shown = state.peer_certificates().unwrap_or_default();
        let same = |known: &TlsInfo| {
            known.version() == version
                && known.cipher_suite() == suite
                && known.peer_certificates().iter().map(Vec::as_slice).eq(shown.iter().map(AsRef::as_ref))
        };
        known.filter(same).or_else(|| {
            Some(TlsInfo(Rc::new(Facts {
                version,
                cipher_suite: suite.to_owned(),
                certificates: shown.iter().map(|certificate| certificate.to_vec()).collect(),
            })))
        })
    }

    /// The version of TLS: `"1.3"` or `"1.2"`.
    pub fn version(&self) -> &str {
        self.0.version
    }

    /// The cipher suite, by its name in IANA's registry, such as `TLS13_AES_256_GCM_SHA384` (rustls marks those of TLS
    /// 1.3 like this).
    pub fn cipher_suite(&self) -> &str {
        &self.0.cipher_suite
    }

    /// The certificates that the server has presented, each in DER (RFC 5280): its own first, then those that lead to an
    /// authority.
    pub fn peer_certificates(&self) -> &[Vec<u8>] {
        &self.0.certificates
    }
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("version", &self.version())
            .field("cipher_suite", &self.cipher_suite())
            .field("certificates", &self.peer_certificates().len())
            .finish()
    }
}

//! Pinned public keys: a server's key must be one of those that the caller names, besides all that is verified otherwise.
//!
//! A pin is the SHA-256 of the certificate's SubjectPublicKeyInfo, in base64, as curl writes it (`sha256//…`). It stays the same when a
//! certificate is renewed with the same key. The key of the server's own certificate is looked at, not those of authorities.

use super::error::{NotPinned, unusable};
use crate::encoding::base64;
use crate::error::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::hash::{Hash, HashAlgorithm};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme, SupportedCipherSuite};
use std::fmt;
use std::sync::Arc;

const PREFIX: &str = "sha256//";

/// Hashes in base64.
#[derive(Debug)]
pub(super) struct Pins(Vec<String>);

impl Pins {
    /// `None` if there are none.
    pub(super) fn parse(texts: &[String]) -> Result<Option<Pins>, Error> {
        let parse = |text: &String| match text.strip_prefix(PREFIX) {
            Some(hash) if is_hash(hash) => Ok(hash.to_owned()),
            _ => {
                let what = format!(
                    "the public key {text:?}: it should be {PREFIX} and a SHA-256 in base64, 44 characters"
                );
                Err(unusable(&what))
            }
        };
        let pins: Result<Vec<_>, _> = texts.iter().map(parse).collect();
        Ok(Some(Pins(pins?)).filter(|pins| !pins.0.is_empty()))
    }
}

fn is_hash(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len() == 44 && text.strip_suffix('=').is_some_and(|digits| digits.bytes().all(digit))
}

/// The hash function that the provider has for its cipher suites.
pub(super) fn sha256(provider: &CryptoProvider) -> Result<&'static dyn Hash, Error> {
    let hashes = provider.cipher_suites.iter().map(|suite| match suite {
        SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
        SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
    });
    let mut fitting = hashes.filter(|hash| hash.algorithm() == HashAlgorithm::SHA256);
    fitting.next().ok_or_else(|| unusable("pinned public keys: the crypto provider has no SHA-256"))
}

/// Another verifier, and pins.
pub(super) struct PinVerifier {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) pins: Pins,
    pub(super) sha256: &'static dyn Hash,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        let key = ParsedCertificate::try_from(end_entity)?.subject_public_key_info();
        let found = base64::encode(self.sha256.hash(&key).as_ref());
        if self.pins.0.contains(&found) {
            return Ok(verified);
        }
        Err(CertificateError::Other(OtherError(Arc::new(NotPinned { pin: format!("{PREFIX}{found}") })))
            .into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

impl fmt::Debug for PinVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinVerifier")
            .field("inner", &self.inner)
            .field("pins", &self.pins)
            .finish_non_exhaustive()
    }
}

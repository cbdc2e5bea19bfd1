//! Whom to trust: the settings of TLS, made into one configuration that all connections of a session share.
//!
//! A configuration holds the roots that certificates must lead back to and the tickets with which later connections to
//! the same server resume earlier ones, so it is made once and shared. A session with no wishes of its own shares the
//! one of the whole process: programs that make a session per request then pay for it once, and resume as well.
//!
//! The cryptography (ring) is named explicitly. rustls can also be told of a provider process-wide, and a library that
//! relies on that breaks when another library in the same program chooses differently.

use super::error::SelfSigned;
use crate::error::{Error, ErrorKind};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use std::sync::{Arc, OnceLock};

/// What a session asks of TLS.
#[derive(Default)]
pub(crate) struct Trust {
    pub(crate) more_roots: Vec<Vec<u8>>,
    pub(crate) only_these_roots: bool,
    pub(crate) accept_anything: bool,
    /// PEM of a client's certificate chain and of its key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// The configuration that sessions with no wishes share.
pub(crate) fn shared() -> Arc<ClientConfig> {
    static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    // Nothing that the caller or anybody else gave goes into this one, so it can't fail.
    let make = || Trust::default().config().expect("the built-in roots and ciphers fit together");
    Arc::clone(SHARED.get_or_init(make))
}

impl Trust {
    pub(crate) fn is_default(&self) -> bool {
        self.more_roots.is_empty()
            && !self.only_these_roots
            && !self.accept_anything
            && self.identity.is_none()
    }

    /// Makes the configuration.
    ///
    /// # Errors
    /// Of kind [`Tls`](ErrorKind::Tls), if a certificate or key cannot be read, or no root is left.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = if self.accept_anything {
            Arc::new(AcceptAnything { provider: Arc::clone(&provider) })
        } else {
            let roots = Arc::new(self.roots()?);
            let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            Arc::new(ExplainSelfSigned(
                webpki.map_err(|cause| unusable("the root certificates").because(cause))?,
            ))
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|cause| unusable("the TLS versions").because(cause))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain, "the client certificate")?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|cause| unusable("the client certificate's key").because(cause))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|cause| unusable("the client certificate").because(cause))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        if !self.only_these_roots {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for pem in &self.more_roots {
            for certificate in certificates(pem, "a root certificate")? {
                roots.add(certificate).map_err(|cause| unusable("a root certificate").because(cause))?;
            }
        }
        Ok(roots)
    }
}

/// All certificates of a PEM text; there must be one at least.
fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(unusable(&format!("{what}: there is no CERTIFICATE block in the PEM text"))),
        Err(cause) => Err(unusable(what).because(cause)),
    }
}

fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Tls, format!("setting up TLS with {what}"))
}

/// The usual verification, which cannot tell a certificate that nobody vouches for from one of an unknown authority.
/// People can do something about the first.
#[derive(Debug)]
struct ExplainSelfSigned(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for ExplainSelfSigned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match &verdict {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            )) if is_self_signed(end_entity) => {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSigned))).into())
            }
            _ => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Takes every certificate, as `danger_accept_invalid_certs` asks for. The handshake's signature is still checked, so
/// that at least the certificate belongs to whoever answers.
#[derive(Debug)]
struct AcceptAnything {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether issuer and subject of a certificate are the same (RFC 5280 §4.1). Good enough for an explanation; nothing is
/// trusted because of it.
fn is_self_signed(certificate: &[u8]) -> bool {
    (|| {
        let (outer, _) = der_value(certificate)?;
        let (body, _) = der_value(outer)?;
        // [0] version is optional; then serial number and signature algorithm.
        let rest = if body.first() == Some(&0xa0) { der_value(body)?.1 } else { body };
        let (_, rest) = der_value(rest)?;
        let (_, rest) = der_value(rest)?;
        let (issuer, rest) = der_value(rest)?;
        let (_validity, rest) = der_value(rest)?;
        let (subject, _) = der_value(rest)?;
        Some(issuer == subject)
    })()
    .unwrap_or(false)
}

/// Splits DER into the content of its first value and what follows it (X.690 §8.1).
fn der_value(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.get(1..)?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

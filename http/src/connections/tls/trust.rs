//! The TLS settings of a session, and the rustls configuration made of them, which all of its connections share.
//!
//! A configuration has the trusted root certificates, and the tickets with which later connections to the same server resume
//! earlier ones, so it is made once and shared. All sessions with default settings share one configuration: programs that
//! make a session for each request build it only once, and can resume TLS sessions, too.
//!
//! The crypto provider (ring, or aws-lc-rs by feature) is chosen explicitly. The process-wide default of rustls is not used,
//! because another library in the same program may set it differently.

use super::error::unusable;
use super::key_log::KeyFile;
use super::pem;
use super::pins::{self, PinVerifier};
use super::verify::{AcceptAnything, TrustVerifier};
use crate::error::{Error, ErrorKind};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The ALPN name of HTTP/1.1 (RFC 7301 §6), the only protocol that is offered without the feature `http2`.
const PROTOCOL: &[u8] = b"http/1.1";
/// The ALPN name of HTTP/2 (RFC 9113 §3.2).
#[cfg(feature = "http2")]
pub(crate) const HTTP2: &[u8] = b"h2";

/// The TLS settings of a session.
#[derive(Default)]
pub(crate) struct Trust {
    pub(crate) more_roots: Vec<Vec<u8>>,
    /// The same in DER.
    pub(crate) more_roots_der: Vec<Vec<u8>>,
    pub(crate) only_these_roots: bool,
    pub(crate) accept_anything: bool,
    pub(crate) accept_any_name: bool,
    /// The public keys that servers may have, as curl writes them; empty: any.
    pub(crate) pins: Vec<String>,
    pub(crate) lowest: Option<TlsVersion>,
    pub(crate) highest: Option<TlsVersion>,
    pub(crate) no_sni: bool,
    /// PEM of a client's certificate chain and of its key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
    #[cfg(feature = "system-roots")]
    pub(crate) system_roots: bool,
    /// The file to which the secrets of every connection are written.
    pub(crate) key_log: Option<PathBuf>,
    /// A configuration made by the caller.
    pub(crate) ready_made: Option<Arc<ClientConfig>>,
}

/// A version of TLS, for [`min_tls_version`](crate::ClientSessionBuilder::min_tls_version). Older ones are not supported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TlsVersion {
    /// RFC 5246.
    V1_2,
    /// RFC 8446.
    V1_3,
}

/// The configuration that all sessions with default settings share.
pub(crate) fn shared() -> Arc<ClientConfig> {
    static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    // It contains only built-in values, so it cannot fail.
    let make = || Trust::default().config().expect("the built-in roots and ciphers fit together");
    Arc::clone(SHARED.get_or_init(make))
}

/// The same configuration, offering HTTP/2 first.
#[cfg(feature = "http2")]
pub(crate) fn offering_http2(config: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = vec![HTTP2.to_vec(), PROTOCOL.to_vec()];
    Arc::new(config)
}

/// The same configuration for a connection to a proxy, without the client's certificate. It resumes no sessions, because a
/// session made with the certificate would authenticate the client, too.
pub(crate) fn without_client_certificate(config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if !config.client_auth_cert_resolver.has_certs() {
        return config;
    }
    let mut config = Arc::unwrap_or_clone(config);
    config.client_auth_cert_resolver = Arc::new(NoCertificate);
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

impl Trust {
    pub(crate) fn is_default(&self) -> bool {
        self.ready_made.is_none() && self.leaves_all_as_it_is()
    }

    /// Whether there are no settings that a ready-made configuration would have to be changed for.
    fn leaves_all_as_it_is(&self) -> bool {
        self.more_roots.is_empty()
            && self.more_roots_der.is_empty()
            && !self.accept_any_name
            && self.pins.is_empty()
            && self.lowest.is_none()
            && self.highest.is_none()
            && !self.no_sni
            && !self.has_system_roots()
            && !self.only_these_roots
            && !self.accept_anything
            && self.identity.is_none()
            && self.key_log.is_none()
    }

    /// Makes the configuration.
    ///
    /// # Errors
    /// Of kind [`Tls`](ErrorKind::Tls), if a certificate or key cannot be read, no root is left, or there are wishes
    /// beside a ready-made configuration. Of kind [`Io`](ErrorKind::Io), if the file for the secrets cannot be opened.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(ready_made) = &self.ready_made {
            return self.adopt(ready_made);
        }
        let provider = Arc::new(provider());
        let verifier: Arc<dyn ServerCertVerifier> = if self.accept_anything {
            Arc::new(AcceptAnything { provider: Arc::clone(&provider) })
        } else {
            let added = self.added_roots()?;
            let roots = Arc::new(self.roots(&added)?);
            let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            let webpki = webpki.map_err(|cause| unusable("the root certificates").because(cause))?;
            Arc::new(TrustVerifier { webpki, added, any_name: self.accept_any_name })
        };
        let verifier = match pins::Pins::parse(&self.pins)? {
            Some(pins) => Arc::new(PinVerifier { inner: verifier, pins, sha256: pins::sha256(&provider)? }),
            None => verifier,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions()?)
            .map_err(|cause| unusable("the TLS versions").because(cause))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = certificates(chain, "the client certificate")?;
                let key = pem::private_key(key)
                    .map_err(|why| unusable("the client certificate's key").because(why))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|cause| unusable("the client certificate").because(cause))?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.enable_sni = !self.no_sni;
        if let Some(path) = &self.key_log {
            let file = KeyFile::open(path).map_err(|cause| {
                Error::new(ErrorKind::Io, format!("opening the key log {}", path.display())).because(cause)
            })?;
            config.key_log = Arc::new(file);
        }
        Ok(Arc::new(config))
    }

    /// The caller's own configuration, except that it cannot promise another protocol than ours.
    fn adopt(&self, ready_made: &Arc<ClientConfig>) -> Result<Arc<ClientConfig>, Error> {
        if !self.leaves_all_as_it_is() {
            return Err(unusable("tls_config, which leaves no room for other settings of TLS"));
        }
        if matches!(ready_made.alpn_protocols.as_slice(), [only] if only == PROTOCOL) {
            return Ok(Arc::clone(ready_made));
        }
        let mut config = ClientConfig::clone(ready_made);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    }

    fn versions(&self) -> Result<Vec<&'static SupportedProtocolVersion>, Error> {
        let known = [(TlsVersion::V1_3, &TLS13), (TlsVersion::V1_2, &TLS12)];
        let lowest = self.lowest.unwrap_or(TlsVersion::V1_2);
        let highest = self.highest.unwrap_or(TlsVersion::V1_3);
        let versions: Vec<_> = known
            .into_iter()
            .filter(|(version, _)| (lowest..=highest).contains(version))
            .map(|(_, version)| version)
            .collect();
        if versions.is_empty() {
            let what = format!(
                "min_tls_version {lowest:?} above max_tls_version {highest:?}: leave one of them out"
            );
            return Err(unusable(&what));
        }
        Ok(versions)
    }

    fn has_system_roots(&self) -> bool {
        #[cfg(feature = "system-roots")]
        return self.system_roots;
        #[cfg(not(feature = "system-roots"))]
        false
    }

    /// The certificates of `add_root_certificate`.
    fn added_roots(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let all: Result<Vec<_>, _> =
            self.more_roots.iter().map(|pem| certificates(pem, "a root certificate")).collect();
        let der = self.more_roots_der.iter().map(|der| CertificateDer::from(der.clone()));
        Ok(all?.concat().into_iter().chain(der).collect())
    }

    fn roots(&self, added: &[CertificateDer<'static>]) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        #[cfg(feature = "system-roots")]
        if self.system_roots {
            add_system_roots(&mut roots)?;
        }
        if !self.only_these_roots && !self.has_system_roots() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for certificate in added {
            roots.add(certificate.clone()).map_err(|cause| unusable("a root certificate").because(cause))?;
        }
        Ok(roots)
    }
}

#[cfg(not(feature = "aws-lc-rs"))]
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

#[cfg(feature = "aws-lc-rs")]
fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// The operating system's authorities. Stores often hold certificates that are too old to be understood; those are passed
/// over, as long as there are others.
#[cfg(feature = "system-roots")]
fn add_system_roots(roots: &mut RootCertStore) -> Result<(), Error> {
    let found = rustls_native_certs::load_native_certs();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(());
    }
    let error = unusable("the system's root certificates: none were found");
    Err(match found.errors.into_iter().next() {
        Some(cause) => error.because(cause),
        None => error,
    })
}

fn certificates(text: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    pem::certificates(text).map_err(|why| unusable(what).because(why))
}

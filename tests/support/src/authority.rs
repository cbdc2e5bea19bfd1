//! A certificate authority for the duration of a test.
//!
//! A client checks four properties of a server's certificate: a chain leads to a trusted authority, the signatures are
//! correct, it is valid today, and it names the host. A [`TestAuthority`] issues a certificate that passes, and for each
//! property one that fails in this property only. Keys are generated when they are needed, and stay in memory unless a test
//! writes them to a file for another server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A temporary certificate authority.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let authority = curio_support::TestAuthority::new()?;
/// let good = authority.localhost()?;
/// let bad = authority.expired()?;
/// assert!(authority.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// assert!(good.certificate_pem() != bad.certificate_pem());
/// # Ok(()) }
/// ```
pub struct TestAuthority {
    name: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

impl TestAuthority {
    /// Makes an authority with a new key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> io::Result<Self> {
        // A unique name: a client finds the signer by name, and with two authorities of the same name an unknown signer
        // would look like a forged signature.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name =
            format!("Test authority {} of {}", NEXT.fetch_add(1, Ordering::Relaxed), std::process::id());
        TestAuthority::named(&name)
    }

    fn named(name: &str) -> io::Result<Self> {
        let mut params = named(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages.clear();
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        let pem = issuer.pem();
        Ok(TestAuthority { name: name.to_owned(), issuer, pem })
    }

    /// The authority's own certificate, as PEM: what a client has to trust.
    pub fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// A TLS client's settings that trust this authority and no other: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// When rustls does not accept the authority's certificate.
    pub fn client_config(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// A good certificate for `localhost`, 127.0.0.1 and ::1.
    ///
    /// # Errors
    /// When the system gives no random bytes; so for the others.
    pub fn localhost(&self) -> io::Result<Identity> {
        self.sign(named("localhost", LOCAL_NAMES)?)
    }

    /// A good certificate for other names: DNS names (`*.example.test` too) or IP addresses.
    ///
    /// # Errors
    /// When a name is not ASCII.
    pub fn for_names(&self, names: &[&str]) -> io::Result<Identity> {
        self.sign(named(names.first().copied().unwrap_or("nameless"), names)?)
    }

    /// Valid except that it expired in 2001.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn expired(&self) -> io::Result<Identity> {
        let mut params = named("localhost", LOCAL_NAMES)?;
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    /// Valid except that it begins in the year 4000.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn not_yet_valid(&self) -> io::Result<Identity> {
        let mut params = named("localhost", LOCAL_NAMES)?;
        params.not_before = date_time_ymd(4000, 1, 1);
        params.not_after = date_time_ymd(4001, 1, 1);
        self.sign(params)
    }

    /// Valid except for the host: it is for `elsewhere.test`.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn wrong_host(&self) -> io::Result<Identity> {
        self.for_names(&["elsewhere.test"])
    }

    /// Signed with its own key, not by an authority.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn self_signed(&self) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = named("localhost", LOCAL_NAMES)?.self_signed(&key).map_err(io::Error::other)?;
        Ok(Identity::new(certificate, &key))
    }

    /// Signed with its own key and allowed to sign others, as `openssl req -x509` makes them; for `localhost`, unless a name
    /// is given, and valid for these years.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn self_signed_ca(name: Option<&str>, years: [i32; 2]) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = match name {
            None => named("localhost", LOCAL_NAMES)?,
            Some(name) => named(name, &[name])?,
        };
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        Ok(Identity::new(certificate, &key))
    }

    /// Valid, but signed by another authority, which is not trusted.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn unknown_authority(&self) -> io::Result<Identity> {
        TestAuthority::new()?.localhost()
    }

    /// Valid except for the signature, which is not that of the authority it names.
    ///
    /// # Errors
    /// As [`localhost`](Self::localhost).
    pub fn forged(&self) -> io::Result<Identity> {
        TestAuthority::named(&self.name)?.localhost()
    }

    fn sign(&self, params: CertificateParams) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Identity::new(certificate, &key))
    }
}

/// A certificate and its private key, for a server.
pub struct Identity {
    certificate: rcgen::Certificate,
    key_pem: String,
    key_der: Vec<u8>,
}

impl Identity {
    fn new(certificate: rcgen::Certificate, key: &KeyPair) -> Self {
        Identity { certificate, key_pem: key.serialize_pem(), key_der: key.serialize_der() }
    }

    /// The certificate as PEM, for a server's configuration file.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key as PEM (PKCS #8), for a server's configuration file.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// A TLS server's settings with this certificate: TLS 1.2 and 1.3, ALPN `http/1.1`.
    ///
    /// # Errors
    /// When rustls does not accept the key.
    pub fn server_config(&self) -> io::Result<Arc<ServerConfig>> {
        let chain: Vec<CertificateDer<'static>> = vec![self.certificate.der().clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// It is chosen explicitly, because the process-wide default would depend on what else is linked.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn named(common_name: &str, alternative_names: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = alternative_names.iter().map(|name| (*name).to_owned()).collect();
    // Names that are IP addresses become IP entries.
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

const LOCAL_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

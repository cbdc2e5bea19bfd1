//! Certificates: which are trusted, which is presented; and whether anything is sent unencrypted.

use super::ClientSessionBuilder;
use crate::connections::tls::trust::TlsVersion;
use rustls::ClientConfig;
use std::path::PathBuf;
use std::sync::Arc;

impl ClientSessionBuilder {
    /// Trusts the certificates in this PEM text as root certificates, besides the built-in ones.
    /// ```no_run
    /// use curio_http::ClientSession;
    ///
    /// let read = |name| std::fs::read(name).expect("a file beside the program");
    ///
    /// // A company with its own authority, whose servers ask for a certificate; beside the rest of the world.
    /// let session = ClientSession::builder()
    ///     .add_root_certificate(read("company.pem"))
    ///     .identity(read("client.pem"), read("client.key"))
    ///     .https_only(true)
    ///     .build()?;
    ///
    /// // A device that has a certificate of its own making, and is the only one to be trusted.
    /// let device = ClientSession::builder().only_root_certificates(read("device.pem")).build()?;
    ///
    /// // Only to look for the cause of a problem.
    /// let debugging =
    ///     ClientSession::builder().danger_accept_invalid_certs(true).key_log("tls-secrets.txt").build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    ///
    /// # Errors
    /// `build` reports a text that is not PEM, or has no certificate.
    pub fn add_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.more_roots.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts the certificates in this PEM text (and those of
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate)), but none of the built-in ones. An example is there.
    pub fn only_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.only_these_roots = true;
        self.add_root_certificate(pem)
    }

    /// Accepts any certificate of any server. The connection is then encrypted, but the server is not authenticated.
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust.accept_anything = accept;
        self
    }

    /// Trusts this certificate, in DER, as a root certificate, like
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate).
    ///
    /// ```no_run
    /// # use curio_http::ClientSession;
    /// let der = std::fs::read("authority.der").expect("a file");
    /// let session = ClientSession::builder().add_root_certificate_der(der).tls_built_in_root_certs(false).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn add_root_certificate_der(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.trust.more_roots_der.push(der.into());
        self
    }

    /// With `false`, the built-in root certificates are not trusted, only those that are added.
    pub fn tls_built_in_root_certs(mut self, on: bool) -> Self {
        self.trust.only_these_roots = !on;
        self
    }

    /// The lowest version of TLS that is spoken. 1.2 by default.
    ///
    /// # Errors
    /// `build` reports a lowest version above the [highest](ClientSessionBuilder::max_tls_version).
    ///
    /// ```
    /// # use curio_http::{ClientSession, TlsVersion};
    /// let session = ClientSession::builder().min_tls_version(TlsVersion::V1_3).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn min_tls_version(mut self, version: TlsVersion) -> Self {
        self.trust.lowest = Some(version);
        self
    }

    /// The highest version of TLS that is spoken. 1.3 by default.
    ///
    /// # Errors
    /// `build` reports a highest version below the [lowest](ClientSessionBuilder::min_tls_version). The example is in
    /// [`tls_sni`](ClientSessionBuilder::tls_sni).
    pub fn max_tls_version(mut self, version: TlsVersion) -> Self {
        self.trust.highest = Some(version);
        self
    }

    /// With `false`, the server is not told in the handshake which host is meant (SNI, RFC 6066 §3). A server for several hosts
    /// then presents the certificate of any of them, or fails. The certificate must be for the host all the same.
    /// ```
    /// # use curio_http::{ClientSession, TlsVersion};
    /// // For a device that is known to fail otherwise.
    /// let session = ClientSession::builder().max_tls_version(TlsVersion::V1_2).tls_sni(false).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn tls_sni(mut self, on: bool) -> Self {
        self.trust.no_sni = !on;
        self
    }

    /// Accepts certificates that are for another host than the URL's, if they are valid otherwise. Whoever has a certificate for any
    /// host can then be in the middle of the connection.
    /// ```no_run
    /// # use curio_http::ClientSession;
    /// // A service that is reached by its address, with a certificate of the company's authority for its name.
    /// let authority = std::fs::read("company.pem").expect("a file beside the program");
    /// let session = ClientSession::builder()
    ///     .only_root_certificates(authority)
    ///     .danger_accept_invalid_hostnames(true)
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn danger_accept_invalid_hostnames(mut self, accept: bool) -> Self {
        self.trust.accept_any_name = accept;
        self
    }

    /// Accepts only servers whose public key is this one, or another one that was pinned, besides everything that is verified
    /// otherwise: for programs that talk to one service. A pin is `sha256//` and the SHA-256 of the key in base64, as for curl's
    /// `--pinnedpubkey`; the error for a server with another key says the pin of that. Pin a second key that is kept
    /// somewhere else: without one, a lost key ends all connections. An `https://` proxy must have a pinned key, too.
    ///
    /// # Errors
    /// `build` reports a pin that is none.
    ///
    /// ```
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder()
    ///     .pin_public_key("sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=")
    ///     .pin_public_key("sha256//t62CeU2tQiqkexU74Gxa2eg7fRbEgoChTociMee9wno=")
    ///     .build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn pin_public_key(mut self, pin: impl Into<String>) -> Self {
        self.trust.pins.push(pin.into());
        self
    }

    /// A client certificate (with the chain that leads to its authority) and its private key, in PEM, for servers that
    /// ask for one. It is not presented to an `https://` proxy.
    pub fn identity(mut self, certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.trust.identity = Some((certificates.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// Trusts the root certificates of the operating system in place of the built-in ones (Cargo feature `system-roots`).
    /// [`build`](ClientSessionBuilder::build) reads them, which blocks for a moment; the environment variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` can name others. Those of
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate) are trusted as well.
    /// ```no_run
    /// # use curio_http::ClientSession;
    /// let session = ClientSession::builder().system_roots(true).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    #[cfg(feature = "system-roots")]
    pub fn system_roots(mut self, on: bool) -> Self {
        self.trust.system_roots = on;
        self
    }

    /// Adds the secrets of every TLS connection to this file, in NSS's format, so that a program like Wireshark can
    /// decrypt recorded connections. Anyone who can read the file can do that. The environment variable `SSLKEYLOGFILE` is
    /// not read: the file is written only if it is set here. [`build`](ClientSessionBuilder::build) opens it.
    pub fn key_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust.key_log = Some(path.into());
        self
    }

    /// A configuration of rustls (0.23): with a custom verifier or client certificate resolver, or with another crypto
    /// provider. It is used as it is, except that ALPN offers HTTP/1.1 only, and HTTP/2 with the feature `http2`. It cannot be
    /// combined with other TLS settings: [`build`](ClientSessionBuilder::build) reports that as an error.
    /// ```no_run
    /// use curio_http::ClientSession;
    /// use rustls::{ClientConfig, RootCertStore};
    /// use std::sync::Arc;
    ///
    /// let config = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    /// let session = ClientSession::builder().tls_config(Arc::new(config)).build()?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.trust.ready_made = Some(config);
        self
    }

    /// Refuses `http` URLs, also in redirects.
    pub fn https_only(mut self, on: bool) -> Self {
        self.settings.https_only = on;
        self
    }
}

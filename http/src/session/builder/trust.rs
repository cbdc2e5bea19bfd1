//! Certificates: which are trusted, which is presented; and whether anything is sent unencrypted.

use super::ClientSessionBuilder;
use rustls::ClientConfig;
use std::path::PathBuf;
use std::sync::Arc;

impl ClientSessionBuilder {
    /// Trusts the certificates in this PEM text as root certificates, besides the built-in ones.
    pub fn add_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.more_roots.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts the certificates in this PEM text (and those of
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate)), but none of the built-in ones.
    pub fn only_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.only_these_roots = true;
        self.add_root_certificate(pem)
    }

    /// Accepts any certificate of any server. The connection is then encrypted, but the server is not authenticated.
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust.accept_anything = accept;
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

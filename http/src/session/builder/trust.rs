//! Trust: which certificates are believed, which is shown, and whether anything goes out unencrypted.

use super::ClientSessionBuilder;
use rustls::ClientConfig;
use std::path::PathBuf;
use std::sync::Arc;

impl ClientSessionBuilder {
    /// Trusts the certificates in this PEM text as authorities, besides the built-in ones.
    pub fn add_root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.more_roots.push(pem.as_ref().to_vec());
        self
    }

    /// Trusts the certificates in this PEM text (and those of
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate)), but none of the built-in authorities.
    pub fn only_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.trust.only_these_roots = true;
        self.add_root_certificate(pem)
    }

    /// Accepts any certificate of any server. The connection is then encrypted, but anybody may be at its other end.
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust.accept_anything = accept;
        self
    }

    /// A client certificate (with the chain that leads to its authority) and its private key, in PEM, for servers that
    /// ask for one.
    pub fn identity(mut self, certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.trust.identity = Some((certificates.as_ref().to_vec(), key.as_ref().to_vec()));
        self
    }

    /// Trusts the authorities that the operating system trusts, in place of the built-in ones (Cargo feature
    /// `system-roots`). They are read by [`build`](ClientSessionBuilder::build), which blocks for a moment; the variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` can name others. Those of
    /// [`add_root_certificate`](ClientSessionBuilder::add_root_certificate) are trusted as well.
    #[cfg(feature = "system-roots")]
    pub fn system_roots(mut self, on: bool) -> Self {
        self.trust.system_roots = on;
        self
    }

    /// Adds the secrets of every TLS connection to this file, in NSS's format, so that a program like Wireshark can
    /// decrypt what it recorded. Whoever can read the file can read the connections. It is written only when it is asked
    /// for here; the variable `SSLKEYLOGFILE` is not looked at. The file is opened by
    /// [`build`](ClientSessionBuilder::build).
    pub fn key_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust.key_log = Some(path.into());
        self
    }

    /// A configuration of rustls (0.23) that was made elsewhere: with a verifier or a source of client certificates of
    /// one's own, or with another provider of cryptography. It is used as it is, except that HTTP/1.1 is the protocol it
    /// offers (ALPN), and goes together with no other setting of TLS: [`build`](ClientSessionBuilder::build) refuses that.
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.trust.ready_made = Some(config);
        self
    }

    /// Refuses to send anything unencrypted, redirects included.
    pub fn https_only(mut self, on: bool) -> Self {
        self.settings.https_only = on;
        self
    }
}

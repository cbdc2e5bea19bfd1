//! Trust: which certificates are believed, which is shown, and whether anything goes out unencrypted.

use super::ClientSessionBuilder;

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

    /// Refuses to send anything unencrypted, redirects included.
    pub fn https_only(mut self, on: bool) -> Self {
        self.settings.https_only = on;
        self
    }
}

//! A TLS server in blocking threads whose certificate and settings a test makes itself, and which remembers what its
//! clients asked for.
#![allow(dead_code, reason = "each test file uses a part of this module")]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An authority with settings of its own, as its PEM says.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(set: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "An authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        set(&mut params);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// A server's settings, with a certificate for `names` and a common name, offering `protocols`.
    pub(crate) fn server(&self, names: &[&str], common_name: &str, protocols: &[&[u8]]) -> ServerConfig {
        self.server_with(names, common_name, protocols, |_| {})
    }

    /// The same, with other settings of the certificate.
    pub(crate) fn server_with(
        &self,
        names: &[&str],
        common_name: &str,
        protocols: &[&[u8]],
        set: impl FnOnce(&mut CertificateParams),
    ) -> ServerConfig {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, common_name);
        set(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
            .expect("a certificate");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }
}

/// What a client asked for in its handshake.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) name: Option<String>,
    pub(crate) protocol: Option<Vec<u8>>,
}

pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TlsServer {
    /// Answers every request with `reply`, and keeps the connection.
    pub(crate) fn start(config: ServerConfig, reply: &'static [u8]) -> TlsServer {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (config, log) = (Arc::new(config), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().take(100) {
                let Ok(mut stream) = stream else { return };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                let (config, log) = (Arc::clone(&config), Arc::clone(&log));
                std::thread::spawn(move || {
                    let mut tls = ServerConnection::new(config).expect("good settings");
                    while tls.is_handshaking() {
                        if tls.complete_io(&mut stream).is_err() {
                            return;
                        }
                    }
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(Seen {
                        name: tls.server_name().map(str::to_owned),
                        protocol: tls.alpn_protocol().map(<[u8]>::to_vec),
                    });
                    let mut stream = rustls::Stream::new(&mut tls, &mut stream);
                    let mut space = [0; 4096];
                    while matches!(stream.read(&mut space), Ok(1..)) && stream.write_all(reply).is_ok() {}
                });
            }
        });
        TlsServer { address, seen }
    }

    /// One for each handshake that was completed.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! The httpbin over TLS, asked by a rustls client that has nothing else of ours.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::time::Duration;

use curio::TcpStream;
use curio_support::{Httpbin, TestAuthority};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

#[test]
fn a_tls_client_is_served_like_any_other() {
    curio::run(async {
        let authority = TestAuthority::new().unwrap();
        let httpbin = Httpbin::start_tls(&authority.localhost().unwrap()).await.unwrap();
        let text = tls_exchange(&httpbin, &authority, "GET /bytes/100000 HTTP/1.0\r\n\r\n").await.unwrap();
        assert!(text.starts_with(b"HTTP/1.1 200 OK\r\n"));
        assert!(text.len() > 100_000, "{}", text.len());
    });
}

#[test]
fn a_bad_certificate_is_refused_by_a_client_that_looks() {
    curio::run(async {
        let authority = TestAuthority::new().unwrap();
        for identity in [
            authority.expired(),
            authority.not_yet_valid(),
            authority.wrong_host(),
            authority.self_signed(),
            authority.unknown_authority(),
            authority.forged(),
        ] {
            let httpbin = Httpbin::start_tls(&identity.unwrap()).await.unwrap();
            tls_exchange(&httpbin, &authority, "GET / HTTP/1.0\r\n\r\n").await.unwrap_err();
            let noticed = async {
                while httpbin.counters().failed_handshakes() == 0 || httpbin.counters().open() > 0 {
                    curio::sleep(Duration::from_millis(2)).await;
                }
            };
            curio::timeout_after(Duration::from_secs(5), noticed).await.unwrap();
        }
    });
}

/// An exchange through a rustls client that trusts the authority: everything until the end of the stream.
async fn tls_exchange(httpbin: &Httpbin, authority: &TestAuthority, request: &str) -> io::Result<Vec<u8>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tls =
        rustls::ClientConnection::new(config.into(), ServerName::try_from("127.0.0.1").unwrap()).unwrap();
    tls.writer().write_all(request.as_bytes())?;

    let stream = TcpStream::connect(httpbin.address()).await?;
    let (mut plain, mut buffer) = (Vec::new(), vec![0; 4096]);
    loop {
        let mut out = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut out)?;
        }
        stream.sendall(&out).await?;
        let n = stream.recv(&mut buffer).await?;
        let mut unread = &buffer[..n];
        while n == 0 || !unread.is_empty() {
            tls.read_tls(&mut unread)?;
            if let Err(error) = tls.process_new_packets() {
                let mut alert = Vec::new();
                tls.write_tls(&mut alert)?;
                stream.sendall(&alert).await?;
                return Err(io::Error::other(error));
            }
            match tls.reader().read_to_end(&mut plain) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) => return Ok(plain),
                Err(error) => return Err(error),
            }
        }
    }
}

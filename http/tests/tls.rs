//! HTTPS: whom it trusts, what it says when it does not, and how a stream may end.

mod server;

use curio_http::{ClientSession, ClientSessionBuilder, Error, ErrorKind};
use curio_support::{HostileServer, Httpbin, Identity, Script, TestAuthority};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use server::Reader;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

fn authority() -> TestAuthority {
    TestAuthority::new().expect("an authority")
}

fn trusting(authority: &TestAuthority) -> ClientSessionBuilder {
    ClientSession::builder().only_root_certificates(authority.ca_pem())
}

/// Gets from a server that shows `identity`, with a session that trusts `authority`.
fn get(authority: &TestAuthority, identity: std::io::Result<Identity>, host: &str) -> Result<String, Error> {
    let identity = identity.expect("a certificate");
    curio::run(async {
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        let address = SocketAddr::from(([127, 0, 0, 1], httpbin.address().port()));
        let session = trusting(authority).resolve(host, address).build()?;
        session.get(format!("https://{host}:{}/get", address.port())).await?.text().await
    })
}

fn refused(identity: impl FnOnce(&TestAuthority) -> std::io::Result<Identity>, host: &str) -> String {
    let authority = authority();
    let error = get(&authority, identity(&authority), host).expect_err("a bad certificate");
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    let line = error.to_string();
    assert!(line.starts_with(&format!("GET https://{host}:")) && line.contains("TLS handshake"), "{line}");
    line
}

#[test]
fn a_certificate_of_a_trusted_authority_is_accepted_for_each_of_its_names() {
    let authority = authority();
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert!(get(&authority, authority.localhost(), host).expect(host).contains("https://"));
    }
}

#[test]
fn case_111_an_expired_certificate_is_called_that_with_its_date() {
    let line = refused(TestAuthority::expired, "localhost");
    assert!(line.contains("expired") && line.contains("2001-01-01"), "{line}");
}

#[test]
fn case_111_a_certificate_that_is_not_valid_yet_is_called_that() {
    let line = refused(TestAuthority::not_yet_valid, "localhost");
    assert!(line.contains("not valid yet") && line.contains("4000-01-01"), "{line}");
}

#[test]
fn case_111_a_certificate_for_another_host_is_called_that_with_both_names() {
    let line = refused(TestAuthority::wrong_host, "localhost");
    assert!(line.contains("is for elsewhere.test, not for localhost"), "{line}");
}

#[test]
fn case_111_a_self_signed_certificate_is_called_that() {
    assert!(refused(TestAuthority::self_signed, "localhost").contains("self-signed"));
}

/// Gets from a server that shows a self-signed certificate which may sign others, with a session that trusts just that one.
fn get_self_signed_ca(name: Option<&str>, years: [i32; 2]) -> Result<u16, Error> {
    let identity = TestAuthority::self_signed_ca(name, years).expect("a certificate");
    curio::run(async {
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        let session = ClientSession::builder()
            .only_root_certificates(identity.certificate_pem())
            .build()
            .expect("a session");
        let url = format!("https://localhost:{}/get", httpbin.address().port());
        Ok(session.get(url).await?.status_code())
    })
}

/// As curl with `--cacert` and OpenSSL accept it.
#[test]
fn a_self_signed_certificate_that_was_added_is_accepted_although_it_may_sign_others() {
    assert_eq!(get_self_signed_ca(None, [2000, 4000]).expect("trusted"), 200);
}

#[test]
fn a_self_signed_certificate_that_was_added_still_needs_the_right_name_and_date() {
    let error = |name, years| get_self_signed_ca(name, years).expect_err("not trusted").to_string();
    assert!(error(None, [2000, 2001]).contains("expired"));
    assert!(error(None, [3999, 4000]).contains("not valid yet"));
    let line = error(Some("elsewhere.test"), [2000, 4000]);
    assert!(line.contains("elsewhere.test") && line.contains("not for localhost"), "{line}");
}

#[test]
fn case_111_a_certificate_of_an_unknown_authority_is_called_that() {
    assert!(refused(TestAuthority::unknown_authority, "localhost").contains("not trusted"));
}

#[test]
fn case_111_a_certificate_with_a_wrong_signature_is_called_that() {
    assert!(refused(TestAuthority::forged, "localhost").contains("wrong signature"));
}

#[test]
fn case_112_an_address_is_not_found_among_names_nor_a_name_among_addresses() {
    refused(|authority| authority.for_names(&["localhost"]), "127.0.0.1");
    refused(|authority| authority.for_names(&["127.0.0.1"]), "localhost");
}

#[test]
fn case_113_a_wildcard_stands_for_one_label() {
    let authority = authority();
    let wildcard = || authority.for_names(&["*.example.test"]);
    assert!(get(&authority, wildcard(), "a.example.test").is_ok());
    assert!(get(&authority, wildcard(), "example.test").is_err());
    assert!(get(&authority, wildcard(), "a.b.example.test").is_err());
}

#[test]
fn case_122_a_dot_at_the_end_of_a_name_is_not_part_of_it_for_tls() {
    let authority = authority();
    assert!(get(&authority, authority.localhost(), "localhost.").is_ok());
}

#[test]
fn the_built_in_authorities_do_not_trust_a_private_one() {
    let authority = authority();
    curio::run(async {
        let identity = authority.localhost().expect("a certificate");
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        assert!(ClientSession::new().get(httpbin.url("/get")).await.expect_err("unknown").is_tls());
        let session =
            ClientSession::builder().add_root_certificate(authority.ca_pem()).build().expect("good settings");
        assert!(session.get(httpbin.url("/get")).await.expect("now known").ok());
    });
}

#[test]
fn accepting_anything_concerns_only_the_session_that_does() {
    let authority = authority();
    curio::run(async {
        let identity = authority.expired().expect("a certificate");
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        let careless =
            ClientSession::builder().danger_accept_invalid_certs(true).build().expect("good settings");
        assert!(careless.get(httpbin.url("/get")).await.expect("anything goes").ok());
        let careful = trusting(&authority).build().expect("good settings");
        assert!(careful.get(httpbin.url("/get")).await.expect_err("expired").is_tls());
    });
}

#[test]
fn case_036_a_server_that_speaks_plain_http_is_recognised() {
    let error = curio::run(async {
        let script =
            Script::new().read(5).send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").close();
        let server = HostileServer::start([script]).await.expect("a server");
        let url = server.url("/").replace("http://", "https://");
        ClientSession::new().get(url).await.expect_err("no TLS")
    });
    assert!(error.is_tls() && error.to_string().contains("plain HTTP"), "{error}");
}

#[test]
fn case_119_a_server_that_speaks_something_else_or_nothing_is_a_tls_error() {
    for (script, expected) in [
        (Script::new().read(5).send("SSH-2.0-OpenSSH_9.6\r\n").stall(), "not TLS"),
        (Script::new().read(5).close(), "closed the connection"),
        (Script::new().read(5).reset(), "reset"),
    ] {
        let error = curio::run(async {
            let server = HostileServer::start([script]).await.expect("a server");
            let url = server.url("/").replace("http://", "https://");
            ClientSession::new().get(url).timeout(Duration::from_secs(5)).await.expect_err("no TLS")
        });
        assert!(error.is_tls() && error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_connection_is_reused_and_pools_of_both_schemes_are_apart() {
    let authority = authority();
    curio::run(async {
        let identity = authority.localhost().expect("a certificate");
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        let session = trusting(&authority).build().expect("good settings");
        for _ in 0..20 {
            let mut response = session.get(httpbin.url("/bytes/3000")).await.expect("an answer");
            assert_eq!(response.binary().await.expect("a body").len(), 3000);
            curio::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(httpbin.counters().accepted(), 1);
        session.close().await;
    });
}

#[test]
fn large_bodies_go_through_in_both_directions_and_in_both_versions_of_tls() {
    let authority = authority();
    for version in [&TLS12, &TLS13] {
        let server = echoing(&authority.localhost().expect("a certificate"), None, version);
        let session = trusting(&authority).build().expect("good settings");
        let body: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        curio::run(async {
            for _ in 0..2 {
                let request = session.post(format!("https://{server}/")).data(body.clone());
                let mut response = request.await.expect("an answer");
                assert!(response.binary().await.expect("a body") == body);
            }
        });
    }
}

#[test]
fn a_second_connection_to_a_server_resumes_the_first_ones_session() {
    let authority = authority();
    for version in [&TLS12, &TLS13] {
        let url =
            format!("https://{}/", echoing(&authority.localhost().expect("a certificate"), None, version));
        let session = trusting(&authority).build().expect("good settings");
        let handshake = async || {
            let response = session.get(&url).await.expect("an answer");
            session.close().await;
            response.header("x-handshake").map(str::to_owned)
        };
        curio::run(async {
            assert_eq!(handshake().await.as_deref(), Some("Some(Full)"));
            assert_eq!(handshake().await.as_deref(), Some("Some(Resumed)"));
        });
    }
}

fn ended_by(script: Script) -> Result<String, Error> {
    let authority = authority();
    curio::run(async {
        let identity = authority.localhost().expect("a certificate");
        let server = HostileServer::start_tls(&identity, [script]).await.expect("a server");
        trusting(&authority).build()?.get(server.url("/")).await?.text().await
    })
}

#[test]
fn case_055_a_body_that_ends_with_the_connection_needs_the_tls_goodbye() {
    let script = || Script::new().read_head().send("HTTP/1.1 200 OK\r\n\r\nall of it");
    assert_eq!(ended_by(script().close()).expect("a proper end"), "all of it");
    let error = ended_by(script().truncate()).expect_err("no close_notify");
    assert!(error.is_body() && error.to_string().contains("cut short"), "{error}");
}

#[test]
fn case_056_a_body_with_a_length_does_not_need_the_tls_goodbye() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let whole = Script::new().read_head().send(format!("{head}all of it"));
    assert_eq!(ended_by(whole.truncate()).expect("it is whole"), "all of it");
    let short = Script::new().read_head().send(format!("{head}half")).truncate();
    assert!(ended_by(short).expect_err("it is short").to_string().contains("4 of 9"));
}

#[test]
fn a_response_that_comes_in_pieces_of_any_size_is_the_same() {
    let bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwhol\r\n1\r\ne\r\n0\r\n\r\n";
    assert_eq!(
        ended_by(Script::new().read_head().send_byte_by_byte(bytes).stall()).expect("a body"),
        "whole"
    );
}

/// A client certificate of an authority of its own: the authority's certificate, the client's, and its key, in PEM.
fn client_certificate() -> (String, String, String) {
    let params = |name: &str| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params
    };
    let mut issuer = params("issuer.test");
    issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(issuer, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let client = params("client.test").signed_by(&key, &issuer).expect("a certificate");
    (issuer.pem(), client.pem(), key.serialize_pem())
}

/// A TLS server in blocking threads that sends back the body of each request. If it is given an authority, it wants a
/// certificate of it from its clients.
fn echoing(
    identity: &Identity,
    client_authority: Option<&str>,
    version: &'static SupportedProtocolVersion,
) -> SocketAddr {
    let provider = Arc::new(ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes()).expect("pem")];
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).expect("pem");
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .expect("a version");
    let builder = match client_authority {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("pem")).expect("a root");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let config = Arc::new(builder.with_single_cert(chain, key).expect("a certificate"));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let Ok(stream) = stream else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a good configuration");
            let mut reader = Reader::new(StreamOwned::new(connection, stream));
            while let Ok(Some(request)) = reader.request() {
                let (length, kind) = (request.body.len(), reader.stream.conn.handshake_kind());
                let head =
                    format!("HTTP/1.1 200 OK\r\nX-Handshake: {kind:?}\r\nContent-Length: {length}\r\n\r\n");
                let sent = reader.stream.write_all(head.as_bytes());
                if sent.and_then(|()| reader.stream.write_all(&request.body)).is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[test]
fn a_client_certificate_is_shown_to_a_server_that_asks_for_one() {
    let authority = authority();
    let (client_authority, certificate, key) = client_certificate();
    let server = echoing(&authority.localhost().expect("a certificate"), Some(&client_authority), &TLS13);
    let url = format!("https://{server}/");
    let with = trusting(&authority).identity(&certificate, &key).build().expect("good settings");
    let without = trusting(&authority).build().expect("good settings");
    curio::run(async {
        let mut response = with.post(&url).data("hello").await.expect("an answer");
        assert_eq!(response.text().await.expect("a body"), "hello");
        with.close().await;
        let error = without.get(&url).await.expect_err("no certificate");
        assert!(error.is_tls() && error.to_string().contains("client certificate"), "{error}");
    });
}

/// A proxy has no business with the certificate that is meant for the server: curl sends `--cert` through a tunnel only, and
/// has `--proxy-cert` for the proxy.
#[test]
fn a_client_certificate_is_shown_to_the_server_and_not_to_the_proxy_on_the_way() {
    let authority = authority();
    let (client_authority, certificate, key) = client_certificate();
    let config = asking_for_certificates(&authority.localhost().expect("a certificate"), &client_authority);
    let (told, shown) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    // Proxy and server in one: whatever tunnel is asked for leads to itself.
    let proxy = server::Server::on_connection(move |_, stream| {
        let tls = || ServerConnection::new(config.clone()).expect("a configuration");
        let tell = |conn: &ServerConnection| {
            let _ = told.lock().expect("no panic").send(conn.peer_certificates().is_some());
        };
        let mut outer = Reader::new(StreamOwned::new(tls(), stream));
        let Ok(Some(_)) = outer.request() else { return };
        tell(&outer.stream.conn);
        let _ = outer.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let mut inner = Reader::new(StreamOwned::new(tls(), outer.stream));
        let Ok(Some(_)) = inner.request() else { return };
        tell(&inner.stream.conn);
        let _ = inner.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    let with_identity = || trusting(&authority).identity(&certificate, &key);
    let ready_made = {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).expect("pem"))
            .expect("a root");
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("pem")];
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("pem"));
        ClientSession::builder().tls_config(Arc::new(config.expect("a certificate")))
    };
    for builder in [with_identity(), ready_made] {
        let session = builder.proxy(format!("https://{}", proxy.addr())).build().expect("good settings");
        let text = curio::run(async { session.get("https://localhost:1/").await?.text().await });
        assert_eq!(text.expect("an answer"), "ok");
        let shown = [(); 2].map(|()| shown.recv_timeout(Duration::from_secs(10)).expect("a handshake"));
        assert_eq!(shown, [false, true], "to the proxy, to the server");
    }
}

/// The settings of a server that takes a certificate of this authority, and does not insist on one.
fn asking_for_certificates(identity: &Identity, client_authority: &str) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(client_authority.as_bytes()).expect("pem")).expect("a root");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .expect("a verifier");
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes()).expect("pem")];
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).expect("pem");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .expect("a certificate");
    Arc::new(config)
}

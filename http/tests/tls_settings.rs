//! TLS versions, names, pinned keys, and roots in DER.

mod tls_server;

use curio_http::{ClientSession, ClientSessionBuilder, Error, TlsVersion};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;
use tls_server::{Authority, TlsServer};

const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The same settings, for these versions only.
fn speaking(config: &ServerConfig, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let provider = Arc::clone(config.crypto_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let mut other = builder
        .expect("versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&config.cert_resolver));
    other.alpn_protocols.clone_from(&config.alpn_protocols);
    other
}

/// The version of TLS that a request is sent with, or why it is not.
fn ask(server: &TlsServer, host: &str, builder: ClientSessionBuilder) -> Result<String, Error> {
    curio::run(async {
        let session = builder.resolve(host, server.address).build()?;
        let response = session.get(format!("https://{host}:{}/", server.address.port())).await?;
        let version = response.tls().expect("TLS").version().to_owned();
        session.close().await;
        Ok(version)
    })
}

fn trusting(authority: &Authority) -> ClientSessionBuilder {
    ClientSession::builder().only_root_certificates(authority.pem())
}

#[test]
fn no_version_below_the_lowest_or_above_the_highest_is_spoken() {
    let authority = Authority::new(|_| {});
    let config = authority.server(&["localhost"], "x", &[]);
    let old = TlsServer::start(speaking(&config, &[&TLS12]), REPLY);
    let new = TlsServer::start(speaking(&config, &[&TLS13]), REPLY);
    let only_old = || trusting(&authority).max_tls_version(TlsVersion::V1_2);
    let only_new = || trusting(&authority).min_tls_version(TlsVersion::V1_3);
    assert!(ask(&old, "localhost", only_old()).expect("a response").contains("1.2"));
    assert!(ask(&new, "localhost", only_new()).expect("a response").contains("1.3"));
    assert!(ask(&old, "localhost", only_new()).expect_err("too old").is_tls());
    assert!(ask(&new, "localhost", only_old()).expect_err("too new").is_tls());
    assert!(ask(&old, "localhost", trusting(&authority)).is_ok());
}

#[test]
fn versions_of_which_none_is_left_are_refused() {
    let builder =
        ClientSession::builder().min_tls_version(TlsVersion::V1_3).max_tls_version(TlsVersion::V1_2);
    let error = builder.build().expect_err("none is left");
    assert!(error.is_tls() && error.to_string().contains("leave one of them out"), "{error}");
}

#[test]
fn a_certificate_for_another_name_is_accepted_only_if_that_was_asked_for() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["other.example"], "x", &[]), REPLY);
    assert!(ask(&server, "localhost", trusting(&authority)).expect_err("another name").is_tls());
    let any_name = || ClientSession::builder().danger_accept_invalid_hostnames(true);
    assert!(ask(&server, "localhost", any_name().only_root_certificates(authority.pem())).is_ok());
    // The authority must be trusted all the same.
    let unknown = ask(&server, "localhost", any_name()).expect_err("an unknown authority");
    assert!(unknown.to_string().contains("not trusted"), "{unknown}");
}

#[test]
fn an_expired_certificate_for_another_name_stays_refused() {
    let authority = Authority::new(|_| {});
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let server = TlsServer::start(authority.server_with(&["other.example"], "x", &[], expired), REPLY);
    let any_name = trusting(&authority).danger_accept_invalid_hostnames(true);
    let error = ask(&server, "localhost", any_name).expect_err("expired");
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn the_name_of_the_host_is_not_sent_if_sni_is_off() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["localhost"], "x", &[]), REPLY);
    ask(&server, "localhost", trusting(&authority)).expect("a response");
    ask(&server, "localhost", trusting(&authority).tls_sni(false)).expect("a response");
    let names: Vec<_> = server.seen().into_iter().map(|seen| seen.name).collect();
    assert_eq!(names, [Some("localhost".into()), None]);
}

/// The pin that the error names.
fn pin_in(error: &Error) -> String {
    let text = error.to_string();
    let at = text.find("sha256//").unwrap_or_else(|| panic!("no pin in {text}"));
    text[at..at + 52].to_owned()
}

#[test]
fn a_key_that_is_pinned_is_accepted_and_any_other_refused_with_its_pin() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["localhost"], "x", &[]), REPLY);
    let other = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let error =
        ask(&server, "localhost", trusting(&authority).pin_public_key(other)).expect_err("another key");
    assert!(error.is_tls() && error.to_string().contains("none of the pinned ones"), "{error}");
    let pin = pin_in(&error);
    assert!(ask(&server, "localhost", trusting(&authority).pin_public_key(&*pin)).is_ok());
    let both = trusting(&authority).pin_public_key(other).pin_public_key(&*pin);
    assert!(ask(&server, "localhost", both).is_ok());
    // Also where no certificate is verified; and a pin vouches for nothing else.
    let insecure = || ClientSession::builder().danger_accept_invalid_certs(true);
    assert!(ask(&server, "localhost", insecure().pin_public_key(&*pin)).is_ok());
    assert!(ask(&server, "localhost", insecure().pin_public_key(other)).is_err());
    let unknown =
        ask(&server, "localhost", ClientSession::builder().pin_public_key(pin)).expect_err("unknown");
    assert!(unknown.to_string().contains("not trusted"), "{unknown}");
}

#[test]
fn a_pin_that_is_none_is_refused_with_the_form_of_one() {
    for pin in ["", "sha256//", "sha256//short=", "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        let error = ClientSession::builder().pin_public_key(pin).build().expect_err("no pin");
        assert!(error.is_tls() && error.to_string().contains("44 characters"), "{error}");
    }
    let dashes = format!("sha256//{}=", "-".repeat(43));
    assert!(ClientSession::builder().pin_public_key(dashes).build().is_err());
}

#[test]
fn a_root_certificate_may_be_given_in_der() {
    let authority = Authority::new(|_| {});
    let server = TlsServer::start(authority.server(&["localhost"], "x", &[]), REPLY);
    let der = || ClientSession::builder().add_root_certificate_der(authority.der());
    assert!(ask(&server, "localhost", der()).is_ok());
    assert!(ask(&server, "localhost", der().tls_built_in_root_certs(false)).is_ok());
    let pem = ClientSession::builder().add_root_certificate_der(authority.pem()).build();
    assert!(pem.expect_err("PEM is no DER").is_tls());
    let none = ClientSession::builder().tls_built_in_root_certs(false).build();
    assert!(none.expect_err("no root is left").is_tls());
}

#[test]
fn a_ready_made_configuration_leaves_no_room_for_these_settings() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let config = Arc::new(config);
    let with = || ClientSession::builder().tls_config(Arc::clone(&config));
    let refused = [
        with().min_tls_version(TlsVersion::V1_3),
        with().max_tls_version(TlsVersion::V1_3),
        with().tls_sni(false),
        with().danger_accept_invalid_hostnames(true),
        with().pin_public_key("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        with().add_root_certificate_der([0]),
    ];
    for builder in refused {
        assert!(builder.build().expect_err("no room").to_string().contains("tls_config"));
    }
    assert!(with().build().is_ok());
}

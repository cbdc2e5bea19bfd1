//! Secrets of TLS, and configurations that were made elsewhere: only what was asked for, and nothing beside it.

use curio_http::{ClientSession, ClientSessionBuilder, ErrorKind};
use curio_support::{Httpbin, TestAuthority};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// A file of this name that is not there, and is removed at the end.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Path {
        let path = std::env::temp_dir().join(format!("curio-keys-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        Path(path)
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Gets once from a TLS server with a session that `set` makes for its authority.
fn get(set: impl FnOnce(&TestAuthority) -> ClientSessionBuilder) -> Result<String, curio_http::Error> {
    let authority = TestAuthority::new().expect("an authority");
    let identity = authority.localhost().expect("a certificate");
    let session = set(&authority).build()?;
    curio::run(async {
        let httpbin = Httpbin::start_tls(&identity).await.expect("a server");
        session.get(httpbin.url("/get")).await?.text().await
    })
}

fn trusting(authority: &TestAuthority) -> ClientSessionBuilder {
    ClientSession::builder().only_root_certificates(authority.ca_pem())
}

fn ready_made(authority: &TestAuthority, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let pem = authority.ca_pem();
    let certificate = CertificateDer::from_pem_slice(pem.as_ref()).expect("a certificate");
    roots.add(certificate).expect("a root");
    let config = ClientConfig::builder_with_provider(ring::default_provider().into());
    let config = config.with_safe_default_protocol_versions().expect("versions of TLS");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

#[test]
fn case_120_a_key_log_is_written_when_it_is_asked_for() {
    let path = Path::new("asked");
    get(|authority| trusting(authority).key_log(&path.0)).expect("an answer");
    let text = fs::read_to_string(&path.0).expect("a key log");
    let labels: BTreeSet<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(
        labels.contains("CLIENT_TRAFFIC_SECRET_0") && labels.contains("SERVER_TRAFFIC_SECRET_0"),
        "{labels:?}"
    );
    for line in text.lines() {
        let fields: Vec<_> = line.split(' ').collect();
        assert_eq!(fields.len(), 3);
        assert_eq!(fields[1].len(), 64, "the client's random number has 32 bytes");
        assert!(fields[1..].iter().all(|field| field.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}

#[test]
fn case_120_a_key_log_is_added_to_and_is_for_its_owner_only() {
    let path = Path::new("added");
    for _ in 0..2 {
        get(|authority| trusting(authority).key_log(&path.0)).expect("an answer");
    }
    let text = fs::read_to_string(&path.0).expect("a key log");
    let connections: BTreeSet<_> = text.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(connections.len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path.0).expect("a file").permissions().mode() & 0o777, 0o600);
    }
}

/// Plays its part in the test below, in a process of its own whose environment has the variable.
#[test]
fn a_request_over_tls() {
    get(trusting).expect("an answer");
}

#[test]
fn case_120_the_environment_alone_writes_no_key_log() {
    let path = Path::new("environment");
    let this = std::env::current_exe().expect("this program");
    let status = Command::new(this)
        .args(["--exact", "a_request_over_tls"])
        .env("SSLKEYLOGFILE", &path.0)
        .output()
        .expect("this program runs");
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success() && said.contains("1 passed"), "{said}");
    assert!(!path.0.exists(), "nothing was written");
}

#[test]
fn a_key_log_that_cannot_be_opened_is_an_error_of_the_builder() {
    let error = ClientSession::builder().key_log("/nowhere/at/all").build().expect_err("no such folder");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("opening the key log /nowhere/at/all"), "{error}");
}

#[test]
fn a_ready_made_configuration_is_used() {
    get(|authority| ClientSession::builder().tls_config(ready_made(authority, &[b"http/1.1"])))
        .expect("an answer");
    let other = TestAuthority::new().expect("an authority");
    let error =
        get(|_| ClientSession::builder().tls_config(ready_made(&other, &[]))).expect_err("another authority");
    assert!(error.is_tls(), "{error}");
}

#[test]
fn a_ready_made_configuration_cannot_promise_another_protocol() {
    get(|authority| ClientSession::builder().tls_config(ready_made(authority, &[b"h2"])))
        .expect("HTTP/1.1 all the same");
}

#[test]
fn a_ready_made_configuration_goes_with_no_other_setting_of_tls() {
    let error =
        get(|authority| trusting(authority).tls_config(ready_made(authority, &[]))).expect_err("both");
    assert!(error.is_tls() && error.to_string().contains("tls_config"), "{error}");
    get(|authority| ClientSession::builder().key_log("x").tls_config(ready_made(authority, &[])))
        .expect_err("both");
    assert!(!PathBuf::from("x").exists());
}

#[cfg(feature = "system-roots")]
#[test]
fn the_systems_roots_take_the_place_of_the_built_in_ones() {
    let path = Path::new("roots.pem");
    let other = TestAuthority::new().expect("an authority");
    fs::write(&path.0, other.ca_pem()).expect("a file");
    // The part is played by a process of its own, whose environment names the file as the system's.
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this)
        .args(["--exact", "a_request_with_the_systems_roots", "--ignored"])
        .env("SSL_CERT_FILE", &path.0)
        .output()
        .expect("this program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[cfg(feature = "system-roots")]
#[test]
#[ignore = "a part that another test has played, in an environment of its own"]
fn a_request_with_the_systems_roots() {
    let error = get(|_| ClientSession::builder().system_roots(true)).expect_err("an authority of the test");
    assert!(error.is_tls(), "{error}");
    get(|authority| ClientSession::builder().system_roots(true).add_root_certificate(authority.ca_pem()))
        .expect("both are trusted");
}

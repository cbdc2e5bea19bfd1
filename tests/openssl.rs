//! The client against OpenSSL's TLS, which shares no line with ours.
#![forbid(unsafe_code)]

use curio_http::ClientSession;
use curio_support::peers::OpenSsl;
use curio_support::{Failure, TestAuthority};
use serde_json::Value;

/// The small document, from an `openssl s_server` with these arguments and a good certificate.
fn hello(arguments: &[&str]) -> Result<Option<Result<Value, curio_http::Error>>, Failure> {
    let authority = TestAuthority::new()?;
    let Some(server) = OpenSsl::start(&authority.localhost()?, arguments)? else { return Ok(None) };
    let session = ClientSession::builder().add_root_certificate(authority.ca_pem()).build()?;
    Ok(Some(curio::run(async { session.get(server.url("/hello.json")).await?.json().await })))
}

#[test]
fn tls_1_3_is_spoken() -> Result<(), Failure> {
    let Some(answer) = hello(&["-tls1_3"])? else { return Ok(()) };
    assert_eq!(answer?["server"], "openssl");
    Ok(())
}

#[test]
fn tls_1_2_is_spoken() -> Result<(), Failure> {
    let Some(answer) = hello(&["-tls1_2"])? else { return Ok(()) };
    assert_eq!(answer?["server"], "openssl");
    Ok(())
}

#[test]
fn case_118_tls_1_1_is_refused_by_its_name() -> Result<(), Failure> {
    let Some(answer) = hello(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])? else { return Ok(()) };
    let error = answer.unwrap_err();
    assert!(error.is_tls() && error.to_string().contains("1.2 or 1.3"), "{error}");
    Ok(())
}

#[test]
fn an_authority_that_is_not_ours_is_refused() -> Result<(), Failure> {
    let identity = TestAuthority::new()?.localhost()?;
    let Some(server) = OpenSsl::start(&identity, &[])? else { return Ok(()) };
    let error = curio::run(ClientSession::new().get(server.url("/hello.json"))).unwrap_err();
    assert!(error.is_tls(), "{error}");
    Ok(())
}

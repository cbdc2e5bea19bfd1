//! The client through proxies that others wrote: tinyproxy (HTTP) and microsocks (SOCKS 5).
#![forbid(unsafe_code)]

use curio_http::{ClientSession, ClientSessionBuilder, Error, ErrorKind};
use curio_support::peers::{Microsocks, Tinyproxy};
use curio_support::{Failure, Httpbin, TestAuthority};
use serde_json::Value;

/// What an httpbin behind the proxy says to a GET, over `http` and over `https`.
fn through(proxy: &str) -> Result<[Result<Value, Error>; 2], Failure> {
    let authority = TestAuthority::new()?;
    let settings = ClientSession::builder().only_root_certificates(authority.ca_pem()).proxy(proxy);
    let session = settings.trust_env(false).build()?;
    curio::run(async {
        let (http, https) = (Httpbin::start().await?, Httpbin::start_tls(&authority.localhost()?).await?);
        let get = async |url: String| session.get(url).await?.json().await;
        Ok([get(http.url("/get?a=1")).await, get(https.url("/get?a=1")).await])
    })
}

fn both_work(proxy: &str) -> Result<(), Failure> {
    let [http, https] = through(proxy)?;
    assert_eq!(http?["args"]["a"], "1");
    assert_eq!(https?["args"]["a"], "1");
    Ok(())
}

fn both_are_refused(proxy: &str, words: &str) -> Result<(), Failure> {
    for answer in through(proxy)? {
        let error = answer.expect_err("a refusal");
        // The forwarded request gets the proxy's page instead of JSON.
        assert!(matches!(error.kind(), ErrorKind::Proxy | ErrorKind::Json), "{error}");
        assert!(error.kind() != ErrorKind::Proxy || error.to_string().contains(words), "{error}");
    }
    Ok(())
}

#[test]
fn tinyproxy_forwards_and_makes_tunnels() -> Result<(), Failure> {
    let Some(proxy) = Tinyproxy::start(None)? else { return Ok(()) };
    both_work(&format!("http://{}", proxy.address()))
}

#[test]
fn tinyproxy_takes_our_credentials() -> Result<(), Failure> {
    let Some(proxy) = Tinyproxy::start(Some(("ann", "secret")))? else { return Ok(()) };
    both_work(&format!("http://ann:secret@{}", proxy.address()))?;
    both_are_refused(&format!("http://{}", proxy.address()), "407")?;
    both_are_refused(&format!("http://ann:wrong@{}", proxy.address()), "40")
}

#[test]
fn a_connection_through_tinyproxy_is_kept() -> Result<(), Failure> {
    let Some(proxy) = Tinyproxy::start(None)? else { return Ok(()) };
    let authority = TestAuthority::new()?;
    let settings = |builder: ClientSessionBuilder| {
        builder.only_root_certificates(authority.ca_pem()).proxy(format!("http://{}", proxy.address()))
    };
    let session = settings(ClientSession::builder()).trust_env(false).build()?;
    curio::run(async {
        let https = Httpbin::start_tls(&authority.localhost()?).await?;
        for _ in 0..3 {
            let response = session.get(https.url("/get")).await?;
            assert_eq!(response.status_code(), 200);
        }
        assert_eq!(https.counters().accepted(), 1);
        Ok(())
    })
}

#[test]
fn microsocks_connects_by_name_and_by_address() -> Result<(), Failure> {
    let Some(proxy) = Microsocks::start(None)? else { return Ok(()) };
    both_work(&format!("socks5://{}", proxy.address()))?;
    both_work(&format!("socks5h://{}", proxy.address()))
}

#[test]
fn microsocks_takes_our_credentials() -> Result<(), Failure> {
    let Some(proxy) = Microsocks::start(Some(("ann", "secret")))? else { return Ok(()) };
    both_work(&format!("socks5h://ann:secret@{}", proxy.address()))?;
    both_are_refused(&format!("socks5h://{}", proxy.address()), "requires credentials")?;
    both_are_refused(&format!("socks5h://ann:wrong@{}", proxy.address()), "refused the user name")
}

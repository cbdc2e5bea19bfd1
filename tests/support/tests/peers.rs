//! The real servers start, answer and stop.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::TcpStream;

use curio_support::TestAuthority;
use curio_support::peers::{Nginx, OpenSsl, PypiHttpbin};

/// A request to a URL like `http://127.0.0.1:80/path`, and all that comes back.
fn get(url: &str) -> std::io::Result<String> {
    let rest = url.split_once("://").unwrap().1;
    let (address, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn pypi_httpbin_answers_until_it_is_dropped() {
    let Some(httpbin) = PypiHttpbin::start().unwrap() else { return };
    let url = httpbin.url("/get?a=1");
    assert!(get(&url).unwrap().contains(r#""a": "1""#));
    drop(httpbin);
    get(&url).unwrap_err();
}

#[test]
fn nginx_answers_until_it_is_dropped() {
    let Some(nginx) = Nginx::start().unwrap() else { return };
    let url = nginx.http_url("/small.json");
    assert!(get(&url).unwrap().ends_with(r#"{"server": "nginx", "numbers": [1, 2, 3]}"#));
    assert!(get(&nginx.http_url("/close.json")).unwrap().contains("Content-Type: application/json"));
    assert!(get(&nginx.http_url("/moved")).unwrap().starts_with("HTTP/1.1 301 "));
    assert!(get(&nginx.http_url("/unavailable")).unwrap().starts_with("HTTP/1.1 503 "));
    drop(nginx);
    get(&url).unwrap_err();
}

#[test]
fn openssl_listens_until_it_is_dropped() {
    let identity = TestAuthority::new().unwrap().localhost().unwrap();
    let Some(server) = OpenSsl::start(&identity, &["-tls1_3"]).unwrap() else { return };
    let address = server.url("").replace("https://", "");
    TcpStream::connect(&address).unwrap();
    drop(server);
    TcpStream::connect(&address).unwrap_err();
}

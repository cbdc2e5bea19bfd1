//! Proxies: forwarding, tunnels, SOCKS, who is asked directly, and what the environment says.

mod children;
mod server;

use children::get_in_environment;
use curio_http::{ClientSession, ClientSessionBuilder, Error, ErrorKind};
use curio_support::{HostileServer, Httpbin, Script, TestAuthority, TestProxy};
use serde_json::Value;
use server::{Reply, Server};
use std::time::Duration;

fn through(proxy: &str) -> ClientSessionBuilder {
    ClientSession::builder().trust_env(false).proxy(proxy)
}

async fn get(session: &ClientSession, url: String) -> Result<Value, Error> {
    session.get(url).await?.json().await
}

/// The address of a path on a loopback server, under another name.
fn named(name: &str, port: u16, path: &str) -> String {
    format!("http://{name}:{port}{path}")
}

#[test]
fn an_http_request_goes_to_the_proxy_with_its_whole_address() {
    curio::run(async {
        let (proxy, httpbin) = (TestProxy::http(None).await.unwrap(), Httpbin::start().await.unwrap());
        let session = through(&proxy.url("http")).build().unwrap();
        let port = httpbin.address().port();
        // Nobody but the proxy knows this name.
        let answer = get(&session, named("a.test", port, "/get?x=1")).await.unwrap();
        assert_eq!(answer["args"]["x"], "1");
        let asked = proxy.asked();
        assert!(asked[0].starts_with(&format!("GET http://a.test:{port}/get?x=1 HTTP/1.1\r\n")), "{asked:?}");
        assert!(asked[0].contains(&format!("host: a.test:{port}\r\n")), "{asked:?}");
    });
}

#[test]
fn a_connection_to_the_proxy_is_kept_by_origin() {
    curio::run(async {
        let (proxy, httpbin) = (TestProxy::http(None).await.unwrap(), Httpbin::start().await.unwrap());
        let session = through(&proxy.url("http")).build().unwrap();
        let port = httpbin.address().port();
        for name in ["a.test", "a.test", "b.test", "a.test"] {
            get(&session, named(name, port, "/get")).await.unwrap();
        }
        // One head for each connection is what this proxy sees.
        assert_eq!(proxy.asked().len(), 2);
        assert_eq!(httpbin.counters().accepted(), 2);
    });
}

#[test]
fn https_goes_through_a_tunnel_with_the_servers_own_certificate() {
    let authority = TestAuthority::new().unwrap();
    curio::run(async {
        let proxy = TestProxy::http(Some("ann:se:cret")).await.unwrap();
        let httpbin = Httpbin::start_tls(&authority.localhost().unwrap()).await.unwrap();
        let session = through(&proxy.url("http").replace("//", "//ann:se%3Acret@"))
            .only_root_certificates(authority.ca_pem())
            .build()
            .unwrap();
        for _ in 0..2 {
            let mut response = session.get(httpbin.url("/headers")).await.unwrap();
            let tls = response.tls().expect("it is https");
            assert_eq!((tls.version(), tls.peer_certificates().len()), ("1.3", 1));
            assert_eq!(response.remote_addr(), Some(proxy.address()));
            let headers: Value = response.json().await.unwrap();
            assert!(headers["headers"].get("Proxy-Authorization").is_none(), "{headers}");
        }
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "the tunnel is kept");
        let port = httpbin.address().port();
        let expected = format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n");
        assert!(asked[0].starts_with(&expected), "{asked:?}");
        assert!(asked[0].contains("proxy-authorization: Basic YW5uOnNlOmNyZXQ=\r\n"), "{asked:?}");
        assert!(asked[0].contains("user-agent: curio-http/"), "{asked:?}");
    });
}

#[test]
fn an_https_proxy_is_spoken_to_in_tls_and_through_it_in_tls_again() {
    let authority = TestAuthority::new().unwrap();
    let config = authority.localhost().unwrap().server_config().unwrap();
    // It is proxy and server in one: whatever tunnel is asked for leads to itself.
    let proxy = Server::on_connection(move |_, stream| {
        let tls = || rustls::ServerConnection::new(config.clone()).expect("a configuration");
        let mut outer = server::Reader::new(rustls::StreamOwned::new(tls(), stream));
        let Ok(Some(request)) = outer.request() else { return };
        use std::io::Write;
        if request.method != "CONNECT" {
            let _ = outer.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nforwarded");
            let _ = outer.request();
            return;
        }
        let _ = outer.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let mut inner = server::Reader::new(rustls::StreamOwned::new(tls(), outer.stream));
        while let Ok(Some(_)) = inner.request() {
            let body = "x".repeat(100_000);
            let _ = write!(inner.stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    curio::run(async {
        let session = through(&format!("https://{}", proxy.addr()))
            .only_root_certificates(authority.ca_pem())
            .build()
            .unwrap();
        for _ in 0..3 {
            let mut response = session.get("https://localhost:1/").await.unwrap();
            assert_eq!(response.text().await.unwrap().len(), 100_000);
            assert!(response.tls().is_some());
        }
        assert_eq!(proxy.connections(), 1);
        let mut response = session.get("http://localhost:1/").await.unwrap();
        assert_eq!(response.text().await.unwrap(), "forwarded");
        assert!(response.tls().is_none(), "the way to the server is not protected");
        session.close().await;
    });
}

#[test]
fn socks_proxies_carry_http_and_https() {
    let authority = TestAuthority::new().unwrap();
    curio::run(async {
        let (http, https) = (
            Httpbin::start().await.unwrap(),
            Httpbin::start_tls(&authority.localhost().unwrap()).await.unwrap(),
        );
        for scheme in ["socks5", "socks5h", "socks4", "socks4a"] {
            let proxy = TestProxy::socks(None).await.unwrap();
            let session =
                through(&proxy.url(scheme)).only_root_certificates(authority.ca_pem()).build().unwrap();
            assert!(get(&session, http.url("/get")).await.is_ok(), "{scheme}");
            assert!(get(&session, https.url("/get")).await.is_ok(), "{scheme}");
            let version = &scheme[5..6];
            let expected = [&http, &https].map(|server| format!("{version} address {}", server.address()));
            assert_eq!(proxy.asked(), expected);
        }
    });
}

#[test]
fn user_and_password_go_to_a_socks_proxy_decoded() {
    curio::run(async {
        let httpbin = Httpbin::start().await.unwrap();
        let proxy = TestProxy::socks(Some("a@n:p%w")).await.unwrap();
        let session = through(&proxy.url("socks5h").replace("//", "//a%40n:p%25w@")).build().unwrap();
        assert!(get(&session, httpbin.url("/get")).await.is_ok());
        let session = through(&proxy.url("socks5h").replace("//", "//a%40n:wrong@")).build().unwrap();
        let error = get(&session, httpbin.url("/get")).await.unwrap_err();
        assert!(error.is_proxy(), "{error}");
        let line = error.to_string();
        assert!(line.contains("asking the proxy socks5h://127.0.0.1:") && !line.contains("wrong"), "{line}");
        assert!(line.contains("refused the user name"), "{line}");
    });
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_without_its_credentials() {
    for scheme in ["http", "https", "socks5h"] {
        let session = through(&format!("{scheme}://ann:secret@127.0.0.1:1")).build().unwrap();
        for url in ["http://a.test/", "https://a.test/"] {
            let error = curio::run(session.get(url)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
            let line = error.to_string();
            let expected = format!("reaching the proxy {scheme}://127.0.0.1:1: connecting to 127.0.0.1:1: ");
            assert!(line.contains(&expected) && !line.contains("secret"), "{line}");
        }
    }
}

#[test]
fn a_proxy_whose_name_is_not_known_is_a_proxy_error() {
    let session = through("http://proxy.invalid:3128").resolver(async |_: String, _: u16| Ok(vec![])).build();
    let error = curio::run(session.unwrap().get("http://a.test/")).unwrap_err();
    assert!(error.is_proxy() && error.to_string().contains("proxy.invalid has none"), "{error}");
}

#[test]
fn the_connect_timeout_covers_the_proxys_handshake_and_tells_where_it_was() {
    curio::testing::run(async {
        let silent = HostileServer::start([Script::new().stall()]).await.unwrap();
        let http = format!("http://{}", silent.address());
        let socks = format!("socks5h://{}", silent.address());
        for proxy in [http, socks] {
            let began = curio::clock();
            let session = through(&proxy).build().unwrap();
            let error = session.get("https://a.test/").await.unwrap_err();
            assert!(error.is_timeout(), "{error}");
            let line = error.to_string();
            assert!(
                line.contains(&format!("a.test:443 through the proxy {proxy} (waiting for the proxy")),
                "{line}"
            );
            assert_eq!((curio::clock() - began).as_secs(), 10);
        }
        silent.close().await;
    });
}

#[test]
fn cancelling_at_any_step_leaves_nothing_behind() {
    let authority = TestAuthority::new().unwrap();
    curio::run(async {
        let httpbin = Httpbin::start_tls(&authority.localhost().unwrap()).await.unwrap();
        for (proxy, scheme) in [
            (TestProxy::http(None).await.unwrap(), "http"),
            (TestProxy::socks(None).await.unwrap(), "socks5h"),
        ] {
            let session = through(&proxy.url(scheme))
                .only_root_certificates(authority.ca_pem())
                .max_connections_per_host(1)
                .build()
                .unwrap();
            for polls in 0..40 {
                let mut request = std::pin::pin!(session.get(httpbin.url("/get")).into_future());
                for _ in 0..polls {
                    let done = std::future::poll_fn(|cx| {
                        std::task::Poll::Ready(request.as_mut().poll(cx).is_ready())
                    });
                    if done.await {
                        break;
                    }
                    curio::sleep(Duration::from_micros(200)).await;
                }
            }
            assert!(get(&session, httpbin.url("/get")).await.is_ok(), "the slot is free");
        }
    });
}

#[test]
fn without_a_proxy_nothing_is_forwarded() {
    let server = Server::answering(|_| Reply::ok("direct"));
    for builder in [
        through("http://127.0.0.1:1").no_proxy(),
        ClientSession::builder().no_proxy(),
        ClientSession::builder().trust_env(false),
    ] {
        let session = builder.build().unwrap();
        let response = curio::run(session.get(server.url("/x"))).unwrap();
        assert_eq!(response.status_code(), 200);
    }
    assert!(server.requests().iter().all(|request| request.target == "/x"));
}

#[test]
fn a_proxy_that_is_none_is_reported_when_the_session_is_built() {
    for url in ["ftp://p.test", "http://", "gopher://p.test", "http://p.test:99999", "http://a b"] {
        assert!(ClientSession::builder().proxy(url).build().is_err(), "{url}");
    }
}

/// Not a test by itself: what [`get_in_environment`] runs.
#[test]
fn child() {
    children::child();
}

/// A server and a proxy that say who they are.
fn server_and_proxy() -> (Server, Server) {
    (Server::answering(|_| Reply::ok("server")), Server::answering(|_| Reply::ok("proxy")))
}

#[test]
fn the_environments_proxy_is_used_unless_the_session_says_otherwise() {
    let (server, proxy) = server_and_proxy();
    let url = server.url("/");
    for name in ["http_proxy", "all_proxy", "ALL_PROXY"] {
        let variables = [(name, proxy.url(""))];
        assert_eq!(get_in_environment(&variables, "", &url), "proxy", "{name}");
        assert_eq!(get_in_environment(&variables, "trust_env(false)", &url), "server", "{name}");
        assert_eq!(get_in_environment(&variables, "no_proxy", &url), "server", "{name}");
    }
    assert_eq!(get_in_environment(&[], "", &url), "server");
    assert_eq!(get_in_environment(&[], &proxy.url(""), &url), "proxy");
}

#[test]
fn no_proxy_in_the_environment_applies_to_every_proxy() {
    let (server, proxy) = server_and_proxy();
    let except = ("NO_PROXY", "127.0.0.0/8".to_owned());
    let variables = [("http_proxy", proxy.url("")), except.clone()];
    assert_eq!(get_in_environment(&variables, "", &server.url("/")), "server");
    assert_eq!(get_in_environment(&[except], &proxy.url(""), &server.url("/")), "server");
}

#[test]
fn a_proxy_for_some_hosts_comes_before_the_environments_and_after_its_exceptions() {
    let (server, proxy) = server_and_proxy();
    let own = Server::answering(|_| Reply::ok("own"));
    let (rule, url) = (format!("rule 127.0.0.1 {}", own.url("")), server.url("/"));
    let of_environment = [("http_proxy", proxy.url(""))];
    assert_eq!(get_in_environment(&of_environment, &rule, &url), "own");
    let other_rule = format!("rule a.test {}", own.url(""));
    assert_eq!(get_in_environment(&of_environment, &other_rule, &url), "proxy");
    let except = [("no_proxy", "127.0.0.1".to_owned())];
    assert_eq!(get_in_environment(&except, &rule, &url), "server");
    let both = [of_environment, except].concat();
    assert_eq!(get_in_environment(&both, &other_rule, &url), "server");
}

#[test]
fn a_variable_that_makes_no_sense_is_an_error_and_not_ignored() {
    let (server, _) = server_and_proxy();
    let result = get_in_environment(&[("http_proxy", "gopher://ann:secret@x".into())], "", &server.url("/"));
    assert!(result.starts_with("Proxy ") && result.contains("http_proxy"), "{result}");
    assert!(!result.contains("secret"), "{result}");
}

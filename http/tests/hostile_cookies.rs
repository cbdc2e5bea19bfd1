//! What a server must not be able to do with cookies: whose it may set, which it may see, and how many there may be.

mod server;

use curio_http::{CookieJar, Url};
use server::{ClientSession, Reply, Server};
use std::time::{Duration, SystemTime};

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

/// What a jar sends to `to` after `from` has set `field`; empty if nothing.
fn sent(from: &str, field: &str, to: &str) -> String {
    let jar = CookieJar::new();
    // Whether it was refused is what the caller asks.
    let _ = jar.set_cookie(&url(from), field);
    shown(&jar, to)
}

fn shown(jar: &CookieJar, to: &str) -> String {
    let cookies = jar.cookies_for(&url(to));
    let pairs: Vec<_> =
        cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
    pairs.join("; ")
}

fn refused(from: &str, field: &str) -> String {
    let jar = CookieJar::new();
    let error = jar.set_cookie(&url(from), field).expect_err(field);
    assert!(error.is_request() && jar.is_empty(), "{field}");
    error.to_string()
}

/// A session that finds every one of `hosts` at `server`.
fn session_at(server: &Server, hosts: &[&str]) -> curio_http::ClientSession {
    let builder =
        hosts.iter().fold(ClientSession::builder(), |builder, host| builder.resolve(host, server.addr()));
    builder.build().expect("good settings")
}

#[test]
fn case_099_a_domain_that_is_a_sibling_below_or_unrelated_is_refused() {
    for domain in [
        "other.org",
        "b.example.org",
        "www.a.example.org",
        "ample.org",
        "xa.example.org",
        "a.example.org.evil.org",
    ] {
        let error = refused("http://a.example.org/", &format!("n=v; Domain={domain}"));
        assert!(error.contains("neither the host nor a domain above"), "{error}");
    }
}

#[test]
fn case_099_a_refused_domain_does_not_become_a_cookie_of_the_host() {
    assert_eq!(sent("http://a.example.org/", "n=v; Domain=other.org", "http://a.example.org/"), "");
}

#[test]
fn case_100_a_domain_without_a_dot_is_refused() {
    for domain in ["com", "COM", ".com", "Com"] {
        let error = refused("https://www.example.com/", &format!("n=v; Domain={domain}"));
        assert!(error.contains("public suffix"), "{error}");
    }
    refused("https://www.example.com./", "n=v; Domain=com.");
}

#[test]
fn case_100_a_trailing_dot_makes_it_another_domain() {
    for domain in ["example.com.", "com."] {
        refused("https://www.example.com/", &format!("n=v; Domain={domain}"));
    }
}

#[cfg(feature = "psl")]
#[test]
fn case_100_a_public_suffix_is_refused() {
    for domain in ["co.uk", "co.UK", ".co.uk", "uk"] {
        let error = refused("https://www.example.co.uk/", &format!("n=v; Domain={domain}"));
        assert!(error.contains("public suffix"), "{error}");
    }
    refused("https://me.github.io/", "n=v; Domain=github.io");
    refused("https://www.example.co.uk./", "n=v; Domain=co.uk.");
    assert_eq!(
        sent("https://www.example.co.uk/", "n=v; Domain=example.co.uk", "https://a.example.co.uk/"),
        "n=v"
    );
}

#[test]
fn case_100_the_owner_of_such_a_domain_gets_a_cookie_for_itself_alone() {
    assert_eq!(sent("http://localhost/", "n=v; Domain=localhost", "http://localhost/"), "n=v");
    assert_eq!(sent("http://localhost/", "n=v; Domain=localhost", "http://a.localhost/"), "");
}

#[test]
fn case_101_an_address_may_name_only_itself_and_keeps_the_cookie_to_itself() {
    assert_eq!(sent("http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/"), "n=v");
    for domain in ["0.0.1", "1", "127.0.0.2", ".0.0.1", "7.0.0.1"] {
        refused("http://127.0.0.1/", &format!("n=v; Domain={domain}"));
    }
    refused("http://[::1]/", "n=v; Domain=1]");
    assert_eq!(sent("http://[::1]/", "n=v", "http://[::1]/"), "n=v");
}

#[test]
fn case_102_a_cookie_without_a_domain_is_for_its_host_alone() {
    assert_eq!(sent("http://example.com/", "n=v", "http://example.com/"), "n=v");
    for host in ["www.example.com", "com", "notexample.com", "example.com.evil.org"] {
        assert_eq!(sent("http://example.com/", "n=v", &format!("http://{host}/")), "", "{host}");
    }
}

#[test]
fn case_102_a_domain_covers_what_is_below_it_and_nothing_that_ends_alike() {
    let from = "http://www.example.com/";
    for (host, expected) in [
        ("example.com", "n=v"),
        ("www.example.com", "n=v"),
        ("a.b.example.com", "n=v"),
        ("notexample.com", ""),
        ("example.com.evil.org", ""),
        ("com", ""),
    ] {
        assert_eq!(sent(from, "n=v; Domain=.Example.COM", &format!("http://{host}/")), expected, "{host}");
    }
}

#[test]
fn case_102_a_port_makes_no_difference_to_a_cookie() {
    assert_eq!(sent("http://example.com:1/", "n=v", "http://example.com:2/"), "n=v");
}

#[test]
fn case_103_a_path_matches_at_a_segments_end() {
    let from = "http://h.org/x";
    for (path, expected) in
        [("/foo", "n=v"), ("/foo/", "n=v"), ("/foo/bar", "n=v"), ("/foobar", ""), ("/", "")]
    {
        assert_eq!(sent(from, "n=v; Path=/foo", &format!("http://h.org{path}")), expected, "{path}");
    }
    assert_eq!(sent(from, "n=v; Path=/foo/", "http://h.org/foo"), "");
}

#[test]
fn case_103_without_a_path_it_is_the_folder_of_the_address() {
    let from = "http://h.org/a/b?c=/d/e";
    for (path, expected) in [("/a", "n=v"), ("/a/x", "n=v"), ("/", ""), ("/ab", "")] {
        assert_eq!(sent(from, "n=v", &format!("http://h.org{path}")), expected, "{path}");
        assert_eq!(sent(from, "n=v; Path=relative", &format!("http://h.org{path}")), expected, "{path}");
    }
}

#[test]
fn case_103_a_query_is_no_part_of_the_path() {
    assert_eq!(sent("http://h.org/", "n=v; Path=/foo", "http://h.org/?/foo"), "");
    assert_eq!(sent("http://h.org/", "n=v; Path=/foo", "http://h.org/foo?x"), "n=v");
}

#[test]
fn case_104_a_secure_cookie_goes_over_https_only() {
    assert_eq!(sent("https://h.org/", "n=v; Secure", "https://h.org/"), "n=v");
    assert_eq!(sent("https://h.org/", "n=v; Secure", "http://h.org/"), "");
    assert_eq!(
        sent("https://localhost/", "n=v; Secure", "http://localhost/"),
        "",
        "the loopback is no exception"
    );
}

#[test]
fn case_104_http_cannot_set_a_secure_cookie() {
    assert!(refused("http://h.org/", "n=v; Secure").contains("only be set over https"));
}

#[test]
fn case_104_http_cannot_replace_hide_or_end_a_secure_cookie() {
    let jar = CookieJar::new();
    jar.set_cookie(&url("https://a.h.org/"), "n=good; Secure; Domain=h.org; Path=/in").expect("over https");
    for field in [
        "n=bad; Domain=h.org; Path=/in",
        "n=bad; Path=/in",
        "n=bad; Path=/in/deeper",
        "n=; Max-Age=0; Domain=h.org; Path=/in",
    ] {
        for host in ["a.h.org", "h.org", "b.a.h.org"] {
            let error = jar.set_cookie(&url(&format!("http://{host}/")), field).expect_err(field);
            assert!(error.to_string().contains("secure cookie"), "{error}");
        }
    }
    assert_eq!(shown(&jar, "https://a.h.org/in/deeper"), "n=good");
    // One that would not stand in its way, and one from https, may be set.
    jar.set_cookie(&url("http://a.h.org/"), "n=other; Path=/").expect("a path above");
    jar.set_cookie(&url("https://a.h.org/"), "n=new; Domain=h.org; Path=/in").expect("over https");
    assert_eq!(shown(&jar, "https://a.h.org/in"), "n=new; n=other");
}

#[test]
fn case_105_a_secure_prefix_needs_secure_and_https_in_any_spelling() {
    for name in ["__Secure-n", "__secure-n", "__SECURE-n"] {
        assert_eq!(
            sent("https://h.org/", &format!("{name}=v; Secure; Domain=h.org"), "https://h.org/"),
            format!("{name}=v")
        );
        refused("https://h.org/", &format!("{name}=v"));
        refused("http://h.org/", &format!("{name}=v"));
        refused("http://h.org/", &format!("{name}=v; Secure"));
    }
}

#[test]
fn case_105_a_host_prefix_needs_the_root_path_and_no_domain_as_well() {
    for name in ["__Host-n", "__host-n", "__HOST-n"] {
        assert_eq!(
            sent("https://h.org/a", &format!("{name}=v; Secure; Path=/"), "https://h.org/"),
            format!("{name}=v")
        );
        for attributes in [
            "Path=/",
            "Secure",
            "Secure; Path=/a",
            "Secure; Path=/; Domain=h.org",
            "Secure; Path=/; Domain=.h.org",
        ] {
            refused("https://h.org/", &format!("{name}=v; {attributes}"));
        }
    }
    refused("https://localhost/", "__Host-n=v; Secure; Path=/; Domain=localhost");
}

#[test]
fn case_105_a_name_cannot_pretend_to_have_a_prefix() {
    // A server that trims or splits differently would see `__Host-n` in each of these.
    for field in ["=__Host-n=v", "__Host-n", " =__Secure-n=v"] {
        refused("https://h.org/", field);
    }
    refused("http://h.org/", " __Host-n =v; Path=/");
}

#[test]
fn case_106_control_bytes_void_a_cookie() {
    for byte in (0..0x20).chain([0x7f]) {
        let control = char::from(byte);
        for field in [format!("a{control}b=v"), format!("n=a{control}b"), format!("n=v; Path=/a{control}b")] {
            assert!(refused("http://h.org/", &field).contains("control"), "{field:?}");
        }
    }
}

#[test]
fn case_106_control_bytes_from_the_wire_never_get_into_a_request() {
    for byte in [1, 9, 0x1f, 0x7f] {
        let server = Server::answering(move |_| {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: n=a".to_vec();
            Reply::raw([head, vec![byte], b"b\r\nSet-Cookie: good=1\r\n\r\n".to_vec()].concat())
        });
        let session = ClientSession::new();
        curio::run(async {
            // The protocol core refuses some of these bytes in any field: then there is no response at all.
            let answered = session.get(server.url("/")).await.is_ok();
            let _ = session.get(server.url("/")).await;
            let last = server.requests().pop().expect("a request");
            assert_eq!(last.header("cookie"), answered.then_some("good=1"), "byte {byte}");
        });
    }
}

#[test]
fn case_107_a_cookie_of_more_than_4096_bytes_is_not_kept() {
    let field = |n: usize| format!("name={}", "v".repeat(n));
    assert_eq!(sent("http://h.org/", &field(4092), "http://h.org/").len(), 4097);
    assert!(refused("http://h.org/", &field(4093)).contains("4096"));
}

#[test]
fn case_107_a_response_sets_at_most_50() {
    let server = Server::answering(|_| {
        let fields: String = (0..100).map(|n| format!("Set-Cookie: n{n}=v\r\n")).collect();
        Reply::with("200 OK", &fields, "")
    });
    let session = ClientSession::new();
    curio::run(session.get(server.url("/"))).expect("an answer");
    assert_eq!(session.cookies().len(), 50);
    assert!(session.cookies().iter().all(|cookie| cookie.name() != "n50"));
}

#[test]
fn case_107_a_request_carries_at_most_150_and_8190_bytes() {
    let server = Server::answering(|_| Reply::ok(""));
    let session = ClientSession::new();
    let (jar, here) = (session.cookies(), url(&server.url("/")));
    let cookie_field = || {
        curio::run(session.get(server.url("/"))).expect("an answer");
        server
            .requests()
            .pop()
            .and_then(|request| request.header("cookie").map(str::to_owned))
            .expect("cookies")
    };
    for n in 0..170 {
        jar.set(&here, &format!("n{n}"), "v").expect("a good cookie");
    }
    assert_eq!(cookie_field().split("; ").count(), 150);
    jar.clear();
    for n in 0..10 {
        jar.set(&here, &format!("n{n}"), &"v".repeat(1000)).expect("a good cookie");
    }
    let field = cookie_field();
    assert_eq!(field.split("; ").count(), 8);
    assert!(field.len() <= 8190 && field.split("; ").all(|pair| pair.len() == 1003), "none is cut");
}

#[test]
fn case_107_a_domain_and_a_jar_have_limits_and_the_unused_go_first() {
    let jar = CookieJar::new();
    let set = |host: &str, name: usize| {
        jar.set(&url(&format!("http://{host}/")), &format!("n{name}"), "v").expect("a good cookie");
    };
    (0..200).for_each(|n| set("h.org", n));
    let names: Vec<_> = jar.iter().map(|cookie| cookie.name().to_owned()).collect();
    assert_eq!(names, (20..200).map(|n| format!("n{n}")).collect::<Vec<_>>());
    for site in 0..100 {
        (0..50).for_each(|n| set(&format!("s{site}.org"), n));
    }
    assert_eq!(jar.len(), 3000);
    assert_eq!(shown(&jar, "http://h.org/"), "", "the oldest went");
    assert_eq!(jar.cookies_for(&url("http://s99.org/")).len(), 50);
}

#[test]
fn case_107_secure_cookies_cannot_be_pushed_out_by_others() {
    let jar = CookieJar::new();
    jar.set_cookie(&url("https://h.org/"), "login=1; Secure").expect("a good cookie");
    for n in 0..500 {
        jar.set(&url("http://h.org/"), &format!("n{n}"), "v").expect("a good cookie");
    }
    assert_eq!(jar.len(), 180);
    assert!(jar.get(&url("https://h.org/"), "login").is_some());
}

#[test]
fn case_108_a_max_age_of_any_size_is_no_overflow() {
    let jar = CookieJar::new();
    let here = url("http://h.org/");
    for age in ["9223372036854775807", "18446744073709551616", "99999999999999999999999999999999"] {
        jar.set_cookie(&here, &format!("n=v; Max-Age={age}")).expect("a good cookie");
        let expires = jar.get(&here, "n").and_then(|cookie| cookie.expires()).expect("an end");
        let longest = Duration::from_secs(400 * 24 * 60 * 60);
        assert!(expires <= SystemTime::now() + longest, "it is clamped to 400 days");
        assert!(expires > SystemTime::now() + longest - Duration::from_secs(3600));
    }
    for age in ["-1", "0", "-9223372036854775809", "-99999999999999999999999999"] {
        jar.set_cookie(&here, "n=v").expect("a good cookie");
        jar.set_cookie(&here, &format!("n=v; Max-Age={age}")).expect("the end of a cookie");
        assert!(jar.is_empty(), "{age} ends it");
    }
}

#[test]
fn case_108_an_impossible_expiry_date_is_no_date() {
    for date in
        ["Thu, 99 Jan 2030 00:00:00 GMT", "Thu, 01 Jan 1 00:00:00 GMT", "31 Feb 2030 00:00:00", "x", ""]
    {
        let jar = CookieJar::new();
        jar.set_cookie(&url("http://h.org/"), &format!("n=v; Expires={date}")).expect("a good cookie");
        let cookie = jar.get(&url("http://h.org/"), "n").expect("a cookie of the session");
        assert_eq!(cookie.expires(), None, "{date}");
    }
}

#[test]
fn case_109_a_cookie_that_a_redirect_sets_goes_along_on_the_next_hop() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/login" => Reply::with("302 Found", "Location: /home\r\nSet-Cookie: id=7; Path=/\r\n", ""),
        _ => Reply::ok("home"),
    });
    curio::run(ClientSession::new().post(server.url("/login")).body("secret")).expect("an answer");
    let requests = server.requests();
    assert_eq!(requests[0].header("cookie"), None);
    assert_eq!((requests[1].target.as_str(), requests[1].header("cookie")), ("/home", Some("id=7")));
}

#[test]
fn case_109_each_hop_gets_the_cookies_of_its_own_address() {
    let server = Server::answering(|request| match (request.header("host"), request.target.as_str()) {
        (Some(host), "/start") if host.starts_with("a.org") => {
            let to = host.replace("a.org", "b.org");
            let fields = format!("Location: http://{to}/next\r\nSet-Cookie: a=1; Path=/\r\n");
            Reply::with("302 Found", &fields, "")
        }
        (Some(host), "/next") if host.starts_with("b.org") => {
            let to = host.replace("b.org", "a.org");
            Reply::with("302 Found", &format!("Location: http://{to}/end\r\nSet-Cookie: b=2; Path=/\r\n"), "")
        }
        _ => Reply::ok("end"),
    });
    let session = session_at(&server, &["a.org", "b.org"]);
    curio::run(session.get(format!("http://a.org:{}/start", server.addr().port()))).expect("an answer");
    let cookies: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.header("cookie").unwrap_or("none").to_owned())
        .collect();
    assert_eq!(cookies, ["none", "none", "a=1"]);
}

#[test]
fn case_109_a_redirect_can_end_a_cookie() {
    let server = Server::answering(|request| match request.target.as_str() {
        "/logout" => Reply::with("302 Found", "Location: /\r\nSet-Cookie: id=; Max-Age=0; Path=/\r\n", ""),
        _ => Reply::ok(""),
    });
    let session = ClientSession::new();
    session.cookies().set(&url(&server.url("/")), "id", "7").expect("a good cookie");
    curio::run(session.get(server.url("/logout"))).expect("an answer");
    let requests = server.requests();
    assert_eq!((requests[0].header("cookie"), requests[1].header("cookie")), (Some("id=7"), None));
}

#[test]
fn case_110_a_cookie_field_set_by_hand_is_sent_as_it_is_and_alone() {
    let server = Server::answering(|_| Reply::ok(""));
    let session = ClientSession::new();
    session.cookies().set(&url(&server.url("/")), "jar", "1").expect("a good cookie");
    curio::run(session.get(server.url("/")).header("Cookie", "hand=\"a b\"; x")).expect("an answer");
    assert_eq!(server.request().header("cookie"), Some("hand=\"a b\"; x"));
}

#[test]
fn case_110_a_cookie_field_set_by_hand_is_not_stored() {
    let server = Server::answering(|_| Reply::ok(""));
    let session = ClientSession::new();
    curio::run(async {
        session.get(server.url("/")).header("Cookie", "hand=1").await.expect("an answer");
        session.get(server.url("/")).await.expect("an answer");
    });
    assert!(session.cookies().is_empty());
    assert_eq!(server.requests()[1].header("cookie"), None);
}

#[test]
fn case_110_a_cookie_field_set_by_hand_does_not_go_to_another_host() {
    let server = Server::answering(|request| match (request.header("host"), request.target.as_str()) {
        (Some(host), "/away") => {
            Reply::redirect("307 Elsewhere", &format!("http://{}/there", host.replace("a.org", "b.org")))
        }
        (Some(_), "/near") => Reply::redirect("307 Here", "/here"),
        _ => Reply::ok(""),
    });
    let session = session_at(&server, &["a.org", "b.org"]);
    let there = url(&format!("http://b.org:{}/", server.addr().port()));
    session.cookies().set(&there, "own", "2").expect("a good cookie");
    for path in ["/near", "/away"] {
        let request = session.get(format!("http://a.org:{}{path}", server.addr().port()));
        curio::run(request.header("Cookie", "hand=1")).expect("an answer");
    }
    let field = |target: &str| {
        let request = server.requests().into_iter().find(|request| request.target == target).expect(target);
        request.header("cookie").map(str::to_owned)
    };
    assert_eq!(field("/here").as_deref(), Some("hand=1"), "it stays within the origin");
    assert_eq!(field("/there").as_deref(), Some("own=2"), "from there on the jar's cookies are sent");
}

#[test]
fn case_110_a_hosts_cookies_go_to_no_other() {
    let server = Server::answering(|_| Reply::with("200 OK", "Set-Cookie: id=7; Path=/\r\n", ""));
    let session = session_at(&server, &["a.org", "www.a.org", "a.org.evil.net"]);
    curio::run(async {
        for host in ["a.org", "www.a.org", "a.org.evil.net"] {
            session.get(format!("http://{host}:{}/", server.addr().port())).await.expect(host);
        }
    });
    assert!(server.requests().iter().all(|request| request.header("cookie").is_none()));
}

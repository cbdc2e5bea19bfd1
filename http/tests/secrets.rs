//! Secrets stand in no error, no `Debug` output and no printed trace, whatever is wrong with what holds them.

mod server;

use curio_http::{
    ClientSessionBuilder, CookieJar, Error, Form, HeaderMap, HeaderName, HeaderValue, Policy, Url,
};
use curio_support::TestAuthority;
use server::{ClientSession, Reply, Server};
use std::cell::RefCell;
use std::error::Error as _;
use std::rc::Rc;

/// Everything that can be read in an error.
fn all_of(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!("{error}\n{error:?}\n");
        cause = error.source();
    }
    text
}

/// Whether eight characters of the secret in a row are in the text, as they are or as a list of numbers.
fn leaks(text: &str, secret: &str) -> bool {
    let secret: Vec<char> = secret.chars().filter(|c| !c.is_whitespace()).collect();
    secret.windows(8.min(secret.len())).any(|part| {
        let as_text: String = part.iter().collect();
        let as_numbers: Vec<String> = part.iter().map(|c| u32::from(*c).to_string()).collect();
        text.contains(&as_text) || text.contains(&as_numbers.join(", "))
    })
}

#[test]
fn no_part_of_a_private_key_is_in_an_error() {
    let identity = TestAuthority::new().and_then(|authority| authority.localhost()).expect("a certificate");
    let (certificate, key) = (identity.certificate_pem(), identity.key_pem());
    let content: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let broken = [
        key.replace(['\r', '\n'], ""),
        key.replace('\n', " "),
        key.replace("-----END", "-----FIN"),
        key.replace("-----BEGIN", "----BEGIN"),
        key.replace("PRIVATE KEY", "SECRET KEY"),
        key.replace(&content[..4], "*"),
        key[..key.len() / 2].to_owned(),
        content.clone(),
        format!("-----BEGIN {content}-----\n{content}\n-----END {content}-----"),
        format!("\u{feff}{}", key.replace(['\r', '\n'], "")),
        certificate.clone(),
        String::new(),
    ];
    for key in broken {
        for (certificate, key) in [(&certificate, &key), (&key, &key)] {
            let builder = ClientSession::builder().identity(certificate, key);
            let debug = format!("{builder:?}");
            let error = builder.build().map(|_| ()).expect_err("no key");
            assert!(!leaks(&(all_of(&error) + &debug), &content), "{error}");
        }
    }
    ClientSession::builder()
        .identity(&certificate, format!("\u{feff}{key}"))
        .build()
        .expect("a byte order mark");
}

#[test]
fn no_setting_shows_the_secret_that_it_was_given() {
    type Set = fn(ClientSessionBuilder, &str) -> ClientSessionBuilder;
    let settings: [(&str, Set); 13] = [
        ("auth", |builder, secret| builder.auth("ann", secret)),
        ("auth, a bad user", |builder, secret| builder.auth(format!("a:{secret}"), secret)),
        ("header", |builder, secret| builder.header("authorization", secret)),
        ("a header", |builder, secret| builder.header("x-api-key", secret)),
        ("a bad header", |builder, secret| builder.header("x-api-key", format!("{secret}\n"))),
        ("a bad name", |builder, secret| builder.header("x y", secret)),
        ("base_url", |builder, secret| builder.base_url(format!("http://ann:{secret}@h.test:x/"))),
        ("proxy", |builder, secret| builder.proxy(format!("http://ann:{secret}@h.test:99999"))),
        ("a good base_url", |builder, secret| builder.base_url(format!("http://ann:{secret}@h.test/"))),
        ("a good proxy", |builder, secret| builder.proxy(format!("socks5://ann:{secret}@h.test"))),
        ("a proxy without a scheme", |builder, secret| builder.proxy(format!("ann:{secret}://@h.test"))),
        ("cookie_jar", |builder, secret| {
            let jar = CookieJar::new();
            jar.set(&Url::parse("http://h.test/").expect("a URL"), "sid", secret).expect("a cookie");
            builder.cookie_jar(jar)
        }),
        ("another proxy", |builder, secret| builder.proxy(format!("gopher://ann:{secret}@h.test"))),
    ];
    for (name, set) in settings {
        let secret = "s3cr3tW0rdXYZ";
        let builder = set(ClientSession::builder(), secret);
        let mut text = format!("{builder:?}");
        match builder.build() {
            Ok(session) => text += &format!("{session:?}"),
            Err(error) => text += &all_of(&error),
        }
        assert!(!leaks(&text, secret), "{name}: {text}");
    }
}

#[test]
fn no_request_shows_the_secret_that_it_was_given() {
    let secret = "s3cr3tW0rdXYZ";
    let session = ClientSession::new();
    let get = || session.get("http://127.0.0.1:1/");
    let mut fields = HeaderMap::new();
    fields.insert("authorization", HeaderValue::from_static("s3cr3tW0rdXYZ"));
    let base = ClientSession::builder().base_url("http://127.0.0.1:1/").build().expect("a good URL");
    let requests = [
        get().headers(fields),
        get().form(&[("password", secret)]),
        get().json(&secret),
        get().data(secret),
        get().multipart(Form::new().text("password", secret)),
        #[cfg(feature = "digest")]
        get().digest_auth("ann", secret),
        base.get(format!("//ann:{secret}@evil.test/")),
        base.get(format!("/\\ann:{secret}@evil.test/")),
        session.get(format!("\nhttp://ann:{secret}@127.0.0.1:1/")),
        session.get(format!("http://ann:{secret}\t@127.0.0.1:1/")),
        get().bearer_auth(secret),
        get().bearer_auth(format!("{secret}\n")),
        get().basic_auth("ann", Some(secret)),
        get().header("x-api-key", secret),
        get().header("cookie", secret),
        get().header("authorization", format!("{secret}\u{7}")),
        session.get(format!("http://ann:{secret}@127.0.0.1:1/")),
        session.get(format!("http://ann:{secret}@127.0.0.1:1:1/")),
        session.get(format!("http://ann:{secret} @127.0.0.1:1/")),
    ];
    for request in requests {
        let mut text = format!("{request:?}");
        match request.build() {
            Ok(request) => {
                text += &format!("{request:?}");
                let error =
                    curio::run(session.execute(request)).map(|_| ()).expect_err("nothing listens there");
                text += &all_of(&error);
            }
            Err(error) => text += &all_of(&error),
        }
        assert!(!leaks(&text, secret), "{text}");
    }
}

#[test]
fn a_response_and_its_trace_show_no_credentials() {
    let secret = "s3cr3tW0rdXYZ";
    let reply = format!("Set-Cookie: sid={secret}\r\nX-Internal: {secret}\r\n");
    let server = Server::answering(move |_| Reply::with("200 OK", &reply, ""));
    let printed: Rc<RefCell<String>> = Rc::default();
    let listener = printed.clone();
    let session = ClientSession::builder()
        .secret_headers([HeaderName::from_static("x-internal")])
        .on_trace(move |trace| *listener.borrow_mut() += &format!("{trace}{trace:?}"))
        .build()
        .expect("good settings");
    let url = server.url("/").replace("http://", &format!("http://ann:{secret}@"));
    let mut hidden = HeaderValue::from_static("s3cr3tW0rdXYZ");
    hidden.set_sensitive(true);
    let request = session.get(url).header("X-Api-Key", secret).header("X-Internal", hidden);
    let response = curio::run(request).expect("a response");
    let url = response.url().to_string();
    assert!(!leaks(&url, secret) && !url.contains("ann"), "{url}");
    // The field that only this session knows to be secret is in `headers`, for the program.
    assert_eq!(response.header("x-internal"), Some(secret));
    let debug = format!("{response:?}").replace(&format!("\"x-internal\": \"{secret}\""), "");
    assert!(!leaks(&debug, secret), "{debug}");
    assert!(!leaks(&printed.borrow(), secret), "{}", printed.borrow());
    assert!(
        printed.borrow().contains("X-Internal: [redacted]")
            || printed.borrow().contains("x-internal: [redacted]")
    );
}

#[test]
fn a_policy_and_a_hook_see_the_urls_of_a_redirect_without_credentials() {
    let secret = "s3cr3tW0rdXYZ";
    let other = Server::answering(|_| Reply::ok("arrived"));
    let location = other.url("/").replace("http://", &format!("http://bob:{secret}@"));
    let server = Server::answering(move |_| Reply::redirect("302 Found", &location));
    let seen: Rc<RefCell<String>> = Rc::default();
    let (by_policy, by_hook) = (seen.clone(), seen.clone());
    let session = ClientSession::builder()
        .redirect(Policy::custom(move |attempt| {
            *by_policy.borrow_mut() += &format!("{} {:?}\n", attempt.url(), attempt.previous()[0].as_str());
            true
        }))
        .on_request(move |request| {
            let previous = request.previous_url().map_or("none", Url::as_str);
            *by_hook.borrow_mut() += &format!("{previous}\n");
        })
        .build()
        .expect("good settings");
    let url = server.url("/").replace("http://", &format!("http://ann:{secret}@"));
    let response = curio::run(session.get(url)).expect("a response");
    let history: Vec<_> = response.history().iter().map(|response| response.url().as_str()).collect();
    let text = format!("{}{history:?}{}", seen.borrow(), response.url());
    assert!(!leaks(&text, secret) && text.contains(&server.url("/")), "{text}");
    // They are sent where they belong all the same.
    assert!(server.request().header("authorization").is_some());
    assert!(other.request().header("authorization").is_some());
}

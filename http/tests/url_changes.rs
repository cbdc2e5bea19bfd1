//! Changing URLs, queries as pairs, and URLs of other types.

use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, Error, Url};
use http::Uri;

fn url(text: &str) -> Url {
    text.parse().expect(text)
}

/// `text` after `change`.
fn changed(text: &str, change: impl FnOnce(&mut Url) -> Result<(), Error>) -> String {
    let mut url = url(text);
    change(&mut url).expect("a good change");
    assert_eq!(
        url.as_str().parse::<Url>().expect("a URL"),
        url,
        "the parts are marked as the parser marks them"
    );
    url.to_string()
}

#[test]
fn each_part_is_replaced_and_encoded() {
    const FULL: &str = "http://ann:pw@h:81/a?b#c";
    assert_eq!(changed(FULL, |url| url.set_scheme("https")), "https://ann:pw@h:81/a?b#c");
    assert_eq!(
        changed(FULL, |url| url.set_host("Bücher.example")),
        "http://ann:pw@xn--bcher-kva.example:81/a?b#c"
    );
    assert_eq!(changed(FULL, |url| url.set_host("::1")), "http://ann:pw@[::1]:81/a?b#c");
    assert_eq!(changed(FULL, |url| url.set_port(Some(8080))), "http://ann:pw@h:8080/a?b#c");
    assert_eq!(changed(FULL, |url| url.set_port(None)), "http://ann:pw@h/a?b#c");
    assert_eq!(changed(FULL, |url| url.set_path("/x y/ä?#")), "http://ann:pw@h:81/x%20y/%C3%A4%3F%23?b#c");
    assert_eq!(changed(FULL, |url| url.set_path("x/../y")), "http://ann:pw@h:81/y?b#c");
    assert_eq!(changed(FULL, |url| url.set_query(Some("q=ß&r"))), "http://ann:pw@h:81/a?q=%C3%9F&r#c");
    assert_eq!(changed(FULL, |url| url.set_query(None)), "http://ann:pw@h:81/a#c");
    assert_eq!(changed(FULL, |url| url.set_fragment(Some("x y"))), "http://ann:pw@h:81/a?b#x%20y");
    assert_eq!(changed(FULL, |url| url.set_fragment(None)), "http://ann:pw@h:81/a?b");
    assert_eq!(changed(FULL, |url| url.set_username("b@b")), "http://b%40b:pw@h:81/a?b#c");
    assert_eq!(changed(FULL, |url| url.set_password(Some("x:y"))), "http://ann:x%3Ay@h:81/a?b#c");
    assert_eq!(changed("http://ann@h/", |url| url.set_username("")), "http://h/");
}

#[test]
fn a_port_that_the_new_scheme_implies_is_dropped() {
    assert_eq!(changed("http://h:443/", |url| url.set_scheme("https")), "https://h/");
    assert_eq!(changed("http://h:81/", |url| url.set_port(Some(80))), "http://h/");
}

#[test]
fn what_cannot_be_a_part_is_refused_and_changes_nothing() {
    let mut url = url("http://h/a?b#c");
    for error in [
        url.set_scheme("ftp"),
        url.set_scheme("ws"),
        url.set_host(""),
        url.set_host("a/b"),
        url.set_host("a:80"),
        url.set_host("a b"),
        url.set_host("ann@h"),
        url.set_port(Some(0)),
        url.set_path("/a\nb"),
        url.set_query(Some("a\r\nb")),
        url.set_fragment(Some("a\tb")),
        url.set_username("a\0"),
        url.set_password(Some("s3cret\n")),
    ] {
        let error = error.expect_err("not a part");
        assert!(error.is_url() && !error.to_string().contains("s3cret"), "{error}");
    }
    assert_eq!(url.as_str(), "http://h/a?b#c");
}

#[test]
fn the_query_is_read_and_written_as_pairs() {
    let mut url = url("http://h/?q=a+b%26&empty=&flag&q=%ff");
    let pairs: Vec<_> = url.query_pairs().map(|(name, value)| format!("{name}|{value}")).collect();
    assert_eq!(pairs, ["q|a b&", "empty|", "flag|", "q|\u{fffd}"]);
    url.set_query(None).expect("a good change");
    assert_eq!(url.query_pairs().count(), 0);
    url.append_query_pair("ä&", "1 2");
    url.append_query_pair("b", "");
    assert_eq!(url.as_str(), "http://h/?%C3%A4%26=1+2&b=");
}

#[test]
fn the_path_is_read_in_segments() {
    let segments = |text: &str| url(text).path_segments().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(segments("http://h/a/b%2Fc//d/"), ["a", "b%2Fc", "", "d", ""]);
    assert_eq!(segments("http://h"), [""]);
    assert_eq!(segments("http://h//a"), ["", "a"]);
}

#[test]
fn the_origin_is_scheme_host_and_port() {
    assert_eq!(url("https://ann:pw@h:444/a?b#c").origin(), "https://h:444");
    assert_eq!(url("http://[::1]:80/").origin(), "http://[::1]");
}

#[test]
fn an_uri_is_the_url_of_a_request() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|request| Answer::text(request.path()));
        let session = mock.session();
        let uri: Uri = "http://h.test/of/a/uri".parse().expect("a URI");
        assert_eq!(session.get(&uri).await.expect("a response").url().path(), "/of/a/uri");
        assert_eq!(session.get(uri).await.expect("a response").url().path(), "/of/a/uri");
        let relative = Uri::from_static("/only/a/path");
        assert!(session.get(&relative).await.expect_err("no host").is_url());
        let based = ClientSession::builder().base_url("http://h.test/").connector(mock.clone()).build();
        let response = based.expect("a session").get(relative).await.expect("a response");
        assert_eq!(response.url().as_str(), "http://h.test/only/a/path");
    });
    let uri: Uri = "HTTP://h.test:80/x".parse().expect("a URI");
    assert_eq!(Url::try_from(&uri).expect("a URL").as_str(), "http://h.test/x");
    assert_eq!(Url::try_from(uri).expect("a URL").as_str(), "http://h.test/x");
    assert!(Url::try_from(Uri::from_static("h.test:80")).expect_err("no scheme").is_url());
    assert!(Url::try_from(Uri::from_static("*")).expect_err("no scheme").is_url());
}

#[test]
fn the_url_of_a_websocket_is_that_of_its_handshake() {
    let read_as =
        |text: &str| ClientSession::new().get(text).build().map(|request| request.url().to_string());
    assert_eq!(read_as("ws://h/chat").expect("a URL"), "http://h/chat");
    assert_eq!(read_as(" WSS://h:443/chat?x ").expect("a URL"), "https://h/chat?x");
    assert!(read_as("ws://ann:s3cret@h:x/").expect_err("no port").is_url());
    assert!(read_as("wsx://h/").expect_err("no scheme").is_url());
    assert!("ws://h/".parse::<Url>().expect_err("a `Url` is of http").is_url());
}

#[cfg(feature = "url")]
#[test]
fn an_url_of_the_crate_url_is_the_url_of_a_request() {
    let theirs = url::Url::parse("https://h.test/a?b#c").expect("a URL");
    let request = ClientSession::new().get(&theirs).build().expect("a request");
    assert_eq!(request.url().as_str(), theirs.as_str());
    assert_eq!(url::Url::from(request.url().clone()), theirs);
    assert_eq!(Url::try_from(theirs).expect("a URL").path(), "/a");
    let file = url::Url::parse("file:///etc/passwd").expect("a URL");
    assert!(ClientSession::new().get(file).build().expect_err("no http").is_url());
}

//! The fields that a session adds to its requests: in which order they are sent, and what takes their place.

use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, ClientSessionBuilder, Error, HeaderValue, RequestBuilder, Trace};
use std::cell::RefCell;
use std::rc::Rc;

const HOST: &str = "host: test";
const ACCEPT: &str = "accept: */*";

/// The heads of the requests that `make` makes, as they are sent, line by line without the request line. All go to the same
/// host, one after the other. The default agent and the content codings have short names.
fn heads(
    builder: ClientSessionBuilder,
    make: impl FnOnce(&ClientSession) -> Vec<RequestBuilder>,
) -> Vec<Vec<String>> {
    let heads = Rc::new(RefCell::new(Vec::new()));
    let keep = Rc::clone(&heads);
    let mock = Mock::new().otherwise(|request| match request.path() {
        "/elsewhere" => Answer::redirect("http://other.test/"),
        _ => Answer::text("ok").header("Set-Cookie", "id=1"),
    });
    let agent = format!("user-agent: curio-http/{}", env!("CARGO_PKG_VERSION"));
    let session = builder.connector(mock).on_trace(move |trace| {
        if let Trace::RequestHead(head) = trace {
            let text = String::from_utf8(head.to_vec()).expect("ASCII");
            let fields = text.strip_suffix("\r\n\r\n").expect("a head").split("\r\n").skip(1);
            let named = fields.map(|line| match line {
                line if line == agent => "agent".to_owned(),
                line if line.starts_with("accept-encoding: gzip, deflate") => "codings".to_owned(),
                line => line.to_owned(),
            });
            keep.borrow_mut().push(named.collect());
        }
    });
    curio::testing::run(async {
        let session = session.build()?;
        for request in make(&session) {
            request.await?;
        }
        Ok::<_, Error>(())
    })
    .expect("responses");
    heads.take()
}

fn fields_of_each(make: impl FnOnce(&ClientSession) -> Vec<RequestBuilder>) -> Vec<Vec<String>> {
    heads(ClientSession::builder().cookies(false), make)
}

#[test]
fn every_request_to_a_host_has_them() {
    let sent = fields_of_each(|session| (0..3).map(|_| session.get("http://test/")).collect());
    assert_eq!(sent, vec![[HOST, "agent", ACCEPT, "codings"]; 3]);
}

#[test]
fn the_fields_of_the_request_are_sent_after_the_host_and_before_them() {
    let sent = fields_of_each(|session| {
        vec![
            session.get("http://test/").header("X-A", "1").header("X-B", "2"),
            session.post("http://test/").header("X-A", "1").data("text"),
        ]
    });
    assert_eq!(sent[0], [HOST, "x-a: 1", "x-b: 2", "agent", ACCEPT, "codings"]);
    assert_eq!(sent[1], [HOST, "x-a: 1", "agent", ACCEPT, "codings", "content-length: 4"]);
}

#[test]
fn the_sessions_own_are_among_them() {
    let builder = ClientSession::builder().cookies(false).header("X-Key", "4f1d").user_agent("mine/1");
    let sent = heads(builder, |session| vec![session.get("http://test/"), session.get("http://test/")]);
    assert_eq!(sent, vec![[HOST, "x-key: 4f1d", "user-agent: mine/1", ACCEPT, "codings"]; 2]);
}

#[test]
fn a_field_of_one_request_replaces_one_of_them_for_this_request_only() {
    let builder = ClientSession::builder().cookies(false).header("X-Key", "4f1d");
    let sent = heads(builder, |session| {
        let get = || session.get("http://test/");
        vec![get(), get().header("Accept", "text/html"), get().header("X-Key", "0"), get()]
    });
    assert_eq!(sent[0], [HOST, "x-key: 4f1d", "agent", ACCEPT, "codings"]);
    assert_eq!(sent[1], [HOST, "accept: text/html", "x-key: 4f1d", "agent", "codings"]);
    assert_eq!(sent[2], [HOST, "x-key: 0", "agent", ACCEPT, "codings"]);
    assert_eq!(sent[3], sent[0]);
}

#[test]
fn a_host_of_the_requests_own_is_the_only_one() {
    let sent = fields_of_each(|session| {
        vec![session.get("http://test/"), session.get("http://test/").header("Host", "inner.test")]
    });
    assert_eq!(sent[1], ["host: inner.test", "agent", ACCEPT, "codings"]);
}

#[test]
fn what_is_not_decoded_is_not_asked_for() {
    let sent = fields_of_each(|session| {
        vec![session.get("http://test/"), session.get("http://test/").no_decompression()]
    });
    assert_eq!(sent[1], [HOST, "agent", ACCEPT]);
    let builder = ClientSession::builder().cookies(false).no_decompression();
    assert_eq!(heads(builder, |session| vec![session.get("http://test/")]), [[HOST, "agent", ACCEPT]]);
}

#[test]
fn a_cookie_of_the_session_is_sent_in_place_of_the_jars() {
    let sent = heads(ClientSession::builder(), |session| {
        vec![session.get("http://test/"), session.get("http://test/")]
    });
    assert_eq!(sent[1], [HOST, "cookie: id=1", "agent", ACCEPT, "codings"]);
    let builder = ClientSession::builder().header("Cookie", "own=1");
    let sent = heads(builder, |session| vec![session.get("http://test/"), session.get("http://test/")]);
    assert!(sent.iter().all(|fields| fields.contains(&"cookie: own=1".to_owned()) && fields.len() == 5));
}

#[test]
fn a_redirect_to_another_host_is_followed_with_them_but_without_credentials() {
    let builder =
        ClientSession::builder().cookies(false).header("X-Key", "1").header("Authorization", "Basic eA==");
    let sent =
        heads(builder, |session| vec![session.get("http://test/elsewhere"), session.get("http://test/")]);
    let with = [HOST, "x-key: 1", "authorization: Basic eA==", "agent", ACCEPT, "codings"];
    assert_eq!((&sent[0], &sent[2]), (&with.map(str::to_owned).to_vec(), &sent[0].clone()));
    let mut without = sent[1].clone();
    without.sort();
    assert_eq!(without, ["accept: */*", "agent", "codings", "host: other.test", "x-key: 1"]);
}

#[test]
fn a_field_of_the_session_that_is_about_the_connection_is_obeyed() {
    let builder = ClientSession::builder().cookies(false).header("Connection", "close").header("Expect", "x");
    let sent = heads(builder, |session| vec![session.get("http://test/"), session.get("http://test/")]);
    // An expectation must not be sent without a body (RFC 9110 §10.1.1).
    assert_eq!(sent, vec![[HOST, "connection: close", "agent", ACCEPT, "codings"]; 2]);
}

#[test]
fn a_hook_sees_and_changes_them() {
    let builder = ClientSession::builder().cookies(false).on_request(|request| {
        assert!(request.headers().contains_key("user-agent"));
        request.headers_mut().insert("accept", HeaderValue::from_static("text/plain"));
    });
    let sent = heads(builder, |session| vec![session.get("http://test/"), session.get("http://test/")]);
    assert_eq!(sent, vec![[HOST, "agent", "accept: text/plain", "codings"]; 2]);
}

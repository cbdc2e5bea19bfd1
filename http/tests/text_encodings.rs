//! Text from another character set than the `Content-Type` field names.

use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, ClientSessionBuilder};

/// Responses with this Content-Type and the letter é in Latin-1, twice.
fn latin(content_type: &'static str) -> Mock {
    Mock::new().otherwise(move |_| {
        Answer::new(200).header("Content-Type", content_type).body(b"\xe9\n\xe9".to_vec())
    })
}

fn builder(mock: Mock) -> ClientSessionBuilder {
    ClientSession::builder().connector(mock)
}

#[test]
fn what_the_program_sets_comes_before_what_the_server_says() {
    curio::testing::run(async {
        let session = latin("text/plain; charset=utf-8").session();
        let mut response = session.get("http://h.test/").await.expect("a response");
        assert_eq!(response.text().await.expect("text"), "\u{fffd}\n\u{fffd}");
        response.set_encoding("latin1").expect("a character set");
        assert_eq!(response.encoding(), Some("latin1"));
        assert_eq!(response.text().await.expect("text"), "é\né");
        let mut response = session.get("http://h.test/").await.expect("a response");
        response.set_encoding("latin1").expect("a character set");
        let mut lines = response.iter_lines();
        assert_eq!(lines.next().await.expect("a line").expect("text"), "é");
    });
}

#[test]
fn the_sessions_default_is_for_what_names_none() {
    curio::testing::run(async {
        let session =
            builder(latin("text/plain")).default_encoding("windows-1252").build().expect("a session");
        let mut response = session.get("http://h.test/").await.expect("a response");
        assert_eq!(response.encoding(), Some("windows-1252"));
        assert_eq!(response.text().await.expect("text"), "é\né");
        let named = builder(latin("text/plain; charset=utf-8")).default_encoding("latin1").build();
        let mut response = named.expect("a session").get("http://h.test/").await.expect("a response");
        assert_eq!(response.text().await.expect("text"), "\u{fffd}\n\u{fffd}");
    });
}

/// As in reqwest.
#[test]
fn text_with_charset_has_a_default_for_one_call() {
    curio::testing::run(async {
        let mut response = latin("text/plain").session().get("http://h.test/").await.expect("a response");
        assert_eq!(response.text_with_charset("latin1").await.expect("text"), "é\né");
        assert_eq!(response.text().await.expect("text"), "\u{fffd}\n\u{fffd}");
        let session = latin("text/plain; charset=utf-8").session();
        let mut response = session.get("http://h.test/").await.expect("a response");
        assert_eq!(response.text_with_charset("latin1").await.expect("text"), "\u{fffd}\n\u{fffd}");
    });
}

#[test]
fn a_character_set_that_there_is_not_is_refused() {
    let error = ClientSession::builder().default_encoding("klingon").build().expect_err("no such set");
    assert!(error.is_request() && error.to_string().contains("\"klingon\""), "{error}");
    curio::testing::run(async {
        let mut response = latin("text/plain").session().get("http://h.test/").await.expect("a response");
        let error = response.set_encoding("klingon").expect_err("no such set");
        assert!(error.is_request() && error.to_string().starts_with("GET http://h.test/"), "{error}");
        assert!(response.text_with_charset("").await.expect_err("no such set").is_request());
        assert_eq!(response.encoding(), None);
    });
}

#[cfg(not(feature = "charset"))]
#[test]
fn the_error_names_the_feature_that_has_more() {
    let error = ClientSession::builder().default_encoding("gbk").build().expect_err("not in this build");
    assert!(error.to_string().contains("feature `charset`"), "{error}");
}

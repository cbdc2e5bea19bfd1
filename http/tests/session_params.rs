//! Query parameters of a session, and errors that do not show their URL.

use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, Method, Url};

fn session(mock: &Mock) -> ClientSession {
    let builder = ClientSession::builder().connector(mock.clone()).base_url("http://test/v1/");
    builder.params(&[("key", "a b")]).params(&[("lang", "en")]).build().expect("good settings")
}

fn targets(mock: &Mock) -> Vec<String> {
    mock.requests()
        .iter()
        .map(|request| format!("{}?{}", request.path(), request.query().unwrap_or("-")))
        .collect()
}

#[test]
fn the_parameters_of_a_session_are_in_every_request_before_its_own() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::text("ok"));
        let session = session(&mock);
        session.get("users").await.expect("a response");
        session.get("/other?x=1#part").params(&[("key", "c")]).await.expect("a response");
        let built = session.get("http://else/").build().expect("a request");
        session.execute(built).await.expect("a response");
        assert_eq!(
            targets(&mock),
            ["/v1/users?key=a+b&lang=en", "/other?x=1&key=a+b&lang=en&key=c", "/?key=a+b&lang=en"]
        );
    });
}

#[test]
fn what_a_redirect_leads_to_does_not_get_them() {
    curio::testing::run(async {
        let mock = Mock::new()
            .on(Method::GET, "/v1/old", |_| Answer::redirect("http://elsewhere/new?a=b"))
            .otherwise(|_| Answer::text("ok"));
        session(&mock).get("old").await.expect("a response");
        assert_eq!(targets(&mock), ["/v1/old?key=a+b&lang=en", "/new?a=b"]);
    });
}

#[test]
fn parameters_that_cannot_be_a_query_are_refused_at_build() {
    let error = ClientSession::builder().params(&7).build().expect_err("no pairs");
    assert!(error.is_request() && error.to_string().contains("query parameters of a session"), "{error}");
    assert!(ClientSession::builder().params::<[(&str, &str)]>(&[]).build().is_ok());
}

#[test]
fn an_error_can_be_shown_without_its_url() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::new(500));
        let response = session(&mock).get("users?token=secret").await.expect("a response");
        let error = response.raise_for_status().expect_err("a 500");
        assert!(error.to_string().contains("secret"));
        let error = error.without_url();
        assert!(error.url().is_none() && !format!("{error} {error:?}").contains("secret"));
        assert!(error.to_string().starts_with("GET the server failed with status 500"), "{error}");
        let text = Url::parse("http://[secret").expect_err("no URL").without_url();
        assert!(text.is_url() && !text.to_string().contains("secret"), "{text}");
    });
}

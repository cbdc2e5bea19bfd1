//! Auth flows: async functions around the sending of a request, which may change it, look at the response and send it again.

mod server;

use curio_http::mock::{Answer, Mock};
use curio_http::{Auth, AuthFlow, Body, Error, ErrorKind, HeaderValue, Response, Retry};
use server::{ClientSession, Received, Reply, Server};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

type Outcome = Result<Response, Box<dyn std::error::Error + Send + Sync>>;

/// A token that has to be fetched again when it is refused.
#[derive(Clone, Default)]
struct Token {
    current: Rc<RefCell<String>>,
    refreshed: Rc<Cell<u32>>,
}

impl Token {
    fn of(text: &str) -> Token {
        Token { current: Rc::new(RefCell::new(text.into())), ..Token::default() }
    }
}

impl Auth for Token {
    async fn flow(&self, flow: &mut AuthFlow<'_>) -> Outcome {
        flow.request_mut()
            .headers_mut()
            .insert("authorization", HeaderValue::try_from(&*self.current.borrow())?);
        let response = flow.send().await?;
        if response.status_code() != 401 {
            return Ok(response);
        }
        curio::schedule().await;
        self.refreshed.set(self.refreshed.get() + 1);
        self.current.replace(format!("token-{}", self.refreshed.get()));
        flow.request_mut()
            .headers_mut()
            .insert("authorization", HeaderValue::try_from(&*self.current.borrow())?);
        Ok(flow.send_again(response).await?)
    }
}

fn accepting(token: &'static str) -> Server {
    Server::answering(move |request: &Received| match request.header("authorization") {
        Some(given) if given == token => Reply::ok(&request.text()),
        _ => Reply::with("401 Unauthorized", "", "who are you?"),
    })
}

#[test]
fn a_refused_token_is_replaced_and_the_request_sent_again() {
    let server = accepting("token-1");
    let token = Token::default();
    curio::run(async {
        let session = ClientSession::builder().auth_flow(token.clone()).build()?;
        assert_eq!(session.post(server.url("/")).data("body").await?.text().await?, "body");
        assert_eq!(session.get(server.url("/")).await?.status_code(), 200);
        Ok::<_, Error>(())
    })
    .expect("responses");
    assert_eq!((token.refreshed.get(), server.requests().len(), server.connections()), (1, 3, 1));
    assert!(server.requests()[..2].iter().all(|request| request.text() == "body"));
}

#[test]
fn a_closure_signs_what_is_sent() {
    let server =
        Server::answering(|request: &Received| Reply::ok(request.header("x-signature").unwrap_or("none")));
    let sign = async |flow: &mut AuthFlow<'_>| {
        let request = flow.request_mut();
        let body = request.body().as_bytes().unwrap_or_default().len();
        let agent = request.headers().contains_key("user-agent");
        let signature = format!("{} {} {body} {agent}", request.method(), request.url().path());
        request.headers_mut().insert("x-signature", HeaderValue::try_from(signature)?);
        Ok(flow.send().await?)
    };
    let signature = curio::run(async {
        ClientSession::new().post(server.url("/a?b")).data("12345").auth_flow(sign).await?.text().await
    });
    assert_eq!(signature.expect("a response"), "POST /a 5 true");
}

#[test]
fn what_a_flow_changes_is_as_before_at_the_next_hop() {
    let server = Server::answering(|request: &Received| match &*request.target {
        "/old?key=1" => Reply::redirect("302 Found", "/new"),
        target => Reply::ok(&format!("{target} {}", request.header("x-turns").unwrap_or("none"))),
    });
    let add_key = async |flow: &mut AuthFlow<'_>| {
        let request = flow.request_mut();
        request.url_mut().append_query_pair("key", "1");
        request.headers_mut().append("x-turns", HeaderValue::from_static("1"));
        Ok(flow.send().await?)
    };
    let text = curio::run(async {
        ClientSession::new().get(server.url("/old")).auth_flow(add_key).await?.text().await
    });
    assert_eq!(text.expect("a response"), "/new?key=1 1");
}

#[test]
fn another_origin_gets_no_flow() {
    let other =
        Server::answering(|request: &Received| Reply::ok(request.header("x-secret").unwrap_or("none")));
    let (there, traces) = (other.url("/"), Rc::new(RefCell::new(String::new())));
    let server = Server::answering(move |request: &Received| match request.header("x-secret") {
        Some(_) => Reply::redirect("307 There", &there),
        None => Reply::ok("no secret"),
    });
    let traced = Rc::clone(&traces);
    let called = Rc::new(Cell::new(0));
    let counted = Rc::clone(&called);
    let flow = async move |flow: &mut AuthFlow<'_>| {
        counted.set(counted.get() + 1);
        flow.request_mut().headers_mut().insert("x-secret", HeaderValue::from_static("s"));
        Ok(flow.send().await?)
    };
    let text = curio::run(async {
        let session = ClientSession::builder()
            .auth_flow(flow)
            .on_trace(move |trace| *traced.borrow_mut() += &trace.to_string())
            .build()?;
        session.get(server.url("/")).await?.text().await
    });
    assert_eq!((text.expect("a response").as_str(), called.get()), ("none", 1));
    assert!(traces.borrow().contains("the auth flow is not used there"), "{}", traces.borrow());
}

#[test]
fn credentials_of_the_request_come_before_the_flow_of_the_session() {
    let server =
        Server::answering(|request: &Received| Reply::ok(request.header("authorization").unwrap_or("none")));
    let token = Token::of("of the session");
    curio::run(async {
        let session = ClientSession::builder().auth("user", "pass").auth_flow(token.clone()).build()?;
        let own = Token::of("of the request");
        let with_flow = session.get(server.url("/")).auth_flow(own);
        assert_eq!(with_flow.await?.text().await?, "of the request");
        assert_eq!(session.get(server.url("/")).bearer_auth("mine").await?.text().await?, "Bearer mine");
        assert_eq!(session.get(server.url("/")).await?.text().await?, "of the session");
        let in_url = server.url("/").replace("http://", "http://a:b@");
        assert_eq!(session.get(in_url).await?.text().await?, "Basic YTpi");
        Ok::<_, Error>(())
    })
    .expect("responses");
}

#[test]
fn an_error_of_a_flow_is_the_error_of_the_request() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::new(401));
        let session = mock.session();
        let broken = async |_: &mut AuthFlow<'_>| Err(io::Error::other("the vault is closed").into());
        let error = session.get("http://h.test/").auth_flow(broken).await.expect_err("no vault");
        assert!(error.is_request());
        assert_eq!(error.to_string(), "GET http://h.test/: in the request's auth flow: the vault is closed");
        let vault = mock.session();
        let refused = async move |_: &mut AuthFlow<'_>| {
            let response = vault.get("http://vault.test/").await?;
            response.raise_for_status()?;
            Ok(response)
        };
        let error = session.get("http://h.test/").auth_flow(refused).await.expect_err("no vault");
        assert_eq!(error.kind(), ErrorKind::Status);
        assert!(error.to_string().starts_with("GET http://vault.test/: "), "{error}");
    });
}

#[test]
fn a_flow_without_end_is_ended() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::new(401));
        let endless = async |flow: &mut AuthFlow<'_>| loop {
            let response = flow.send().await?;
            if response.ok() {
                return Ok(response);
            }
        };
        let error = mock.session().get("http://h.test/").auth_flow(endless).await.expect_err("no end");
        assert!(error.is_request() && error.to_string().contains("sent its request 10 times"), "{error}");
        assert_eq!(mock.requests().len(), 10);
    });
}

#[test]
fn the_timeout_of_the_request_ends_its_flow() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::new(200));
        let asleep = async |flow: &mut AuthFlow<'_>| {
            curio::sleep(Duration::from_secs(60)).await;
            Ok(flow.send().await?)
        };
        let limit = Duration::from_secs(5);
        let error = mock.session().get("http://h.test/").auth_flow(asleep).timeout(limit).await;
        let error = error.expect_err("too late");
        assert!(error.is_timeout() && error.to_string().contains("in the request's auth flow"), "{error}");
    });
}

#[test]
fn a_retry_goes_through_the_flow_again() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|request| Answer::new(if request.nth() == 0 { 503 } else { 200 }));
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        let flow = async move |flow: &mut AuthFlow<'_>| {
            counted.set(counted.get() + 1);
            flow.request_mut().headers_mut().append("x-turn", counted.get().into());
            Ok(flow.send().await?)
        };
        let response = mock.session().get("http://h.test/").auth_flow(flow).retry(Retry::new(1)).await;
        assert_eq!(response.expect("a response").status_code(), 200);
        let turns = |n: usize| mock.requests()[n].headers().get_all("x-turn").iter().count();
        assert_eq!((count.get(), turns(0), turns(1)), (2, 1, 1));
    });
}

#[test]
fn a_body_that_is_gone_cannot_be_sent_again_and_the_flow_can_ask() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::new(401));
        let twice = async |flow: &mut AuthFlow<'_>| {
            assert!(flow.can_be_sent());
            let response = flow.send().await?;
            assert!(!flow.can_be_sent());
            Ok(flow.send_again(response).await?)
        };
        let body = Body::from_reader(&b"once"[..]);
        let error = mock.session().post("http://h.test/").body(body).auth_flow(twice).await;
        assert!(error.expect_err("the body is gone").is_request());
    });
}

#[test]
fn a_request_without_a_reader_can_be_cloned() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::new(200));
        let session = mock.session();
        let request =
            session.post("http://h.test/a").header("x-a", "1").json(&[1]).build().expect("a request");
        let mut copy = request.try_clone().expect("a copy");
        *copy.url_mut() = "http://h.test/b".parse().expect("a URL");
        *copy.method_mut() = curio_http::Method::PUT;
        *copy.body_mut() = "other".into();
        for request in [request, copy] {
            session.execute(request).await.expect("a response");
        }
        let seen = mock.requests();
        let shown = |n: usize| (seen[n].method().to_string(), seen[n].path().to_owned(), seen[n].text());
        assert_eq!(shown(0), ("POST".into(), "/a".into(), "[1]".into()));
        assert_eq!(shown(1), ("PUT".into(), "/b".into(), "other".into()));
        assert!(seen.iter().all(|request| request.header("x-a") == Some("1")));
        let once = session.post("http://h.test/").body(Body::from_reader(&b"once"[..]));
        assert!(once.try_clone().is_none());
        assert!(once.build().expect("a request").try_clone().is_none());
    });
}

#[test]
fn a_redirect_is_resolved_against_the_url_that_the_request_was_sent_to() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|request| match (request.host(), request.path()) {
            ("mirror.test", "/old") => Answer::redirect("/new"),
            (host, path) => {
                Answer::text(format!("{host}{path} {}", request.header("x-key").unwrap_or("none")))
            }
        });
        let to_mirror = async |flow: &mut AuthFlow<'_>| {
            let request = flow.request_mut();
            request.url_mut().set_host("mirror.test")?;
            request.headers_mut().insert("x-key", HeaderValue::from_static("k"));
            Ok(flow.send().await?)
        };
        let mut response =
            mock.session().get("http://h.test/old").auth_flow(to_mirror).await.expect("a response");
        assert_eq!(response.text().await.expect("text"), "mirror.test/new none");
        let hooked = curio_http::ClientSession::builder().connector(mock).on_request(|request| {
            request.url_mut().set_host("mirror.test").expect("a host");
        });
        let hooked = hooked.build().expect("a session");
        let mut response = hooked.get("http://h.test/old").await.expect("a response");
        assert_eq!(response.text().await.expect("text"), "mirror.test/new none");
    });
}

#[test]
fn a_copy_that_a_hook_makes_is_the_request_as_the_hook_has_it() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|request| Answer::text(request.header("x-hook").unwrap_or("none")));
        let copies = Rc::new(RefCell::new(Vec::new()));
        let copied = Rc::clone(&copies);
        let session =
            curio_http::ClientSession::builder().connector(mock.clone()).on_request(move |request| {
                request.headers_mut().insert("x-hook", HeaderValue::from_static("yes"));
                copied.borrow_mut().push(request.try_clone().expect("a copy"));
            });
        session.build().expect("a session").get("http://h.test/").await.expect("a response");
        let copy = copies.borrow_mut().pop().expect("a copy");
        let mut response = mock.session().execute(copy).await.expect("a response");
        assert_eq!(response.text().await.expect("text"), "yes");
    });
}

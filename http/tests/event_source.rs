//! Server-sent events across connections, on the virtual clock.

use curio_http::mock::{Answer, Mock};
use curio_http::{Body, Error, ErrorKind, EventSource, Method};
use futures_core::Stream;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

type Made = fn() -> Answer;

/// A 200 with these events, after which the connection is closed.
fn events(text: &str) -> Answer {
    Answer::new(200).header("Content-Type", "text/event-stream").text_body(text).then_close()
}

/// A mock that answers the nth request with the nth answer, and all others with a 204.
fn script(answers: Vec<Made>) -> Mock {
    Mock::new().on(Method::GET, "/events", move |request| match answers.get(request.nth()) {
        Some(answer) => answer(),
        None => Answer::new(204),
    })
}

fn source(mock: &Mock) -> EventSource {
    mock.session().get("http://test/events").event_source()
}

/// The data of all events until it stops, each with the seconds since the beginning, and the error at the end.
async fn all(mut source: EventSource) -> (Vec<(String, f64)>, Option<Error>) {
    let began = curio::clock();
    let mut seen = Vec::new();
    while let Some(event) = source.next().await {
        match event {
            Ok(event) => seen.push((event.into_data(), (curio::clock() - began).as_secs_f64())),
            Err(error) => {
                assert!(source.next().await.is_none(), "nothing comes after an error");
                return (seen, Some(error));
            }
        }
    }
    (seen, None)
}

#[test]
fn a_stream_that_ends_is_asked_for_again_after_the_reconnection_time_with_the_last_id() {
    curio::testing::run(async {
        let mock =
            script(vec![|| events("id: 7\ndata: a\n\n"), || events("retry: 10000\ndata: b\n\n"), || {
                events("id: 9\ndata: c\n\n")
            }]);
        let (seen, error) = all(source(&mock)).await;
        assert!(error.is_none(), "a 204 is the end without an error: {error:?}");
        assert_eq!(seen, [("a".into(), 0.0), ("b".into(), 3.0), ("c".into(), 13.0)]);
        let ids: Vec<_> = mock
            .requests()
            .iter()
            .map(|request| request.header("last-event-id").map(str::to_owned))
            .collect();
        let seven = Some("7".to_owned());
        assert_eq!(ids, [None, seven.clone(), seven, Some("9".into())]);
        let first = &mock.requests()[0];
        assert_eq!(first.header("accept"), Some("text/event-stream"));
        assert_eq!(first.header("cache-control"), Some("no-store"));
    });
}

#[test]
fn an_event_without_an_id_after_a_reconnection_still_has_the_last_one() {
    curio::testing::run(async {
        let mock = script(vec![|| events("id: 7\ndata: a\n\n"), || events("data: b\n\n")]);
        let mut source = source(&mock);
        let ids = [source.next().await, source.next().await];
        let ids = ids.map(|event| event.expect("an event").expect("no error").id().to_owned());
        assert_eq!(ids, ["7", "7"]);
        assert_eq!(source.last_event_id(), "7");
    });
}

#[test]
fn pauses_grow_while_connections_bring_nothing_and_are_short_again_after_an_event() {
    curio::testing::run(async {
        let refused: Made = || Answer::fail(io::ErrorKind::ConnectionReset.into());
        let mut answers: Vec<Made> = vec![refused; 8];
        answers.push(|| events("data: at last\n\n"));
        answers.push(|| events("data: again\n\n"));
        let (seen, _) = all(source(&script(answers))).await;
        let at = seen[0].1;
        // 3, 6, 12, 24, 48, 60, 60 and 60 s at most; of what is more than 3 s, at least half.
        assert!((273.0 - 124.5..=273.0).contains(&at), "{at}");
        assert!((seen[1].1 - at - 3.0).abs() < 0.001, "{seen:?}");
    });
}

#[test]
fn a_server_that_wants_no_pause_gets_a_short_one() {
    curio::testing::run(async {
        let mock = script(vec![|| events("retry: 0\ndata: a\n\n"), || events("data: b\n\n")]);
        let (seen, _) = all(source(&mock)).await;
        assert_eq!(seen[1], ("b".into(), 0.1));
    });
}

#[test]
fn as_many_failures_in_a_row_as_are_allowed_end_it_with_the_last_error() {
    curio::testing::run(async {
        let mock = Mock::new().otherwise(|_| Answer::fail(io::ErrorKind::ConnectionReset.into()));
        let (_, error) = all(source(&mock).max_failures(3)).await;
        assert!(error.expect("an error").to_string().contains("GET http://test/events"));
        assert_eq!(mock.requests().len(), 4);
        let ends = Mock::new().otherwise(|_| events(": nothing\n\n"));
        let (_, error) = all(source(&ends).max_failures(0)).await;
        assert!(error.expect("an error").to_string().contains("max_failures"));
        assert_eq!(ends.requests().len(), 1);
    });
}

#[test]
fn a_silent_connection_is_given_up_after_the_read_timeout() {
    curio::testing::run(async {
        let mock = script(vec![
            || {
                Answer::pieces(["data: a\n\n", "data: late\n\n"], Duration::from_secs(45))
                    .header("Content-Type", "text/event-stream")
            },
            || events("data: b\n\n"),
        ]);
        let session = mock.session();
        let request = session.get("http://test/events").read_timeout(Duration::from_secs(50));
        let mut source = request.event_source();
        assert_eq!(source.next().await.expect("an event").expect("no error").data(), "a");
        let mut impatient =
            session.get("http://test/events").read_timeout(Duration::from_secs(20)).event_source();
        assert_eq!(impatient.next().await.expect("an event").expect("no error").data(), "b");
        source.close();
        assert!(source.next().await.is_none());
    });
}

#[test]
fn a_response_that_is_no_stream_of_events_is_an_error_and_the_end() {
    curio::testing::run(async {
        let answers: [(Made, ErrorKind, &str); 4] = [
            (|| Answer::new(404), ErrorKind::Status, "404"),
            (|| Answer::new(503), ErrorKind::Status, "503"),
            (|| Answer::text("hello"), ErrorKind::Protocol, "text/plain"),
            (|| Answer::new(200), ErrorKind::Protocol, "no Content-Type"),
        ];
        for (answer, kind, says) in answers {
            let mock = script(vec![answer]);
            let (seen, error) = all(source(&mock)).await;
            let error = error.expect("an error");
            assert!(seen.is_empty() && error.kind() == kind && error.to_string().contains(says), "{error}");
            assert_eq!(mock.requests().len(), 1);
        }
    });
}

#[test]
fn an_event_that_is_waited_for_with_a_timeout_is_not_lost() {
    curio::testing::run(async {
        let mock = script(vec![|| events("data: a\n\n"), || events("data: b\n\n")]);
        let mut source = source(&mock);
        source.next().await.expect("an event").expect("no error");
        // Cancelled in the pause, twice, and the pause does not begin anew.
        for _ in 0..2 {
            assert!(curio::timeout_after(Duration::from_secs(1), source.next()).await.is_err());
        }
        let began = curio::clock();
        let event = poll_fn(|cx| Pin::new(&mut source).poll_next(cx)).await.expect("an event");
        assert_eq!(event.expect("no error").data(), "b");
        assert_eq!(curio::clock() - began, Duration::from_secs(1));
    });
}

#[test]
fn an_earlier_run_can_be_continued() {
    curio::testing::run(async {
        let mock = script(vec![|| events("data: a\n\n")]);
        let mut source = source(&mock).after("41");
        source.next().await.expect("an event").expect("no error");
        assert_eq!(mock.requests()[0].header("last-event-id"), Some("41"));
        let bad = mock.session().get("http://test/events").event_source().after("4\n1").next().await;
        assert!(bad.expect("an error").expect_err("a line break").is_request());
    });
}

#[test]
fn a_body_that_can_be_sent_only_once_is_refused() {
    curio::testing::run(async {
        let body = Body::from_reader(futures_util::io::Cursor::new(b"once"));
        let session = Mock::new().session();
        let mut source = session.post("http://test/events").body(body).event_source();
        let error = source.next().await.expect("an error").expect_err("it cannot be repeated");
        assert!(error.is_request() && error.to_string().contains("only once"), "{error}");
        assert!(source.next().await.is_none());
        let mut wrong = session.get("no url").event_source();
        assert!(wrong.next().await.expect("an error").expect_err("no URL").is_url());
    });
}

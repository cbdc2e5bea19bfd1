//! The client's examples, run as programs: the story that each one tells, and what it does to a server.
//!
//! With no arguments an example brings its own server and prints the same every time, but for ports, which are `N` here.
#![forbid(unsafe_code)]

use curio_support::{Failure, HttpbinThread, Ran, run_example, story};

fn tells(name: &str, expected: &str) -> Result<(), Failure> {
    assert_eq!(story(name, &[])?, expected);
    Ok(())
}

#[test]
fn download_says_how_long_each_file_is_in_the_order_they_were_asked_for() -> Result<(), Failure> {
    tells("download", "100000: 100000 bytes\n3000000: 3000000 bytes\n70000: 70000 bytes\n")
}

#[test]
fn download_leaves_the_files_where_it_was_started() -> Result<(), Failure> {
    let directory = std::env::temp_dir().join(format!("curio-download-test-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let httpbin = HttpbinThread::start()?;
    let output = std::process::Command::new(curio_support::example("download")?)
        .args([httpbin.url("/bytes/5000"), httpbin.url("/robots.txt")])
        .current_dir(&directory)
        .output()?;
    let file = std::fs::read(directory.join("robots.txt"));
    let lengths =
        ["5000", "robots.txt"].map(|name| directory.join(name).metadata().map(|file| file.len()).ok());
    let names = std::fs::read_dir(&directory)?.count();
    std::fs::remove_dir_all(&directory)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((lengths, names), ([Some(5000), Some(30)], 2));
    assert!(file?.starts_with(b"User-agent: *"));
    Ok(())
}

#[test]
fn crawler_takes_each_page_once_and_leaves_alone_what_it_is_asked_to() -> Result<(), Failure> {
    let story = story("crawler", &[])?;
    let mut lines: Vec<&str> = story.lines().collect();
    assert_eq!(lines.pop(), Some("11 pages"));
    lines.sort_unstable();
    let pages = (0..10).map(|n| format!("http://127.0.0.1:N/links/10/{n}: 200 OK, 9 links"));
    let mut expected = vec!["http://127.0.0.1:N/deny: left alone, as robots.txt asks".to_owned()];
    expected.extend(pages);
    assert_eq!(lines, expected);
    Ok(())
}

#[test]
fn crawler_asks_a_host_twice_at_a_time_and_stops_at_fifty_pages() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let story = story("crawler", &[&httpbin.url("/links/100/0")])?;
    assert!(story.ends_with("\n50 pages\n"), "{story}");
    assert_eq!(story.matches(": 200 OK, 99 links\n").count(), 50, "{story}");
    assert!(httpbin.counters().peak_in_progress() <= 2);
    assert_eq!(httpbin.counters().served(), 51, "robots.txt is asked for once");
    Ok(())
}

#[test]
fn crawler_goes_no_deeper_than_two_links() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    // Pages that stand in their addresses: each holds a link to the next, and there are four.
    let first = "PGEgIGhyZWY9Jy9iYXNlNjQvUEdFZ0lDQm9jbVZtUFNjdlltRnpaVFkwTDFCSFJXZEpRMEp2WTIxV2JWQlRZM1paYlVaNldsUlpNRXd4Y0ZoT1YzUk5XbmxqTFNjLSc-";
    let story = story("crawler", &[&httpbin.url(&format!("/base64/{first}"))])?;
    assert_eq!(story.matches(": 200 OK, 1 links\n").count(), 3, "{story}");
    assert!(story.ends_with("\n3 pages\n"), "{story}");
    Ok(())
}

#[test]
fn crawler_does_not_follow_a_redirect_to_another_host() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let elsewhere = httpbin.url("/redirect-to?url=http://nobody.invalid/page");
    let story = story("crawler", &[&elsewhere, &httpbin.url("/redirect/1")])?;
    let mut lines: Vec<&str> = story.lines().collect();
    lines.sort_unstable();
    let expected = [
        "3 pages",
        "http://127.0.0.1:N/get: 200 OK, 0 links",
        "http://127.0.0.1:N/redirect-to?url=http://nobody.invalid/page: 302 Found, 0 links",
        "http://127.0.0.1:N/redirect/1: 302 Found, 1 links",
    ];
    assert_eq!(lines, expected);
    Ok(())
}

#[test]
fn crawler_goes_on_when_a_host_cannot_be_found() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let story = story("crawler", &["http://nobody.invalid/page", &httpbin.url("/html")])?;
    let mut lines: Vec<&str> = story.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines[..2], ["2 pages", "http://127.0.0.1:N/html: 200 OK, 0 links"], "{story}");
    assert!(lines[2].starts_with("http://nobody.invalid/page: ") && lines.len() == 3, "{story}");
    Ok(())
}

#[test]
fn proxy_user_goes_the_ways_it_is_told() -> Result<(), Failure> {
    tells(
        "proxy_user",
        "\
Without a proxy: 200 OK
Through the HTTP proxy: 200 OK
With a wrong password: 407 Proxy Authentication Required
Through the SOCKS proxy: 200 OK
3 questions so far: HTTP 2, SOCKS 1
By the environment: 200 OK
The HTTP proxy was asked 3 times
By the environment: 200 OK
The HTTP proxy was asked 3 times
",
    )
}

#[test]
fn server_sent_events_are_heard_once_each_however_often_the_answer_ends() -> Result<(), Failure> {
    let event = |id: u32, of: u32| format!("tick {id}: \"tick {id}\\nof this answer {of}\"\n");
    let again =
        |id: u32| format!("The answer has ended; I ask again in 100ms for what comes after \"{id}\"\n");
    let first = event(1, 1) + &event(2, 2) + &event(3, 3) + &again(3);
    let second = event(4, 1) + &event(5, 2) + &event(6, 3) + &again(6);
    tells("server_sent_events", &(first + &second + &event(7, 1) + "7 events are enough\n"))
}

#[test]
fn upload_sends_all_of_the_file_both_ways() -> Result<(), Failure> {
    let story = story("upload", &[])?;
    let lines: Vec<&str> = story.lines().collect();
    let quarters = ["25 % sent", "50 % sent", "75 % sent", "100 % sent"];
    assert_eq!(lines.len(), 12, "{story}");
    for (way, title) in lines.chunks(6).zip(["As it is:", "In a form:"]) {
        assert_eq!((way[0], &way[1..5]), (title, &quarters[..]), "{story}");
        // The server says back what it was sent.
        let told = way[5].strip_prefix("200 OK, with ").and_then(|rest| rest.strip_suffix(" bytes"));
        assert!(told.and_then(|told| told.parse().ok()).is_some_and(|told: u32| told > 1_000_000), "{story}");
    }
    Ok(())
}

#[test]
fn upload_takes_a_file_of_ones_own() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE-MIT");
    let story = story("upload", &[&httpbin.url("/post"), file])?;
    assert_eq!(story.matches("100 % sent\n200 OK, with ").count(), 2, "{story}");
    Ok(())
}

#[test]
fn websocket_hears_its_echo_and_says_goodbye() -> Result<(), Failure> {
    tells("websocket", "hello -> hello\nis anybody there? -> is anybody there?\nBoth have said goodbye\n")
}

#[test]
fn websocket_says_so_when_the_server_speaks_http_only() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let Ran { success, errors, .. } = run_example("websocket", &[&httpbin.url("/get")])?;
    assert!(!success && errors.contains("200"), "{errors}");
    Ok(())
}

#[test]
fn api_client_finds_adds_and_tries_again() -> Result<(), Failure> {
    tells(
        "api_client",
        "\
GET /bearer
Known by \"a token of trust\": true
POST /post
Added Note { title: \"Boats\", stars: 4 }
GET /get
Looked for Query { title: \"Boats & ships\" }
DELETE /status/503,503,200
DELETE /status/503,503,200
DELETE /status/503,503,200
It is tidy now
GET /status/404
Not found: GET http://127.0.0.1:N/status/404: the request was refused with status 404 Not Found
",
    )
}

#[test]
fn a_client_that_cannot_go_on_says_why_in_a_line() -> Result<(), Failure> {
    for name in ["download", "server_sent_events", "upload", "websocket", "api_client"] {
        let Ran { success, errors, .. } = run_example(name, &["http://nobody.invalid/"])?;
        let lines: Vec<&str> = errors.lines().collect();
        assert!(!success && lines.len() == 1 && lines[0].contains("nobody.invalid"), "{name}: {errors}");
    }
    Ok(())
}

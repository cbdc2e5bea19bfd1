//! The article's programs, run as programs: what they print and how long they take.
//!
//! The times are those of the servers' delays, so they have a floor that no machine goes below, and a ceiling that
//! is generous to a busy one.
#![forbid(unsafe_code)]

use std::time::Duration;

use curio_support::{Failure, HttpbinThread, Ran, run_example};

/// The lines that the article's program prints for its four URLs, in their order.
fn check_the_four_answers(printed: &str) {
    let gets: Vec<&str> = printed.lines().filter(|line| line.starts_with("GET ")).collect();
    assert_eq!(gets.len(), 4, "{printed}");
    for (line, seconds) in gets.iter().zip(1..) {
        assert!(line.ends_with(&format!("/delay/{seconds}")), "{printed}");
    }
    let contents = printed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let urls: Vec<String> =
        contents.map(|content| format!("GET {}", content["url"].as_str().unwrap())).collect();
    assert_eq!(urls, gets);
    assert!(printed.lines().last().unwrap().starts_with("Elapsed: "), "{printed}");
}

#[test]
fn fetch_prints_status_and_json_over_https() -> Result<(), Failure> {
    let Ran { success, printed, errors, .. } = run_example("fetch", &[])?;
    assert!(success && errors.is_empty(), "{errors}");
    assert!(printed.starts_with("Status code: 200\nContent: {"), "{printed}");
    assert!(printed.contains("\"url\": \"https://127.0.0.1:"), "{printed}");
    assert!(printed.lines().last().unwrap().starts_with("Elapsed: "), "{printed}");
    Ok(())
}

#[test]
fn concurrent_takes_as_long_as_its_longest_request() -> Result<(), Failure> {
    let Ran { success, printed, errors, took } = run_example("concurrent", &[])?;
    assert!(success && errors.is_empty(), "{errors}");
    check_the_four_answers(&printed);
    assert!((4.0..8.0).contains(&took.as_secs_f64()), "{took:?}");
    Ok(())
}

#[test]
fn bounded_takes_two_at_a_time() -> Result<(), Failure> {
    let Ran { success, printed, errors, took } = run_example("bounded", &[])?;
    assert!(success && errors.is_empty(), "{errors}");
    check_the_four_answers(&printed);
    assert!((5.5..10.0).contains(&took.as_secs_f64()), "{took:?}");
    Ok(())
}

#[test]
fn bounded_never_has_three_requests_in_progress() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let url = httpbin.url("/delay/0.1");
    let Ran { success, printed, errors, .. } = run_example("bounded", &[url.as_str(); 7])?;
    assert!(success && errors.is_empty(), "{errors}");
    assert_eq!(printed.matches("GET http://").count(), 7, "{printed}");
    assert_eq!(httpbin.counters().peak_in_progress(), 2);
    Ok(())
}

#[test]
fn concurrent_has_all_its_requests_in_progress() -> Result<(), Failure> {
    let httpbin = HttpbinThread::start()?;
    let url = httpbin.url("/delay/1");
    let Ran { success, errors, took, .. } = run_example("concurrent", &[url.as_str(); 20])?;
    assert!(success && errors.is_empty(), "{errors}");
    assert_eq!(httpbin.counters().peak_in_progress(), 20);
    assert!(took < Duration::from_secs(10), "{took:?}");
    Ok(())
}

#[test]
fn a_program_that_fails_says_why_in_a_line() -> Result<(), Failure> {
    for name in ["fetch", "concurrent", "bounded"] {
        let Ran { success, errors, .. } = run_example(name, &["http://nobody.invalid/"])?;
        assert!(!success);
        let lines: Vec<&str> = errors.lines().collect();
        assert!(lines.len() == 1 && lines[0].contains("http://nobody.invalid/"), "{name}: {errors}");
    }
    Ok(())
}

#[test]
fn the_articles_programs_stay_under_forty_lines() {
    let sources = [
        include_str!("../examples/fetch.rs"),
        include_str!("../examples/concurrent.rs"),
        include_str!("../examples/bounded.rs"),
    ];
    for source in sources {
        assert!(source.lines().count() < 40);
    }
}

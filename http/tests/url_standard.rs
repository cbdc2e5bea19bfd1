//! The web platform's tests of the URL standard, run through `Url`.
//!
//! What the standard refuses, we refuse. What it parses, we parse to the same text, unless it is something that a client
//! must not guess about: then we refuse, for one of the reasons below. How often each reason applies is written down, so
//! that a case that is left out fails a test. The cases are in `fixtures/urls.json`; the README there says where
//! they are from.

use curio_http::Url;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why `Url` is stricter than the standard: a name, and what the error says.
const REASONS: [(&str, &str); 7] = [
    ("control character", "may not contain the control character"),
    ("space", "may not contain a space"),
    ("other scheme", "only http:// and https://"),
    ("no scheme", "must begin with http:// or https://"),
    ("no slashes", "must be followed by //"),
    ("backslash", "a backslash may not follow the host"),
    ("port 0", "port 0 cannot be connected to"),
];

struct Case {
    input: String,
    base: Option<String>,
    /// What the standard makes of it; `None`: it refuses.
    href: Option<String>,
}

fn cases() -> Vec<Case> {
    let cases: Value = serde_json::from_str(include_str!("fixtures/urls.json")).expect("JSON");
    let text = |case: &Value, field: &str| case[field].as_str().map(str::to_owned);
    let case = |case: &Value| Case {
        input: text(case, "input").expect("an input"),
        base: text(case, "base"),
        href: text(case, "href"),
    };
    cases.as_array().expect("a list").iter().map(case).collect()
}

fn ours(case: &Case) -> Result<Url, curio_http::Error> {
    match &case.base {
        None => Url::parse(&case.input),
        Some(base) => Url::parse(base).expect(base).join(&case.input),
    }
}

#[test]
fn what_the_standard_refuses_is_refused() {
    let mut count = 0;
    for case in cases().iter().filter(|case| case.href.is_none()) {
        let url = ours(case);
        assert!(url.is_err(), "{:?} against {:?} became {url:?}", case.input, case.base);
        count += 1;
    }
    assert_eq!(count, 262);
}

#[test]
fn what_the_standard_parses_becomes_the_same_or_is_refused_for_a_reason_with_a_name() {
    let (mut same, mut refused) = (0, BTreeMap::new());
    for case in cases() {
        let Some(href) = &case.href else { continue };
        match ours(&case) {
            Ok(url) => {
                assert_eq!(url.as_str(), href, "{:?} against {:?}", case.input, case.base);
                same += 1;
            }
            Err(error) => {
                let line = error.to_string();
                let reason = REASONS.iter().find(|(_, words)| line.contains(words));
                let (name, _) =
                    reason.unwrap_or_else(|| panic!("{:?} against {:?}: {line}", case.input, case.base));
                let web = href.starts_with("http:") || href.starts_with("https:");
                assert!(*name != "other scheme" || !web, "{:?} against {:?}: {line}", case.input, case.base);
                *refused.entry(*name).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(same, 185);
    let expected = [
        ("backslash", 1),
        ("control character", 30),
        ("no scheme", 2),
        ("no slashes", 13),
        ("other scheme", 196),
        ("port 0", 2),
        ("space", 4),
    ];
    assert_eq!(refused, BTreeMap::from(expected));
}

#[test]
fn parsing_what_was_parsed_changes_nothing() {
    for url in cases().iter().filter_map(|case| ours(case).ok()) {
        let again = Url::parse(url.as_str()).expect("an address of ours");
        assert_eq!(again, url);
        assert_eq!(url.join(url.as_str()).expect("an address of ours"), url);
    }
}

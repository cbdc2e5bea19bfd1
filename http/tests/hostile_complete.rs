//! Every hostile case has a test, and the page about them tells the truth.
//!
//! The 142 cases are rows in `docs/hostile-cases.md`; a test belongs to a case if its name begins with `case_` and the
//! case's number in three digits, wherever in the workspace it stands. With `CURIO_BLESS=1` in the environment, the column of
//! tests on that page is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const CASES: u16 = 142;

/// Cases about things that this client does not have yet.
const TO_COME: &[(u16, &str)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> PathBuf {
    root().join("docs/hostile-cases.md")
}

/// The names of all functions in the sources and tests of the workspace.
fn functions() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for line in fs::read_to_string(&path).expect("a source file").lines() {
                    let line = line.trim_start();
                    let line = line.strip_prefix("pub ").unwrap_or(line);
                    if let Some((name, _)) =
                        line.strip_prefix("fn ").and_then(|rest| rest.split_once(['(', '<']))
                    {
                        found.insert(name.to_owned());
                    }
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in ["http/tests", "http/src", "tests", "runtime/tests", "runtime/src"] {
        walk(&root().join(folder), &mut found);
    }
    found
}

/// The tests of each case.
fn tests() -> BTreeMap<u16, Vec<String>> {
    let mut tests: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for name in functions() {
        let number = name.strip_prefix("case_").and_then(|rest| rest.split_once('_'));
        let Some((number, sentence)) = number else { continue };
        let Ok(case) = number.parse() else { continue };
        assert!(number.len() == 3 && sentence.contains('_'), "{name} is case_NNN_and_a_sentence");
        tests.entry(case).or_default().push(name.clone());
    }
    tests
}

/// The case of a row on the page, and the row without its column of tests.
fn row(line: &str) -> Option<(u16, String)> {
    let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
    let number = cells.first()?.parse().ok()?;
    Some((number, format!("| {}", cells.get(..3)?.join(" | "))))
}

#[test]
fn every_case_has_a_test() {
    let tests = tests();
    for number in 1..=CASES {
        let to_come = TO_COME.iter().find(|(case, _)| *case == number);
        match (tests.contains_key(&number), to_come) {
            (false, None) => panic!("case {number} has no test called case_{number:03}_…"),
            (true, Some(_)) => panic!("case {number} has a test now: take it off the list of those to come"),
            _ => {}
        }
    }
    assert!(
        tests.keys().all(|number| (1..=CASES).contains(number)),
        "no test is of a case that there is not"
    );
}

#[test]
fn the_page_names_a_test_for_every_case() {
    let tests = tests();
    let mut rows = Vec::new();
    let mut blessed = String::new();
    let page_text = fs::read_to_string(page()).expect("docs/hostile-cases.md");
    for line in page_text.lines() {
        match row(line) {
            None => blessed += line,
            Some((number, start)) => {
                let named = tests.get(&number).map(|names| names.join("`<br>`"));
                rows.push((number, line.to_owned()));
                blessed += &named.map_or(format!("{start} | |"), |names| format!("{start} | `{names}` |"));
            }
        }
        blessed.push('\n');
    }
    assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (1..=CASES).collect::<Vec<_>>());
    if std::env::var_os("CURIO_BLESS").is_some() {
        fs::write(page(), blessed).expect("docs/hostile-cases.md");
        return;
    }
    for (number, line) in rows {
        let named = tests.get(&number).is_none_or(|names| names.iter().any(|name| line.contains(name)));
        assert!(named, "case {number} has tests that the page does not name: run this with CURIO_BLESS=1");
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    if std::env::var_os("CURIO_BLESS").is_some() {
        return;
    }
    let functions = functions();
    let text = fs::read_to_string(page()).expect("docs/hostile-cases.md");
    let names = text.split('`').filter(|word| {
        word.matches('_').count() > 1 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    let mut seen = 0;
    for name in names.filter(|name| name.bytes().any(|byte| byte.is_ascii_lowercase())) {
        assert!(functions.contains(name), "{name} does not exist: run this with CURIO_BLESS=1");
        seen += 1;
    }
    assert!(seen > 100);
}

//! Checks `docs/curio-tests.md`, the page that accounts for Curio's own tests: every row has a verdict, every test
//! of ours that it names is there, every port is named, the numbers are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const VERDICTS: [&str; 3] = ["ported", "covered elsewhere", "meaningless in Rust"];

struct Row {
    test: String,
    verdict: String,
    ours: String,
}

/// Tables by the heading above them; the one of the numbers has none.
type Page = BTreeMap<String, Vec<Row>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text() -> String {
    fs::read_to_string(repository().join("docs/curio-tests.md")).expect("the page is there")
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let line = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let is_row = !cells[0].starts_with("---") && !["Curio's test", "file of Curio"].contains(&cells[0]);
    is_row.then_some(cells)
}

/// The rows of each file of Curio, and how many the heading promises.
fn page() -> (Page, BTreeMap<String, usize>) {
    let (mut page, mut promised, mut file) = (Page::new(), BTreeMap::new(), None);
    for line in text().lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let (name, count) = heading.split_once(": ").expect("a heading is `file: n tests`");
            let count = count.strip_suffix(" tests").expect("a heading is `file: n tests`");
            promised.insert(name.to_string(), count.parse().expect("a number"));
            file = Some(name.to_string());
        } else if let (Some(file), Some(cells)) = (&file, cells(line)) {
            let [test, verdict, ours] = cells[..] else { panic!("{file}: three cells in `{line}`") };
            let [test, verdict, ours] = [test, verdict, ours].map(str::to_string);
            page.entry(file.clone()).or_default().push(Row { test, verdict, ours });
        }
    }
    (page, promised)
}

/// The tests of ours that a cell names: everything in backquotes of the form `file: function`.
fn named(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs: "))
        .map(|(file, function)| (file, function.trim()))
}

/// The tests in a file: functions below a `#[test]`.
fn tests_in(path: &Path) -> BTreeSet<String> {
    let code = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tests = BTreeSet::new();
    let mut is_test = false;
    for line in code.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ")
            && std::mem::take(&mut is_test)
        {
            tests.extend(rest.split('(').next().map(str::to_string));
        }
    }
    tests
}

fn path_of(file: &str) -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(format!("{file}.rs"));
    if ours.exists() { ours } else { repository().join(format!("{file}.rs")) }
}

#[test]
fn every_row_has_a_verdict_and_what_it_rests_on() {
    for (file, rows) in page().0 {
        for Row { test, verdict, ours } in rows {
            assert!(VERDICTS.contains(&verdict.as_str()), "{file}: {test}: `{verdict}` is no verdict");
            if verdict == "meaningless in Rust" {
                assert!(
                    ours.len() > 10 && ours.ends_with('.'),
                    "{file}: {test} needs a reason, not `{ours}`"
                );
            } else {
                assert!(named(&ours).next().is_some(), "{file}: {test}: no test is named in `{ours}`");
                let is_port = named(&ours).any(|(file, _)| file.starts_with("ported/"));
                assert_eq!(is_port, verdict == "ported", "{file}: {test}: `{verdict}` and {ours}");
            }
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    for (file, rows) in page().0 {
        for Row { test, ours, .. } in rows {
            for (our_file, function) in named(&ours) {
                let path = path_of(our_file);
                assert!(
                    tests_in(&path).contains(function),
                    "{file}: {test}: no test {function} in {}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_port_is_named() {
    let text = text();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ported");
    for entry in
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path())
    {
        for test in tests_in(&entry) {
            assert!(text.contains(&format!(": {test}`")), "the page does not name {test}");
        }
    }
}

#[test]
fn the_numbers_are_right() {
    let (page, promised) = page();
    let mut expected = BTreeMap::new();
    let mut sum = [0; 4];
    for (file, rows) in &page {
        let tests: BTreeSet<_> = rows.iter().map(|row| &row.test).collect();
        assert_eq!(tests.len(), rows.len(), "{file}: a test is named twice");
        assert_eq!(promised.get(file), Some(&rows.len()), "{file}: the number in the heading");
        let [ported, covered, meaningless] =
            VERDICTS.map(|verdict| rows.iter().filter(|row| row.verdict == verdict).count());
        let numbers = [rows.len(), ported, covered, meaningless];
        sum = std::array::from_fn(|n| sum[n] + numbers[n]);
        expected.insert(file.clone(), numbers);
    }
    assert_eq!(promised.len(), page.len(), "a heading without a table");
    expected.insert("all".to_string(), sum);
    assert_eq!(sum[0], 261, "as many as Curio 1.6 has");
    let text = text();
    let summary = text.lines().take_while(|line| !line.starts_with("## ")).filter_map(cells);
    let stated: BTreeMap<String, [usize; 4]> = summary
        .map(|row| (row[0].to_string(), std::array::from_fn(|n| row[n + 1].parse().expect("a number"))))
        .collect();
    assert_eq!(stated, expected);
}

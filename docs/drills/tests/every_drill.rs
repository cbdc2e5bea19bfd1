//! Every exercise fails before it is begun, and every solution passes; what a drill says about itself is true.
#![forbid(unsafe_code)]

use drills::{DRILLS, Drill, Orders, grade};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

fn from_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A file, with the line ends of Unix.
fn text_of(path: &str) -> String {
    let file = from_root(path);
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.replace("\r\n", "\n")
}

/// If you have begun a drill, this fails for you, and rightly so.
#[test]
fn every_exercise_that_is_not_begun_fails_with_a_requirement_and_an_order() {
    for drill in &DRILLS {
        assert!(!drill.is_begun(), "drill {} has been begun", drill.number);
        let failure =
            grade(drill, &(drill.exercise_checks)(), Orders::Many).expect_err("it is not a solution");
        assert!(failure.requirement.ends_with('.') && !failure.what.is_empty(), "{failure}");
        let again = grade(drill, &(drill.exercise_checks)(), Orders::Seed(failure.seed));
        assert_eq!(again.expect_err("the same order fails again").to_string(), failure.to_string());
    }
}

#[test]
fn every_solution_passes() {
    for drill in &DRILLS {
        grade(drill, &(drill.solution_checks)(), Orders::Many).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn numbers_and_names_are_those_of_the_files() {
    let names: HashSet<_> = DRILLS.iter().map(|drill| drill.name).collect();
    assert_eq!(names.len(), DRILLS.len());
    for (drill, number) in DRILLS.iter().zip(1..) {
        assert_eq!(drill.number, number);
        assert_eq!(text_of(&drill.exercise_path()), drill.exercise.replace("\r\n", "\n"));
        assert_eq!(text_of(&drill.grader_path()), drill.grader.replace("\r\n", "\n"));
        assert!(text_of(&drill.solution_path()).starts_with(&format!("//! Drill {number}, a solution.")));
    }
}

#[test]
fn no_file_in_the_folders_is_without_a_drill() {
    for folder in ["exercises", "solutions", "graders"] {
        let listed = fs::read_dir(from_root("docs/drills/src").join(folder)).expect("the folder can be read");
        for entry in listed {
            let name =
                entry.expect("the folder can be read").file_name().into_string().expect("an ASCII name");
            let is_of = |drill: &Drill| name == format!("{:02}_{}.rs", drill.number, drill.name);
            let is_known = DRILLS.iter().any(is_of) || ["mod.rs", "by_hand.rs"].contains(&&*name);
            assert!(is_known, "{folder}/{name}");
        }
    }
}

#[test]
fn the_head_of_an_exercise_has_its_title_its_rules_and_the_chapter_to_read_first() {
    for drill in &DRILLS {
        let mut lines = drill.exercise.lines();
        assert_eq!(lines.next(), Some("// NOT BEGUN: remove this line when you begin."));
        assert_eq!(lines.next(), Some(&*format!("//! # Drill {}: {}", drill.number, drill.title)));
        let head: Vec<_> = lines.take_while(|line| line.starts_with("//!")).collect();
        assert!(head.contains(&"//! The rules:"), "drill {}", drill.number);
        let last = head.last().expect("it is not empty");
        let chapter = drill.chapter.to_string();
        let mut words = last.split(|letter: char| !letter.is_ascii_alphanumeric());
        assert!(last.starts_with("//! Read first: chapter") && words.any(|word| word == chapter), "{last}");
    }
}

/// So that a failure can quote it.
#[test]
fn the_source_of_each_check_is_found() {
    for drill in &DRILLS {
        let checks = (drill.exercise_checks)();
        assert!(checks.len() >= 4, "drill {} has {} checks", drill.number, checks.len());
        for check in checks {
            let quote = check.quote(drill);
            let is_whole = quote.first().is_some_and(|line| line.starts_with("async fn "))
                && quote.last().is_some_and(|line| *line == "}");
            assert!(is_whole, "{}: {quote:?}", check.requirement);
            assert!(check.requirement.ends_with('.'), "{}", check.requirement);
        }
    }
}

/// A link with its number to its file.
fn is_chapter(text: &str, number: u32) -> bool {
    let file = text.strip_prefix(&format!("[{number}](../tour/")).and_then(|link| link.strip_suffix(')'));
    file.is_some_and(|file| {
        file.starts_with(&format!("{number:02}-")) && from_root("docs/tour").join(file).is_file()
    })
}

#[test]
fn the_readme_has_a_row_for_each_drill_and_the_commands_that_there_are() {
    let readme = text_of("docs/drills/README.md");
    let rows: Vec<_> = readme.lines().filter(|line| line.starts_with("| [")).collect();
    assert_eq!(rows.len(), DRILLS.len());
    for (row, drill) in rows.iter().zip(&DRILLS) {
        let file = format!("src/exercises/{:02}_{}.rs", drill.number, drill.name);
        let begin = format!("| [{}]({file}) | {} | {} | ", drill.number, drill.title, drill.teaches);
        let chapter = row.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(" |"));
        let chapter = chapter.unwrap_or_else(|| panic!("{row}\nshould begin with\n{begin}"));
        assert!(is_chapter(chapter, drill.chapter), "{row}");
    }
    assert!(readme.contains(&format!("```console\n{}\n```", drills::arguments::USAGE)), "the commands");
}

#[test]
fn the_map_of_the_sources_names_each_of_them() {
    let map = text_of("docs/drills/src/lib.rs");
    for entry in fs::read_dir(from_root("docs/drills/src")).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let name = entry.file_name().into_string().expect("an ASCII name");
        let name = if entry.path().is_dir() { format!("{name}/") } else { name };
        assert!(name == "lib.rs" || map.contains(&format!("//! | `{name}` |")), "{name}");
    }
}

//! docs/zoo.md against `examples/zoo`: the programs that it shows, the commands that it names, what they print, the repairs.
//!
//! `CURIO_BLESS=1 cargo test --test zoo` writes programs and outputs into the page anew. A line `...` in an output stands for any
//! number of lines, and stays as long as the rest is true; times and ports are normalised. Repairs are parts of the files in
//! `examples/zoo/repaired`.
#![forbid(unsafe_code)]

#[path = "zoo/console.rs"]
mod console;
#[path = "zoo/page.rs"]
mod page;

use console::{Session, is_elided};
use curio_support::{Failure, compiler, run_example, run_example_with};
use page::{Entry, Page, folder, names_in};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

/// The compiler whose words stand on the page.
const COMPILER: &str = "rustc 1.95.";

/// The longest program that still shows one thing.
const MOST_LINES: usize = 40;

#[test]
fn every_program_has_an_entry_a_repair_and_a_place_in_the_table() -> Result<(), Failure> {
    let page = Page::read()?;
    let programs = names_in(&folder())?;
    assert!(programs.len() >= 14, "{programs:?}");
    let entries: BTreeSet<String> = page.entries().iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(entries, programs, "the entries of docs/zoo.md, and examples/zoo");
    assert_eq!(names_in(&folder().join("repaired"))?, programs, "examples/zoo/repaired, and examples/zoo");
    assert_eq!(page.in_the_table(), programs, "the table of docs/zoo.md, and examples/zoo");
    Ok(())
}

#[test]
fn links_lead_to_files() -> Result<(), Failure> {
    for link in Page::read()?.links() {
        assert!(Page::folder().join(&link).exists(), "docs/zoo.md links to {link}");
    }
    Ok(())
}

#[test]
fn every_program_that_compiles_can_be_run() -> Result<(), Failure> {
    let listed = run_example("zoo", &[])?.printed;
    let listed: BTreeSet<&str> = listed.lines().collect();
    for entry in Page::read()?.entries() {
        let is_refused = entry.console()?.text.contains("\nerror: aborting due to ");
        assert_ne!(listed.contains(entry.name.as_str()), is_refused, "{}", entry.name);
    }
    Ok(())
}

#[test]
fn every_program_is_short_and_says_what_it_was_meant_to_do() -> Result<(), Failure> {
    for entry in Page::read()?.entries() {
        let program = entry.program_file()?;
        assert!(program.lines().count() <= MOST_LINES, "{}", entry.name);
        assert!(program.starts_with("//! Meant to "), "{}", entry.name);
    }
    Ok(())
}

#[test]
fn the_page_shows_the_programs_as_they_are() -> Result<(), Failure> {
    let mut page = Page::read()?;
    for entry in page.entries() {
        let program = entry.program_file()?;
        page.check(entry.program()?, &program, program.trim_end() == entry.program()?.text);
    }
    page.finish()
}

#[test]
fn the_page_shows_what_the_programs_print() -> Result<(), Failure> {
    let mut page = Page::read()?;
    for entry in page.entries() {
        let block = entry.console()?;
        let session = Session::of(&block.text)?;
        if session.is_of_compiler() {
            continue;
        }
        let printed = session.run()?;
        page.check(block, &printed, is_elided(&block.text, &printed));
    }
    page.finish()
}

#[test]
fn the_page_shows_what_the_compiler_says() -> Result<(), Failure> {
    let (root, out) = (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")));
    let mut page = Page::read()?;
    for entry in page.entries() {
        let block = entry.console()?;
        if !Session::of(&block.text)?.is_of_compiler() {
            continue;
        }
        let source = Path::new("examples").join("zoo").join(entry.name.clone() + ".rs");
        let said = format!("$ cargo check\n{}", compiler::rustc_says(root, &source, out)?);
        let is_true = match compiler::version()?.starts_with(COMPILER) {
            true => is_elided(&block.text, &said),
            // Another version may say it in other words; the first line is the lint or the error.
            false => block.text.lines().nth(1) == said.lines().nth(1),
        };
        page.check(block, &said, is_true);
    }
    page.finish()
}

#[test]
fn the_page_shows_the_repairs_as_they_are() -> Result<(), Failure> {
    for Entry { name, blocks, .. } in Page::read()?.entries() {
        let repaired = std::fs::read_to_string(folder().join("repaired").join(name.clone() + ".rs"))?;
        let repairs: Vec<_> = blocks.iter().skip(2).collect();
        assert!(!repairs.is_empty(), "the entry of {name} shows no repair");
        for repair in repairs {
            let part = page::indented_alike(&repaired, &repair.text);
            assert!(part, "this is no part of examples/zoo/repaired/{name}.rs:\n{}", repair.text);
        }
    }
    Ok(())
}

#[test]
fn the_repaired_programs_run_without_a_message() -> Result<(), Failure> {
    for entry in Page::read()?.entries() {
        let name = format!("repaired/{}", entry.name);
        let ran = run_example("zoo", &[&name])?;
        assert!(ran.success && ran.errors.is_empty(), "{name}: {}", ran.errors);
    }
    Ok(())
}

#[test]
fn the_repaired_programs_wait_for_what_they_should() -> Result<(), Failure> {
    let wakes = |name: &str| -> Result<String, Failure> {
        let environment = [("CURIO_STATS", OsStr::new("1"))];
        let ran = run_example_with("zoo", &[&format!("repaired/{name}")], &environment)?;
        let line = ran.errors.lines().find(|line| line.starts_with("curio: wakes: "));
        Ok(line.ok_or("the numbers are printed")?.to_owned())
    };
    let (blocking_sleep, starvation, busy_wait) =
        (wakes("blocking_sleep")?, wakes("starvation")?, wakes("busy_wait")?);
    assert!(blocking_sleep.contains(" 1 by a thread"), "the thread that made the report: {blocking_sleep}");
    assert!(starvation.contains(" 10000 by schedule()"), "the pieces of the checksum: {starvation}");
    assert!(!busy_wait.contains("by schedule()"), "only the event: {busy_wait}");
    Ok(())
}

//! What the chapters show of their programs is what these do: the source, the output, the trace and the picture.
//!
//! `CURIO_BLESS=1 cargo test -p curio-tour --test programs` writes outputs, traces and pictures anew.
#![forbid(unsafe_code)]

mod marks;

use curio_support::{Failure, Ran, Shown, run_example_with, without_numbers};
use marks::{Block, blocks, chapters, name, read, root, with_block};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A program of the tour is to be read in one look.
const LONGEST_PROGRAM: usize = 30;

fn source_of(program: &str) -> PathBuf {
    root().join("docs/tour/examples").join(program).with_extension("rs")
}

/// On a virtual clock every run is the same, to the nanosecond.
fn is_deterministic(program: &str) -> bool {
    read(&source_of(program)).contains("virtual_clock(true)")
}

fn run(program: &str, variable: &str, value: &Path) -> Ran {
    let ran = run_example_with(program, &[], &[(variable, value.as_os_str())]);
    let ran = ran.unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(ran.success, "{program}: {}", ran.errors);
    ran
}

fn trace_of(program: &str) -> String {
    let ran = run(program, "CURIO_DEBUG", Path::new("schedtrace"));
    // The programs print, too, but to their standard output.
    comparable(program, &ran.errors)
}

/// Without what is another number in each run.
fn comparable(program: &str, text: &str) -> String {
    let text = without_numbers(&text.replace("\r\n", "\n"));
    if is_deterministic(program) { text } else { without_times(&text) }
}

/// `t=0.124s` becomes `t=…`.
fn without_times(text: &str) -> String {
    let mut parts = text.split("t=");
    let mut result = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let after = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let time = if after.len() < part.len() { after.strip_prefix('s') } else { None };
        result += "t=";
        result += if time.is_some() { "…" } else { "" };
        result += time.unwrap_or(part);
    }
    result
}

/// Compares the blocks of a kind with what the programs do now, or writes them anew.
fn check(kind: &str, now: impl Fn(&str) -> String) {
    // The tests of this file run at the same time, and write to the same chapters.
    static WRITING: Mutex<()> = Mutex::new(());
    let _turn = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut wrong = Vec::new();
    for chapter in chapters() {
        // From the end, so that lines before a block keep their places.
        for block in blocks(&chapter).iter().rev().filter(|block| block.kind == kind) {
            let now = now(&block.of);
            if comparable(&block.of, block.text.trim_end()) == comparable(&block.of, now.trim_end()) {
                continue;
            }
            if std::env::var_os("CURIO_BLESS").is_some() {
                let anew = with_block(&read(&chapter), block, &now);
                fs::write(&chapter, anew).expect("the chapter can be written");
            } else {
                wrong.push(format!(
                    "{}:{}: {kind} of {} is now\n{now}",
                    chapter.display(),
                    block.line,
                    block.of
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\nCURIO_BLESS=1 writes it anew", wrong.join("\n"));
}

#[test]
fn each_program_is_shown_as_it_is() {
    check("program", |program| read(&source_of(program)));
}

#[test]
fn each_output_is_what_the_program_prints() {
    check("output", |program| run(program, "CURIO_DEBUG", Path::new("")).printed.replace("\r\n", "\n"));
}

#[test]
fn each_whole_trace_is_what_happens() {
    for chapter in chapters() {
        for block in blocks(&chapter).iter().filter(|block| block.kind == "trace") {
            assert!(is_deterministic(&block.of), "{}: show a part of its trace", block.of);
        }
    }
    check("trace", trace_of);
}

#[test]
fn each_line_of_a_trace_happens_in_its_order() {
    for chapter in chapters() {
        for block in blocks(&chapter).iter().filter(|block| block.kind == "part of trace") {
            let trace = trace_of(&block.of);
            let mut lines = trace.lines();
            for line in comparable(&block.of, &block.text).lines().filter(|line| line.trim() != "…") {
                let place = format!("{}:{}", chapter.display(), block.line);
                assert!(
                    lines.any(|other| other == line),
                    "{place}: this line is not there, or earlier: {line}\n{trace}"
                );
            }
        }
    }
}

#[test]
fn each_picture_shows_what_happens() -> Result<(), Failure> {
    for chapter in chapters() {
        for block in blocks(&chapter).iter().filter(|block| block.kind == "picture") {
            check_picture(&chapter, block)?;
        }
    }
    Ok(())
}

fn check_picture(chapter: &Path, block: &Block) -> Result<(), Failure> {
    let program = &block.of;
    let place = format!("{}:{}", chapter.display(), block.line);
    let shown = format!("](pictures/{program}.svg)");
    assert!(block.text.contains(&shown), "{place}: the image below the mark is another one");
    let kept = root().join(format!("docs/tour/pictures/{program}.svg"));
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{program}.svg"));
    run(program, "CURIO_TRACE", &new);
    let drawn = fs::read_to_string(&new)?;
    let before = fs::read_to_string(&kept).unwrap_or_default().replace("\r\n", "\n");
    let drawn = drawn.replace("\r\n", "\n");
    // In real time each picture is a little different, and is no other one for that.
    let is_same =
        if is_deterministic(program) { before == drawn } else { Shown::of(&before) == Shown::of(&drawn) };
    if !is_same && std::env::var_os("CURIO_BLESS").is_some() {
        fs::write(&kept, &drawn)?;
        return Ok(());
    }
    assert!(is_same, "{place}: draw it anew with CURIO_BLESS=1; it shows {:?}", Shown::of(&drawn));
    Ok(())
}

#[test]
fn each_program_belongs_to_a_chapter_and_is_short() {
    let of_chapters: BTreeSet<String> =
        chapters().iter().flat_map(|chapter| blocks(chapter)).map(|block| block.of).collect();
    for entry in fs::read_dir(root().join("docs/tour/examples")).expect("the programs are there") {
        let path = entry.expect("a folder can be listed").path();
        let program = name(&path).trim_end_matches(".rs").to_string();
        assert!(of_chapters.contains(&program), "no chapter shows {program}");
        let lines = read(&path).lines().count();
        assert!(lines <= LONGEST_PROGRAM, "{program} has {lines} lines");
    }
}

#[test]
fn times_are_left_out_of_traces_in_real_time() {
    assert_eq!(
        without_times("[t=0.124s] #1 WAKE by a timer due at t=1.000s"),
        "[t=…] #1 WAKE by a timer due at t=…"
    );
    assert_eq!(without_times("what=7 at=x"), "what=7 at=x");
}

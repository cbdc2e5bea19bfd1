//! The program: what it prints for good arguments and for bad ones.
#![forbid(unsafe_code)]

use drills::DRILLS;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_drills"));
    program.args(arguments).env_remove("CURIO_SEED").output().expect("the program can be run")
}

/// What it prints, and its status.
fn printed(arguments: &[&str]) -> (String, Option<i32>) {
    let output = run(arguments);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n"), output.status.code())
}

#[test]
fn without_arguments_it_lists_the_drills_and_how_far_one_is() {
    let (text, status) = printed(&[]);
    assert_eq!(status, Some(0));
    for (drill, line) in DRILLS.iter().zip(text.lines()) {
        let words = [&drill.number.to_string(), "not begun", drill.title, &drill.exercise_path()];
        assert!(words.iter().all(|words| line.contains(words)), "{line}");
    }
}

#[test]
fn a_drill_that_fails_shows_the_requirement_the_check_and_the_trace() {
    let (text, status) = printed(&["12"]);
    assert_eq!(status, Some(1));
    let parts = [
        "Drill 12, a mistake in a wait queue: docs/drills/src/exercises/12_wait_queue.rs",
        "  met: Turns are granted in the order in which the waits came.",
        "NOT MET: A wait that was granted its turn goes on, whichever waits come after it.",
        "deadlock: no task can run",
        "`cargo run -p drills -- 12 --seed=",
        "The check (docs/drills/src/graders/12_wait_queue.rs:",
        "  async fn keeps_its_turn<Q: WaitQueueDrill>() {",
        "The trace up to the failure",
        "  ---- the first wait is in line",
        "#2 first  WAKE       by #1",
    ];
    let mut rest = &*text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` is not where it should be in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn the_line_of_the_check_that_failed_is_marked() {
    let (text, _) = printed(&["3"]);
    let marked: Vec<_> = text.lines().filter(|line| line.starts_with("> ")).collect();
    assert_eq!(marked.len(), 1, "{text}");
    assert!(marked[0].contains("no permit was free, and acquire took one"), "{text}");
}

#[test]
fn a_solution_passes_and_its_requirements_are_listed() {
    let (text, status) = printed(&["5", "--solution"]);
    assert_eq!(status, Some(0));
    assert!(text.contains("docs/drills/src/solutions/05_race.rs"), "{text}");
    assert_eq!(text.matches("\n  met: ").count(), (DRILLS[4].solution_checks)().len());
    assert!(text.ends_with("\nIt passes.\n"), "{text}");
}

#[test]
fn a_seed_runs_one_order() {
    let (text, status) = printed(&["12", "--seed=0"]);
    assert!(status == Some(1) && text.contains("--seed=0`"), "{text}");
    assert_eq!(printed(&["12", "--seed", "0"]), (text, status));
    let (text, status) = printed(&["12", "--seed=5"]);
    assert!(status == Some(0) && text.ends_with("\nIt passes in the order of seed 5.\n"), "{text}");
}

#[test]
fn a_hint_is_printed_in_lines_that_fit_a_terminal() {
    let (text, status) = printed(&["3", "--hint"]);
    assert_eq!(status, Some(0));
    assert_eq!(text.replace('\n', " ").trim_end(), DRILLS[2].hint);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_picture_is_written_beside_the_program_and_the_file_is_named() {
    let (text, _) = printed(&["12", "--picture"]);
    let file =
        text.lines().find_map(|line| line.strip_prefix("The picture of this run: ")).expect("it says where");
    assert!(file.ends_with("drill-12-wait_queue.html"), "{file}");
    let page = std::fs::read_to_string(file).expect("it is there");
    assert!(page.contains("<html") && page.contains("newcomer"));
}

#[test]
fn a_picture_can_be_an_image_with_a_name_of_ones_own() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drill-2.svg");
    let argument = format!("--picture={}", file.display());
    let (text, _) = printed(&["2", &argument]);
    assert!(text.contains("The picture of this run: "), "{text}");
    let image = std::fs::read_to_string(file).expect("it is there");
    assert!(image.starts_with("<svg") && image.contains("second"));
}

#[test]
fn a_picture_that_cannot_be_written_is_reported() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no such folder").join("x.svg");
    let (text, status) = printed(&["2", &format!("--picture={}", file.display())]);
    assert_eq!(status, Some(1));
    assert!(text.contains("The picture cannot be drawn: writing "), "{text}");
}

#[test]
fn help_names_every_option() {
    let (text, status) = printed(&["--help"]);
    assert_eq!(status, Some(0));
    for option in ["--hint", "--picture", "--seed", "--solution"] {
        assert!(text.contains(option), "{text}");
    }
}

#[test]
fn bad_arguments_are_named_with_the_commands_that_there_are() {
    let cases: [(&[&str], &str); 11] = [
        (&["13"], "there is no drill `13`; they have the numbers 1 to 12"),
        (&["0"], "there is no drill `0`"),
        (&["semaphore"], "there is no drill `semaphore`"),
        (&["3", "4"], "one drill at a time: `4` is too much"),
        (&["3", "--hnit"], "there is no option `--hnit`"),
        (&["3", "--hint=2"], "there is no option `--hint=2`"),
        (&["--hint"], "which drill? Its number is missing"),
        (&["3", "--hint", "--solution"], "--hint stands alone"),
        (&["3", "--seed"], "--seed needs a number"),
        (&["3", "--seed=first"], "a seed is a number from 0 on, and `first` is none"),
        (&["3", "--picture=x.png"], "a picture's file ends in .html, .svg or .json; `x.png` does not"),
    ];
    for (arguments, message) in cases {
        let output = run(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && text.starts_with(message), "{arguments:?}: {text}");
        assert!(text.contains("cargo run -p drills -- 3 --hint"), "{text}");
    }
}

#![forbid(unsafe_code)]
//! Grades the drills. `docs/drills/README.md` says how to use it.

use drills::arguments::{Command, Grading, Picture, USAGE, parse};
use drills::{DRILLS, Drill, Failure, Orders, grade_or_exit, picture};
use std::env;
use std::io::{self, Write};
use std::path::{self, PathBuf};
use std::process::{self, ExitCode, Stdio};
use std::time::Duration;

/// How long one run may take. It takes less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    match parse(env::args().skip(1)) {
        Ok(Command::List) => list(),
        Ok(Command::Help) => say(USAGE),
        Ok(Command::Hint(drill)) => say(&wrapped(drill.hint)),
        Ok(Command::Grade(grading)) => return run(&grading),
        Err(bad) => {
            eprintln!("{bad}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// A line for each drill. Each is graded by a process of its own, which may crash.
fn list() {
    for drill in &DRILLS {
        let state = match passes(drill) {
            Ok(true) => "passes",
            Ok(false) if drill.is_begun() => "fails",
            Ok(false) => "not begun",
            Err(_) => "cannot be run",
        };
        say(&format!("{:2}  {:13}  {:45}  {}", drill.number, state, drill.title, drill.exercise_path()));
    }
    say("\n`cargo run -p drills -- 1` grades drill 1, `-- 1 --hint` helps; docs/drills/README.md says more.");
}

/// Prints a line. A reader that has gone away, such as `head`, is no error.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn passes(drill: &Drill) -> io::Result<bool> {
    let mut program = process::Command::new(env::current_exe()?);
    program.arg(drill.number.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(program.status()?.success())
}

fn run(grading: &Grading) -> ExitCode {
    let Grading { drill, solution, seed, picture } = grading;
    let (checks, file) = match solution {
        true => (drill.solution_checks, drill.solution_path()),
        false => (drill.exercise_checks, drill.exercise_path()),
    };
    let orders = seed.map_or(Orders::Many, Orders::Seed);
    say(&format!("Drill {}, {}: {file}\n", drill.number, drill.title));
    match grade_or_exit(drill, checks, orders, PATIENCE) {
        Ok(()) => {
            for check in checks() {
                say(&format!("  met: {}", check.requirement));
            }
            let order = seed.map(|seed| format!(" in the order of seed {seed}")).unwrap_or_default();
            say(&format!("\nIt passes{order}."));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say(&failure.to_string());
            if let Some(picture) = picture {
                draw(drill, &checks(), &failure, picture);
            }
            ExitCode::FAILURE
        }
    }
}

fn draw(drill: &Drill, checks: &[drills::Check], failure: &Failure, to: &Picture) {
    let file = match to {
        Picture::File(file) => file.clone(),
        Picture::Beside => beside(&format!("drill-{:02}-{}.html", drill.number, drill.name)),
    };
    let drawn = picture(checks, failure, &file).and_then(|()| path::absolute(&file));
    match drawn {
        Ok(file) => say(&format!("The picture of this run: {}", file.display())),
        Err(error) => say(&format!("The picture cannot be drawn: {error}")),
    }
}

/// A file in the folder of the program, which belongs to cargo and not to the sources.
fn beside(name: &str) -> PathBuf {
    let program = env::current_exe().ok();
    program
        .as_deref()
        .and_then(path::Path::parent)
        .map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
}

/// The text in lines of at most 100 letters.
fn wrapped(text: &str) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        let fits = column + 1 + length <= 100;
        if column > 0 {
            wrapped.push(if fits { ' ' } else { '\n' });
        }
        wrapped.push_str(word);
        column = if column > 0 && fits { column + 1 + length } else { length };
    }
    wrapped
}

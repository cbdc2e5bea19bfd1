//! What a failure looks like in print: the requirement, what happened, the program of the check, the trace.

use crate::drill::{Check, Drill};
use crate::recording::MARK;
use std::fmt;

/// At most so many lines of a trace are printed.
const MOST_LINES: usize = 40;
/// A trace is begun at an earlier good point if fewer lines than this follow the last one.
const FEWEST_LINES: usize = 6;

/// A requirement that is not met, and the run that shows it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(crate) drill: u32,
    /// The requirements that were found to be met before.
    pub(crate) met: Vec<&'static str>,
    /// The requirement, as a sentence.
    pub requirement: &'static str,
    /// The seed of the order of tasks that fails.
    pub seed: u64,
    /// What happened.
    pub what: String,
    pub(crate) quote: Quote,
    /// The file and line of the panic, if it was one of the check or of the solution.
    pub(crate) at: Option<(String, u32)>,
    /// The trace up to the failure: all of it, unless it is very long.
    pub trace: Vec<String>,
    /// How many lines there were before these.
    pub(crate) dropped: usize,
}

/// The source of a check.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    path: String,
    first_line: u32,
    pub(crate) lines: Vec<&'static str>,
}

impl Quote {
    pub(crate) fn of(drill: &Drill, check: &Check) -> Quote {
        let opening = |line: &&str| {
            let name = line.strip_prefix("async fn ").and_then(|rest| rest.split(['<', '(']).next());
            name == Some(check.name)
        };
        let first = drill.grader.lines().position(|line| opening(&line)).unwrap_or(0);
        let mut lines = Vec::new();
        for line in drill.grader.lines().skip(first) {
            lines.push(line);
            if line == "}" {
                break;
            }
        }
        Quote { path: drill.grader_path(), first_line: u32::try_from(first).unwrap_or(0) + 1, lines }
    }
}

impl Failure {
    /// The part of the trace that is printed, and how many lines before it are left out: from the last good point on, and at
    /// most 40 lines.
    fn shown(&self) -> (usize, &[String]) {
        let enough = self.trace.len().saturating_sub(FEWEST_LINES);
        let point = self.trace[..enough].iter().rposition(|line| line.starts_with(MARK)).unwrap_or(0);
        let first = point.max(self.trace.len().saturating_sub(MOST_LINES));
        (self.dropped + first, &self.trace[first..])
    }

    fn write_program(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quote { path, first_line, lines } = &self.quote;
        writeln!(f, "The check ({path}:{first_line}):\n")?;
        for (number, line) in (*first_line..).zip(lines) {
            let failed = self.at.as_ref().is_some_and(|(file, at)| file == path && *at == number);
            writeln!(f, "{} {line}", if failed { '>' } else { ' ' })?;
        }
        Ok(())
    }
}

/// What an assertion of a check says, without the words of `assert_eq!`: in the checks, what was found stands on the left.
fn in_words(assertion: &str) -> String {
    let said = assertion.strip_prefix("assertion `left == right` failed").unwrap_or(assertion);
    let said = said.strip_prefix(": ").unwrap_or(said).trim_start_matches('\n');
    said.replace("\n  left: ", "\n  found:    ").replace("\n right: ", "\n  expected: ").replacen(
        "  left: ",
        "  found:    ",
        1,
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.met.iter().try_for_each(|requirement| writeln!(f, "  met: {requirement}"))?;
        writeln!(f, "NOT MET: {}\n", self.requirement)?;
        match &self.at {
            Some((file, _)) if *file == self.quote.path => writeln!(f, "{}", in_words(&self.what))?,
            Some((file, line)) => writeln!(f, "It panicked at {file}:{line}: {}", self.what)?,
            None => writeln!(f, "{}", self.what)?,
        }
        let (drill, seed) = (self.drill, self.seed);
        writeln!(
            f,
            "\n`cargo run -p drills -- {drill} --seed={seed}` runs the same order of the tasks again.\n"
        )?;
        self.write_program(f)?;
        let (left_out, lines) = self.shown();
        let before = match left_out {
            0 => String::new(),
            1 => ", without the first line".into(),
            n => format!(", without the first {n} lines"),
        };
        writeln!(f, "\nThe trace up to the failure{before}:\n")?;
        lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

//! The error of `check_output`.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::{ExitStatus, Output};

/// A program could not be run, or did not end with success: the error of [`check_output`](super::check_output), which has an
/// example.
pub struct CalledProcessError {
    program: String,
    problem: Problem,
}

enum Problem {
    Failed(Output),
    NotRun(io::Error),
}

impl CalledProcessError {
    pub(super) fn failed(program: String, output: Output) -> CalledProcessError {
        CalledProcessError { program, problem: Problem::Failed(output) }
    }

    pub(super) fn not_run(program: String, error: io::Error) -> CalledProcessError {
        CalledProcessError { program, problem: Problem::NotRun(error) }
    }

    /// How it ended; `None` if it could not be started, or not be waited for.
    pub fn status(&self) -> Option<ExitStatus> {
        self.all().map(|output| output.status)
    }

    /// What it had written to its standard output.
    pub fn output(&self) -> &[u8] {
        self.all().map_or(&[], |output| &output.stdout)
    }

    /// What it had written to its standard error.
    pub fn stderr(&self) -> &[u8] {
        self.all().map_or(&[], |output| &output.stderr)
    }

    fn all(&self) -> Option<&Output> {
        match &self.problem {
            Problem::Failed(output) => Some(output),
            Problem::NotRun(_) => None,
        }
    }
}

/// `` `grep` failed, exit status: 2: grep: nowhere: No such file or directory ``
impl fmt::Display for CalledProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        match &self.problem {
            Problem::NotRun(error) => write!(f, "`{program}` could not be run: {error}"),
            Problem::Failed(output) => {
                write!(f, "`{program}` failed, {}", output.status)?;
                match last_line(&output.stderr) {
                    Some(line) => write!(f, ": {line}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for CalledProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CalledProcessError");
        debug.field("program", &self.program);
        match &self.problem {
            Problem::NotRun(error) => debug.field("error", error).finish(),
            Problem::Failed(output) => debug.field("output", output).finish(),
        }
    }
}

impl Error for CalledProcessError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::NotRun(error) => Some(error),
            Problem::Failed(_) => None,
        }
    }
}

/// The line in which programs usually name the cause of a failure.
fn last_line(stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_string)
}

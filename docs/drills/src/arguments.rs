//! The command line.

use crate::drill::{Drill, by_number};
use crate::graders::DRILLS;
use std::fmt;
use std::path::PathBuf;

/// How to call the program.
pub const USAGE: &str = "\
cargo run -p drills                       lists the drills and how far you are
cargo run -p drills -- 3                  grades drill 3
cargo run -p drills -- 3 --hint           prints its hint
cargo run -p drills -- 3 --picture        draws the run that fails, as a page
cargo run -p drills -- 3 --picture=x.svg  as an image (.svg), a page (.html) or a trace for Perfetto (.json)
cargo run -p drills -- 3 --seed=17        runs only the order of the tasks with this seed
cargo run -p drills -- 3 --solution       grades the reference solution instead of yours";

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    /// List the drills.
    List,
    /// Print how to call the program.
    Help,
    /// Print the hint of a drill.
    Hint(&'static Drill),
    /// Grade a drill.
    Grade(Grading),
}

/// What is to be graded, and how.
#[derive(Debug)]
pub struct Grading {
    /// The drill.
    pub drill: &'static Drill,
    /// The reference solution instead of the exercise.
    pub solution: bool,
    /// The only order of tasks to try.
    pub seed: Option<u64>,
    /// Draw the run that fails.
    pub picture: Option<Picture>,
}

/// Where a picture goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Picture {
    /// Beside the program.
    Beside,
    /// Into this file.
    File(PathBuf),
}

/// What is wrong with the arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct BadArguments(String);

impl fmt::Display for BadArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{USAGE}", self.0)
    }
}

impl std::error::Error for BadArguments {}

fn bad<T>(what: impl Into<String>) -> Result<T, BadArguments> {
    Err(BadArguments(what.into()))
}

/// Reads the arguments, without the name of the program.
///
/// # Errors
/// If there is no such drill or option, or options that exclude each other.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, BadArguments> {
    let (mut drill, mut hint) = (None, false);
    let (mut solution, mut seed, mut picture) = (false, None, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.split_once('=').map_or((&*argument, None), |(name, value)| (name, Some(value))) {
            ("--help" | "-h", None) => return Ok(Command::Help),
            ("--hint", None) => hint = true,
            ("--solution", None) => solution = true,
            ("--picture", None) => picture = Some(Picture::Beside),
            ("--picture", Some(file)) => picture = Some(Picture::File(picture_file(file)?)),
            ("--seed", Some(value)) => seed = Some(number(value)?),
            ("--seed", None) => match arguments.next() {
                Some(value) => seed = Some(number(&value)?),
                None => return bad("--seed needs a number: --seed=17"),
            },
            (option, _) if option.starts_with('-') => return bad(format!("there is no option `{argument}`")),
            _ if drill.is_some() => return bad(format!("one drill at a time: `{argument}` is too much")),
            _ => drill = Some(known(&argument)?),
        }
    }
    let options = solution || seed.is_some() || picture.is_some();
    match drill {
        None if hint || options => bad("which drill? Its number is missing"),
        None => Ok(Command::List),
        Some(_) if hint && options => bad("--hint stands alone: it grades nothing"),
        Some(drill) if hint => Ok(Command::Hint(drill)),
        Some(drill) => Ok(Command::Grade(Grading { drill, solution, seed, picture })),
    }
}

fn known(argument: &str) -> Result<&'static Drill, BadArguments> {
    match argument.parse().ok().and_then(by_number) {
        Some(drill) => Ok(drill),
        None => bad(format!("there is no drill `{argument}`; they have the numbers 1 to {}", DRILLS.len())),
    }
}

fn number(value: &str) -> Result<u64, BadArguments> {
    value.parse().or_else(|_| bad(format!("a seed is a number from 0 on, and `{value}` is none")))
}

fn picture_file(file: &str) -> Result<PathBuf, BadArguments> {
    let path = PathBuf::from(file);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html" | "svg" | "json") => Ok(path),
        _ => bad(format!("a picture's file ends in .html, .svg or .json; `{file}` does not")),
    }
}

//! What a drill is.

use crate::failure::Quote;
use crate::graders::DRILLS;
use std::any::type_name;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;

/// One exercise.
pub struct Drill {
    /// Its number on the command line.
    pub number: u32,
    /// The name of its files, without number and ending.
    pub name: &'static str,
    /// What is to be built.
    pub title: &'static str,
    /// What it teaches.
    pub teaches: &'static str,
    /// The chapter of the tour to read first.
    pub chapter: u32,
    /// What to try if one is stuck.
    pub hint: &'static str,
    /// The source of its grader, which a failure quotes.
    pub grader: &'static str,
    /// The source of the exercise, as it was compiled.
    pub exercise: &'static str,
    /// The checks of the exercise.
    pub exercise_checks: fn() -> Vec<Check>,
    /// The same checks of the reference solution.
    pub solution_checks: fn() -> Vec<Check>,
}

/// The line in an exercise that has not been begun.
const NOT_BEGUN: &str = "// NOT BEGUN";

impl Drill {
    /// Whether the exercise still has the line that says it has not been begun.
    pub fn is_begun(&self) -> bool {
        !self.exercise.lines().any(|line| line.starts_with(NOT_BEGUN))
    }

    /// The file with the exercise, from the root of the repository.
    pub fn exercise_path(&self) -> String {
        self.path("exercises")
    }

    /// The file with the reference solution.
    pub fn solution_path(&self) -> String {
        self.path("solutions")
    }

    /// The file with the trait and the checks.
    pub fn grader_path(&self) -> String {
        self.path("graders")
    }

    fn path(&self, folder: &str) -> String {
        format!("docs/drills/src/{folder}/{:02}_{}.rs", self.number, self.name)
    }
}

impl fmt::Debug for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drill")
            .field("number", &self.number)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The drill with this number.
pub fn by_number(number: u32) -> Option<&'static Drill> {
    DRILLS.iter().find(|drill| drill.number == number)
}

type Program = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// One requirement, and a program that fails if it is not met.
pub struct Check {
    /// The requirement, as a sentence.
    pub requirement: &'static str,
    /// The name of the function that is the program.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) at: &'static Location<'static>,
}

impl Check {
    /// A check. `program` is an async function of the grader: a failure quotes its source by its name.
    #[track_caller]
    pub fn new<P, F>(requirement: &'static str, program: P) -> Check
    where
        P: Fn() -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        let path = type_name::<P>().split('<').next().unwrap_or_default();
        let name = path.rsplit("::").next().unwrap_or_default();
        Check { requirement, name, program: Box::new(move || Box::pin(program())), at: Location::caller() }
    }
}

impl Check {
    /// The lines of its source.
    pub fn quote(&self, drill: &Drill) -> Vec<&'static str> {
        Quote::of(drill, self).lines
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("requirement", &self.requirement)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

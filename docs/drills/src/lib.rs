#![forbid(unsafe_code)]
//! Exercises: parts of an async runtime to build, and a grader that tries each under many orders of the ready tasks.
//!
//! `docs/drills/README.md` says how to use it. The sources, in the order in which a run passes through them:
//!
//! | file | holds |
//! |---|---|
//! | `main.rs` | the program: the list, one drill, the hint |
//! | `arguments.rs` | the command line |
//! | `drill.rs` | what a drill is, and what a check of it is |
//! | `graders/` | for each drill the trait that a solution implements, and the checks |
//! | `exercises/` | the files that you edit |
//! | `solutions/` | a solution for each, with the reasons |
//! | `grade.rs` | running the checks: many orders, then the failing one again with a trace |
//! | `recording.rs` | the trace of a run, and the panics in it |
//! | `failure.rs` | what a failure looks like in print |
//! | `watchdog.rs` | what ends a program that no longer returns to the kernel |

pub mod arguments;
mod drill;
pub mod exercises;
mod failure;
mod grade;
pub mod graders;
mod recording;
pub mod solutions;
mod watchdog;

pub use drill::{Check, Drill, by_number};
pub use failure::Failure;
pub use grade::{Orders, grade, picture};
pub use graders::DRILLS;
pub use recording::reached;
pub use watchdog::grade_or_exit;

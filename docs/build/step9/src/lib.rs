//! Step 9: the real runtime, beside the one of step 8.
//!
//! `programs.rs` has a program for most of the steps. It is compiled twice, once for each runtime, without a
//! difference in its text. The tests compare what the two do; then they show, feature by feature, what the real one adds.
#![forbid(unsafe_code)]
#![allow(clippy::duplicate_mod, reason = "the same programs for two runtimes is what this crate is about")]

pub use build_step8;
pub use curio;

pub mod real;
pub mod small;

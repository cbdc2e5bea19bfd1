//! The programs on the runtime of step 8.

use build_step8 as runtime;

#[path = "programs.rs"]
mod programs;
pub use programs::*;

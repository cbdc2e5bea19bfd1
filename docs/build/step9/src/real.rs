//! The programs on the real runtime.

use curio as runtime;

#[path = "programs.rs"]
mod programs;
pub use programs::*;

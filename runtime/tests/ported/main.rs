//! Behaviours that Curio's own test-suite checks, on a virtual clock and with exact times, one module for each of its
//! files. `docs/curio-tests.md` lists every test of Curio and where its counterpart is; what is covered well
//! elsewhere is not repeated here.
#![cfg(all(unix, feature = "signals"))]

#[path = "../common/mod.rs"]
mod common;

mod activation;
mod io;
mod kernel;
mod queue;
mod socket;
mod subprocess;
mod sync;
mod task;
mod thread;

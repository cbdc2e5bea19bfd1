//! Step 0: two futures written by hand, and nothing that runs them.
//!
//! | file | holds |
//! |---|---|
//! | `schedule.rs` | the smallest future that waits: once, for its turn |
//! | `oneshot.rs` | a future that waits for another part of the program |
#![forbid(unsafe_code)]

mod oneshot;
mod schedule;

pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use schedule::{Schedule, schedule};

//! Solutions with a mistake each, as a learner may write them.
//!
//! Most are one implementation per drill in which a mistake can be switched on by a constant: `Semaphore<BARGING>`. Without
//! one (`RIGHT`) it passes.

pub(crate) mod barrier;
pub(crate) mod broadcast;
pub(crate) mod event;
pub(crate) mod events;
pub(crate) mod handover;
pub(crate) mod pool;
pub(crate) mod race;
pub(crate) mod rate_limiter;
pub(crate) mod read_exactly;
pub(crate) mod retry;
pub(crate) mod semaphore;
pub(crate) mod wait_queue;

/// No mistake.
pub(crate) const RIGHT: u8 = 0;

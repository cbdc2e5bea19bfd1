// NOT BEGUN: remove this line when you begin.
//! # Drill 5: a race of two futures
//!
//! Run two futures at the same time until one of them is ready. `curio::race` is what you build, so do without.
//!
//! The rules:
//!
//! * The output of the future that is ready first is returned, as soon as it is there.
//! * If both are ready in the same poll the first one wins, and the second one is not polled.
//! * When the race returns the loser has been dropped, and no task is left running.
//! * If the race itself is dropped, so are both futures.
//!
//! `curio::race` does more than that: the loser may have a cleanup that awaits, and the race waits for it.
//!
//! Read first: chapter 8 of the tour (cancellation).

use crate::graders::race::RaceDrill;

/// Two futures, of which the first to be ready wins.
pub struct Race;

impl RaceDrill for Race {
    async fn race<T: 'static>(
        first: impl Future<Output = T> + 'static,
        second: impl Future<Output = T> + 'static,
    ) -> T {
        let output = first.await;
        drop(second);
        output
    }
}

//! How a mock lets itself be connected to.

use std::io;
use std::time::Duration;

/// What happens when a connection to a mock is made: see [`Mock::on_connect`](super::Mock::on_connect).
#[derive(Debug)]
pub struct MockConnect {
    delay: Duration,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Accept,
    Fail(io::Error),
    Never,
}

impl MockConnect {
    /// The connection is made.
    pub fn accept() -> MockConnect {
        MockConnect { delay: Duration::ZERO, outcome: Outcome::Accept }
    }

    /// The connection cannot be made: the request fails with an error of kind [`Connect`](crate::ErrorKind::Connect), whose cause is
    /// this one.
    pub fn fail(error: io::Error) -> MockConnect {
        MockConnect { delay: Duration::ZERO, outcome: Outcome::Fail(error) }
    }

    /// The connection is neither made nor refused: for tests of the connect timeout.
    pub fn never() -> MockConnect {
        MockConnect { delay: Duration::ZERO, outcome: Outcome::Never }
    }

    /// Not before this time has passed.
    pub fn delay(mut self, time: Duration) -> MockConnect {
        self.delay = time;
        self
    }

    pub(super) async fn carry_out(self) -> io::Result<()> {
        if !self.delay.is_zero() {
            curio::sleep(self.delay).await;
        }
        match self.outcome {
            Outcome::Accept => Ok(()),
            Outcome::Fail(error) => Err(error),
            Outcome::Never => std::future::pending().await,
        }
    }
}

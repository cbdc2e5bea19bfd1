use curio::{Lock, clock, sleep, sleep_until};
use drills::graders::rate_limiter::RateLimiterDrill;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Counts in periods that follow one another: at the border of two of them, twice as many may pass.
pub(crate) struct FixedPeriods {
    most: usize,
    period: Duration,
    state: Lock<Option<(Instant, usize)>>,
}

impl RateLimiterDrill for FixedPeriods {
    fn new(most: usize, period: Duration) -> Self {
        FixedPeriods { most, period, state: Lock::new(None) }
    }

    async fn pass(&self) {
        let mut state = self.state.acquire().await;
        let (mut begin, mut count) = state.unwrap_or((clock(), 0));
        while clock() >= begin + self.period {
            (begin, count) = (begin + self.period, 0);
        }
        if count == self.most {
            (begin, count) = (begin + self.period, 0);
            sleep_until(begin).await;
        }
        *state = Some((begin, count + 1));
    }
}

/// Notes when a call will pass before it waits for that time.
pub(crate) struct ReservesATurn {
    most: usize,
    period: Duration,
    turns: RefCell<VecDeque<Instant>>,
}

impl RateLimiterDrill for ReservesATurn {
    fn new(most: usize, period: Duration) -> Self {
        ReservesATurn { most, period, turns: RefCell::default() }
    }

    async fn pass(&self) {
        let turn = {
            let mut turns = self.turns.borrow_mut();
            let full = turns.len() == self.most;
            let turn = if full { clock().max(turns[0] + self.period) } else { clock() };
            if full {
                turns.pop_front();
            }
            turns.push_back(turn);
            turn
        };
        if turn > clock() {
            sleep_until(turn).await;
        }
    }
}

/// Lets one call pass after the other, with the same time in between.
pub(crate) struct EvenlySpaced {
    pause: Duration,
    last: Lock<Option<Instant>>,
}

impl RateLimiterDrill for EvenlySpaced {
    fn new(most: usize, period: Duration) -> Self {
        EvenlySpaced { pause: period / u32::try_from(most).unwrap(), last: Lock::new(None) }
    }

    async fn pass(&self) {
        let mut last = self.last.acquire().await;
        if let Some(last) = *last {
            sleep_until(last + self.pause).await;
        }
        *last = Some(clock());
    }
}

/// Looks every tenth of a period whether a call may pass.
pub(crate) struct LooksAgain {
    most: usize,
    period: Duration,
    passed: RefCell<VecDeque<Instant>>,
}

impl LooksAgain {
    fn may_pass(&self) -> bool {
        let now = clock();
        let mut passed = self.passed.borrow_mut();
        passed.retain(|time| now < *time + self.period);
        let may = passed.len() < self.most;
        if may {
            passed.push_back(now);
        }
        may
    }
}

impl RateLimiterDrill for LooksAgain {
    fn new(most: usize, period: Duration) -> Self {
        LooksAgain { most, period, passed: RefCell::default() }
    }

    async fn pass(&self) {
        loop {
            if self.may_pass() {
                return;
            }
            sleep(self.period / 10).await;
        }
    }
}

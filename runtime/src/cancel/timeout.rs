//! Timeouts.
//!
//! When a limit passes, the body is not dropped at once: it is cancelled, cleanups inside it run, and only then does
//! the timeout report. So `timeout_after(1 s, …)` around a cleanup of 0.3 s reports after 1.3 s.
//!
//! A timeout has a node of the cancel tree only if something inside needs one; see `PolledLimit` in `traps/cancel.rs`.
//!
//! Limits nest, and each reports its own: an outer limit that passes never shows up as the error of an inner
//! call, because the inner call is gone by then. If both pass at once the outer one reports, as in Curio.

use crate::error::TaskTimeout;
use crate::kernel::cancel_tree::CancelReason;
use crate::traps::{self, Line, Scope, Timer};
use pin_project_lite::pin_project;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// Runs a future under a time limit, counted from the first poll. `None` sets no limit of its own.
///
/// A future that is ready when its limit passes wins; `Duration::ZERO` polls it once. No allocation. If this
/// future is dropped, so is the one inside.
///
/// # Errors
/// [`TaskTimeout`] when this limit passed, after the cleanups inside have ended.
///
/// ```
/// use curio::{sleep, timeout_after};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let slow = async {
///         sleep(Duration::from_secs(60)).await;
///         "done"
///     };
///     assert!(timeout_after(Duration::from_secs(1), slow).await.is_err());
///     assert_eq!(timeout_after(None, async { "at once" }).await, Ok("at once"));
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #1 main  SUSPEND    TIME_SLEEP
/// [t=0.000s] IDLE
/// [t=1.000s] #1 main  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #1 main  RUN        cycle 2
/// [t=1.000s] #1 main  END        TERMINATED
/// [t=1.000s] EXIT
/// ```
///
/// How it works inside: the tour, `docs/tour/08-how-does-cancellation-end-a-task.md` in the repository.
#[doc(alias("timeout", "move_on_after", "fail_after"))]
#[track_caller]
pub fn timeout_after<F: IntoFuture>(d: impl Into<Option<Duration>>, f: F) -> TimeoutAfter<F::IntoFuture> {
    TimeoutAfter { deadline: Deadline::new(d.into().map_or(Limit::None, Limit::After), f.into_future()) }
}

/// [`timeout_after`] with a point in time.
///
/// # Errors
/// [`TaskTimeout`] when the limit passed.
#[track_caller]
pub fn timeout_at<F: IntoFuture>(t: Instant, f: F) -> TimeoutAfter<F::IntoFuture> {
    TimeoutAfter { deadline: Deadline::new(Limit::At(t), f.into_future()) }
}

/// Like [`timeout_after`], for when running out of time is not an error: `None` if the limit passed.
///
/// ```
/// use curio::{ignore_after, sleep};
/// use std::time::Duration;
///
/// curio::testing::run(async {
///     let slow = async {
///         sleep(Duration::from_secs(60)).await;
///         "news"
///     };
///     let news = ignore_after(Duration::from_secs(1), slow).await;
///     assert_eq!(news.unwrap_or("no news"), "no news");
/// });
/// ```
#[track_caller]
pub fn ignore_after<F: IntoFuture>(d: impl Into<Option<Duration>>, f: F) -> IgnoreAfter<F::IntoFuture> {
    IgnoreAfter { deadline: Deadline::new(d.into().map_or(Limit::None, Limit::After), f.into_future()) }
}

/// [`ignore_after`] with a point in time.
#[track_caller]
pub fn ignore_at<F: IntoFuture>(t: Instant, f: F) -> IgnoreAfter<F::IntoFuture> {
    IgnoreAfter { deadline: Deadline::new(Limit::At(t), f.into_future()) }
}

pin_project! {
    /// The future of [`timeout_after`] and [`timeout_at`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct TimeoutAfter<F: Future> {
        #[pin]
        deadline: Deadline<F>,
    }
}

impl<F: Future> Future for TimeoutAfter<F> {
    type Output = Result<F::Output, TaskTimeout>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut deadline = self.project().deadline;
        Poll::Ready(ready!(deadline.as_mut().poll(cx)).ok_or_else(|| deadline.limit.error()))
    }
}

pin_project! {
    /// The future of [`ignore_after`] and [`ignore_at`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct IgnoreAfter<F: Future> {
        #[pin]
        deadline: Deadline<F>,
    }
}

impl<F: Future> Future for IgnoreAfter<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().deadline.poll(cx)
    }
}

pin_project! {
    /// A body and its limit.
    struct Deadline<F> {
        // In this order: what is inside is dropped before the node that surrounds it.
        #[pin]
        body: Option<F>,
        limit: TimeLimit,
    }
}

/// All of a deadline that is not pinned.
struct TimeLimit {
    timer: Option<Timer>,
    scope: Option<Scope>,
    limit: Limit,
    begun: bool,
    expired: bool,
    at: &'static Location<'static>,
}

#[derive(Clone, Copy)]
enum Limit {
    None,
    After(Duration),
    At(Instant),
}

impl<F: Future> Deadline<F> {
    #[track_caller]
    fn new(limit: Limit, body: F) -> Deadline<F> {
        let at = Location::caller();
        let limit = TimeLimit { timer: None, scope: None, limit, begun: false, expired: false, at };
        Deadline { body: Some(body), limit }
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        let polled = this.limit.poll(this.body, cx);
        if polled.is_pending() {
            traps::park_around(None, this.limit.at, Line::Inner);
        }
        polled
    }
}

impl TimeLimit {
    fn error(&self) -> TaskTimeout {
        let limit = match self.limit {
            Limit::After(limit) => Some(limit),
            Limit::None | Limit::At(_) => None,
        };
        TaskTimeout { limit, at: self.at }
    }

    fn poll<F: Future>(
        &mut self,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        if let Limit::None = self.limit {
            let body = body.as_pin_mut().expect("not dropped without a limit");
            return body.poll(cx).map(Some);
        }
        if let Some(scope) = &mut self.scope {
            scope.follow();
        }
        let began = if self.begun { None } else { self.begin() };
        let mut noted_before = None;
        if let Some(timer) = &mut self.timer {
            noted_before = timer.count_noted();
            if timer.poll_fired(cx.waker()) {
                self.timer = None;
                self.expire();
            }
        }
        if let Poll::Ready(value) = self.poll_body(body.as_mut(), cx) {
            return Poll::Ready(Some(value));
        }
        if let (Some(before), Some(timer)) = (noted_before, &self.timer) {
            timer.limits_noted_after(before);
        }
        if let Some(began) = began {
            self.timer = self.set_timer(began, cx);
        }
        self.unwind(body, cx)
    }

    /// Returns the time from which the limit counts, unless it has passed already.
    fn begin(&mut self) -> Option<Instant> {
        self.begun = true;
        let now = traps::now();
        let passed = match self.limit {
            Limit::None => false,
            Limit::After(limit) => limit.is_zero(),
            Limit::At(deadline) => deadline <= now,
        };
        if passed {
            self.expire();
            return None;
        }
        Some(now)
    }

    /// After the body was pending: most are ready at once, and then the deadline need not be known. None if it
    /// never comes.
    fn set_timer(&self, began: Instant, cx: &mut Context<'_>) -> Option<Timer> {
        let deadline = match self.limit {
            Limit::None => return None,
            Limit::After(limit) => began.checked_add(limit)?,
            Limit::At(deadline) => deadline,
        };
        traps::set_timer(deadline, cx.waker())
    }

    fn expire(&mut self) {
        self.expired = true;
        self.scope.get_or_insert_with(traps::open_scope).request(CancelReason::TimedOut);
    }

    /// Pending if it is gone.
    #[inline(always)]
    fn poll_body<F: Future>(&mut self, body: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(body) = body.as_pin_mut() else { return Poll::Pending };
        if let Some(scope) = &self.scope {
            return scope.enter(|| body.poll(cx));
        }
        let limit = traps::begin_limit();
        let polled = body.poll(cx);
        self.scope = limit.end();
        polled
    }

    /// After the body was pending: drops it if it has to stop and may, and reports.
    fn unwind<F: Future>(
        &self,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        let Some(scope) = &self.scope else { return Poll::Pending };
        if body.is_some() {
            if scope.poll_unwind(cx).is_none() {
                return Poll::Pending;
            }
            scope.enter(|| body.set(None));
        }
        // If something further out has to stop as well, that reports, and drops this.
        if self.expired && !scope.cancelled_from_above() { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl<F: Future> fmt::Debug for TimeoutAfter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutAfter").finish_non_exhaustive()
    }
}

impl<F: Future> fmt::Debug for IgnoreAfter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IgnoreAfter").finish_non_exhaustive()
    }
}

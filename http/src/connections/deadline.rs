//! The two timeouts of a request: for each wait, and for all of it.
//!
//! The read timeout (`read_timeout`) starts anew with each wait for the server. The total timeout (`timeout`) runs from the
//! start of the request, over redirects and body. Whichever expires first ends the wait, and the error says which one it
//! was.
//!
//! Waiting for bytes is what a client does most, so it must cost little. Setting and cancelling a timer for each wait would
//! be the most expensive part of reading a body in many chunks. So [`Deadline`] sets one timer and keeps it: when it
//! fires and bytes have arrived since, it is set again for the time that is left. An exchange with a quick response sets one
//! timer, and cancels it at the end. Rare steps (connecting, waiting for a slot) use `curio::timeout_after` instead
//! ([`Limits::within`]).

use crate::error::{Error, ErrorKind};
use curio::Sleep;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long each wait for the server may take.
    pub(crate) read_timeout: Option<Duration>,
    /// When the whole request has to be complete, and how long that is from its start.
    pub(crate) total: Option<(Instant, Duration)>,
}

impl Limits {
    /// Awaits `future` within `limit` and within what is left of the total. `doing` completes "timed out after 10s
    /// while …".
    pub(crate) async fn within<F: Future>(
        &self,
        limit: Option<Duration>,
        doing: impl FnOnce() -> String,
        future: F,
    ) -> Result<F::Output, Error> {
        let left = self.total.map(|(due, _)| due.saturating_duration_since(curio::clock()));
        let shorter = match (limit, left) {
            (Some(limit), Some(left)) => Some(limit.min(left)),
            (limit, left) => limit.or(left),
        };
        match curio::timeout_after(shorter, future).await {
            Ok(output) => Ok(output),
            Err(_) if shorter == limit => Err(timed_out(limit, &doing())),
            Err(_) => Err(self.over(&doing())),
        }
    }

    /// Whether the total has passed.
    pub(crate) fn is_over(&self) -> bool {
        self.total.is_some_and(|(deadline, _)| deadline <= curio::clock())
    }

    /// The error that the total has passed, if it has. The clock is read only if there is one.
    pub(crate) fn overdue(&self, doing: &str) -> Option<Error> {
        self.is_over().then(|| self.over(doing))
    }

    fn over(&self, doing: &str) -> Error {
        let allowed = self.total.map(|(_, allowed)| allowed).unwrap_or_default();
        Error::new(ErrorKind::Timeout, format!("timed out after {allowed:?} in all, while {doing}"))
    }
}

fn timed_out(limit: Option<Duration>, doing: &str) -> Error {
    let limit = limit.unwrap_or_default();
    Error::new(ErrorKind::Timeout, format!("timed out after {limit:?} while {doing}"))
}

/// The timeouts of one exchange, applied to its waits for bytes one after the other.
pub(crate) struct Deadline {
    pub(crate) limits: Limits,
    /// When the current wait began.
    since: Option<Instant>,
    timer: Option<Timer>,
    /// The server is silent because the program has nothing to send yet.
    waits_for_body: bool,
}

struct Timer {
    at: Instant,
    sleep: Sleep,
}

impl Deadline {
    pub(crate) fn new(limits: Limits) -> Deadline {
        Deadline { limits, since: None, timer: None, waits_for_body: false }
    }

    /// Moves it, with its timer, to the reader of the body; a new one takes its place here.
    pub(crate) fn hand_over(&mut self) -> Deadline {
        let anew = Deadline::new(self.limits);
        std::mem::replace(self, anew)
    }

    /// The next wait began at `now`, and is known not to be ready at once: [`poll`](Deadline::poll) may set the timer before
    /// it reads.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// While the request's body has nothing to send, only the total runs on.
    pub(crate) fn set_waits_for_body(&mut self, waits: bool) {
        self.waits_for_body = waits;
    }

    /// Polls `read`, with a limit on how long it may be pending. If both are ready, the bytes are returned, unless the total
    /// has passed, which a server that always has more to send could otherwise prevent.
    ///
    /// A task that is woken has nearly always been woken by bytes, so `read` is polled first, and the timer only if there are
    /// none; then `read` again, so that the task is reported as waiting for its socket.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        doing: &str,
        mut read: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Error>> {
        if let Some(error) = self.limits.overdue(doing) {
            return Poll::Ready(Err(error));
        }
        let begins = self.since.is_some() && self.timer.is_none();
        if !begins && let Poll::Ready(output) = read(cx) {
            self.since = None;
            return Poll::Ready(Ok(output));
        }
        let since = *self.since.get_or_insert_with(curio::clock);
        let expired = self.poll_expired(since, cx);
        if let Poll::Ready(output) = read(cx) {
            self.since = None;
            return Poll::Ready(Ok(output));
        }
        if expired { Poll::Ready(Err(self.error(since, doing))) } else { Poll::Pending }
    }

    /// Waits for an operation that polls, under the timeouts; `doing` names it in a timeout error.
    pub(crate) fn limit<T>(
        &mut self,
        doing: &'static str,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> impl Future<Output = Result<T, Error>> {
        poll_fn(move |cx| self.poll(cx, doing, &mut poll))
    }

    fn poll_expired(&mut self, since: Instant, cx: &mut Context<'_>) -> bool {
        let Some(due) = self.due(since) else { return false };
        loop {
            match &mut self.timer {
                Some(timer) if timer.at <= due => {
                    if Pin::new(&mut timer.sleep).poll(cx).is_pending() {
                        return false;
                    }
                    let expired = timer.at == due;
                    self.timer = None;
                    if expired {
                        return true;
                    }
                }
                _ => self.timer = Some(Timer { at: due, sleep: curio::sleep_until(due) }),
            }
        }
    }

    fn error(&self, since: Instant, doing: &str) -> Error {
        let read_due = self.read_due(since);
        match (read_due, self.limits.total) {
            (Some(read), Some((total, _))) if read < total => timed_out(self.limits.read_timeout, doing),
            (Some(_), None) => timed_out(self.limits.read_timeout, doing),
            _ => self.limits.over(doing),
        }
    }

    fn read_due(&self, since: Instant) -> Option<Instant> {
        if self.waits_for_body { None } else { since.checked_add(self.limits.read_timeout?) }
    }

    fn due(&self, since: Instant) -> Option<Instant> {
        let read_due = self.read_due(since);
        let total = self.limits.total.map(|(due, _)| due);
        match (read_due, total) {
            (Some(read_due), Some(total)) => Some(read_due.min(total)),
            (read_due, total) => read_due.or(total),
        }
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline").field("limits", &self.limits).field("since", &self.since).finish()
    }
}

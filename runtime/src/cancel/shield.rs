//! Shields: a part of a task that must not be cancelled halfway.

use crate::traps::{self, Scope};
use pin_project_lite::pin_project;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs a future that neither `cancel` nor an enclosing time limit may drop. They take effect at the first await
/// after it.
///
/// A limit *inside* the shield works as ever. In one branch of a [`join!`](crate::join!) it shields that branch
/// only. Shields nest, and cannot be lifted from inside. Once polled it has to be polled to its end: left unpolled it
/// holds a cancellation up, as a [`finally`](crate::finally()) does. No allocation.
///
/// ```
/// use std::time::Duration;
/// use curio::{disable_cancellation, ignore_after, sleep};
///
/// curio::Kernel::builder().virtual_clock(true).run(async {
///     let mut written = Vec::new();
///     ignore_after(Duration::from_secs(1), async {
///         disable_cancellation(async {
///             written.push("head");
///             sleep(Duration::from_secs(5)).await; // longer than the limit
///             written.push("body");
///         })
///         .await;
///         sleep(Duration::from_secs(5)).await; // cancelled here
///         written.push("never");
///     })
///     .await;
///     assert_eq!(written, ["head", "body"]);
/// });
/// ```
#[doc(alias("shield", "CancelScope"))]
#[track_caller]
pub fn disable_cancellation<F: IntoFuture>(f: F) -> Shielded<F::IntoFuture> {
    Shielded { body: f.into_future(), scope: None, at: Location::caller() }
}

pin_project! {
    /// The future of [`disable_cancellation`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Shielded<F> {
        // In this order: what is inside is dropped before the node that surrounds it.
        #[pin]
        body: F,
        scope: Option<Scope>,
        at: &'static Location<'static>,
    }
}

impl<F: Future> Future for Shielded<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let scope = this.scope.get_or_insert_with(|| {
            let scope = traps::open_scope();
            scope.set_shield(true);
            scope.set_alive_at(this.at);
            scope
        });
        scope.follow();
        let polled = scope.enter(|| this.body.poll(cx));
        match polled {
            Poll::Ready(_) => *this.scope = None,
            Poll::Pending => scope.set_waker(cx.waker()),
        }
        polled
    }
}

impl<F> fmt::Debug for Shielded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shielded").finish_non_exhaustive()
    }
}

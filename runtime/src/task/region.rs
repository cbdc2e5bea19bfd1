//! Regions: naming what a task is doing.
//!
//! A wait is shown by its kind and source line, which for a wait inside of a library says little. A region says what it is
//! for. It is a future around another one that notes, while it is being polled, that the task is inside of it; so regions
//! nest as futures nest, and two branches of a `join!` are in regions of their own.
//!
//! When nothing listens and nothing asks, a region is one test of a flag for each poll, and its label is never made.

use crate::debug::Region;
use crate::traps;
use pin_project_lite::pin_project;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs `future` as a region called `label`, which begins at the caller's source line.
///
/// Traces, pictures, deadlock reports and [`TaskInfo::region`](crate::TaskInfo::region) show it beside what the task
/// waits for. It changes nothing else: not the schedule, not the output, and dropping it drops `future`. Outside of a kernel
/// it does nothing.
///
/// ```
/// use curio::debug::region;
/// use std::time::Duration;
///
/// # struct Listener;
/// # impl curio::debug::Activation for Listener {}
/// curio::Kernel::builder().activation(Listener).run(async {
///     let warm_up = curio::spawn(region("warming the cache", curio::sleep(Duration::from_millis(1))));
///     curio::schedule().await;
///     let info = warm_up.info();
///     assert_eq!(info.region().expect("it is parked inside of it").label(), "warming the cache");
///     warm_up.join().await.unwrap();
/// });
/// ```
#[track_caller]
pub fn region<F: IntoFuture>(
    label: impl Into<Cow<'static, str>>,
    future: F,
) -> InRegion<F::IntoFuture, Cow<'static, str>> {
    region_at(Location::caller(), label.into(), future)
}

/// [`region`] at another source line, with a label that is only formatted when something asks for it.
///
/// For libraries: a function with `#[track_caller]` passes on the line of *its* caller, which is the one that the user knows.
pub fn region_at<F: IntoFuture, L: Display>(
    location: &'static Location<'static>,
    label: L,
    future: F,
) -> InRegion<F::IntoFuture, L> {
    InRegion { body: future.into_future(), stay: Stay { region: None }, label, location: Some(location) }
}

/// A [`region`] that is a part of the one around it, whose source line it has.
///
/// For libraries: the steps of an operation, such as a TLS handshake within a request. Without a region around it, it has
/// the line where its task was spawned.
pub fn phase<F: IntoFuture>(label: &'static str, future: F) -> InRegion<F::IntoFuture, &'static str> {
    InRegion { body: future.into_future(), stay: Stay { region: None }, label, location: None }
}

/// Whether anything notes the regions of this thread's kernel: for libraries whose labels cost something to make.
///
/// ```
/// use curio::debug::{is_watched, logcrash, region};
///
/// async fn insert(rows: &[&str]) {
///     let label = if is_watched() { format!("inserting {}", rows.join(", ")) } else { String::new() };
///     region(label, curio::schedule()).await;
/// }
///
/// curio::Kernel::builder().activation(logcrash()).run(async {
///     assert!(is_watched(), "by the activation");
///     insert(&["one", "two"]).await;
/// });
/// ```
#[inline]
pub fn is_watched() -> bool {
    traps::is_watched()
}

pin_project! {
    /// The future of [`region`], [`region_at`] and [`phase`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct InRegion<F, L> {
        // Before `stay`: what it drops still belongs to the region.
        #[pin]
        body: F,
        stay: Stay,
        label: L,
        // `None`: that of the region around it.
        location: Option<&'static Location<'static>>,
    }
}

/// The time that a task spends in a region, once something has asked for it.
struct Stay {
    region: Option<Region>,
}

impl Drop for Stay {
    fn drop(&mut self) {
        if let Some(region) = self.region.take() {
            traps::leave_region(region);
        }
    }
}

impl<F: Future, L: Display> Future for InRegion<F, L> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !traps::is_watched() {
            return this.body.poll(cx);
        }
        let region = match &this.stay.region {
            Some(region) => region.clone(),
            None => {
                let region = enter(this.label, *this.location);
                this.stay.region.insert(region).clone()
            }
        };
        let inside = traps::InsideRegion::new(region);
        let polled = this.body.poll(cx);
        inside.end(polled.is_pending());
        if polled.is_ready()
            && let Some(region) = this.stay.region.take()
        {
            traps::leave_region(region);
        }
        polled
    }
}

fn enter(label: &dyn Display, location: Option<&'static Location<'static>>) -> Region {
    let outer = traps::current_region();
    let of_outer = || outer.as_ref().map(Region::location);
    let location = location.or_else(of_outer).unwrap_or_else(|| traps::current_task().spawned_at());
    traps::enter_region(label.to_string(), location, outer)
}

impl<F, L: Display> fmt::Debug for InRegion<F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRegion").field("label", &format_args!("{}", self.label)).finish_non_exhaustive()
    }
}

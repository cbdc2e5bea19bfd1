//! Semaphores: at most so many at a time.

use super::blocking;
use super::permits::{Acquire, Permits};
use crate::error::OverReleased;
use crate::task::info::TaskState;
use crate::traps;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A number of permits. A task or thread that holds one may go on; the others wait their turn.
///
/// ```
/// use std::time::Duration;
///
/// static CONNECTIONS: curio::Semaphore = curio::Semaphore::new(2);
///
/// async fn download() {
///     let _permit = CONNECTIONS.acquire().await;
///     curio::sleep(Duration::from_secs(1)).await;
/// }
///
/// curio::testing::run(async {
///     let start = curio::clock();
///     let group = curio::TaskGroup::new();
///     for _ in 0..3 {
///         group.spawn(download());
///     }
///     group.join().await.unwrap();
///     assert_eq!(curio::clock() - start, Duration::from_secs(2)); // two at a time
/// });
/// ```
///
/// The [trace](crate::debug::schedtrace) of this program, without source lines:
///
/// ```text
/// …
/// [t=0.000s] #4 download  RUN        cycle 1
/// [t=0.000s] #4 download  SUSPEND    SEMA_ACQUIRE
/// [t=0.000s] IDLE
/// [t=1.000s] #2 download  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #3 download  WAKE       by a timer due at t=1.000s
/// [t=1.000s] #2 download  RUN        cycle 2
/// [t=1.000s] #4 download  WAKE       by #2
/// [t=1.000s] #2 download  END        TERMINATED
/// [t=1.000s] #1 main  WAKE       by #2
/// [t=1.000s] #3 download  RUN        cycle 2
/// [t=1.000s] #3 download  END        TERMINATED
/// [t=1.000s] #4 download  RUN        cycle 2
/// [t=1.000s] #4 download  SUSPEND    TIME_SLEEP
/// …
/// ```
///
/// Several permits at once, and permits that outlive their guards:
///
/// ```
/// let memory = curio::Semaphore::new(8); // in megabytes, say
/// curio::run(async {
///     let large = memory.acquire_many(6).await;
///     assert_eq!(memory.value(), 2);
///     assert!(memory.try_acquire().is_some());
/// });
/// memory.acquire_blocking().forget(); // by a thread; given back elsewhere
/// assert_eq!(memory.value(), 7);
/// memory.release();
/// assert_eq!(memory.value(), 8);
/// ```
pub struct Semaphore {
    permits: Permits,
}

/// A [`Semaphore`] that cannot be released more often than it was acquired.
///
/// ```
/// static AT_MOST_TWO: curio::BoundedSemaphore = curio::BoundedSemaphore::new(2);
///
/// curio::run(async {
///     let _permit = AT_MOST_TWO.acquire().await;
///     assert_eq!((AT_MOST_TWO.value(), AT_MOST_TWO.bound()), (1, 2));
/// });
/// assert!(AT_MOST_TWO.release().is_err());
/// ```
pub struct BoundedSemaphore {
    permits: Permits,
    bound: usize,
}

/// A permit of a [`Semaphore`] or [`BoundedSemaphore`], or several. Dropping it gives it back: to the task or thread that has
/// waited longest.
#[must_use = "a permit that is not kept is given back at once"]
pub struct SemaphorePermit<'a> {
    permits: &'a Permits,
    count: usize,
    bound: usize,
}

/// What both semaphores can do; they differ only in their bound.
macro_rules! semaphore_methods {
    ($semaphore:ident) => {
        impl $semaphore {
            /// Waits for a permit. First come, first served. Cancel-safe: a dropped wait takes no permit.
            #[track_caller]
            pub fn acquire(&self) -> SemaphoreAcquire<'_> {
                self.acquire_many(1)
            }

            /// Waits for `n` permits and takes them together. Those that come later wait behind this one, even if fewer
            /// permits would do for them. Cancel-safe.
            #[track_caller]
            pub fn acquire_many(&self, n: usize) -> SemaphoreAcquire<'_> {
                self.check_possible(n);
                let acquire = Acquire::new(&self.permits, n, TaskState::SemaAcquire, Location::caller());
                SemaphoreAcquire { acquire, bound: self.most() }
            }

            /// A permit, if one is free and no waiter is queued.
            #[track_caller]
            pub fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
                let taken = self.permits.try_take(1, Location::caller());
                taken.then(|| SemaphorePermit { permits: &self.permits, count: 1, bound: self.most() })
            }

            /// [`acquire`](Self::acquire) for a thread.
            ///
            /// # Panics
            /// Inside a kernel.
            #[track_caller]
            pub fn acquire_blocking(&self) -> SemaphorePermit<'_> {
                blocking::wait(self.acquire())
            }

            /// How many permits are free.
            pub fn value(&self) -> usize {
                self.permits.free()
            }

            /// Whether no permit is free.
            pub fn locked(&self) -> bool {
                self.value() == 0
            }
        }

        impl fmt::Debug for $semaphore {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($semaphore)).field("value", &self.value()).finish()
            }
        }
    };
}

semaphore_methods!(Semaphore);
semaphore_methods!(BoundedSemaphore);

impl Semaphore {
    /// A semaphore with `permits` permits.
    pub const fn new(permits: usize) -> Semaphore {
        Semaphore { permits: Permits::new(permits) }
    }

    /// Adds a permit: one that was [forgotten](SemaphorePermit::forget), or a new one.
    ///
    /// # Panics
    /// Beyond `usize::MAX` permits.
    #[track_caller]
    pub fn release(&self) {
        assert!(self.permits.release(1, self.most()), "a semaphore cannot hold more than usize::MAX permits");
    }

    fn most(&self) -> usize {
        usize::MAX
    }

    fn check_possible(&self, _: usize) {}
}

impl BoundedSemaphore {
    /// A semaphore with `bound` permits, and never more.
    pub const fn new(bound: usize) -> BoundedSemaphore {
        BoundedSemaphore { permits: Permits::new(bound), bound }
    }

    /// How many permits there are in all.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Gives back a permit that was [forgotten](SemaphorePermit::forget).
    ///
    /// # Errors
    /// [`OverReleased`] if every permit is back already; nothing changes then.
    pub fn release(&self) -> Result<(), OverReleased> {
        if self.permits.release(1, self.bound) { Ok(()) } else { Err(OverReleased { bound: self.bound }) }
    }

    fn most(&self) -> usize {
        self.bound
    }

    #[track_caller]
    fn check_possible(&self, n: usize) {
        assert!(n <= self.bound, "{n} permits of a semaphore that has {} would never be free", self.bound);
    }
}

impl SemaphorePermit<'_> {
    /// Drops the guard without releasing the permit; `release` adds it back.
    pub fn forget(mut self) {
        self.count = 0;
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        if self.count > 0 && !self.permits.release(self.count, self.bound) {
            traps::report(&format!(
                "a semaphore's permit could not be given back: all {} are there already, so `release` was called \
                 for a permit that was not forgotten",
                self.bound
            ));
        }
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").field("count", &self.count).finish()
    }
}

/// The future of `acquire` and `acquire_many`, of a [`Semaphore`] or a [`BoundedSemaphore`].
#[must_use = "futures do nothing unless awaited"]
pub struct SemaphoreAcquire<'a> {
    acquire: Acquire<'a>,
    bound: usize,
}

impl<'a> Future for SemaphoreAcquire<'a> {
    type Output = SemaphorePermit<'a>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SemaphorePermit<'a>> {
        let this = self.get_mut();
        let bound = this.bound;
        this.acquire.poll(cx).map(|(permits, count)| SemaphorePermit { permits, count, bound })
    }
}

//! `race`: several futures in one task, and the first one wins.
//!
//! A future that loses is not just dropped. It is cancelled like a task: cleanups inside it run, and `race` returns the
//! winner's output only when all others have ended. So no future is left behind that is never polled again, which is
//! how a `select!` over borrowed futures can deadlock.

use super::branch::{Branch, Progress};
use crate::traps::BudgetShares;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs several futures until the first one finishes; returns its output. The others are cancelled and waited
/// for, cleanup included. If two are ready in the same poll, the one named first wins.
///
/// They are polled in the order in which they are named, and each gets an equal share of what a task may do in one poll:
/// one that never has to wait does not keep the others from running. Takes a tuple of two to eight futures, an array or a `Vec`, all with one output type. Each wake polls all that
/// are left: for hundreds of futures use tasks.
///
/// # Panics
/// On an empty array or `Vec`: it would never end.
///
/// ```
/// use std::time::Duration;
/// use curio::{race, sleep};
///
/// curio::Kernel::builder().virtual_clock(true).run(async {
///     let slow = async { sleep(Duration::from_secs(2)).await; "slow" };
///     let fast = async { sleep(Duration::from_secs(1)).await; "fast" };
///     assert_eq!(race((slow, fast)).await, "fast");
/// });
/// ```
#[doc(alias("select"))]
#[track_caller]
pub fn race<R: Race>(racers: R) -> impl Future<Output = R::Output> {
    racers.into_race()
}

/// What [`race`](race()) takes: tuples of two to eight futures, arrays, `Vec`s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be raced",
    note = "a race is run by a tuple of two to eight futures, an array or a `Vec` of futures",
    note = "all of them have the same output type"
)]
pub trait Race {
    /// What each of them gives.
    type Output;
    /// The race itself; [`race`] calls this.
    fn into_race(self) -> impl Future<Output = Self::Output>;
}

impl<F: IntoFuture> Race for Vec<F> {
    type Output = F::Output;

    #[track_caller]
    fn into_race(self) -> impl Future<Output = F::Output> {
        assert!(!self.is_empty(), "`race` of an empty Vec would never end");
        let mut branches = Vec::with_capacity(self.len());
        // A loop, because the caller's line does not reach into a closure.
        for racer in self {
            branches.push(Box::pin(Branch::new(racer.into_future())));
        }
        Racing { branches, winner: None }
    }
}

impl<F: IntoFuture, const N: usize> Race for [F; N] {
    type Output = F::Output;

    #[track_caller]
    fn into_race(self) -> impl Future<Output = F::Output> {
        const { assert!(N > 0, "`race` of an empty array would never end") };
        Vec::from(self).into_race()
    }
}

pin_project! {
    #[project = Projected]
    struct Racing<B, T> {
        #[pin]
        branches: B,
        winner: Option<T>,
    }
}

fn count_running<T>(branches: Pin<&mut impl Branches<Output = T>>) -> usize {
    let mut running = 0;
    branches.for_each(&mut |branch| running += usize::from(branch.is_running()));
    running
}

impl<B: Branches<Output = T>, T> Future for Racing<B, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Projected { mut branches, winner } = self.project();
        let had_winner = winner.is_some();
        let mut shares = BudgetShares::among(count_running(branches.as_mut()));
        branches.as_mut().for_each(&mut |mut branch| {
            // Once there is a winner, the rest is polled only as far as its cleanups need.
            if branch.is_running() && (winner.is_none() || had_winner) {
                let share = shares.next();
                branch.as_mut().poll(cx);
                shares.give_back(share);
            }
            let output = branch.take_output();
            if winner.is_none() {
                *winner = output;
            }
        });
        if winner.is_some() && !had_winner {
            branches.as_mut().for_each(&mut |branch| branch.cancel());
            // A branch that has to clean up begins with that now, and leaves its waker.
            let mut shares = BudgetShares::among(count_running(branches.as_mut()));
            branches.as_mut().for_each(&mut |branch| {
                if branch.is_running() {
                    let share = shares.next();
                    branch.poll(cx);
                    shares.give_back(share);
                }
            });
        }
        if count_running(branches) > 0 {
            return Poll::Pending;
        }
        winner.take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// A branch with the type of its future erased.
trait AnyBranch<T> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Progress;
    fn is_running(&self) -> bool;
    fn take_output(self: Pin<&mut Self>) -> Option<T>;
    fn cancel(self: Pin<&mut Self>);
}

impl<F: Future> AnyBranch<F::Output> for Branch<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Progress {
        self.poll(cx)
    }

    fn is_running(&self) -> bool {
        self.is_running()
    }

    fn take_output(self: Pin<&mut Self>) -> Option<F::Output> {
        self.take_output()
    }

    fn cancel(self: Pin<&mut Self>) {
        self.cancel();
    }
}

type Visitor<'a, T> = &'a mut dyn FnMut(Pin<&mut dyn AnyBranch<T>>);

/// Several branches with one output type, however they are stored.
trait Branches {
    type Output;
    fn for_each(self: Pin<&mut Self>, visit: Visitor<'_, Self::Output>);
}

/// A `Vec` may move what it holds, so these branches are in boxes; those of a tuple are not.
impl<F: Future> Branches for Vec<Pin<Box<Branch<F>>>> {
    type Output = F::Output;

    fn for_each(self: Pin<&mut Self>, visit: Visitor<'_, F::Output>) {
        for branch in self.get_mut() {
            visit(branch.as_mut());
        }
    }
}

/// Tuples of any size need one implementation each; this writes them.
macro_rules! race_tuples {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "the type parameters name fields and variables")]
        const _: () = {
            pin_project! {
                struct Tuple<$($name: Future),*> { $(#[pin] $name: Branch<$name>),* }
            }

            impl<T, $($name: IntoFuture<Output = T>),*> Race for ($($name,)*) {
                type Output = T;

                #[track_caller]
                fn into_race(self) -> impl Future<Output = T> {
                    let ($($name,)*) = self;
                    let branches = Tuple { $($name: Branch::new($name.into_future())),* };
                    Racing { branches, winner: None }
                }
            }

            impl<T, $($name: Future<Output = T>),*> Branches for Tuple<$($name),*> {
                type Output = T;

                fn for_each(self: Pin<&mut Self>, visit: Visitor<'_, T>) {
                    let this = self.project();
                    $(visit(this.$name);)*
                }
            }
        };
    };
}

race_tuples!(A B);
race_tuples!(A B C);
race_tuples!(A B C D);
race_tuples!(A B C D E);
race_tuples!(A B C D E F);
race_tuples!(A B C D E F G);
race_tuples!(A B C D E F G H);

//! `race`: several futures in one task, and the first one wins.
//!
//! A future that loses is not just dropped. It is cancelled like a task: cleanups inside it run, and `race` returns the
//! winner's output only when all others have ended. So no future is left behind that is never polled again, which is
//! how a `select!` over borrowed futures can deadlock.

use super::branch::{Branch, Progress};
use crate::traps::BudgetShares;
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
            branches.push(Branch::new(racer.into_future()));
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

struct Racing<B, T> {
    branches: B,
    winner: Option<T>,
}

/// The winner's output is kept, not pinned; the futures are in boxes of their own.
impl<B, T> Unpin for Racing<B, T> {}

impl<B: Branches<Output = T>, T> Racing<B, T> {
    fn share_budget(&mut self) -> BudgetShares {
        let mut running = 0;
        self.branches.for_each(&mut |branch| running += usize::from(branch.is_running()));
        BudgetShares::among(running)
    }
}

impl<B: Branches<Output = T>, T> Future for Racing<B, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let had_winner = this.winner.is_some();
        let mut shares = this.share_budget();
        this.branches.for_each(&mut |branch| {
            // Once there is a winner, the rest is polled only as far as its cleanups need.
            if branch.is_running() && (this.winner.is_none() || had_winner) {
                let share = shares.next();
                branch.poll(cx);
                shares.give_back(share);
            }
            let output = branch.take_output();
            if this.winner.is_none() {
                this.winner = output;
            }
        });
        if this.winner.is_some() && !had_winner {
            this.branches.for_each(&mut |branch| branch.cancel());
            // A branch that has to clean up begins with that now, and leaves its waker.
            let mut shares = this.share_budget();
            this.branches.for_each(&mut |branch| {
                if branch.is_running() {
                    let share = shares.next();
                    branch.poll(cx);
                    shares.give_back(share);
                }
            });
        }
        let mut running = false;
        this.branches.for_each(&mut |branch| running |= branch.is_running());
        match this.winner.take() {
            Some(output) if !running => Poll::Ready(output),
            winner => {
                this.winner = winner;
                Poll::Pending
            }
        }
    }
}

/// A branch with the type of its future erased.
trait AnyBranch<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Progress;
    fn is_running(&self) -> bool;
    fn take_output(&mut self) -> Option<T>;
    fn cancel(&mut self);
}

impl<F: Future> AnyBranch<F::Output> for Branch<F> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Progress {
        self.poll(cx)
    }

    fn is_running(&self) -> bool {
        self.is_running()
    }

    fn take_output(&mut self) -> Option<F::Output> {
        self.take_output()
    }

    fn cancel(&mut self) {
        self.cancel();
    }
}

/// Several branches with one output type, however they are stored.
trait Branches {
    type Output;
    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn AnyBranch<Self::Output>));
}

impl<F: Future> Branches for Vec<Branch<F>> {
    type Output = F::Output;

    fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn AnyBranch<F::Output>)) {
        self.iter_mut().for_each(|branch| visit(branch));
    }
}

/// Tuples of any size need one implementation each; this writes them.
macro_rules! race_tuples {
    ($($name:ident)*) => {
        impl<T, $($name: IntoFuture<Output = T>),*> Race for ($($name,)*) {
            type Output = T;

            #[allow(non_snake_case, reason = "the type parameters name the variables")]
            #[track_caller]
            fn into_race(self) -> impl Future<Output = T> {
                let ($($name,)*) = self;
                Racing { branches: ($(Branch::new($name.into_future()),)*), winner: None }
            }
        }

        impl<T, $($name: Future<Output = T>),*> Branches for ($(Branch<$name>,)*) {
            type Output = T;

            #[allow(non_snake_case, reason = "the type parameters name the variables")]
            fn for_each(&mut self, visit: &mut dyn FnMut(&mut dyn AnyBranch<T>)) {
                let ($($name,)*) = self;
                $(visit($name);)*
            }
        }
    };
}

race_tuples!(A B);
race_tuples!(A B C);
race_tuples!(A B C D);
race_tuples!(A B C D E);
race_tuples!(A B C D E F);
race_tuples!(A B C D E F G);
race_tuples!(A B C D E F G H);

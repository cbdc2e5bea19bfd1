//! `join!`: several futures in one task, all of them to the end.

use super::branch::{Branch, Progress};
use crate::traps::BudgetShares;
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Awaits up to sixteen futures at once, in one task, and gives a tuple of their outputs.
///
/// They run concurrently, not in parallel, and may borrow from the surrounding function. Each wake of the task
/// polls all that are not finished, in the order in which they are written, and each gets an equal share of what a task may
/// do in one poll: one that never has to wait does not keep the others from running. If one panics the others are dropped. A shield in one of them does not
/// shield the others: on cancellation each ends by itself.
///
/// ```
/// use std::time::Duration;
///
/// curio::Kernel::builder().virtual_clock(true).run(async {
///     let start = curio::clock();
///     let (a, b, ()) = curio::join!(async { 1 }, async { "two" }, curio::sleep(Duration::from_secs(3)));
///     assert_eq!((a, b), (1, "two"));
///     assert_eq!(curio::clock() - start, Duration::from_secs(3));
/// });
/// ```
#[macro_export]
macro_rules! join {
    ($($future:expr),+ $(,)?) => {
        $crate::join_tuple(($($future,)+)).await
    };
}

/// What [`join!`](crate::join!) becomes; awaits a tuple of futures.
#[doc(hidden)]
#[track_caller]
pub fn join_tuple<T: JoinTuple>(futures: T) -> impl Future<Output = T::Output> {
    futures.join()
}

/// A tuple of one to sixteen futures.
#[doc(hidden)]
pub trait JoinTuple {
    type Output;
    fn join(self) -> impl Future<Output = Self::Output>;
}

/// Tuples of any size need one implementation each; this writes them.
macro_rules! join_tuples {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "the type parameters name fields and variables")]
        const _: () = {
            pin_project! {
                struct Tuple<$($name: Future),*> { $(#[pin] $name: Branch<$name>),* }
            }

            impl<$($name: IntoFuture),*> JoinTuple for ($($name,)*) {
                type Output = ($($name::Output,)*);

                #[track_caller]
                fn join(self) -> impl Future<Output = Self::Output> {
                    let ($($name,)*) = self;
                    Tuple { $($name: Branch::new($name.into_future())),* }
                }
            }

            impl<$($name: Future),*> Future for Tuple<$($name),*> {
                type Output = ($($name::Output,)*);

                fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                    let mut this = self.project();
                    let running = [$(this.$name.is_running()),*].into_iter().filter(|running| *running).count();
                    let mut shares = BudgetShares::among(running);
                    let mut all_finished = true;
                    $(
                        if this.$name.is_running() {
                            let share = shares.next();
                            this.$name.as_mut().poll(cx);
                            shares.give_back(share);
                        }
                        all_finished &= this.$name.progress() == Progress::Finished;
                    )*
                    if !all_finished {
                        return Poll::Pending;
                    }
                    Poll::Ready(($(this.$name.take_output().expect("a finished branch has its output"),)*))
                }
            }
        };
    };
}

join_tuples!(A);
join_tuples!(A B);
join_tuples!(A B C);
join_tuples!(A B C D);
join_tuples!(A B C D E);
join_tuples!(A B C D E F);
join_tuples!(A B C D E F G);
join_tuples!(A B C D E F G H);
join_tuples!(A B C D E F G H I);
join_tuples!(A B C D E F G H I J);
join_tuples!(A B C D E F G H I J K);
join_tuples!(A B C D E F G H I J K L);
join_tuples!(A B C D E F G H I J K L M);
join_tuples!(A B C D E F G H I J K L M N);
join_tuples!(A B C D E F G H I J K L M N O);
join_tuples!(A B C D E F G H I J K L M N O P);

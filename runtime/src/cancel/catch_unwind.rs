//! A poll whose panic is caught.
//!
//! Scopes and `finally` have to go on when what they poll panics: others must be cancelled, a cleanup must run. They
//! nest, and each level is polled from within the one around it, so every stack frame between two levels reduces how
//! deep they may nest. `catch_unwind(AssertUnwindSafe(|| …))` costs two frames more than a
//! closure that is unwind-safe by itself, and this makes it one.

use std::panic::UnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// One poll that may panic: for `catch_unwind(move || body.poll())`.
pub(crate) struct CatchUnwind<'a, F: ?Sized>(Pin<&'a mut F>, &'a Waker);

/// What a panic leaves half done is dropped, and never looked at.
impl<F: ?Sized> UnwindSafe for CatchUnwind<'_, F> {}

impl<'a, F: Future + ?Sized> CatchUnwind<'a, F> {
    pub(crate) fn new(future: Pin<&'a mut F>, waker: &'a Waker) -> Self {
        CatchUnwind(future, waker)
    }

    pub(crate) fn poll(self) -> Poll<F::Output> {
        self.0.poll(&mut Context::from_waker(self.1))
    }
}

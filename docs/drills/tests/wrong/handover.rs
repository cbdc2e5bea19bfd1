use drills::graders::handover::HandoverDrill;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// Keeps the waker of the first poll for ever.
pub(crate) const FIRST_WAKER: u8 = 1;
/// Wakes its own task instead of waiting.
pub(crate) const SPINS: u8 = 2;
/// Leaves the value where it is.
pub(crate) const COPIES: u8 = 3;
/// Forgets its waker when it is dropped, and with it a value that was there.
pub(crate) const DROPS_THE_VALUE: u8 = 4;

pub(crate) struct Handover<const MISTAKE: u8> {
    value: Cell<Option<u32>>,
    waiting: RefCell<Option<Waker>>,
}

struct DropsTheValue<'h>(Option<&'h Cell<Option<u32>>>);

impl Drop for DropsTheValue<'_> {
    fn drop(&mut self) {
        if let Some(value) = self.0 {
            value.set(None);
        }
    }
}

impl<const MISTAKE: u8> HandoverDrill for Handover<MISTAKE> {
    fn new() -> Self {
        Handover { value: Cell::new(None), waiting: RefCell::new(None) }
    }

    fn put(&self, value: u32) {
        self.value.set(Some(value));
        let waiting = self.waiting.borrow().clone();
        waiting.iter().for_each(Waker::wake_by_ref);
    }

    fn take(&self) -> impl Future<Output = u32> {
        let dropped = DropsTheValue((MISTAKE == DROPS_THE_VALUE).then_some(&self.value));
        poll_fn(move |cx| {
            let _ = &dropped;
            let value = if MISTAKE == COPIES { self.value.get() } else { self.value.take() };
            if let Some(value) = value {
                return Poll::Ready(value);
            }
            if MISTAKE == SPINS {
                cx.waker().wake_by_ref();
            }
            let mut waiting = self.waiting.borrow_mut();
            if MISTAKE != FIRST_WAKER || waiting.is_none() {
                *waiting = Some(cx.waker().clone());
            }
            Poll::Pending
        })
    }
}

//! State behind a mutex that the kernel can reach too, to take a grant back.
//!
//! The kernel's watch over a grant may outlive whoever asked for it, so it holds a share of the state: that is
//! the only reason for the `Arc`. It also is why no item of a queue lives in here. A value that is handed over
//! may borrow from somewhere; what the kernel keeps must not.

use super::wait_queue::Wakes;
use crate::kernel::grants::{GrantId, Revoke};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Shared<S>(Mutex<S>);

/// State that knows how to pass an unclaimed grant on.
pub(super) trait Revocable: 'static {
    fn revoke(&mut self, grant: GrantId, wakes: &mut Wakes, watch: impl Fn() -> Arc<dyn Revoke>);
}

impl<S: Revocable> Shared<S> {
    pub(super) fn new(state: S) -> Arc<Shared<S>> {
        Arc::new(Shared(Mutex::new(state)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, S> {
        // Nothing in here panics halfway, so a poisoned state is still a sound one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the kernel keeps for as long as it watches a grant.
    pub(super) fn watch(self: &Arc<Self>) -> Arc<dyn Revoke> {
        Arc::clone(self) as Arc<dyn Revoke>
    }
}

impl<S: Revocable> Revoke for Shared<S> {
    fn revoke(self: Arc<Self>, grant: GrantId) {
        let mut wakes = Wakes::default();
        self.lock().revoke(grant, &mut wakes, || self.watch());
        wakes.wake();
    }
}

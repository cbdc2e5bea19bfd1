//! The counters of a server, for tests to check.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counters of a server. A clone shows the same counters, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    accepted: AtomicU64,
    open: AtomicU64,
    in_progress: AtomicU64,
    peak_in_progress: AtomicU64,
    begun: AtomicU64,
    served: AtomicU64,
    failed_handshakes: AtomicU64,
}

impl Counters {
    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Relaxed)
    }

    /// Connections that are open now.
    pub fn open(&self) -> u64 {
        self.0.open.load(Relaxed)
    }

    /// Requests that have arrived and whose responses are not complete.
    pub fn in_progress(&self) -> u64 {
        self.0.in_progress.load(Relaxed)
    }

    /// The most requests that were in progress at the same time.
    pub fn peak_in_progress(&self) -> u64 {
        self.0.peak_in_progress.load(Relaxed)
    }

    /// Requests whose responses are complete.
    pub fn served(&self) -> u64 {
        self.0.served.load(Relaxed)
    }

    /// TLS handshakes that failed: for example, because the client refused the certificate.
    pub fn failed_handshakes(&self) -> u64 {
        self.0.failed_handshakes.load(Relaxed)
    }

    /// Counts a connection as open until what is returned is dropped.
    pub(super) fn connection(&self) -> Open {
        self.0.accepted.fetch_add(1, Relaxed);
        self.0.open.fetch_add(1, Relaxed);
        Open(self.clone())
    }

    /// Counts a request as in progress until what is returned is dropped; returns its number too, from 0.
    pub(super) fn request(&self) -> (InProgress, u64) {
        let now = self.0.in_progress.fetch_add(1, Relaxed) + 1;
        self.0.peak_in_progress.fetch_max(now, Relaxed);
        (InProgress(self.clone()), self.0.begun.fetch_add(1, Relaxed))
    }

    pub(super) fn failed_handshake(&self) {
        self.0.failed_handshakes.fetch_add(1, Relaxed);
    }
}

/// A connection that is open.
pub(super) struct Open(Counters);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Relaxed);
    }
}

/// A request that is in progress.
pub(super) struct InProgress(Counters);

impl InProgress {
    /// The response is complete.
    pub(super) fn served(self) {
        self.0.0.served.fetch_add(1, Relaxed);
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.0.in_progress.fetch_sub(1, Relaxed);
    }
}

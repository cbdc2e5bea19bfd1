//! Progress reports of an upload.
//!
//! A byte counts as sent when the operating system has taken it: a chunk that was read from a file and waits for room in
//! the socket's send buffer has not been sent. So chunks are counted when they are polled, and reported when they have been
//! written to the socket.

use std::cell::RefCell;
use std::rc::Rc;

/// Called with the number of bytes sent so far, and the total number if it is known. Shared, because a request may be sent
/// more than once.
pub(crate) type Report = Rc<RefCell<dyn FnMut(u64, Option<u64>)>>;

pub(crate) struct Progress {
    taken: u64,
    reported: u64,
    total: Option<u64>,
    report: Report,
}

impl Progress {
    pub(crate) fn new(total: Option<u64>, report: Report) -> Progress {
        Progress { taken: 0, reported: 0, total, report }
    }

    pub(crate) fn add(&mut self, n: usize) {
        self.taken += n as u64;
    }

    pub(crate) fn report(&mut self) {
        if self.taken > self.reported {
            self.reported = self.taken;
            (self.report.borrow_mut())(self.taken, self.total);
        }
    }
}

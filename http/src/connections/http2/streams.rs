//! The open streams of a connection, each at a small number.
//!
//! The numbers are used again, so that all that is known of streams can be in lists, in which a stream is found without
//! searching, and its end leaves nothing to be cleared up.

use crate::connections::http2::handles::Handles;
use std::rc::{Rc, Weak};

/// The number of a task that waits for the connection and has no stream.
pub(super) const NO_STREAM: usize = 0;

#[derive(Default)]
pub(super) struct Streams {
    /// The first is number 1.
    all: Vec<Weak<Handles>>,
    free: Vec<usize>,
}

impl Streams {
    pub(super) fn unused_number(&mut self) -> usize {
        self.free.pop().unwrap_or(self.all.len() + 1)
    }

    pub(super) fn insert(&mut self, handles: &Rc<Handles>) {
        let weak = Rc::downgrade(handles);
        match self.all.get_mut(handles.key - 1) {
            Some(place) => *place = weak,
            None => self.all.push(weak),
        }
    }

    pub(super) fn remove(&mut self, key: usize) {
        self.all[key - 1] = Weak::new();
        self.free.push(key);
    }

    pub(super) fn open(&self) -> Vec<Rc<Handles>> {
        self.all.iter().filter_map(Weak::upgrade).collect()
    }
}

//! A read buffer that the connections of a thread share.
//!
//! Large reads need a large buffer, and thousands of connections that wait for a response should hold none. Only one
//! connection of a thread is being read at any moment, so one buffer is enough: a connection takes it, processes what it
//! has read, and puts it back. It is zeroed once, when it is allocated.
//!
//! Beside it there is a small one, for reads whose bytes are copied elsewhere and may come through TLS, which uses the large
//! one on their way.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// Four full TLS records and a bit.
pub(crate) const SIZE: usize = 64 * 1024 + 1024;
pub(crate) const SMALL_SIZE: usize = 4 * 1024;

thread_local! {
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
    static SMALL_SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// The buffer, while a connection uses it. Dropping it puts it back.
pub(crate) struct ReadBuffer(Option<Box<[u8]>>);

impl ReadBuffer {
    /// Takes the spare buffer, or allocates one.
    pub(crate) fn take() -> ReadBuffer {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        ReadBuffer(Some(spare.unwrap_or_else(|| vec![0; SIZE].into())))
    }

    /// The same with the small block.
    pub(crate) fn take_small() -> ReadBuffer {
        let spare = SMALL_SPARE.try_with(Cell::take).ok().flatten();
        ReadBuffer(Some(spare.unwrap_or_else(|| vec![0; SMALL_SIZE].into())))
    }
}

impl Deref for ReadBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl DerefMut for ReadBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or_default()
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        // When the thread ends there is no place for it any more, and it is simply freed.
        let place = if self.len() == SMALL_SIZE { &SMALL_SPARE } else { &SPARE };
        let _ = place.try_with(|spare| spare.set(self.0.take()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_used_again_and_two_at_once_are_two() {
        let first = ReadBuffer::take();
        let address = first.as_ptr();
        let second = ReadBuffer::take();
        assert_eq!((first.len(), second.len()), (SIZE, SIZE));
        drop(second);
        drop(first);
        assert_eq!(ReadBuffer::take().as_ptr(), address);
    }

    #[test]
    fn a_small_block_and_a_large_one_do_not_displace_each_other() {
        let (small, large) = (ReadBuffer::take_small(), ReadBuffer::take());
        let addresses = (small.as_ptr(), large.as_ptr());
        assert_eq!((small.len(), large.len()), (SMALL_SIZE, SIZE));
        drop((large, small));
        let (small, large) = (ReadBuffer::take_small(), ReadBuffer::take());
        assert_eq!((small.as_ptr(), large.as_ptr()), addresses);
    }
}

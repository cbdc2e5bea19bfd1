//! A read buffer that the connections of a thread share.
//!
//! Large reads need a large buffer, and thousands of connections that wait for a response should hold none. Only one
//! connection of a thread is being read at any moment, so one buffer is enough: a connection takes it, processes what it
//! has read, and puts it back. It is zeroed once, when it is allocated.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// Four full TLS records and a bit.
pub(crate) const SIZE: usize = 64 * 1024 + 1024;

thread_local! {
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// The buffer, while a connection uses it. Dropping it puts it back.
pub(crate) struct ReadBuffer(Option<Box<[u8]>>);

impl ReadBuffer {
    /// Takes the spare buffer, or allocates one.
    pub(crate) fn take() -> ReadBuffer {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        ReadBuffer(Some(spare.unwrap_or_else(|| vec![0; SIZE].into())))
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
        let _ = SPARE.try_with(|spare| spare.set(self.0.take()));
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
}

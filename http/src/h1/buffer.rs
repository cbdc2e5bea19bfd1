//! The bytes that have arrived from the peer and have not been parsed yet.
//!
//! One block of memory per connection, in three parts:
//!
//! ```text
//!   storage   ┌──────────┬──────────────────┬───────────────────────┐
//!             │ consumed │      unread      │         space         │
//!             └──────────┴──────────────────┴───────────────────────┘
//!             0        start               end               storage.len()
//! ```
//!
//! The driver reads into *space*, the parsers consume *unread* from the left. Three considerations determine the design:
//!
//! - Safe Rust reads only into initialised memory, and clearing it before each read would cost as much as a small
//!   response. So `storage` stays initialised in its full length, and two indices mark the unread part. When everything
//!   is consumed, both return to zero: an exchange with a small response allocates and clears nothing here.
//! - Large parts of a body must not be copied again. They are *split off*: the caller gets the memory itself, and the
//!   next read uses the rest of the block or a new block. When the caller has dropped its parts, the block is used again
//!   instead of a new one, and is not cleared again: a block that is handed out to its end is remembered in `handed_out`. Small
//!   parts are copied, because splitting would keep the whole block in use for them. When the first is taken, all that has
//!   arrived is copied, if it is little: a head and its body, or many small chunks, are parts of one copy.
//! - Most responses fit into 4 KiB, and a pool keeps many connections idle. So the space for a read starts at 4 KiB and
//!   grows only while reads fill it, up to 64 KiB; after the exchange, a grown block is released.

use core::{fmt, mem};

use bytes::{Buf, Bytes, BytesMut};

const SMALLEST_ROOM: usize = 4 * 1024;
const LARGEST_ROOM: usize = 64 * 1024;
const GROWTH: usize = 4;
/// Parts with fewer bytes are copied rather than split off.
const COPY_BELOW: usize = 4 * 1024;

pub(crate) struct Buffer {
    storage: BytesMut,
    /// The last block of which a part was handed out and no space is left that is worth a read.
    handed_out: Bytes,
    start: usize,
    end: usize,
    /// A copy of the first unread bytes, which small parts are taken from; mostly empty.
    copied: Bytes,
    /// How much space the next read should get.
    room: usize,
    /// How much space the last call to `space` returned: the most that can have been filled.
    offered: usize,
    closed: bool,
}

impl Buffer {
    /// An empty buffer. Memory is allocated by the first call of `space` or `append`.
    pub(crate) fn new() -> Self {
        Buffer {
            storage: BytesMut::new(),
            handed_out: Bytes::new(),
            start: 0,
            end: 0,
            copied: Bytes::new(),
            room: SMALLEST_ROOM,
            offered: 0,
            closed: false,
        }
    }

    /// The space for the next read; never empty.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.storage.len() - self.end < self.room / 2 {
            self.make_room();
        }
        let until = self.storage.len().min(self.end + self.room);
        self.offered = until - self.end;
        &mut self.storage[self.end..until]
    }

    /// `n` bytes were read into `space()`, which grows if they filled it; 0 is the end of the stream.
    pub(crate) fn filled(&mut self, n: usize) {
        assert!(n <= self.offered, "filled({n}) after space() of {} bytes", self.offered);
        if n == 0 {
            self.closed = true;
        } else if n == self.offered {
            self.room = (self.room * GROWTH).min(LARGEST_ROOM);
        }
        self.end += n;
        self.offered = 0;
    }

    /// Copies bytes that were read into other memory; none are the end of the stream. A new block gets just their size, so
    /// that nothing is cleared for a connection that is used once.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.closed |= bytes.is_empty();
        let end = self.end + bytes.len();
        if end <= self.storage.len() {
            self.storage[self.end..end].copy_from_slice(bytes);
            self.end = end;
        } else {
            self.move_to_front();
            self.storage.truncate(self.end);
            self.storage.extend_from_slice(bytes);
            self.end = self.storage.len();
        }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether the peer has closed: no bytes will follow the unread ones.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Marks the first `n` unread bytes as parsed.
    pub(crate) fn consume(&mut self, n: usize) {
        if !self.copied.is_empty() {
            self.copied.advance(n.min(self.copied.len()));
        }
        self.skip(n);
    }

    fn skip(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        let byte = *self.unread().first()?;
        self.consume(1);
        Some(byte)
    }

    /// Takes the first `n` unread bytes out: copied or split off, depending on their size.
    pub(crate) fn take(&mut self, n: usize) -> Bytes {
        if n < COPY_BELOW {
            if self.copied.len() < n {
                self.copy(n);
            }
            let piece = self.copied.split_to(n);
            self.skip(n);
            return piece;
        }
        self.copied = Bytes::new();
        if n == self.end - self.start && self.storage.len() - self.end < self.room / 2 {
            self.handed_out = mem::take(&mut self.storage).freeze();
            let piece = self.handed_out.slice(self.start..self.end);
            (self.start, self.end) = (0, 0);
            return piece;
        }
        let mut piece = self.storage.split_to(self.start + n);
        piece.advance(self.start);
        self.end -= self.start + n;
        self.start = 0;
        piece.freeze()
    }

    /// Copies the first `n` unread bytes, and the rest with them if all are little.
    fn copy(&mut self, n: usize) {
        let unread = self.unread();
        let n = if unread.len() < COPY_BELOW { unread.len() } else { n };
        #[cfg(test)]
        super::work::count(n);
        self.copied = Bytes::copy_from_slice(&unread[..n]);
    }

    /// Releases a grown block, once everything is read.
    pub(crate) fn shrink(&mut self) {
        debug_assert!(self.is_empty());
        self.room = SMALLEST_ROOM;
        self.handed_out = Bytes::new();
        if self.storage.len() != SMALLEST_ROOM {
            self.storage = BytesMut::new();
        }
    }

    /// Moves the unread bytes to the front of the block.
    fn move_to_front(&mut self) {
        if self.start > 0 {
            #[cfg(test)]
            super::work::count(self.end - self.start);
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }

    fn make_room(&mut self) {
        self.move_to_front();
        let handed_out = mem::take(&mut self.handed_out);
        if self.storage.is_empty() {
            self.storage = handed_out.try_into_mut().unwrap_or_default();
        }
        if self.storage.len() - self.end < self.room / 2 {
            // Only the unread bytes are copied to a larger block.
            #[cfg(test)]
            if self.storage.capacity() < self.end + self.room / 2 {
                super::work::count(self.end);
            }
            self.storage.truncate(self.end);
            self.storage.resize(self.room.max(self.end + self.room / 2), 0);
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("unread", &(self.end - self.start))
            .field("space", &(self.storage.len() - self.end))
            .field("closed", &self.closed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills the next `n` bytes of the space with `byte`, and takes them out.
    fn pass(buffer: &mut Buffer, byte: u8) -> Bytes {
        let space = buffer.space();
        let n = space.len();
        space.fill(byte);
        buffer.filled(n);
        buffer.take(n)
    }

    #[test]
    fn a_block_whose_part_was_dropped_is_read_into_again_without_being_cleared() {
        let mut buffer = Buffer::new();
        for _ in 0..4 {
            drop(pass(&mut buffer, 7));
        }
        let address = buffer.space().as_ptr();
        assert_eq!(buffer.space(), [7; LARGEST_ROOM]);
        assert_eq!(pass(&mut buffer, 8).as_ptr(), address);
        assert_eq!(buffer.space(), [8; LARGEST_ROOM]);
    }

    #[test]
    fn a_part_that_is_kept_is_not_written_to() {
        let mut buffer = Buffer::new();
        let kept: Vec<Bytes> = (0..8).map(|n| pass(&mut buffer, n)).collect();
        for (n, part) in (0..).zip(kept) {
            assert!(part.iter().all(|&byte| byte == n));
        }
    }
}

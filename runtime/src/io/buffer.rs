//! The read buffer of a stream: bytes received and not read yet.

use std::mem;

/// A queue of bytes. Taking from the front moves nothing; the room is used again when all has been taken, or when a
/// fill needs it.
#[derive(Default)]
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    taken: usize,
    /// How far it has been searched for the end of a line, so that a long line is searched once.
    searched: usize,
}

impl ReadBuffer {
    /// The buffered bytes.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets `fill` write up to `room` bytes at the end and say how many it wrote.
    pub(crate) fn fill<R>(&mut self, room: usize, fill: impl FnOnce(&mut [u8]) -> (usize, R)) -> R {
        self.reclaim();
        let end = self.bytes.len();
        self.bytes.resize(end + room, 0);
        let (written, result) = fill(&mut self.bytes[end..]);
        self.bytes.truncate(end + written.min(room));
        result
    }

    /// Takes up to `n` bytes from the front.
    pub(crate) fn take(&mut self, n: usize) -> Vec<u8> {
        let n = n.min(self.len());
        // A buffer that is at least half full is handed out itself; to hand out an emptier one would waste memory.
        if self.taken == 0 && n == self.bytes.len() && n >= self.bytes.capacity() / 2 {
            self.searched = 0;
            return mem::take(&mut self.bytes);
        }
        let taken = self.filled()[..n].to_vec();
        self.consume(n);
        taken
    }

    /// Drops `n` bytes from the front.
    pub(crate) fn consume(&mut self, n: usize) {
        self.taken += n.min(self.len());
        self.searched = self.searched.saturating_sub(n);
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        (self.taken, self.searched) = (0, 0);
    }

    /// The length of the first line with its `\n`, if all of it is there.
    pub(crate) fn line(&mut self) -> Option<usize> {
        let found = self.filled()[self.searched..].iter().position(|&byte| byte == b'\n');
        match found {
            Some(position) => Some(self.searched + position + 1),
            None => {
                self.searched = self.len();
                None
            }
        }
    }

    /// Moves what is left to the front once more than half has been taken: each byte is moved at most once on
    /// average.
    fn reclaim(&mut self) {
        if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(buffer: &mut ReadBuffer, bytes: &[u8]) {
        buffer.fill(bytes.len() + 3, |room| {
            room[..bytes.len()].copy_from_slice(bytes);
            (bytes.len(), ())
        });
    }

    #[test]
    fn bytes_come_out_in_the_order_in_which_they_went_in() {
        let mut buffer = ReadBuffer::default();
        let (mut expected, mut got) = (Vec::new(), Vec::new());
        for n in 0..100_u8 {
            let piece: Vec<u8> = (0..n % 7).map(|k| n.wrapping_mul(3).wrapping_add(k)).collect();
            expected.extend_from_slice(&piece);
            add(&mut buffer, &piece);
            got.extend(buffer.take(usize::from(n % 5)));
        }
        got.extend(buffer.take(usize::MAX));
        assert_eq!(got, expected);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_found_when_its_end_is_there() {
        let mut buffer = ReadBuffer::default();
        add(&mut buffer, b"ab");
        assert_eq!(buffer.line(), None);
        add(&mut buffer, b"c\nde\n");
        assert_eq!(buffer.line(), Some(4));
        assert_eq!(buffer.take(4), b"abc\n");
        assert_eq!(buffer.line(), Some(3));
        buffer.consume(1);
        assert_eq!(buffer.line(), Some(2));
    }
}

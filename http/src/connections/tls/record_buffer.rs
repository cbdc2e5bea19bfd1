//! The buffer for received ciphertext.
//!
//! While there is work to do, the ciphertext is in a block that all connections share. When the connection has to wait, the
//! block is returned, and only an incomplete record (usually nothing at all) is stored.

use crate::connections::read_buffer::ReadBuffer;
use std::io;

/// Ciphertext that has arrived and is not consumed yet.
#[derive(Default)]
pub(super) struct RecordBuffer {
    /// The shared block, while there is work to do.
    block: Option<ReadBuffer>,
    start: usize,
    end: usize,
    /// The beginning of a record, while waiting for the rest.
    kept: Vec<u8>,
}

impl RecordBuffer {
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end && self.kept.is_empty()
    }

    pub(super) fn unread(&mut self) -> &mut [u8] {
        match &mut self.block {
            Some(block) => &mut block[self.start..self.end],
            None => &mut self.kept,
        }
    }

    pub(super) fn starts_with(&self, text: &[u8]) -> bool {
        match &self.block {
            // Consumed bytes are still there; the first bytes of the connection are what matters.
            Some(block) => block.starts_with(text),
            None => self.kept.starts_with(text),
        }
    }

    pub(super) fn consume(&mut self, n: usize) {
        match self.block {
            Some(_) => self.start += n,
            None => drop(self.kept.drain(..n)),
        }
        if self.start == self.end {
            (self.block, self.start, self.end) = (None, 0, 0);
        }
    }

    /// The space for the next read; never empty.
    pub(super) fn space(&mut self) -> io::Result<&mut [u8]> {
        if self.block.is_none() {
            let mut block = ReadBuffer::take();
            block[..self.kept.len()].copy_from_slice(&self.kept);
            (self.start, self.end) = (0, self.kept.len());
            self.kept = Vec::new();
            self.block = Some(block);
        }
        let block = self.block.as_deref_mut().unwrap_or_default();
        if self.start > 0 {
            block.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        match &mut block[self.end..] {
            [] => Err(io::Error::new(io::ErrorKind::InvalidData, "a TLS message exceeds the maximum size")),
            space => Ok(space),
        }
    }

    /// Takes bytes that were read elsewhere.
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let space = self.space()?;
        let Some(space) = space.get_mut(..bytes.len()) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "more bytes than the maximum size of a TLS message",
            ));
        };
        space.copy_from_slice(bytes);
        self.filled(bytes.len());
        Ok(())
    }

    pub(super) fn filled(&mut self, n: usize) {
        self.end += n;
    }

    /// Returns the block: there is nothing to do until more bytes arrive.
    pub(super) fn release_block(&mut self) {
        if let Some(block) = self.block.take() {
            self.kept = block[self.start..self.end].to_vec();
            (self.start, self.end) = (0, 0);
        }
    }
}

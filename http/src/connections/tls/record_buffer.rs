//! Ciphertext on its way in, and where it stands meanwhile.
//!
//! While there is work to do it stands in the block that connections lend each other. When the connection has to wait,
//! the block goes back, and only what is unfinished (the beginning of a record, mostly nothing at all) is kept.

use crate::connections::read_buffer::ReadBuffer;
use std::io;

/// Ciphertext that has come and is not consumed yet.
#[derive(Default)]
pub(super) struct RecordBuffer {
    /// Where it stands while there is work to do with it.
    block: Option<ReadBuffer>,
    start: usize,
    end: usize,
    /// Where it stands while the rest of a record is waited for.
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
            // What has been consumed is still there; the first bytes of all are what matters.
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

    /// Room for the next read; never empty.
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
            [] => Err(io::Error::new(io::ErrorKind::InvalidData, "a TLS message larger than any may be")),
            space => Ok(space),
        }
    }

    /// Takes in what has come by another way than reading.
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let space = self.space()?;
        let Some(space) = space.get_mut(..bytes.len()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more bytes than any TLS message has"));
        };
        space.copy_from_slice(bytes);
        self.filled(bytes.len());
        Ok(())
    }

    pub(super) fn filled(&mut self, n: usize) {
        self.end += n;
    }

    /// Gives the block back: there is nothing to do until more has come.
    pub(super) fn release_block(&mut self) {
        if let Some(block) = self.block.take() {
            self.kept = block[self.start..self.end].to_vec();
            (self.start, self.end) = (0, 0);
        }
    }
}

//! An open file and what was read ahead of its reader. All of this blocks, and runs in threads only.
//!
//! The position that a program sees is that of the next byte it will read or write. The operating system's is
//! ahead of it by what lies in the buffer, so everything that depends on the position first brings them together.

use super::mode::{Kind, Mode};
use crate::io::ReadBuffer;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

pub(super) struct Opened {
    file: File,
    mode: Mode,
    ahead: ReadBuffer,
}

impl Opened {
    pub(super) fn open(path: &Path, mode: Mode) -> io::Result<Opened> {
        let mut file = mode.options().open(path)?;
        if mode.kind == Kind::Append {
            // As in Python, `tell` names the end from the start. A pipe has no position, and may be appended to.
            let _ = file.seek(SeekFrom::End(0));
        }
        Ok(Opened { file, mode, ahead: ReadBuffer::default() })
    }

    /// Reads until at least `n` bytes are ahead, or the file ends; says how many of them are there to be taken.
    pub(super) fn fetch(&mut self, n: usize) -> io::Result<usize> {
        self.check_reads()?;
        while self.ahead.len() < n && self.read_chunk(n - self.ahead.len())? > 0 {}
        Ok(n.min(self.ahead.len()))
    }

    /// Reads until a whole line is ahead, or the file ends; says how long it is.
    pub(super) fn fetch_line(&mut self) -> io::Result<usize> {
        self.check_reads()?;
        loop {
            if let Some(length) = self.ahead.line() {
                return Ok(length);
            }
            if self.read_chunk(CHUNK)? == 0 {
                return Ok(self.ahead.len());
            }
        }
    }

    /// Takes what was fetched. That is a step of its own because the task may have stopped waiting in between.
    pub(super) fn take(&mut self, n: usize) -> Vec<u8> {
        self.ahead.take(n)
    }

    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        if !self.mode.writes() {
            return Err(self.unsupported("writing"));
        }
        self.forget_ahead()?;
        self.file.write_all(data)
    }

    pub(super) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.forget_ahead()?;
        self.file.seek(to)
    }

    pub(super) fn tell(&mut self) -> io::Result<u64> {
        Ok(self.file.stream_position()?.saturating_sub(self.ahead.len() as u64))
    }

    pub(super) fn truncate(&mut self, length: u64) -> io::Result<()> {
        if !self.mode.writes() {
            return Err(self.unsupported("truncating"));
        }
        self.forget_ahead()?;
        self.file.set_len(length)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn read_chunk(&mut self, wanted: usize) -> io::Result<usize> {
        let room = wanted.clamp(CHUNK / 8, CHUNK);
        let file = &mut self.file;
        loop {
            let read = self.ahead.fill(room, |room| {
                let result = file.read(room);
                (*result.as_ref().unwrap_or(&0), result)
            });
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn check_reads(&self) -> io::Result<()> {
        if self.mode.reads() { Ok(()) } else { Err(self.unsupported("reading")) }
    }

    fn unsupported(&self, what: &str) -> io::Error {
        io::Error::new(
            io::ErrorKind::Unsupported,
            format!("{what} is not possible in the mode that the file was opened with, {}", self.mode),
        )
    }

    /// Moves the file's position to where the program thinks it is.
    fn forget_ahead(&mut self) -> io::Result<()> {
        if !self.ahead.is_empty() {
            let back = i64::try_from(self.ahead.len()).expect("a Vec is smaller than that");
            self.file.seek(SeekFrom::Current(-back))?;
            self.ahead.clear();
        }
        Ok(())
    }
}

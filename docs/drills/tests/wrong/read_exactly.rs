use drills::graders::read_exactly::{Ended, Pieces, ReaderDrill};
use std::mem;
use std::rc::Rc;

/// Collects the bytes in a local variable.
pub(crate) const LOCAL_BUFFER: u8 = 1;
/// Forgets what a piece has beyond the bytes asked for.
pub(crate) const DROPS_THE_REST: u8 = 2;
/// Returns fewer bytes at the end of the stream.
pub(crate) const SHORT_AT_THE_END: u8 = 3;

pub(crate) struct Reader<const MISTAKE: u8> {
    pieces: Rc<Pieces>,
    buffer: Vec<u8>,
}

impl<const MISTAKE: u8> ReaderDrill for Reader<MISTAKE> {
    fn new(pieces: Rc<Pieces>) -> Self {
        Reader { pieces, buffer: Vec::new() }
    }

    async fn read_exactly(&mut self, count: usize) -> Result<Vec<u8>, Ended> {
        if MISTAKE != LOCAL_BUFFER {
            while self.buffer.len() < count {
                let piece = self.pieces.next().await;
                if piece.is_empty() {
                    let left = mem::take(&mut self.buffer);
                    return if MISTAKE == SHORT_AT_THE_END { Ok(left) } else { Err(Ended { left }) };
                }
                self.buffer.extend(piece);
            }
            let read = self.buffer.drain(..count).collect();
            if MISTAKE == DROPS_THE_REST {
                self.buffer.clear();
            }
            return Ok(read);
        }
        let mut read = mem::take(&mut self.buffer);
        while read.len() < count {
            let piece = self.pieces.next().await;
            if piece.is_empty() {
                return Err(Ended { left: read });
            }
            read.extend(piece);
        }
        self.buffer = read.split_off(count);
        Ok(read)
    }
}

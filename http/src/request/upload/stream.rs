//! Sending a stream of pieces.
//!
//! A piece is kept until it has been sent; only then is the next one taken. So there is never more than one in memory here,
//! and the stream is polled no faster than the server reads.

use super::CHUNK;
use crate::error::{Error, ErrorKind};
use crate::request::body::BodyStream;
use bytes::{Buf, Bytes};
use std::task::{Context, Poll, ready};

pub(super) struct StreamUpload {
    stream: BodyStream,
    piece: Bytes,
    /// How much of `piece` is the current chunk.
    given: usize,
    /// The stream has yielded something, so it cannot be sent from its beginning again.
    touched: bool,
}

impl StreamUpload {
    pub(super) fn new(stream: BodyStream) -> StreamUpload {
        StreamUpload { stream, piece: Bytes::new(), given: 0, touched: false }
    }

    /// The stream, if it has yielded nothing.
    pub(super) fn into_untouched(self) -> Option<BodyStream> {
        (!self.touched).then_some(self.stream)
    }

    /// Advances to the next chunk; `false` at the end. Empty pieces are skipped: an empty chunk would end the body.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.piece.advance(self.given);
        self.given = 0;
        while self.piece.is_empty() {
            let next = ready!(self.stream.pieces.as_mut().poll_next(cx));
            self.touched = true;
            match next {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(cause)) => {
                    let error = Error::new(ErrorKind::Io, "reading the request body").because(cause);
                    return Poll::Ready(Err(error));
                }
                None => return Poll::Ready(Ok(false)),
            }
        }
        self.given = self.piece.len().min(CHUNK);
        Poll::Ready(Ok(true))
    }

    pub(super) fn chunk(&self) -> &[u8] {
        &self.piece[..self.given]
    }

    pub(super) fn shared_chunk(&self) -> Bytes {
        self.piece.slice(..self.given)
    }
}

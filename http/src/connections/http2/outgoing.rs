//! The body of a request, in the pieces that flow control allows.

use crate::connections::connection::BodyLength;
use crate::error::{Error, ErrorKind};
use crate::request::upload::Upload;
use bytes::Bytes;
use h2::SendStream;
use std::task::{Context, Poll};

pub(super) struct Outgoing {
    upload: Upload,
    declared: Option<u64>,
    taken: u64,
    /// Taken from the source, and not yet given to h2.
    piece: Bytes,
}

/// How far a body has been sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// All of it is sent, or the server takes no more.
    Over,
    /// The server's window, or the connection, takes nothing now.
    Blocked,
    /// The body's source has no data now.
    WaitsForBody,
}

impl Outgoing {
    pub(super) fn new(upload: Upload, length: BodyLength) -> Outgoing {
        let declared = match length {
            BodyLength::None => Some(0),
            BodyLength::Known(length) => Some(length),
            BodyLength::Chunked => None,
        };
        Outgoing { upload, declared, taken: 0, piece: Bytes::new() }
    }

    pub(super) fn into_upload(self) -> Upload {
        self.upload
    }

    /// Sends as much as possible now.
    ///
    /// # Errors
    /// Of the body's source, and if it has another length than was declared.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut SendStream<Bytes>,
    ) -> Result<Sending, Error> {
        loop {
            if self.piece.is_empty() {
                match self.upload.poll_next(cx) {
                    Poll::Pending => return Ok(Sending::WaitsForBody),
                    Poll::Ready(Err(error)) => return Err(error),
                    Poll::Ready(Ok(false)) => return self.end(stream),
                    Poll::Ready(Ok(true)) => {}
                }
                let copied = || Bytes::copy_from_slice(self.upload.chunk());
                self.piece = self.upload.shared_chunk().unwrap_or_else(copied);
                self.taken += self.piece.len() as u64;
                if let Some(declared) = self.declared.filter(|declared| self.taken > *declared) {
                    return Err(wrong_length(format!("longer than the {declared} bytes that were declared")));
                }
                stream.reserve_capacity(self.piece.len());
            }
            match stream.poll_capacity(cx) {
                Poll::Pending => return Ok(Sending::Blocked),
                // The stream is reset or the connection has ended: the response says why.
                Poll::Ready(None | Some(Err(_))) => return Ok(Sending::Over),
                Poll::Ready(Some(Ok(0))) => {}
                Poll::Ready(Some(Ok(n))) => {
                    let piece = self.piece.split_to(n.min(self.piece.len()));
                    let is_last = self.piece.is_empty() && self.declared == Some(self.taken);
                    if stream.send_data(piece, is_last).is_err() {
                        return Ok(Sending::Over);
                    }
                    if self.piece.is_empty() {
                        self.upload.all_sent();
                    }
                    if is_last {
                        return Ok(Sending::Over);
                    }
                }
            }
        }
    }

    fn end(&mut self, stream: &mut SendStream<Bytes>) -> Result<Sending, Error> {
        if let Some(declared) = self.declared.filter(|declared| self.taken < *declared) {
            let taken = self.taken;
            return Err(wrong_length(format!("{taken} bytes long, and {declared} were declared")));
        }
        // If it fails, the stream is closed already, and the response says why.
        let _ = stream.send_data(Bytes::new(), true);
        Ok(Sending::Over)
    }
}

fn wrong_length(found: String) -> Error {
    Error::new(ErrorKind::Request, format!("the request body is {found}"))
}

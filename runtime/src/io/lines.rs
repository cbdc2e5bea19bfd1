//! A stream as lines of text.

use super::stream::Stream;
use crate::traps::at_caller::at_caller;
use futures_io::AsyncRead;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::Location;
use std::task::{Poll, ready};

/// The lines of a [`Stream`] as text, without their ends: from [`Stream::lines`].
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::io::Stream;
///
/// curio::run(async {
///     let mut stream = Stream::new(&b"one\r\ntwo\nthree"[..]);
///     let mut lines = stream.lines();
///     let mut seen = Vec::new();
///     while let Some(line) = lines.next().await {
///         seen.push(line?);
///     }
///     assert_eq!(seen, ["one", "two", "three"]);
///     Ok(())
/// })
/// # }
/// ```
pub struct Lines<'a, S> {
    stream: &'a mut Stream<S>,
}

impl<'a, S> Lines<'a, S> {
    pub(super) fn new(stream: &'a mut Stream<S>) -> Lines<'a, S> {
        Lines { stream }
    }
}

impl<S: AsyncRead + Unpin> Lines<'_, S> {
    /// The next line, without its `\n` or `\r\n`; `None` at the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// `InvalidData` if the line is not UTF-8; the next call goes on behind it. Those of the stream below; what had
    /// come before stays buffered.
    #[track_caller]
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot wait; this is the name that streams have for it"
    )]
    pub fn next(&mut self) -> impl Future<Output = Option<io::Result<String>>> {
        let at = Location::caller();
        let next = poll_fn(move |cx| {
            let line = ready!(self.stream.poll_line(cx));
            Poll::Ready(line.and_then(text).transpose())
        });
        at_caller(at, next)
    }
}

/// `None` for the empty line without an end that stands at the end of a stream.
fn text(mut line: Vec<u8>) -> io::Result<Option<String>> {
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    }
    let text = String::from_utf8(line);
    text.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

impl<S: fmt::Debug> fmt::Debug for Lines<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("stream", &self.stream).finish()
    }
}

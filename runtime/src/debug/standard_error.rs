//! Lines on standard error that neither end the program nor stop it for ever.
//!
//! `eprintln!` panics when standard error is full or its reader is gone, and waits for ever when the reader lives and does
//! not read. A kernel writes its lines in destructors and between the polls of tasks, where neither may happen. So:
//!
//! * Errors are ignored: there is no place left where they could be reported.
//! * On Unix the line is written in parts, and before each a selector is asked whether standard error is writable (a pipe
//!   that `epoll` or `kqueue` reports as writable takes `PIPE_BUF` bytes without waiting). If it is not within a second,
//!   the rest of the line is lost, and later lines are not waited for until one can be written; that one says how many
//!   were lost. Regular files cannot be registered with a selector and need not be: a write to them does not wait for a
//!   reader.
//! * No lock of the standard library is taken that another thread may hold: one that hangs in `eprintln!` holds the lock of
//!   `Stderr` for as long.
//!
//! Elsewhere, and without the feature `signals` (through which mio can watch a descriptor), lines are written directly, and a
//! reader that does not read blocks the program.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(all(unix, feature = "signals"))]
use std::time::Duration;

/// Lines that were lost since one last got through.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Writes one line; `line` has no line end.
pub(crate) fn write_line(line: &str) {
    let lost = LOST.swap(0, Ordering::Relaxed);
    let notice = match lost {
        0 => String::new(),
        lost => format!("\ncurio: lines lost because standard error did not take them: {lost}\n"),
    };
    if write_all(format!("{notice}{line}\n").as_bytes(), lost > 0).is_err() {
        LOST.fetch_add(lost + 1, Ordering::Relaxed);
    }
}

/// # Errors
/// Not all was written.
#[cfg(all(unix, feature = "signals"))]
fn write_all(text: &[u8], in_a_hurry: bool) -> io::Result<()> {
    use std::os::fd::AsFd;

    // A second descriptor, so that the lock of `Stderr` is not needed.
    let mut to = std::fs::File::from(io::stderr().as_fd().try_clone_to_owned()?);
    for piece in text.chunks(watched::PIECE) {
        watched::wait_until_writable(&to, if in_a_hurry { Duration::ZERO } else { watched::PATIENCE })?;
        to.write_all(piece)?;
    }
    Ok(())
}

#[cfg(not(all(unix, feature = "signals")))]
fn write_all(text: &[u8], _in_a_hurry: bool) -> io::Result<()> {
    io::stderr().write_all(text)
}

#[cfg(all(unix, feature = "signals"))]
mod watched {
    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};
    use std::io;
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    /// The least that POSIX lets `PIPE_BUF` be.
    pub(super) const PIECE: usize = 512;
    /// How long a line waits for a reader.
    pub(super) const PATIENCE: Duration = Duration::from_secs(1);

    /// # Errors
    /// `TimedOut`.
    pub(super) fn wait_until_writable(file: &impl AsRawFd, patience: Duration) -> io::Result<()> {
        // A new selector for each part: mio's are edge-triggered, and report a state that holds already only once.
        let watch = || -> io::Result<Poll> {
            let poll = Poll::new()?;
            poll.registry().register(&mut SourceFd(&file.as_raw_fd()), Token(0), Interest::WRITABLE)?;
            Ok(poll)
        };
        // What can't be registered with the selector is a regular file, to which a write never has to wait.
        let Ok(mut poll) = watch() else { return Ok(()) };
        let (mut events, until) = (Events::with_capacity(1), Instant::now() + patience);
        loop {
            match poll.poll(&mut events, Some(until.saturating_duration_since(Instant::now()))) {
                Ok(()) if !events.is_empty() => return Ok(()),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) if Instant::now() >= until => return Err(io::ErrorKind::TimedOut.into()),
                Ok(()) | Err(_) => {}
            }
        }
    }
}

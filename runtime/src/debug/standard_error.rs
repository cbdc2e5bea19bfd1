//! Lines on standard error that neither end the program nor stop it for ever.
//!
//! `eprintln!` panics when standard error is full or its reader is gone, and waits for ever when the reader lives and does
//! not read. A kernel writes its lines in destructors and between the polls of tasks, where neither may happen. So:
//!
//! * Errors are ignored: there is no place left where they could be reported.
//! * On Unix the line is written in pieces, and before each the system is asked, through a selector of its own, whether
//!   standard error takes it (a pipe that `epoll` or `kqueue` calls writable takes `PIPE_BUF` bytes without waiting). If
//!   it does not within a second, the rest of the line is lost, and later lines are not waited for until one gets
//!   through; that one says how many did not. Regular files can't be watched and need not be: writing to them does not
//!   wait for anybody.
//! * Nothing of the standard library's that another thread may hold is locked. A thread that hangs in an `eprintln!` of its
//!   own holds the lock of `Stderr` for as long.
//!
//! Elsewhere, and without the feature `signals` (which brings the means to watch a descriptor), lines are written as they
//! are, and a reader that does not read holds the program up.

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
        // A selector of its own for every piece: mio's are edge-triggered, and say what is so already only once.
        let watch = || -> io::Result<Poll> {
            let poll = Poll::new()?;
            poll.registry().register(&mut SourceFd(&file.as_raw_fd()), Token(0), Interest::WRITABLE)?;
            Ok(poll)
        };
        // What can't be watched is a file, which never makes anybody wait.
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

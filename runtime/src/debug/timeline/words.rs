//! How states, causes and times are called in a picture.

use super::model::Doing;
use crate::debug::{Direction, WakeCause};
use crate::task::info::TaskState;
use std::time::Duration;

/// Kinds of states that look the same: a picture with twenty patterns could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    Running,
    Ready,
    Sleeping,
    Socket,
    Joining,
    /// For a lock, an event, a queue: something that another task releases.
    Resource,
    Thread,
    Other,
}

pub(super) const LOOKS: [(Look, &str, &str); 8] = [
    (Look::Running, "running", "running"),
    (Look::Ready, "ready", "ready, waiting for its turn"),
    (Look::Sleeping, "sleeping", "sleeping"),
    (Look::Socket, "socket", "waiting for a socket"),
    (Look::Joining, "joining", "waiting for a task's end"),
    (Look::Resource, "resource", "waiting for a lock, an event or a queue"),
    (Look::Thread, "thread", "waiting for a thread"),
    (Look::Other, "other", "cleaning up, or in a foreign future"),
];

impl Look {
    pub(super) fn of(doing: Doing) -> Look {
        use TaskState::*;
        match doing {
            Doing::Running | Doing::Waiting(Running) => Look::Running,
            Doing::Ready | Doing::Waiting(Ready) => Look::Ready,
            Doing::Waiting(TimeSleep) => Look::Sleeping,
            Doing::Waiting(ReadWait | WriteWait) => Look::Socket,
            Doing::Waiting(TaskJoin) => Look::Joining,
            Doing::Waiting(ThreadWait) => Look::Thread,
            Doing::Waiting(Cleanup | ForeignWait | Terminated | Cancelled) => Look::Other,
            Doing::Waiting(_) => Look::Resource,
        }
    }

    pub(super) fn index(self) -> usize {
        LOOKS.iter().position(|(look, ..)| *look == self).unwrap_or(LOOKS.len() - 1)
    }

    /// A word for classes and patterns.
    pub(super) fn name(self) -> &'static str {
        LOOKS[self.index()].1
    }
}

/// What a wait is for, behind "waited for".
pub(super) fn of_state(state: TaskState) -> &'static str {
    use TaskState::*;
    match state {
        TimeSleep => "a timer",
        ReadWait => "a socket to become readable",
        WriteWait => "a socket to become writable",
        TaskJoin => "a task's end",
        ThreadWait => "a thread",
        Cleanup => "a cleanup",
        ForeignWait => "a foreign future",
        _ => "a lock, an event or a queue",
    }
}

/// What woke a task, behind "waited for".
pub(super) fn of_cause(cause: &WakeCause) -> String {
    match cause {
        WakeCause::Socket { direction: Direction::Read } => "a socket to become readable".into(),
        WakeCause::Socket { direction: Direction::Write } => "a socket to become writable".into(),
        WakeCause::Schedule | WakeCause::Budget => "its next turn".into(),
        cause => cause.to_string(),
    }
}

/// `4.00 s`, `12.3 ms`, `45.6 µs`: three digits.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        s if s >= 1.0 || s == 0.0 => (s, "s"),
        s if s >= 1e-3 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    match value {
        0.0 => "0 s".into(),
        v if v >= 99.95 => format!("{v:.0} {unit}"),
        v if v >= 9.995 => format!("{v:.1} {unit}"),
        v => format!("{v:.2} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let cases = [
            (Duration::ZERO, "0 s"),
            (Duration::from_nanos(45_600), "45.6 µs"),
            (Duration::from_micros(12_345), "12.3 ms"),
            (Duration::from_millis(4003), "4.00 s"),
            (Duration::from_secs(3600), "3600 s"),
            (Duration::from_micros(999), "999 µs"),
        ];
        for (time, text) in cases {
            assert_eq!(duration(time), text);
        }
    }
}

//! Signals. They are the whole process's, which is why no other test in this program listens to these.

use crate::{Row, check, row, soon};
use curio::{SignalEvent, SignalQueue};
use signal_hook::consts::{SIGUSR1, SIGUSR2};
use signal_hook::low_level::raise;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("signals/queue.rs: get", async |m| {
            let queue = SignalQueue::new(&[SIGUSR1]).unwrap();
            m.of(async || assert_eq!(queue.get().await, SIGUSR1), soon(|| raise(SIGUSR1).unwrap())).await
        }),
        row("signals/event.rs: wait", async |m| {
            let event = SignalEvent::new(&[SIGUSR2]).unwrap();
            m.of(async || event.wait().await, soon(|| raise(SIGUSR2).unwrap())).await
        }),
    ]
}

#[test]
fn waits_for_signals_can_be_dropped_at_any_poll() {
    check(&rows());
}

//! Drill 10, a solution.

use crate::graders::broadcast::{BroadcastDrill, Received, ReceiverDrill};
use curio::Event;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// The last values, numbered from the first that was ever sent.
pub struct Broadcast {
    shared: Rc<Shared>,
}

/// The number of the value that it gets next.
pub struct Receiver {
    shared: Rc<Shared>,
    next: u64,
}

struct Shared {
    capacity: usize,
    state: RefCell<State>,
    changed: Event,
}

struct State {
    values: VecDeque<u32>,
    /// The number of the first value that is kept.
    first: u64,
    is_closed: bool,
}

impl BroadcastDrill for Broadcast {
    type Receiver = Receiver;

    fn new(capacity: usize) -> Broadcast {
        let state = State { values: VecDeque::new(), first: 0, is_closed: false };
        Broadcast { shared: Rc::new(Shared { capacity, state: RefCell::new(state), changed: Event::new() }) }
    }

    fn subscribe(&self) -> Receiver {
        let state = self.shared.state.borrow();
        Receiver { shared: Rc::clone(&self.shared), next: state.first + state.values.len() as u64 }
    }

    fn send(&self, value: u32) {
        let mut state = self.shared.state.borrow_mut();
        state.values.push_back(value);
        if state.values.len() > self.shared.capacity {
            state.values.pop_front();
            state.first += 1;
        }
        drop(state);
        self.shared.changed.set();
    }

    fn close(&self) {
        self.shared.state.borrow_mut().is_closed = true;
        self.shared.changed.set();
    }

    fn kept(&self) -> usize {
        self.shared.state.borrow().values.len()
    }
}

impl Receiver {
    /// What there is for this receiver, if there is anything. The number moves together with what is returned, and there is no
    /// await in between: a `recv` that is dropped has either returned its value or taken none.
    fn try_recv(&mut self) -> Option<Received> {
        let state = self.shared.state.borrow();
        let missed = state.first.saturating_sub(self.next);
        if missed > 0 {
            self.next = state.first;
            return Some(Received::Missed(missed));
        }
        let place =
            usize::try_from(self.next - state.first).expect("no more values are kept than fit into memory");
        match state.values.get(place) {
            Some(value) => {
                self.next += 1;
                Some(Received::Value(*value))
            }
            None => state.is_closed.then_some(Received::Closed),
        }
    }
}

impl ReceiverDrill for Receiver {
    async fn recv(&mut self) -> Received {
        loop {
            if let Some(received) = self.try_recv() {
                return received;
            }
            // Nothing else runs between the look above and the wait, so no `send` is missed. A receiver that was released and
            // has not run yet goes on although another one clears the event.
            self.shared.changed.clear();
            self.shared.changed.wait().await;
        }
    }
}

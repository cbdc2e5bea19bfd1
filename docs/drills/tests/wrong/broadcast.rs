use curio::Event;
use drills::graders::broadcast::{BroadcastDrill, Received, ReceiverDrill};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// All receivers take from the same values.
pub(crate) const ONE_QUEUE: u8 = 1;
/// A receiver that fell behind goes on with the oldest value, and says nothing.
pub(crate) const SAYS_NOTHING: u8 = 2;
/// `close` does not wake the receivers that wait.
pub(crate) const CLOSES_QUIETLY: u8 = 3;
/// Moves on before the value is there.
pub(crate) const MOVES_TOO_EARLY: u8 = 4;
/// Drops no value.
pub(crate) const KEEPS_ALL: u8 = 5;
/// A new receiver begins with the oldest value that is kept.
pub(crate) const BEGINS_EARLY: u8 = 6;

pub(crate) struct Broadcast<const MISTAKE: u8>(Rc<Shared>);

pub(crate) struct Receiver<const MISTAKE: u8> {
    shared: Rc<Shared>,
    next: u64,
}

struct Shared {
    capacity: usize,
    state: RefCell<State>,
    changed: Event,
}

#[derive(Default)]
struct State {
    values: VecDeque<u32>,
    first: u64,
    is_closed: bool,
}

impl<const MISTAKE: u8> BroadcastDrill for Broadcast<MISTAKE> {
    type Receiver = Receiver<MISTAKE>;

    fn new(capacity: usize) -> Self {
        Broadcast(Rc::new(Shared { capacity, state: RefCell::default(), changed: Event::new() }))
    }

    fn subscribe(&self) -> Receiver<MISTAKE> {
        let state = self.0.state.borrow();
        let sent = if MISTAKE == BEGINS_EARLY { 0 } else { state.values.len() as u64 };
        Receiver { shared: Rc::clone(&self.0), next: state.first + sent }
    }

    fn send(&self, value: u32) {
        let mut state = self.0.state.borrow_mut();
        state.values.push_back(value);
        if state.values.len() > self.0.capacity && MISTAKE != KEEPS_ALL {
            state.values.pop_front();
            state.first += 1;
        }
        drop(state);
        self.0.changed.set();
    }

    fn close(&self) {
        self.0.state.borrow_mut().is_closed = true;
        if MISTAKE != CLOSES_QUIETLY {
            self.0.changed.set();
        }
    }

    fn kept(&self) -> usize {
        self.0.state.borrow().values.len()
    }
}

impl<const MISTAKE: u8> ReceiverDrill for Receiver<MISTAKE> {
    async fn recv(&mut self) -> Received {
        let place = self.next;
        if MISTAKE == MOVES_TOO_EARLY {
            self.next += 1;
        }
        loop {
            {
                let mut state = self.shared.state.borrow_mut();
                let place = if MISTAKE == MOVES_TOO_EARLY { place } else { self.next };
                if place < state.first {
                    self.next = state.first;
                    if MISTAKE != SAYS_NOTHING {
                        return Received::Missed(state.first - place);
                    }
                    continue;
                }
                let index = usize::try_from(place - state.first).unwrap();
                if let Some(value) = state.values.get(index).copied() {
                    self.next = place + 1;
                    if MISTAKE == ONE_QUEUE {
                        state.values.pop_front();
                        state.first += 1;
                    }
                    return Received::Value(value);
                }
                if state.is_closed {
                    return Received::Closed;
                }
            }
            self.shared.changed.clear();
            self.shared.changed.wait().await;
        }
    }
}

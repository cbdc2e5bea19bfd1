// NOT BEGUN: remove this line when you begin.
//! # Drill 12: a mistake in a wait queue
//!
//! This wait queue is complete, and has a mistake. Find it and repair it: four lines have to change.
//!
//! The rules:
//!
//! * Waits enter a line, and are granted their turn in the order in which they came.
//! * A wait that is dropped while it is in line leaves it. One that was granted its turn and is dropped passes it on.
//! * Places are used again, so that there are no more of them than there were waits at the same time. A repair that never
//!   uses a place again is not accepted.
//!
//! Run the drill and read the trace before the source: which order of events leads to the failure?
//!
//! Read first: chapter 7 of the tour (waiting in line), and chapter 13 for reading traces.

use crate::graders::wait_queue::WaitQueueDrill;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Waits in a line. Each has a place, and places are used again.
pub struct WaitQueue {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    places: Vec<Place>,
    /// The places that no wait uses.
    free: Vec<usize>,
    /// The places of the waits in line, in the order in which they came.
    line: VecDeque<usize>,
}

enum Place {
    Waiting(Waker),
    Granted,
    Free,
}

impl WaitQueueDrill for WaitQueue {
    fn new() -> WaitQueue {
        WaitQueue { state: RefCell::default() }
    }

    fn wait(&self) -> impl Future<Output = ()> {
        Wait { queue: self, place: None }
    }

    fn grant_first(&self) -> bool {
        let mut state = self.state.borrow_mut();
        let Some(place) = state.line.pop_front() else { return false };
        let before = std::mem::replace(&mut state.places[place], Place::Granted);
        state.free.push(place);
        drop(state);
        if let Place::Waiting(waker) = before {
            waker.wake();
        }
        true
    }

    fn places(&self) -> usize {
        self.state.borrow().places.len()
    }
}

impl State {
    /// Enters at the end of the line. Returns the place.
    fn enter(&mut self, waker: Waker) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::Free);
            self.places.len() - 1
        });
        self.places[place] = Place::Waiting(waker);
        self.line.push_back(place);
        place
    }
}

struct Wait<'q> {
    queue: &'q WaitQueue,
    /// From the first poll on, until it has returned.
    place: Option<usize>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.queue.state.borrow_mut();
        match self.place {
            None => {
                let place = state.enter(cx.waker().clone());
                drop(state);
                self.place = Some(place);
            }
            Some(place) => match &mut state.places[place] {
                Place::Waiting(waker) => waker.clone_from(cx.waker()),
                Place::Granted | Place::Free => {
                    drop(state);
                    self.place = None;
                    return Poll::Ready(());
                }
            },
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut state = self.queue.state.borrow_mut();
        let was_granted = matches!(state.places[place], Place::Granted);
        if !was_granted {
            state.line.retain(|other| *other != place);
            state.places[place] = Place::Free;
            state.free.push(place);
        }
        drop(state);
        if was_granted {
            self.queue.grant_first();
        }
    }
}

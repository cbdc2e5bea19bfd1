//! Drill 12, a solution.
//!
//! The mistake: `grant_first` put the place among the free ones. Between the grant and the next poll of the wait, a newcomer could
//! take it. Then two waits had the same place: the first found that it was waiting again, and went to sleep for ever, while
//! the grant was lost. A place belongs to its wait until the wait has seen the grant or was dropped.

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
        // Its wait has not been polled yet, and will look at this place. So the place is not free before that.
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
                    state.places[place] = Place::Free;
                    state.free.push(place);
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
        state.line.retain(|other| *other != place);
        state.places[place] = Place::Free;
        state.free.push(place);
        drop(state);
        if was_granted {
            self.queue.grant_first();
        }
    }
}

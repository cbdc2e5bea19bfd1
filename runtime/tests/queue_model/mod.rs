//! A model of everything that has two lines, items and room, and a walk that compares it with the real thing:
//! random puts, gets, polls, drops and an end, with every result predicted.

use crate::common::Random;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The real thing. A put gives false, and a get `None`, only after the end.
pub(crate) trait Subject {
    fn put(&self, item: u32) -> Boxed<'_, bool>;
    fn get(&self) -> Boxed<'_, Option<u32>>;
    fn try_put(&self, item: u32) -> bool;
    fn try_get(&self) -> Option<u32>;
    /// Which of the items, in the order in which they were put, comes out next.
    fn next(items: &[u32]) -> usize;
    /// Ends it; false if it has no end.
    fn close(&self) -> bool;
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    New,
    Waiting,
    Granted,
}

/// A future that the walk polls by hand, and what the model knows of it.
struct Wait<'a, T> {
    id: u32,
    state: State,
    item: u32,
    future: Boxed<'a, T>,
}

struct Model {
    items: Vec<u32>,
    /// Items that have not been granted to a getter.
    free: usize,
    room: usize,
    closed: bool,
    putting: VecDeque<u32>,
    getting: VecDeque<u32>,
    /// Handed something since they were last looked at.
    granted: Vec<u32>,
}

impl Model {
    fn add(&mut self, item: u32) {
        self.items.push(item);
        self.free += 1;
        self.serve();
    }

    fn take(&mut self, next: fn(&[u32]) -> usize) -> u32 {
        self.room += 1;
        self.serve();
        self.items.remove(next(&self.items))
    }

    fn serve(&mut self) {
        while self.free > 0
            && let Some(id) = self.getting.pop_front()
        {
            self.free -= 1;
            self.granted.push(id);
        }
        while self.room > 0
            && let Some(id) = self.putting.pop_front()
        {
            self.room -= 1;
            self.granted.push(id);
        }
    }

    fn has_ended(&self) -> bool {
        self.closed && self.items.is_empty()
    }
}

/// `steps` random steps on `subject`, which holds up to `capacity`.
pub(crate) fn walk<S: Subject>(subject: &S, capacity: usize, seed: u64, steps: usize) {
    let mut random = Random::new(seed);
    let mut model = Model {
        items: Vec::new(),
        free: 0,
        room: capacity,
        closed: false,
        putting: VecDeque::new(),
        getting: VecDeque::new(),
        granted: Vec::new(),
    };
    let mut puts: Vec<Wait<'_, bool>> = Vec::new();
    let mut gets: Vec<Wait<'_, Option<u32>>> = Vec::new();
    for step in 0..steps {
        let id = u32::try_from(step).unwrap();
        // Few distinct values, so that some are equal.
        let item = u32::try_from(random.below(8)).unwrap() * 1000 + id % 1000;
        match random.below(12) {
            0 | 1 => puts.push(Wait { id, state: State::New, item, future: subject.put(item) }),
            2 | 3 => gets.push(Wait { id, state: State::New, item, future: subject.get() }),
            4 | 5 if !puts.is_empty() => {
                let index = random.below(puts.len());
                poll_put(&mut model, &mut puts, index);
            }
            6 | 7 if !gets.is_empty() => {
                let index = random.below(gets.len());
                poll_get::<S>(&mut model, &mut gets, index);
            }
            8 if !puts.is_empty() => {
                let dropped = puts.swap_remove(random.below(puts.len()));
                model.putting.retain(|id| *id != dropped.id);
                if dropped.state == State::Granted {
                    model.room += 1;
                }
                model.serve();
            }
            9 if !gets.is_empty() => {
                let dropped = gets.swap_remove(random.below(gets.len()));
                model.getting.retain(|id| *id != dropped.id);
                if dropped.state == State::Granted {
                    model.free += 1;
                }
                model.serve();
            }
            10 => {
                let may = !model.closed && model.room > 0 && model.putting.is_empty();
                assert_eq!(subject.try_put(item), may, "seed {seed}, step {step}");
                if may {
                    model.room -= 1;
                    model.add(item);
                }
            }
            11 => {
                let may = model.free > 0 && model.getting.is_empty();
                let expected = may.then(|| {
                    model.free -= 1;
                    model.take(S::next)
                });
                assert_eq!(subject.try_get(), expected, "seed {seed}, step {step}");
            }
            _ => {}
        }
        if step == steps * 3 / 4 && subject.close() {
            model.closed = true;
            model.putting.clear();
        }
        if model.has_ended() {
            model.getting.clear();
        }
        for id in model.granted.drain(..) {
            puts.iter_mut().filter(|put| put.id == id).for_each(|put| put.state = State::Granted);
            gets.iter_mut().filter(|get| get.id == id).for_each(|get| get.state = State::Granted);
        }
    }
}

fn poll_put(model: &mut Model, puts: &mut Vec<Wait<'_, bool>>, index: usize) {
    let put = &mut puts[index];
    let polled = put.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let at_once = put.state == State::New && model.room > 0 && model.putting.is_empty();
    if model.closed {
        assert_eq!(polled, Poll::Ready(false), "put {}: {:?}", put.id, put.state);
        if put.state == State::Granted {
            model.room += 1;
        }
    } else if at_once || put.state == State::Granted {
        assert_eq!(polled, Poll::Ready(true), "put {}: {:?}", put.id, put.state);
        model.room -= usize::from(at_once);
        let item = put.item;
        model.add(item);
    } else {
        assert_eq!(polled, Poll::Pending, "put {}: {:?}", put.id, put.state);
        if put.state == State::New {
            put.state = State::Waiting;
            model.putting.push_back(put.id);
        }
        return;
    }
    puts.swap_remove(index);
}

fn poll_get<S: Subject>(model: &mut Model, gets: &mut Vec<Wait<'_, Option<u32>>>, index: usize) {
    let get = &mut gets[index];
    let polled = get.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let at_once = get.state == State::New && model.free > 0 && model.getting.is_empty();
    if model.has_ended() {
        assert_eq!(polled, Poll::Ready(None), "get {}: {:?}", get.id, get.state);
    } else if at_once || get.state == State::Granted {
        model.free -= usize::from(at_once);
        let expected = model.take(S::next);
        assert_eq!(polled, Poll::Ready(Some(expected)), "get {}: {:?}", get.id, get.state);
    } else {
        assert_eq!(polled, Poll::Pending, "get {}: {:?}", get.id, get.state);
        if get.state == State::New {
            get.state = State::Waiting;
            model.getting.push_back(get.id);
        }
        return;
    }
    gets.swap_remove(index);
}

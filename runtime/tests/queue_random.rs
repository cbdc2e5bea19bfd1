//! Queues under random use: against the plainest model, and with tasks that are cancelled at random.

mod common;

use common::{Calls, Random, ms};
use curio::{Kernel, Queue, sleep, spawn, timeout_after};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A wait of either kind, polled by hand.
struct Waiter<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + 'a>>,
    calls: Arc<Calls>,
    waker: Waker,
    number: u32,
}

impl<'a, T> Waiter<'a, T> {
    fn new(number: u32, future: impl Future<Output = T> + 'a) -> Waiter<'a, T> {
        let (calls, waker) = Calls::new();
        Waiter { future: Box::pin(future), calls, waker, number }
    }

    fn poll(&mut self) -> Poll<T> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

/// One of the two lines of a bounded buffer.
#[derive(Default)]
struct Line {
    free: usize,
    waiting: VecDeque<u32>,
    granted: BTreeSet<u32>,
}

impl Line {
    fn try_take(&mut self) -> bool {
        let may = self.free > 0 && self.waiting.is_empty();
        self.free -= usize::from(may);
        may
    }

    fn release(&mut self) {
        match self.waiting.pop_front() {
            Some(next) => drop(self.granted.insert(next)),
            None => self.free += 1,
        }
    }

    fn give_up(&mut self, number: u32) {
        self.waiting.retain(|waiting| *waiting != number);
        if self.granted.remove(&number) {
            self.release();
        }
    }
}

#[derive(Default)]
struct Model {
    items: VecDeque<u32>,
    to_take: Line,
    room: Line,
}

impl Model {
    fn add(&mut self, item: u32) {
        self.items.push_back(item);
        self.to_take.release();
    }

    fn fetch(&mut self) -> u32 {
        let item = self.items.pop_front().expect("the model has an item for every permit");
        self.room.release();
        item
    }
}

#[test]
fn random_use_agrees_with_a_simple_model() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let capacity = 1 + random.below(4);
        let queue = Queue::new(capacity);
        let mut model = Model::default();
        model.room.free = capacity;
        let mut getting: Vec<Waiter<'_, u32>> = Vec::new();
        let mut putting: Vec<Waiter<'_, ()>> = Vec::new();
        for number in 0..1000 {
            match random.below(10) {
                0 | 1 => {
                    let mut waiter = Waiter::new(number, queue.get());
                    let expected =
                        if model.to_take.try_take() { Poll::Ready(model.fetch()) } else { Poll::Pending };
                    assert_eq!(waiter.poll(), expected, "seed {seed}");
                    if expected.is_pending() {
                        model.to_take.waiting.push_back(number);
                        getting.push(waiter);
                    }
                }
                2 | 3 => {
                    let mut waiter = Waiter::new(number, queue.put(number));
                    let expected = model.room.try_take();
                    assert_eq!(waiter.poll().is_ready(), expected, "seed {seed}");
                    if expected {
                        model.add(number);
                    } else {
                        model.room.waiting.push_back(number);
                        putting.push(waiter);
                    }
                }
                4 if !getting.is_empty() => {
                    let index = random.below(getting.len());
                    let granted = model.to_take.granted.remove(&getting[index].number);
                    let expected = if granted { Poll::Ready(model.fetch()) } else { Poll::Pending };
                    assert_eq!(getting[index].poll(), expected, "seed {seed}");
                    if granted {
                        getting.swap_remove(index);
                    }
                }
                5 if !putting.is_empty() => {
                    let index = random.below(putting.len());
                    let granted = model.room.granted.remove(&putting[index].number);
                    assert_eq!(putting[index].poll().is_ready(), granted, "seed {seed}");
                    if granted {
                        model.add(putting.swap_remove(index).number);
                    }
                }
                6 if !getting.is_empty() => {
                    let dropped = getting.swap_remove(random.below(getting.len()));
                    model.to_take.give_up(dropped.number);
                }
                7 if !putting.is_empty() => {
                    let dropped = putting.swap_remove(random.below(putting.len()));
                    model.room.give_up(dropped.number);
                }
                8 => {
                    let expected = model.to_take.try_take().then(|| model.fetch());
                    assert_eq!(queue.try_get(), expected, "seed {seed}");
                }
                9 => {
                    let expected = model.room.try_take();
                    assert_eq!(queue.try_put(number).is_ok(), expected, "seed {seed}");
                    if expected {
                        model.add(number);
                    }
                }
                _ => {}
            }
            assert_eq!(queue.size(), model.to_take.free, "seed {seed}");
            assert_eq!(queue.is_full(), model.room.free == 0, "seed {seed}");
            let waits = getting
                .iter()
                .map(|waiter| (waiter.calls.count(), model.to_take.granted.contains(&waiter.number)));
            let rooms = putting
                .iter()
                .map(|waiter| (waiter.calls.count(), model.room.granted.contains(&waiter.number)));
            for (calls, granted) in waits.chain(rooms) {
                assert_eq!(calls, usize::from(granted), "woken once if it is its turn (seed {seed})");
            }
        }
    }
}

/// Producers and consumers that give up and are cancelled at random.
#[test]
fn no_item_is_lost_doubled_or_reordered_under_any_schedule_with_random_cancellation() {
    for seed in 0..200 {
        Kernel::builder().virtual_clock(true).seed(seed).run(async move {
            let mut random = Random::new(seed);
            let queue = Rc::new(Queue::new(1 + random.below(3)));
            let (put, got) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
            let producers: Vec<_> = (0..4_u32)
                .map(|n| {
                    let (queue, put) = (Rc::clone(&queue), Rc::clone(&put));
                    let mut random = Random::new(seed * 100 + u64::from(n));
                    spawn(async move {
                        for item in (0..10).map(|item| n * 100 + item) {
                            let patience = ms(random.below(6) as u64);
                            // In one future, so that a cancellation can't come between the two.
                            let putting = async {
                                queue.put(item).await;
                                put.borrow_mut().push(item);
                            };
                            let _ = timeout_after(patience, putting).await;
                            sleep(ms(random.below(3) as u64)).await;
                        }
                    })
                })
                .collect();
            let consumers: Vec<_> = (0..3)
                .map(|n| {
                    let (queue, got) = (Rc::clone(&queue), Rc::clone(&got));
                    let mut random = Random::new(seed * 100 + 50 + n);
                    spawn(async move {
                        loop {
                            let patience = ms(random.below(6) as u64);
                            let getting = async {
                                let item = queue.get().await;
                                got.borrow_mut().push(item);
                            };
                            let _ = timeout_after(patience, getting).await;
                            sleep(ms(random.below(4) as u64)).await;
                        }
                    })
                })
                .collect();
            for _ in 0..2 {
                sleep(ms(random.below(12) as u64)).await;
                consumers[random.below(2)].request_cancel();
                producers[random.below(4)].request_cancel();
            }
            sleep(ms(150)).await;
            for task in producers.into_iter().chain(consumers) {
                task.cancel().await;
            }
            while let Some(item) = queue.try_get() {
                got.borrow_mut().push(item);
            }
            let (put, got) = (put.take(), got.take());
            assert_eq!(got, put, "what was put came out, in that order (seed {seed})");
            assert_eq!(put.iter().collect::<BTreeSet<_>>().len(), put.len(), "seed {seed}");
        });
    }
}

//! `broadcast`: every receiver gets every value, or is told how many it missed.

mod common;

use common::{Random, ms, must_end, panic_of, poll_once, run_real, run_virtual};
use curio::broadcast::{Receiver, RecvError, Sender};
use curio::{TaskState, broadcast, schedule, sleep, spawn, timeout_after};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

#[test]
fn every_receiver_gets_every_value() {
    run_virtual(async {
        let (sender, mut one) = broadcast(16);
        let mut two = sender.subscribe();
        for n in 0..3 {
            assert_eq!(sender.send(n), 2);
        }
        for receiver in [&mut one, &mut two] {
            for n in 0..3 {
                assert_eq!(receiver.recv().await, Ok(n));
            }
        }
    });
}

#[test]
fn a_receiver_gets_what_is_sent_after_it_subscribed() {
    run_virtual(async {
        let (sender, mut early) = broadcast(16);
        sender.send(1);
        let mut late = sender.subscribe();
        sender.send(2);
        assert_eq!(late.recv().await, Ok(2));
        assert_eq!((early.recv().await, early.recv().await), (Ok(1), Ok(2)));
    });
}

#[test]
fn waiting_receivers_are_woken() {
    run_virtual(async {
        let (sender, receiver) = broadcast(1);
        let receivers = [sender.subscribe(), sender.subscribe(), receiver]
            .map(|mut receiver| spawn(async move { receiver.recv().await }));
        sleep(ms(1)).await;
        assert_eq!(sender.send("news"), 3);
        for receiver in receivers {
            assert_eq!(receiver.join().await.unwrap(), Ok("news"));
        }
        assert_eq!(sender.send("nobody hears this"), 0);
    });
}

#[test]
fn a_slow_receiver_is_told_how_many_it_missed_and_goes_on() {
    run_virtual(async {
        let (sender, mut slow) = broadcast(2);
        let mut quick = sender.subscribe();
        for n in 0..5 {
            sender.send(n);
            assert_eq!(quick.recv().await, Ok(n));
        }
        assert_eq!(slow.recv().await, Err(RecvError::Lagged(3)));
        assert_eq!((slow.recv().await, slow.recv().await), (Ok(3), Ok(4)));
        drop(sender);
        assert_eq!(slow.recv().await, Err(RecvError::Closed));
    });
}

#[test]
fn what_was_sent_is_received_before_the_end() {
    run_virtual(async {
        let (sender, mut receiver) = broadcast(4);
        let other = sender.clone();
        other.send(1);
        drop(sender);
        assert_eq!(receiver.recv().await, Ok(1));
        let waiting = spawn(async move { receiver.recv().await });
        schedule().await;
        drop(other);
        assert_eq!(waiting.join().await.unwrap(), Err(RecvError::Closed));
    });
}

#[test]
fn a_value_goes_when_its_last_reader_has_read_it_or_is_gone() {
    run_virtual(async {
        let value = Rc::new(());
        let (sender, mut one) = broadcast(4);
        let two = sender.subscribe();
        sender.send(Rc::clone(&value));
        sender.send(Rc::clone(&value));
        drop(one.recv().await);
        assert_eq!(Rc::strong_count(&value), 3, "the other receiver has read neither");
        drop(two);
        assert_eq!(Rc::strong_count(&value), 2, "the first value has had all of its readers");
        drop(one);
        assert_eq!(Rc::strong_count(&value), 1);
    });
}

/// Counts its copies.
struct Counted(Rc<()>);

impl Clone for Counted {
    fn clone(&self) -> Counted {
        Counted(Rc::clone(&self.0))
    }
}

#[test]
fn the_last_reader_gets_the_original() {
    run_virtual(async {
        let value = Rc::new(());
        let (sender, mut one) = broadcast(4);
        let mut two = sender.subscribe();
        sender.send(Counted(Rc::clone(&value)));
        let copy = one.recv().await;
        assert_eq!(Rc::strong_count(&value), 3);
        let original = two.recv().await;
        assert_eq!(Rc::strong_count(&value), 3, "no further copy was made");
        drop((copy, original));
    });
}

#[test]
fn a_channel_for_nothing_is_refused() {
    assert!(panic_of(|| broadcast::<u32>(0)).contains("0 values"));
}

#[test]
fn errors_say_what_happened() {
    assert_eq!(RecvError::Lagged(1).to_string(), "the receiver fell behind and missed a value");
    assert_eq!(RecvError::Lagged(2).to_string(), "the receiver fell behind and missed 2 values");
    assert_eq!(RecvError::Closed.to_string(), "the channel is closed: all of its senders are gone");
}

#[test]
fn a_dropped_receive_has_read_nothing() {
    run_virtual(async {
        let (sender, mut receiver) = broadcast(4);
        assert!(timeout_after(ms(1), receiver.recv()).await.is_err());
        {
            let mut wait = pin!(receiver.recv());
            assert!(poll_once(wait.as_mut()).await.is_pending());
            sender.send(1);
        }
        assert_eq!(receiver.recv().await, Ok(1));
    });
}

#[test]
fn a_wait_says_where_it_is() {
    run_virtual(async {
        let (sender, mut receiver) = broadcast(1);
        let (line, waiting) = (line!(), spawn(async move { receiver.recv().await }));
        schedule().await;
        let info = waiting.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::QueueGet, line));
        sender.send(1);
        waiting.join().await.unwrap().unwrap();
    });
}

#[test]
fn threads_use_the_blocking_twin() {
    must_end(|| {
        let (sender, mut receiver) = broadcast(1024);
        let mut other = sender.subscribe();
        let thread = std::thread::spawn(move || {
            let mut got = Vec::new();
            while let Ok(n) = other.recv_blocking() {
                got.push(n);
            }
            got
        });
        let sending = std::thread::spawn(move || {
            for n in 0..1000 {
                sender.send(n);
            }
        });
        let here = run_real(async {
            let mut got = Vec::new();
            while let Ok(n) = receiver.recv().await {
                got.push(n);
            }
            got
        });
        sending.join().unwrap();
        assert_eq!(here, (0..1000).collect::<Vec<u32>>());
        assert_eq!(thread.join().unwrap(), here);
    });
}

/// A receiver and what it has still to get, by the model: an unbounded list of its own, and a count of losses.
struct Modelled {
    receiver: Receiver<u32>,
    unread: VecDeque<u32>,
    missed: u64,
}

#[test]
fn random_walks_agree_with_the_model() {
    for seed in 1..300 {
        let mut random = Random::new(seed);
        let cap = 1 + random.below(5);
        let (sender, receiver) = broadcast(cap);
        let mut sender: Option<Sender<u32>> = Some(sender);
        let mut receivers = vec![Modelled { receiver, unread: VecDeque::new(), missed: 0 }];
        for step in 0..400u32 {
            match (random.below(8), &sender) {
                (0..=2, Some(sender)) => {
                    assert_eq!(sender.send(step), receivers.len(), "seed {seed}, step {step}");
                    for modelled in &mut receivers {
                        modelled.unread.push_back(step);
                        if modelled.unread.len() > cap {
                            modelled.unread.pop_front();
                            modelled.missed += 1;
                        }
                    }
                }
                (3, Some(sender)) if receivers.len() < 5 => {
                    let receiver = sender.subscribe();
                    receivers.push(Modelled { receiver, unread: VecDeque::new(), missed: 0 });
                }
                (4, _) if !receivers.is_empty() && random.chance(3) => {
                    receivers.swap_remove(random.below(receivers.len()));
                }
                (_, sender) if !receivers.is_empty() => {
                    let index = random.below(receivers.len());
                    let modelled = &mut receivers[index];
                    let expected = match (std::mem::take(&mut modelled.missed), modelled.unread.pop_front()) {
                        (0, Some(value)) => Poll::Ready(Ok(value)),
                        (0, None) if sender.is_none() => Poll::Ready(Err(RecvError::Closed)),
                        (0, None) => Poll::Pending,
                        (missed, front) => {
                            front.into_iter().for_each(|value| modelled.unread.push_front(value));
                            Poll::Ready(Err(RecvError::Lagged(missed)))
                        }
                    };
                    // A wait that stays pending is dropped: half of these test that.
                    let mut recv = modelled.receiver.recv();
                    let polled = Pin::new(&mut recv).poll(&mut Context::from_waker(Waker::noop()));
                    assert_eq!(polled, expected, "seed {seed}, step {step}");
                }
                _ => {}
            }
            if step == 300 {
                sender = None;
            }
        }
    }
}

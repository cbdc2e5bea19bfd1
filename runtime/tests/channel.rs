//! `channel`: items in order, a limit, and an end that every waiting task sees.

mod common;
mod queue_model;

use common::{Log, ms, must_end, panic_of, poll_once, run_real, run_virtual};
use curio::channel::{Receiver, SendError, Sender};
use curio::{TaskState, channel, schedule, sleep, spawn, timeout_after};
use queue_model::{Boxed, Subject, walk};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

// ---- items

#[test]
fn items_arrive_in_the_order_in_which_they_were_sent() {
    run_virtual(async {
        let (sender, receiver) = channel(2);
        let sending = spawn(async move {
            for n in 0..10 {
                sender.send(n).await.unwrap();
            }
        });
        let mut got = Vec::new();
        while let Some(n) = receiver.recv().await {
            got.push(n);
        }
        assert_eq!(got, (0..10).collect::<Vec<_>>());
        sending.join().await.unwrap();
    });
}

#[test]
fn a_full_channel_makes_senders_wait_in_order() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        let log = Log::new();
        sender.send(0).await.unwrap();
        let senders = [1, 2].map(|n| {
            let (sender, log) = (sender.clone(), log.clone());
            spawn(async move {
                sender.send(n).await.unwrap();
                log.note(n);
            })
        });
        for expected in 0..3 {
            sleep(ms(10)).await;
            assert_eq!(receiver.recv().await, Some(expected));
        }
        for sender in senders {
            sender.join().await.unwrap();
        }
        assert_eq!(log.take(), ["10 1", "20 2"]);
    });
}

#[test]
fn receivers_share_the_items_in_the_order_in_which_they_came() {
    run_virtual(async {
        let (sender, receiver) = channel(8);
        let receivers = [0, 1, 2].map(|_| {
            let receiver = receiver.clone();
            spawn(async move { receiver.recv().await })
        });
        schedule().await;
        for item in ["a", "b", "c"] {
            sender.send(item).await.unwrap();
        }
        let mut got = Vec::new();
        for receiver in receivers {
            got.push(receiver.join().await.unwrap().unwrap());
        }
        assert_eq!(got, ["a", "b", "c"]);
    });
}

#[test]
fn trying_never_waits_and_never_overtakes() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        assert_eq!(receiver.try_recv(), None);
        sender.try_send(1).unwrap();
        assert_eq!(sender.try_send(2), Err(SendError::Full(2)));
        let mut put = pin!(sender.send(3));
        assert!(poll_once(put.as_mut()).await.is_pending());
        assert_eq!(receiver.try_recv(), Some(1));
        assert_eq!(sender.try_send(4), Err(SendError::Full(4)), "the room belongs to the one in line");
        assert_eq!(poll_once(put).await, Poll::Ready(Ok(())));
        assert_eq!(receiver.try_recv(), Some(3));
        let mut get = pin!(receiver.recv());
        assert!(poll_once(get.as_mut()).await.is_pending());
        sender.try_send(5).unwrap();
        assert_eq!(receiver.try_recv(), None, "the item belongs to the one in line");
        assert_eq!(poll_once(get).await, Poll::Ready(Some(5)));
    });
}

#[test]
fn items_may_borrow() {
    let text = String::from("one two three");
    let words = run_virtual(async {
        let (sender, receiver) = channel(8);
        for word in text.split(' ') {
            sender.send(word).await.unwrap();
        }
        drop(sender);
        let mut words = 0;
        while receiver.recv().await.is_some() {
            words += 1;
        }
        words
    });
    assert_eq!(words, 3);
}

#[test]
fn a_channel_for_nothing_is_refused() {
    assert!(panic_of(|| channel::<u32>(0)).contains("0 items"));
}

#[test]
fn waits_say_where_they_are() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        let (line, receiving) = (line!(), spawn(async move { receiver.recv().await }));
        schedule().await;
        let info = receiving.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::QueueGet, line));
        sender.send(1).await.unwrap();
        receiving.join().await.unwrap();

        let (sender, receiver) = channel(1);
        sender.send(0).await.unwrap();
        let (line, sending) = (line!(), spawn(async move { sender.send(1).await }));
        schedule().await;
        let info = sending.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::QueuePut, line));
        assert_eq!(receiver.recv().await, Some(0));
        sending.join().await.unwrap().unwrap();
    });
}

#[test]
fn a_sender_that_never_has_to_wait_lets_others_run_all_the_same() {
    run_virtual(async {
        let (sender, receiver) = channel(usize::MAX);
        let busy = spawn(async move {
            loop {
                sender.send(0).await.unwrap();
            }
        });
        schedule().await;
        assert!(receiver.try_recv().is_some());
        assert!(busy.cancel().await);
    });
}

// ---- the end

#[test]
fn a_closed_channel_gives_what_is_in_it_and_then_none() {
    run_virtual(async {
        let (sender, receiver) = channel(4);
        sender.send(1).await.unwrap();
        sender.send(2).await.unwrap();
        receiver.close();
        assert!(sender.is_closed() && receiver.is_closed());
        assert_eq!(sender.send(3).await, Err(SendError::Closed(3)));
        assert_eq!(sender.try_send(4), Err(SendError::Closed(4)));
        assert_eq!(receiver.recv().await, Some(1));
        assert_eq!(receiver.try_recv(), Some(2));
        assert_eq!((receiver.recv().await, receiver.try_recv()), (None, None));
    });
}

#[test]
fn the_last_sender_to_go_closes_the_channel() {
    run_virtual(async {
        let (sender, receiver) = channel::<u32>(4);
        let other = sender.clone();
        let receiving = spawn(async move { receiver.recv().await });
        schedule().await;
        drop(sender);
        schedule().await;
        assert!(!receiving.is_terminated(), "one is left");
        drop(other);
        assert_eq!(receiving.join().await.unwrap(), None);
    });
}

#[test]
fn the_last_receiver_to_go_gives_waiting_senders_their_items_back() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        let kept = Rc::new(());
        sender.send(Rc::clone(&kept)).await.unwrap();
        let theirs = sender.clone();
        let item = Rc::clone(&kept);
        let sending = spawn(async move { theirs.send(item).await });
        schedule().await;
        let other = receiver.clone();
        drop(receiver);
        schedule().await;
        assert!(!sending.is_terminated(), "one is left");
        drop(other);
        assert!(matches!(sending.join().await.unwrap(), Err(SendError::Closed(_))));
        assert_eq!(Rc::strong_count(&kept), 1, "what was in the channel has been dropped, too");
        assert!(sender.is_closed());
    });
}

#[test]
fn receivers_behind_the_last_item_wait_until_it_has_been_fetched() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        let mut second = pin!(receiver.recv());
        {
            let mut first = pin!(receiver.recv());
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert!(poll_once(second.as_mut()).await.is_pending());
            sender.send(1).await.unwrap();
            drop(sender);
            assert!(
                poll_once(second.as_mut()).await.is_pending(),
                "the first may give the item up, and does"
            );
        }
        assert_eq!(second.await, Some(1));
        assert_eq!(receiver.recv().await, None);
    });
}

#[test]
fn everybody_in_line_hears_of_the_end() {
    run_virtual(async {
        let (sender, receiver) = channel::<u32>(1);
        let receivers = [0; 3].map(|_| {
            let receiver = receiver.clone();
            spawn(async move { receiver.recv().await })
        });
        schedule().await;
        sender.send(7).await.unwrap();
        sender.close();
        let mut got = Vec::new();
        for receiver in receivers {
            got.push(receiver.join().await.unwrap());
        }
        assert_eq!(got, [Some(7), None, None]);
    });
}

#[test]
fn a_sender_that_was_given_room_before_the_end_gets_its_item_back() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        sender.send(0).await.unwrap();
        let mut sending = pin!(sender.send(1));
        assert!(poll_once(sending.as_mut()).await.is_pending());
        assert_eq!(receiver.recv().await, Some(0));
        receiver.close();
        assert_eq!(sending.await, Err(SendError::Closed(1)));
        assert_eq!(receiver.recv().await, None);
    });
}

#[test]
fn errors_say_what_happened_and_return_the_item() {
    let error = SendError::Full(String::from("item"));
    assert_eq!((error.to_string(), format!("{error:?}")), ("the channel is full".into(), "Full(..)".into()));
    assert_eq!(SendError::Closed(1).to_string(), "the channel is closed");
    assert_eq!(error.into_inner(), "item");
}

// ---- giving up

#[test]
fn a_dropped_send_has_sent_nothing_and_a_dropped_receive_has_taken_nothing() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        assert!(timeout_after(ms(1), receiver.recv()).await.is_err());
        sender.send(1).await.unwrap();
        assert!(timeout_after(ms(1), sender.send(2)).await.is_err());
        assert_eq!(receiver.recv().await, Some(1));
        assert_eq!(receiver.try_recv(), None);
    });
}

#[test]
fn what_was_handed_to_a_dropped_wait_goes_to_the_next() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        let mut second = pin!(receiver.recv());
        {
            let mut first = pin!(receiver.recv());
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert!(poll_once(second.as_mut()).await.is_pending());
            sender.send(1).await.unwrap();
        }
        assert_eq!(second.await, Some(1));

        sender.send(2).await.unwrap();
        let mut second = pin!(sender.send(4));
        {
            let mut first = pin!(sender.send(3));
            assert!(poll_once(first.as_mut()).await.is_pending());
            assert!(poll_once(second.as_mut()).await.is_pending());
            assert_eq!(receiver.recv().await, Some(2));
        }
        assert_eq!(second.await, Ok(()));
        assert_eq!(receiver.recv().await, Some(4));
    });
}

#[test]
fn a_receive_that_nobody_polls_does_not_hold_up_the_next() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        let mut asleep = pin!(receiver.recv());
        assert!(poll_once(asleep.as_mut()).await.is_pending());
        let sending = spawn(async move {
            sender.send(1).await.unwrap();
            sleep(ms(10)).await;
            sender.send(2).await.unwrap();
        });
        assert_eq!(receiver.recv().await, Some(1));
        assert_eq!(asleep.await, Some(2), "it queued again when it was polled");
        sending.join().await.unwrap();
    });
}

#[test]
fn a_send_that_nobody_polls_does_not_hold_up_the_next() {
    run_virtual(async {
        let (sender, receiver) = channel(1);
        sender.send(0).await.unwrap();
        let mut asleep = pin!(sender.send(1));
        assert!(poll_once(asleep.as_mut()).await.is_pending());
        let receiving = spawn(async move {
            sleep(ms(10)).await;
            let mut got = Vec::new();
            while let Some(n) = receiver.recv().await {
                got.push(n);
            }
            got
        });
        sender.send(2).await.unwrap();
        asleep.await.unwrap();
        sender.close();
        assert_eq!(receiving.join().await.unwrap(), [0, 2, 1]);
    });
}

// ---- threads

#[test]
fn threads_and_tasks_share_a_channel() {
    let (sum, count) = must_end(|| {
        let (sender, receiver) = channel::<u64>(3);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || (1..=200).for_each(|n| sender.send_blocking(n).unwrap()))
            })
            .collect();
        drop(sender);
        let theirs = receiver.clone();
        let other = std::thread::spawn(move || {
            let (mut sum, mut count) = (0, 0);
            while let Some(n) = theirs.recv_blocking() {
                (sum, count) = (sum + n, count + 1);
            }
            (sum, count)
        });
        let here = run_real(async {
            let (mut sum, mut count) = (0, 0);
            while let Some(n) = receiver.recv().await {
                (sum, count) = (sum + n, count + 1);
            }
            (sum, count)
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let there = other.join().unwrap();
        (here.0 + there.0, here.1 + there.1)
    });
    assert_eq!((sum, count), (3 * 200 * 201 / 2, 600));
}

#[test]
fn a_blocked_thread_hears_of_the_end() {
    must_end(|| {
        let (sender, receiver) = channel(1);
        sender.send_blocking(1).unwrap();
        let thread = std::thread::spawn(move || sender.send_blocking(2));
        std::thread::yield_now();
        receiver.close();
        assert_eq!(thread.join().unwrap(), Err(SendError::Closed(2)));

        let (sender, receiver) = channel::<u32>(1);
        let thread = std::thread::spawn(move || receiver.recv_blocking());
        std::thread::yield_now();
        drop(sender);
        assert_eq!(thread.join().unwrap(), None);
    });
}

// ---- chance

impl Subject for (Sender<u32>, Receiver<u32>) {
    fn put(&self, item: u32) -> Boxed<'_, bool> {
        Box::pin(async move { self.0.send(item).await.is_ok() })
    }
    fn get(&self) -> Boxed<'_, Option<u32>> {
        Box::pin(self.1.recv())
    }
    fn try_put(&self, item: u32) -> bool {
        self.0.try_send(item).is_ok()
    }
    fn try_get(&self) -> Option<u32> {
        self.1.try_recv()
    }
    fn next(_: &[u32]) -> usize {
        0
    }
    fn close(&self) -> bool {
        self.0.close();
        true
    }
}

#[test]
fn random_walks_agree_with_the_model() {
    for seed in 1..300 {
        let capacity = 1 + seed as usize % 4;
        walk(&channel(capacity), capacity, seed, 800);
    }
}

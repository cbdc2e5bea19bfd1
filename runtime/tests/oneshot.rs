//! `oneshot`: a channel for one value.

mod common;

use common::{ms, must_end, poll_once, run_real, run_virtual};
use curio::{TaskState, oneshot, schedule, spawn, timeout_after};
use std::pin::pin;
use std::rc::Rc;

#[test]
fn the_value_arrives_whichever_side_comes_first() {
    run_virtual(async {
        let (sender, receiver) = oneshot();
        sender.send(1).unwrap();
        assert_eq!(receiver.recv().await, Ok(1));

        let (sender, receiver) = oneshot();
        let waiting = spawn(async move { receiver.recv().await });
        schedule().await;
        sender.send(2).unwrap();
        assert_eq!(waiting.join().await.unwrap(), Ok(2));
    });
}

#[test]
fn a_dropped_sender_closes_it() {
    run_virtual(async {
        let (sender, receiver) = oneshot::<u32>();
        let waiting = spawn(async move { receiver.recv().await });
        schedule().await;
        drop(sender);
        let error = waiting.join().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the channel is closed: the sender is gone");
    });
}

#[test]
fn a_dropped_receiver_gives_the_value_back() {
    let (sender, receiver) = oneshot();
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(1), Err(1));
}

#[test]
fn a_dropped_receive_drops_the_receiver_and_what_was_sent() {
    run_virtual(async {
        let value = Rc::new(());
        let (sender, receiver) = oneshot();
        let mut waiting = Box::pin(receiver.recv());
        assert!(poll_once(waiting.as_mut()).await.is_pending());
        sender.send(Rc::clone(&value)).unwrap();
        drop(waiting);
        assert_eq!(Rc::strong_count(&value), 1);

        let (sender, receiver) = oneshot::<u32>();
        assert!(timeout_after(ms(1), receiver.recv()).await.is_err());
        assert_eq!(sender.send(1), Err(1));
    });
}

#[test]
fn a_borrowed_receiver_survives_a_time_limit() {
    run_virtual(async {
        let (sender, mut receiver) = oneshot();
        assert!(timeout_after(ms(1), &mut receiver).await.is_err());
        sender.send(1).unwrap();
        assert_eq!((&mut receiver).await, Ok(1));
        assert!(receiver.await.is_err(), "there is no second value");
    });
}

#[test]
fn the_last_waker_is_the_one_that_counts() {
    run_virtual(async {
        let (sender, receiver) = oneshot();
        let mut waiting = Box::pin(receiver.recv());
        assert!(poll_once(waiting.as_mut()).await.is_pending());
        let moved = spawn(waiting);
        schedule().await;
        sender.send(1).unwrap();
        assert_eq!(moved.join().await.unwrap(), Ok(1));
    });
}

#[test]
fn a_wait_says_where_it_is() {
    run_virtual(async {
        let (sender, receiver) = oneshot::<u32>();
        let (line, waiting) = (line!(), spawn(async move { receiver.recv().await }));
        schedule().await;
        let info = waiting.info();
        assert_eq!((info.state(), info.waiting_at().unwrap().line()), (TaskState::ResultWait, line));
        sender.send(0).unwrap();
        waiting.join().await.unwrap().unwrap();
    });
}

#[test]
fn a_value_may_borrow() {
    let text = String::from("borrowed");
    let got = run_virtual(async {
        let (sender, receiver) = oneshot();
        sender.send(&text[..6]).unwrap();
        receiver.recv().await
    });
    assert_eq!(got, Ok("borrow"));
}

#[test]
fn threads_use_the_blocking_twin() {
    must_end(|| {
        for n in 0..200 {
            let (there, here) = oneshot();
            let (back, answer) = oneshot();
            let thread = std::thread::spawn(move || {
                let n: u32 = here.recv_blocking().unwrap();
                back.send(n + 1).unwrap();
            });
            run_real(async {
                there.send(n).unwrap();
                assert_eq!(answer.recv().await, Ok(n + 1));
            });
            thread.join().unwrap();
        }
        let (sender, receiver) = oneshot::<u32>();
        let thread = std::thread::spawn(move || drop(sender));
        assert!(receiver.recv_blocking().is_err());
        thread.join().unwrap();
    });
}

#[test]
fn two_ends_dropped_in_any_order_leave_nothing() {
    run_virtual(async {
        let value = Rc::new(());
        for polled in [false, true] {
            for receiver_first in [false, true] {
                let (sender, mut receiver) = oneshot::<Rc<()>>();
                if polled {
                    assert!(poll_once(pin!((&mut receiver).into_future())).await.is_pending());
                }
                if receiver_first {
                    drop(receiver);
                    assert!(sender.send(Rc::clone(&value)).is_err());
                } else {
                    sender.send(Rc::clone(&value)).unwrap();
                    drop(receiver);
                }
                assert_eq!(Rc::strong_count(&value), 1);
            }
        }
    });
}

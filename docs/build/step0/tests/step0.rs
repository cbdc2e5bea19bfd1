//! Step 0: futures, polled by hand.

use build_step0::{Closed, Receiver, oneshot, schedule};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

/// A waker that only counts how often it is called.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counter {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_schedule_is_pending_once_and_asks_to_be_polled_again() {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(schedule());
    assert_eq!(counter.count(), 0, "nothing happens before the first poll");
    assert_eq!(future.as_mut().poll(&mut cx), Poll::Pending);
    assert_eq!(counter.count(), 1);
    assert_eq!(future.as_mut().poll(&mut cx), Poll::Ready(()));
    assert_eq!(counter.count(), 1);
}

#[test]
fn a_receiver_wakes_its_poller_when_the_value_is_sent_and_not_before() {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut cx = Context::from_waker(&waker);
    let (sender, mut receiver) = oneshot();
    assert_eq!(Pin::new(&mut receiver).poll(&mut cx), Poll::Pending);
    assert_eq!(counter.count(), 0);
    assert_eq!(sender.send("hello"), Ok(()));
    assert_eq!(counter.count(), 1);
    assert_eq!(Pin::new(&mut receiver).poll(&mut cx), Poll::Ready(Ok("hello")));
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_called() {
    let (first, last) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
    let (sender, mut receiver) = oneshot();
    for counter in [&first, &last] {
        let waker = Waker::from(Arc::clone(counter));
        assert_eq!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&waker)), Poll::Pending);
    }
    sender.send(1).unwrap();
    assert_eq!((first.count(), last.count()), (0, 1));
}

#[test]
fn a_receiver_is_told_when_its_sender_is_dropped() {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut cx = Context::from_waker(&waker);
    let (sender, mut receiver) = oneshot::<i32>();
    assert_eq!(Pin::new(&mut receiver).poll(&mut cx), Poll::Pending);
    drop(sender);
    assert_eq!(counter.count(), 1);
    assert_eq!(Pin::new(&mut receiver).poll(&mut cx), Poll::Ready(Err(Closed)));
}

#[test]
fn a_value_that_no_receiver_can_take_comes_back_to_the_sender() {
    let (sender, receiver) = oneshot();
    drop(receiver);
    assert_eq!(sender.send(7), Err(7));
}

/// What the compiler makes of `async { first.await? + second.await? }`, written by hand: one state for each `await`.
enum Sum {
    First(Receiver<i32>, Option<Receiver<i32>>),
    Second(i32, Receiver<i32>),
}

impl Future for Sum {
    type Output = Result<i32, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Sum::First(first, second) = &mut *self {
            let value = ready!(Pin::new(first).poll(cx))?;
            let second = second.take().expect("it is taken once, on the way to the next state");
            *self = Sum::Second(value, second);
        }
        let Sum::Second(first, second) = &mut *self else { unreachable!("the first state has ended") };
        let value = ready!(Pin::new(second).poll(cx))?;
        Poll::Ready(Ok(*first + value))
    }
}

#[test]
fn an_async_block_goes_through_the_same_states_as_a_machine_written_by_hand() {
    let by_compiler = |first: Receiver<i32>, second: Receiver<i32>| -> Pin<Box<dyn Future<Output = _>>> {
        Box::pin(async move { Ok(first.await? + second.await?) })
    };
    let by_hand = |first: Receiver<i32>, second: Receiver<i32>| -> Pin<Box<dyn Future<Output = _>>> {
        Box::pin(Sum::First(first, Some(second)))
    };
    for make in [&by_compiler as &dyn Fn(_, _) -> _, &by_hand] {
        let mut cx = Context::from_waker(Waker::noop());
        let ((send_first, first), (send_second, second)) = (oneshot(), oneshot());
        let mut sum: Pin<Box<dyn Future<Output = Result<i32, Closed>>>> = make(first, second);
        assert_eq!(sum.as_mut().poll(&mut cx), Poll::Pending);
        send_first.send(40).unwrap();
        assert_eq!(sum.as_mut().poll(&mut cx), Poll::Pending);
        send_second.send(2).unwrap();
        assert_eq!(sum.as_mut().poll(&mut cx), Poll::Ready(Ok(42)));
    }
}

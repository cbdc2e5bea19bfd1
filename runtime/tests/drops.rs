//! `Drop` is half of every wait. Each future here is polled once, twice, … as often as it needs, and dropped after
//! every number of polls; what it waited for must be as if it had never asked, or be fully its own.

mod common;

use common::{Calls, ms, run_real, run_virtual, secs};
use curio::{
    BoundedSemaphore, Event, Kernel, Lock, Queue, Semaphore, Task, TcpListener, TcpStream,
    disable_cancellation, finally, ignore_after, interval, join, race, run_in_thread, schedule, sleep, spawn,
    timeout_after,
};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Polls `future` at most `polls` times, whenever this task is woken, and drops it then. `None` if it was dropped.
async fn at_most<F: IntoFuture>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Some(Box::pin(future.into_future()));
    let mut left = polls;
    poll_fn(move |cx| {
        let Some(inside) = future.as_mut().filter(|_| left > 0) else {
            future = None;
            return Poll::Ready(None);
        };
        left -= 1;
        match inside.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => {
                future = None;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Runs a scenario for every number of polls until the future in it gets to its end.
fn at_every_poll(name: &str, scenario: impl AsyncFn(usize) -> bool) {
    for polls in 0..20 {
        let (finished, reports) = common::run_reporting(async {
            match timeout_after(secs(3600), scenario(polls)).await {
                Ok(finished) => finished,
                Err(_) => panic!("{name}: stuck after a drop at poll {polls}"),
            }
        });
        assert!(reports.is_empty(), "{name}, dropped after {polls} polls: {reports:#?}");
        if finished {
            assert!(polls > 0, "{name} is polled at least once");
            return;
        }
    }
    panic!("{name} does not get to its end");
}

#[test]
fn a_dropped_acquire_loses_no_permit() {
    at_every_poll("Semaphore::acquire", async |polls| {
        let sema = Semaphore::new(1);
        let permit = sema.acquire().await;
        let release = async {
            sleep(ms(1)).await;
            drop(permit);
        };
        let (taken, ()) = join!(at_most(polls, sema.acquire()), release);
        let finished = taken.is_some();
        drop(taken);
        assert_eq!(sema.value(), 1);
        finished
    });
    at_every_poll("BoundedSemaphore::acquire_many", async |polls| {
        let sema = BoundedSemaphore::new(3);
        let permits = [sema.acquire_many(2).await];
        let release = async {
            sleep(ms(1)).await;
            drop(permits);
        };
        let (taken, ()) = join!(at_most(polls, sema.acquire_many(3)), release);
        let finished = taken.is_some();
        drop(taken);
        assert_eq!(sema.value(), 3);
        finished
    });
}

#[test]
fn a_dropped_acquire_between_grant_and_poll_passes_it_on() {
    // The waiter is granted its turn and dropped before it is polled, at every place in a line of five.
    for dropped in 0..5 {
        run_virtual(async {
            let lock = Lock::new(());
            let guard = lock.acquire().await;
            let mut line: Vec<_> = (0..5).map(|_| Some(Box::pin(lock.acquire()))).collect();
            let (_, waker) = Calls::new();
            for wait in line.iter_mut().flatten() {
                assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            drop(guard);
            for (place, wait) in line.iter_mut().enumerate() {
                if place == dropped {
                    drop(wait.take());
                    continue;
                }
                let Some(mut wait) = wait.take() else { unreachable!() };
                let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(polled.is_ready(), "place {place}, when {dropped} is dropped");
            }
            assert!(!lock.locked());
        });
    }
}

#[test]
fn a_dropped_lock_wait_leaves_the_lock_usable() {
    at_every_poll("Lock::acquire", async |polls| {
        let lock = Lock::new(0);
        let guard = lock.acquire().await;
        let release = async {
            sleep(ms(1)).await;
            drop(guard);
        };
        let (taken, ()) = join!(at_most(polls, lock.acquire()), release);
        let finished = taken.is_some();
        drop(taken);
        assert!(!lock.locked());
        *lock.acquire().await += 1;
        assert_eq!(lock.into_inner(), 1);
        finished
    });
}

#[test]
fn a_dropped_event_wait_is_forgotten() {
    at_every_poll("Event::wait", async |polls| {
        let event = Event::new();
        let set = async {
            sleep(ms(1)).await;
            event.set();
        };
        let (waited, ()) = join!(at_most(polls, event.wait()), set);
        event.wait().await;
        waited.is_some()
    });
}

#[test]
fn a_dropped_get_takes_nothing() {
    at_every_poll("Queue::get", async |polls| {
        let queue = Queue::new(3);
        let put = async {
            sleep(ms(1)).await;
            queue.put("first").await;
            queue.put("second").await;
        };
        let (got, ()) = join!(at_most(polls, queue.get()), put);
        match got {
            Some(item) => assert_eq!((item, queue.size()), ("first", 1)),
            None => assert_eq!((queue.size(), queue.get().await), (2, "first")),
        }
        assert_eq!(queue.get().await, "second");
        got.is_some()
    });
}

#[test]
fn a_dropped_put_puts_nothing() {
    at_every_poll("Queue::put", async |polls| {
        let queue = Queue::new(1);
        queue.put(1).await;
        let make_room = async {
            sleep(ms(1)).await;
            assert_eq!(queue.get().await, 1);
        };
        let (put, ()) = join!(at_most(polls, queue.put(2)), make_room);
        assert_eq!(queue.try_get(), put.map(|()| 2));
        assert_eq!(queue.try_put(3), Ok(()));
        put.is_some()
    });
}

#[test]
fn a_dropped_queue_join_is_forgotten() {
    at_every_poll("Queue::join", async |polls| {
        let queue = Queue::new(1);
        queue.put(1).await;
        let done = async {
            sleep(ms(1)).await;
            queue.get().await;
            queue.task_done();
        };
        let (joined, ()) = join!(at_most(polls, queue.join()), done);
        queue.join().await;
        joined.is_some()
    });
}

#[test]
fn a_dropped_join_leaves_the_result_where_it_is() {
    at_every_poll("&mut Task", async |polls| {
        let mut task = spawn(async {
            sleep(ms(1)).await;
            "result"
        });
        let joined = at_most(polls, &mut task).await;
        match joined {
            Some(result) => assert_eq!(result.unwrap(), "result"),
            None => {
                assert_eq!(task.join().await.unwrap(), "result");
                return false;
            }
        }
        true
    });
    at_every_poll("Task::wait", async |polls| {
        let task = spawn(sleep(ms(1)));
        let waited = at_most(polls, task.wait()).await;
        task.join().await.unwrap();
        waited.is_some()
    });
}

#[test]
fn a_dropped_cancel_has_asked_from_its_first_poll_on() {
    at_every_poll("Task::cancel", async |polls| {
        let task = spawn(finally(sleep(secs(1)), async |_| sleep(ms(10)).await));
        schedule().await;
        let cancelled = at_most(polls, task.cancel()).await;
        task.wait().await;
        assert_eq!(task.is_cancelled(), polls > 0);
        if polls == 0 {
            task.join().await.unwrap();
        }
        cancelled.is_some()
    });
}

#[test]
fn a_dropped_sleep_or_limit_leaves_no_timer() {
    type Wait = fn() -> Pin<Box<dyn Future<Output = ()>>>;
    let waits: [(&str, Wait); 6] = [
        ("sleep", || Box::pin(sleep(ms(1)))),
        ("timeout_after", || Box::pin(async { timeout_after(secs(60), sleep(ms(1))).await.unwrap() })),
        ("nested limits", || {
            Box::pin(async {
                let inner = timeout_after(ms(1), pending::<()>());
                let _ = timeout_after(secs(60), ignore_after(secs(90), inner)).await;
            })
        }),
        ("race", || Box::pin(race((sleep(secs(60)), sleep(ms(1)))))),
        ("join!", || Box::pin(async { join!(sleep(ms(2)), sleep(ms(1))).0 })),
        ("Interval::tick", || {
            Box::pin(async {
                let mut ticks = interval(ms(1));
                ticks.tick().await;
                ticks.tick().await;
            })
        }),
    ];
    for (name, wait) in waits {
        for polls in 0.. {
            let mut kernel = Kernel::new().unwrap();
            let finished = kernel.run(at_most(polls, wait())).is_some();
            let turn = kernel.turn(Some(Duration::ZERO));
            assert_eq!(turn.next_deadline, None, "{name}, dropped after {polls} polls");
            assert!(polls < 20, "{name} does not get to its end");
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_dropped_tick_is_not_missed() {
    at_every_poll("Interval::tick", async |polls| {
        let mut ticks = interval(ms(10));
        let first = ticks.tick().await;
        let ticked = at_most(polls, ticks.tick()).await;
        let next = match ticked {
            Some(tick) => tick,
            None => ticks.tick().await,
        };
        assert_eq!(next - first, ms(10));
        ticked.is_some()
    });
}

/// Regions around a wait lose nothing either.
#[test]
fn a_dropped_region_loses_nothing_of_what_is_inside() {
    type Wrap = for<'a> fn(&'a Queue<u8>) -> Pin<Box<dyn Future<Output = Option<u8>> + 'a>>;
    let wraps: [(&str, Wrap); 7] = [
        ("timeout_after", |queue| Box::pin(async { timeout_after(secs(9), queue.get()).await.ok() })),
        ("ignore_after", |queue| Box::pin(ignore_after(secs(9), queue.get()))),
        ("no limit", |queue| Box::pin(ignore_after(None, queue.get()))),
        ("disable_cancellation", |queue| Box::pin(async { Some(disable_cancellation(queue.get()).await) })),
        ("race", |queue| Box::pin(async { Some(race((pending(), queue.get())).await) })),
        ("race of a Vec", |queue| Box::pin(async { Some(race(vec![queue.get()]).await) })),
        ("join!", |queue| Box::pin(async { Some(join!(queue.get(), schedule()).0) })),
    ];
    for (name, wrap) in wraps {
        at_every_poll(name, async |polls| {
            let queue = Queue::new(3);
            let put = async {
                sleep(ms(1)).await;
                queue.put(7).await;
            };
            let (got, ()) = join!(at_most(polls, wrap(&queue)), put);
            let got = got.flatten();
            assert_eq!(queue.try_get(), if got.is_some() { None } else { Some(7) });
            got.is_some()
        });
    }
}

#[test]
fn a_task_cancelled_after_any_number_of_polls_cleans_up() {
    for polls in 0..8 {
        run_virtual(async {
            let (cleaned, sema) = (Rc::new(Cell::new(0)), Rc::new(Semaphore::new(2)));
            let (own, permits) = (Rc::clone(&cleaned), Rc::clone(&sema));
            let task: Task<()> = spawn(async move {
                let _permit = permits.acquire().await;
                let body = async {
                    let _second = permits.acquire().await;
                    for _ in 0..3 {
                        schedule().await;
                    }
                    race((sleep(ms(1)), pending())).await;
                };
                finally(body, async |_| {
                    schedule().await;
                    own.set(own.get() + 1);
                })
                .await;
                sleep(secs(60)).await;
            });
            for _ in 0..polls {
                schedule().await;
            }
            assert!(task.cancel().await);
            assert_eq!((sema.value(), cleaned.get()), (2, 1), "cancelled after {polls} polls");
        });
    }
}

// ---- threads and sockets

#[test]
fn a_dropped_thread_call_disturbs_nobody() {
    for polls in 0..3 {
        Kernel::builder().max_worker_threads(2).run(async {
            let (release, blocked) = mpsc::channel::<()>();
            let call = run_in_thread(move || blocked.recv().is_ok());
            assert_eq!(at_most(polls.min(1), call).await.map(|_| ()), None);
            assert_eq!(run_in_thread(|| 5).await.unwrap(), 5);
            drop(release);
        });
    }
}

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

#[test]
fn a_dropped_receive_takes_no_byte() {
    run_real(async {
        for polls in 0..4 {
            let (near, far) = connection().await;
            let send = async {
                sleep(ms(2)).await;
                near.sendall(b"whole").await.unwrap();
            };
            let mut buffer = [0; 16];
            let (received, ()) = join!(at_most(polls, far.recv(&mut buffer)), send);
            let seen = match received {
                Some(n) => buffer[..n.unwrap()].to_vec(),
                None => far.read_exactly(5).await.unwrap(),
            };
            assert_eq!(seen, b"whole", "dropped after {polls} polls");
        }
    });
}

#[test]
fn a_dropped_accept_loses_no_client() {
    run_real(async {
        for polls in 0..4 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let connect = async {
                sleep(ms(2)).await;
                TcpStream::connect(address).await.unwrap()
            };
            let (accepted, client) = join!(at_most(polls, listener.accept()), connect);
            let (_, peer) = match accepted {
                Some(accepted) => accepted.unwrap(),
                None => {
                    timeout_after(secs(5), listener.accept()).await.expect("the client still waits").unwrap()
                }
            };
            assert_eq!(peer, client.local_addr().unwrap(), "dropped after {polls} polls");
        }
    });
}

#[test]
fn a_dropped_send_sent_nothing() {
    run_real(async {
        let (near, far) = connection().await;
        let mut sent = 0;
        while let Ok(n) = timeout_after(ms(10), near.send(&[1; 65536])).await {
            sent += n.unwrap();
        }
        // It is full. This one waits and is dropped.
        assert!(at_most(1, near.send(&[2; 10])).await.is_none());
        let read = async {
            let mut received = 0;
            while received < sent {
                let mut buffer = vec![0; 65536];
                let n = far.recv(&mut buffer).await.unwrap();
                assert!(buffer[..n].iter().all(|byte| *byte == 1), "nothing of what was dropped came");
                received += n;
            }
            received
        };
        assert_eq!(read.await, sent);
        near.sendall(b"3").await.unwrap();
        assert_eq!(far.read_exactly(1).await.unwrap(), b"3");
    });
}

#[test]
fn a_dropped_connect_closes_its_socket() {
    run_real(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(at_most(1, TcpStream::connect(address)).await.is_none());
        let (stream, _) = timeout_after(secs(5), listener.accept()).await.expect("it had knocked").unwrap();
        let gone = timeout_after(secs(5), stream.read_all()).await.expect("it is closed");
        assert!(gone.is_ok_and(|bytes| bytes.is_empty()));
    });
}

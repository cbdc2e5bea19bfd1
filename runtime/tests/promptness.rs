//! Timers, sockets and threads are looked at in time, however long each poll of a busy task takes.
//!
//! The busy task counts its polls, and that is what the tests look at: a kernel that counts polls only, and no time,
//! lets 61 of them pass.

mod common;

use common::{ms, run_real, secs};
use curio::{TcpListener, TcpStream, clock, ignore_after, run_in_thread, schedule, sleep, spawn};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long each poll of the busy task takes.
const LONG: Duration = ms(20);

/// A task whose every poll is long. Returns how often it has been polled so far.
fn keep_busy(stop: &Rc<Cell<bool>>) -> Rc<Cell<u32>> {
    let (polls, stop) = (Rc::new(Cell::new(0)), Rc::clone(stop));
    let counter = Rc::clone(&polls);
    spawn(async move {
        while !stop.get() {
            counter.set(counter.get() + 1);
            let begun = Instant::now();
            while begun.elapsed() < LONG {}
            schedule().await;
        }
    })
    .detach();
    polls
}

/// Awaits `future` beside the busy task; says how many polls of that one it took.
async fn polls_until<T>(future: impl IntoFuture<Output = T>) -> (T, u32) {
    let stop = Rc::default();
    let polls = keep_busy(&stop);
    let output = future.await;
    stop.set(true);
    (output, polls.get())
}

#[test]
fn a_sleep_ends_in_time_beside_long_polls() {
    run_real(async {
        let ((), polls) = polls_until(sleep(ms(10))).await;
        assert!(polls <= 5, "{polls} polls of {LONG:?} passed before a sleep of 10 ms was over");
    });
}

#[test]
fn a_time_limit_fires_in_time_beside_long_polls() {
    run_real(async {
        let (limited, polls) = polls_until(ignore_after(ms(50), std::future::pending::<()>())).await;
        assert!(limited.is_none());
        assert!(polls <= 10, "{polls} polls of {LONG:?} passed before a limit of 50 ms fired");
    });
}

#[test]
fn what_a_thread_returns_is_taken_in_time_beside_long_polls() {
    run_real(async {
        let (returned, polls) = polls_until(run_in_thread(|| 5)).await;
        assert_eq!(returned.unwrap(), 5);
        // The thread has to be given a processor, too.
        assert!(polls <= 40, "{polls} polls of {LONG:?} passed before a thread's result was seen");
    });
}

#[test]
fn what_came_over_a_socket_is_seen_in_time_beside_long_polls() {
    run_real(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let far = listener.accept().await.unwrap().0;
        let mut buffer = [0];
        let echo = async {
            near.sendall(b"x").await.unwrap();
            far.recv(&mut buffer).await.unwrap()
        };
        let (received, polls) = polls_until(echo).await;
        assert_eq!(received, 1);
        assert!(polls <= 10, "{polls} polls of {LONG:?} passed before a byte was seen");
    });
}

#[test]
fn a_socket_is_looked_at_soon_after_polls_have_become_long() {
    run_real(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let far = listener.accept().await.unwrap().0;
        let reader = spawn(async move { far.recv(&mut [0]).await.unwrap() });
        // The long polls begin somewhere between two looks at the sockets.
        for _ in 0..1000 {
            schedule().await;
        }
        near.sendall(b"x").await.unwrap();
        let (received, polls) = polls_until(reader).await;
        assert_eq!(received.unwrap(), 1);
        assert!(polls <= 25, "{polls} polls of {LONG:?} passed before a byte was seen");
    });
}

#[test]
fn many_busy_tasks_do_not_add_up_to_more_than_a_cycle_of_theirs() {
    run_real(async {
        let stop = Rc::default();
        let polls: Vec<_> = (0..4).map(|_| keep_busy(&stop)).collect();
        let start = clock();
        sleep(ms(1)).await;
        stop.set(true);
        let most = polls.iter().map(|polls| polls.get()).max().unwrap();
        assert!(most <= 3 && clock() - start < secs(5), "{most} cycles of long polls passed");
    });
}

//! Nobody starves: not beside tasks that are always ready, and not beside waits that never have to wait.

mod common;

use common::{ms, poll_once, run_real, run_virtual, secs};
use curio::io::copy_bidirectional;
use curio::{
    Event, Kernel, Lock, Queue, Semaphore, TcpListener, TcpStream, clock, ignore_after, interval, race,
    schedule, sleep, spawn,
};
use futures_util::{AsyncRead, AsyncWrite};
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// What one step of a loop does that never has to wait.
type Step = Box<dyn AsyncStep>;

trait AsyncStep {
    fn step(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>>;
}

impl<F: AsyncFnMut()> AsyncStep for F {
    fn step(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(self())
    }
}

/// Far more steps than a task may take in one poll.
const TOO_MANY: usize = 5000;

async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

#[test]
fn a_loop_of_waits_that_are_always_ready_lets_others_run() {
    run_real(async {
        let set = Event::new();
        set.set();
        let (lock, sema, queue) = (Lock::new(()), Semaphore::new(3), Queue::new(2));
        let ended = Rc::new(spawn(async {}));
        ended.wait().await;
        let (waited, cancelled) = (Rc::clone(&ended), Rc::clone(&ended));
        let ends = Rc::new(connection().await);
        let (sender, receiver) = (Rc::clone(&ends), Rc::clone(&ends));
        ends.0.sendall(&[7; TOO_MANY]).await.unwrap();
        let done = Queue::<u8>::new(1);
        let mut late = interval(Duration::from_nanos(1));
        late.tick().await;
        let steps: [(&str, Step); 10] = [
            ("Event::wait", Box::new(async move || set.wait().await)),
            ("Lock::acquire", Box::new(async move || drop(lock.acquire().await))),
            ("Semaphore::acquire_many", Box::new(async move || drop(sema.acquire_many(2).await))),
            (
                "Queue::put, Queue::get",
                Box::new(async move || {
                    queue.put(1).await;
                    queue.get().await;
                }),
            ),
            (
                "TcpStream::recv",
                Box::new(async move || assert_eq!(receiver.1.recv(&mut [0]).await.unwrap(), 1)),
            ),
            ("TcpStream::send", Box::new(async move || assert_eq!(sender.0.send(b"x").await.unwrap(), 1))),
            ("Queue::join", Box::new(async move || done.join().await)),
            ("Task::wait", Box::new(async move || waited.wait().await)),
            ("Task::cancel", Box::new(async move || assert!(!cancelled.cancel().await))),
            ("Interval::tick", Box::new(async move || drop(Box::new(late.tick().await)))),
        ];
        let mut greedy = Vec::new();
        for (name, mut step) in steps {
            let others = Rc::new(Cell::new(0));
            let own = Rc::clone(&others);
            let other = spawn(async move {
                loop {
                    own.set(own.get() + 1);
                    schedule().await;
                }
            });
            for _ in 0..TOO_MANY {
                step.step().await;
            }
            if others.get() < 5 {
                greedy.push(name);
            }
            other.cancel().await;
        }
        assert!(greedy.is_empty(), "these kept everybody else waiting: {greedy:?}");
    });
}

#[test]
fn a_loop_of_waits_in_one_branch_lets_the_other_branch_run() {
    run_virtual(async {
        let (queue, ran) = (Queue::new(1), Cell::new(0));
        let greedy = async {
            for n in 0..TOO_MANY {
                queue.put(n).await;
                queue.get().await;
            }
            ran.get()
        };
        let other = async {
            while ran.get() < 10 {
                ran.set(ran.get() + 1);
                schedule().await;
            }
        };
        let (ran_meanwhile, ()) = curio::join!(greedy, other);
        assert_eq!(ran_meanwhile, 10);
    });
}

#[test]
fn a_task_that_yields_for_ever_does_not_hold_up_a_sleep() {
    run_real(async {
        let yielding = spawn(async {
            loop {
                sleep(Duration::ZERO).await;
            }
        });
        let start = Instant::now();
        sleep(ms(10)).await;
        assert!(start.elapsed() < secs(5));
        yielding.cancel().await;
    });
}

#[test]
fn two_tasks_that_play_ping_pong_do_not_hold_up_a_third() {
    run_real(async {
        let (ping, pong) = (Rc::new(Queue::new(1)), Rc::new(Queue::new(1)));
        let (left, right) = ((Rc::clone(&ping), Rc::clone(&pong)), (ping, pong));
        let players = [
            spawn(async move {
                loop {
                    left.0.put(()).await;
                    left.1.get().await;
                }
            }),
            spawn(async move {
                loop {
                    right.0.get().await;
                    right.1.put(()).await;
                }
            }),
        ];
        let mut slept = 0;
        while slept < 5 {
            sleep(ms(2)).await;
            slept += 1;
        }
        for player in players {
            player.cancel().await;
        }
    });
}

#[test]
fn a_limit_passes_although_its_socket_always_has_data() {
    run_real(async {
        let (near, far) = connection().await;
        let flood = spawn(async move {
            let data = vec![1; 256 * 1024];
            while near.sendall(&data).await.is_ok() {}
        });
        let mut received = 0;
        let reading = async {
            let mut buffer = [0; 1024];
            loop {
                received += far.recv(&mut buffer).await.unwrap();
            }
        };
        assert_eq!(ignore_after(ms(50), reading).await, None::<()>);
        assert!(received > 0);
        flood.cancel().await;
    });
}

#[test]
fn a_listener_that_always_has_clients_does_not_hold_up_the_rest() {
    run_real(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let knocking = spawn(async move {
            loop {
                if let Ok(stream) = TcpStream::connect(address).await {
                    drop(stream);
                }
            }
        });
        let mut accepted = 0;
        let accepting = async {
            loop {
                drop(listener.accept().await);
                accepted += 1;
            }
        };
        assert_eq!(ignore_after(ms(30), accepting).await, None::<()>);
        assert!(accepted > 0);
        knocking.cancel().await;
    });
}

#[test]
fn ten_thousand_ready_tasks_take_turns() {
    run_virtual(async {
        let start = clock();
        let rounds = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (0..10_000)
            .map(|_| {
                let rounds = Rc::clone(&rounds);
                spawn(async move {
                    for round in 0..3 {
                        assert_eq!(rounds.get() / 10_000, round, "nobody is a round ahead");
                        rounds.set(rounds.get() + 1);
                        schedule().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!((rounds.get(), clock()), (30_000, start));
    });
}

// ---- branches of one task

/// Waits for ever, and never has to.
async fn always_ready(event: &Event, steps: &Cell<u64>) {
    loop {
        event.wait().await;
        steps.set(steps.get() + 1);
        assert!(steps.get() < 1_000_000, "the branch beside this one never had its turn");
    }
}

fn set_event() -> Event {
    let event = Event::new();
    event.set();
    event
}

#[test]
fn a_branch_of_a_race_that_is_always_ready_does_not_starve_those_behind_it() {
    run_virtual(async {
        let (set, stop, steps) = (set_event(), Rc::new(Event::new()), Cell::new(0));
        let stopper = Rc::clone(&stop);
        spawn(async move { stopper.set() }).detach();
        let greedy = async {
            always_ready(&set, &steps).await;
            "greedy"
        };
        let patient = async {
            stop.wait().await;
            "patient"
        };
        assert_eq!(race((greedy, patient)).await, "patient");
    });
}

#[test]
fn a_branch_of_a_join_that_is_always_ready_does_not_starve_those_behind_it() {
    run_virtual(async {
        let (set, steps, done) = (set_event(), Cell::new(0), Cell::new(false));
        let greedy = async {
            while !done.get() {
                set.wait().await;
                steps.set(steps.get() + 1);
                assert!(steps.get() < 1_000_000, "the branch beside this one never had its turn");
            }
        };
        let patient = async {
            for _ in 0..1000 {
                set.wait().await;
            }
            done.set(true);
        };
        curio::join!(greedy, patient);
    });
}

#[test]
fn races_inside_races_and_hundreds_of_branches_all_have_their_turn() {
    run_virtual(async {
        let (set, steps) = (set_event(), Cell::new(0));
        // Each level halves what is left, and sixteen halves of 128 are nothing.
        let mut nested: Pin<Box<dyn Future<Output = u32> + '_>> = Box::pin(async {
            for _ in 0..10 {
                set.wait().await;
            }
            7
        });
        for _ in 0..16 {
            let greedy = async {
                always_ready(&set, &steps).await;
                0
            };
            nested = Box::pin(race((greedy, nested)));
        }
        assert_eq!(nested.await, 7);

        let steps = Cell::new(0);
        let mut many: Vec<Pin<Box<dyn Future<Output = u32> + '_>>> = Vec::new();
        for n in 0..500 {
            let (set, steps) = (&set, &steps);
            many.push(Box::pin(async move {
                if n < 499 {
                    always_ready(set, steps).await;
                }
                set.wait().await;
                n
            }));
        }
        assert_eq!(race(many).await, 499);
    });
}

#[test]
fn a_branch_of_a_foreign_combinator_that_is_always_ready_does_not_starve_those_behind_it() {
    run_virtual(async {
        let (set, stop, steps) = (set_event(), Event::new(), [const { Cell::new(0) }; 3]);
        let busy = [0, 1, 2].map(|n| Box::pin(always_ready(&set, &steps[n])));
        let busy = futures_util::future::join_all(busy);
        let beside = async {
            // Neither has to wait, and each step needs some of the budget.
            stop.set();
            for _ in 0..10 {
                stop.wait().await;
            }
        };
        futures_util::future::select(busy, std::pin::pin!(beside)).await;
        assert!(steps.iter().all(|steps| steps.get() > 0), "{steps:?}");
    });
}

#[test]
fn races_that_are_always_ready_let_other_tasks_run() {
    run_virtual(async {
        let set = set_event();
        let others = Rc::new(Cell::new(0));
        let own = Rc::clone(&others);
        let other = spawn(async move {
            loop {
                own.set(own.get() + 1);
                schedule().await;
            }
        });
        for _ in 0..TOO_MANY {
            race((set.wait(), set.wait())).await;
            curio::join!(set.wait(), set.wait());
        }
        assert!(others.get() >= TOO_MANY / 128, "{} turns of others", others.get());
        other.cancel().await;
    });
}

#[test]
fn what_each_branch_gets_is_the_same_in_every_run() {
    let shares = |seed| {
        Kernel::builder().virtual_clock(true).seed(seed).run(async {
            let (set, counts) = (set_event(), [Cell::new(0), Cell::new(0), Cell::new(0)]);
            let branch = async |count: &Cell<u64>| always_ready(&set, count).await;
            let stop = async {
                for _ in 0..50 {
                    schedule().await;
                }
            };
            race((branch(&counts[0]), branch(&counts[1]), branch(&counts[2]), stop)).await;
            counts.map(Cell::into_inner)
        })
    };
    let counts = shares(1);
    assert_eq!(counts, shares(1));
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*least > 0 && most <= &(least * 2), "fair shares: {counts:?}");
}

/// An end that always has bytes and always takes some.
struct Endless(Rc<Cell<u64>>);

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        buf.fill(7);
        Poll::Ready(Ok(buf.len()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.0.set(self.0.get() + data.len() as u64);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn both_ways_of_a_copy_move_bytes_when_both_are_always_busy() {
    run_virtual(async {
        let (there, back) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let copying = copy_bidirectional(Endless(Rc::clone(&back)), Endless(Rc::clone(&there)));
        let some_turns = async {
            for _ in 0..20 {
                schedule().await;
            }
            Ok((0, 0))
        };
        race((copying, some_turns)).await.unwrap();
        let (there, back) = (there.get(), back.get());
        assert!(
            there > 0 && back > 0 && there <= back * 2 && back <= there * 2,
            "{there} there, {back} back"
        );
    });
}

// ---- much at a time

/// Fills a connection with as much as the operating system takes; says how much that was.
async fn fill(from: &TcpStream) -> usize {
    let mut filled = 0;
    while let Some(sent) = ignore_after(ms(50), from.send(&[7; 64 * 1024])).await {
        filled += sent.unwrap();
    }
    filled
}

/// More than a task may move in one poll.
const TOO_MUCH: usize = 1500 * 1024;

#[test]
fn a_large_read_takes_turns_with_others() {
    run_real(async {
        let (near, far) = connection().await;
        let filled = fill(&near).await;
        assert!(filled > TOO_MUCH, "the operating system holds only {filled} bytes, so this tests nothing");
        {
            let mut reading = pin!(far.read_exactly(filled));
            let mut polls = 0;
            let read = poll_fn(|cx| {
                polls += 1;
                reading.as_mut().poll(cx)
            });
            assert_eq!(read.await.unwrap().len(), filled);
            assert!(polls > filled / TOO_MUCH, "{filled} bytes in {polls} polls");
        }
        let filled = fill(&near).await;
        near.shutdown(Shutdown::Write).unwrap();
        let mut reading = pin!(far.read_all());
        let mut polls = 0;
        let read = poll_fn(|cx| {
            polls += 1;
            reading.as_mut().poll(cx)
        });
        assert_eq!(read.await.unwrap().len(), filled);
        assert!(polls > filled / TOO_MUCH, "{filled} bytes in {polls} polls");
    });
}

#[test]
fn a_large_write_takes_turns_with_others() {
    run_real(async {
        let (probe, _kept) = connection().await;
        let room = fill(&probe).await;
        assert!(room > TOO_MUCH, "the operating system holds only {room} bytes, so this tests nothing");
        let (near, far) = connection().await;
        let data = vec![7; room];
        {
            let mut sending = pin!(near.sendall(&data));
            assert!(poll_once(sending.as_mut()).await.is_pending(), "not all {room} bytes in one poll");
        }
        near.shutdown(Shutdown::Write).unwrap();
        let sent = far.read_all().await.unwrap().len();
        assert!(sent > 64 * 1024 && sent < TOO_MUCH, "{sent} bytes were sent in one poll");
    });
}

#[test]
fn a_write_that_lets_others_run_is_still_the_only_one() {
    run_real(async {
        let (near, far) = connection().await;
        let near = Rc::new(near);
        let first = spawn({
            let near = Rc::clone(&near);
            async move { near.sendall(&vec![1; 4 * TOO_MUCH]).await }
        });
        schedule().await;
        let refused = near.sendall(&[2]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        let received = far.read_exactly(4 * TOO_MUCH).await.unwrap();
        first.join().await.unwrap().unwrap();
        assert!(received.iter().all(|byte| *byte == 1));
    });
}

//! Nobody starves: not beside tasks that are always ready, and not beside waits that never have to wait.

mod common;

use common::{ms, run_real, run_virtual, secs};
use curio::{
    Event, Lock, Queue, Semaphore, TcpListener, TcpStream, clock, ignore_after, interval, schedule, sleep,
    spawn,
};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
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

/// Far more steps than anybody may take at a time.
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

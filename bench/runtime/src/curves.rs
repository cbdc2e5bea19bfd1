//! Curves of cost: what one task, one sleep and one connection take when there are a thousand of them, and when there
//! are a million.
//!
//! A workload is named after its kind and how many there are at a time: `tasks_1000`. Each prints `bytes`, the memory of
//! one of them while all wait, and `cpu`, the time of one operation with that many.

use crate::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::task::Waker;

/// Runs `workload` if it is one of these and the peer can do it; says whether it is one of these.
pub async fn run<R: Runtime>(workload: &str, out: &Out) -> bool {
    let Some((kind, size)) = workload.rsplit_once('_') else {
        return false;
    };
    let Ok(size) = size.parse().map(scaled) else {
        return false;
    };
    match kind {
        "tasks" => tasks::<R>(out, size).await,
        "sleeps" if R::HAS_TIME => sleeps::<R>(out, size).await,
        "connections" if R::HAS_NET => connections::<R>(out, size).await,
        "sleeps" | "connections" => {}
        _ => return false,
    }
    true
}

/// How often `size` things are made, so that small sizes are measured for long enough.
fn rounds(size: usize) -> usize {
    (scaled(200_000) / size).max(1)
}

/// A count, and the task that waits until it is high enough.
#[derive(Default)]
struct Tally {
    count: Cell<usize>,
    wanted: Cell<usize>,
    waits: Cell<Option<Waker>>,
}

impl Tally {
    fn add(&self, more: usize) {
        self.count.set(self.count.get() + more);
        if self.count.get() >= self.wanted.get()
            && let Some(waker) = self.waits.take()
        {
            waker.wake();
        }
    }

    async fn reaches(&self, count: usize) {
        self.wanted.set(count);
        poll_fn(|cx| {
            if self.count.get() >= count {
                return Poll::Ready(());
            }
            self.waits.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

/// A task is spawned, waits until it is woken, ends, and is joined.
///
/// The memory is that of the first round, which is not part of the CPU time: later ones use it again.
async fn tasks<R: Runtime>(out: &Out, size: usize) {
    #[derive(Default)]
    struct Shared {
        parked: RefCell<Vec<Waker>>,
        released: Cell<bool>,
    }
    let shared = Rc::new(Shared::default());
    // Filled once, so that this list has its memory before any is measured.
    *shared.parked.borrow_mut() = vec![Waker::noop().clone(); size];
    let mut handles = Vec::with_capacity(size);
    let before = rss_bytes();
    let mut meter = Meter::start();
    for round in 0..=rounds(size) {
        shared.released.set(false);
        shared.parked.borrow_mut().clear();
        for _ in 0..size {
            let shared = shared.clone();
            let mut waits = false;
            let task = poll_fn(move |cx| {
                if shared.released.get() {
                    return Poll::Ready(());
                }
                if !waits {
                    waits = true;
                    shared.parked.borrow_mut().push(cx.waker().clone());
                }
                Poll::Pending
            });
            handles.push(R::spawn(task).await);
        }
        while shared.parked.borrow().len() < size {
            let_others_run::<R>().await;
        }
        if round == 0 {
            out.put("bytes", (rss_bytes() - before) / size as f64, "B");
        }
        shared.released.set(true);
        for waker in &*shared.parked.borrow() {
            waker.wake_by_ref();
        }
        for handle in handles.drain(..) {
            R::join(handle).await;
        }
        if round == 0 {
            meter = Meter::start();
        }
    }
    out.per_op(&meter, rounds(size) * size, "ns");
}

/// A task sleeps until a moment of its own, one on average in each microsecond.
///
/// All are asleep before the first is due. A million are so for seconds: there is no round for the memory alone.
async fn sleeps<R: Runtime>(out: &Out, size: usize) {
    let mut rng = Rng(0x9E3779B97F4A7C15);
    let started = Rc::new(Cell::new(0));
    let mut handles = Vec::with_capacity(size);
    let before = rss_bytes();
    let meter = Meter::start();
    for round in 0..rounds(size) {
        started.set(0);
        let first_due = Instant::now() + Duration::from_micros(2 * size as u64 + 1000);
        for _ in 0..size {
            let due = first_due + Duration::from_micros(rng.next() % size as u64);
            let started = started.clone();
            let task = async move {
                started.set(started.get() + 1);
                R::sleep(due.saturating_duration_since(Instant::now())).await;
            };
            handles.push(R::spawn(task).await);
        }
        while started.get() < size {
            let_others_run::<R>().await;
        }
        if round == 0 {
            out.put("bytes", (rss_bytes() - before) / size as f64, "B");
        }
        for handle in handles.drain(..) {
            R::join(handle).await;
        }
    }
    out.per_op(&meter, rounds(size) * size, "ns");
}

/// A server's side of `size` connections: `open` is what it takes to accept one and to answer its first message, `bytes`
/// the memory of one that waits for its next (the kernel's not counted), and `cpu` to answer one of these.
///
/// The clients are a process of their own, so neither their time nor their memory is counted, nor their descriptors.
async fn connections<R: Runtime>(out: &Out, size: usize) {
    // A local port is good for one connection to each of these: 28 000 for all would be few.
    const FOR_EACH: usize = 10_000;
    let rounds = (scaled(100_000) / size).max(1);
    let answered = Rc::new(Tally::default());
    let mut listeners = Vec::new();
    for from in (0..size).step_by(FOR_EACH) {
        listeners.push((R::bind().await, FOR_EACH.min(size - from)));
    }
    let mut clients = start_clients(rounds, &listeners);
    let before = rss_bytes();
    let meter = Meter::start();
    for ((mut listener, _), share) in listeners {
        let answered = answered.clone();
        let accepting = R::spawn(async move {
            for _ in 0..share {
                let stream = R::accept(&mut listener).await;
                R::spawn(answer::<R>(stream, answered.clone())).await.leak();
            }
            listener.leak();
        });
        accepting.await.leak();
    }
    answered.reaches(size * MSG).await;
    let (_, cpu) = meter.stop();
    out.put("open", cpu * 1e6 / size as f64, "us");
    out.put("bytes", (rss_bytes() - before) / size as f64, "B");
    let meter = Meter::start();
    clients.stdin.as_mut().unwrap().write_all(b".").unwrap();
    answered.reaches(size * MSG * (1 + rounds)).await;
    out.per_op(&meter, size * rounds, "ns");
}

async fn answer<R: Runtime>(mut stream: R::Stream, answered: Rc<Tally>) {
    let mut buffer = vec![0u8; MSG];
    loop {
        let (got, back) = R::read(&mut stream, restore(buffer, MSG)).await;
        let got = got.unwrap();
        if got == 0 {
            return;
        }
        let (sent, back) = R::write_all(&mut stream, restore(back, got)).await;
        sent.unwrap();
        answered.add(got);
        buffer = back;
    }
}

/// This program again, as [`clients`].
fn start_clients<L>(rounds: usize, listeners: &[((L, SocketAddr), usize)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["clients", &rounds.to_string()]);
    for ((_, address), share) in listeners {
        command.args([address.to_string(), share.to_string()]);
    }
    command.stdin(Stdio::piped()).spawn().unwrap()
}

/// Opens connections with a message on each. At the first byte on stdin, it sends more messages on each, on all at a
/// time. The connections are open until stdin ends.
///
/// The arguments are how many more messages, then addresses, each with how many connections to it.
pub fn clients(mut arguments: impl Iterator<Item = String>) {
    // Fewer than a listener has room for before it accepts.
    const AT_ONCE: usize = 100;
    let rounds: usize = arguments.next().unwrap().parse().unwrap();
    let mut open: Vec<TcpStream> = Vec::new();
    while let Some(address) = arguments.next() {
        let until = open.len() + arguments.next().unwrap().parse::<usize>().unwrap();
        while open.len() < until {
            let from = open.len();
            for _ in 0..AT_ONCE.min(until - from) {
                open.push(TcpStream::connect(&address).expect("too many connections for this machine"));
            }
            exchange(&mut open[from..]);
        }
    }
    let mut byte = [0];
    std::io::stdin().read_exact(&mut byte).unwrap();
    for _ in 0..rounds {
        exchange(&mut open);
    }
    let _ = std::io::stdin().read(&mut byte);
}

fn exchange(streams: &mut [TcpStream]) {
    for stream in &mut *streams {
        stream.write_all(&[7; MSG]).unwrap();
    }
    for stream in streams {
        stream.read_exact(&mut [0; MSG]).unwrap();
    }
}

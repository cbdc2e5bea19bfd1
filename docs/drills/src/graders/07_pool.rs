//! Drill 7: a pool of connections.

use super::by_hand::{all_others_wait, poll_once};
use crate::{Check, reached};
use curio::{clock, ignore_after, sleep, sleep_until, spawn_named};
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

/// Makes connections, which takes a second each.
#[derive(Clone, Default)]
pub struct Connector {
    counts: Rc<Counts>,
}

#[derive(Default)]
struct Counts {
    made: Cell<u32>,
    open: Cell<u32>,
    most: Cell<u32>,
}

impl Connector {
    /// Makes a connection.
    pub async fn connect(&self) -> Connection {
        let counts = Rc::clone(&self.counts);
        let open = OpenOne::new(Rc::clone(&counts));
        sleep(Duration::from_secs(1)).await;
        counts.made.set(counts.made.get() + 1);
        Connection { number: counts.made.get(), broken: Cell::new(false), _open: open }
    }
}

/// A connection. Dropping it closes it.
pub struct Connection {
    number: u32,
    broken: Cell<bool>,
    _open: OpenOne,
}

impl Connection {
    /// Which one it is: they are counted from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether it has failed. Then it is of no use any more.
    pub fn is_broken(&self) -> bool {
        self.broken.get()
    }
}

/// A connection counts as open while it is made, and until it is dropped.
struct OpenOne(Rc<Counts>);

impl OpenOne {
    fn new(counts: Rc<Counts>) -> OpenOne {
        counts.open.set(counts.open.get() + 1);
        counts.most.set(counts.most.get().max(counts.open.get()));
        OpenOne(counts)
    }
}

impl Drop for OpenOne {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
    }
}

/// Connections that are used again.
pub trait PoolDrill: 'static {
    /// A connection on loan. Dropping it gives the connection back.
    type Lease<'p>: Deref<Target = Connection>
    where
        Self: 'p;
    /// A pool without connections, which will have at most so many at a time.
    fn new(connector: Connector, most: usize) -> Self;
    /// Waits for a connection: an idle one, or else a new one.
    fn acquire(&self) -> impl Future<Output = Self::Lease<'_>>;
}

/// The checks, from the plainest on.
pub fn checks<P: PoolDrill>() -> Vec<Check> {
    vec![
        Check::new(
            "A connection that was given back is used again, and no new one is made.",
            used_again::<P>,
        ),
        Check::new("There are never more connections than the pool may have.", never_more::<P>),
        Check::new(
            "A connection that is given back goes to the task that has waited longest.",
            in_order::<P>,
        ),
        Check::new("A broken connection is not lent again, and its place is free.", broken::<P>),
        Check::new("A call that is dropped while it connects frees its place.", dropped_connect::<P>),
        Check::new("A wait that is dropped when a connection was there for it passes it on.", passes_on::<P>),
    ]
}

fn pool<P: PoolDrill>(most: usize) -> (Rc<P>, Rc<Counts>) {
    let connector = Connector::default();
    let counts = Rc::clone(&connector.counts);
    (Rc::new(P::new(connector, most)), counts)
}

async fn used_again<P: PoolDrill>() {
    let (pool, counts) = pool::<P>(2);
    for _ in 0..3 {
        let connection = pool.acquire().await;
        assert_eq!(connection.number(), 1, "connection 1 was given back");
    }
    assert_eq!(counts.made.get(), 1, "one connection is enough for three calls, one after the other");
}

async fn never_more<P: PoolDrill>() {
    let (pool, counts) = pool::<P>(2);
    let tasks = [(); 5].map(|()| {
        let (pool, counts) = (Rc::clone(&pool), Rc::clone(&counts));
        spawn_named("worker", async move {
            let _connection = pool.acquire().await;
            let open = counts.open.get();
            assert!(open <= 2, "{open} connections are open, the pool may have 2");
            sleep(Duration::from_secs(1)).await;
        })
    });
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(counts.most.get(), 2, "so many connections were open at the same time");
}

async fn in_order<P: PoolDrill>() {
    let (pool, _counts) = pool::<P>(1);
    let (came, served) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let held = pool.acquire().await;
    let tasks = ["a", "b", "c"].map(|name| {
        let (pool, came, served) = (Rc::clone(&pool), Rc::clone(&came), Rc::clone(&served));
        spawn_named(name, async move {
            came.borrow_mut().push(name);
            let _connection = pool.acquire().await;
            served.borrow_mut().push(name);
        })
    });
    all_others_wait().await;
    reached("three tasks wait for the only connection");
    drop(held);
    for task in tasks {
        task.join().await.unwrap();
    }
    assert_eq!(
        served.take(),
        came.take(),
        "found: who got the connection; expected: who came, in this order"
    );
}

async fn broken<P: PoolDrill>() {
    let (pool, counts) = pool::<P>(1);
    let connection = pool.acquire().await;
    connection.broken.set(true);
    drop(connection);
    reached("the only connection has failed, and was given back");
    let connection = pool.acquire().await;
    assert!(!connection.is_broken(), "the connection has failed before");
    assert_eq!((connection.number(), counts.open.get()), (2, 1), "its number, and how many are open");
}

async fn dropped_connect<P: PoolDrill>() {
    let (pool, _counts) = pool::<P>(1);
    let given_up = ignore_after(Duration::from_millis(500), pool.acquire()).await;
    assert!(given_up.is_none(), "connecting takes a second");
    reached("a call was dropped while it connected");
    let _connection = pool.acquire().await;
}

async fn passes_on<P: PoolDrill>() {
    let (pool, _counts) = pool::<P>(1);
    let held = pool.acquire().await;
    let later = clock() + Duration::from_secs(1);
    let its = Rc::clone(&pool);
    let quitter = spawn_named("quitter", async move {
        let mut wait = Box::pin(its.acquire());
        assert!(poll_once(&mut wait).await.is_pending(), "main has the only connection");
        sleep_until(later).await;
        drop(wait);
    });
    all_others_wait().await;
    let its = Rc::clone(&pool);
    let second = spawn_named("second", async move { its.acquire().await.number() });
    all_others_wait().await;
    reached("two tasks wait; after a second main gives the connection back, and the first wait is dropped");
    sleep_until(later).await;
    drop(held);
    quitter.join().await.unwrap();
    assert_eq!(second.join().await.unwrap(), 1, "connection 1 was given back");
}

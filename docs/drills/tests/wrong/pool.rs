use curio::{BoundedSemaphore, Event, SemaphorePermit};
use drills::graders::pool::{Connection, Connector, PoolDrill};
use std::cell::{Cell, RefCell};
use std::ops::Deref;

/// Makes a connection whenever none is idle.
pub(crate) const NO_LIMIT: u8 = 1;
/// Does not look whether a connection is broken.
pub(crate) const LENDS_THE_BROKEN: u8 = 2;
/// Closes every connection that is given back.
pub(crate) const NEVER_AGAIN: u8 = 3;

pub(crate) struct Pool<const MISTAKE: u8> {
    connector: Connector,
    permits: BoundedSemaphore,
    idle: RefCell<Vec<Connection>>,
}

pub(crate) struct Lease<'p, const MISTAKE: u8> {
    pool: &'p Pool<MISTAKE>,
    connection: Option<Connection>,
    _permit: Option<SemaphorePermit<'p>>,
}

impl<const MISTAKE: u8> PoolDrill for Pool<MISTAKE> {
    type Lease<'p> = Lease<'p, MISTAKE>;

    fn new(connector: Connector, most: usize) -> Self {
        Pool { connector, permits: BoundedSemaphore::new(most), idle: RefCell::default() }
    }

    async fn acquire(&self) -> Lease<'_, MISTAKE> {
        let permit = if MISTAKE == NO_LIMIT { None } else { Some(self.permits.acquire().await) };
        let idle = self.idle.borrow_mut().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connector.connect().await,
        };
        Lease { pool: self, connection: Some(connection), _permit: permit }
    }
}

impl<const MISTAKE: u8> Deref for Lease<'_, MISTAKE> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("only the destructor takes it out")
    }
}

impl<const MISTAKE: u8> Drop for Lease<'_, MISTAKE> {
    fn drop(&mut self) {
        let connection = self.connection.take();
        let keeps = |connection: &Connection| !connection.is_broken() || MISTAKE == LENDS_THE_BROKEN;
        if MISTAKE != NEVER_AGAIN {
            self.pool.idle.borrow_mut().extend(connection.filter(keeps));
        }
    }
}

/// Counts connections instead of holding permits: one that is being made is counted, and not uncounted if the call is dropped.
/// Whoever comes first when one is given back gets it.
pub(crate) struct CountingPool<const IN_LINE: bool> {
    connector: Connector,
    most: usize,
    count: Cell<usize>,
    idle: RefCell<Vec<Connection>>,
    changed: Event,
    line: curio::Lock<()>,
}

pub(crate) struct CountedLease<'p, const IN_LINE: bool>(&'p CountingPool<IN_LINE>, Option<Connection>);

impl<const IN_LINE: bool> PoolDrill for CountingPool<IN_LINE> {
    type Lease<'p> = CountedLease<'p, IN_LINE>;

    fn new(connector: Connector, most: usize) -> Self {
        CountingPool {
            connector,
            most,
            count: Cell::new(0),
            idle: RefCell::default(),
            changed: Event::new(),
            line: curio::Lock::new(()),
        }
    }

    async fn acquire(&self) -> CountedLease<'_, IN_LINE> {
        let _turn = if IN_LINE { Some(self.line.acquire().await) } else { None };
        loop {
            let idle = self.idle.borrow_mut().pop();
            if let Some(connection) = idle {
                return CountedLease(self, Some(connection));
            }
            if self.count.get() < self.most {
                self.count.set(self.count.get() + 1);
                return CountedLease(self, Some(self.connector.connect().await));
            }
            self.changed.clear();
            self.changed.wait().await;
        }
    }
}

impl<const IN_LINE: bool> Deref for CountedLease<'_, IN_LINE> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.1.as_ref().expect("only the destructor takes it out")
    }
}

impl<const IN_LINE: bool> Drop for CountedLease<'_, IN_LINE> {
    fn drop(&mut self) {
        match self.1.take() {
            Some(connection) if !connection.is_broken() => self.0.idle.borrow_mut().push(connection),
            _ => self.0.count.set(self.0.count.get() - 1),
        }
        self.0.changed.set();
    }
}

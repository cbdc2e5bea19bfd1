//! Drill 7, a solution.

use crate::graders::pool::{Connection, Connector, PoolDrill};
use curio::{BoundedSemaphore, SemaphorePermit};
use std::cell::RefCell;
use std::ops::Deref;

/// Idle connections, and a permit for each connection that may exist besides them.
///
/// A lease holds a permit. With it comes the right to an idle connection or to a new one, so there are never more connections
/// than permits, and the semaphore's line is that of the pool.
pub struct Pool {
    connector: Connector,
    permits: BoundedSemaphore,
    idle: RefCell<Vec<Connection>>,
}

/// A connection on loan.
pub struct Lease<'p> {
    pool: &'p Pool,
    /// Taken out by the destructor.
    connection: Option<Connection>,
    /// Released after the destructor has run: then the connection is back among the idle ones already.
    _permit: SemaphorePermit<'p>,
}

impl PoolDrill for Pool {
    type Lease<'p> = Lease<'p>;

    fn new(connector: Connector, most: usize) -> Pool {
        Pool { connector, permits: BoundedSemaphore::new(most), idle: RefCell::default() }
    }

    async fn acquire(&self) -> Lease<'_> {
        let permit = self.permits.acquire().await;
        // A statement of its own: the borrow must not last over the await.
        let idle = self.idle.borrow_mut().pop();
        let connection = match idle {
            Some(connection) => connection,
            // If this is dropped while it connects, the permit is dropped as well, and the place is free.
            None => self.connector.connect().await,
        };
        Lease { pool: self, connection: Some(connection), _permit: permit }
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("only the destructor takes it out")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.pool.idle.borrow_mut().extend(connection.filter(|connection| !connection.is_broken()));
    }
}

// NOT BEGUN: remove this line when you begin.
//! # Drill 7: a pool of connections
//!
//! Connections are expensive to make, so they are used again. Build the pool on the primitives of `curio`.
//!
//! The rules:
//!
//! * `acquire` lends an idle connection; if there is none, it makes one with `Connector::connect`, which takes a second.
//! * There are never more than `most` connections, those that are being made included. With all of them lent, `acquire` waits,
//!   first come, first served.
//! * Dropping a lease gives the connection back. One that is broken is closed (dropped) instead, and its place is free.
//! * `acquire` may be dropped at any of its awaits: while it waits, while it connects, and when a connection was there for it
//!   already. No place and no connection is lost.
//!
//! Read first: chapter 12 of the tour (a client on top), and chapter 7 for what a semaphore guarantees.

use crate::graders::pool::{Connection, Connector, PoolDrill};
use std::ops::Deref;

/// Connections that are used again.
pub struct Pool {
    connector: Connector,
}

/// A connection on loan.
pub struct Lease {
    connection: Connection,
}

impl PoolDrill for Pool {
    type Lease<'p> = Lease;

    fn new(connector: Connector, _most: usize) -> Pool {
        Pool { connector }
    }

    async fn acquire(&self) -> Lease {
        Lease { connection: self.connector.connect().await }
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

//! Connections: how they are made, kept, shared, read and written.

pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod deadline;
pub(crate) mod dialer;
pub(crate) mod failure;
mod idle_reaper;
mod keep_alive;
pub(crate) mod pool;
pub(crate) mod proxy;
mod read_buffer;
pub(crate) mod resolver;
pub(crate) mod route;
pub(crate) mod stream;
pub(crate) mod timings;
pub(crate) mod tls;
pub(crate) mod upgraded;

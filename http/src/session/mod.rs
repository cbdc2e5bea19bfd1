//! The session, and the builders of sessions and requests: what a caller holds.

pub(crate) mod builder;
pub(crate) mod client;
pub(crate) mod request_builder;

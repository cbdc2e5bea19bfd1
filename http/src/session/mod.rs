//! The session, and the builders of sessions and requests: what a caller holds.
//!
//! ```text
//! client.rs            ClientSession, and the functions for a single request
//! request_builder.rs   RequestBuilder: a request step by step; awaiting it sends the request
//! download.rs          Download: into a file, going on with what an earlier attempt has left
//! event_source.rs      EventSource: server-sent events across connections
//! builder/             ClientSessionBuilder: the settings of a session one by one
//! ```

pub(crate) mod builder;
pub(crate) mod client;
pub(crate) mod download;
pub(crate) mod event_source;
pub(crate) mod request_builder;

#![forbid(unsafe_code)]
//! An HTTP/1.1 client for the `curio` runtime.

mod auth;
mod body;
mod builder;
mod charset;
mod connect;
mod connection;
mod cookies;
mod decode;
mod download;
mod error;
pub mod h1;
mod incoming;
mod links;
mod patience;
mod payload;
mod pieces;
mod pool;
mod redirect;
mod request;
mod response;
mod send;
mod session;
mod stream;
mod timings;
mod tls;
mod tls_error;
mod trust;
mod upload;
mod url;

pub use body::Body;
pub use builder::ClientSessionBuilder;
pub use cookies::Cookie;
pub use error::{Error, ErrorKind};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use links::Link;
pub use pieces::{Chunks, Lines};
pub use redirect::{Attempt, Policy};
pub use request::{Request, RequestBuilder, ResponseFuture};
pub use response::Response;
pub use session::{ClientSession, delete, get, head, options, patch, post, put, request};
pub use timings::Timings;
pub use url::{IntoUrl, Url};

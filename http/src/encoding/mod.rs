//! Encodings that several rooms read or write.
//!
//! ```text
//! base64.rs          Basic credentials
//! date.rs            Expires, Retry-After, days of certificates
//! hex.rs             percent-encoding and digests
//! quoted_string.rs   values of parameters in header fields
//! ```

pub(crate) mod base64;
pub(crate) mod date;
pub(crate) mod hex;
pub(crate) mod quoted_string;

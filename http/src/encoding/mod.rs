//! Text forms that several rooms read or write, each in one place.

pub(crate) mod base64;
pub(crate) mod date;
pub(crate) mod hex;
pub(crate) mod quoted_string;

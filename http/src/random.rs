//! Random numbers: for boundaries, client nonces, and the spread of retries.

use std::hash::{BuildHasher, RandomState};

/// 64 bits that differ at each call and cannot be guessed from outside: the standard library seeds its hash tables from
/// the system's random source, and this asks one of them.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().hash_one(())
}

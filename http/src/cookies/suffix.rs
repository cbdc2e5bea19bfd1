//! Domains under which strangers register.
//!
//! A cookie for `com` would go to half the world, one for `co.uk` to a good part of it. Which domains are of this kind
//! cannot be seen from the name; Mozilla keeps [a list](https://publicsuffix.org), and the Cargo feature `psl` builds it
//! in. Without it, only what has no dot in it counts as such a domain, which stops `com` and not `co.uk`: a program that
//! keeps cookies of sites that do not trust each other wants the feature.

/// Whether nobody may set a cookie for all hosts below `domain` (lower case, without a leading dot).
#[cfg(feature = "psl")]
pub(super) fn is_public(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    // `psl` also calls unknown top-level domains suffixes, as the list's algorithm demands.
    !domain.contains('.') || psl::suffix_str(domain) == Some(domain)
}

/// Whether nobody may set a cookie for all hosts below `domain` (lower case, without a leading dot).
#[cfg(not(feature = "psl"))]
pub(super) fn is_public(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    !domain.contains('.')
}

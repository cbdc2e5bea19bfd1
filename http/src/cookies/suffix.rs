//! Public suffixes: domains whose subdomains have different owners.
//!
//! A cookie for `com` or `co.uk` would be sent to the sites of many owners. Such domains cannot be recognised by their name;
//! Mozilla maintains [a list](https://publicsuffix.org), which the Cargo feature `psl` compiles in. Without it, only domains
//! without a dot count as public suffixes: `com`, but not `co.uk`. Programs that store cookies of sites that do not trust
//! each other should enable the feature.

/// Whether `domain` (lower case, without a leading dot) is a public suffix, for which no cookies may be set.
#[cfg(feature = "psl")]
pub(super) fn is_public(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    // `psl` also treats unknown top-level domains as suffixes, as the algorithm of the list demands.
    !domain.contains('.') || psl::suffix_str(domain) == Some(domain)
}

/// Whether `domain` (lower case, without a leading dot) is a public suffix, for which no cookies may be set.
#[cfg(not(feature = "psl"))]
pub(super) fn is_public(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    !domain.contains('.')
}

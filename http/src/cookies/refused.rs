//! Why a cookie is not taken.
//!
//! What a server sets and may not set is dropped without a word: the sender would not hear it, and a line per cookie
//! would be a way to fill somebody's log. Whoever sets a cookie by hand, or loads a file, is told.

use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    Control,
    Nameless,
    /// A `;`, a `=` in the name, or a space at an end: it would become another cookie on the way.
    Separator,
    TooLarge,
    /// `Domain` is not the host that sets it, nor a domain above it.
    ForeignDomain,
    /// `Domain` is one under which strangers register.
    PublicSuffix,
    /// `Secure`, but set over http.
    SecureOverHttp,
    /// A secure cookie would be hidden or replaced by one set over http.
    WouldShadowSecure,
    /// A `__Secure-` or `__Host-` cookie that is not what its name promises.
    Prefix,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Control => "a cookie may hold no control characters",
            Refused::Nameless => "a cookie needs a name",
            Refused::Separator => "it would not be read as it is written: there is a ; in it, a = in the name, or a space at an end",
            Refused::TooLarge => "name and value together are longer than 4096 bytes",
            Refused::ForeignDomain => "its domain is neither the host's own nor above it",
            Refused::PublicSuffix => "its domain belongs to many owners",
            Refused::SecureOverHttp => "a secure cookie can only be set over https",
            Refused::WouldShadowSecure => "it would take the place of a secure cookie, and came over http",
            Refused::Prefix => {
                "a name with __Secure- needs Secure and https; one with __Host- needs Path=/ as well, and no Domain"
            }
        })
    }
}

impl std::error::Error for Refused {}

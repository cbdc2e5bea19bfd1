//! Why a cookie is refused.
//!
//! If a response sets a cookie that its server may not set, the cookie is dropped without a message: the server would not
//! see it, and could fill a log with such messages. A program that sets a cookie or loads a file gets an error.

use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    Control,
    Nameless,
    /// A `;`, a `=` in the name, or a leading or trailing space: the server would read another cookie.
    Separator,
    TooLarge,
    /// `Domain` is not the host that sets it, nor a domain above it.
    ForeignDomain,
    /// `Domain` is a public suffix, whose subdomains have different owners, or an IP address.
    PublicSuffix,
    /// `Secure`, but set over http.
    SecureOverHttp,
    /// It was set over http and would hide or replace a secure cookie.
    WouldShadowSecure,
    /// A `__Secure-` or `__Host-` cookie that does not meet the conditions of its name.
    Prefix,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Control => "a cookie may not contain control characters",
            Refused::Nameless => "a cookie needs a name",
            Refused::Separator => "the server would read another cookie: it contains a ; or a = in the name, or begins or ends with a space",
            Refused::TooLarge => "name and value together are longer than 4096 bytes",
            Refused::ForeignDomain => "its domain is neither the host nor a domain above it",
            Refused::PublicSuffix => "its domain is a public suffix or an IP address, and cannot include subdomains",
            Refused::SecureOverHttp => "a secure cookie can only be set over https",
            Refused::WouldShadowSecure => "it was set over http and would hide or replace a secure cookie",
            Refused::Prefix => {
                "a __Secure- cookie needs Secure and https; a __Host- cookie also needs Path=/ and no Domain"
            }
        })
    }
}

impl std::error::Error for Refused {}

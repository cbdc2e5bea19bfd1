//! The name prefixes `__Secure-` and `__Host-` (RFC 6265bis §4.1.3).
//!
//! A server sees only names and values, and cannot tell which host set a cookie, or whether it was set over https. The
//! prefixes tell it, provided that clients refuse other cookies with such names. They are compared without regard to case,
//! because some servers ignore the case of names, and would accept `__host-`.

use super::cookie::Cookie;

/// Whether the cookie meets the conditions of its name. `came_securely`: it was set over https, or comes from a file.
pub(super) fn is_honest(cookie: &Cookie, came_securely: bool) -> bool {
    let secure = cookie.secure && came_securely;
    if begins_with(&cookie.name, "__Host-") {
        secure && cookie.host_only && cookie.path.as_deref() == Some("/")
    } else if begins_with(&cookie.name, "__Secure-") {
        secure
    } else {
        true
    }
}

fn begins_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

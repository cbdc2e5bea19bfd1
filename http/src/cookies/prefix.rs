//! Names that promise something (RFC 6265bis §4.1.3).
//!
//! A server sees names and values only, and cannot tell who set a cookie, or whether it came over https. A name that
//! begins with `__Secure-` or `__Host-` tells it, provided that clients keep everything else from having such a name.
//! Capitals make no difference: servers that ignore them would otherwise be deceived by `__host-`.

use super::cookie::Cookie;

/// Whether the cookie is what its name promises. `came_securely`: over https, or from somebody who is trusted.
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

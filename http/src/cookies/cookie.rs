//! One cookie: a name, a value, and where and until when it is sent.

use std::fmt;
use std::time::SystemTime;

/// A cookie: as a response sets it ([`Response::cookies`](crate::Response::cookies)), or as a [`CookieJar`] stores it.
///
/// Name and value are as the server sent them, without any quoting or decoding. If they are not UTF-8, each byte is shown as
/// the character with that number (Latin-1); the original bytes are sent to the server.
///
/// ```
/// use curio_http::mock::{Answer, Mock};
/// use curio_http::SameSite;
///
/// let mock = Mock::new().otherwise(|_| {
///     Answer::text("welcome").header("Set-Cookie", "id=7; Domain=shop.test; Secure; HttpOnly; SameSite=Lax")
/// });
/// curio::testing::run(async {
///     let session = mock.session();
///     let response = session.get("https://www.shop.test/").await?;
///     let cookie = &response.cookies()[0];
///     assert_eq!((cookie.name(), cookie.value()), ("id", "7"));
///     assert_eq!((cookie.domain(), cookie.path()), (Some("shop.test"), None));
///     assert!(cookie.is_secure() && cookie.is_http_only() && !cookie.is_host_only());
///     assert_eq!(cookie.same_site(), Some(SameSite::Lax));
///     assert_eq!(cookie.expires(), None); // until the session ends
///
///     // In the jar it has what the attributes left open.
///     let stored = session.cookies().iter().next().unwrap();
///     assert_eq!(stored.path(), Some("/"));
///     Ok::<(), curio_http::Error>(())
/// }).unwrap();
/// ```
/// [`CookieJar`]: crate::CookieJar
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie {
    pub(super) name: String,
    pub(super) value: String,
    /// Name and value are Latin-1 and not UTF-8.
    pub(super) latin1: bool,
    pub(super) domain: Option<String>,
    pub(super) host_only: bool,
    pub(super) path: Option<String>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) same_site: Option<SameSite>,
    pub(super) expires: Option<SystemTime>,
}

/// The `SameSite` attribute. It tells browsers which pages may cause a cookie to be sent; a client without pages only stores
/// it, and sends the cookie in any case.
/// [`Cookie`] has an example.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SameSite {
    /// Only within the site.
    Strict,
    /// Within the site, and when a link to it is followed.
    Lax,
    /// From anywhere.
    None,
}

impl Cookie {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, as the server sent it.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// In a jar: the host that the cookie belongs to. In a response: the `Domain` attribute, without a leading dot. Unless
    /// it is [host-only](Cookie::is_host_only), the cookie is also sent to all subdomains.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Whether the cookie is sent only to the host that set it.
    pub fn is_host_only(&self) -> bool {
        self.host_only
    }

    /// The cookie is sent for this path and those below it. In a response: the `Path` attribute, if there is one.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Whether it is sent over https only.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it has the `HttpOnly` attribute, which hides it from scripts in browsers.
    pub fn is_http_only(&self) -> bool {
        self.http_only
    }

    /// The `SameSite` attribute.
    pub fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// When it expires; `None` for a session cookie.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Writes `name=value`, byte for byte as the server sent it.
    pub(super) fn write_pair(&self, out: &mut Vec<u8>) {
        self.write(&self.name, out);
        out.push(b'=');
        self.write(&self.value, out);
    }

    /// Writes its name, value or path, byte for byte as the server sent it.
    pub(super) fn write(&self, text: &str, out: &mut Vec<u8>) {
        if self.latin1 {
            out.extend(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')));
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// The length of name and value in bytes, as they are sent.
    pub(super) fn size(&self) -> usize {
        let length = |text: &str| if self.latin1 { text.chars().count() } else { text.len() };
        length(&self.name) + length(&self.value)
    }
}

impl fmt::Debug for Cookie {
    /// Without the value, which is often a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("host_only", &self.host_only)
            .field("path", &self.path)
            .field("secure", &self.secure)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

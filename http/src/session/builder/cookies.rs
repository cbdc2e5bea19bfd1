//! Cookies: whether they are kept, and where.

use super::ClientSessionBuilder;
use crate::cookies::CookieJar;

impl ClientSessionBuilder {
    /// Whether cookies are kept and sent; they are by default. With `false`, the session's jar is neither filled nor
    /// read. A request's own `Cookie` field is sent in any case.
    pub fn cookies(mut self, on: bool) -> Self {
        self.settings.cookies = on;
        self
    }

    /// The cookie jar: one that was loaded from a file, or one that several sessions share. Switches
    /// [`cookies`](ClientSessionBuilder::cookies) on.
    pub fn cookie_jar(mut self, jar: CookieJar) -> Self {
        self.settings.cookies = true;
        self.settings.jar = jar.into();
        self
    }
}

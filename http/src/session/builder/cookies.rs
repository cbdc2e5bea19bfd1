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
    /// ```
    /// use curio_http::mock::{Answer, Mock};
    /// use curio_http::{ClientSession, CookieJar};
    ///
    /// let mock = Mock::new().otherwise(|request| match request.path() {
    ///     "/login" => Answer::new(204).header("Set-Cookie", "id=7"),
    ///     _ => Answer::text(request.header("cookie").unwrap_or("a stranger")),
    /// });
    /// let jar = CookieJar::new();
    /// let session = |jar: &CookieJar| ClientSession::builder().connector(mock.clone()).cookie_jar(jar.clone()).build();
    /// let (api, pages) = (session(&jar)?, session(&jar)?);
    /// let forgetful = ClientSession::builder().connector(mock.clone()).cookies(false).build()?;
    ///
    /// curio::testing::run(async {
    ///     api.post("http://test/login").await?;
    ///     assert_eq!(pages.get("http://test/home").await?.text().await?, "id=7");
    ///     assert_eq!(forgetful.get("http://test/home").await?.text().await?, "a stranger");
    ///     Ok::<(), curio_http::Error>(())
    /// })?;
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn cookie_jar(mut self, jar: CookieJar) -> Self {
        self.settings.cookies = true;
        self.settings.jar = jar.into();
        self
    }
}

//! The body as text, and which character set it is decoded from.
//!
//! In this order: what the program has set for this response, what the `Content-Type` field names, the session's default,
//! UTF-8. A byte order mark at the beginning of the text comes before all of them, as in browsers.

use crate::connections::connection::ResponseHead;
use crate::error::{Error, ErrorKind};
use crate::response::Response;
use crate::response::charset;
use curio::debug::region_at;
use std::panic::Location;
use std::rc::Rc;

/// What decides about the character set besides the header fields. Most responses have none.
#[derive(Default, Debug)]
pub(super) struct TextEncoding {
    own: Option<Box<str>>,
    default: Option<Rc<str>>,
}

/// The character set that text is decoded from, if one is known.
pub(super) fn label<'a>(encoding: Option<&'a TextEncoding>, head: &'a ResponseHead) -> Option<&'a str> {
    named(encoding, head).or_else(|| encoding?.default.as_deref())
}

/// The same without the session's default.
fn named<'a>(encoding: Option<&'a TextEncoding>, head: &'a ResponseHead) -> Option<&'a str> {
    let own = encoding.and_then(|encoding| encoding.own.as_deref());
    own.or_else(|| charset::of(head.ascii_value("content-type")?))
}

/// # Errors
/// Of kind [`Request`](ErrorKind::Request), if `label` is not that of a character set that this build supports.
pub(crate) fn check_label(label: &str) -> Result<(), Error> {
    if charset::is_supported(label) {
        return Ok(());
    }
    let hint = if cfg!(feature = "charset") {
        "it has no encoding of this name"
    } else {
        "without the feature `charset` it has UTF-8, ASCII and Latin-1"
    };
    let what = format!("{label:?} is not a character set that this build supports: {hint}");
    Err(Error::new(ErrorKind::Request, what))
}

impl Response {
    /// The character set of a text whose `Content-Type` field names none.
    pub(crate) fn set_default_encoding(&mut self, label: &Rc<str>) {
        self.inner.encoding.get_or_insert_default().default = Some(Rc::clone(label));
    }

    /// The character set that text is decoded from: the one that was [set](Response::set_encoding), or else the one that the
    /// `Content-Type` field names, or else the session's [default](crate::ClientSessionBuilder::default_encoding).
    pub fn encoding(&self) -> Option<&str> {
        label(self.inner.encoding.as_deref(), &self.inner.head)
    }

    /// Sets the character set that [`text`](Response::text) and [`iter_lines`](Response::iter_lines) decode from, whatever the
    /// server says: for one that says the wrong thing. Like `response.encoding = …` in Python's requests and httpx.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let mut response = session.get("https://example.org/old.txt").await?;
    /// response.set_encoding("windows-1252")?;
    /// println!("{}", response.text().await?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if this build does not support it: most need the feature `charset`.
    pub fn set_encoding(&mut self, label: &str) -> Result<(), Error> {
        check_label(label).map_err(|error| self.located(error))?;
        self.inner.encoding.get_or_insert_default().own = Some(label.into());
        Ok(())
    }

    /// The body as text, decoded from the character set that the `Content-Type` field names; from the session's
    /// [default](crate::ClientSessionBuilder::default_encoding), which is UTF-8, if it names none. Invalid bytes become
    /// `U+FFFD`. The body is kept.
    ///
    /// # Errors
    /// Of kind [`Decode`](ErrorKind::Decode) if this build does not support the character set; otherwise as
    /// [`binary`](Response::binary).
    #[track_caller]
    pub fn text(&mut self) -> impl Future<Output = Result<String, Error>> {
        region_at(Location::caller(), self.body_label(), async move {
            let bytes = self.whole().await?;
            charset::decode(&bytes, self.encoding()).map_err(|error| self.located(error))
        })
    }

    /// [`text`](Response::text), decoded from `default` if the `Content-Type` field names no character set, as in reqwest. For a
    /// server that names a wrong one, see [`set_encoding`](Response::set_encoding).
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request) if this build does not support `default`; otherwise as
    /// [`text`](Response::text).
    #[track_caller]
    pub fn text_with_charset(&mut self, default: &str) -> impl Future<Output = Result<String, Error>> {
        let default = default.to_owned();
        region_at(Location::caller(), self.body_label(), async move {
            check_label(&default).map_err(|error| self.located(error))?;
            let bytes = self.whole().await?;
            let label = named(self.inner.encoding.as_deref(), &self.inner.head).unwrap_or(&default);
            charset::decode(&bytes, Some(label)).map_err(|error| self.located(error))
        })
    }
}

//! What a request is called in pictures and traces of the program: the label of its [region](curio::debug::region()).

use crate::url::Url;
use http::Method;
use std::fmt::{self, Display};

/// A method and a URL without credentials, if anything is going to show them; small, because every request has one.
pub(crate) struct Label(Option<Box<str>>);

/// `GET https://example.com/`
pub(crate) fn of_request(method: &Method, url: &Url) -> Label {
    Label::new(|| format!("{method} {}", url.without_credentials()))
}

/// The same for reading the body of its response.
pub(crate) fn of_body(method: &Method, url: &Url) -> Label {
    Label::new(|| format!("body of {method} {}", url.without_credentials()))
}

impl Label {
    fn new(text: impl FnOnce() -> String) -> Label {
        Label(curio::debug::is_watched().then(|| text().into()))
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("an HTTP request"))
    }
}

//! Changing a URL, and its query as pairs.
//!
//! A change goes through the parser, so that the result is what parsing the changed text would give, and through the checks of
//! `check.rs`. What a part may not contain as it is gets percent-encoded; control characters are refused, as in
//! [`Url::parse`].

use super::{Url, check};
use crate::error::{Error, ErrorKind};
use std::borrow::Cow;

impl Url {
    /// The query as pairs of names and values, decoded as a form (`application/x-www-form-urlencoded`): `+` is a space, and
    /// bytes that are not UTF-8 become `U+FFFD`.
    ///
    /// ```
    /// # use curio_http::Url;
    /// let url: Url = "https://h/search?q=a+b&page=2&page=3".parse()?;
    /// let pages: Vec<_> = url.query_pairs().filter(|(name, _)| name == "page").map(|(_, value)| value).collect();
    /// assert_eq!(pages, ["2", "3"]);
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.query().unwrap_or_default().as_bytes())
    }

    /// Adds a pair to the query, form-encoded.
    ///
    /// ```
    /// # use curio_http::Url;
    /// let mut url: Url = "https://h/search?q=x".parse()?;
    /// url.append_query_pair("to", "a&b");
    /// assert_eq!(url.as_str(), "https://h/search?q=x&to=a%26b");
    /// # Ok::<(), curio_http::Error>(())
    /// ```
    pub fn append_query_pair(&mut self, name: &str, value: &str) {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        self.append_query(&pair);
    }

    /// The segments of the path, percent-encoded as they stand there: of `/a/b%20c/`, they are `a`, `b%20c` and an empty one.
    pub fn path_segments(&self) -> impl Iterator<Item = &str> {
        self.path()[1..].split('/')
    }

    /// Replaces the path. `?` and `#` in it are encoded; `.` and `..` are resolved.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for control characters.
    pub fn set_path(&mut self, path: &str) -> Result<(), Error> {
        self.change("path", path, |url| {
            url.set_path(path);
            Ok(())
        })
    }

    /// Replaces the query, the part after `?`, by a text that is written as a query already (`a=1&b=2`); `None` removes it.
    /// [`append_query_pair`](Url::append_query_pair) encodes names and values.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for control characters.
    pub fn set_query(&mut self, query: Option<&str>) -> Result<(), Error> {
        self.change("query", query.unwrap_or_default(), |url| {
            url.set_query(query);
            Ok(())
        })
    }

    /// Replaces the fragment, the part after `#`; `None` removes it.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for control characters.
    pub fn set_fragment(&mut self, fragment: Option<&str>) -> Result<(), Error> {
        self.change("fragment", fragment.unwrap_or_default(), |url| {
            url.set_fragment(fragment);
            Ok(())
        })
    }

    /// Replaces the scheme by `http` or `https`. A port that is the default of the new scheme is dropped.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for any other scheme.
    pub fn set_scheme(&mut self, scheme: &str) -> Result<(), Error> {
        self.change("scheme", scheme, |url| match scheme {
            "http" | "https" => url.set_scheme(scheme),
            _ => Err(()),
        })
    }

    /// Replaces the host: a name or an IP address (IPv6 with or without brackets), without a port.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for anything else.
    pub fn set_host(&mut self, host: &str) -> Result<(), Error> {
        let normal = Url::normal_host(host)?;
        self.change("host", host, |url| url.set_host(Some(&normal)).map_err(drop))
    }

    /// Replaces the port; `None` stands for the default of the scheme.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for port 0, which cannot be connected to.
    pub fn set_port(&mut self, port: Option<u16>) -> Result<(), Error> {
        let shown = port.map(|port| port.to_string()).unwrap_or_default();
        self.change("port", &shown, |url| url.set_port(port))
    }

    /// Replaces the user name; an empty one removes it.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for control characters.
    pub fn set_username(&mut self, name: &str) -> Result<(), Error> {
        self.change("user name", name, |url| url.set_username(name))
    }

    /// Replaces the password; `None` removes it.
    ///
    /// # Errors
    /// Of kind [`Url`](ErrorKind::Url), for control characters; the message does not show them.
    pub fn set_password(&mut self, password: Option<&str>) -> Result<(), Error> {
        if password.is_some_and(|password| password.contains(char::is_control)) {
            return Err(Error::new(
                ErrorKind::Url,
                "the password of a URL may not contain a control character",
            ));
        }
        self.change("password", "", |url| url.set_password(password))
    }

    /// Applies a change to the parsed form. Nothing is changed if there is an error.
    fn change(
        &mut self,
        part: &'static str,
        text: &str,
        apply: impl FnOnce(&mut url::Url) -> Result<(), ()>,
    ) -> Result<(), Error> {
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let why = format!("the {part} of a URL may not contain the control character {control:?}");
            return Err(check::unusable(text, why));
        }
        let parsed = url::Url::parse(&self.text);
        let mut changed =
            parsed.map_err(|cause| check::unusable(&self.text, "not a valid URL").because(cause))?;
        apply(&mut changed)
            .map_err(|()| check::unusable(text, format!("this cannot be the {part} of a URL")))?;
        *self = check::parsed(text, &changed)?;
        Ok(())
    }
}

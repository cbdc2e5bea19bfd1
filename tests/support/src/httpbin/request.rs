//! A request as the routes see it: a value, with its body in memory.

/// One complete request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// As sent: methods are case-sensitive.
    pub(crate) method: String,
    /// The path as sent, percent-encoding and all. It starts with `/`, or is `*`.
    pub(crate) path: String,
    /// What follows the first `?`, as sent; empty when there is none.
    pub(crate) query: String,
    /// In the order of arrival, duplicates and all. Bytes above 127 stand for themselves (Latin-1).
    pub(crate) headers: Vec<(String, String)>,
    /// Without any framing.
    pub(crate) body: Vec<u8>,
    /// HTTP/1.0 when 0, HTTP/1.1 when 1.
    pub(crate) minor_version: u8,
}

impl Request {
    /// The value of the first header of this name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The values of all headers of this name, in any case.
    pub(crate) fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated header holds this word, in any case (RFC 9110 §5.6.1).
    pub(crate) fn header_has_token(&self, name: &str, token: &str) -> bool {
        self.header_values(name)
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    }

    /// The media type of the body in lower case, without parameters; empty when there is none.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The segments of the path, each decoded separately, so that `/a%2Fb/c` is `["a/b", "c"]`.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').map(percent_decoded).collect()
    }

    /// The query's names and values, decoded, in order.
    pub(crate) fn args(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The first value that the query has for this name.
    pub(crate) fn arg(&self, name: &str) -> Option<String> {
        self.args().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Path and query as sent.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// Whether the client wants the connection kept open after the response (RFC 9112 §9.3).
    pub(crate) fn wants_keep_alive(&self) -> bool {
        if self.header_has_token("connection", "close") {
            return false;
        }
        self.minor_version >= 1 || self.header_has_token("connection", "keep-alive")
    }
}

/// `%41` becomes `A`; a `%` that no two hexadecimal digits follow stays. What is not UTF-8 then is replaced.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => {
                hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| high * 16 + low)
            }
            _ => None,
        };
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of one hexadecimal digit.
pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_without_digits_stay() {
        assert_eq!(percent_decoded("a%41%zz%4"), "aA%zz%4");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%C3%A4"), "ä");
    }

    #[test]
    fn segments_are_decoded_one_by_one() {
        let request = Request { path: "/basic-auth/a%2Fb/c".into(), ..Request::default() };
        assert_eq!(request.segments(), ["basic-auth", "a/b", "c"]);
    }

    #[test]
    fn connection_headers_are_lists_in_any_case() {
        let request = |value: &str, minor_version| Request {
            headers: vec![("CONNECTION".into(), value.into())],
            minor_version,
            ..Request::default()
        };
        assert!(!request("foo, Close", 1).wants_keep_alive());
        assert!(request("foo", 1).wants_keep_alive());
        assert!(!request("foo", 0).wants_keep_alive());
        assert!(request("Keep-Alive", 0).wants_keep_alive());
    }
}

//! Parsing `Link` fields (RFC 8288 §3), which APIs use for the URL of the next page.
//!
//! ```text
//! Link: <https://api.example.org/items?page=2>; rel="next", </items>; rel=start; title="All"
//! ```
//!
//! A comma separates links, but may also occur inside the angle brackets or a quoted string, so the field is scanned and
//! not split at commas. From the first syntax error on, the rest of that field is ignored.

use crate::encoding::quoted_string;
use crate::url::Url;
use http::HeaderMap;
use http::header::LINK;

/// A link from a `Link` field.
/// ```
/// # use curio_http::Error;
/// # use curio_http::mock::{Answer, Mock};
/// # let mock = Mock::new().otherwise(|request| match request.query() {
/// #     None => Answer::text("one ").header("Link", "</items?page=2>; rel=next; title=\"Page 2\""),
/// #     Some(_) => Answer::text("two"),
/// # });
/// # let text = curio::testing::run(async {
/// # let session = mock.session();
/// let mut text = String::new();
/// let mut next = Some("http://test/items".parse()?);
/// while let Some(url) = next {
///     let mut response = session.get(url).await?;
///     text += &response.text().await?;
///     let links = response.links();
///     let link = links.iter().find(|link| link.rel() == Some("next"));
///     next = link.map(|link| {
///         println!("then {}", link.param("title").unwrap_or("the next page"));
///         link.url().clone()
///     });
/// }
/// # Ok::<_, Error>(text)
/// # }).unwrap();
/// assert_eq!(text, "one two");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    url: Url,
    params: Vec<(String, String)>,
}

impl Link {
    /// The target of the link, resolved against the response's URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The relation type: `next`, `last`… There may be several, separated by spaces.
    pub fn rel(&self) -> Option<&str> {
        self.param("rel")
    }

    /// A parameter by its name, in any case; of several, the first.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The links in these headers.
pub(crate) fn of(headers: &HeaderMap, base: &Url) -> Vec<Link> {
    let mut links = Vec::new();
    for field in headers.get_all(LINK).iter().filter_map(|field| field.to_str().ok()) {
        let mut rest = field;
        while let Some((link, behind)) = next(rest) {
            let (target, params) = link;
            if let Ok(url) = base.join(target) {
                links.push(Link { url, params });
            }
            rest = behind;
        }
    }
    links
}

type Parsed<'a> = (&'a str, Vec<(String, String)>);

/// One link and what follows it.
fn next(text: &str) -> Option<(Parsed<'_>, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    let (target, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let mut params = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(behind) = rest.strip_prefix(';') else { break };
        let behind = behind.trim_start();
        let end = behind.find(['=', ';', ',']).unwrap_or(behind.len());
        let (name, behind) = behind.split_at(end);
        let (value, behind) = match behind.strip_prefix('=') {
            Some(behind) => quoted_string::split(behind.trim_start(), &[';', ','])?,
            None => (String::new(), behind),
        };
        if !name.trim().is_empty() {
            params.push((name.trim().to_owned(), value));
        }
        rest = behind;
    }
    Some(((target, params), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn links(field: &'static str) -> Vec<Link> {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, HeaderValue::from_static(field));
        of(&headers, &Url::parse("http://h/a/b").expect("a valid URL"))
    }

    #[test]
    fn several_links_with_their_parameters_are_read() {
        let links = links("<http://x/?page=2>; rel=\"next\", </c>;rel=start; Title=\"A, \\\"B\\\"; c\", <d>");
        assert_eq!(
            links.iter().map(|link| link.url().as_str()).collect::<Vec<_>>(),
            ["http://x/?page=2", "http://h/c", "http://h/a/d"]
        );
        assert_eq!(links[0].rel(), Some("next"));
        assert_eq!((links[1].rel(), links[1].param("title")), (Some("start"), Some("A, \"B\"; c")));
        assert_eq!(links[2].rel(), None);
    }

    #[test]
    fn a_comma_inside_a_url_separates_nothing() {
        assert_eq!(links("<http://x/a,b>; rel=next")[0].url().as_str(), "http://x/a,b");
    }

    #[test]
    fn nonsense_gives_no_links_and_no_panic() {
        for nonsense in ["", "x", "<", "<a", "<a>;;;=", "<a>; rel=\"x", ",,,", "<ftp://x/>"] {
            assert!(links(nonsense).len() <= 1, "{nonsense}");
        }
    }
}

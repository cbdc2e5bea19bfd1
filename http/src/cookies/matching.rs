//! Which hosts and paths a cookie is for (RFC 6265bis §5.1.3 and §5.1.4).
//!
//! Both match at boundaries only. `example.com` covers `www.example.com` and not `notexample.com`; `/foo` covers `/foo/bar`
//! and not `/foobar`. Hosts arrive here as [`Url`](crate::Url) has them: lower case, ASCII, IPv6 addresses in brackets.

use std::net::Ipv4Addr;

/// Whether `host` is `domain` or a subdomain of it. IP addresses have no subdomains.
pub(super) fn host_is_within(host: &str, domain: &str) -> bool {
    host == domain
        || (!is_address(host) && host.strip_suffix(domain).is_some_and(|above| above.ends_with('.')))
}

/// `host`, and every domain above it: `a.b.c`, `b.c`, `c`. For an IP address, only itself.
pub(super) fn domains_of(host: &str) -> impl Iterator<Item = &str> {
    let address = is_address(host);
    std::iter::successors(Some(host), move |domain| {
        let (_, above) = domain.split_once('.').filter(|_| !address)?;
        Some(above).filter(|above| !above.is_empty())
    })
}

pub(super) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()
}

/// Whether a cookie with the path `cookie` is sent with a request for `path`.
pub(super) fn path_is_within(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|below| below.is_empty() || cookie.ends_with('/') || below.starts_with('/'))
}

/// The path of a cookie without a `Path`: the folder of the URL that set it.
pub(super) fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(last) if last > 0 && path.starts_with('/') => &path[..last],
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_covers_itself_and_what_is_below_a_dot() {
        assert!(host_is_within("example.com", "example.com"));
        assert!(host_is_within("a.b.example.com", "example.com"));
        for host in ["notexample.com", "example.com.evil", "com", "example.com.", "ample.com"] {
            assert!(!host_is_within(host, "example.com"), "{host}");
        }
    }

    #[test]
    fn an_address_covers_only_itself() {
        assert!(host_is_within("127.0.0.1", "127.0.0.1"));
        assert!(!host_is_within("127.0.0.1", "0.0.1"));
        assert!(!host_is_within("[::1]", "1]"));
        assert_eq!(domains_of("127.0.0.1").collect::<Vec<_>>(), ["127.0.0.1"]);
    }

    #[test]
    fn the_domains_above_a_host_are_found() {
        assert_eq!(domains_of("a.b.c").collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
        assert_eq!(domains_of("a.b.").collect::<Vec<_>>(), ["a.b.", "b."]);
    }

    #[test]
    fn paths_match_at_segment_boundaries() {
        for (path, cookie) in
            [("/", "/"), ("/foo", "/"), ("/foo", "/foo"), ("/foo/bar", "/foo"), ("/foo/bar", "/foo/")]
        {
            assert!(path_is_within(path, cookie), "{path} {cookie}");
        }
        for (path, cookie) in [("/foobar", "/foo"), ("/foo", "/foo/"), ("/", "/foo"), ("/Foo", "/foo")] {
            assert!(!path_is_within(path, cookie), "{path} {cookie}");
        }
    }

    #[test]
    fn the_default_path_is_the_folder() {
        for (path, folder) in
            [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("/a/b/", "/a/b"), ("", "/")]
        {
            assert_eq!(default_path(path), folder, "{path}");
        }
    }
}

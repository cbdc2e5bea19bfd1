//! Cookies in a text file: the format of Netscape's `cookies.txt`, which curl, wget and Python's `MozillaCookieJar` share.
//!
//! ```text
//! # Netscape HTTP Cookie File
//! .example.com  TRUE   /      TRUE   1893456000  name   value
//! │             │      │      │      │           │      └ as the server sent it; may be empty
//! │             │      │      │      │           └ never empty
//! │             │      │      │      └ when it expires, in seconds since 1970; 0 or empty: with the session
//! │             │      │      └ over https only
//! │             │      └ path
//! │             └ also for subdomains
//! └ domain, with a leading dot if it is also for subdomains; the prefix `#HttpOnly_` marks an HttpOnly cookie
//! ```
//!
//! The fields are separated by single tabs; lines that are empty or begin with `#` are comments. `SameSite` cannot be
//! stored.
//!
//! Programs differ in their treatment of session cookies. curl writes and reads them with a 0; Python neither writes them
//! nor reads them by default. Here they are written with a 0, because a login often is a session cookie, and a saved jar
//! should contain it.
//!
//! Reading is strict: a malformed line, or a cookie that no server could have set, is an error with the line number, so that
//! nothing is lost without notice. Only expired cookies are skipped.

use super::cookie::Cookie;
use super::refused::Refused;
use super::{parse, prefix, suffix};
use crate::cookies::matching::is_address;
use crate::url::Url;
use std::fmt;
use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime};

const FIRST_LINE: &str = "# Netscape HTTP Cookie File\n";
const HTTP_ONLY: &[u8] = b"#HttpOnly_";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Counted from 1.
    number: usize,
    why: Why,
}

#[derive(Debug, PartialEq, Eq)]
enum Why {
    Fields(usize),
    NotTrueOrFalse(&'static str),
    Domain,
    Path,
    Expiry,
    Refused(Refused),
}

/// The text of a file with these cookies.
pub(super) fn write(cookies: &[Cookie]) -> Vec<u8> {
    let mut text = FIRST_LINE.as_bytes().to_vec();
    for cookie in cookies {
        write_line(cookie, &mut text);
    }
    text
}

fn write_line(cookie: &Cookie, text: &mut Vec<u8>) {
    if cookie.http_only {
        text.extend_from_slice(HTTP_ONLY);
    }
    if !cookie.host_only {
        text.push(b'.');
    }
    let truth = |flag| if flag { "TRUE" } else { "FALSE" };
    let expires = cookie.expires.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    // Fractions of a second are rounded up, so that the cookie becomes neither an expired one nor a session cookie.
    let seconds = expires.map_or(0, |since| since.as_secs() + u64::from(since.subsec_nanos() > 0));
    let domain = cookie.domain.as_deref().unwrap_or_default();
    // curl knows IPv6 addresses only without their brackets.
    let domain = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(domain);
    text.extend_from_slice(domain.as_bytes());
    text.extend_from_slice(format!("\t{}\t", truth(!cookie.host_only)).as_bytes());
    cookie.write(cookie.path.as_deref().unwrap_or("/"), text);
    text.extend_from_slice(format!("\t{}\t{seconds}\t", truth(cookie.secure)).as_bytes());
    cookie.write(&cookie.name, text);
    text.push(b'\t');
    cookie.write(&cookie.value, text);
    text.push(b'\n');
}

/// The cookies in the text of a file; each line that is no comment is a cookie or a mistake.
pub(super) fn read(text: &[u8]) -> impl Iterator<Item = Result<Cookie, BadLine>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.split(|&byte| byte == b'\n').enumerate().filter_map(|(index, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (line, http_only) = match line.strip_prefix(HTTP_ONLY) {
            Some(line) => (line, true),
            None => (line, false),
        };
        if !http_only && (line.trim_ascii().is_empty() || line.starts_with(b"#")) {
            return None;
        }
        Some(read_line(line, http_only).map_err(|why| BadLine { number: index + 1, why }))
    })
}

fn read_line(line: &[u8], http_only: bool) -> Result<Cookie, Why> {
    if line.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(Why::Refused(Refused::Control));
    }
    let (line, latin1) = parse::text(line);
    let fields: Vec<&str> = line.split('\t').collect();
    let (domain, below, path, secure, expires, name, value) = match fields[..] {
        [domain, below, path, secure, expires, name, value] => {
            (domain, below, path, secure, expires, name, value)
        }
        // Some writers leave out the last tab when there is no value.
        [domain, below, path, secure, expires, name] => (domain, below, path, secure, expires, name, ""),
        _ => return Err(Why::Fields(fields.len())),
    };
    let host_only = !truth(below).ok_or(Why::NotTrueOrFalse("second"))?;
    let secure = truth(secure).ok_or(Why::NotTrueOrFalse("fourth"))?;
    let domain = host(without_port(domain.strip_prefix('.').unwrap_or(domain))).ok_or(Why::Domain)?;
    if !host_only && (is_address(&domain) || suffix::is_public(&domain)) {
        return Err(Why::Refused(Refused::PublicSuffix));
    }
    if !path.starts_with('/') {
        return Err(Why::Path);
    }
    if name.is_empty() {
        return Err(Why::Refused(Refused::Nameless));
    }
    let cookie = Cookie {
        name: name.into(),
        value: value.into(),
        latin1,
        domain: Some(domain),
        host_only,
        path: Some(path.into()),
        secure,
        http_only,
        same_site: None,
        expires: expiry(expires).ok_or(Why::Expiry)?,
    };
    if !parse::is_pair(name, value) || path.contains(';') {
        return Err(Why::Refused(Refused::Separator));
    }
    if !prefix::is_honest(&cookie, true) {
        return Err(Why::Refused(Refused::Prefix));
    }
    Ok(cookie)
}

fn truth(field: &str) -> Option<bool> {
    match field {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

/// wget writes the port, too. A cookie is for all ports of a host (RFC 6265 §8.5).
fn without_port(domain: &str) -> &str {
    match domain.rsplit_once(':') {
        Some((host, port))
            if (host.ends_with(']') || !host.contains(':'))
                && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host
        }
        _ => domain,
    }
}

/// The domain as it is written in URLs: in lower case, international names in their ASCII form, and IPv6 addresses in
/// brackets, which curl leaves out in its files.
fn host(domain: &str) -> Option<String> {
    let is_bare_ipv6 = domain.parse::<Ipv6Addr>().is_ok();
    let domain = if is_bare_ipv6 { Url::normal_host(domain).ok()? } else { parse::canonical(domain) };
    is_host(&domain).then_some(domain)
}

/// The outer `Option`: whether it could be parsed. The inner: whether the cookie expires. Some programs write fractions of a
/// second.
fn expiry(field: &str) -> Option<Option<SystemTime>> {
    let field = match field.split_once('.') {
        Some((seconds, fraction)) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => seconds,
        _ => field,
    };
    // Python writes the value that the server sent, which may be negative.
    let digits = field.strip_prefix('-').unwrap_or(field);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || (digits.is_empty() && !field.is_empty()) {
        return None;
    }
    match (field.starts_with('-'), digits) {
        (false, "" | "0") => Some(None),
        (true, _) => Some(Some(SystemTime::UNIX_EPOCH)),
        (false, digits) => {
            Some(Some(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(digits.parse().ok()?))?))
        }
    }
}

/// Whether it could be the host of a URL: it contains no separator of a header field or of a URL.
fn is_host(domain: &str) -> bool {
    !domain.is_empty() && domain.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@;,\\\"".contains(&byte))
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.number)?;
        match &self.why {
            Why::Fields(n) => {
                write!(f, "seven fields separated by tabs are expected, and there are {n}")
            }
            Why::NotTrueOrFalse(which) => write!(f, "the {which} field must be TRUE or FALSE"),
            Why::Domain => f.write_str("the first field is not a domain"),
            Why::Path => f.write_str("the third field must be a path that begins with /"),
            Why::Expiry => f.write_str("the fifth field must be a number of seconds since 1970"),
            Why::Refused(refused) => refused.fmt(f),
        }
    }
}

impl std::error::Error for BadLine {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn all(text: &[u8]) -> Result<Vec<Cookie>, BadLine> {
        read(text).collect()
    }

    fn one(line: &str) -> Cookie {
        let mut cookies = all(line.as_bytes()).expect("a good line");
        assert_eq!(cookies.len(), 1);
        cookies.remove(0)
    }

    fn wrong(line: &str) -> String {
        all(format!("# comment\n{line}\n").as_bytes()).expect_err(line).to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = b"# Netscape HTTP Cookie File\n\
            .example.com\tTRUE\t/a\tTRUE\t1893456000\tname\t\"va lue\"\n\
            #HttpOnly_www.example.com\tFALSE\t/\tFALSE\t0\tempty\t\n\
            ::1\tFALSE\t/\tFALSE\t5\tbytes\t\xe9=\xff\n";
        let cookies = all(text).expect("a good file");
        assert_eq!(cookies.len(), 3);
        assert_eq!(write(&cookies), text);
    }

    #[test]
    fn each_field_is_understood() {
        let cookie = one("#HttpOnly_.Example.com\tTRUE\t/p\tTRUE\t12\tn\tv");
        assert_eq!((cookie.name(), cookie.value()), ("n", "v"));
        assert_eq!((cookie.domain(), cookie.path()), (Some("example.com"), Some("/p")));
        assert!(cookie.is_http_only() && cookie.is_secure() && !cookie.is_host_only());
        assert_eq!(cookie.expires(), at(12));
    }

    #[test]
    fn a_session_cookie_has_a_zero_or_nothing() {
        for expires in ["0", ""] {
            assert_eq!(one(&format!("h\tFALSE\t/\tFALSE\t{expires}\tn\tv")).expires(), None);
        }
        assert_eq!(one("h\tFALSE\t/\tFALSE\t-5\tn\tv").expires(), at(0));
    }

    #[test]
    fn part_of_a_second_is_rounded_up() {
        let mut cookie = one("h\tFALSE\t/\tFALSE\t1\tn\tv");
        cookie.expires = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500));
        assert_eq!(write(&[cookie]), [FIRST_LINE, "h\tFALSE\t/\tFALSE\t2\tn\tv\n"].concat().as_bytes());
    }

    #[test]
    fn comments_empty_lines_and_line_ends_of_windows_are_no_cookies() {
        let text = "# Netscape HTTP Cookie File\r\n\r\n# x\r\n   \r\nh\tFALSE\t/\tFALSE\t0\tn\tv\r\n";
        assert_eq!(one(text).value(), "v");
        assert_eq!(all(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_other_programs_write_is_understood() {
        assert_eq!(
            one("\u{feff}h\tFALSE\t/\tFALSE\t0\tn\tv").domain(),
            Some("h"),
            "Notepad's byte order mark"
        );
        assert_eq!(one("h:8080\tFALSE\t/\tFALSE\t0\tn\tv").domain(), Some("h"), "wget's port");
        for address in ["[::1]", "[::1]:8080", "::1", "0:0::1"] {
            let cookie = one(&format!("{address}\tFALSE\t/\tFALSE\t0\tn\tv"));
            assert_eq!(cookie.domain(), Some("[::1]"), "{address}");
            let written = write(&[cookie]);
            let line = "\n::1\tFALSE\t/\tFALSE\t0\tn\tv\n";
            assert!(String::from_utf8_lossy(&written).ends_with(line), "as curl 7.88 writes and reads it");
        }
        assert_eq!(one("Bücher.test\tFALSE\t/\tFALSE\t0\tn\tv").domain(), Some("xn--bcher-kva.test"));
        assert_eq!(one("h\tFALSE\t/\tFALSE\t12.75\tn\tv").expires(), at(12), "a fraction of a second");
    }

    #[test]
    fn the_last_tab_may_be_missing_when_there_is_no_value() {
        assert_eq!(one("h\tFALSE\t/\tFALSE\t0\tn").value(), "");
    }

    #[test]
    fn a_line_that_makes_no_sense_is_an_error_with_its_number() {
        for (line, why) in [
            ("h FALSE / FALSE 0 n v", "seven fields"),
            ("h\tFALSE\t/\tFALSE\t0\tn\tv\tx", "there are 8"),
            ("h\tyes\t/\tFALSE\t0\tn\tv", "second field"),
            ("h\tFALSE\t/\t1\t0\tn\tv", "fourth field"),
            ("\tFALSE\t/\tFALSE\t0\tn\tv", "not a domain"),
            ("a/b\tFALSE\t/\tFALSE\t0\tn\tv", "not a domain"),
            ("h\tFALSE\tx\tFALSE\t0\tn\tv", "a path"),
            ("h\tFALSE\t/\tFALSE\t1e3\tn\tv", "number of seconds"),
            ("h\tFALSE\t/\tFALSE\t+1\tn\tv", "number of seconds"),
            ("h\tFALSE\t/\tFALSE\t99999999999999999999\tn\tv", "number of seconds"),
            ("h\tFALSE\t/\tFALSE\t0\t\tv", "needs a name"),
            ("h\tFALSE\t/\tFALSE\t0\tn\tv\u{7}", "control characters"),
            ("h\tFALSE\t/\tFALSE\t0\tn\tv; x", "would read another cookie"),
            ("h\tFALSE\t/\tFALSE\t0\ta=b\tv", "would read another cookie"),
            (".com\tTRUE\t/\tFALSE\t0\tn\tv", "public suffix"),
            ("127.0.0.1\tTRUE\t/\tFALSE\t0\tn\tv", "public suffix"),
            ("h\tFALSE\t/\tFALSE\t0\t__Secure-n\tv", "__Secure-"),
            (".h.org\tTRUE\t/\tTRUE\t0\t__Host-n\tv", "__Host-"),
        ] {
            let error = wrong(line);
            assert!(error.starts_with("line 2: ") && error.contains(why), "{line:?}: {error}");
        }
    }
}

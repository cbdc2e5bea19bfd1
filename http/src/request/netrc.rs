//! Passwords from the file `.netrc`, which `ftp` introduced and many programs read.
//!
//! The file is a sequence of words: `machine` and a host, then `login`, `password` and `account` in any order; `default`
//! instead of a machine applies to every host without an entry. `macdef` begins a macro for `ftp`, which ends with an empty
//! line and is ignored here. A value with blanks is quoted, with the escapes `\"`, `\\`, `\n`, `\r` and `\t`; a `#` in place
//! of a keyword makes the rest of the line a comment. Unknown words are ignored, as in curl, because other programs have
//! additional keywords.
//!
//! The host of a parsed URL is compared as a whole. A client that compared the text before parsing sent the password of
//! `example.com` to `http://example.com:@evil.test/` (CVE-2024-47081). An entry applies to requests *to* its host: a request
//! that is redirected to another host gets the entry of that host or none, and never the `default`.

use crate::error::{Error, ErrorKind};
use crate::request::auth;
use crate::url::Url;
use http::HeaderValue;
use std::fs;
use std::io;
use std::path::PathBuf;

/// A parsed file.
#[derive(Default)]
pub(crate) struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Default)]
struct Entry {
    /// `None` is the default.
    machine: Option<String>,
    login: String,
    password: String,
    /// It has neither a login nor a password, so there is nothing to send.
    empty: bool,
}

impl Netrc {
    /// Reads the file that the variable `NETRC` names, or else `.netrc` in the home directory (on Windows also `_netrc`,
    /// which other programs use there because Explorer did not allow a name that begins with a dot). Without the variable, a
    /// file that does not exist is an empty one.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io), if the file cannot be read or is malformed; with the line.
    pub(crate) fn load() -> Result<Netrc, Error> {
        let named = std::env::var_os("NETRC").filter(|name| !name.is_empty()).map(PathBuf::from);
        let must_exist = named.is_some();
        let Some(path) = named.or_else(at_home) else { return Ok(Netrc::default()) };
        let failed = |what: String| Error::new(ErrorKind::Io, format!("reading {}{what}", path.display()));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {
                return Ok(Netrc::default());
            }
            Err(error) => return Err(failed(String::new()).because(error)),
        };
        Netrc::read(&bytes).map_err(|(line, why)| failed(format!(", line {line}")).because(why))
    }

    /// # Errors
    /// As [`parse`](Self::parse). The error of the conversion itself would hold the whole file.
    fn read(bytes: &[u8]) -> Result<Netrc, (usize, &'static str)> {
        let text = std::str::from_utf8(bytes).map_err(|cause| {
            let line = bytes[..cause.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
            (line, "it is not UTF-8")
        })?;
        Netrc::parse(text.trim_start_matches('\u{feff}'))
    }

    /// # Errors
    /// The line and what is wrong with it.
    fn parse(text: &str) -> Result<Netrc, (usize, &'static str)> {
        let mut words = Words { rest: text, line: 1, at_line_start: true };
        let mut netrc = Netrc::default();
        while let Some(word) = words.keyword()? {
            let line = words.line;
            let mut value = || words.value()?.ok_or((line, "the file ends where a value should be"));
            match &*word {
                "machine" => {
                    let machine = Some(value()?);
                    netrc.entries.push(Entry { machine, empty: true, ..Entry::default() });
                }
                "default" => netrc.entries.push(Entry { empty: true, ..Entry::default() }),
                "macdef" => {
                    value()?;
                    words.skip_macro();
                }
                "login" | "password" | "account" => {
                    let value = value()?;
                    let entry = netrc.entries.last_mut();
                    let entry = entry.ok_or((line, "a login or password before any machine"))?;
                    match &*word {
                        "login" => entry.login = value,
                        "password" => entry.password = value,
                        _ => continue,
                    }
                    entry.empty = false;
                }
                _ => {}
            }
        }
        Ok(netrc)
    }

    /// The credentials for a request to this URL.
    pub(crate) fn credentials(&self, url: &Url) -> Option<HeaderValue> {
        let entry = self.own(url).or_else(|| self.entries.iter().find(|entry| entry.machine.is_none()))?;
        entry.header()
    }

    /// The credentials for a request that was redirected from one URL to another: those of the entry for the new host, if it
    /// is a different host.
    pub(crate) fn credentials_after_redirect(&self, from: &Url, to: &Url) -> Option<HeaderValue> {
        if same_host(from.host(), to.host()) {
            return None;
        }
        self.own(to)?.header()
    }

    fn own(&self, url: &Url) -> Option<&Entry> {
        let is_its = |machine: &str| same_host(machine, url.host());
        self.entries.iter().find(|entry| entry.machine.as_deref().is_some_and(is_its))
    }
}

impl Entry {
    /// The value of the `Authorization` field. Credentials that Basic authentication cannot carry are not sent.
    fn header(&self) -> Option<HeaderValue> {
        if self.empty { None } else { auth::basic(&self.login, Some(&self.password)).ok() }
    }
}

fn at_home() -> Option<PathBuf> {
    let home = std::env::home_dir()?;
    let path = home.join(".netrc");
    let on_windows = home.join("_netrc");
    Some(if cfg!(windows) && !path.exists() && on_windows.exists() { on_windows } else { path })
}

fn same_host(one: &str, other: &str) -> bool {
    fn bare(host: &str) -> &str {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host.strip_suffix('.').unwrap_or(host)
    }
    bare(one).eq_ignore_ascii_case(bare(other))
}

/// The words of a file, with their line numbers.
struct Words<'a> {
    rest: &'a str,
    line: usize,
    at_line_start: bool,
}

impl Words<'_> {
    fn keyword(&mut self) -> Result<Option<String>, (usize, &'static str)> {
        self.word(|_| true)
    }

    /// A password may begin with a `#`.
    fn value(&mut self) -> Result<Option<String>, (usize, &'static str)> {
        self.word(|words| words.at_line_start)
    }

    /// The next word, behind blanks and comments.
    fn word(
        &mut self,
        begins_comment: fn(&Words<'_>) -> bool,
    ) -> Result<Option<String>, (usize, &'static str)> {
        loop {
            let Some(first) = self.rest.chars().next() else { return Ok(None) };
            match first {
                '#' if begins_comment(self) => self.skip_line(),
                blank if blank.is_whitespace() => self.skip(blank),
                '"' => return self.quoted().map(Some),
                _ => break,
            }
        }
        self.at_line_start = false;
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(Some(word.to_owned()))
    }

    fn quoted(&mut self) -> Result<String, (usize, &'static str)> {
        self.at_line_start = false;
        let mut word = String::new();
        let mut characters = self.rest[1..].chars();
        loop {
            match characters.next() {
                Some('"') => break,
                Some('\\') => match characters.next() {
                    Some('n') => word.push('\n'),
                    Some('r') => word.push('\r'),
                    Some('t') => word.push('\t'),
                    Some(other) => word.push(other),
                    None => return Err((self.line, "a quote that is not closed")),
                },
                Some('\n') | None => return Err((self.line, "a quote that is not closed")),
                Some(other) => word.push(other),
            }
        }
        self.rest = characters.as_str();
        Ok(word)
    }

    fn skip(&mut self, blank: char) {
        self.rest = &self.rest[blank.len_utf8()..];
        if blank == '\n' {
            self.line += 1;
            self.at_line_start = true;
        }
    }

    fn skip_line(&mut self) {
        self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
    }

    /// Up to the next empty line.
    fn skip_macro(&mut self) {
        self.skip_line();
        while self.rest.starts_with('\n') {
            self.skip('\n');
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            if self.rest[..end].trim().is_empty() {
                return;
            }
            self.rest = &self.rest[end..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    fn parse(text: &str) -> Netrc {
        Netrc::parse(text).unwrap_or_else(|(line, why)| panic!("line {line}: {why}"))
    }

    #[track_caller]
    fn check(file: &str, to: &str, user_and_password: Option<(&str, &str)>) {
        let expected =
            user_and_password.map(|(user, password)| auth::basic(user, Some(password)).expect(user));
        assert_eq!(parse(file).credentials(&url(to)), expected, "{file:?} for {to}");
    }

    const TWO: &str = "machine a.test login ann password one\nmachine b.test\n\tlogin bob\n\tpassword two\n";

    #[test]
    fn each_machine_has_its_own() {
        check(TWO, "https://a.test/x", Some(("ann", "one")));
        check(TWO, "http://b.test:8080/", Some(("bob", "two")));
        check(TWO, "http://c.test/", None);
    }

    #[test]
    fn case_094_the_host_is_compared_as_a_whole_and_after_parsing() {
        check(TWO, "http://a.test:@evil.test/", None);
        check(TWO, "http://a.test@evil.test/", None);
        check(TWO, "http://xa.test/", None);
        check(TWO, "http://x.a.test/", None);
        check(TWO, "http://a.test.evil/", None);
        check(TWO, "http://A.TEST./", Some(("ann", "one")));
        check("machine ::1 login ann password one", "http://[::1]/", Some(("ann", "one")));
    }

    #[test]
    fn the_default_is_for_those_that_have_no_entry() {
        let file = "machine a.test login ann password one\ndefault login anybody password any";
        check(file, "http://a.test/", Some(("ann", "one")));
        check(file, "http://c.test/", Some(("anybody", "any")));
    }

    #[test]
    fn the_first_of_two_entries_counts() {
        check(
            "machine a.test login x password 1 machine a.test login y password 2",
            "http://a.test/",
            Some(("x", "1")),
        );
    }

    #[test]
    fn case_094_after_a_redirect_only_another_hosts_own_entry_counts() {
        let file = parse(
            "machine a.test login ann password one\nmachine b.test login bob password two\ndefault login d password d",
        );
        let after = |from, to| file.credentials_after_redirect(&url(from), &url(to));
        assert!(after("http://a.test/", "http://b.test/").is_some());
        assert!(after("http://a.test/", "http://c.test/").is_none(), "not the default");
        assert!(after("http://a.test/", "http://a.test:8080/").is_none(), "not to another port");
        assert!(after("https://a.test/", "http://a.test/").is_none(), "not to another scheme");
    }

    #[test]
    fn macros_comments_accounts_and_quotes_are_understood() {
        let file = "# machine a.test login wrong password wrong\nmacdef init\ncd /pub\nmachine a.test\n\n\
                    machine a.test account x login \"an n\" password \"o\\\"n\\\\e#\"\n";
        check(file, "http://a.test/", Some(("an n", "o\"n\\e#")));
        check("macdef x\nmachine a.test login a password b", "http://a.test/", None);
        check("machine a.test login ann password #one", "http://a.test/", Some(("ann", "#one")));
    }

    #[test]
    fn comments_at_the_end_of_a_line_and_unknown_words_are_passed_over() {
        let file = "machine a.test login ann password one # of last year: password two\n\
                    machine b.test port 21 login bob password #2 protocol ftp\n";
        check(file, "http://a.test/", Some(("ann", "one")));
        check(file, "http://b.test/", Some(("bob", "#2")));
    }

    #[test]
    fn half_an_entry_sends_what_it_has_and_an_empty_one_nothing() {
        check("machine a.test login ann", "http://a.test/", Some(("ann", "")));
        check("machine a.test\nmachine b.test login bob password two", "http://a.test/", None);
    }

    #[test]
    fn a_mistake_is_reported_with_its_line() {
        let mistake = |text| Netrc::parse(text).err().expect("a mistake").0;
        assert_eq!(mistake("machine a.test\nlogin \"ann\npassword x"), 2);
        assert_eq!(mistake("\n\nlogin ann"), 3);
        assert_eq!(mistake("machine a.test login"), 1);
        assert_eq!(mistake("machine"), 1);
    }

    #[test]
    fn a_file_in_another_encoding_is_reported_without_its_content() {
        let latin1 = b"\xef\xbb\xbfmachine a.test\nlogin ann password s3cr\xe9t\n";
        assert_eq!(Netrc::read(latin1).err(), Some((2, "it is not UTF-8")));
        assert!(Netrc::read(b"\xef\xbb\xbfmachine a.test").is_ok(), "a byte order mark");
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in
            ["", " ", "\n", "macdef", "macdef x", "#", "\"", "\"\\", "default default", "machine \u{a0}x"]
        {
            let _ = Netrc::parse(text);
        }
    }
}

//! [`CookieJar`]: the handle through which sessions and people reach the cookies.
//!
//! This is where the clock is read and where files are opened; what may be set and what is sent is decided in
//! `store.rs`, which does neither.

use super::cookie::Cookie;
use super::file;
use super::parse;
use super::refused::Refused;
use super::store::Store;
use crate::atomic_file::{Access, NewFile, in_thread};
use crate::error::{Error, ErrorKind};
use crate::url::Url;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

/// The cookies of a session. Cloning it gives another handle to the same cookies.
///
/// Every session has a jar of its own unless it is [given one](crate::ClientSessionBuilder::cookie_jar) or has it
/// [switched off](crate::ClientSessionBuilder::cookies). What responses set goes into it, redirects included, and comes
/// out again with the requests it is for. The rules are those of RFC 6265bis, with the strict reading where there is a
/// choice:
///
/// * A `Domain` must be the host's own or above it, and not a public suffix (see the Cargo feature `psl`).
/// * A `Secure` cookie is set and sent over https only, on the loopback interface too, and one that came over http cannot
///   hide or replace it. Names with `__Secure-` and `__Host-`, in capitals or not, keep what they promise.
/// * Control characters anywhere make a cookie void. Values are opaque.
/// * At most 4096 bytes a cookie, 50 set by a response, 180 of a domain, 3000 in all; at most 150, and 8190 bytes, with a
///   request; at most 400 days.
///
/// A request with a `Cookie` field of its own is sent with that field and nothing from the jar; the field is not put into
/// the jar.
///
/// ```
/// use curio_http::{ClientSession, Url};
///
/// let session = ClientSession::new();
/// let url = Url::parse("https://example.org/")?;
/// session.cookies().set(&url, "consent", "no")?;
/// assert_eq!(session.cookies().get(&url, "consent").map(|cookie| cookie.value().to_owned()), Some("no".into()));
/// # Ok::<(), curio_http::Error>(())
/// ```
///
/// [`save`](CookieJar::save) and [`load`](CookieJar::load) keep it in a file that curl, wget and Python read as well.
#[derive(Clone, Default)]
pub struct CookieJar {
    store: Rc<RefCell<Store>>,
}

impl CookieJar {
    /// An empty jar.
    pub fn new() -> CookieJar {
        CookieJar::default()
    }

    /// The cookies in it, oldest first: those there are at this moment, except the expired.
    pub fn iter(&self) -> std::vec::IntoIter<Cookie> {
        self.store.borrow().all(SystemTime::now()).into_iter()
    }

    /// How many cookies there are that have not expired.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cookie of this name that a request for `url` would carry. If there are several, the one that would stand
    /// first: that with the longest path.
    pub fn get(&self, url: &Url, name: &str) -> Option<Cookie> {
        self.cookies_for(url).into_iter().find(|cookie| cookie.name() == name)
    }

    /// The cookies that a request for `url` would carry, in that order.
    pub fn cookies_for(&self, url: &Url) -> Vec<Cookie> {
        self.store.borrow().cookies_for(url, SystemTime::now())
    }

    /// Sets a cookie for the host of `url`, for all of its paths, until the end of the session; secure if `url` is https.
    /// For anything else there is [`set_cookie`](CookieJar::set_cookie).
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if name or value cannot be in a cookie: control characters, a `;`, a `=` in
    /// the name, no name, spaces at an end, more than 4096 bytes; or if `url` is http and there is a secure cookie that it
    /// would hide.
    pub fn set(&self, url: &Url, name: &str, value: &str) -> Result<(), Error> {
        if !parse::is_pair(name, value) {
            return Err(not_set(url, Refused::Separator));
        }
        let secure = if url.is_https() { "; Secure" } else { "" };
        self.set_cookie(url, &format!("{name}={value}; Path=/{secure}"))
    }

    /// Sets a cookie as if a response from `url` had come with this `Set-Cookie` field:
    /// `jar.set_cookie(&url, "id=7; Path=/app; Max-Age=3600")`.
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if a response from there could not have set it, with the reason.
    pub fn set_cookie(&self, url: &Url, field: &str) -> Result<(), Error> {
        let result = self.store.borrow_mut().set(url, field.as_bytes(), SystemTime::now());
        result.map_err(|refused| not_set(url, refused))
    }

    /// Removes all cookies of this name that a request for `url` would carry, and returns how many there were.
    pub fn remove(&self, url: &Url, name: &str) -> usize {
        let those: Vec<_> =
            self.cookies_for(url).into_iter().filter(|cookie| cookie.name() == name).collect();
        self.store.borrow_mut().retain(|cookie| !those.contains(cookie))
    }

    /// Removes all cookies.
    pub fn clear(&self) {
        self.store.borrow_mut().retain(|_| false);
    }

    /// Removes the cookies that are meant to end with the session, and those that have expired: what a browser does when
    /// it is closed.
    pub fn clear_session(&self) {
        let now = SystemTime::now();
        self.store.borrow_mut().retain(|cookie| cookie.expires().is_some() && !cookie.has_expired(now));
    }

    /// Puts the cookies of a file into the jar, each in place of the one it replaces, and returns how many there were that
    /// have not expired.
    ///
    /// The format is that of `cookies.txt`, as curl (`-c`), wget and Python's `MozillaCookieJar` write it: seven fields with
    /// a tab between them in each line; an end of 0, or none, is that of the session.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io), if the file cannot be read, or holds a line that is no cookie or a cookie that could
    /// not have been set; the text has the line's number. The jar is then as it was before.
    ///
    /// # Cancellation
    /// The jar is changed at the end, as a whole, or not at all.
    pub async fn load(&self, path: impl AsRef<Path>) -> Result<usize, Error> {
        let path = path.as_ref();
        let text = read_file(path).await?;
        let cookies: Result<Vec<_>, _> = file::read(&text).collect();
        Ok(self.put_all(cookies.map_err(|cause| loading(path).because(cause))?))
    }

    /// [`load`](CookieJar::load), except that lines that cannot be understood are passed over. Returns also what is wrong
    /// with each of them, a line of text each.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io), if the file cannot be read.
    pub async fn load_lossy(&self, path: impl AsRef<Path>) -> Result<(usize, Vec<String>), Error> {
        let text = read_file(path.as_ref()).await?;
        let (mut cookies, mut passed_over) = (Vec::new(), Vec::new());
        for line in file::read(&text) {
            match line {
                Ok(cookie) => cookies.push(cookie),
                Err(bad) => passed_over.push(bad.to_string()),
            }
        }
        Ok((self.put_all(cookies), passed_over))
    }

    /// Returns how many have not expired.
    fn put_all(&self, cookies: Vec<Cookie>) -> usize {
        let now = SystemTime::now();
        let living = cookies.into_iter().filter(|cookie| !cookie.has_expired(now));
        // Reading has checked all that could be refused here.
        living.filter(|cookie| self.store.borrow_mut().put(cookie.clone(), now).is_ok()).count()
    }

    /// Writes the cookies that have not expired to a file, in the format that [`load`](CookieJar::load) reads, and returns
    /// how many they are. Those that end with the session are included, with an end of 0; Python leaves such lines out
    /// when it loads the file, unless it is called with `ignore_expires=True`. `SameSite` has no place in the format.
    ///
    /// The file appears when it is complete, in place of an older one, whose mode it keeps; on Unix a new one can be read by
    /// its owner only. Symbolic links, hard links, FIFOs and devices are treated as by
    /// [`download`](crate::Response::download).
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io), if it cannot be written.
    ///
    /// # Cancellation
    /// The file is written as a whole or not at all.
    pub async fn save(&self, path: impl AsRef<Path>) -> Result<usize, Error> {
        let cookies: Vec<Cookie> = self.iter().collect();
        let text = file::write(&cookies);
        let target = path.as_ref().to_owned();
        let written = in_thread(move || {
            let mut file = NewFile::create(&target, Access::Private)?;
            file.write(&text)?;
            file.complete()
        });
        written.await.map_err(|cause| {
            Error::new(ErrorKind::Io, format!("saving cookies to {}", path.as_ref().display())).because(cause)
        })?;
        Ok(cookies.len())
    }

    /// Adds to the header fields of a request what is for its address.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, url: &Url) -> bool {
        let mut store = self.store.borrow_mut();
        if store.is_empty() {
            return false;
        }
        let field = store.field(url, SystemTime::now());
        match HeaderValue::from_bytes(&field) {
            Ok(mut value) if !field.is_empty() => {
                value.set_sensitive(true);
                headers.insert(COOKIE, value);
                true
            }
            _ => false,
        }
    }

    /// Takes what a response sets.
    pub(crate) fn store_from_response(&self, url: &Url, headers: &HeaderMap) {
        let fields = headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes);
        self.store.borrow_mut().store_from_response(url, fields, SystemTime::now());
    }
}

impl IntoIterator for &CookieJar {
    type Item = Cookie;
    type IntoIter = std::vec::IntoIter<Cookie>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

async fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let from = path.to_owned();
    in_thread(move || fs::read(from)).await.map_err(|cause| loading(path).because(cause))
}

fn loading(path: &Path) -> Error {
    Error::new(ErrorKind::Io, format!("loading cookies from {}", path.display()))
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn not_set(url: &Url, refused: Refused) -> Error {
    let what = format!("setting a cookie for {}", url.host());
    Error::new(ErrorKind::Request, what).because(refused)
}

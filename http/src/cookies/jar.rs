//! [`CookieJar`]: the handle through which sessions and programs access the cookies.
//!
//! It reads the clock and opens files. `store.rs`, which does neither, decides which cookies are stored and sent.

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
/// Every session has its own jar unless it is [given one](crate::ClientSessionBuilder::cookie_jar), or cookies are
/// [switched off](crate::ClientSessionBuilder::cookies). The cookies that responses set are stored in it, those of redirects
/// included, and sent with the requests that they are for. The rules are those of RFC 6265bis, in the strict variant where
/// it leaves a choice:
///
/// * `Domain` must be the host or a domain above it, and not a public suffix (see the Cargo feature `psl`).
/// * A `Secure` cookie is set and sent over https only, on the loopback interface too, and a cookie set over http cannot
///   hide or replace it. The rules for names with `__Secure-` and `__Host-` apply in any capitalisation.
/// * A cookie with control characters is refused. Values are opaque.
/// * The limits are 4096 bytes for a cookie, 50 cookies set by a response, 180 for a domain, 3000 in total; 150 cookies and
///   8190 bytes in a request; and 400 days of life.
///
/// A request with its own `Cookie` field is sent with that field and without cookies from the jar; the field is not stored in
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
/// What is in it can be looked at and changed:
///
/// ```
/// use curio_http::{CookieJar, Url};
///
/// let jar = CookieJar::new();
/// let shop = Url::parse("https://shop.example.org/basket/")?;
/// jar.set_cookie(&shop, "basket=3; Path=/basket; Max-Age=3600")?;
/// jar.set(&shop, "id", "7")?;
/// let names = |url: &str| -> Vec<String> {
///     let sent = jar.cookies_for(&url.parse().unwrap());
///     sent.iter().map(|cookie| cookie.name().to_owned()).collect()
/// };
/// assert_eq!(names("https://shop.example.org/basket/"), ["basket", "id"]); // the longest path first
/// assert_eq!(names("https://shop.example.org/help"), ["id"]);
/// assert!(names("https://example.org/").is_empty());
///
/// assert_eq!(jar.remove(&shop, "basket"), 1);
/// assert_eq!((jar.len(), jar.iter().next().unwrap().name()), (1, "id"));
/// jar.clear_session(); // `id` has no expiry
/// assert!(jar.is_empty());
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

    /// The cookies that are in it now and have not expired, oldest first.
    pub fn iter(&self) -> std::vec::IntoIter<Cookie> {
        self.store.borrow().all(SystemTime::now()).into_iter()
    }

    /// How many cookies there are that have not expired.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether there are no cookies that have not expired.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cookie of this name that a request for `url` would carry. If there are several, the first one: that with the
    /// longest path.
    pub fn get(&self, url: &Url, name: &str) -> Option<Cookie> {
        self.cookies_for(url).into_iter().find(|cookie| cookie.name() == name)
    }

    /// The cookies that a request for `url` would carry, in that order.
    pub fn cookies_for(&self, url: &Url) -> Vec<Cookie> {
        self.store.borrow().cookies_for(url, SystemTime::now())
    }

    /// Sets a session cookie for the host of `url` and all of its paths; secure if `url` is https. For anything else use
    /// [`set_cookie`](CookieJar::set_cookie).
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), if name or value cannot be in a cookie: control characters, a `;`, a `=` in
    /// the name, an empty name, leading or trailing spaces, more than 4096 bytes; or if `url` is http and the cookie would
    /// hide a secure one.
    pub fn set(&self, url: &Url, name: &str, value: &str) -> Result<(), Error> {
        if !parse::is_pair(name, value) {
            return Err(not_set(url, Refused::Separator));
        }
        let secure = if url.is_https() { "; Secure" } else { "" };
        self.set_cookie(url, &format!("{name}={value}; Path=/{secure}"))
    }

    /// Sets a cookie as a response from `url` with this `Set-Cookie` field would:
    /// `jar.set_cookie(&url, "id=7; Path=/app; Max-Age=3600")`.
    ///
    /// # Errors
    /// Of kind [`Request`](ErrorKind::Request), with the reason, if a response from `url` could not set it.
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

    /// Removes session cookies and expired ones, as a browser does when it is closed.
    pub fn clear_session(&self) {
        let now = SystemTime::now();
        self.store.borrow_mut().retain(|cookie| cookie.expires().is_some() && !cookie.has_expired(now));
    }

    /// Loads the cookies of a file into the jar, where they replace those with the same name, domain and path. Returns how
    /// many were loaded; expired ones are skipped. [`save`](CookieJar::save) has an example.
    ///
    /// The format is that of `cookies.txt`, as curl (`-c`), wget and Python's `MozillaCookieJar` write it: seven fields in
    /// each line, separated by tabs; an expiry of 0, or none, marks a session cookie.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io), if the file cannot be read, or contains a malformed line or a cookie that no server
    /// could have set; the message has the line number. The jar is then unchanged.
    ///
    /// # Cancellation
    /// The jar is changed at the end, with all cookies, or not at all.
    pub async fn load(&self, path: impl AsRef<Path>) -> Result<usize, Error> {
        let path = path.as_ref();
        let text = read_file(path).await?;
        let cookies: Result<Vec<_>, _> = file::read(&text).collect();
        Ok(self.put_all(cookies.map_err(|cause| loading(path).because(cause))?))
    }

    /// Like [`load`](CookieJar::load), except that malformed lines are skipped. Also returns an error message for each of them.
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
        // `file::read` has checked everything that `put` would refuse.
        living.map(|cookie| self.store.borrow_mut().put(cookie, now).is_ok()).filter(|is_in| *is_in).count()
    }

    /// Saves the cookies that have not expired to a file, in the format that [`load`](CookieJar::load) reads, and returns
    /// their number. Session cookies are included, with an expiry of 0; Python ignores such lines when it loads the file,
    /// unless it is called with `ignore_expires=True`. `SameSite` cannot be stored in this format.
    ///
    /// The file replaces an older one when it is complete, and keeps its mode; on Unix a new one is readable by its owner
    /// only. Symbolic links, hard links, FIFOs and devices are treated as by
    /// [`download`](crate::Response::download).
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io), if the file cannot be written.
    ///
    /// # Cancellation
    /// The file is written as a whole or not at all.
    /// ```
    /// use curio_http::{ClientSession, CookieJar};
    ///
    /// # let folder = std::env::temp_dir().join(format!("curio-jar-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// # let path = folder.join("cookies.txt");
    /// # curio::run(async {
    /// let jar = CookieJar::new();
    /// if path.exists() {
    ///     let (loaded, problems) = jar.load_lossy(&path).await?; // `load` is for files that must be right
    ///     problems.iter().for_each(|problem| eprintln!("{problem}"));
    ///     println!("{loaded} cookies");
    /// }
    /// let session = ClientSession::builder().cookie_jar(jar.clone()).build()?;
    /// session.cookies().set(&"https://example.org/".parse()?, "consent", "no")?;
    /// assert_eq!(jar.save(&path).await?, 1);
    ///
    /// jar.clear();
    /// assert_eq!(jar.load(&path).await?, 1);
    /// # Ok::<(), curio_http::Error>(())
    /// # }).unwrap();
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// ```
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

    /// Adds the cookies for `url` to the header fields of a request. Returns whether there were any.
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

    /// Stores the cookies that a response from `url` sets.
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

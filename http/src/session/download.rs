//! Downloads that go on where an earlier attempt has stopped: [`Download`].
//!
//! What has arrived is in `NAME.part`, beside the file that is wanted. `NAME.part.from` holds the validator of the response that it
//! is from: its strong `ETag`, or a `Last-Modified` that is old enough to be one (RFC 9110 §8.8.2.2). The next attempt asks for the
//! rest with `Range`, and sends the validator in `If-Range`: if the content has changed, the server sends all of it, and the
//! download begins anew. Without a validator nothing is kept to go on with, because halves of different contents would fit together
//! unnoticed.

use crate::atomic_file::in_thread;
use crate::encoding::date;
use crate::error::{Error, ErrorKind};
use crate::exchange::backoff::doubled;
use crate::exchange::shared::Shared;
use crate::request::Request;
use crate::response::Response;
use crate::response::download::not_saved;
use crate::session::request_builder::{RequestBuilder, ResponseFuture};
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, StatusCode};
use std::cell::RefCell;
use std::fmt;
use std::fs::{self, File};
use std::future::IntoFuture;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// How much older than the response a Last-Modified has to be. Two changes within a second have the same one.
const OLD_ENOUGH: Duration = Duration::from_secs(60);
/// The longest pause before a download goes on.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

type Report = Rc<RefCell<dyn FnMut(u64, Option<u64>)>>;

/// A download into a file, from [`RequestBuilder::download`]. Await it to start it; the result is the length of the file.
///
/// ```no_run
/// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
/// let length = session
///     .get("https://example.org/disk.img")
///     .download("disk.img")
///     .resumes(5)
///     .on_progress(|so_far, total| println!("{so_far} of {total:?}"))
///     .await?;
/// println!("{length} bytes");
/// # Ok(()) }
/// ```
///
/// # Cancellation
/// What has arrived stays in `NAME.part`, but for the last MiB or two, and the next download goes on with it.
#[must_use = "a download starts when it is awaited"]
pub struct Download {
    shared: Rc<Shared>,
    request: Result<Box<Request>, Error>,
    path: PathBuf,
    resumes: u32,
    report: Option<Report>,
}

/// The files of a download that is not complete.
#[derive(Clone)]
struct Unfinished {
    part: PathBuf,
    validator: PathBuf,
}

/// What an attempt has led to.
enum Outcome {
    /// The file is whole. Its length.
    Complete(u64),
    /// What there is of it is of no use: from the beginning, please.
    Anew,
}

impl Download {
    /// How many times the download goes on by itself when the connection is lost in the middle of the body, after a pause of 1 s that
    /// doubles each time up to 30 s. 0 by default. What the session's [retries](crate::ClientSessionBuilder::retries) do, they
    /// do for each of the requests.
    pub fn resumes(mut self, n: u32) -> Download {
        self.resumes = n;
        self
    }

    /// Calls `report` whenever a part of the body has been read, with the number of bytes so far, those of earlier attempts
    /// included, and the length of the whole if it is known.
    pub fn on_progress(mut self, report: impl FnMut(u64, Option<u64>) + 'static) -> Download {
        self.report = Some(Rc::new(RefCell::new(report)));
        self
    }

    async fn run(self) -> Result<u64, Error> {
        let request = self.request.as_deref().map_err(Error::repeat)?;
        let refused =
            |why: &'static str| Error::new(ErrorKind::Request, why).on(request.method(), request.url());
        if request.headers().contains_key(RANGE) || request.headers().contains_key(IF_RANGE) {
            return Err(refused("a download sets Range and If-Range by itself: leave them out"));
        }
        let files = Unfinished::of(&self.path)
            .ok_or_else(|| refused("the path of a download must end in the name of a file"))?;
        let mut lost = 0;
        loop {
            match self.attempt(request, &files).await {
                Ok(Outcome::Complete(length)) => return Ok(length),
                Ok(Outcome::Anew) => {}
                Err(error) if lost < self.resumes && may_go_on(&error) => {
                    let pause = doubled(Duration::from_secs(1), lost, LONGEST_PAUSE);
                    self.shared
                        .settings
                        .tracer
                        .message(|| format!("{error}: going on in {} s", pause.as_secs()));
                    curio::sleep(pause).await;
                    lost += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&self, request: &Request, files: &Unfinished) -> Result<Outcome, Error> {
        let (path, begun) = (&self.path, files.clone());
        let here = |error: Error| error.on(request.method(), request.url());
        let failed = |cause: io::Error| here(not_saved(path, cause));
        let (length, validator) = in_thread(move || begun.look()).await.map_err(failed)?;
        let mut ask = request.try_clone().ok_or_else(|| {
            let what = "a download may send its request several times, and this body can be sent only once";
            here(Error::new(ErrorKind::Request, what))
        })?;
        // A position in a coded body says nothing about one in the file.
        ask.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(validator) = validator {
            let range = HeaderValue::try_from(format!("bytes={length}-")).map_err(|cause| {
                let what = format!("asking for the rest after {length} bytes");
                here(Error::new(ErrorKind::Request, what).because(cause))
            })?;
            ask.headers_mut().insert(RANGE, range);
            ask.headers_mut().insert(IF_RANGE, validator);
        }
        let mut response = ResponseFuture::send(Rc::clone(&self.shared), Box::new(ask)).await?;
        let begins_at = match response.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if length > 0 && range_of(&response) == Some(length) => length,
            StatusCode::PARTIAL_CONTENT if length > 0 => {
                in_thread(remover(files)).await.map_err(failed)?;
                let what =
                    "the server has sent another range than it was asked for; the next download begins anew";
                return Err(response.located(Error::new(ErrorKind::Protocol, what)));
            }
            // Nothing is left to send, or what is there is longer than the content is now.
            StatusCode::RANGE_NOT_SATISFIABLE if length > 0 => {
                let is_whole = total_of(&response) == Some(length);
                let (files, path) = (files.clone(), path.clone());
                let finish = move || if is_whole { files.complete(&path) } else { files.remove() };
                in_thread(finish).await.map_err(failed)?;
                return Ok(if is_whole { Outcome::Complete(length) } else { Outcome::Anew });
            }
            status => {
                response.raise_for_status()?;
                let what =
                    format!("a download needs a response with status 200 or 206, and this one has {status}");
                return Err(response.located(Error::new(ErrorKind::Status, what)));
            }
        };
        if let Some(report) = self.report.clone() {
            let total = response.content_length().map(|rest| begins_at + rest);
            response.on_progress(move |read, _| (report.borrow_mut())(begins_at + read, total));
        }
        let validator = if response.is_decoded() { None } else { validator_of(response.headers()) };
        let begun = files.clone();
        let open = move || if begins_at > 0 { begun.go_on() } else { begun.begin(validator.as_ref()) };
        let file = in_thread(open).await.map_err(failed)?;
        let arrived = response.append_to(file, failed).await;
        let (files, path, is_whole) = (files.clone(), path.clone(), arrived.is_ok());
        let finish = move || {
            let length = fs::metadata(&files.part)?.len();
            match is_whole {
                true => files.complete(&path)?,
                // Without a validator it is of no use.
                false if !files.validator.exists() => files.remove()?,
                false => {}
            }
            Ok(length)
        };
        let length = in_thread(finish).await.map_err(failed);
        arrived?;
        Ok(Outcome::Complete(length?))
    }
}

impl Unfinished {
    fn of(path: &Path) -> Option<Unfinished> {
        let with = |ending: &str| {
            let mut name = path.file_name()?.to_owned();
            name.push(ending);
            Some(path.with_file_name(name))
        };
        Some(Unfinished { part: with(".part")?, validator: with(".part.from")? })
    }

    /// How much there is, and the validator to ask for the rest with.
    fn look(&self) -> io::Result<(u64, Option<HeaderValue>)> {
        let validator = match fs::read(&self.validator) {
            Ok(bytes) => HeaderValue::from_bytes(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let length = fs::metadata(&self.part).map_or(0, |part| part.len());
        Ok(if validator.is_some() && length > 0 { (length, validator) } else { (0, None) })
    }

    fn begin(&self, validator: Option<&HeaderValue>) -> io::Result<File> {
        // In this order: a validator never stands beside bytes that are not from its response.
        self.remove()?;
        let file = File::create(&self.part)?;
        if let Some(validator) = validator {
            fs::write(&self.validator, validator.as_bytes())?;
        }
        Ok(file)
    }

    fn go_on(&self) -> io::Result<File> {
        File::options().append(true).open(&self.part)
    }

    fn complete(&self, path: &Path) -> io::Result<()> {
        fs::rename(&self.part, path)?;
        remove(&self.validator)
    }

    fn remove(&self) -> io::Result<()> {
        remove(&self.validator)?;
        remove(&self.part)
    }
}

fn remover(files: &Unfinished) -> impl FnOnce() -> io::Result<()> + Send + 'static {
    let files = files.clone();
    move || files.remove()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the connection was lost, and more of the content may come on another one.
fn may_go_on(error: &Error) -> bool {
    let kinds = [ErrorKind::Body, ErrorKind::Timeout, ErrorKind::Connect, ErrorKind::Dns, ErrorKind::Send];
    kinds.contains(&error.kind())
}

/// Where the range of a 206 begins.
fn range_of(response: &Response) -> Option<u64> {
    let range = response.header(CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?;
    number(range.split_once('-')?.0)
}

/// The length of the whole, from the `bytes */5` of a 416.
fn total_of(response: &Response) -> Option<u64> {
    number(response.header(CONTENT_RANGE.as_str())?.strip_prefix("bytes */")?)
}

/// Digits only: `parse` would take a sign, too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// What tells this content from all others that were at its URL, and will be.
fn validator_of(headers: &HeaderMap) -> Option<HeaderValue> {
    if let Some(tag) = headers.get(ETAG) {
        // A weak one (`W/"…"`) may stand for several contents.
        return (tag.as_bytes().starts_with(b"\"")).then(|| tag.clone());
    }
    let time = |name| date::parse(headers.get(name)?.to_str().ok()?);
    let age = time(DATE)?.duration_since(time(LAST_MODIFIED)?).ok()?;
    (age >= OLD_ENOUGH).then(|| headers[LAST_MODIFIED].clone())
}

impl IntoFuture for Download {
    type Output = Result<u64, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<u64, Error>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl RequestBuilder {
    /// Downloads the body of the response into a file, and goes on with what an earlier attempt has left: the unfinished file is
    /// kept as `NAME.part`, and the rest is asked for with `Range` and `If-Range`, so that it fits. If the content has changed, or
    /// the server does not know ranges, the download begins anew. Only a complete file gets its name; one that is there is
    /// replaced then. Two downloads to the same path at the same time are not allowed.
    ///
    /// Of a response without a strong `ETag`, and without a `Last-Modified` of at least a minute ago, nothing is kept. The example
    /// is in [`Download`].
    ///
    /// # Errors
    /// Of kind [`Status`](ErrorKind::Status) for any status but 200 and 206, [`Io`](ErrorKind::Io) if a file cannot be written,
    /// [`Request`](ErrorKind::Request) if the request has a `Range` of its own, or a body that can be sent only once. Otherwise as
    /// [`Response::download`].
    pub fn download(self, path: impl Into<PathBuf>) -> Download {
        Download { shared: self.shared, request: self.request, path: path.into(), resumes: 0, report: None }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("path", &self.path)
            .field("resumes", &self.resumes)
            .finish_non_exhaustive()
    }
}

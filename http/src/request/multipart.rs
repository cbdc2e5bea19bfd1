//! Forms with files: `multipart/form-data` (RFC 7578).
//!
//! Such a body is a sequence of parts. Before each is a line of two dashes and a *boundary*, which occurs in none of the
//! parts; after the last is the same line with two more dashes. A part has header fields, with its name in the form and
//! perhaps the name of a file, then an empty line, then its content as it is.
//!
//! The format has two known vulnerabilities. With a *boundary* that can be guessed, the author of a content can end the
//! part and begin another: this one has 128 random bits, and is compared with every part that is in memory. And a *name*
//! with a quote or a line break would end its header line: such characters are written as `%22`, `%0D` and `%0A`, as
//! browsers write them (WHATWG HTML, "multipart/form-data encoding algorithm").
//!
//! The form is not assembled in memory. It becomes a [`Body`] that is a sequence: the lines in between, and the contents
//! where they are, in memory, in a file, or in a reader. If all their lengths are known, the length of the whole is
//! declared; otherwise the body is sent with `Transfer-Encoding: chunked`.

use crate::error::{Error, ErrorKind};
use crate::random::random_u64;
use crate::request::body::{Body, Source};
use crate::request::header::header_field;
use bytes::BytesMut;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use std::borrow::Cow;
use std::fmt::Write;
use std::path::PathBuf;

/// Content of at most this length is copied between the lines, instead of being sent by itself.
const COPIED: usize = 8 * 1024;

/// A form with fields and files, for [`RequestBuilder::multipart`](crate::RequestBuilder::multipart).
///
/// ```no_run
/// use curio_http::{Body, Form, Part};
///
/// # async fn example(session: curio_http::ClientSession, log: impl futures_io::AsyncRead + Unpin + 'static)
/// # -> Result<(), curio_http::Error> {
/// let form = Form::new()
///     .text("title", "Boats at dawn")
///     .file("picture", "boats.png")
///     .part("notes", Part::new("plain text").file_name("notes.txt"))
///     .part("log", Part::new(Body::from_reader(log)).file_name("log").content_type("text/plain"));
/// session.post("https://example.org/upload").multipart(form).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Form {
    parts: Vec<(String, Part)>,
}

impl Form {
    /// A form without parts.
    pub fn new() -> Form {
        Form::default()
    }

    /// Adds a field. The value is sent as it is, in UTF-8.
    pub fn text(self, name: impl Into<String>, value: impl Into<String>) -> Form {
        self.part(name, Part::new(value.into()))
    }

    /// Adds a file under its own name. It is opened when the request is sent, and read one chunk at a time.
    pub fn file(self, name: impl Into<String>, path: impl Into<PathBuf>) -> Form {
        let path = path.into();
        let own_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let part = Part { file_name: own_name, ..Part::new(Body::from_file(path)) };
        self.part(name, part)
    }

    /// Adds a part.
    pub fn part(mut self, name: impl Into<String>, part: Part) -> Form {
        self.parts.push((name.into(), part));
        self
    }

    /// The body, and its Content-Type.
    pub(crate) fn into_body(self) -> Result<(Body, HeaderValue), Error> {
        let boundary = self.boundary();
        let mut sequence = Sequence::default();
        for (name, part) in self.parts {
            let kind = part.kind.transpose()?;
            let kind = kind.as_ref().map(HeaderValue::as_bytes);
            let kind = kind.or_else(|| Some(guessed(part.file_name.as_deref()?).as_bytes()));
            sequence.text.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            sequence.text.extend_from_slice(disposition(&name, part.file_name.as_deref()).as_bytes());
            if let Some(kind) = kind {
                sequence.text.extend_from_slice(b"Content-Type: ");
                sequence.text.extend_from_slice(kind);
                sequence.text.extend_from_slice(b"\r\n");
            }
            for (name, value) in part.headers? {
                sequence.text.extend_from_slice(
                    &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat(),
                );
            }
            sequence.text.extend_from_slice(b"\r\n");
            sequence.add(part.body);
            sequence.text.extend_from_slice(b"\r\n");
        }
        sequence.text.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let kind = header_field(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))?.1;
        Ok((sequence.into_body(), kind))
    }

    /// A boundary that begins no line of a part in memory.
    fn boundary(&self) -> String {
        loop {
            let boundary = format!("curio-{:016x}{:016x}", random_u64(), random_u64());
            let line = format!("--{boundary}");
            let taken = |part: &Part| {
                let mut lines = part.body.as_bytes().unwrap_or_default().split(|&byte| byte == b'\n');
                lines.any(|other| other.starts_with(line.as_bytes()))
            };
            if !self.parts.iter().any(|(_, part)| taken(part)) {
                return boundary;
            }
        }
    }
}

/// One part of a [`Form`]: a body, and what the server is told about it.
#[derive(Debug)]
pub struct Part {
    body: Body,
    file_name: Option<String>,
    kind: Option<Result<HeaderValue, Error>>,
    /// Further fields.
    headers: Result<Vec<(HeaderName, HeaderValue)>, Error>,
}

impl Part {
    /// A part with this content: a field, unless it gets a [file name](Part::file_name).
    pub fn new(body: impl Into<Body>) -> Part {
        Part { body: body.into(), file_name: None, kind: None, headers: Ok(Vec::new()) }
    }

    /// Makes it a file with this name. Its type is guessed from the extension of the name, if that is one of a few common
    /// ones; otherwise it is `application/octet-stream`.
    pub fn file_name(mut self, name: impl Into<String>) -> Part {
        self.file_name = Some(name.into());
        self
    }

    /// The type of the content. One that cannot be sent, because of a line break for example, is reported when the
    /// request is awaited.
    pub fn content_type(mut self, kind: impl AsRef<str>) -> Part {
        self.kind = Some(header_field(CONTENT_TYPE, kind.as_ref()).map(|(_, kind)| kind));
        self
    }

    /// Adds a header field to the part, such as `Content-ID`. RFC 7578 lets servers ignore all but the two that a part has by itself:
    /// `Content-Disposition`, which is made from its name and file name, and `Content-Type` (see
    /// [`content_type`](Part::content_type)).
    ///
    /// A field that cannot be sent, or that is one of these two, is reported when the request is awaited.
    ///
    /// ```
    /// use curio_http::{Form, Part};
    ///
    /// let picture = Part::new(vec![0x89, b'P', b'N', b'G']).file_name("a.png").header("Content-ID", "<picture>");
    /// let form = Form::new().part("picture", picture);
    /// ```
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Part {
        self.headers = self.headers.and_then(|mut headers| {
            let (name, value) = header_field(name.as_ref(), value.as_ref())?;
            if name == CONTENT_DISPOSITION || name == CONTENT_TYPE {
                let what = format!("a part makes its {name} by itself: use name, file_name and content_type");
                return Err(Error::new(ErrorKind::Request, what));
            }
            headers.push((name, value));
            Ok(headers)
        });
        self
    }
}

/// Collects bodies that are sent one after the other.
#[derive(Default)]
struct Sequence {
    bodies: Vec<Body>,
    /// The text after the last of them.
    text: BytesMut,
}

impl Sequence {
    fn add(&mut self, body: Body) {
        match body.source {
            Source::Bytes(bytes) if bytes.len() <= COPIED => self.text.extend_from_slice(&bytes),
            Source::Sequence(bodies) => bodies.into_iter().for_each(|body| self.add(body)),
            source => {
                self.close_text();
                self.bodies.push(Body { source });
            }
        }
    }

    fn close_text(&mut self) {
        if !self.text.is_empty() {
            self.bodies.push(std::mem::take(&mut self.text).freeze().into());
        }
    }

    /// A short form in memory becomes one body, which is sent together with the head.
    fn into_body(mut self) -> Body {
        self.close_text();
        match self.bodies.len() {
            1 => self.bodies.swap_remove(0),
            _ => Body { source: Source::Sequence(self.bodies) },
        }
    }
}

fn disposition(name: &str, file_name: Option<&str>) -> String {
    let mut line = format!("Content-Disposition: form-data; name=\"{}\"", escaped(name));
    if let Some(file_name) = file_name {
        let _ = write!(line, "; filename=\"{}\"", escaped(file_name));
    }
    line + "\r\n"
}

fn escaped(name: &str) -> Cow<'_, str> {
    if !name.contains(['"', '\r', '\n']) {
        return name.into();
    }
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A").into()
}

/// The types of common files.
fn guessed(file_name: &str) -> &'static str {
    let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("txt" | "log") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("csv") => "text/csv",
        Some("md") => "text/markdown",
        Some("js") => "text/javascript",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("gz") => "application/gzip",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("svg") => "image/svg+xml",
        Some("mp3") => "audio/mpeg",
        Some("mp4") => "video/mp4",
        _ => "application/octet-stream",
    }
}

//! Downloads into files and writers: names, what is kept of an unfinished one, and how it goes on.

use curio_http::mock::{Answer, Mock, MockRequest};
use curio_http::{ErrorKind, Method};
use futures_io::AsyncWrite;
use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

const CONTENT: &str = "0123456789abcdefghij";
const URL: &str = "http://test/files/data.bin";

/// A folder of its own, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("curio-downloads-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// The names of all files in it.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A head that declares all of the rest, and `sent` bytes of it; then the connection is closed.
fn cut_off(status: &str, fields: &str, rest: &str, sent: usize) -> Answer {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n", rest.len());
    Answer::raw(head + &rest[..sent]).then_close()
}

fn from(request: &MockRequest) -> Option<usize> {
    request.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// Sends the content, seven bytes on each connection, and knows ranges.
fn slow_server(tag: &'static str) -> Mock {
    Mock::new().on(Method::GET, "/files/*", move |request| {
        let etag = format!("ETag: {tag}\r\n");
        match from(request) {
            Some(begin) if request.header("if-range") == Some(tag) => {
                let range = format!("{etag}Content-Range: bytes {begin}-19/20\r\n");
                let rest = &CONTENT[begin..];
                cut_off("206 Partial Content", &range, rest, rest.len().min(7))
            }
            _ => cut_off("200 OK", &etag, CONTENT, 7),
        }
    })
}

#[test]
fn a_download_goes_on_where_it_was_cut_off_until_the_file_is_whole() {
    curio::testing::run(async {
        let folder = Folder::new("goes-on");
        let mock = slow_server("\"v1\"");
        let reports = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&reports);
        let download = mock.session().get(URL).download(folder.path("data"));
        let length = download
            .resumes(2)
            .on_progress(move |read, total| log.borrow_mut().push((read, total)))
            .await
            .expect("a file");
        assert_eq!((length, folder.text("data").as_deref()), (20, Some(CONTENT)));
        assert_eq!(folder.names(), ["data"]);
        assert_eq!(mock.requests().iter().map(from).collect::<Vec<_>>(), [None, Some(7), Some(14)]);
        assert!(mock.requests().iter().all(|request| request.header("accept-encoding") == Some("identity")));
        assert!(reports.borrow().is_sorted() && reports.borrow().last() == Some(&(20, Some(20))));
    });
}

#[test]
fn what_another_attempt_has_left_is_used_by_the_next() {
    curio::testing::run(async {
        let folder = Folder::new("next");
        let mock = slow_server("\"v1\"");
        let mut errors = 0;
        while let Err(error) = mock.session().get(URL).download(folder.path("data")).await {
            assert!(error.is_body(), "{error}");
            assert_eq!(folder.names(), ["data.part", "data.part.from"]);
            errors += 1;
        }
        assert_eq!((errors, folder.text("data").as_deref()), (2, Some(CONTENT)));
    });
}

#[test]
fn content_that_has_changed_is_downloaded_anew() {
    curio::testing::run(async {
        let folder = Folder::new("changed");
        slow_server("\"v1\"").session().get(URL).download(folder.path("data")).await.expect_err("cut off");
        let changed = Mock::new().otherwise(|request| {
            assert_eq!(request.header("if-range"), Some("\"v1\""));
            Answer::text("all new").header("ETag", "\"v2\"")
        });
        let length = changed.session().get(URL).download(folder.path("data")).await.expect("a file");
        assert_eq!((length, folder.text("data").as_deref()), (7, Some("all new")));
        assert_eq!(folder.names(), ["data"]);
    });
}

#[test]
fn nothing_is_kept_of_a_content_that_could_change_unnoticed() {
    curio::testing::run(async {
        let fields = [
            "",
            "ETag: W/\"weak\"\r\n",
            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            "Date: Sun, 06 Nov 1994 08:49:50 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        ];
        for field in fields {
            let folder = Folder::new("unnoticed");
            let mock = Mock::new().otherwise(move |_| cut_off("200 OK", field, CONTENT, 7));
            mock.session().get(URL).download(folder.path("data")).resumes(1).await.expect_err("cut off");
            assert!(folder.names().is_empty(), "{field}: {:?}", folder.names());
            assert_eq!(mock.requests().iter().map(from).collect::<Vec<_>>(), [None, None]);
        }
        let old = "Date: Mon, 07 Nov 1994 08:49:50 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        let folder = Folder::new("old");
        let mock = Mock::new().otherwise(move |_| cut_off("200 OK", old, CONTENT, 7));
        mock.session().get(URL).download(folder.path("data")).await.expect_err("cut off");
        assert_eq!(folder.text("data.part.from").as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    });
}

#[test]
fn another_range_than_was_asked_for_is_an_error_and_is_not_appended() {
    curio::testing::run(async {
        for range in ["Content-Range: bytes 3-19/20\r\n", "Content-Range: 7-19\r\n", ""] {
            let folder = Folder::new("range");
            slow_server("\"v1\"")
                .session()
                .get(URL)
                .download(folder.path("data"))
                .await
                .expect_err("cut off");
            let mock = Mock::new().otherwise(move |_| cut_off("206 Partial Content", range, "wrong", 5));
            let error = mock.session().get(URL).download(folder.path("data")).await.expect_err("no fit");
            assert!(error.is_protocol() && error.to_string().contains("begins anew"), "{error}");
            assert!(folder.names().is_empty(), "{:?}", folder.names());
        }
    });
}

#[test]
fn a_download_that_only_lacks_its_name_is_completed() {
    curio::testing::run(async {
        let folder = Folder::new("whole");
        fs::write(folder.path("data.part"), CONTENT).expect("a file");
        fs::write(folder.path("data.part.from"), "\"v1\"").expect("a file");
        let mock = Mock::new().otherwise(|_| Answer::new(416).header("Content-Range", "bytes */20"));
        assert_eq!(mock.session().get(URL).download(folder.path("data")).await.expect("a file"), 20);
        assert_eq!((folder.names(), folder.text("data").as_deref()), (vec!["data".into()], Some(CONTENT)));
        // One that is longer than the content is now begins anew.
        fs::write(folder.path("data.part"), CONTENT).expect("a file");
        fs::write(folder.path("data.part.from"), "\"v1\"").expect("a file");
        let shrunk = Mock::new().otherwise(|request| match from(request) {
            Some(_) => Answer::new(416).header("Content-Range", "bytes */3"),
            None => Answer::text("abc"),
        });
        assert_eq!(shrunk.session().get(URL).download(folder.path("data")).await.expect("a file"), 3);
        assert_eq!(folder.text("data").as_deref(), Some("abc"));
    });
}

#[test]
fn a_status_that_is_no_download_leaves_everything_as_it_was() {
    curio::testing::run(async {
        let folder = Folder::new("status");
        fs::write(folder.path("data"), "before").expect("a file");
        for status in [404, 503, 204] {
            let mock = Mock::new().otherwise(move |_| Answer::new(status));
            let error =
                mock.session().get(URL).download(folder.path("data")).resumes(3).await.expect_err("none");
            assert_eq!(error.kind(), ErrorKind::Status, "{error}");
            assert_eq!(mock.requests().len(), 1);
        }
        assert_eq!((folder.names(), folder.text("data").as_deref()), (vec!["data".into()], Some("before")));
    });
}

#[test]
fn requests_that_cannot_be_downloads_are_refused_before_anything_is_sent() {
    curio::testing::run(async {
        let folder = Folder::new("refused");
        let mock = slow_server("\"v1\"");
        let session = mock.session();
        let own_range = session.get(URL).header("Range", "bytes=1-").download(folder.path("data"));
        let error = own_range.await.expect_err("refused");
        assert!(error.is_request() && error.to_string().contains("leave them out"), "{error}");
        let no_name = session.get(URL).download("/").await.expect_err("refused");
        assert!(no_name.is_request() && no_name.to_string().contains("name of a file"), "{no_name}");
        let once = curio_http::Body::from_reader(futures_util::io::Cursor::new(b"once"));
        let error = session.post(URL).body(once).download(folder.path("data")).await.expect_err("refused");
        assert!(error.is_request() && error.to_string().contains("only once"), "{error}");
        assert!(session.get("no url").download(folder.path("data")).await.expect_err("no URL").is_url());
        let missing = session.get(URL).download(folder.path("missing").join("data")).await;
        assert_eq!(missing.expect_err("no folder").kind(), ErrorKind::Io);
        assert!(folder.names().is_empty());
    });
}

#[test]
fn a_response_names_its_file_and_is_saved_under_that_name_in_a_folder() {
    curio::testing::run(async {
        let folder = Folder::new("named");
        let mock = Mock::new().otherwise(|_| {
            Answer::text("x").header("Content-Disposition", "attachment; filename=\"../../up/.profile\"")
        });
        let mut response = mock.session().get(URL).await.expect("a response");
        assert_eq!(response.file_name().as_deref(), Some("profile"));
        let path = response.download_into(&folder.0).await.expect("a file");
        assert_eq!((path, folder.names()), (folder.path("profile"), vec!["profile".into()]));
        // What is there is not replaced, and the body can still be read.
        let mut again = mock.session().get(URL).await.expect("a response");
        let error = again.download_into(&folder.0).await.expect_err("it is there");
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("is there already"), "{error}");
        assert_eq!(again.text().await.expect("a body"), "x");
    });
}

#[test]
fn a_response_that_names_no_file_says_so() {
    curio::testing::run(async {
        let folder = Folder::new("nameless");
        let mock = Mock::new().otherwise(|_| Answer::text("x"));
        let mut response = mock.session().get("http://test/").await.expect("a response");
        let error = response.download_into(&folder.0).await.expect_err("no name");
        assert!(error.to_string().contains("path of your own"), "{error}");
    });
}

/// Takes at most three bytes at a time, and is not ready every other time.
#[derive(Default)]
struct Hesitant {
    written: Vec<u8>,
    polls: usize,
    flushed: bool,
    room: Option<usize>,
}

impl AsyncWrite for Hesitant {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.polls += 1;
        if self.polls % 2 == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = self.room.map_or(usize::MAX, |room| room - self.written.len());
        let n = bytes.len().min(3).min(room);
        self.written.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic!("the writer is the caller's")
    }
}

#[test]
fn a_body_can_be_written_to_any_writer() {
    curio::testing::run(async {
        let pieces = || Answer::pieces(["abcde", "fghij", "k"], std::time::Duration::from_secs(1));
        let mock = Mock::new().otherwise(move |_| pieces());
        let mut writer = Hesitant::default();
        let mut response = mock.session().get(URL).await.expect("a response");
        assert_eq!(response.download_to(&mut writer).await.expect("written"), 11);
        assert_eq!((&*writer.written, writer.flushed), (&b"abcdefghijk"[..], true));
        let mut full = Hesitant { room: Some(4), ..Hesitant::default() };
        let mut response = mock.session().get(URL).await.expect("a response");
        let error = response.download_to(&mut full).await.expect_err("no more room");
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("caller's writer"), "{error}");
    });
}

#[test]
fn a_large_file_is_read_while_it_is_written_and_arrives_whole() {
    curio::testing::run(async {
        let folder = Folder::new("large");
        let content: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
        let sent = content.clone();
        let mock = Mock::new().otherwise(move |_| Answer::new(200).body(sent.clone()));
        let mut response = mock.session().get(URL).await.expect("a response");
        assert_eq!(response.download(folder.path("data")).await.expect("a file"), 5_000_000);
        assert!(fs::read(folder.path("data")).expect("a file") == content);
    });
}

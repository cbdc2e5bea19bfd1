//! The cookie jar as a program uses it: in a session, by hand, and in a file.

mod server;

use curio_http::{CookieJar, SameSite, Url};
use curio_support::{Httpbin, TestAuthority};
use serde_json::{Value, json};
use server::{ClientSession, Reply, Server};
use std::fs;
use std::path::{Path, PathBuf};

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

/// A folder that is removed with everything in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("curio-cookies-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that sets what the query says and tells which cookies it got.
fn echo() -> Server {
    Server::answering(|request| {
        let fields: String = match request.target.split_once('?') {
            Some((_, fields)) => fields.split('&').map(|field| format!("Set-Cookie: {field}\r\n")).collect(),
            None => String::new(),
        };
        Reply::with("200 OK", &fields, request.header("cookie").unwrap_or("none"))
    })
}

#[test]
fn what_a_response_sets_goes_along_with_the_next_request() {
    let server = echo();
    let session = ClientSession::new();
    let text = curio::run(async {
        session.get(server.url("/?a=1&b=%222%22")).await?;
        session.get(server.url("/")).await?.text().await
    });
    assert_eq!(text.expect("an answer"), "a=1; b=%222%22");
}

#[test]
fn cookies_can_be_switched_off() {
    let server = echo();
    let session = ClientSession::builder().cookies(false).build().expect("good settings");
    let text = curio::run(async {
        let response = session.get(server.url("/?a=1")).await?;
        assert_eq!(response.cookies().len(), 1);
        session.get(server.url("/")).await?.text().await
    });
    assert_eq!(text.expect("an answer"), "none");
    assert!(session.cookies().is_empty());
}

#[test]
fn longer_paths_come_first_and_then_older_cookies() {
    let jar = CookieJar::new();
    let here = url("http://h.org/a/b/c");
    for field in ["one=1; Path=/", "two=2; Path=/a", "three=3; Path=/a/b", "four=4; Path=/a", "one=5; Path=/"]
    {
        jar.set_cookie(&here, field).expect(field);
    }
    let names: Vec<_> = jar.cookies_for(&here).iter().map(|cookie| cookie.name().to_owned()).collect();
    assert_eq!(names, ["three", "two", "four", "one"]);
    assert_eq!(jar.get(&here, "one").expect("replaced in its place").value(), "5");
}

#[test]
fn sessions_can_share_a_jar_and_clones_are_one_jar() {
    let server = echo();
    let jar = CookieJar::new();
    let session = || ClientSession::builder().cookie_jar(jar.clone()).build().expect("good settings");
    let text = curio::run(async {
        session().get(server.url("/?a=1")).await?;
        session().get(server.url("/")).await?.text().await
    });
    assert_eq!((text.expect("an answer").as_str(), jar.len()), ("a=1", 1));
}

#[test]
fn cookies_are_set_read_removed_and_cleared_by_hand() {
    let jar = CookieJar::new();
    let (here, there) = (url("https://h.org/x"), url("https://other.org/"));
    jar.set(&here, "a", "1").expect("a good cookie");
    jar.set(&here, "b", "\"two\"").expect("a good cookie");
    jar.set(&there, "a", "3").expect("a good cookie");
    assert_eq!(jar.get(&here, "b").expect("a cookie").value(), "\"two\"");
    assert!(jar.get(&url("http://h.org/"), "a").is_none(), "what is set for https is secure");
    assert_eq!((jar.remove(&here, "a"), jar.remove(&here, "a"), jar.len()), (1, 0, 2));
    assert_eq!(jar.iter().map(|cookie| cookie.value().to_owned()).collect::<Vec<_>>(), ["\"two\"", "3"]);
    assert_eq!((&jar).into_iter().count(), 2);
    jar.clear();
    assert!(jar.is_empty());
}

#[test]
fn what_cannot_be_a_cookie_is_refused_by_hand_with_a_reason() {
    let jar = CookieJar::new();
    for (name, value) in
        [("", "v"), ("a;b", "v"), ("a=b", "v"), ("a", "v; Secure"), ("a", " v"), ("a", "v\n"), ("a\t", "v")]
    {
        let error = jar.set(&url("http://h.org/"), name, value).expect_err("no cookie");
        assert!(
            error.is_request() && error.to_string().starts_with("setting a cookie for h.org: "),
            "{error}"
        );
    }
    assert!(jar.is_empty());
}

#[test]
fn the_end_of_a_session_leaves_what_was_meant_to_stay() {
    let jar = CookieJar::new();
    let here = url("http://h.org/");
    jar.set_cookie(&here, "stays=1; Max-Age=1000").expect("a good cookie");
    jar.set_cookie(&here, "goes=1").expect("a good cookie");
    jar.clear_session();
    assert_eq!(jar.iter().map(|cookie| cookie.name().to_owned()).collect::<Vec<_>>(), ["stays"]);
}

#[test]
fn attributes_are_kept_and_shown() {
    let jar = CookieJar::new();
    let here = url("https://www.h.org/a/b");
    jar.set_cookie(&here, "n=v; HttpOnly; SameSite=Strict; Secure; Domain=h.org").expect("a good cookie");
    let cookie = jar.get(&here, "n").expect("a cookie");
    assert_eq!((cookie.domain(), cookie.path()), (Some("h.org"), Some("/a")));
    assert!(cookie.is_http_only() && cookie.is_secure() && !cookie.is_host_only());
    assert_eq!(cookie.same_site(), Some(SameSite::Strict));
}

#[test]
fn values_are_not_shown_by_debug() {
    let jar = CookieJar::new();
    jar.set(&url("http://h.org/"), "id", "secret").expect("a good cookie");
    assert!(!format!("{jar:?} {:?}", ClientSession::builder().cookie_jar(jar.clone())).contains("secret"));
}

#[test]
fn bytes_that_are_not_text_come_back_as_they_were() {
    let server = Server::answering(|request| {
        let text = request.head.contains("\u{fffd}\u{fffd}").to_string();
        let body = format!("{}\r\n\r\n{text}", text.len());
        let head = b"HTTP/1.1 200 OK\r\nSet-Cookie: n=\xe9\xff\r\nContent-Length: ".to_vec();
        Reply::raw([head, body.into_bytes()].concat())
    });
    let session = ClientSession::new();
    let text = curio::run(async {
        session.get(server.url("/")).await?;
        session.get(server.url("/")).await?.text().await
    });
    assert_eq!(text.expect("an answer"), "true");
}

#[test]
fn a_jar_is_the_same_after_saving_and_loading() {
    let folder = Folder::new("same");
    let file = folder.file("cookies.txt");
    let jar = CookieJar::new();
    for (from, field) in [
        ("https://www.h.org/", "a=\"1, 2\"; Domain=h.org; Secure; Max-Age=5000"),
        ("http://www.h.org/x/y", "b=; HttpOnly"),
        ("http://127.0.0.1/", "c=é; Path=/p"),
    ] {
        jar.set_cookie(&url(from), field).expect(field);
    }
    let other = CookieJar::new();
    curio::run(async {
        assert_eq!(jar.save(&file).await.expect("a file"), 3);
        assert_eq!(other.load(&file).await.expect("a file"), 3);
        other.save(folder.file("again.txt")).await.expect("a file");
    });
    assert_eq!(fs::read(&file).expect("a file"), fs::read(folder.file("again.txt")).expect("a file"));
    for (to, expected) in [
        ("https://a.h.org/", 1),
        ("http://www.h.org/x/", 1),
        ("http://127.0.0.1/p", 1),
        ("http://a.h.org/", 0),
    ] {
        assert_eq!(other.cookies_for(&url(to)).len(), expected, "{to}");
        assert_eq!(jar.cookies_for(&url(to)).len(), expected, "{to}");
    }
}

#[cfg(unix)]
#[test]
fn a_saved_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("owner");
    let file = folder.file("cookies.txt");
    for _ in 0..2 {
        curio::run(CookieJar::new().save(&file)).expect("a file");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::read_dir(&folder.0).expect("a folder").count(), 1, "nothing else is left there");
}

#[test]
fn a_file_with_a_bad_line_is_refused_as_a_whole() {
    let folder = Folder::new("bad");
    let file = folder.file("cookies.txt");
    fs::write(&file, "h.org\tFALSE\t/\tFALSE\t0\tn\tv\nwhat is this\n").expect("a file");
    let jar = CookieJar::new();
    let error = curio::run(jar.load(&file)).expect_err("a bad line");
    assert!(error.to_string().contains("cookies.txt: line 2: seven fields"), "{error}");
    assert!(jar.is_empty());
    let error = curio::run(jar.load(folder.file("missing"))).expect_err("no file");
    // What the system says of a file that is not there comes behind its name.
    assert!(error.to_string().contains("missing: "), "{error}");
}

#[test]
fn a_lossy_load_passes_over_bad_lines_and_says_which() {
    let folder = Folder::new("lossy");
    let file = folder.file("cookies.txt");
    fs::write(&file, "h.org\tFALSE\t/\tFALSE\t0\tn\tv\nodd\nh.org\tFALSE\t/\tFALSE\t0\tm\tw\n")
        .expect("a file");
    let jar = CookieJar::new();
    let (loaded, passed_over) = curio::run(jar.load_lossy(&file)).expect("a file");
    assert_eq!((loaded, jar.len(), passed_over.len()), (2, 2, 1));
    assert!(passed_over[0].starts_with("line 2: "), "{passed_over:?}");
    assert!(curio::run(jar.load_lossy(folder.file("missing"))).is_err());
}

#[test]
fn a_server_may_name_its_own_international_host_in_a_domain_attribute() {
    let jar = CookieJar::new();
    let own = url("http://www.b\u{fc}cher.example/");
    jar.set_cookie(&own, "n=v; Domain=B\u{fc}cher.example").expect("its own domain");
    assert_eq!(jar.iter().next().expect("a cookie").domain(), Some("xn--bcher-kva.example"));
    assert!(jar.set_cookie(&own, "n=v; Domain=andere-b\u{fc}cher.example").is_err());
}

#[test]
fn what_has_expired_is_not_loaded() {
    let folder = Folder::new("expired");
    let file = folder.file("cookies.txt");
    fs::write(&file, "h.org\tFALSE\t/\tFALSE\t1\tn\tv\nh.org\tFALSE\t/\tFALSE\t0\tm\tw\n").expect("a file");
    let jar = CookieJar::new();
    assert_eq!(curio::run(jar.load(&file)).expect("a file"), 1);
    assert_eq!(jar.len(), 1);
}

#[test]
fn httpbin_sets_shows_and_deletes_cookies() {
    let shown = |text: String| serde_json::from_str::<Value>(&text).expect("JSON")["cookies"].clone();
    curio::run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let session = curio_http::ClientSession::new();
        let mut response = session.get(httpbin.url("/cookies/set?a=1&b=2")).await.expect("an answer");
        assert_eq!(shown(response.text().await.expect("text")), json!({"a": "1", "b": "2"}));
        let mut response = session.get(httpbin.url("/cookies/delete?a")).await.expect("an answer");
        assert_eq!(shown(response.text().await.expect("text")), json!({"b": "2"}));
    });
}

#[test]
fn a_secure_cookie_of_a_tls_server_is_not_shown_to_the_plain_one_beside_it() {
    let authority = TestAuthority::new().expect("an authority");
    let identity = authority.localhost().expect("a certificate");
    curio::run(async {
        let (tls, plain) = (Httpbin::start_tls(&identity).await, Httpbin::start().await);
        let (tls, plain) = (tls.expect("a server"), plain.expect("a server"));
        let session = curio_http::ClientSession::builder().only_root_certificates(authority.ca_pem()).build();
        let session = session.expect("good settings");
        let at = |base: &Httpbin, path: &str| base.url(path).replace("localhost", "127.0.0.1");
        let over_tls = session.get(at(&tls, "/cookies/set?id=7")).await.expect("an answer").text().await;
        assert!(over_tls.expect("text").contains("\"id\": \"7\""));
        let over_tcp = session.get(at(&plain, "/cookies/set?id=8")).await.expect("an answer").text().await;
        assert!(!over_tcp.expect("text").contains("id"), "neither shown nor overwritten");
        assert_eq!(
            session.cookies().iter().map(|cookie| cookie.value().to_owned()).collect::<Vec<_>>(),
            ["7"]
        );
    });
}

/// Runs a program that reads and writes the same format; `None` if it is not installed.
fn program(name: &str, arguments: &[&str]) -> Option<String> {
    let output = match std::process::Command::new(name).args(arguments).output() {
        Ok(output) => output,
        Err(_) if std::env::var_os("CURIO_TEST_PEERS").is_none() => {
            println!("{name} is not installed: left out");
            return None;
        }
        Err(error) => panic!("{name}: {error}"),
    };
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn saved(folder: &Folder) -> PathBuf {
    let file = folder.file("ours.txt");
    let jar = CookieJar::new();
    for (from, field) in [
        ("http://127.0.0.1/", "host=\"1\"; Path=/; Max-Age=5000"),
        ("http://www.h.org/", "domain=2; Domain=h.org; HttpOnly; Max-Age=5000"),
        ("http://127.0.0.1/", "session=3; Path=/"),
    ] {
        jar.set_cookie(&url(from), field).expect(field);
    }
    curio::run(jar.save(&file)).expect("a file");
    file
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

#[test]
fn curl_reads_our_files_and_we_read_curls() {
    let folder = Folder::new("curl");
    let (ours, theirs) = (saved(&folder), folder.file("theirs.txt"));
    let server = echo();
    let arguments = ["-s", "-b", text(&ours), "-c", text(&theirs), &server.url("/?new=x;%20Max-Age=100")];
    let Some(seen) = program("curl", &arguments) else { return };
    let mut cookies: Vec<_> = seen.split("; ").collect();
    cookies.sort_unstable();
    assert_eq!(cookies, ["host=\"1\"", "session=3"]);
    let jar = CookieJar::new();
    curio::run(jar.load(&theirs)).expect("curl's file");
    let mut names: Vec<_> = jar.iter().map(|cookie| cookie.name().to_owned()).collect();
    names.sort_unstable();
    assert_eq!(names, ["domain", "host", "new", "session"]);
}

#[test]
fn python_reads_our_files_and_we_read_pythons() {
    let folder = Folder::new("python");
    let (ours, theirs) = (saved(&folder), folder.file("theirs.txt"));
    let script = "
import sys, http.cookiejar
jar = http.cookiejar.MozillaCookieJar(sys.argv[1])
jar.load(ignore_discard=True, ignore_expires=True)
print(sorted((c.name, c.value, c.domain, c.domain_specified, c.path) for c in jar))
jar.save(sys.argv[2], ignore_discard=True, ignore_expires=True)
";
    let Some(seen) = program("python3", &["-c", script, text(&ours), text(&theirs)]) else { return };
    assert_eq!(
        seen.trim(),
        "[('domain', '2', '.h.org', True, '/'), ('host', '\"1\"', '127.0.0.1', False, '/'), \
         ('session', '3', '127.0.0.1', False, '/')]"
    );
    let jar = CookieJar::new();
    assert_eq!(curio::run(jar.load(&theirs)).expect("Python's file"), 3);
    assert!(jar.get(&url("http://a.h.org/"), "domain").is_some());
}

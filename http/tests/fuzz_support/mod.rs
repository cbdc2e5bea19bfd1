//! Things that are true of any bytes at all, for the parts of the client that read what a server sends besides the
//! framing: chunks (against a second reading of the grammar), cookies, references, and compressed bodies.
//!
//! Each is a plain function of a byte string that panics if it does not hold: `hostile_fuzz.rs` calls them with seeded
//! random strings on every test run, the targets in `fuzz/` with whatever the fuzzer comes up with.
#![allow(dead_code, unreachable_pub, reason = "each user takes a part of this module")]

use curio_http::h1::{BodyLength, Connection, Event, RequestHead};
use curio_http::{Url, fuzzing};
use http::header::{HOST, HeaderValue};
use http::{HeaderMap, Method};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A chunked body without trailers ends where the grammar of RFC 9112 §7.1 says, with the content that it says, or
/// not at all.
pub fn chunks_are_what_the_grammar_says(bytes: &[u8]) {
    let mut connection = Connection::new();
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("h"))]);
    let head = RequestHead { method: &Method::GET, target: "/", headers: &headers };
    connection.start(&head, BodyLength::None, &mut Vec::new()).expect("a good request");
    let all = [HEAD, bytes].concat();
    let (mut rest, mut body, mut ended) = (all.as_slice(), Vec::new(), false);
    loop {
        match connection.next_event() {
            Ok(Some(Event::Data(data))) => body.extend_from_slice(&data),
            Ok(Some(Event::End { trailers })) => ended = trailers.is_none(),
            Ok(Some(_)) => {}
            Ok(None) if ended || rest.is_empty() => break,
            Err(_) => break,
            Ok(None) => {
                let space = connection.space();
                let n = rest.len().min(space.len());
                space[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
                connection.filled(n);
            }
        }
    }
    match chunked(bytes) {
        Some((content, length)) => {
            assert!(ended, "{} is in order", bytes.escape_ascii());
            assert_eq!(body, content);
            assert_eq!(connection.leftover().len() + rest.len(), bytes.len() - length);
        }
        None => assert!(!ended, "{} is not in order", bytes.escape_ascii()),
    }
}

/// The grammar once more, in the simplest way: the content, and how many bytes it and its framing take. Bodies with
/// trailer fields, and lines beyond the limits, are left out. Blanks may follow a size, as many a server has it.
fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut at, mut content) = (0, Vec::new());
    loop {
        let line_end = at + bytes[at..].windows(2).position(|pair| pair == b"\r\n")?;
        let line = &bytes[at..line_end];
        let (size, extension) = match line.iter().position(|&byte| byte == b';') {
            Some(semicolon) => (&line[..semicolon], &line[semicolon..]),
            None => (line, &b""[..]),
        };
        let size = size.trim_ascii_end_of_blanks();
        let hex = !size.is_empty() && size.iter().all(u8::is_ascii_hexdigit);
        let clean = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        if !hex || !extension.iter().all(clean) {
            return None;
        }
        let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        at = line_end + 2;
        if size == 0 {
            return bytes[at..].starts_with(b"\r\n").then_some((content, at + 2));
        }
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        content.extend_from_slice(bytes.get(at..end)?);
        at = end;
        if !bytes[at..].starts_with(b"\r\n") {
            return None;
        }
        at += 2;
    }
}

trait Blanks {
    fn trim_ascii_end_of_blanks(&self) -> &Self;
}

impl Blanks for [u8] {
    fn trim_ascii_end_of_blanks(&self) -> &[u8] {
        let end = self.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
        &self[..end]
    }
}

/// A `Set-Cookie` field sets one cookie at most, whose parts are parts of the field.
pub fn a_cookie_is_made_of_its_field(bytes: &[u8]) {
    let cookies = fuzzing::cookies(bytes);
    assert!(cookies.len() <= 1);
    // Bytes that are no UTF-8 are each a character.
    let text = std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned);
    for cookie in &cookies {
        assert!(!cookie.name().is_empty() && !cookie.name().contains(['=', ';']));
        assert!(text.contains(cookie.name()) && text.contains(cookie.value()), "{cookie:?} of {text:?}");
        // A tab may be part of a value (RFC 6265bis §5.6); nothing else that controls gets so far.
        let controls = |text: &str| text.contains(|c: char| c.is_ascii_control() && c != '\t');
        assert!(!controls(cookie.name()) && !controls(cookie.value()));
        assert!(cookie.path().is_none_or(|path| path.starts_with('/')));
    }
}

const BASES: [&str; 4] =
    ["http://h/", "https://user:pw@host.example:8443/a/b?c#d", "http://[::1]/x/", "http://127.0.0.1/%41/"];

/// A reference is resolved to an address that is in order and reads back as itself, or is refused; and so is the text
/// on its own.
pub fn a_reference_is_joined_or_refused(bytes: &[u8]) {
    let (base, reference) = bytes.split_first().unwrap_or((&0, &[]));
    let base = Url::parse(BASES[usize::from(*base) % BASES.len()]).expect("a good address");
    let reference = String::from_utf8_lossy(reference);
    for url in [base.join(&reference), Url::parse(&reference)] {
        match url {
            Ok(url) => {
                assert!(matches!(url.scheme(), "http" | "https"));
                assert!(url.host_str().is_some_and(|host| !host.is_empty() && host.is_ascii()));
                assert!(url.port() != Some(0) && url.path().starts_with('/'));
                assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{url:?}");
                assert_eq!(Url::parse(url.as_str()).expect("it reads back"), url);
            }
            Err(error) => {
                let line = error.to_string();
                assert!(error.is_url() && line.len() < 2000 && !line.contains(['\r', '\n']), "{line:?}");
            }
        }
    }
}

const CODINGS: [&str; 5] = ["gzip", "deflate", "gzip, gzip", "deflate, gzip", "x-gzip, deflate, gzip"];
const MOST: usize = 4 << 20;

/// Whatever is called compressed comes to the same, in however many pieces it comes: bounded output, or an error.
pub fn a_coded_body_is_decoded_or_refused(bytes: &[u8]) {
    let (choice, body) = bytes.split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
    let codings = CODINGS[usize::from(choice[0]) % CODINGS.len()];
    let piece = 1 + usize::from(choice[1]);
    let whole = fuzzing::decode(codings, [body], MOST).expect("known codings");
    let in_pieces = fuzzing::decode(codings, body.chunks(piece), MOST).expect("known codings");
    match (whole, in_pieces) {
        (Ok(whole), Ok(in_pieces)) => assert!(whole == in_pieces && whole.len() <= MOST + (64 << 10)),
        (whole, in_pieces) => assert_eq!(whole.is_err(), in_pieces.is_err(), "in pieces of {piece}"),
    }
}

//! Lines of text in character sets whose line ends are not one byte 0x0A.
#![cfg(feature = "charset")]

mod server;

use curio_http::Response;
use curio_support::{HostileServer, Script};
use server::{ClientSession, Reply, Server};

fn head(charset: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset={charset}\r\n\r\n").into_bytes()
}

async fn lines_of(mut response: Response) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = response.iter_lines();
    while let Some(line) = lines.next().await {
        found.push(line.expect("no error"));
    }
    found
}

/// The lines of such a body, whole and byte by byte.
fn lines(charset: &str, body: &[u8]) -> Vec<String> {
    let bytes = [head(charset), body.to_vec()].concat();
    let server = Server::answering(move |_| Reply::raw(bytes.clone()).then_close());
    let whole = curio::run(async {
        lines_of(ClientSession::new().get(server.url("/")).await.expect("an answer")).await
    });
    let byte_by_byte = curio::run(async {
        let mut script = Script::new().read_head().send(head(charset));
        for byte in body {
            script = script.send(vec![*byte]).wait(std::time::Duration::from_millis(1));
        }
        let server = HostileServer::start([script.close()]).await.expect("a server");
        lines_of(curio_http::get(server.url("/")).await.expect("an answer")).await
    });
    assert_eq!(whole, byte_by_byte, "{charset}");
    whole
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

/// U+0A0A and U+010A hold the byte of a line feed, and the line feed itself is two bytes.
const TEXT: &str = "one\u{a0a}\u{10a}\r\ntwo \u{1f600}\n\nlast";
const LINES: [&str; 4] = ["one\u{a0a}\u{10a}", "two \u{1f600}", "", "last"];

#[test]
fn lines_of_utf_16_end_at_its_line_feeds() {
    assert_eq!(lines("utf-16le", &utf16(TEXT, u16::to_le_bytes)), LINES);
    assert_eq!(lines("utf-16", &utf16(TEXT, u16::to_le_bytes)), LINES);
    assert_eq!(lines("utf-16be", &utf16(TEXT, u16::to_be_bytes)), LINES);
}

#[test]
fn a_byte_order_mark_of_utf_16_counts_for_all_lines() {
    let marked = format!("\u{feff}{TEXT}");
    assert_eq!(lines("utf-8", &utf16(&marked, u16::to_le_bytes)), LINES);
    assert_eq!(lines("latin1", &utf16(&marked, u16::to_be_bytes)), LINES);
}

#[test]
fn a_byte_order_mark_counts_only_at_the_beginning() {
    assert_eq!(lines("utf-8", "\u{feff}a\n\u{feff}b\n".as_bytes()), ["a", "\u{feff}b"]);
    assert_eq!(
        lines("latin1", b"a\n\xff\xfeb\n\xef\xbb\xbfc"),
        ["a", "\u{ff}\u{fe}b", "\u{ef}\u{bb}\u{bf}c"]
    );
    assert_eq!(
        lines("latin1", "\u{feff}\u{e9}\n\u{e9}".as_bytes()),
        ["\u{e9}", "\u{e9}"],
        "it is UTF-8, as it says"
    );
}

#[test]
fn a_character_that_is_cut_off_at_the_end_is_replaced() {
    assert_eq!(lines("utf-16le", b"a\0\n\0b"), ["a", "\u{fffd}"]);
}

#[test]
fn lines_of_iso_2022_jp_keep_its_state() {
    assert_eq!(lines("iso-2022-jp", b"a\n\x1b$BF|\x1b(B\n\x1b$BK\\\x1b(Bb"), ["a", "\u{65e5}", "\u{672c}b"]);
}

#[test]
fn lines_of_multi_byte_sets_are_split_as_ever() {
    assert_eq!(lines("shift_jis", b"\x93\xfa\n\x96\x7b"), ["\u{65e5}", "\u{672c}"]);
    assert_eq!(lines("koi8-r", b"\xcd\xc9\xd2\r\n\xcd"), ["\u{43c}\u{438}\u{440}", "\u{43c}"]);
}

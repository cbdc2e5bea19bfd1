//! The properties of `fuzz_support` on seeded input: random bytes, and good input with a few bytes changed. The same on
//! every run and on every machine.

mod fuzz_support;
mod h1_support;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use h1_support::generated::Random;
use std::io::Write;

/// Calls `property` with `seeds` and with hundreds of strings that are nearly one of them.
fn near(seeds: &[&[u8]], rounds: usize, alphabet: &[u8], property: fn(&[u8])) {
    let mut random = Random::new(seeds.len() as u64);
    seeds.iter().for_each(|seed| property(seed));
    for round in 0..rounds {
        let mut bytes = seeds[round % seeds.len()].to_vec();
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len());
            match random.below(5) {
                0 if !bytes.is_empty() => bytes[at] = random.number() as u8,
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                3 => {
                    let repeated = bytes[at..bytes.len().min(at + random.below(20))].to_vec();
                    bytes.splice(at..at, repeated);
                }
                _ => bytes.insert(at, alphabet[random.below(alphabet.len())]),
            }
        }
        property(&bytes);
        let length = random.below(40);
        let letters: Vec<u8> = (0..length).map(|_| alphabet[random.below(alphabet.len())]).collect();
        property(&letters);
    }
}

#[test]
fn case_137_chunks_are_what_a_second_reading_of_the_grammar_says() {
    let seeds: [&[u8]; 6] = [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5 ;a=\"b\"\r\nhello\r\n00\r\n\r\nrest",
        b"a\r\n0123456789\r\n1;x\r\n\r\r\n0\r\n\r\n",
        b"1\r\n\n\r\n2\r\n\r\n\r\n0;last\r\n\r\n",
        b"000003\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
    ];
    near(&seeds, 4000, b"0015aF;= \t\r\n\r\n\"x\0\x80", fuzz_support::chunks_are_what_the_grammar_says);
}

#[test]
fn case_137_cookies_are_made_of_their_fields() {
    let seeds: [&[u8]; 5] = [
        b"a=b",
        b"id=\"x; y\"; Domain=.Example.org; Path=/a; Secure; HttpOnly",
        b"=x; Path",
        b"__Host-a=1; Max-Age=-99999999999999999999; Expires=Wed, 09 Jun 2021 10:18:14 GMT",
        b"a==;;; =; path=/b; PATH=c; domain=",
    ];
    near(&seeds, 4000, b"ab=;; \t,\"/.%-\x80\xffPDS", fuzz_support::a_cookie_is_made_of_its_field);
}

#[test]
fn case_137_references_are_joined_or_refused() {
    let seeds: [&[u8]; 8] = [
        b"\x00../x?y#z",
        b"\x01//evil.example:80/..//",
        b"\x02http://user@[::ffff:1.2.3.4]:8080/%zz",
        b"\x03https:\\\\h\\x",
        "\u{1}http://b\u{fc}cher.example/gr\u{fc}n?\u{df}".as_bytes(),
        b"\x02?q=http://x/#",
        b"\x00http://0x7f.1/",
        b"\x01javascript:alert(1)",
    ];
    near(&seeds, 4000, b"htp:/\\@?#[].%0x2e~\t\r \xc3\xbc-", fuzz_support::a_reference_is_joined_or_refused);
}

#[test]
fn case_137_coded_bodies_are_decoded_or_refused() {
    let gzip = |plain: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
    };
    let zlib = |plain: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
    };
    let text = b"some text, some more text, and a little more text".repeat(20);
    let chosen = |choice: [u8; 2], body: Vec<u8>| [&choice[..], &body].concat();
    let seeds = [
        chosen([0, 3], gzip(&text)),
        chosen([0, 0], [gzip(&text), gzip(b"")].concat()),
        chosen([1, 1], zlib(&text)),
        chosen([2, 9], gzip(&gzip(&text))),
        chosen([3, 200], gzip(&zlib(&text))),
        chosen([4, 17], gzip(&zlib(&gzip(&text)))),
    ];
    let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    near(
        &seeds,
        600,
        b"\x00\x01\x02\x08\x1f\x78\x8b\x9c\xff",
        fuzz_support::a_coded_body_is_decoded_or_refused,
    );
}

//! Each content coding is decoded, whole and chunk by chunk; damaged, truncated and too large data.

use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;
use std::io::Write;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
}

fn raw(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressing in memory")
}

fn decoder(coding: &str) -> Option<Decoder> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).expect("a header value"));
    Decoder::for_headers(&headers).expect("not too many codings")
}

/// Decodes `coded`, fed in chunks of `piece` bytes.
fn decode(coding: &str, coded: &[u8], piece: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = decoder(coding).expect("known codings");
    let mut plain = Vec::new();
    let mut pieces = coded.chunks(piece);
    loop {
        match decoder.step()? {
            Decoded::Data(data) => {
                assert!(!data.is_empty() && data.len() <= STEP, "a step is bounded and makes something");
                plain.extend_from_slice(&data);
            }
            Decoded::Nothing => {}
            Decoded::Done => return Ok(plain),
            Decoded::NeedsInput => match pieces.next() {
                Some(piece) => decoder.feed(Bytes::copy_from_slice(piece)),
                None => decoder.finish(),
            },
        }
    }
}

fn text() -> Vec<u8> {
    (0..20_000u32).flat_map(|n| n.to_string().into_bytes()).collect()
}

#[test]
fn every_coding_is_undone_however_it_is_cut() {
    let text = text();
    for (coding, coded) in
        [("gzip", gzip(&text)), ("x-gzip", gzip(&text)), ("deflate", zlib(&text)), ("Deflate", raw(&text))]
    {
        for piece in [1, 2, 7, 1000, coded.len()] {
            assert_eq!(decode(coding, &coded, piece).expect(coding), text, "{coding} in chunks of {piece}");
        }
    }
}

#[test]
fn codings_on_top_of_each_other_are_undone_last_to_first() {
    let text = text();
    assert_eq!(decode("deflate, gzip", &gzip(&zlib(&text)), 100).expect("both"), text);
    assert_eq!(decode("gzip, identity, gzip", &gzip(&gzip(&text)), 3).expect("both"), text);
}

#[test]
fn the_members_of_a_gzip_file_are_joined() {
    let coded = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
    assert_eq!(decode("gzip", &coded, 5).expect("three members"), b"one two");
}

#[test]
fn garbage_behind_the_data_is_an_error() {
    assert!(decode("gzip", &[gzip(b"x"), b"garbage".to_vec()].concat(), 1000).is_err());
    assert!(decode("deflate", &[zlib(b"x"), b"g".to_vec()].concat(), 1000).is_err());
}

#[test]
fn an_end_in_the_middle_is_an_error_wherever_it_is() {
    for (coding, coded) in
        [("gzip", gzip(b"some text")), ("deflate", zlib(b"some text")), ("deflate", raw(b"some text"))]
    {
        for end in 1..coded.len() {
            assert!(decode(coding, &coded[..end], 4).is_err(), "{coding} cut at {end}");
        }
    }
}

#[test]
fn a_wrong_checksum_is_an_error() {
    let mut coded = gzip(b"some text");
    let crc = coded.len() - 8;
    coded[crc] ^= 1;
    assert!(matches!(decode("gzip", &coded, 100), Err(DecodeError::Damaged { coding: "gzip", .. })));
}

#[test]
fn no_bytes_at_all_are_an_empty_body() {
    assert_eq!(decode("gzip", b"", 1).expect("empty"), b"");
    assert_eq!(decode("deflate, gzip", b"", 1).expect("empty"), b"");
}

#[test]
fn an_unknown_coding_leaves_the_body_alone() {
    assert!(decoder("compress").is_none());
    assert!(decoder("gzip, compress").is_none());
    assert!(decoder("identity").is_none());
}

#[test]
fn more_than_five_codings_are_refused_on_one_line_or_many() {
    let mut headers = HeaderMap::new();
    for _ in 0..6 {
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    assert_eq!(Decoder::for_headers(&headers).err(), Some(TooMany(6)));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip, gzip, gzip, gzip, gzip, gzip, gzip"));
    assert_eq!(Decoder::for_headers(&headers).err(), Some(TooMany(7)));
}

#[test]
fn a_bomb_goes_off_in_small_steps() {
    let coded = gzip(&vec![0; 10 << 20]);
    assert!(coded.len() < 20_000);
    let mut decoder = decoder("gzip").expect("gzip is known");
    decoder.feed(coded.into());
    let Decoded::Data(first) = decoder.step().expect("good data") else { panic!("there is some data") };
    assert!(first.len() <= STEP);
}

/// Data that other people's encoders made; `http/tests/fixtures/README.md` says how.
#[cfg(any(feature = "brotli", feature = "zstd"))]
fn bottles() -> Vec<u8> {
    (1..=99).rev().map(|n| format!("{n} bottles of beer on the wall, ")).collect::<String>().into_bytes()
}

/// Every single bit flipped in turn: a panic would be the only wrong outcome. (Not every coding has a checksum.)
#[cfg(any(feature = "brotli", feature = "zstd"))]
fn survives_any_flipped_bit(coding: &str, coded: &[u8]) {
    for bit in 0..coded.len() * 8 {
        let mut damaged = coded.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        // Damaged, cut off, or by chance something else: all are fine.
        let _ = decode(coding, &damaged, 50);
    }
}

#[cfg(feature = "brotli")]
mod brotli {
    use super::*;

    const BOTTLES: &[u8] = include_bytes!("../../../tests/fixtures/bottles.br");
    const ZEROS: &[u8] = include_bytes!("../../../tests/fixtures/64-mib-of-zeros.br");

    #[test]
    fn brotli_is_undone_however_it_is_cut() {
        for piece in [1, 2, 7, 1000] {
            assert_eq!(decode("BR", BOTTLES, piece).expect("good data"), bottles(), "in chunks of {piece}");
        }
        assert_eq!(decode("br", b"", 1).expect("empty"), b"");
        assert_eq!(decode("br, gzip", &gzip(BOTTLES), 10).expect("both"), bottles());
    }

    #[test]
    fn brotli_that_is_cut_off_damaged_or_followed_by_something_is_an_error() {
        for end in 1..BOTTLES.len() {
            assert!(decode("br", &BOTTLES[..end], 100).is_err(), "cut at {end}");
        }
        let surplus = decode("br", &[BOTTLES, b"x"].concat(), 10_000);
        assert!(matches!(surplus, Err(DecodeError::Surplus { coding: "br" })));
        assert!(matches!(decode("br", b"\xff\xff\xff", 10), Err(DecodeError::Damaged { coding: "br", .. })));
        survives_any_flipped_bit("br", BOTTLES);
    }

    #[test]
    fn the_extension_with_windows_of_a_gigabyte_is_refused() {
        // RFC 7932 §9.1 leaves the bits 0010001 unused; the extension begins with them.
        assert!(decode("br", &[0b0001_0001, 0x1e, 0x06], 3).is_err());
    }

    #[test]
    fn a_brotli_bomb_goes_off_in_small_steps() {
        assert!(ZEROS.len() < 200);
        assert_eq!(decode("br", ZEROS, 1000).expect("good data").len(), 64 << 20);
    }
}

#[cfg(feature = "zstd")]
mod zstd {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    const BOTTLES: &[u8] = include_bytes!("../../../tests/fixtures/bottles.zst");

    fn zstd(plain: &[u8]) -> Vec<u8> {
        compress_to_vec(plain, CompressionLevel::Fastest)
    }

    /// A frame without checksum and content size, with this window, and so many blocks of 128 KiB that repeat a byte.
    fn repeating(window: u8, blocks: usize) -> Vec<u8> {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, window];
        for left in (0..blocks).rev() {
            let head = (128 * 1024) << 3 | 1 << 1 | usize::from(left == 0);
            frame.extend_from_slice(&head.to_le_bytes()[..3]);
            frame.push(b'x');
        }
        frame
    }

    #[test]
    fn zstd_is_undone_however_it_is_cut() {
        let text = text();
        for piece in [1, 2, 7, 1000] {
            assert_eq!(decode("zstd", BOTTLES, piece).expect("good data"), bottles(), "in chunks of {piece}");
            assert_eq!(decode("ZSTD", &zstd(&text), piece).expect("good data"), text, "in chunks of {piece}");
        }
        assert_eq!(decode("zstd", b"", 1).expect("empty"), b"");
        assert_eq!(decode("zstd", &zstd(b""), 1).expect("empty"), b"");
    }

    #[test]
    fn frames_are_joined_and_skippable_ones_skipped() {
        let skipped = [b"\x5f\x2a\x4d\x18\x05\0\0\0".as_slice(), b"12345"].concat();
        let none = b"\x50\x2a\x4d\x18\0\0\0\0".to_vec();
        let coded = [skipped.clone(), zstd(b"one "), none, zstd(b"two"), skipped].concat();
        for piece in [1, 3, 1000] {
            assert_eq!(decode("zstd", &coded, piece).expect("good data"), b"one two");
        }
    }

    #[test]
    fn zstd_that_is_cut_off_damaged_or_followed_by_something_is_an_error() {
        for end in 1..BOTTLES.len() {
            assert!(decode("zstd", &BOTTLES[..end], 100).is_err(), "cut at {end}");
        }
        assert!(decode("zstd", &[BOTTLES, b"garbage"].concat(), 10_000).is_err());
        assert!(decode("zstd", &[BOTTLES, b"g"].concat(), 10_000).is_err());
        survives_any_flipped_bit("zstd", BOTTLES);
    }

    #[test]
    fn a_wrong_checksum_of_zstd_is_an_error() {
        let mut coded = BOTTLES.to_vec();
        *coded.last_mut().expect("a checksum") ^= 1;
        let error = decode("zstd", &coded, 100).expect_err("damaged");
        assert!(std::error::Error::source(&error).expect("a cause").to_string().contains("checksum"));
    }

    #[test]
    fn a_wrong_content_size_of_zstd_is_an_error() {
        // Descriptor 0xa0: one segment, a content size of four bytes, no checksum; then one raw block of three bytes.
        let frame = |size: u8| {
            [b"\x28\xb5\x2f\xfd\xa0".as_slice(), &[size, 0, 0, 0], &[3 << 3 | 1, 0, 0], b"abc"].concat()
        };
        assert_eq!(decode("zstd", &frame(3), 4).expect("good data"), b"abc");
        assert!(decode("zstd", &frame(4), 4).is_err());
    }

    #[test]
    fn a_window_of_more_than_8_mib_is_refused_before_anything_is_made() {
        assert_eq!(decode("zstd", &repeating(13 << 3, 1), 100).expect("8 MiB").len(), 128 * 1024);
        let error = decode("zstd", &repeating(13 << 3 | 1, 1), 100).expect_err("9 MiB");
        assert!(matches!(error, DecodeError::Damaged { coding: "zstd", .. }), "{error}");
        assert!(decode("zstd", &repeating(0xff, 1), 100).is_err());
        // A single segment is its own window.
        let segment = b"\x28\xb5\x2f\xfd\xa0\x01\0\x80\0\x01\0\0".to_vec();
        assert!(decode("zstd", &segment, 100).is_err());
    }

    #[test]
    fn a_zstd_bomb_goes_off_in_small_steps() {
        let coded = repeating(7 << 3, 1000);
        assert!(coded.len() < 5000);
        assert_eq!(decode("zstd", &coded, 100).expect("good data").len(), 125 << 20);
    }
}

#[test]
fn a_step_ends_at_the_latest_with_a_stream() {
    // Each of them takes tables and a window, though there is nothing in it.
    let empty = gzip(b"");
    let mut decoder = decoder("gzip, gzip").expect("known codings");
    decoder.feed(gzip(&empty.repeat(1000)).into());
    decoder.finish();
    let mut nothings = 0;
    loop {
        match decoder.step().expect("good data") {
            Decoded::Nothing => nothings += 1,
            Decoded::Data(data) => panic!("{data:?}"),
            Decoded::NeedsInput => panic!("it has all there is"),
            Decoded::Done => break,
        }
    }
    assert_eq!(nothings, 1000);
}

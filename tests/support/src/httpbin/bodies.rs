//! Bodies of all kinds: of a given size, spread over time, in ranges, compressed, in other formats.
//!
//! Large bodies are never in memory as a whole: a body of a gigabyte is a generator that yields sixteen kilobytes at a time.

use std::io::{self, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;

use super::base64 as base64_text;
use super::echo::{pretty_json, request_line, seconds};
use super::range::{self, Wanted};
use super::reader::Refusal;
use super::reply::{Body, Piece, Reply};
use super::routes::Call;

/// `/bytes/{n}`
pub(super) fn bytes(call: &Call<'_>) -> Result<Reply, Refusal> {
    let length = size(call)?;
    Ok(Reply::pieces(BINARY, Some(length), noise(call, length, PIECE)?))
}

/// `/stream-bytes/{n}`
pub(super) fn stream_bytes(call: &Call<'_>) -> Result<Reply, Refusal> {
    let chunk_size = number_arg(call, "chunk_size", 10 * 1024)?.clamp(1, 1024 * 1024);
    Ok(Reply::pieces(BINARY, None, noise(call, size(call)?, chunk_size)?))
}

/// `/stream/{n}`
pub(super) fn stream(call: &Call<'_>) -> Result<Reply, Refusal> {
    let lines = size(call)?;
    let mut line = request_line(call);
    let pieces = (0..lines).map(move |id| {
        line["id"] = id.into();
        Piece { wait: Duration::ZERO, bytes: format!("{line}\n").into_bytes() }
    });
    Ok(Reply::pieces("application/json", None, pieces))
}

/// `/drip`
pub(super) fn drip(call: &Call<'_>) -> Result<Reply, Refusal> {
    let length = number_arg(call, "numbytes", 10)?;
    if length > 10 * 1024 * 1024 {
        return Err(Refusal::bad("numbytes is more than ten million"));
    }
    let duration = seconds_arg(call, "duration", 2)?;
    let status = number_arg(call, "code", 200)?;
    let status = u16::try_from(status).ok().filter(|status| (200..=999).contains(status));
    let status = status.ok_or_else(|| Refusal::bad("the code is not a status"))?;
    let reply = Reply::pieces(BINARY, Some(length), spread(vec![b'*'; length as usize], 1, duration));
    Ok(Reply { status, wait: seconds_arg(call, "delay", 0)?, ..reply })
}

/// `/range/{n}`
pub(super) fn range(call: &Call<'_>) -> Result<Reply, Refusal> {
    let length = call.number(0)?;
    if !(1..=100 * 1024).contains(&length) {
        return Err(Refusal::new(404, "the number of letters is between 1 and 102400"));
    }
    let chunk_size = number_arg(call, "chunk_size", PIECE)?.max(1);
    let duration = seconds_arg(call, "duration", 0)?;
    let letters =
        |first: u64, last: u64| -> Vec<u8> { (first..=last).map(|at| b'a' + (at % 26) as u8).collect() };
    let reply = match range::wanted(call.request.header("range"), length) {
        Wanted::Everything => {
            let pieces = spread(letters(0, length - 1), chunk_size, duration);
            Reply::pieces(BINARY, Some(length), pieces)
        }
        Wanted::Part { first, last } => {
            let pieces = spread(letters(first, last), chunk_size, duration);
            Reply { status: 206, ..Reply::pieces(BINARY, Some(last - first + 1), pieces) }
                .with("Content-Range", format!("bytes {first}-{last}/{length}"))
        }
        Wanted::Nothing => Reply::empty(416).with("Content-Range", format!("bytes */{length}")),
    };
    Ok(reply.with("ETag", format!("\"range{length}\"")).with("Accept-Ranges", "bytes"))
}

/// `/gzip`
pub(super) fn gzip(call: &Call<'_>) -> Result<Reply, Refusal> {
    compressed(call, "gzipped", "gzip", |plain| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain)?;
        encoder.finish()
    })
}

/// `/deflate`: in the zlib format, as RFC 9110 §8.4.1.2 has it.
pub(super) fn deflate(call: &Call<'_>) -> Result<Reply, Refusal> {
    compressed(call, "deflated", "deflate", |plain| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain)?;
        encoder.finish()
    })
}

/// `/html`
pub(super) fn html(_: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::new(
        200,
        HTML,
        "<!DOCTYPE html>\n<html><body><h1>A page</h1><p>With a paragraph.</p></body></html>\n",
    ))
}

/// `/robots.txt`
pub(super) fn robots(_: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::new(200, "text/plain; charset=utf-8", "User-agent: *\nDisallow: /deny\n"))
}

/// `/deny`
pub(super) fn deny(_: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::new(200, "text/plain; charset=utf-8", "You should not be here: see /robots.txt\n"))
}

/// `/sse`
pub(super) fn events(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (count, pause) = (number_arg(call, "count", 10)?, seconds_arg(call, "pause", 0)?);
    let seen = call.request.header("last-event-id").and_then(|id| id.parse::<u64>().ok()).unwrap_or(0);
    let hello = Piece { wait: Duration::ZERO, bytes: b": hello\nretry: 100\n\n".to_vec() };
    let events = (1..=count).map(move |n| {
        let id = seen.saturating_add(n);
        let event = format!("id: {id}\nevent: tick\ndata: tick {id}\ndata: of this answer {n}\n\n");
        Piece { wait: pause, bytes: event.into_bytes() }
    });
    Ok(Reply::pieces("text/event-stream", None, std::iter::once(hello).chain(events)))
}

/// `/json`
pub(super) fn json(_: &Call<'_>) -> Result<Reply, Refusal> {
    let slides = json!([
        { "title": "What a kernel does", "type": "all" },
        { "title": "In four steps", "type": "all", "items": ["poll", "expire", "run", "again"] },
    ]);
    let show = json!({ "author": "Nobody", "date": "today", "title": "A sample", "slides": slides });
    Ok(pretty_json(200, &json!({ "slideshow": show })))
}

/// `/xml`
pub(super) fn xml(_: &Call<'_>) -> Result<Reply, Refusal> {
    let document = "<?xml version='1.0' encoding='us-ascii'?>\n<slideshow title=\"A sample\"></slideshow>\n";
    Ok(Reply::new(200, "application/xml", document))
}

/// `/encoding/utf8`
pub(super) fn utf8(_: &Call<'_>) -> Result<Reply, Refusal> {
    let words = "Zwölf Boxkämpfer · Ξεσκεπάζω · Съешь ещё · 色は匂へど · नमस्ते · שלום · ∮ E⋅da = Q · 🚀";
    Ok(Reply::new(200, HTML, format!("<h1>Unicode</h1>\n<p>{words}</p>\n")))
}

/// `/base64/{text}`
pub(super) fn base64(call: &Call<'_>) -> Result<Reply, Refusal> {
    let bytes = base64_text::decode(call.param(0)).ok_or_else(|| Refusal::bad("that is not base64"))?;
    Ok(Reply::new(200, HTML, bytes))
}

/// `/links/{n}/{here}`
pub(super) fn links(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (n, here) = (call.number(0)?.clamp(1, 200), call.number(1)?);
    let mut page = String::from("<html><head><title>Links</title></head><body>");
    for i in 0..n {
        page += &if i == here { format!("{i} ") } else { format!("<a href='/links/{n}/{i}'>{i}</a> ") };
    }
    Ok(Reply::new(200, HTML, page + "</body></html>"))
}

fn compressed(
    call: &Call<'_>,
    flag: &str,
    coding: &str,
    compress: impl Fn(&[u8]) -> io::Result<Vec<u8>>,
) -> Result<Reply, Refusal> {
    let mut told = request_line(call);
    if let Some(object) = told.as_object_mut() {
        object.retain(|name, _| name == "headers" || name == "origin");
    }
    told[flag] = true.into();
    told["method"] = call.request.method.as_str().into();
    let bytes = compress(format!("{told:#}\n").as_bytes())
        .map_err(|error| Refusal::new(500, format!("it could not be compressed: {error}")))?;
    let reply = Reply { body: Body::Whole(bytes), ..Reply::empty(200) };
    Ok(reply.with("Content-Type", "application/json").with("Content-Encoding", coding))
}

/// The `n` of a path whose response has `n` bytes or lines.
fn size(call: &Call<'_>) -> Result<u64, Refusal> {
    let size = call.number(0)?;
    if size > MAX_SIZE { Err(Refusal::bad(format!("{size} is more than {MAX_SIZE}"))) } else { Ok(size) }
}

/// Pseudo-random bytes, the same for the same seed however they are split.
fn noise(
    call: &Call<'_>,
    length: u64,
    piece_size: u64,
) -> Result<impl Iterator<Item = Piece> + 'static, Refusal> {
    let seed = number_arg(call, "seed", 0)?;
    let starts = (0..length).step_by(piece_size as usize);
    Ok(starts.map(move |start| {
        let end = length.min(start + piece_size);
        let mut bytes: Vec<u8> = Vec::with_capacity((end - start) as usize + 16);
        for index in start / 8..end.div_ceil(8) {
            bytes.extend_from_slice(&noise_word(seed, index).to_le_bytes());
        }
        bytes.drain(..(start % 8) as usize);
        bytes.truncate((end - start) as usize);
        Piece { wait: Duration::ZERO, bytes }
    }))
}

/// The `index`th word of the `SplitMix64` generator, which needs none of those before it.
fn noise_word(seed: u64, index: u64) -> u64 {
    let state = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// `bytes` in parts of `piece_size`, evenly over `duration`, the first at once. The parts are larger if there would be
/// more than one in a millisecond.
fn spread(bytes: Vec<u8>, piece_size: u64, duration: Duration) -> impl Iterator<Item = Piece> + 'static {
    let length = bytes.len() as u64;
    let pieces = length.div_ceil(piece_size).max(1);
    let most = if duration.is_zero() { pieces } else { (duration.as_millis() as u64).max(1) };
    let pieces = pieces.min(most);
    let piece_size = length.div_ceil(pieces).max(1);
    let pause = duration / u32::try_from(pieces).unwrap_or(u32::MAX);
    let mut sent = 0;
    std::iter::from_fn(move || {
        let wait = if sent == 0 { Duration::ZERO } else { pause };
        let end = bytes.len().min(sent + piece_size as usize);
        let piece = bytes[sent..end].to_vec();
        sent = end;
        (!piece.is_empty()).then_some(Piece { wait, bytes: piece })
    })
}

fn number_arg(call: &Call<'_>, name: &str, default: u64) -> Result<u64, Refusal> {
    match call.request.arg(name) {
        Some(text) => text.parse().map_err(|_| Refusal::bad(format!("{name} is not a number"))),
        None => Ok(default),
    }
}

fn seconds_arg(call: &Call<'_>, name: &str, default: u64) -> Result<Duration, Refusal> {
    match call.request.arg(name) {
        Some(text) => {
            seconds(&text).ok_or_else(|| Refusal::bad(format!("{name} is not a number of seconds")))
        }
        None => Ok(Duration::from_secs(default)),
    }
}

const BINARY: &str = "application/octet-stream";
const HTML: &str = "text/html; charset=utf-8";
/// What is made and sent at a time.
const PIECE: u64 = 16 * 1024;
const MAX_SIZE: u64 = 1024 * 1024 * 1024;

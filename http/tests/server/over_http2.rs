//! The same server over HTTP/2, for clients that begin with its preface: what a test says in HTTP/1.1 is said in frames. So the
//! tests of `over_http2.rs` run over both versions.

#[path = "../h2_server/peer_io.rs"]
mod peer_io;

use self::peer_io::{Adapted, send_all};
use super::{Received, Reply, State, Then};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use std::cell::Cell;
use std::future::poll_fn;
use std::net::TcpStream;
use std::rc::Rc;

/// How a client of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Whether the client speaks HTTP/2: its first bytes, which stay in the socket, say so.
pub(super) fn is_spoken(stream: &TcpStream) -> bool {
    let mut start = [0; PREFACE.len()];
    matches!(stream.peek(&mut start), Ok(n) if n > 0 && start[..n] == PREFACE[..n])
}

/// Serves one connection in this thread, until it ends.
pub(super) fn serve(state: &State, number: usize, stream: TcpStream, answer: &impl Fn(&Received) -> Reply) {
    let _ = stream.set_nonblocking(true);
    curio::run(async {
        let Ok(stream) = curio::TcpStream::from_std(stream) else { return };
        let Ok(mut connection) = h2::server::handshake(Adapted(stream)).await else { return };
        let nth = Rc::new(Cell::new(0));
        curio::scope(async |scope| {
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let nth = Rc::clone(&nth);
                scope.spawn(async move {
                    // A body that was not complete is no request, as over HTTP/1.1.
                    let Some(mut received) = read(request).await else { return };
                    received.connection = number;
                    received.nth = nth.replace(nth.get() + 1);
                    state.received().push(received.clone());
                    let (response, body, then) = translate(answer(&received));
                    let declared = response.headers().get(CONTENT_LENGTH).cloned();
                    let is_short = declared.is_some_and(|length| length != HeaderValue::from(body.len()));
                    let is_all = body.is_empty() && then == Then::Keep;
                    let Ok(mut send) = respond.send_response(response, is_all) else { return };
                    send_all(&mut send, body, false).await;
                    match then {
                        Then::Keep if is_all => {}
                        Then::Close if is_short => send.send_reset(h2::Reason::INTERNAL_ERROR),
                        Then::Keep | Then::Close => drop(send.send_data(Bytes::new(), true)),
                        // Until the client resets the stream, or goes.
                        Then::Stall => drop(poll_fn(|cx| send.poll_reset(cx)).await),
                    }
                });
            }
        })
        .await;
    });
}

async fn read(request: http::Request<h2::RecvStream>) -> Option<Received> {
    let (parts, mut body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let mut received =
        Received { method: parts.method.to_string(), target: target.clone(), ..Received::default() };
    received.head = format!("{} {target} HTTP/2\r\n", parts.method);
    if let Some(host) = parts.uri.authority() {
        received.headers.insert("host".into(), host.to_string());
    }
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        received.head += &format!("{name}: {value}\r\n");
        let values = received.headers.entry(name.to_string()).or_default();
        if !values.is_empty() {
            values.push_str(", ");
        }
        values.push_str(&value);
    }
    while let Some(piece) = body.data().await {
        let piece = piece.ok()?;
        let _ = body.flow_control().release_capacity(piece.len());
        received.body.extend_from_slice(&piece);
    }
    Some(received)
}

/// What the bytes of the reply mean.
fn translate(reply: Reply) -> (Response<()>, Bytes, Then) {
    let end = reply.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head: String = reply.bytes[..end].iter().map(|&byte| char::from(byte)).collect();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let mut headers = HeaderMap::new();
    let mut chunked = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let bytes: Vec<u8> = value.trim().chars().map(|char| char as u8).collect();
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        match name.as_str() {
            "transfer-encoding" => chunked = true,
            "connection" | "keep-alive" => {}
            _ => drop(headers.append(name, HeaderValue::from_bytes(&bytes).expect("a value"))),
        }
    }
    let body = &reply.bytes[end + 4..];
    let body = if chunked { join_chunks(body) } else { body.to_vec() };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    *response.headers_mut() = headers;
    (response, body.into(), reply.then)
}

fn join_chunks(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(&bytes[..end]);
        let size = line.split([';', '\r']).next().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size @ 1..) = size else { break };
        body.extend_from_slice(&bytes[end + 1..end + 1 + size]);
        bytes = &bytes[end + 1 + size + 2..];
    }
    body
}

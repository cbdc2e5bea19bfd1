//! One exchange with the protocol core alone. The network is an array of byte strings, cut in awkward places.
use curio_http::h1::{BodyLength, Connection, Event, RequestHead};
use curio_http::{HeaderMap, HeaderName, HeaderValue, Method};

const READS: [&str; 4] = [
    "HTTP/1.1 200 O",
    "K\r\nTransfer-Encoding: chunked\r\n\r",
    "\n6\r\nHello,\r\n7\r\n wor",
    "ld!\r\n0\r\n\r\n",
];

fn main() {
    let mut connection = Connection::new();
    let host = (HeaderName::from_static("host"), HeaderValue::from_static("example.com"));
    let headers = HeaderMap::from_iter([host]);
    let head = RequestHead { method: &Method::GET, target: "/hello", headers: &headers };
    let mut out = Vec::new();
    connection.start(&head, BodyLength::None, &mut out).expect("the request is valid");
    println!("to send: {}", out.escape_ascii());
    for read in READS {
        connection.feed(read.as_bytes());
        while let Some(event) = connection.next_event().expect("the response is valid") {
            match event {
                Event::Head(head) => println!("head: {}", head.status),
                other => println!("{other:?}"),
            }
        }
        println!("more bytes are needed: {}", !connection.is_done());
    }
}

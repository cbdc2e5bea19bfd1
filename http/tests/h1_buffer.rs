//! The memory of a connection: how much room a read gets, what is copied, and what is given back.

mod h1_support;

use curio_http::h1::{Connection, Event};
use h1_support::{feed, get};

const KIB: usize = 1024;

/// Fills the space of a connection that is reading a body of `a`s, and takes the piece that comes of it.
fn fill_and_take(connection: &mut Connection) -> bytes::Bytes {
    let space = connection.space();
    space.fill(b'a');
    let n = space.len();
    connection.filled(n);
    match connection.next_event() {
        Ok(Some(Event::Data(piece))) => piece,
        other => panic!("{other:?}"),
    }
}

/// A connection that has read the head of a very long body.
fn reading_a_long_body() -> Connection {
    let mut connection = get();
    feed(&mut connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", &mut Vec::new()).unwrap();
    connection
}

#[test]
fn the_room_for_a_read_begins_at_4_kib() {
    assert_eq!(Connection::new().space().len(), 4 * KIB);
}

#[test]
fn the_room_grows_to_64_kib_while_reads_fill_it() {
    let mut connection = reading_a_long_body();
    let mut rooms = Vec::new();
    for _ in 0..6 {
        rooms.push(connection.space().len());
        fill_and_take(&mut connection);
    }
    assert_eq!(rooms[0], 4 * KIB);
    assert!(rooms.is_sorted(), "{rooms:?}");
    assert_eq!(rooms[5], 64 * KIB);
}

#[test]
fn the_room_does_not_grow_while_reads_do_not_fill_it() {
    let mut connection = reading_a_long_body();
    for _ in 0..100 {
        feed(&mut connection, &[b'a'; 1000], &mut Vec::new()).unwrap();
        assert_eq!(connection.space().len(), 4 * KIB);
    }
}

#[test]
fn the_room_is_never_less_than_half_of_what_it_should_be() {
    let mut connection = get();
    feed(&mut connection, b"HTTP/1.1 200 OK\r\nX: ", &mut Vec::new()).unwrap();
    for _ in 0..60 {
        feed(&mut connection, &[b'x'; 1000], &mut Vec::new()).unwrap();
        assert!(connection.space().len() >= 2 * KIB);
    }
}

#[test]
fn the_room_is_back_at_4_kib_after_a_restart() {
    let mut connection = get();
    let mut response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1000 * KIB).into_bytes();
    response.resize(response.len() + 1000 * KIB, b'x');
    feed(&mut connection, &response, &mut Vec::new()).unwrap();
    assert!(connection.is_done() && connection.space().len() > 4 * KIB);
    assert!(connection.restart());
    assert_eq!(connection.space().len(), 4 * KIB);
}

#[test]
fn a_large_piece_is_the_memory_that_was_read_into() {
    let mut connection = reading_a_long_body();
    fill_and_take(&mut connection);
    let read_into = connection.space().as_ptr_range();
    let piece = fill_and_take(&mut connection);
    assert!(piece.len() > 4 * KIB && read_into.contains(&piece.as_ptr()));
}

#[test]
fn a_small_piece_is_a_copy() {
    let mut connection = reading_a_long_body();
    let space = connection.space();
    space[..100].fill(b'a');
    let read_into = space.as_ptr_range();
    connection.filled(100);
    let Ok(Some(Event::Data(piece))) = connection.next_event() else { panic!() };
    assert!(piece.len() == 100 && !read_into.contains(&piece.as_ptr()));
    assert_eq!(connection.space().as_ptr_range(), read_into, "the same memory is read into again");
}

#[test]
fn a_head_and_the_small_body_that_comes_with_it_are_parts_of_one_copy() {
    let mut events = Vec::new();
    feed(&mut get(), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &mut events).unwrap();
    let [Event::Head(head), Event::Data(body), Event::End { .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(head.as_bytes().as_ptr_range().end, body.as_ptr());
    assert_eq!(body, "hello");
}

#[test]
fn small_chunks_that_come_in_one_read_are_parts_of_one_copy() {
    let mut connection = get();
    connection.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(matches!(connection.next_event(), Ok(Some(Event::Head(_)))));
    let mut pieces = Vec::new();
    for read in [&b"3\r\none\r\n3\r\ntwo\r\n5\r\nth"[..], b"ree\r\n0\r\n\r\n"] {
        connection.feed(read);
        while let Ok(Some(Event::Data(piece))) = connection.next_event() {
            pieces.push(piece);
        }
    }
    assert_eq!(pieces, ["one", "two", "th", "ree"]);
    let between = |nth: usize| pieces[nth + 1].as_ptr().addr() - pieces[nth].as_ptr().addr();
    assert_eq!([between(0), between(1)], ["one\r\n3\r\n".len(), "two\r\n5\r\n".len()]);
}

#[test]
fn pieces_that_are_kept_are_not_overwritten() {
    let mut connection = reading_a_long_body();
    let mut kept = Vec::new();
    for byte in 0..50 {
        let space = connection.space();
        let n = space.len().min(10_000);
        space[..n].fill(byte);
        connection.filled(n);
        let Ok(Some(Event::Data(piece))) = connection.next_event() else { panic!() };
        assert_eq!(piece.len(), n);
        kept.push(piece);
    }
    for (byte, piece) in kept.iter().enumerate() {
        assert!(piece.iter().all(|&b| usize::from(b) == byte));
    }
}

#[test]
fn a_large_piece_of_a_chunk_leaves_the_rest_in_place() {
    let mut connection = get();
    let mut response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for byte in [b'a', b'b', b'c'] {
        response.extend_from_slice(b"1800\r\n");
        response.resize(response.len() + 0x1800, byte);
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"0\r\n\r\n");
    let mut events = Vec::new();
    feed(&mut connection, &response, &mut events).unwrap();
    let [_, Event::Data(body), Event::End { .. }] = &events[..] else { panic!("{events:?}") };
    let expected = [[b'a'; 0x1800], [b'b'; 0x1800], [b'c'; 0x1800]].concat();
    assert!(*body == expected);
}

#[test]
fn header_values_outlive_the_connection() {
    let mut connection = get();
    let mut events = Vec::new();
    feed(&mut connection, b"HTTP/1.1 204 Yes\r\nX: kept\r\n\r\n", &mut events).unwrap();
    assert!(connection.restart());
    connection.space().fill(b'!');
    drop(connection);
    assert!(
        matches!(&events[0], Event::Head(head) if head.headers()["x"] == "kept" && head.reason() == "Yes")
    );
}

#[test]
#[should_panic(expected = "filled(5000) after space() of 4096 bytes")]
fn more_than_the_space_cannot_have_been_filled() {
    let mut connection = get();
    connection.space();
    connection.filled(5000);
}

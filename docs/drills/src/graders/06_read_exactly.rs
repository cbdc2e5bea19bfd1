//! Drill 6: a read that can be cancelled.

use crate::{Check, reached};
use curio::{Event, ignore_after, sleep, spawn_named};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// A stream of bytes that arrive in pieces, as they do from a socket or from TLS.
#[derive(Default)]
pub struct Pieces {
    pieces: RefCell<VecDeque<Vec<u8>>>,
    ended: Cell<bool>,
    changed: Event,
}

impl Pieces {
    /// Waits for the next piece, and returns all of it. An empty one is the end of the stream. Cancel-safe: a call that is
    /// dropped before it returns takes nothing.
    pub async fn next(&self) -> Vec<u8> {
        loop {
            if let Some(piece) = self.pieces.borrow_mut().pop_front() {
                return piece;
            }
            if self.ended.get() {
                return Vec::new();
            }
            self.changed.clear();
            self.changed.wait().await;
        }
    }

    fn arrives(&self, piece: &str) {
        self.pieces.borrow_mut().push_back(piece.into());
        self.changed.set();
    }

    fn ends(&self) {
        self.ended.set(true);
        self.changed.set();
    }
}

/// The stream has ended before there were enough bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The bytes that came before the end.
    pub left: Vec<u8>,
}

/// A reader of a stream.
pub trait ReaderDrill: 'static {
    /// A reader that has read nothing yet.
    fn new(pieces: Rc<Pieces>) -> Self;
    /// Reads exactly `count` bytes, as soon as there are as many.
    fn read_exactly(&mut self, count: usize) -> impl Future<Output = Result<Vec<u8>, Ended>>;
}

/// The checks, from the plainest on.
pub fn checks<R: ReaderDrill>() -> Vec<Check> {
    vec![
        Check::new("The bytes of one piece are returned.", one_piece::<R>),
        Check::new("The bytes of several pieces are put together.", several_pieces::<R>),
        Check::new("Bytes beyond those asked for are kept for the next call.", the_rest_is_kept::<R>),
        Check::new("An end that comes too early is an error, which has the bytes that came.", early_end::<R>),
        Check::new("A call that is dropped loses no bytes.", dropped_calls::<R>),
    ]
}

fn reader<R: ReaderDrill>() -> (Rc<Pieces>, R) {
    let pieces = Rc::new(Pieces::default());
    (Rc::clone(&pieces), R::new(pieces))
}

async fn one_piece<R: ReaderDrill>() {
    let (pieces, mut reader) = reader::<R>();
    pieces.arrives("four");
    assert_eq!(reader.read_exactly(4).await.unwrap(), b"four");
}

async fn several_pieces<R: ReaderDrill>() {
    let (pieces, mut reader) = reader::<R>();
    let sender = spawn_named("sender", async move {
        for piece in ["He", "llo, w", "orld"] {
            sleep(Duration::from_secs(1)).await;
            pieces.arrives(piece);
        }
    });
    let read = reader.read_exactly(12).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&read), "Hello, world");
    sender.join().await.unwrap();
}

async fn the_rest_is_kept<R: ReaderDrill>() {
    let (pieces, mut reader) = reader::<R>();
    pieces.arrives("onetwothr");
    pieces.arrives("ee");
    for (count, word) in [(3, "one"), (3, "two"), (0, ""), (5, "three")] {
        let read = reader.read_exactly(count).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&read), word, "the stream is `onetwothree`");
        reached(&format!("`{word}` was read"));
    }
}

async fn early_end<R: ReaderDrill>() {
    let (pieces, mut reader) = reader::<R>();
    pieces.arrives("onetw");
    pieces.ends();
    assert_eq!(reader.read_exactly(3).await.unwrap(), b"one");
    reached("`one` was read, `tw` and the end follow");
    assert_eq!(
        reader.read_exactly(3).await,
        Err(Ended { left: b"tw".into() }),
        "two bytes came, three were asked for"
    );
}

async fn dropped_calls<R: ReaderDrill>() {
    let (pieces, mut reader) = reader::<R>();
    let sender = spawn_named("sender", async move {
        for piece in ["o", "ne", "t", "w", "oth", "r", "e", "e"] {
            sleep(Duration::from_millis(200)).await;
            pieces.arrives(piece);
        }
    });
    for word in ["one", "two", "three"] {
        // The limit passes between two pieces at first, and at the very time of one later.
        let read = loop {
            match ignore_after(Duration::from_millis(300), reader.read_exactly(word.len())).await {
                Some(read) => break read.unwrap(),
                None => reached("a call ran out of time, and was dropped"),
            }
        };
        assert_eq!(String::from_utf8_lossy(&read), word, "the stream is `onetwothree`");
        reached(&format!("`{word}` was read"));
    }
    sender.join().await.unwrap();
}

//! The content of a response: the body decoded, counted, and kept if it is read as a whole.
//!
//! A megabyte of compressed data can decode to a gigabyte (a "decompression bomb"). So decoding goes step by step, each step
//! yields a bounded number of bytes, and the limit applies to the decoded bytes. Reading as a whole stops at 64 MiB unless
//! the session sets another limit; reading in chunks has no default limit, because nothing is kept. After each mebibyte
//! the task yields to other tasks (`poll_budget.rs`).

use crate::connections::connection::ResponseHead;
use crate::connections::deadline::Limits;
use crate::connections::upgraded::Upgraded;
use crate::error::{Error, ErrorKind};
use crate::response::body_reader::BodyReader;
use crate::response::decode::{Decoded, Decoder};
use crate::response::line_splitter::LineSplitter;
use crate::response::poll_budget::{PollBudget, STREAM};
use crate::response::sse::{EventReader, Parser};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The largest body that is kept in memory, unless the session has a limit of its own.
const MOST_KEPT: u64 = 64 * 1024 * 1024;

pub(crate) struct Content {
    pub(crate) body: BodyReader,
    decoding: Decoding,
    /// What has been read and is larger than the chunk that was asked for.
    remaining: Bytes,
    whole: Whole,
    read: u64,
    declared: Option<u64>,
    limit: Option<u64>,
    progress: Option<Box<Progress>>,
    pub(super) reader: Reader,
    pub(super) budget: PollBudget,
    /// The error that every further call is to report again.
    failed: Option<Error>,
}

/// How the body is being read in parts. A second reader of the same kind continues where the first stopped.
pub(super) enum Reader {
    Chunks,
    Lines(Box<LineSplitter>),
    Events(Box<EventReader>),
}

enum Decoding {
    Plain,
    Coded(Box<Decoder>),
    /// More codings than the decoder accepts: this many.
    Refused(usize),
}

/// The body as a whole.
enum Whole {
    Unread,
    Gathering(Gathered),
    Kept(Bytes),
    /// It is being read in chunks, which are not kept.
    InChunks,
}

/// Most bodies come in one chunk, which is then the whole body, without a copy.
enum Gathered {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

struct Progress {
    total: Option<u64>,
    report: Box<dyn FnMut(u64, Option<u64>)>,
}

impl Content {
    /// The content of a body, decoded as `head` says if it is to be decoded; the fields that describe the coded form are then
    /// removed.
    pub(crate) fn new(
        limits: Limits,
        head: &mut ResponseHead,
        declared: Option<u64>,
        limit: Option<u64>,
        decode: bool,
    ) -> Content {
        if !decode || !head.has_content_coding() {
            return Content { declared, limit, ..Content::empty(limits) };
        }
        let decoding = match Decoder::for_headers(head.headers()) {
            Ok(None) => Decoding::Plain,
            Ok(Some(decoder)) => Decoding::Coded(Box::new(decoder)),
            Err(too_many) => Decoding::Refused(too_many.0),
        };
        if matches!(decoding, Decoding::Coded(_)) {
            head.remove(&[CONTENT_ENCODING, CONTENT_LENGTH]);
        }
        Content { decoding, declared, limit, ..Content::empty(limits) }
    }

    /// The content of a response without a body: nothing is decoded, and the header fields stay, because they describe the
    /// body that a GET would have.
    pub(crate) fn empty(limits: Limits) -> Content {
        Content {
            body: BodyReader::new(limits),
            decoding: Decoding::Plain,
            remaining: Bytes::new(),
            whole: Whole::Unread,
            read: 0,
            declared: None,
            limit: None,
            progress: None,
            reader: Reader::Chunks,
            budget: PollBudget::new(),
            failed: None,
        }
    }

    pub(crate) fn is_decoded(&self) -> bool {
        matches!(self.decoding, Decoding::Coded(_))
    }

    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.body.trailers()
    }

    pub(crate) fn take_upgraded(&mut self) -> Option<Upgraded> {
        self.body.take_upgraded()
    }

    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.body.ended_at()
    }

    pub(crate) fn on_progress(&mut self, total: Option<u64>, report: Box<dyn FnMut(u64, Option<u64>)>) {
        self.progress = Some(Box::new(Progress { total, report }));
    }

    /// The whole body, kept for the next call.
    pub(crate) fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        match &self.whole {
            Whole::Kept(bytes) => return Poll::Ready(Ok(bytes.clone())),
            Whole::InChunks => return Poll::Ready(Err(self.failed_before().unwrap_or_else(read_in_chunks))),
            Whole::Unread => self.whole = Whole::Gathering(Gathered::Nothing),
            Whole::Gathering(_) => {}
        }
        let limit = self.limit.unwrap_or(MOST_KEPT);
        if self.declared.is_some_and(|declared| declared > limit)
            && !self.is_decoded()
            && self.failed.is_none()
        {
            return Poll::Ready(Err(self.too_large(limit)));
        }
        while let Some(data) = ready!(self.poll_counted(cx, limit)) {
            let data = data?;
            if let Whole::Gathering(gathered) = &mut self.whole {
                gathered.add(data);
            }
        }
        let Whole::Gathering(gathered) = std::mem::replace(&mut self.whole, Whole::Unread) else {
            unreachable!("gathering began above");
        };
        let bytes = gathered.into_bytes();
        self.whole = Whole::Kept(bytes.clone());
        Poll::Ready(Ok(bytes))
    }

    /// To be called before `poll_chunk`. A body that is kept is read from its beginning.
    pub(crate) fn begin_chunks(&mut self) {
        self.begin(Reader::Chunks);
    }

    /// To be called before `poll_line`. `label` is the character set of the text.
    pub(crate) fn begin_lines(&mut self, label: Option<&str>) {
        if !matches!(self.reader, Reader::Lines(_)) || self.is_kept() {
            self.begin(Reader::Lines(Box::new(LineSplitter::new(label))));
        }
    }

    /// To be called before `poll_event`.
    pub(crate) fn begin_events(&mut self) {
        if !matches!(self.reader, Reader::Events(_)) || self.is_kept() {
            self.begin(Reader::Events(Box::default()));
        }
    }

    /// In place of `begin_events`, if the events continue those of another response, whose last one had this id.
    pub(crate) fn begin_events_after(&mut self, id: &str) {
        let reader = EventReader { parser: Parser::after(id), ..EventReader::default() };
        self.begin(Reader::Events(Box::new(reader)));
    }

    /// Changes the reader. The new one continues where the last one stopped.
    fn begin(&mut self, reader: Reader) {
        let unread = match std::mem::replace(&mut self.reader, reader) {
            _ if let Whole::Kept(bytes) = &self.whole => {
                self.remaining = bytes.clone();
                return;
            }
            Reader::Chunks => Some(Bytes::new()),
            Reader::Lines(splitter) => splitter.into_unread(),
            Reader::Events(events) => events.into_unread(),
        };
        match unread {
            Some(unread) if unread.is_empty() => {}
            Some(unread) => self.remaining = [unread, self.remaining.split_off(0)].concat().into(),
            None => {
                let what = "the body was read as lines or events before, up to the middle of one, and that is not kept";
                self.fail(Error::new(ErrorKind::Body, what));
            }
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self.whole, Whole::Kept(_))
    }

    /// The length of the body, if it is kept.
    pub(crate) fn kept_length(&self) -> Option<u64> {
        match &self.whole {
            Whole::Kept(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// Whether a part of the body has been read.
    pub(crate) fn has_begun(&self) -> bool {
        self.read > 0 || matches!(self.whole, Whole::InChunks)
    }

    /// To be called before `poll_chunk` by a caller that needs the whole body.
    ///
    /// # Errors
    /// Of kind [`Body`](ErrorKind::Body), if chunks have been read before.
    pub(crate) fn begin_all_chunks(&mut self) -> Result<(), Error> {
        if matches!(self.whole, Whole::InChunks) {
            return Err(read_in_chunks());
        }
        self.begin_chunks();
        Ok(())
    }

    /// The next chunk, of at most `maxsize` bytes.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        maxsize: usize,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        if let Err(error) = ready!(self.poll_turn(cx)) {
            return Poll::Ready(Some(Err(error)));
        }
        if self.remaining.is_empty() {
            if self.is_kept() {
                return Poll::Ready(None);
            }
            match std::mem::replace(&mut self.whole, Whole::InChunks) {
                Whole::Gathering(Gathered::One(bytes)) => self.remaining = bytes,
                Whole::Gathering(Gathered::Many(bytes)) => self.remaining = bytes.freeze(),
                _ => {}
            }
        }
        if self.remaining.is_empty() {
            match ready!(self.poll_counted(cx, self.limit.unwrap_or(u64::MAX))) {
                Some(Ok(data)) => self.remaining = data,
                end => return Poll::Ready(end),
            }
        }
        self.budget.spend(0);
        let n = self.remaining.len().min(maxsize.max(1));
        Poll::Ready(Some(Ok(self.remaining.split_to(n))))
    }

    /// Reads the rest of a small body and discards it.
    pub(crate) async fn discard(&mut self) {
        self.whole = Whole::InChunks;
        self.remaining = Bytes::new();
        self.body.discard().await;
    }

    /// Ready unless the budget is spent; then the task yields once. The timeout of the whole request is checked then, too: a
    /// body that was received in time may be read later, but decoding must not go on without end.
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(error) = self.failed_before() {
            return Poll::Ready(Err(error));
        }
        if !self.budget.is_spent() {
            return Poll::Ready(Ok(()));
        }
        match self.body.overdue() {
            Some(error) if !self.is_kept() => Poll::Ready(Err(self.fail(error))),
            _ => self.budget.poll_yield(cx),
        }
    }

    /// Closes the connection and keeps the error for later calls.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        self.body.give_up();
        self.remaining = Bytes::new();
        self.failed = Some(error.repeat());
        error
    }

    fn failed_before(&self) -> Option<Error> {
        self.failed.as_ref().map(Error::repeat)
    }

    /// The next decoded bytes, at least one; an error if they exceed the limit.
    fn poll_counted(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<Option<Result<Bytes, Error>>> {
        let data = match ready!(self.poll_decoded(cx)) {
            Some(Ok(data)) => data,
            Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(error)))),
            None => return Poll::Ready(None),
        };
        self.budget.spend(data.len());
        self.read += data.len() as u64;
        if self.read > limit {
            return Poll::Ready(Some(Err(self.too_large(limit))));
        }
        if let Some(progress) = &mut self.progress {
            (progress.report)(self.read, progress.total);
        }
        Poll::Ready(Some(Ok(data)))
    }

    fn too_large(&mut self, limit: u64) -> Error {
        let what = format!("reading the body: it is longer than {limit} bytes");
        self.fail(Error::new(ErrorKind::TooLarge, what).under("max_body"))
    }

    fn poll_decoded(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            if let Err(error) = ready!(self.poll_turn(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            let decoder = match &mut self.decoding {
                Decoding::Plain => return self.body.poll_data(cx),
                Decoding::Coded(decoder) => decoder,
                Decoding::Refused(n) => {
                    let what =
                        format!("decoding the body: it has {n} content codings, one applied over the other");
                    return Poll::Ready(Some(Err(Error::new(ErrorKind::Decode, what))));
                }
            };
            match decoder.step() {
                Ok(Decoded::Data(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(Decoded::Done) => return Poll::Ready(None),
                Ok(Decoded::Nothing) => {
                    self.budget.spend(STREAM);
                    continue;
                }
                Ok(Decoded::NeedsInput) => {}
                Err(cause) => {
                    let error = Error::new(ErrorKind::Decode, "decompressing the body").because(cause);
                    return Poll::Ready(Some(Err(error)));
                }
            }
            match ready!(self.body.poll_data(cx)) {
                Some(Ok(data)) => decoder.feed(data),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => decoder.finish(),
            }
        }
    }
}

fn read_in_chunks() -> Error {
    Error::new(ErrorKind::Body, "the body has been read in chunks before, and these are not kept")
}

impl Gathered {
    fn add(&mut self, data: Bytes) {
        *self = match std::mem::replace(self, Gathered::Nothing) {
            Gathered::Nothing => Gathered::One(data),
            Gathered::One(first) => {
                let mut all = BytesMut::with_capacity((first.len() + data.len()) * 2);
                all.extend_from_slice(&first);
                all.extend_from_slice(&data);
                Gathered::Many(all)
            }
            Gathered::Many(mut all) => {
                all.extend_from_slice(&data);
                Gathered::Many(all)
            }
        };
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Gathered::Nothing => Bytes::new(),
            Gathered::One(data) => data,
            Gathered::Many(all) => all.freeze(),
        }
    }
}

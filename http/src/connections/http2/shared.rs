//! A connection that several requests share: who drives it, how many streams it has, when it ends.
//!
//! [`SharedConnection::drive`] polls h2's connection with the fan-out waker. It is called by each stream that is polled, when
//! the connection was woken since; by a stream that is dropped, so that its `RST_STREAM` leaves at once; and by the pool's
//! upkeep. While it is being driven, the connection is taken out of its cell: foreign code that runs meanwhile (the stream
//! of a connector, a waker) may come back here.
//!
//! # Requests that begin together leave together
//! A response that is read often lets its task begin the next request, and so do the tasks after it in the same cycle of the
//! kernel. A system call for each would be most of their cost. So a task that has something to send while other streams are
//! open does not drive the connection. It wakes itself, and drives in the next cycle, unless another task has done so by then:
//! the first one sends for all. Each of them wakes itself, because none is bound to poll its stream again. The only stream of
//! a connection drives at once.
//!
//! Streams are limited by a semaphore, which is first come, first served. Its number of permits follows what the server
//! allows, at most [`MOST_STREAMS`].

use crate::connections::connection::ProtocolLimits;
use crate::connections::http2::fan_out::FanOut;
use crate::connections::http2::handles::{Handles, Open};
use crate::connections::http2::io::{Io, Wire};
use crate::connections::http2::streams::{NO_STREAM, Streams};
use crate::connections::stream::Stream;
use crate::connections::tls::TlsInfo;
use crate::error::{Error, ErrorKind};
use crate::trace::Tracer;
use bytes::Bytes;
use curio::{Semaphore, SemaphorePermit};
use h2::SendStream;
use h2::client::{self, ResponseFuture, SendRequest};
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How many streams a connection has at the same time, even if the server allows more.
const MOST_STREAMS: usize = 100;
/// How much of a response is received before it is read.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// The same for all responses of a connection together.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;
/// How much larger than allowed a response head may be to be refused with the name of the setting.
const SLACK: usize = 64 * 1024;
/// How long a response may be left unread while its siblings need the window.
const MOST_UNREAD: Duration = Duration::from_secs(30);
/// After how many received bytes the interim responses of all streams are counted. They may be ten bytes each.
const COUNT_AFTER: usize = 64 * 1024;
/// How often a connection is polled again at once if work came up meanwhile.
const ROUNDS: usize = 4;

type Machine = client::Connection<Io, Bytes>;

pub(crate) struct SharedConnection {
    /// `None` while it is being driven, and when it has ended.
    machine: Cell<Option<Box<Machine>>>,
    sender: RefCell<Option<SendRequest<Bytes>>>,
    wire: Rc<Wire>,
    pub(super) fan_out: Arc<FanOut>,
    permits: Semaphore,
    /// How many permits there are, used or not.
    capacity: Cell<usize>,
    /// How many streams there may be by the server's last word.
    allowed: Cell<usize>,
    streams: RefCell<Streams>,
    /// The handles of streams that are complete. Dropping them tells h2 something, so that is done when it is polled anyway.
    finished: RefCell<Vec<Open>>,
    /// How many times it has been driven.
    rounds: Cell<u64>,
    open: Cell<usize>,
    carried: Cell<u64>,
    idle_since: Cell<Instant>,
    /// No further stream can be opened.
    closing: Cell<bool>,
    ended: Cell<bool>,
    /// It was left with work, because the budget of a poll was used up.
    owes: Cell<bool>,
    peer: Option<SocketAddr>,
    tls: Option<TlsInfo>,
    pub(super) limits: ProtocolLimits,
    pub(super) tracer: Tracer,
}

/// The right to have one stream. Dropping it passes it on.
pub(crate) struct StreamPermit(Rc<SharedConnection>);

impl SharedConnection {
    /// Sends the client's part of the connection preface (RFC 9113 §3.4). The server's part is not waited for.
    ///
    /// # Errors
    /// Of kind [`Connect`](ErrorKind::Connect), if the stream fails at once.
    pub(crate) async fn open(
        stream: Stream,
        peer: Option<SocketAddr>,
        tls: Option<TlsInfo>,
        limits: ProtocolLimits,
        tracer: Tracer,
    ) -> Result<Rc<SharedConnection>, Error> {
        let fan_out = Arc::default();
        let (io, wire) = Io::new(stream, &fan_out);
        let mut builder = client::Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(MOST_STREAMS)
            // h2 does not tell a head beyond it from a malformed one. So `head.rs` refuses what is not much too large.
            .max_header_list_size(u32::try_from(limits.head.saturating_add(SLACK)).unwrap_or(u32::MAX));
        let (sender, machine) = builder
            .handshake(io)
            .await
            .map_err(|cause| Error::new(ErrorKind::Connect, "beginning to speak HTTP/2").because(cause))?;
        let connection = SharedConnection {
            machine: Cell::new(Some(Box::new(machine))),
            sender: RefCell::new(Some(sender)),
            wire,
            fan_out,
            permits: Semaphore::new(MOST_STREAMS),
            capacity: Cell::new(MOST_STREAMS),
            allowed: Cell::new(MOST_STREAMS),
            streams: RefCell::default(),
            finished: RefCell::default(),
            rounds: Cell::new(0),
            open: Cell::new(0),
            carried: Cell::new(0),
            idle_since: Cell::new(curio::clock()),
            closing: Cell::new(false),
            ended: Cell::new(false),
            owes: Cell::new(false),
            peer,
            tls,
            limits,
            tracer,
        };
        Ok(Rc::new(connection))
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn tls(&self) -> Option<TlsInfo> {
        self.tls.clone()
    }

    /// Whether further streams can be opened, as far as is known.
    pub(crate) fn is_open(&self) -> bool {
        !self.closing.get() && !self.ended.get()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.open.get() == 0
    }

    /// How long it has had no stream; `None` if it has one, or has never had one.
    pub(crate) fn idle_for(&self, now: Instant) -> Option<Duration> {
        let was_used = self.is_idle() && self.carried.get() > 0;
        was_used.then(|| now.saturating_duration_since(self.idle_since.get()))
    }

    /// Since when it has had no stream.
    pub(crate) fn idle_since(&self) -> Instant {
        self.idle_since.get()
    }

    pub(super) fn has_carried_others(&self) -> bool {
        self.carried.get() > 1
    }

    pub(super) fn spoke_http1(&self) -> bool {
        self.wire.spoke_http1()
    }

    /// For error messages.
    pub(super) fn described(&self) -> String {
        self.peer.map(|peer| format!(" ({peer})")).unwrap_or_default()
    }

    /// Waits until there may be one more stream, and drives the connection meanwhile: the server may be about to raise the
    /// limit. Ready, too, when the connection ends; the caller has to look.
    pub(crate) async fn permit(self: &Rc<Self>) -> StreamPermit {
        let mut acquire = pin!(self.permits.acquire());
        // Only one request at a time waits here (`sharing.rs`).
        let _registered = Registered(self);
        let permit = poll_fn(|cx| self.poll_with(None, cx, |cx| acquire.as_mut().poll(cx))).await;
        permit.forget();
        self.open.set(self.open.get() + 1);
        StreamPermit(Rc::clone(self))
    }

    /// A permit, if there is one.
    pub(crate) fn try_permit(self: &Rc<Self>) -> Option<StreamPermit> {
        self.permits.try_acquire().map(SemaphorePermit::forget)?;
        self.open.set(self.open.get() + 1);
        Some(StreamPermit(Rc::clone(self)))
    }

    /// Opens a stream, and leaves it to its next poll to send the request. `Err`: the connection takes no more.
    pub(super) fn send_request(
        &self,
        request: http::Request<()>,
        is_all: bool,
    ) -> Result<Rc<Handles>, h2::Error> {
        let _held = self.fan_out.hold();
        let opened = self.try_send_request(request, is_all);
        let (response, send) = opened.inspect_err(|_| self.close_to_new_streams())?;
        self.fan_out.leave_output();
        self.carried.set(self.carried.get() + 1);
        let mut streams = self.streams.borrow_mut();
        let handles = Rc::new(Handles::new(streams.unused_number(), send, response));
        streams.insert(&handles);
        Ok(handles)
    }

    fn try_send_request(
        &self,
        request: http::Request<()>,
        is_all: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut sender = self.sender.borrow_mut();
        let sender = sender.as_mut().ok_or(h2::Error::from(h2::Reason::NO_ERROR))?;
        // Only an error tells something: permits keep streams from waiting inside of h2.
        if let Poll::Ready(Err(cause)) = sender.poll_ready(&mut Context::from_waker(Waker::noop())) {
            return Err(cause);
        }
        sender.send_request(request, is_all)
    }

    /// Takes a step with a stream, and drives the connection if it was woken or the step has left work for it. If `step` is
    /// pending, it has been polled after the connection.
    pub(super) fn poll_with<T>(
        &self,
        stream: Option<&Handles>,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let key = stream.map_or(NO_STREAM, |stream| stream.key);
        self.fan_out.register(key, cx.waker());
        let _held = self.fan_out.hold();
        let was_left = self.fan_out.is_left();
        let mut polled = step(cx);
        if self.must_drive(stream, was_left, polled.is_pending(), cx) {
            self.drive();
            if polled.is_pending() {
                polled = step(cx);
            }
        }
        if polled.is_ready() {
            self.fan_out.forget(key);
        }
        polled
    }

    /// Takes a step outside of a poll. What it leaves to be sent is sent at once, unless another task is to do that.
    pub(super) fn step_at_once<T>(&self, step: impl FnOnce() -> T) -> T {
        let _held = self.fan_out.hold();
        let done = step();
        if self.fan_out.has_output() && !self.fan_out.is_left() {
            self.drive();
        }
        done
    }

    /// Whether a task drives the connection after a step with its stream. `was_left`: before it, another task had woken itself to
    /// do so. If this one is to do so later, it is woken.
    fn must_drive(
        &self,
        stream: Option<&Handles>,
        was_left: bool,
        is_pending: bool,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.fan_out.is_ready() || !self.fan_out.has_output() {
            return self.fan_out.is_ready();
        }
        let Some(stream) = stream else { return true };
        let this_round = Some(self.rounds.get());
        if stream.left_in.get() == this_round {
            return true;
        }
        if !stream.has_unsent.take() {
            return !was_left;
        }
        if !is_pending || self.open.get() == 1 {
            return true;
        }
        stream.left_in.set(this_round);
        self.fan_out.leave_output();
        cx.waker().wake_by_ref();
        false
    }

    /// Polls the connection. Does nothing if that is under way already, or outside of a kernel.
    pub(super) fn drive(&self) {
        if !curio::is_running() {
            return;
        }
        let Some(mut machine) = self.machine.take() else { return };
        let _held = self.fan_out.hold();
        drop(self.finished.take());
        self.rounds.set(self.rounds.get() + 1);
        let waker = Waker::from(Arc::clone(&self.fan_out));
        let mut result = Poll::Pending;
        for _ in 0..ROUNDS {
            self.fan_out.clear();
            result = Pin::new(&mut *machine).poll(&mut Context::from_waker(&waker));
            if result.is_ready() || !self.fan_out.is_woken() {
                break;
            }
        }
        match result {
            Poll::Pending => {
                self.allow(machine.max_concurrent_send_streams());
                self.machine.set(Some(machine));
                if self.wire.has_received(COUNT_AFTER) {
                    self.end_floods();
                }
                self.owes.set(self.fan_out.is_woken());
                self.notice_goaway();
            }
            Poll::Ready(result) => {
                if let Err(cause) = result {
                    self.tracer.message(|| format!("The connection has ended: {cause}"));
                }
                self.ended.set(true);
                self.close_to_new_streams();
                self.fan_out.clear();
                // Tells each stream why.
                drop(machine);
                self.fan_out.wake_for_the_end();
            }
        }
    }

    /// After a GOAWAY no stream can be opened; those that are open go on.
    fn notice_goaway(&self) {
        if self.closing.get() {
            return;
        }
        let mut noop = Context::from_waker(Waker::noop());
        let checked = self.sender.borrow_mut().as_mut().map(|sender| sender.poll_ready(&mut noop));
        if let Some(Poll::Ready(Err(cause))) = checked {
            self.tracer.message(|| format!("The server takes no more requests on this connection: {cause}"));
            self.close_to_new_streams();
        }
    }

    /// Ends the streams that have more interim responses than allowed: their own tasks may not poll them now.
    fn end_floods(&self) {
        let streams = self.streams.borrow().open();
        for handles in streams {
            // The stream's task goes on being the one that is woken.
            let waker = self.fan_out.waker_of(handles.key);
            let waker = waker.as_ref().unwrap_or(Waker::noop());
            if handles.take_interim(&mut Context::from_waker(waker), self.limits.interim) {
                handles.is_flooded.set(true);
                drop(handles.open.take());
                waker.wake_by_ref();
            }
        }
    }

    /// No stream is opened any more. When the last one has ended, h2 closes the connection.
    pub(crate) fn close_to_new_streams(&self) {
        if !self.closing.replace(true) {
            // The requests that wait for a permit find out.
            self.permits.release();
            let sender = self.sender.take();
            let _held = self.fan_out.hold();
            drop(self.finished.take());
            drop(sender);
        }
    }

    /// The server allows this many streams.
    fn allow(&self, streams: usize) {
        let allowed = streams.min(MOST_STREAMS);
        if allowed == self.allowed.replace(allowed) {
            return;
        }
        while self.capacity.get() < allowed {
            self.capacity.set(self.capacity.get() + 1);
            self.permits.release();
        }
        // The rest is taken away when streams end.
        while self.capacity.get() > allowed
            && let Some(permit) = self.permits.try_acquire()
        {
            permit.forget();
            self.capacity.set(self.capacity.get() - 1);
        }
    }

    fn take_back_permit(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 && curio::is_running() {
            self.idle_since.set(curio::clock());
        }
        if self.capacity.get() > self.allowed.get() && self.is_open() {
            self.capacity.set(self.capacity.get() - 1);
        } else {
            self.permits.release();
        }
    }

    /// The pool's upkeep: drives the connection if no task does, and resets responses that the program does not read.
    pub(crate) fn tend(&self, now: Instant) {
        self.reset_unread(now);
        // A wake without bytes is not enough: the kernel wakes waits that it doubts, and this would renew them for ever.
        let is_wanted = self.fan_out.is_woken() && self.fan_out.is_empty();
        // The task that was to send it has put its request aside.
        let is_overdue = self.fan_out.is_left();
        if is_overdue || (is_wanted && (self.owes.get() || self.wire.has_arrived().unwrap_or(true))) {
            self.drive();
        }
    }

    /// Resets responses that have been left unread for long, if what is unread takes up half of the connection's window.
    fn reset_unread(&self, now: Instant) {
        let streams = self.streams.borrow().open();
        let unread: Vec<usize> = streams.iter().map(|handles| handles.unread()).collect();
        if unread.iter().sum::<usize>() < CONNECTION_WINDOW as usize / 2 {
            return;
        }
        let held = self.fan_out.hold();
        for (handles, unread) in streams.iter().zip(unread) {
            if unread > 0 && now.saturating_duration_since(handles.read_at.get()) >= MOST_UNREAD {
                self.drop_handles(handles);
            }
        }
        self.drive();
        drop(held);
    }

    /// The stream's task needs it no more. `is_complete`: both directions have ended, so there is nothing to reset.
    pub(super) fn end_stream(&self, handles: &Handles, is_complete: bool) {
        self.fan_out.forget(handles.key);
        self.streams.borrow_mut().remove(handles.key);
        let has_left_output = self.fan_out.is_left() && handles.left_in.get() == Some(self.rounds.get());
        if is_complete && self.is_open() && !has_left_output {
            self.finished.borrow_mut().extend(handles.open.take());
        } else {
            self.drop_handles(handles);
        }
    }

    /// Resets a stream if it is not complete.
    fn drop_handles(&self, handles: &Handles) {
        let _held = self.fan_out.hold();
        let open: Option<Open> = handles.open.take();
        drop(open);
        if self.fan_out.is_woken() {
            self.drive();
        }
    }

    /// Says goodbye: GOAWAY, over TLS close_notify. Waits until that is sent and the streams have ended.
    pub(crate) async fn close(&self) {
        self.close_to_new_streams();
        let _registered = Registered(self);
        poll_fn(|cx| {
            self.poll_with(None, cx, |_| {
                if self.ended.get() || !self.is_idle() { Poll::Ready(()) } else { Poll::Pending }
            })
        })
        .await;
    }
}

/// A wait of a task that has no stream; dropping it forgets its waker.
struct Registered<'a>(&'a SharedConnection);

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.0.fan_out.forget(NO_STREAM);
    }
}

impl StreamPermit {
    pub(crate) fn connection(&self) -> &Rc<SharedConnection> {
        &self.0
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.take_back_permit();
    }
}

/// What can be sent without waiting is sent: GOAWAY and close_notify.
impl Drop for SharedConnection {
    fn drop(&mut self) {
        self.close_to_new_streams();
        self.drive();
    }
}

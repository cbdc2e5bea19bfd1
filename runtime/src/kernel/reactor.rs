//! The reactor: turns "this socket can be read again" into "wake that task".
//!
//! # Readiness
//!
//! The selectors of mio (`epoll` on Linux, `kqueue` on macOS and the BSDs, IOCP with AFD on Windows) are used
//! *edge-triggered*: they report a socket once when it *becomes* readable or writable, and not again until it becomes so
//! anew. That allows for few system calls:
//!
//! * A socket is registered once, for both directions, when it is made, and deregistered when it is dropped.
//!   No system call is needed to start or stop waiting.
//! * For each direction the reactor keeps a flag: whether the socket may be ready. An operation tries its system call first
//!   and waits only when that returned `WouldBlock`; then, and only then, the flag is cleared. The next edge sets it again.
//! * A new socket is assumed to be writable, and not readable until there is an event. Adding it makes `epoll` report what
//!   has been received already, so no event is lost, and the first read of a connection, which would nearly always come
//!   before the peer has replied, is saved.
//! * A *short* read (fewer bytes than the buffer holds) of a TCP stream under `epoll` also says that nothing is left, so
//!   the flag is cleared then too, and the read that would only have returned `WouldBlock` is never made. There are two
//!   exceptions. A stream whose end has been announced keeps its flag, because no edge will come after that.
//!   And so does one to which urgent data has come: a read stops in front of it, whatever lies behind.
//!
//! # Where a short read proves nothing
//!
//! * On Unix streams a read ends with the message that carried a control message (file descriptors), and on a pipe in
//!   packet mode it ends with the packet. More may lie behind.
//! * `kqueue` (macOS and the BSDs) is edge-triggered as well (`EV_CLEAR`), but through mio it does not announce urgent
//!   data, so a read that stopped in front of it cannot be told from one that took everything.
//! * On Windows mio makes edges out of one-shot polls: after an event it asks again only when an operation *made
//!   through mio* has returned `WouldBlock`. A flag that is cleared for any other reason is never set again. That is
//!   why operations that mio has no method for go through its `try_io`.
//!
//! There the flag is cleared by `WouldBlock` alone. A short write never clears it, on any system.
//!
//! Between a failed system call and the clearing of the flag no event can slip through, because events are only
//! collected between polls of tasks, on the same thread.
//!
//! A token carries the generation of its place in the table, so that an event for a closed socket never
//! reaches the socket that took over its place.
//!
//! # What `epoll` saves
//!
//! * Closing the last descriptor of a socket removes it from `epoll`. So a stream whose descriptor is certainly the only
//!   one, because it was made here, is not deregistered before it is closed. (A process that is being started has a copy until
//!   its `exec`. Events that come in between have a generation that is not there any more.)
//! * An event that a connecting socket is writable, without an error or a hang-up, says that it is connected: Linux (`tcp_poll`)
//!   reports it in no other state. Elsewhere it may mean nothing, and the socket is asked.

pub(crate) use crate::debug::Direction;
use crate::kernel::inbox::Inbox;
use crate::kernel::waker::{WakeSource, Woken, renew};
use crate::task::info::TaskId;
use mio::event::Source;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The token of the inbox's `mio::Waker`.
const INBOX: Token = Token(usize::MAX);
/// A token is a generation in its upper half and an index in its lower half.
const GENERATION_SHIFT: u32 = usize::BITS / 2;
const INDEX_MASK: usize = (1 << GENERATION_SHIFT) - 1;
/// The ticket of all waits that come through `poll_…` functions. Such a function cannot tell whether its caller
/// still waits, so the next caller takes its place.
pub(crate) const SHARED_TICKET: u64 = 0;
/// How many events one wait may bring.
const EVENTS: usize = 1024;
/// The longest single wait; the loop repeats it. macOS refuses waits of more than 10⁸ s (`kevent`, `EINVAL`), and
/// `epoll` counts milliseconds in 31 bits.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Whether the selector is `epoll`, which announces urgent data, and saves the system calls that are named above.
const IS_EPOLL: bool = cfg!(any(target_os = "linux", target_os = "android"));

const BOTH_DIRECTIONS: Interest = Interest::READABLE.add(Interest::WRITABLE);
#[cfg(any(target_os = "linux", target_os = "android"))]
const TCP_STREAM: Interest = BOTH_DIRECTIONS.add(Interest::PRIORITY);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const TCP_STREAM: Interest = BOTH_DIRECTIONS;

pub(crate) struct Reactor {
    poll: Poll,
    events: Option<Events>,
    sockets: Slab<Socket>,
    generation: usize,
    /// How often events were asked for.
    polls: u64,
    /// System calls on sockets.
    calls: u64,
    waiting: usize,
    /// Those of the waits that hold a virtual clock.
    holding: usize,
}

struct Socket {
    generation: usize,
    kind: SocketKind,
    /// A short read means that nothing is left. No longer true once there was urgent data.
    short_read_empties: bool,
    read: Side,
    write: Side,
}

/// One direction of a socket.
#[derive(Default)]
struct Side {
    ready: bool,
    /// The peer closed this direction, or the socket failed: no more edges, and no more waiting.
    ended: bool,
    waiter: Option<Waiter>,
}

/// The wait for one direction of a socket.
struct Waiter {
    ticket: u64,
    waker: Option<Waker>,
    task: Option<TaskId>,
    at: &'static Location<'static>,
    /// Its waker was called without an event, by [`Reactor::ask_again`].
    asked_again: bool,
}

/// What the reactor has to know about a socket beside its events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SocketKind {
    /// A TCP connection: a short read may mean that nothing is left. `is_ours`: its descriptor was made by this crate, which
    /// hands it out to nobody, so the socket has no other.
    TcpStream { is_ours: bool },
    /// A pipe to another process, which takes real time: waits for it hold a virtual clock.
    ProcessPipe,
    /// The pipe into which the handler of this signal writes.
    #[cfg(all(unix, feature = "signals"))]
    Signal(i32),
    /// Everything else, of which only `WouldBlock` means that nothing is left.
    Other,
}

impl SocketKind {
    fn holds_clock(self) -> bool {
        self == SocketKind::ProcessPipe
    }

    fn signal(self) -> Option<i32> {
        #[cfg(all(unix, feature = "signals"))]
        if let SocketKind::Signal(number) = self {
            return Some(number);
        }
        None
    }
}

/// Names a registered socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocketKey {
    index: usize,
    generation: usize,
}

/// What a direction of a socket says when asked to wait.
pub(crate) enum Readiness {
    /// Try the system call.
    Ready,
    /// The waker is stored and will be called. The one it replaced is to be dropped outside of the borrow.
    Waiting { replaced: Option<Waker> },
    /// Another task waits here already.
    Busy { task: Option<TaskId>, at: &'static Location<'static> },
}

impl Reactor {
    pub(crate) fn new() -> io::Result<(Reactor, Arc<Inbox>)> {
        let poll = Poll::new()?;
        let inbox = Arc::new(Inbox::new(mio::Waker::new(poll.registry(), INBOX)?));
        Ok((
            Reactor {
                poll,
                events: Some(Events::with_capacity(EVENTS)),
                sockets: Slab::new(),
                generation: 0,
                polls: 0,
                calls: 0,
                waiting: 0,
                holding: 0,
            },
            inbox,
        ))
    }

    /// Adds a socket, for both directions and for good.
    pub(crate) fn register(&mut self, source: &mut impl Source, kind: SocketKind) -> io::Result<SocketKey> {
        let generation = (self.generation + 1) & INDEX_MASK;
        self.generation = generation;
        let entry = self.sockets.vacant_entry();
        let index = entry.key();
        if index >= INDEX_MASK {
            return Err(io::Error::other("too many sockets for one kernel"));
        }
        let token = Token(generation << GENERATION_SHIFT | index);
        let is_tcp = matches!(kind, SocketKind::TcpStream { .. });
        let interests = if is_tcp { TCP_STREAM } else { BOTH_DIRECTIONS };
        self.poll.registry().register(source, token, interests)?;
        // All selectors report what a socket has at the time it is added, so nothing is lost by not trying to read
        // before.
        let (read, write) = (Side::default(), Side { ready: true, ..Side::default() });
        entry.insert(Socket { generation, kind, short_read_empties: IS_EPOLL && is_tcp, read, write });
        Ok(SocketKey { index, generation })
    }

    /// Removes a socket that is about to be closed. Its wakers are returned to be dropped outside of any borrow.
    pub(crate) fn deregister(&mut self, source: &mut impl Source, key: SocketKey) -> [Option<Waker>; 2] {
        let Some(socket) = self.sockets.try_remove(key.index) else { return [None, None] };
        if !(IS_EPOLL && socket.kind == SocketKind::TcpStream { is_ours: true }) {
            // If this fails, events may still come, with a generation that is not there any more.
            let _ = self.poll.registry().deregister(source);
        }
        self.waiting -= socket.waiting();
        self.holding -= if socket.kind.holds_clock() { socket.waiting() } else { 0 };
        [socket.read, socket.write].map(|side| side.waiter.and_then(|waiter| waiter.waker))
    }

    /// Asks to wait. `ticket` identifies a wait of one direction; with the same ticket it may be renewed. `task` says who waits,
    /// if that is needed.
    pub(crate) fn wait(
        &mut self,
        key: SocketKey,
        direction: Direction,
        ticket: u64,
        waker: &Waker,
        task: impl FnOnce() -> Option<TaskId>,
        at: &'static Location<'static>,
    ) -> Readiness {
        let holds_clock = self.sockets[key.index].kind.holds_clock();
        let side = self.side(key, direction);
        match &mut side.waiter {
            Some(waiter) if waiter.ticket != ticket && waiter.ticket != SHARED_TICKET => {
                Readiness::Busy { task: waiter.task, at: waiter.at }
            }
            _ if side.ready => Readiness::Ready,
            waiter => {
                let task = task();
                let waiter = waiter.get_or_insert(Waiter::new(ticket, task, at));
                waiter.asked_again &= waiter.ticket == ticket;
                (waiter.ticket, waiter.task, waiter.at) = (ticket, task, at);
                let unanswered = waiter.waker.is_some();
                let replaced = renew(&mut waiter.waker, waker);
                self.waiting += usize::from(!unanswered);
                self.holding += usize::from(!unanswered && holds_clock);
                Readiness::Waiting { replaced }
            }
        }
    }

    /// The signal whose handler writes into this pipe.
    pub(crate) fn signal(&self, key: SocketKey) -> Option<i32> {
        self.sockets[key.index].kind.signal()
    }

    /// Keeps a direction for the operation with this ticket, which does not wait at the moment.
    pub(crate) fn keep_place(
        &mut self,
        key: SocketKey,
        direction: Direction,
        ticket: u64,
        task: Option<TaskId>,
        at: &'static Location<'static>,
    ) {
        self.side(key, direction).waiter.get_or_insert(Waiter::new(ticket, task, at));
    }

    /// Ends a wait, whether or not an event has come for it.
    pub(crate) fn stop_waiting(
        &mut self,
        key: SocketKey,
        direction: Direction,
        ticket: u64,
    ) -> Option<Waker> {
        let holds_clock = self.sockets[key.index].kind.holds_clock();
        let side = self.side(key, direction);
        let waiter = side.waiter.take_if(|waiter| waiter.ticket == ticket)?;
        if waiter.waker.is_some() {
            self.waiting -= 1;
            self.holding -= usize::from(holds_clock);
        }
        waiter.waker
    }

    /// The wait of a `poll_…` function stays when the future that called it is dropped, because the reactor is not notified
    /// of that. If there are no other waits, or if they hold a virtual clock, this removes them and returns their wakers: a
    /// task that still waits is polled and waits again. Each is woken once, until there is an event. O(sockets).
    pub(crate) fn ask_again(&mut self, wakers: &mut Vec<Woken>) {
        let is_shared = |waiter: &Waiter| waiter.ticket == SHARED_TICKET;
        let is_real = |side: &Side| side.waiter.as_ref().is_some_and(|w| w.waker.is_some() && !is_shared(w));
        let all = !self.sockets.iter().any(|(_, socket)| is_real(&socket.read) || is_real(&socket.write));
        for (_, socket) in self.sockets.iter_mut().filter(|(_, socket)| all || socket.kind.holds_clock()) {
            for waiter in [&mut socket.read, &mut socket.write].into_iter().flat_map(|side| &mut side.waiter)
            {
                if is_shared(waiter)
                    && !waiter.asked_again
                    && let Some(waker) = waiter.waker.take()
                {
                    waiter.asked_again = true;
                    self.waiting -= 1;
                    self.holding -= usize::from(socket.kind.holds_clock());
                    wakers.push(Woken { waker, source: WakeSource::Check });
                }
            }
        }
    }

    /// Whether a system call may be tried right away: the direction may be ready and no task waits for it.
    pub(crate) fn may_try(&mut self, key: SocketKey, direction: Direction) -> bool {
        let side = self.side(key, direction);
        side.ready && side.waiter.is_none()
    }

    /// There may be something to read already.
    pub(crate) fn set_readable(&mut self, key: SocketKey) {
        self.side(key, Direction::Read).ready = true;
    }

    /// Whether a connecting socket, whose `write` direction has become ready, is known to be connected by that.
    pub(crate) fn is_connected(&self, key: SocketKey) -> bool {
        IS_EPOLL && !self.sockets[key.index].write.ended
    }

    /// The last system call showed that nothing is left to do: wait for the next edge, if one can come.
    /// `WouldBlock` proves that on all systems; a short read does only on some.
    pub(crate) fn clear_ready(&mut self, key: SocketKey, direction: Direction, would_block: bool) {
        let short_read_empties = self.sockets[key.index].short_read_empties;
        let side = self.side(key, direction);
        if would_block || (short_read_empties && !side.ended) {
            side.ready = false;
        }
    }

    /// How many sockets are registered.
    pub(crate) fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// A system call on a socket is about to be tried.
    pub(crate) fn count_call(&mut self) {
        self.calls += 1;
    }

    /// How often events were asked for, and how many system calls on sockets were tried.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.polls, self.calls)
    }

    /// The waits that are pending: by which task, for which direction, at which line.
    pub(crate) fn waits(&self) -> Vec<(Option<TaskId>, Direction, &'static Location<'static>)> {
        let sides = self
            .sockets
            .iter()
            .flat_map(|(_, socket)| [(&socket.read, Direction::Read), (&socket.write, Direction::Write)]);
        let wait = |(side, direction): (&Side, Direction)| {
            let waiter = side.waiter.as_ref().filter(|waiter| waiter.waker.is_some())?;
            Some((waiter.task, direction, waiter.at))
        };
        sides.filter_map(wait).collect()
    }

    /// How many waits are pending.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many of them are for another process.
    pub(crate) fn holding_clock(&self) -> usize {
        self.holding
    }

    /// Waits for events, at most for a day, and hands out the wakers of the tasks that waited for them. True if the
    /// inbox's `mio::Waker` was called.
    pub(crate) fn poll(&mut self, timeout: Option<Duration>, wakers: &mut Vec<Woken>) -> io::Result<bool> {
        let mut events = self.events.take().unwrap_or_else(|| Events::with_capacity(EVENTS));
        let timeout = timeout.map(|timeout| timeout.min(LONGEST_WAIT));
        self.polls += 1;
        let polled = match self.poll.poll(&mut events, timeout) {
            // A signal handler ran. The loop comes here again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        };
        let mut rang = false;
        for event in &events {
            if event.token() == INBOX {
                rang = true;
                continue;
            }
            let (index, generation) = (event.token().0 & INDEX_MASK, event.token().0 >> GENERATION_SHIFT);
            let Some(socket) = self.sockets.get_mut(index) else { continue };
            if socket.generation != generation {
                continue;
            }
            socket.short_read_empties &= !event.is_priority();
            let failed = event.is_error();
            let read = event.is_readable() || event.is_read_closed() || failed;
            let write = event.is_writable() || event.is_write_closed() || failed;
            socket.read.ended |= event.is_read_closed() || failed;
            socket.write.ended |= event.is_write_closed() || failed;
            let sides =
                [(&mut socket.read, read, Direction::Read), (&mut socket.write, write, Direction::Write)];
            for (side, happened, direction) in sides {
                if happened {
                    side.ready = true;
                    let Some(waiter) = &mut side.waiter else { continue };
                    waiter.asked_again = false;
                    if let Some(waker) = waiter.waker.take() {
                        self.waiting -= 1;
                        let kind = socket.kind;
                        self.holding -= usize::from(kind.holds_clock());
                        let source = kind.signal().map_or(WakeSource::Socket(direction), WakeSource::Signal);
                        wakers.push(Woken { waker, source });
                    }
                }
            }
        }
        self.events = Some(events);
        polled.map(|()| rang)
    }

    fn side(&mut self, key: SocketKey, direction: Direction) -> &mut Side {
        let socket = &mut self.sockets[key.index];
        debug_assert_eq!(socket.generation, key.generation, "a key lives as long as its socket");
        match direction {
            Direction::Read => &mut socket.read,
            Direction::Write => &mut socket.write,
        }
    }
}

impl Waiter {
    fn new(ticket: u64, task: Option<TaskId>, at: &'static Location<'static>) -> Waiter {
        Waiter { ticket, waker: None, task, at, asked_again: false }
    }
}

impl Socket {
    fn waiting(&self) -> usize {
        let unanswered = |side: &Side| side.waiter.as_ref().is_some_and(|waiter| waiter.waker.is_some());
        usize::from(unanswered(&self.read)) + usize::from(unanswered(&self.write))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_new_socket_is_not_read_before_an_event_and_what_it_holds_already_is_one() {
        let (mut reactor, _inbox) = Reactor::new().unwrap();
        let (mut full, mut other) = mio::net::UnixStream::pair().unwrap();
        other.write_all(b"early").unwrap();
        let key = reactor.register(&mut full, SocketKind::Other).unwrap();
        let empty = reactor.register(&mut other, SocketKind::Other).unwrap();
        assert!(!reactor.may_try(key, Direction::Read) && reactor.may_try(key, Direction::Write));
        reactor.poll(Some(Duration::from_secs(5)), &mut Vec::new()).unwrap();
        assert!(reactor.may_try(key, Direction::Read));
        assert!(!reactor.may_try(empty, Direction::Read), "there is nothing to read");
    }

    #[test]
    fn an_event_of_a_socket_that_is_gone_does_not_reach_the_one_in_its_place() {
        let (mut reactor, _inbox) = Reactor::new().unwrap();
        let (mut old, mut peer_of_old) = mio::net::UnixStream::pair().unwrap();
        let (mut new, _peer_of_new) = mio::net::UnixStream::pair().unwrap();
        let old_key = reactor.register(&mut old, SocketKind::Other).unwrap();
        reactor.deregister(&mut old, old_key);
        let new_key = reactor.register(&mut new, SocketKind::Other).unwrap();
        assert_eq!(old_key.index, new_key.index, "its place is used again");
        // The operating system has an event with the old token still under way.
        let late = Token(old_key.generation << GENERATION_SHIFT | old_key.index);
        reactor.poll.registry().register(&mut old, late, Interest::READABLE).unwrap();
        peer_of_old.write_all(b"late").unwrap();
        reactor.poll(Some(Duration::from_secs(5)), &mut Vec::new()).unwrap();
        assert!(!reactor.may_try(new_key, Direction::Read));
    }
}

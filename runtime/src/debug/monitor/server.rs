//! The monitor's thread: one loop over all of its connections.
//!
//! Nothing that comes from a connection is trusted to end: a line has a longest length, answers that are not read are dropped
//! with their connection, and there are only so many connections. A connection that says nothing costs nothing, so it may
//! stay; when a new one comes and there is no room, the one that has been silent for longest is closed.

use super::command::{Command, answer};
use super::shared::Shared;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// More connections than this are not served at the same time.
const MOST_CONNECTIONS: usize = 16;
/// A line that is longer is refused, and its connection closed.
const LONGEST_LINE: usize = 1024;
/// More that has not been read by the other side than this, and its connection is closed.
const MOST_UNREAD: usize = 1024 * 1024;
/// How often `watch` shows the tasks again.
const WATCH: Duration = Duration::from_secs(1);
const LISTENER: Token = Token(0);
/// Moves the cursor to the upper left corner and clears the screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";
const PROMPT: &str = "curio > ";

pub(super) struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: BTreeMap<usize, Connection>,
    next: usize,
    shared: Arc<Shared>,
}

struct Connection {
    stream: TcpStream,
    /// What was received of a line that is not complete.
    line: Vec<u8>,
    unsent: Vec<u8>,
    /// When the tasks are to be shown again.
    watch: Option<Instant>,
    /// When something was last received.
    heard: Instant,
    /// It is closed when all is sent.
    ends: bool,
}

impl Server {
    /// # Errors
    /// The operating system has no descriptors left.
    pub(super) fn new(
        listener: std::net::TcpListener,
        poll: Poll,
        shared: Arc<Shared>,
    ) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Server { poll, listener, connections: BTreeMap::new(), next: 1, shared })
    }

    /// Until the kernel has ended.
    pub(super) fn serve(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.shared.has_ended() {
            let next_watch = self.connections.values().filter_map(|connection| connection.watch).min();
            let timeout = next_watch.map(|due| due.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    Token(number) => self.serve_one(number, Connection::receive),
                }
            }
            let now = Instant::now();
            let due = |connection: &Connection| connection.watch.is_some_and(|due| due <= now);
            let due: Vec<_> = self.connections.iter().filter(|(_, c)| due(c)).map(|(n, _)| *n).collect();
            for number in due {
                self.serve_one(number, Connection::show_tasks);
            }
        }
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.add(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The connection broke before it was taken.
                Err(error) if is_about_one_connection(&error) => {}
                // No descriptors left: connections that come later are looked at then.
                Err(_) => return,
            }
        }
    }

    fn add(&mut self, mut stream: TcpStream) {
        if self.connections.len() >= MOST_CONNECTIONS {
            let silent = self.connections.iter().min_by_key(|(_, connection)| connection.heard);
            if let Some(number) = silent.map(|(number, _)| *number) {
                self.connections.remove(&number);
            }
        }
        let (number, interests) = (self.next, Interest::READABLE | Interest::WRITABLE);
        self.next += 1;
        if self.poll.registry().register(&mut stream, Token(number), interests).is_err() {
            return;
        }
        let mut connection = Connection::new(stream);
        connection
            .say(&format!("Curio monitor of {}; `help` lists the commands\n{PROMPT}", self.shared.program));
        self.connections.insert(number, connection);
        self.serve_one(number, |connection, _| connection.send());
    }

    /// Does something with a connection, and closes it if that fails or it has ended.
    fn serve_one(&mut self, number: usize, what: impl FnOnce(&mut Connection, &Shared) -> io::Result<()>) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let served = what(connection, &self.shared).and_then(|()| connection.send());
        if served.is_err() || connection.ends && connection.unsent.is_empty() {
            self.connections.remove(&number);
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        Connection {
            stream,
            line: Vec::new(),
            unsent: Vec::new(),
            watch: None,
            heard: Instant::now(),
            ends: false,
        }
    }

    fn say(&mut self, text: &str) {
        self.unsent.extend_from_slice(text.as_bytes());
    }

    /// Reads what there is, and answers each line.
    ///
    /// # Errors
    /// The connection has ended, or is to be closed.
    fn receive(&mut self, shared: &Shared) -> io::Result<()> {
        let mut bytes = [0; 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.take(&bytes[..count], shared),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.ends || self.unsent.len() > MOST_UNREAD {
                return self.send();
            }
        }
    }

    fn take(&mut self, bytes: &[u8], shared: &Shared) {
        self.heard = Instant::now();
        let mut bytes = bytes.iter();
        while let Some(byte) = bytes.next() {
            if self.ends {
                return;
            }
            if self.watch.take().is_some() {
                // Any key ends it, and is no part of a command; nor is the line end after it.
                if *byte != b'\n' {
                    bytes.by_ref().find(|byte| **byte == b'\n');
                }
                self.say(PROMPT);
            } else if *byte == b'\n' {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                self.obey(&line, shared);
            } else if self.line.len() < LONGEST_LINE {
                self.line.push(*byte);
            } else {
                self.say(&format!("\na line has at most {LONGEST_LINE} bytes\n"));
                self.ends = true;
            }
        }
    }

    fn obey(&mut self, line: &str, shared: &Shared) {
        match Command::of(line) {
            Ok(Command::Exit) => self.ends = true,
            Ok(Command::Watch) => {
                // The first time at once.
                self.watch = Some(Instant::now());
                return;
            }
            Ok(command) => {
                let text = answer(command, shared);
                self.say(&text);
                if !text.is_empty() && !text.ends_with('\n') {
                    self.say("\n");
                }
            }
            Err(why) => self.say(&format!("{why}\n")),
        }
        if !self.ends {
            self.say(PROMPT);
        }
    }

    fn show_tasks(&mut self, shared: &Shared) -> io::Result<()> {
        self.watch = Some(Instant::now() + WATCH);
        // One that does not read what it has is shown nothing new.
        if self.unsent.is_empty() {
            let text = answer(Command::Ps, shared);
            self.say(&format!("{CLEAR}{text}\nany key ends this\n"));
        }
        Ok(())
    }

    /// # Errors
    /// The connection is broken, or the other side does not read.
    fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let too_much = self.unsent.len() > MOST_UNREAD;
                    return if too_much { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) };
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

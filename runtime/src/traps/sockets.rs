//! The trap of every socket: waiting until a direction of it is ready. The waker is left in the
//! [reactor](crate::kernel::reactor).

use super::{current_id, park_for, with};
use crate::kernel::reactor::{Direction, Reactor, Readiness, SHARED_TICKET, SocketKey, SocketKind};
use crate::kernel::state::{State, try_with};
use crate::kernel::task_record::Resource;
use crate::kernel::waker::KernelId;
use crate::task::info::{TaskId, TaskState};
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The running kernel's reactor and number, for a socket to keep.
#[track_caller]
pub(crate) fn register(source: &mut impl mio::event::Source, kind: SocketKind) -> io::Result<Registration> {
    let (kernel, reactor) = with(|kernel| (kernel.id, Rc::clone(&kernel.reactor)));
    let key = reactor.borrow_mut().register(source, kind)?;
    Ok(Registration { kernel, reactor, key })
}

/// A socket's place in the reactor of its kernel.
pub(crate) struct Registration {
    kernel: KernelId,
    reactor: Rc<RefCell<Reactor>>,
    key: SocketKey,
}

impl Registration {
    /// Whether the kernel that runs here is the one that watches this socket.
    pub(crate) fn is_watched_here(&self) -> bool {
        try_with(|kernel| kernel.id) == Some(self.kernel)
    }

    pub(crate) fn may_try(&self, direction: Direction) -> bool {
        self.reactor.borrow_mut().may_try(self.key, direction)
    }

    /// The signal that it stands for, if it does.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.reactor.borrow().signal(self.key)
    }

    /// A system call is about to be tried.
    pub(crate) fn count_call(&self) {
        self.reactor.borrow_mut().count_call();
    }

    /// Whether readiness for writing has shown that a connecting socket is connected.
    pub(crate) fn is_connected(&self) -> bool {
        self.reactor.borrow().is_connected(self.key)
    }

    pub(crate) fn set_readable(&self) {
        self.reactor.borrow_mut().set_readable(self.key);
    }

    pub(crate) fn clear_ready(&self, direction: Direction, would_block: bool) {
        self.reactor.borrow_mut().clear_ready(self.key, direction, would_block);
    }

    /// To be called once, by the owner of `source`, when it is dropped.
    pub(crate) fn deregister(&self, source: &mut impl mio::event::Source) {
        let wakers = self.reactor.borrow_mut().deregister(source, self.key);
        drop(wakers);
    }
}

/// One wait for one direction of a socket; dropping it ends the wait.
pub(crate) struct SocketWait<'a> {
    socket: &'a Registration,
    direction: Direction,
    ticket: Option<u64>,
    at: &'static Location<'static>,
}

impl<'a> SocketWait<'a> {
    pub(crate) fn new(
        socket: &'a Registration,
        direction: Direction,
        at: &'static Location<'static>,
    ) -> Self {
        SocketWait { socket, direction, ticket: None, at }
    }

    /// The wait of a `poll_…` function. All of one direction share a ticket: the task that polls last is woken.
    pub(crate) fn shared(
        socket: &'a Registration,
        direction: Direction,
        at: &'static Location<'static>,
    ) -> Self {
        SocketWait { socket, direction, ticket: Some(SHARED_TICKET), at }
    }

    /// Ends the wait without removing its waker from the reactor.
    pub(crate) fn leave(mut self) {
        self.ticket = None;
    }

    /// The operation has done a part of its work and goes on: until it ends, no other one may use this direction.
    pub(crate) fn keep_place(&mut self) {
        let ticket = *self.ticket.get_or_insert_with(new_ticket);
        self.socket.reactor.borrow_mut().keep_place(
            self.socket.key,
            self.direction,
            ticket,
            current_id(),
            self.at,
        );
    }

    /// Ready when the system call is worth trying. `about` names the socket, for one who asks.
    ///
    /// # Errors
    /// `ResourceBusy` if another wait for this direction is under way; it names that task and its line.
    pub(crate) fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        about: &dyn Fn() -> String,
    ) -> Poll<io::Result<()>> {
        if self.ticket.is_none() && self.socket.may_try(self.direction) {
            return Poll::Ready(Ok(()));
        }
        if try_with(|kernel| kernel.id) != Some(self.socket.kernel) {
            return Poll::Ready(Err(io::Error::other(
                "this socket belongs to a curio kernel that is not the one running here; \
                 a socket can only be awaited inside the `run` that made it",
            )));
        }
        let ticket = *self.ticket.get_or_insert_with(new_ticket);
        let readiness = self.socket.reactor.borrow_mut().wait(
            self.socket.key,
            self.direction,
            ticket,
            cx.waker(),
            current_id,
            self.at,
        );
        match readiness {
            Readiness::Ready => Poll::Ready(Ok(())),
            Readiness::Waiting { replaced } => {
                drop(replaced);
                let state = match self.direction {
                    Direction::Read => TaskState::ReadWait,
                    Direction::Write => TaskState::WriteWait,
                };
                park_for(state, self.at, Resource::Nothing, about);
                Poll::Pending
            }
            Readiness::Busy { task, at } => {
                self.ticket = None;
                Poll::Ready(Err(busy(self.direction, task, at)))
            }
        }
    }
}

fn new_ticket() -> u64 {
    thread_local!(static NEXT: Cell<u64> = const { Cell::new(SHARED_TICKET + 1) });
    NEXT.replace(NEXT.get() + 1)
}

impl Drop for SocketWait<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker =
                self.socket.reactor.borrow_mut().stop_waiting(self.socket.key, self.direction, ticket);
            drop(waker);
        }
    }
}

fn busy(direction: Direction, task: Option<TaskId>, at: &'static Location<'static>) -> io::Error {
    let doing = match direction {
        Direction::Read => "reading from",
        Direction::Write => "writing to",
    };
    let named = |kernel: &Rc<State>| {
        let tasks = kernel.tasks.borrow();
        let task = tasks.find(task?)?;
        Some(format!("task {} `{}`", task.id, task.name().as_str()))
    };
    let who = try_with(named).flatten().unwrap_or_else(|| "another task".into());
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        format!("{who} is {doing} this socket already, at {at}; one task at a time may"),
    )
}

//! The pool: connections that are idle, by origin, and the right to have one in use.
//!
//! A connection is in one of two places: *idle* in the pool, or *in use* inside a [`Lease`], which belongs to the one
//! response that reads from it. There is no list of connections in use and no flag: what happens to a response (read to
//! its end, dropped half-way, cancelled with its task) happens to the connection. Only the end of a body calls
//! [`Lease::give_back`]; in every other case the lease is dropped, and dropping it closes the socket.
//!
//! The right to have a connection in use is a [`Slot`], a guard: dropping it grants the slot to the request that has
//! waited longest. So a request that is cancelled, even while it waits for a slot, leaves nothing behind.
//!
//! # When an idle connection may be used again
//! Servers close idle connections, and a FIN that is still on its way cannot be seen. The pool does what it can at
//! checkout:
//!
//! * The connection that was idle for the shortest time is taken first.
//! * One past its idle timeout is closed: the session's
//!   [`pool_idle_timeout`](crate::ClientSessionBuilder::pool_idle_timeout), or the server's own `Keep-Alive: timeout=`
//!   less a margin, whichever is shorter.
//! * One that is readable is closed: on an idle connection that can only be its end, an error, or a response without a
//!   request.
//!
//! For a request that may be repeated, the readiness that the kernel already knows is enough: if it is out of date, the
//! request is sent again. For a request that must not be sent twice, the socket itself is asked, with a system call.
//!
//! A task in the background closes connections that expire while they are idle: see `idle_reaper.rs`.

use crate::connections::connection::{CommonFields, Connection};
#[cfg(feature = "http2")]
use crate::connections::http2::{SharedConnection, sharing::Sharing};
use crate::connections::idle_reaper::{IdleReaper, Round};
use crate::connections::route::Route;
use crate::connections::stream::Look;
use crate::connections::tls::TlsInfo;
use crate::error::{Error, ErrorKind};
use crate::url::Url;
use curio::{Semaphore, SemaphorePermit};
use http::HeaderValue;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

/// How many origins are kept before those without connections and users are removed.
const FEW: usize = 64;

/// The limits of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) connections: Option<usize>,
    pub(crate) connections_per_host: Option<usize>,
    pub(crate) idle_per_host: usize,
    pub(crate) idle_timeout: Option<Duration>,
}

/// The idle connections of a session.
pub(crate) struct Pool {
    rules: PoolLimits,
    origins: Rc<RefCell<Origins>>,
    shared: Rc<PoolShared>,
}

/// What all origins of a pool share.
struct PoolShared {
    /// Weak, because the origins have what they share.
    origins: Weak<RefCell<Origins>>,
    gate: Option<Semaphore>,
    in_use: Cell<usize>,
    idle_reaper: IdleReaper,
}

#[derive(Default)]
struct Origins {
    by_name: HashMap<Rc<str>, Rc<Origin>>,
    /// The one that was asked for last. Mostly it is asked for again, and comparing its name costs less than looking it up.
    last: Weak<Origin>,
    /// Remove the empty origins when there are this many.
    crowded: usize,
}

/// One scheme, host and port.
pub(crate) struct Origin {
    name: Rc<str>,
    rules: PoolLimits,
    route: Route,
    /// What the last TLS handshake with it negotiated.
    tls_info: RefCell<Option<TlsInfo>>,
    host_field: Result<HeaderValue, ()>,
    /// What most requests to it are sent with. `None`: nothing can be said for all of them.
    common_fields: OnceCell<Option<CommonFields>>,
    idle: RefCell<VecDeque<Idle>>,
    in_use: Cell<usize>,
    gate: Option<Semaphore>,
    closed: Cell<bool>,
    #[cfg(feature = "http2")]
    sharing: Sharing,
    shared: Rc<PoolShared>,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
    until: Option<Instant>,
}

/// The right to have one connection to an origin in use.
pub(crate) struct Slot {
    origin: Rc<Origin>,
}

/// A connection in use. Dropping it closes the connection and frees its slot.
pub(crate) struct Lease {
    // In this order: the connection is closed before the next one may be opened.
    pub(crate) connection: Box<Connection>,
    slot: Slot,
}

impl Pool {
    pub(crate) fn new(rules: PoolLimits) -> Pool {
        let origins = Rc::default();
        let shared = PoolShared {
            origins: Rc::downgrade(&origins),
            gate: rules.connections.map(Semaphore::new),
            in_use: Cell::new(0),
            idle_reaper: IdleReaper::default(),
        };
        Pool { rules, origins, shared: Rc::new(shared) }
    }

    /// The origin of `url` with this name; `route` says how it is reached, if it is a new one.
    pub(crate) fn origin(
        &self,
        name: &str,
        url: &Url,
        route: impl FnOnce() -> Result<Route, Error>,
    ) -> Result<Rc<Origin>, Error> {
        if let Some(origin) = self.origins.borrow_mut().find(name) {
            return Ok(origin);
        }
        let origin = Rc::new(Origin::new(name, self.rules, url, route()?, Rc::clone(&self.shared)));
        let mut origins = self.origins.borrow_mut();
        let forgotten = origins.forget_empty();
        origins.by_name.insert(Rc::clone(&origin.name), Rc::clone(&origin));
        drop(origins);
        drop(forgotten);
        Ok(origin)
    }

    /// Called before a connection to `origin` is opened: closes the oldest idle one, of that origin or of all, if there
    /// would be more than the limit otherwise. O(n) in the number of origins if the pool has a limit in all.
    pub(crate) fn make_room(&self, origin: &Origin) {
        origin.make_room();
        let Some(limit) = self.rules.connections else { return };
        let origins = self.origins.borrow();
        let idle: usize = origins.by_name.values().map(|origin| origin.idle.borrow().len()).sum();
        if self.shared.in_use.get() + idle <= limit {
            return;
        }
        let since = |origin: &Rc<Origin>| origin.idle.borrow().front().map(|oldest| oldest.since);
        let oldest = origins
            .by_name
            .values()
            .filter(|origin| since(origin).is_some())
            .min_by_key(|origin| since(origin));
        let surplus = oldest.and_then(|origin| origin.idle.borrow_mut().pop_front());
        drop(origins);
        drop(surplus);
    }

    /// Takes all idle connections out, to be closed by the caller.
    pub(crate) fn take_all(&self) -> Vec<Connection> {
        let origins = self.origins.borrow();
        let idle = origins.by_name.values().flat_map(|origin| origin.idle.take());
        idle.map(|idle| *idle.connection).collect()
    }

    /// Closes the idle connections now, and those in use at the end of their responses. To be called when no request can
    /// follow, so that nothing that is dropped here comes back to the pool.
    pub(crate) fn close(&self) {
        for origin in self.origins.borrow().by_name.values() {
            origin.closed.set(true);
            origin.idle.take();
        }
        #[cfg(feature = "http2")]
        drop(self.take_all_shared());
        self.shared.idle_reaper.stop();
    }

    /// Takes all connections of HTTP/2 out, to be closed by the caller. Their streams go on.
    #[cfg(feature = "http2")]
    pub(crate) fn take_all_shared(&self) -> Vec<Rc<SharedConnection>> {
        let all: Vec<_> = self.origins.borrow().by_name.values().cloned().collect();
        all.iter().filter_map(|origin| origin.sharing.take()).collect()
    }

    /// Closes the connections of HTTP/2 that are idle, because a request waits for a slot.
    #[cfg(feature = "http2")]
    pub(crate) fn close_idle_shared(&self) {
        let all: Vec<_> = self.origins.borrow().by_name.values().cloned().collect();
        all.iter().for_each(|origin| drop(origin.sharing.take_idle()));
    }
}

impl PoolShared {
    /// A connection is idle: it is looked after from now on.
    fn watch_idle(&self) {
        if !self.idle_reaper.is_watching() {
            let origins = Weak::clone(&self.origins);
            self.idle_reaper.watch(move |now| Origins::close_expired(&*origins.upgrade()?, now));
        }
    }
}

impl Origins {
    fn find(&mut self, name: &str) -> Option<Rc<Origin>> {
        if let Some(last) = self.last.upgrade()
            && *last.name == *name
        {
            return Some(last);
        }
        let found = self.by_name.get(name)?;
        self.last = Rc::downgrade(found);
        Some(Rc::clone(found))
    }

    /// Closes every idle connection that has expired or become readable; `None` if no idle one is left. Otherwise whether
    /// any was closed, and when the next one expires. O(n) in the number of idle connections.
    fn close_expired(origins: &RefCell<Origins>, now: Instant) -> Option<Round> {
        let all: Vec<Rc<Origin>> = origins.borrow().by_name.values().cloned().collect();
        let mut next = None;
        let dead: Vec<Idle> = all.iter().flat_map(|origin| origin.take_dead(now, &mut next)).collect();
        let anything_left = all.iter().any(|origin| !origin.idle.borrow().is_empty());
        #[cfg(feature = "http2")]
        let anything_left = Origins::tend_shared(&all, now, &mut next) || anything_left;
        anything_left.then_some(Round { closed_any: !dead.is_empty(), next })
    }

    /// Looks after the connections of HTTP/2; whether there are any. They want to be looked at each second.
    #[cfg(feature = "http2")]
    fn tend_shared(all: &[Rc<Origin>], now: Instant, next: &mut Option<Instant>) -> bool {
        let tend = |origin: &&Rc<Origin>| origin.sharing.tend(now, origin.rules.idle_timeout);
        let any_left = all.iter().filter(tend).count() > 0;
        if any_left {
            *next = (*next).into_iter().chain(now.checked_add(Duration::from_secs(1))).min();
        }
        any_left
    }

    /// Removes the origins that have neither connections nor users, once there are `crowded` of them. The threshold is then
    /// set to twice what is left, so that the cost per origin is amortised O(1).
    fn forget_empty(&mut self) -> Vec<Rc<Origin>> {
        if self.by_name.len() < self.crowded.max(FEW) {
            return Vec::new();
        }
        let nothing_left =
            |origin: &Rc<Origin>| Rc::strong_count(origin) == 1 && origin.idle.borrow().is_empty();
        let forgotten =
            self.by_name.extract_if(|_, origin| nothing_left(origin)).map(|(_, origin)| origin).collect();
        self.crowded = self.by_name.len() * 2;
        forgotten
    }
}

impl Origin {
    fn new(name: &str, rules: PoolLimits, url: &Url, route: Route, shared: Rc<PoolShared>) -> Origin {
        Origin {
            name: name.into(),
            rules,
            route,
            tls_info: RefCell::default(),
            host_field: HeaderValue::from_str(url.authority()).map_err(|_| ()),
            common_fields: OnceCell::new(),
            idle: RefCell::default(),
            in_use: Cell::new(0),
            gate: rules.connections_per_host.map(Semaphore::new),
            closed: Cell::new(false),
            #[cfg(feature = "http2")]
            sharing: Sharing::new(),
            shared,
        }
    }

    /// What is known of it with respect to HTTP/2.
    #[cfg(feature = "http2")]
    pub(crate) fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    /// The pool looks after its connection from now on.
    #[cfg(feature = "http2")]
    pub(crate) fn watch_shared(&self) {
        if self.closed.get() {
            drop(self.sharing.take());
        } else {
            self.shared.watch_idle();
        }
    }

    /// How its servers are reached.
    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    pub(crate) fn tls_info(&self) -> Option<TlsInfo> {
        self.tls_info.borrow().clone()
    }

    pub(crate) fn set_tls_info(&self, info: Option<TlsInfo>) {
        self.tls_info.replace(info);
    }

    /// The value of the `Host` field.
    pub(crate) fn host_field(&self) -> Result<HeaderValue, Error> {
        self.host_field
            .clone()
            .map_err(|()| Error::new(ErrorKind::Url, "the URL's host is not valid in a Host field"))
    }

    /// The fields that most requests to it are sent with, which `render` makes for the first of them.
    pub(crate) fn render_common_fields(&self, render: impl FnOnce() -> Option<CommonFields>) -> bool {
        self.common_fields.get_or_init(render).is_some()
    }

    pub(crate) fn common_fields(&self) -> Option<&CommonFields> {
        self.common_fields.get()?.as_ref()
    }

    /// A slot, if one is free and no other request waits for one.
    pub(crate) fn try_slot(self: &Rc<Self>) -> Option<Slot> {
        let here = self.gate.as_ref().map(|gate| gate.try_acquire().ok_or(())).transpose().ok()?;
        let in_all = self.shared.gate.as_ref().map(|gate| gate.try_acquire().ok_or(())).transpose().ok()?;
        Some(self.admitted(here, in_all))
    }

    /// Waits for a slot, first come, first served: for a permit of this host, then for one of the whole pool. A request that
    /// waits for the second holds the first, and one that has both waits for nothing more, so no deadlock is possible.
    pub(crate) async fn slot(self: &Rc<Self>) -> Slot {
        let here = match &self.gate {
            Some(gate) => Some(gate.acquire().await),
            None => None,
        };
        let in_all = match &self.shared.gate {
            Some(gate) => Some(gate.acquire().await),
            None => None,
        };
        self.admitted(here, in_all)
    }

    /// Transfers the permits to a slot, which releases them when it is dropped.
    fn admitted(
        self: &Rc<Self>,
        here: Option<SemaphorePermit<'_>>,
        in_all: Option<SemaphorePermit<'_>>,
    ) -> Slot {
        here.into_iter().chain(in_all).for_each(SemaphorePermit::forget);
        self.shared.in_use.set(self.shared.in_use.get() + 1);
        self.in_use.set(self.in_use.get() + 1);
        Slot { origin: Rc::clone(self) }
    }

    /// The idle connection that was used last, if it can be reused. For a request that must not be repeated, its socket is
    /// asked with a system call.
    pub(crate) fn take_idle(&self, now: Instant, repeatable: bool) -> Option<Box<Connection>> {
        loop {
            // Bound to a name, so that the borrow has ended when a connection is dropped.
            let newest = self.idle.borrow_mut().pop_back();
            let mut idle = newest?;
            let look = if repeatable { Look::Cached } else { Look::AtSocket };
            if idle.until.is_some_and(|until| until <= now) || !idle.connection.is_quiet(look) {
                continue;
            }
            idle.connection.set_idle_for(now.saturating_duration_since(idle.since));
            return Some(idle.connection);
        }
    }

    /// Closes the oldest idle connection if a new one would exceed the limit for this host.
    fn make_room(&self) {
        let Some(limit) = self.rules.connections_per_host else { return };
        if self.in_use.get() + self.idle.borrow().len() > limit {
            let oldest = self.idle.borrow_mut().pop_front();
            drop(oldest);
        }
    }

    fn keep(&self, connection: Box<Connection>, now: Instant) {
        let allowed = match (self.rules.idle_timeout, connection.server_keeps_for()) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        if self.closed.get()
            || self.rules.idle_per_host == 0
            || allowed.is_some_and(|allowed| allowed.is_zero())
        {
            return;
        }
        let until = allowed.and_then(|allowed| now.checked_add(allowed));
        let mut idle = self.idle.borrow_mut();
        let surplus = if idle.len() >= self.rules.idle_per_host { idle.pop_front() } else { None };
        let expired = if idle.front().is_some_and(|oldest| oldest.until.is_some_and(|until| until <= now)) {
            idle.pop_front()
        } else {
            None
        };
        idle.push_back(Idle { connection, since: now, until });
        drop(idle);
        drop((surplus, expired));
        self.shared.watch_idle();
    }

    /// Takes out the connections that have expired or become readable; lowers `next` to when the first of the others
    /// expires.
    fn take_dead(&self, now: Instant, next: &mut Option<Instant>) -> Vec<Idle> {
        let all = self.idle.take();
        let mut good = VecDeque::with_capacity(all.len());
        let mut dead = Vec::new();
        for mut one in all {
            if one.until.is_none_or(|until| until > now) && one.connection.is_quiet(Look::Cached) {
                good.push_back(one);
            } else {
                dead.push(one);
            }
        }
        *next = good.iter().filter_map(|one| one.until).chain(*next).min();
        self.idle.replace(good);
        dead
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Origin { shared, in_use, gate, .. } = &*self.origin;
        shared.in_use.set(shared.in_use.get() - 1);
        in_use.set(in_use.get() - 1);
        for gate in [&shared.gate, gate].into_iter().flatten() {
            gate.release();
        }
    }
}

impl Lease {
    pub(crate) fn new(connection: Box<Connection>, slot: Slot) -> Lease {
        Lease { connection, slot }
    }

    /// The connection and its slot: after an upgrade, which ends its use for HTTP.
    pub(crate) fn into_parts(self) -> (Box<Connection>, Slot) {
        (self.connection, self.slot)
    }

    /// Called when the response has been read to its end: the connection becomes idle if it can carry another exchange, and
    /// is closed otherwise. The slot is released in both cases.
    pub(crate) fn give_back(mut self, now: Instant) {
        if self.connection.recycle() {
            self.slot.origin.keep(self.connection, now);
        }
    }
}

//! The stored cookies: which host may set them, and to which hosts they are sent (RFC 6265bis §5.7 and §5.8).
//!
//! There is no clock and no I/O in here; the time comes with each call.
//!
//! Cookies are grouped by domain. A request looks at the groups of its host and of the domains above it, so its cost depends
//! on the number of cookies in these, not on the number of all cookies.
//!
//! # Limits
//! Servers decide how many cookies they set, so there are limits: for the size of a cookie, and for the number of cookies
//! that a response sets, that a domain has, that the store has, and that a request carries. If a cookie has to be removed,
//! expired ones are removed first, then those that are not secure (an attacker on the network could otherwise evict the
//! secure ones by setting others), then the least recently used ones.

use super::cookie::Cookie;
use super::matching::{default_path, domains_of, host_is_within, is_address, path_is_within};
use super::refused::Refused;
use super::{parse, prefix, suffix};
use crate::url::Url;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The most bytes of name and value together (RFC 6265bis §5.7).
const LARGEST: usize = 4096;
/// The most cookies of one domain.
const MOST_OF_A_DOMAIN: usize = 180;
/// The most cookies in total.
const MOST: usize = 3000;
/// The most cookies that one response may set; further ones are ignored. As in curl.
const MOST_SET_AT_ONCE: usize = 50;
/// The most cookies that one request carries, and the most bytes. As in curl.
const MOST_SENT: usize = 150;
const LONGEST_FIELD: usize = 8190;

#[derive(Default)]
pub(super) struct Store {
    domains: BTreeMap<String, Vec<Entry>>,
    count: usize,
    /// A logical clock for the order of events, because the system clock may be set back.
    ticks: u64,
}

struct Entry {
    cookie: Cookie,
    created: u64,
    used: Cell<u64>,
}

impl Store {
    /// Stores the cookies that a response from `url` sets.
    pub(super) fn store_from_response<'a>(
        &mut self,
        url: &Url,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SystemTime,
    ) {
        for field in fields.take(MOST_SET_AT_ONCE) {
            // Refused cookies are dropped without a message, see `refused.rs`.
            let _ = self.set(url, field, now);
        }
    }

    /// Stores the cookie of one `Set-Cookie` field that the server of `url` sent.
    pub(super) fn set(&mut self, url: &Url, field: &[u8], now: SystemTime) -> Result<(), Refused> {
        let mut cookie = parse::set_cookie(field, now)?;
        if cookie.secure && !url.is_https() {
            return Err(Refused::SecureOverHttp);
        }
        // Before domain and path are filled in: the conditions of `__Host-` apply to the field itself.
        if !prefix::is_honest(&cookie, url.is_https()) {
            return Err(Refused::Prefix);
        }
        own(&mut cookie, url.host())?;
        let path = cookie.path.get_or_insert_with(|| default_path(url.path()).to_owned());
        if !cookie.secure && !url.is_https() {
            let domain = cookie.domain.as_deref().unwrap_or_default();
            if self.has_secure(&cookie.name, domain, path) {
                return Err(Refused::WouldShadowSecure);
            }
        }
        self.put(cookie, now)
    }

    /// Stores a cookie that has a domain and a path and is allowed; it replaces one with the same name, domain and path.
    pub(super) fn put(&mut self, cookie: Cookie, now: SystemTime) -> Result<(), Refused> {
        if cookie.size() > LARGEST {
            return Err(Refused::TooLarge);
        }
        let tick = self.tick();
        let domain = cookie.domain.clone().unwrap_or_default();
        let group = self.domains.entry(domain.clone()).or_default();
        if let Some(same) = group.iter_mut().find(|entry| entry.cookie.replaces(&cookie)) {
            // It keeps its position in the order in which cookies are sent.
            same.cookie = cookie;
            same.used.set(tick);
        } else {
            group.push(Entry { cookie, created: tick, used: Cell::new(tick) });
            self.count += 1;
        }
        self.drop_expired_of(&domain, now);
        self.make_room(&domain, now);
        Ok(())
    }

    /// The `Cookie` field of a request for `url`: longer paths first, then older cookies. Empty if there are none.
    pub(super) fn field(&mut self, url: &Url, now: SystemTime) -> Vec<u8> {
        let tick = self.tick();
        let mut field = Vec::new();
        for entry in self.entries_for(url, now).into_iter().take(MOST_SENT) {
            let before = field.len();
            if before > 0 {
                field.extend_from_slice(b"; ");
            }
            entry.cookie.write_pair(&mut field);
            if field.len() > LONGEST_FIELD {
                field.truncate(before);
                break;
            }
            entry.used.set(tick);
        }
        field
    }

    /// The cookies for `url`, in the order in which they are sent.
    pub(super) fn cookies_for(&self, url: &Url, now: SystemTime) -> Vec<Cookie> {
        self.entries_for(url, now).into_iter().map(|entry| entry.cookie.clone()).collect()
    }

    fn entries_for(&self, url: &Url, now: SystemTime) -> Vec<&Entry> {
        let groups = domains_of(url.host()).filter_map(|domain| self.domains.get(domain));
        let mut chosen: Vec<_> = groups.flatten().filter(|entry| entry.cookie.is_for(url, now)).collect();
        chosen.sort_by_key(|entry| entry.rank());
        chosen
    }

    /// All cookies that have not expired, oldest first.
    pub(super) fn all(&self, now: SystemTime) -> Vec<Cookie> {
        let mut all: Vec<_> = self.domains.values().flatten().collect();
        all.sort_by_key(|entry| entry.created);
        all.into_iter()
            .map(|entry| &entry.cookie)
            .filter(|cookie| !cookie.has_expired(now))
            .cloned()
            .collect()
    }

    /// Whether there are no cookies, not even expired ones.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Removes the cookies that are not `wanted`, and returns how many were removed.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Cookie) -> bool) -> usize {
        let before = self.count;
        for group in self.domains.values_mut() {
            group.retain(|entry| wanted(&entry.cookie));
        }
        self.recount();
        before - self.count
    }

    fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    /// Whether a cookie of this name, domain and path would hide a secure one ("leave secure cookies alone", RFC 6265bis
    /// §5.7).
    fn has_secure(&self, name: &str, domain: &str, path: &str) -> bool {
        self.domains
            .iter()
            .filter(|(other, _)| host_is_within(other, domain) || host_is_within(domain, other))
            .any(|(_, group)| {
                group.iter().map(|entry| &entry.cookie).any(|cookie| {
                    cookie.secure
                        && cookie.name == name
                        && path_is_within(path, cookie.path.as_deref().unwrap_or("/"))
                })
            })
    }

    fn drop_expired_of(&mut self, domain: &str, now: SystemTime) {
        let Some(group) = self.domains.get_mut(domain) else { return };
        let before = group.len();
        group.retain(|entry| !entry.cookie.has_expired(now));
        self.count -= before - group.len();
        if group.is_empty() {
            self.domains.remove(domain);
        }
    }

    fn make_room(&mut self, domain: &str, now: SystemTime) {
        if let Some(group) = self.domains.get_mut(domain)
            && group.len() > MOST_OF_A_DOMAIN
            && let Some(least) = (0..group.len()).min_by_key(|&at| group[at].worth())
        {
            group.remove(least);
            self.count -= 1;
        }
        if self.count > MOST {
            self.domains.values_mut().for_each(|group| group.retain(|entry| !entry.cookie.has_expired(now)));
            self.recount();
        }
        while self.count > MOST {
            let all = self
                .domains
                .iter()
                .flat_map(|(domain, group)| group.iter().map(move |entry| (domain, entry)));
            let Some((domain, least)) = all.min_by_key(|(_, entry)| entry.worth()) else { return };
            let (domain, created) = (domain.clone(), least.created);
            if let Some(group) = self.domains.get_mut(&domain) {
                group.retain(|entry| entry.created != created);
            }
            self.recount();
        }
    }

    fn recount(&mut self) {
        self.domains.retain(|_, group| !group.is_empty());
        self.count = self.domains.values().map(Vec::len).sum();
    }
}

impl Entry {
    fn rank(&self) -> (std::cmp::Reverse<usize>, u64) {
        (std::cmp::Reverse(self.cookie.path.as_ref().map_or(0, String::len)), self.created)
    }

    /// The entry with the lowest value is removed first.
    fn worth(&self) -> (bool, u64) {
        (self.cookie.secure, self.used.get())
    }
}

impl Cookie {
    fn replaces(&self, other: &Cookie) -> bool {
        self.name == other.name
            && self.latin1 == other.latin1
            && self.host_only == other.host_only
            && self.path == other.path
            && self.domain == other.domain
    }

    fn is_for(&self, url: &Url, now: SystemTime) -> bool {
        let domain = self.domain.as_deref().unwrap_or_default();
        let host = if self.host_only { url.host() == domain } else { host_is_within(url.host(), domain) };
        host && path_is_within(url.path(), self.path.as_deref().unwrap_or("/"))
            && (!self.secure || url.is_https())
            && !self.has_expired(now)
    }
}

/// Sets the domain of the cookie: the host that sets it, or the domain that it names, if the host is within that.
fn own(cookie: &mut Cookie, host: &str) -> Result<(), Refused> {
    let owner = match cookie.domain.take() {
        None => host.to_owned(),
        Some(domain) if !host_is_within(host, &domain) => return Err(Refused::ForeignDomain),
        // A public suffix may itself be a host, which may set cookies for itself, but not for its subdomains.
        Some(domain) if is_address(&domain) || suffix::is_public(&domain) => {
            if domain != host {
                return Err(Refused::PublicSuffix);
            }
            cookie.host_only = true;
            domain
        }
        Some(domain) => domain,
    };
    cookie.domain = Some(owner);
    Ok(())
}

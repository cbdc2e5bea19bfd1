//! A polite crawler.
//!
//! It requests only what `robots.txt` allows (RFC 9309; the small part of it that most sites use), follows links within the
//! host it began with, to a limited depth, and takes a limited number of pages. However many tasks wait, a `BoundedSemaphore`
//! for each host admits two requests at a time, and another one admits eight in total.
//!
//! The tasks are a group that grows: `next_done` returns the pages in the order in which they are ready, and each page brings
//! new tasks. Only the main task decides what to visit, so nothing has to be shared except what is known of the hosts.
//!
//! Run it: `cargo run --example crawler` (a site in this process) or `cargo run --example crawler -- URL…`.
//!
//! Then try: wait a second between two requests to the same host (`Crawl-delay`). Where must the sleep be, so that the
//! holder of the host's second permit waits as well?
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use curio::{BoundedSemaphore, Lock, TaskGroup};
use curio_http::{ClientSession, Error, Url};
use curio_support::{Failure, with_urls};

const NAME: &str = "curio-crawler";
const PER_HOST: usize = 2;
const DEPTH: usize = 2;
const PAGES: usize = 50;

static IN_ALL: BoundedSemaphore = BoundedSemaphore::new(8);

/// What is known of a host, and the permits to request it.
struct Host {
    seats: BoundedSemaphore,
    /// The paths that it disallows, once its rules have been requested.
    denied: Lock<Option<Vec<String>>>,
}

struct Page {
    url: Url,
    depth: usize,
    /// The result, or the error.
    outcome: Result<String, String>,
    links: Vec<Url>,
}

impl Host {
    fn new() -> Host {
        Host { seats: BoundedSemaphore::new(PER_HOST), denied: Lock::new(None) }
    }

    /// The first task of a host requests its rules, the others wait for the response.
    async fn allows(&self, session: &ClientSession, url: &Url) -> Result<bool, Error> {
        let mut denied = self.denied.acquire().await;
        if denied.is_none() {
            let mut response = session.get(url.join("/robots.txt")?).await?;
            *denied = Some(match response.status_code() {
                200..=299 => denied_by(&response.text().await?),
                // A host without rules allows everything, one that cannot send them now allows nothing (RFC 9309 §2.3.1).
                400..=499 => Vec::new(),
                _ => vec!["/".into()],
            });
        }
        Ok(!denied.iter().flatten().any(|prefix| url.path().starts_with(prefix)))
    }
}

fn denied_by(robots: &str) -> Vec<String> {
    let (mut denied, mut for_us, mut in_names) = (Vec::new(), false, false);
    for line in robots.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let Some((field, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if field.trim().eq_ignore_ascii_case("user-agent") {
            // Consecutive names share the rules after them.
            for_us = (in_names && for_us) || value == "*" || value.eq_ignore_ascii_case(NAME);
            in_names = true;
            continue;
        }
        in_names = false;
        if for_us && field.trim().eq_ignore_ascii_case("disallow") && !value.is_empty() {
            denied.push(value.to_owned());
        }
    }
    denied
}

/// The targets of the links in a page. A real crawler has an HTML parser.
fn links_in(html: &str) -> impl Iterator<Item = &str> {
    html.split("href=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        rest[1..].split(quote).next()
    })
}

/// The URL of a link, if it has the page's host.
fn nearby(page: &Url, link: &str) -> Option<Url> {
    let origin = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    let url = page.join(link.split('#').next()?).ok()?;
    (origin(&url) == origin(page)).then_some(url)
}

async fn visit(session: ClientSession, host: Rc<Host>, url: Url, depth: usize) -> Page {
    let mut links = Vec::new();
    let asking = async {
        // First the permit of the host: a task that waits for it must not hold a permit that tasks of other hosts need.
        let _seat = host.seats.acquire().await;
        let _permit = IN_ALL.acquire().await;
        if !host.allows(&session, &url).await? {
            return Ok("left alone, as robots.txt asks".to_owned());
        }
        // A redirect is a link like any other: the rules apply to its target, too.
        let mut response = session.get(&url).allow_redirects(false).await?;
        if response.is_redirect() {
            links.extend(response.header("Location").and_then(|link| nearby(&url, link)));
        } else if response.header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")) {
            links.extend(links_in(&response.text().await?).filter_map(|link| nearby(&url, link)));
        }
        Ok(format!("{}, {} links", response.status(), links.len()))
    };
    let outcome = asking.await.map_err(|error: Error| error.to_string());
    Page { url, depth, outcome, links }
}

async fn crawl(urls: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    // A page has a megabyte at most, and a request takes half a minute at most.
    let limit = std::time::Duration::from_secs(30);
    let session = ClientSession::builder().user_agent(NAME).max_body(1 << 20).timeout(limit).build()?;
    let (mut hosts, mut seen, pages) = (HashMap::new(), BTreeSet::new(), TaskGroup::new());
    let mut add = |url: Url, depth: usize| {
        if seen.len() < PAGES && seen.insert(url.to_string()) {
            let key = (url.host_str().map(str::to_owned), url.port());
            let host = Rc::clone(hosts.entry(key).or_insert_with(|| Rc::new(Host::new())));
            pages.spawn(visit(session.clone(), host, url, depth));
        }
    };
    for url in urls {
        add(Url::parse(&url)?, 0);
    }
    let mut count = 0;
    while let Some((_, page)) = pages.next_done().await {
        let Page { url, depth, outcome, links } = page?;
        count += 1;
        println!("{url}: {}", outcome.unwrap_or_else(|error| error));
        if depth < DEPTH {
            links.into_iter().for_each(|link| add(link, depth + 1));
        }
    }
    println!("{count} pages");
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_urls(&["/links/10/0", "/deny"], crawl))
}

//! Every public function of the crate that waits, dropped at every poll.
//!
//! Each row is one function. Its future is polled 0, 1, 2, … times, as often as it wants to be, and then dropped: at
//! once, or only after what it waits for has happened (it may have been granted its turn by then). Whatever was
//! dropped, waiting for the same thing *anew* has to succeed: no turn, item, byte or wake-up went with it; and task,
//! timer or socket may not be left behind. Where more can be said of a dropped wait, `drops.rs` and the file of its
//! subject say it.
//!
//! The last test reads the sources and fails if a function that waits has no row here.
#![cfg(all(unix, feature = "signals"))]

#[path = "../common/mod.rs"]
mod common;

mod files;
mod groups;
mod net;
mod signals;
mod streams;
mod subprocess;
mod sync;
mod tasks;
mod time;

use common::{message, ms, secs};
use curio::{join, schedule, sleep, testing, timeout_after};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// When a future is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    polls: usize,
    /// Only after what it waits for has happened.
    late: bool,
}

impl Moment {
    /// Makes a future and drops it at this moment, while `meanwhile` makes happen what it waits for; then another,
    /// which has to get to its end. True if the first had got there.
    pub(crate) async fn of<T>(
        self,
        mut make: impl AsyncFnMut() -> T,
        meanwhile: impl Future<Output = ()>,
    ) -> bool {
        let mut finished = false;
        {
            let mut wait = Some(Box::pin(make()));
            let attempt = async {
                let (mut left, wait) = (self.polls, &mut wait);
                finished = poll_fn(|cx| {
                    let Some(inside) = wait.as_mut().filter(|_| left > 0) else { return Poll::Ready(false) };
                    left -= 1;
                    match inside.as_mut().poll(cx) {
                        Poll::Ready(_) => Poll::Ready(true),
                        Poll::Pending if left == 0 => Poll::Ready(false),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await;
                if finished || !self.late {
                    *wait = None;
                }
            };
            join!(attempt, meanwhile);
            for _ in 0..3 {
                schedule().await;
            }
        }
        if !finished {
            timeout_after(secs(3600), make()).await.expect("waiting anew for the same thing gets to its end");
        }
        finished
    }

    /// For what may be dropped for good: true if it was finished.
    pub(crate) async fn once(self, future: impl Future) -> bool {
        let mut future = Some(future);
        self.of(
            async || {
                if let Some(future) = future.take() {
                    future.await;
                }
            },
            async {},
        )
        .await
    }
}

/// Lets others get parked, and then does something.
pub(crate) async fn soon(action: impl FnOnce()) {
    sleep(ms(1)).await;
    action();
}

type Scenario = Rc<dyn Fn(Moment) -> Pin<Box<dyn Future<Output = bool>>>>;

/// A function, and a program in which it is dropped.
pub(crate) struct Row(&'static str, Scenario);

pub(crate) fn row(function: &'static str, scenario: impl AsyncFn(Moment) -> bool + 'static) -> Row {
    let scenario = Rc::new(scenario);
    Row(
        function,
        Rc::new(move |moment| {
            let scenario = Rc::clone(&scenario);
            Box::pin(async move { scenario(moment).await })
        }),
    )
}

/// Runs each row at every moment.
pub(crate) fn check(rows: &[Row]) {
    for Row(function, scenario) in rows {
        for late in [false, true] {
            let mut polls = 0;
            loop {
                let moment = Moment { polls, late };
                let ran = catch_unwind(AssertUnwindSafe(|| testing::run(scenario(moment))));
                match ran {
                    Ok(true) => break,
                    Ok(false) => polls += 1,
                    Err(payload) => panic!("{function}, {moment:?}: {}", message(payload.as_ref())),
                }
                assert!(polls < 100, "{function} does not get to its end");
            }
            assert!(polls > 0, "{function} is polled at least once");
        }
    }
}

/// The sources, by their path below `src`.
fn sources() -> BTreeMap<String, String> {
    fn read(folder: &Path, root: &Path, sources: &mut BTreeMap<String, String>) {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                read(&path, root, sources);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                sources.insert(name, fs::read_to_string(&path).expect("a source is text"));
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    read(&root, &root, &mut sources);
    sources
}

/// The first word of a type, without its path.
fn head(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    text[..end].rsplit(':').next().unwrap_or_default()
}

/// Every public function that returns a future, as `file: name`.
fn functions_that_wait(sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let futures: BTreeSet<&str> = sources
        .values()
        .flat_map(|source| source.lines())
        .filter(|line| line.starts_with("impl"))
        .filter_map(|line| line.split_once(" Future for ").or_else(|| line.split_once("> Future for ")))
        .map(|(_, name)| head(name))
        .collect();
    assert!(futures.contains("Sleep") && futures.contains("LockAcquire"), "{futures:?}");
    let mut found = BTreeSet::new();
    for (file, source) in sources {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for (start, _) in source.match_indices("pub fn ").chain(source.match_indices("pub async fn ")) {
            let signature = source[start..].split(['{', ';']).next().unwrap_or_default();
            let name = head(signature.trim_start_matches("pub async fn ").trim_start_matches("pub fn "));
            // The last arrow is that of the function itself, unless it has a bound with one.
            let returned = signature.split("\n    where").next().unwrap_or_default().split("\nwhere").next();
            let Some((_, returned)) = returned.unwrap_or_default().rsplit_once(") -> ") else {
                continue;
            };
            let waits = signature.contains("async fn")
                || returned.contains("Future<")
                || returned.trim_start().starts_with("impl Future")
                || futures.contains(head(returned.trim()));
            if waits {
                found.insert(format!("{file}: {name}"));
            }
        }
    }
    found
}

#[test]
fn every_function_that_waits_has_a_row() {
    let found = functions_that_wait(&sources());
    assert!(found.len() > 90, "the sources are read rightly: {found:#?}");
    let tables = [
        time::rows(),
        tasks::rows(),
        groups::rows(),
        sync::rows(),
        net::rows(),
        streams::rows(),
        files::rows(),
        signals::rows(),
        subprocess::rows(),
    ];
    let rows: BTreeSet<String> =
        tables.iter().flatten().map(|Row(function, _)| function.to_string()).collect();
    let missing: Vec<_> = found.difference(&rows).collect();
    assert!(missing.is_empty(), "functions that wait and are never dropped here: {missing:#?}");
    let unknown: Vec<_> = rows.difference(&found).collect();
    assert!(unknown.is_empty(), "rows of functions that are not there: {unknown:#?}");
}

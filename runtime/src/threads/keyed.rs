//! Blocking work of which only one at a time may run for the same key.
//!
//! Ten tasks that all want to parse the same large file would each take a thread of the pool. With a key they
//! take turns in one, and the other threads stay free.
//!
//! A turn ends when the *thread* is done, not when the task that waited for it is: a call that was cancelled has
//! released its task, but its thread may still be busy, and the next call for this key must wait for it. So a
//! turn is a permit of a semaphore that travels into the thread and is given back there.

use crate::error::TaskError;
use crate::kernel::task_record::Resource;
use crate::sync::Semaphore;
use crate::task::info::TaskState;
use crate::threads::run_in_thread::run_in_thread_at;
use crate::traps;
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Weak};

/// [`run_in_thread`](crate::run_in_thread()), but at most one thread at a time works for the same key; calls take
/// turns, first come, first served. Keys of different types are different.
///
/// If this future is dropped while it waits for its turn, the call never starts; if it has started, the next
/// call for this key waits until its thread is done.
///
/// # Errors
/// [`TaskError::Panicked`] if `f` panics, or if no thread can be started.
///
/// ```
/// curio::run(async {
///     let one = curio::block_in_thread("model", || 1);
///     let other = curio::block_in_thread("model", || 2); // runs after it
///     let (one, other) = curio::join!(one, other);
///     assert_eq!(one.unwrap() + other.unwrap(), 3);
/// });
/// ```
#[track_caller]
pub fn block_in_thread<K, T>(
    key: K,
    f: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, TaskError>>
where
    K: Hash + Eq + 'static,
    T: Send + 'static,
{
    let at = Location::caller();
    async move {
        let turn = next_turn(key, at).await;
        let work = move || {
            let _until_done = turn;
            f()
        };
        run_in_thread_at(work, at).await
    }
}

/// The permit to work for a key; released when dropped, on any thread.
struct KeyTurn(Arc<Semaphore>);

impl Drop for KeyTurn {
    fn drop(&mut self) {
        self.0.release();
    }
}

async fn next_turn<K: Hash + Eq + 'static>(key: K, at: &'static Location<'static>) -> KeyTurn {
    let turns = turns_of(key);
    {
        // The thread that has the turn may be one that no task waits for any more.
        let mut hold = traps::hold_clock();
        let mut acquire = pin!(turns.acquire());
        let permit = poll_fn(|cx| {
            let polled = acquire.as_mut().poll(cx);
            if polled.is_pending() {
                hold.follow();
                traps::park(TaskState::ThreadWait, at, Resource::Nothing);
            }
            polled
        });
        permit.await.forget();
    }
    KeyTurn(turns)
}

/// The keys that are in use on this thread. Keys that are no longer in use are removed when the map has doubled in
/// size.
///
/// Hashing, comparing and dropping a key may run any code, and so happens while this is not borrowed.
#[derive(Default)]
struct Keys {
    turns: HashMap<u64, Vec<Rc<Entry>>>,
    count: usize,
    sweep_at: usize,
}

/// A key, and the semaphore through which the calls for it take turns.
struct Entry {
    key: Box<dyn Any>,
    turns: Weak<Semaphore>,
}

/// The semaphore of a key, made if the key is not in use.
fn turns_of<K: Hash + Eq + 'static>(key: K) -> Arc<Semaphore> {
    thread_local!(static KEYS: RefCell<Keys> = RefCell::default());
    let mut hasher = DefaultHasher::new();
    TypeId::of::<K>().hash(&mut hasher);
    key.hash(&mut hasher);
    let hash = hasher.finish();
    loop {
        let same_hash = KEYS.with_borrow(|keys| keys.with_hash(hash));
        let mut same_key = same_hash.iter().filter(|entry| entry.key.downcast_ref() == Some(&key));
        if let Some(turns) = same_key.find_map(|entry| entry.turns.upgrade()) {
            return turns;
        }
        // Comparing may itself have added keys, perhaps this one. The newest is the last.
        let newest = KEYS.with_borrow(|keys| keys.with_hash(hash).pop());
        if newest.as_ref().map(Rc::as_ptr) == same_hash.last().map(Rc::as_ptr) {
            let (turns, swept) = KEYS.with_borrow_mut(|keys| keys.add(hash, key));
            drop(swept);
            return turns;
        }
    }
}

impl Keys {
    fn with_hash(&self, hash: u64) -> Vec<Rc<Entry>> {
        self.turns.get(&hash).cloned().unwrap_or_default()
    }

    /// Also returns what was swept out, to be dropped by the caller.
    fn add<K: 'static>(&mut self, hash: u64, key: K) -> (Arc<Semaphore>, Vec<Rc<Entry>>) {
        let swept = if self.count >= self.sweep_at { self.sweep() } else { Vec::new() };
        let turns = Arc::new(Semaphore::new(1));
        let entry = Entry { key: Box::new(key), turns: Arc::downgrade(&turns) };
        self.turns.entry(hash).or_default().push(Rc::new(entry));
        self.count += 1;
        (turns, swept)
    }

    fn sweep(&mut self) -> Vec<Rc<Entry>> {
        let mut swept = Vec::new();
        self.turns.retain(|_, entries| {
            swept.extend(entries.extract_if(.., |entry| entry.turns.strong_count() == 0));
            !entries.is_empty()
        });
        self.count -= swept.len();
        self.sweep_at = (2 * self.count).max(64);
        swept
    }
}

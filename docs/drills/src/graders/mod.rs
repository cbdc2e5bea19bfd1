//! The graders: for each drill the trait that a solution implements, and the checks.

mod by_hand;

#[path = "04_barrier.rs"]
pub mod barrier;
#[path = "10_broadcast.rs"]
pub mod broadcast;
#[path = "02_event.rs"]
pub mod event;
#[path = "11_events.rs"]
pub mod events;
#[path = "01_handover.rs"]
pub mod handover;
#[path = "07_pool.rs"]
pub mod pool;
#[path = "05_race.rs"]
pub mod race;
#[path = "08_rate_limiter.rs"]
pub mod rate_limiter;
#[path = "06_read_exactly.rs"]
pub mod read_exactly;
#[path = "09_retry.rs"]
pub mod retry;
#[path = "03_semaphore.rs"]
pub mod semaphore;
#[path = "12_wait_queue.rs"]
pub mod wait_queue;

use crate::Drill;
use crate::{exercises, solutions};

/// All drills, in the order of their numbers.
pub static DRILLS: [Drill; 12] = [
    Drill {
        number: 1,
        name: "handover",
        title: "a wake that is not lost",
        teaches: "a future by hand: who keeps the waker, and which one",
        chapter: 2,
        hint: "A future that returns Pending has to make sure that its task is woken. `poll` is given a waker in its context: \
               keep a clone of it next to the value, and let `put` call it. A later poll may come from another task, so each \
               poll keeps its own waker in place of the one before.",
        grader: include_str!("01_handover.rs"),
        exercise: include_str!("../exercises/01_handover.rs"),
        exercise_checks: handover::checks::<exercises::handover::Handover>,
        solution_checks: handover::checks::<solutions::handover::Handover>,
    },
    Drill {
        number: 2,
        name: "event",
        title: "an event",
        teaches: "waking many tasks; a release that cannot be taken back",
        chapter: 7,
        hint: "A wait that looks at the flag when it is polled again finds it cleared, if clear comes first. So let `set` note in \
               each wait that it was released, and let the wait look at that. It is enough to give each wait a number and to \
               keep the numbers of those that wait: one that is no longer among them was released. Dropping a wait takes its \
               number out.",
        grader: include_str!("02_event.rs"),
        exercise: include_str!("../exercises/02_event.rs"),
        exercise_checks: event::checks::<exercises::event::Event>,
        solution_checks: event::checks::<solutions::event::Event>,
    },
    Drill {
        number: 3,
        name: "semaphore",
        title: "a semaphore without barging",
        teaches: "fairness: a permit is handed over, and a grant that is dropped goes on",
        chapter: 7,
        hint: "If `release` adds to the number of free permits and wakes the first waiter, another task can take the permit \
               before the waiter is polled. Hand the permit over instead: mark the first waiter as granted, and do not add to \
               the number. From then on that waiter owns a permit, so its destructor has to release it if the wait has not \
               returned.",
        grader: include_str!("03_semaphore.rs"),
        exercise: include_str!("../exercises/03_semaphore.rs"),
        exercise_checks: semaphore::checks::<exercises::semaphore::Semaphore>,
        solution_checks: semaphore::checks::<solutions::semaphore::Semaphore>,
    },
    Drill {
        number: 4,
        name: "barrier",
        title: "a barrier",
        teaches: "using a primitive again: rounds that must not mix",
        chapter: 7,
        hint: "Number the rounds. A wait remembers in which round it arrived, and goes on when the barrier has come to a later \
               one. The last to arrive begins the next round with zero arrivals. A wait that is dropped takes its arrival back \
               only if its round is still the current one.",
        grader: include_str!("04_barrier.rs"),
        exercise: include_str!("../exercises/04_barrier.rs"),
        exercise_checks: barrier::checks::<exercises::barrier::Barrier>,
        solution_checks: barrier::checks::<solutions::barrier::Barrier>,
    },
    Drill {
        number: 5,
        name: "race",
        title: "a race of two futures",
        teaches: "two futures in one task; the loser is dropped, and nothing is left running",
        chapter: 8,
        hint: "No task has to be spawned. Pin both futures inside one, for example with `std::pin::pin!`, and poll the first one \
               and then the second one in a `std::future::poll_fn`: both get the waker of the same task. They live in the body \
               of your async function, and are dropped when it returns or is dropped.",
        grader: include_str!("05_race.rs"),
        exercise: include_str!("../exercises/05_race.rs"),
        exercise_checks: race::checks::<exercises::race::Race>,
        solution_checks: race::checks::<solutions::race::Race>,
    },
    Drill {
        number: 6,
        name: "read_exactly",
        title: "a read that can be cancelled",
        teaches: "cancel safety: what an async function has in its local variables is lost when it is dropped",
        chapter: 8,
        hint: "A call may be dropped at each of its awaits, and its local variables with it. So bytes that have been taken from \
               the stream belong into the reader: append each piece to a buffer there before the next await, and cut the \
               result off its front only when there is enough, without an await after that.",
        grader: include_str!("06_read_exactly.rs"),
        exercise: include_str!("../exercises/06_read_exactly.rs"),
        exercise_checks: read_exactly::checks::<exercises::read_exactly::Reader>,
        solution_checks: read_exactly::checks::<solutions::read_exactly::Reader>,
    },
    Drill {
        number: 7,
        name: "pool",
        title: "a pool of connections",
        teaches: "building on a primitive: what a destructor gives back, also in the middle of an await",
        chapter: 12,
        hint: "`curio::BoundedSemaphore` has the line, the limit and the passing on. A lease that owns a permit gives its place \
               back by being dropped; and a permit that is acquired before connecting is given back if connecting is given up. \
               Think of the order: the connection has to be among the idle ones before the permit is released.",
        grader: include_str!("07_pool.rs"),
        exercise: include_str!("../exercises/07_pool.rs"),
        exercise_checks: pool::checks::<exercises::pool::Pool>,
        solution_checks: pool::checks::<solutions::pool::Pool>,
    },
    Drill {
        number: 8,
        name: "rate_limiter",
        title: "a rate limiter",
        teaches: "time: exact deadlines on a virtual clock, and turns that are taken only by those who use them",
        chapter: 5,
        hint: "Keep the times at which the last `most` calls have passed. The next call may pass one period after the first of \
               these. `curio::Lock` is first come, first served: a call that holds it while it sleeps keeps the later ones \
               behind it. Note a time only when the call passes, so that one that gave up leaves nothing.",
        grader: include_str!("08_rate_limiter.rs"),
        exercise: include_str!("../exercises/08_rate_limiter.rs"),
        exercise_checks: rate_limiter::checks::<exercises::rate_limiter::RateLimiter>,
        solution_checks: rate_limiter::checks::<solutions::rate_limiter::RateLimiter>,
    },
    Drill {
        number: 9,
        name: "retry",
        title: "a retry with backoff",
        teaches: "time limits: an attempt has ended before the next one begins",
        chapter: 5,
        hint: "`curio::timeout_after` around one attempt ends it, and returns when it has ended. Look at the result first: a \
               success, a permanent failure and the last attempt return at once. `Duration::saturating_mul` and `min` keep the \
               pause within its limit; a power of two for the hundredth attempt does not fit into a number.",
        grader: include_str!("09_retry.rs"),
        exercise: include_str!("../exercises/09_retry.rs"),
        exercise_checks: retry::checks::<exercises::retry::Retry>,
        solution_checks: retry::checks::<solutions::retry::Retry>,
    },
    Drill {
        number: 10,
        name: "broadcast",
        title: "a broadcast",
        teaches: "backpressure: a sender that does not wait, and receivers that learn what they have missed",
        chapter: 7,
        hint: "Number the values. The broadcast keeps the last ones in a `VecDeque` and the number of the first of them; each \
               receiver keeps the number of the value that it gets next. Every question is then a comparison of numbers. To \
               wait, `curio::Event` does: clear it before the wait, set it in `send` and `close`. Move the number of a receiver \
               only when its value is returned.",
        grader: include_str!("10_broadcast.rs"),
        exercise: include_str!("../exercises/10_broadcast.rs"),
        exercise_checks: broadcast::checks::<exercises::broadcast::Broadcast>,
        solution_checks: broadcast::checks::<solutions::broadcast::Broadcast>,
    },
    Drill {
        number: 11,
        name: "events",
        title: "server-sent events over HTTP without I/O",
        teaches: "a sans-I/O protocol: bytes in, events out, wherever the bytes are cut",
        chapter: 11,
        hint: "There are three layers, and each keeps what is incomplete: the connection turns bytes into pieces of the body \
               (`curio_http::h1::Event::Data`), you turn these into lines, and lines into events. Collect a line as bytes, and \
               make text of it when it is complete. For CRLF remember that the last line ended with CR: an LF that comes next \
               belongs to it.",
        grader: include_str!("11_events.rs"),
        exercise: include_str!("../exercises/11_events.rs"),
        exercise_checks: events::checks::<exercises::events::Events>,
        solution_checks: events::checks::<solutions::events::Events>,
    },
    Drill {
        number: 12,
        name: "wait_queue",
        title: "a mistake in a wait queue",
        teaches: "reading a trace: which order of events breaks an invariant",
        chapter: 7,
        hint: "In the trace, look at what happens between the grant and the next poll of the wait that was granted its turn. Who \
               owns its place in that time? Then read where a place is put among the free ones, and who still knows its \
               number.",
        grader: include_str!("12_wait_queue.rs"),
        exercise: include_str!("../exercises/12_wait_queue.rs"),
        exercise_checks: wait_queue::checks::<exercises::wait_queue::WaitQueue>,
        solution_checks: wait_queue::checks::<solutions::wait_queue::WaitQueue>,
    },
];

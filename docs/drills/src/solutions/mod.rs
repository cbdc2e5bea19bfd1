//! A solution for each drill, with the reasons. There are others that pass.

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

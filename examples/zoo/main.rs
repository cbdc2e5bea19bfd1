//! The zoo: small programs with one mistake each, and what the runtime, the client or the compiler says about it.
//!
//! `cargo run --example zoo -- crossed_locks` runs one of them, `cargo run --example zoo -- repaired/crossed_locks` its repaired
//! form, and without a name it lists them. docs/zoo.md explains each; some need a command of their own, which stands there.
#![forbid(unsafe_code)]

mod blocking_sleep;
mod busy_wait;
mod crossed_locks;
mod dropped_response;
mod empty_queue;
#[expect(unused_must_use)] // Its point is that the compiler says so.
mod forgotten_await;
mod group_error;
mod leaked_permit;
mod limits_inside_out;
mod lost_bytes;
mod lost_job;
mod lost_wakeup;
mod never_joined;
mod outside_run;
mod panic_in_task;
#[expect(clippy::await_holding_refcell_ref)] // Clippy knows this mistake, too.
mod refcell_across_await;
mod repaired;
mod run_in_run;
mod skipped_cleanup;
mod starvation;
#[expect(clippy::await_holding_lock)] // Clippy knows this mistake, too.
mod std_mutex;
mod unread_body;

const PROGRAMS: &[(&str, fn())] = &[
    ("blocking_sleep", blocking_sleep::main),
    ("busy_wait", busy_wait::main),
    ("crossed_locks", crossed_locks::main),
    ("dropped_response", dropped_response::main),
    ("empty_queue", empty_queue::main),
    ("forgotten_await", forgotten_await::main),
    ("group_error", group_error::main),
    ("leaked_permit", leaked_permit::main),
    ("limits_inside_out", limits_inside_out::main),
    ("lost_bytes", lost_bytes::main),
    ("lost_job", lost_job::main),
    ("lost_wakeup", lost_wakeup::main),
    ("never_joined", never_joined::main),
    ("outside_run", outside_run::main),
    ("panic_in_task", panic_in_task::main),
    ("refcell_across_await", refcell_across_await::main),
    ("run_in_run", run_in_run::main),
    ("skipped_cleanup", skipped_cleanup::main),
    ("starvation", starvation::main),
    ("std_mutex", std_mutex::main),
    ("unread_body", unread_body::main),
];

fn main() {
    let Some(wanted) = std::env::args().nth(1) else {
        for (name, _) in PROGRAMS {
            println!("{name}");
        }
        return;
    };
    let repaired = wanted.strip_prefix("repaired/");
    let (programs, name) = match repaired {
        Some(name) => (repaired::PROGRAMS, name),
        None => (PROGRAMS, wanted.as_str()),
    };
    match programs.iter().find(|(known, _)| *known == name) {
        Some((_, run)) => run(),
        None => println!("no program is called {wanted}; without a name, they are listed"),
    }
}

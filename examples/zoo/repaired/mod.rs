//! The programs of the zoo without their mistakes.

mod blocking_sleep;
mod borrowed_by_spawn;
mod busy_wait;
mod crossed_locks;
mod dropped_response;
mod empty_queue;
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
mod refcell_across_await;
mod run_in_run;
mod skipped_cleanup;
mod starvation;
mod std_mutex;
mod unread_body;

pub(crate) const PROGRAMS: &[(&str, fn())] = &[
    ("blocking_sleep", blocking_sleep::main),
    ("borrowed_by_spawn", borrowed_by_spawn::main),
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

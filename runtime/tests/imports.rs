//! The rooms of `runtime/src`, held to: imports point downwards, no circle is larger than two files, and nothing is
//! `unsafe`.
//!
//! These tests read the sources, by way of `import_graph`.

mod import_graph;

use import_graph::{check_picture, check_table, circles_larger_than, imports, sources};
use std::collections::{BTreeMap, BTreeSet};

/// Plain values that every room may know, and that know no other room.
const FACTS: [&str; 3] = ["error.rs", "task/info.rs", "debug/"];
/// What the loop works on. These files know each other and the facts, nothing else.
const PARTS: [&str; 23] = [
    "kernel/cancel_tree.rs",
    "kernel/captured.rs",
    "kernel/clock.rs",
    "kernel/current_poll.rs",
    "kernel/events.rs",
    "kernel/grants.rs",
    "kernel/inbox.rs",
    "kernel/io_watch.rs",
    "kernel/join_wakers.rs",
    "kernel/locals.rs",
    "kernel/maintenance.rs",
    "kernel/random.rs",
    "kernel/reactor.rs",
    "kernel/regions.rs",
    "kernel/reports.rs",
    "kernel/run_queue.rs",
    "kernel/state.rs",
    "kernel/task_record.rs",
    "kernel/task_table.rs",
    "kernel/timer_levels.rs",
    "kernel/timer_queue.rs",
    "kernel/waker.rs",
    "kernel/worker_pool.rs",
];
/// Of the parts, those whose types may be seen above the traps: records, keys and wakers, but nothing that acts.
const SEEN_FROM_ABOVE: [&str; 8] = [
    "kernel/cancel_tree.rs",
    "kernel/grants.rs",
    "kernel/join_wakers.rs",
    "kernel/locals.rs",
    "kernel/maintenance.rs",
    "kernel/reactor.rs",
    "kernel/task_record.rs",
    "kernel/waker.rs",
];
const TRAPS: [&str; 1] = ["traps/"];
/// What runs the parts.
const LOOP: [&str; 11] = [
    "kernel/builder.rs",
    "kernel/capture.rs",
    "kernel/cycle.rs",
    "kernel/deadlock.rs",
    "kernel/inspect.rs",
    "kernel/mod.rs",
    "kernel/poll.rs",
    "kernel/poll_limit.rs",
    "kernel/run.rs",
    "kernel/shutdown.rs",
    "kernel/why.rs",
];
/// Who may know the loop: the entrance of the crate, and what runs a kernel for tests.
const ENTRANCES: [&str; 2] = ["lib.rs", "testing.rs"];
/// All groups of files, from the bottom upwards: each imports only from those before it.
const ROOMS: [&str; 17] = [
    "facts",
    "parts",
    "traps",
    "task",
    "time",
    "cancel",
    "group",
    "scope",
    "sync",
    "threads",
    "net",
    "io",
    "files",
    "signals",
    "subprocess",
    "loop",
    "testing",
];
/// Where a file reaches up, and why.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    ("kernel/run.rs", "signals/ctrl_c.rs", "Ctrl-C cancels the main task while `run` is running"),
    ("debug/mod.rs", "task/inspect.rs", "`why` is public where its answer is"),
    ("debug/mod.rs", "task/region.rs", "`region` is a future, and public where the events about it are"),
];

fn is_in(name: &str, places: &[&str]) -> bool {
    places.iter().any(|place| name == *place || place.ends_with('/') && name.starts_with(place))
}

/// The group of [`ROOMS`] that a file belongs to. None for `lib.rs`, which re-exports from all of them.
fn room(file: &str) -> Option<&str> {
    match file {
        "lib.rs" => None,
        _ if is_in(file, &FACTS) => Some("facts"),
        _ if is_in(file, &PARTS) => Some("parts"),
        _ if is_in(file, &LOOP) => Some("loop"),
        _ => file.split(['/', '.']).next(),
    }
}

/// For each room, the rooms it imports from.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, imports) in imports(&sources("runtime/src")) {
        let Some(own) = room(&file) else { continue };
        let known = rooms.entry(own.to_string()).or_default();
        known.extend(
            imports
                .iter()
                .filter_map(|import| room(import))
                .filter(|other| *other != own)
                .map(str::to_string),
        );
    }
    rooms
}

/// What is wrong with the imports of the files at `places`: those that `allowed` does not cover.
fn stray(places: &[&str], allowed: &[&[&str]]) -> Vec<String> {
    let mut stray = Vec::new();
    for (file, imports) in imports(&sources("runtime/src")).iter().filter(|(file, _)| is_in(file, places)) {
        for import in imports.iter().filter(|import| !allowed.iter().any(|allowed| is_in(import, allowed))) {
            if !EXCEPTIONS.iter().any(|(from, to, _)| from == file && to == import) {
                stray.push(format!("{file} imports {import}"));
            }
        }
    }
    stray
}

#[test]
fn imports_are_followed_to_the_file_they_come_from() {
    let imports = imports(&sources("runtime/src"));
    for (from, to) in [
        ("net/socket.rs", "traps/sockets.rs"),
        ("time/sleep.rs", "traps/timers.rs"),
        ("traps/tasks.rs", "traps/mod.rs"),
        ("kernel/mod.rs", "kernel/deadlock.rs"),
        ("task/mod.rs", "task/stage.rs"),
        ("subprocess/popen.rs", "cancel/finally.rs"),
    ] {
        assert!(imports[from].contains(to), "{from} imports {to}: {:?}", imports[from]);
    }
    assert!(!imports["kernel/state.rs"].contains("kernel/mod.rs"));
    assert!(!imports["traps/mod.rs"].contains("traps/nested.rs"), "a re-export is no import");
}

#[test]
fn facts_know_no_other_room() {
    assert_eq!(stray(&FACTS, &[&FACTS]), [""; 0]);
}

#[test]
fn the_kernels_parts_know_nothing_but_each_other() {
    assert_eq!(stray(&PARTS, &[&PARTS, &FACTS]), [""; 0]);
}

#[test]
fn traps_know_nothing_but_the_kernels_parts() {
    assert_eq!(stray(&TRAPS, &[&TRAPS, &PARTS, &FACTS]), [""; 0]);
}

#[test]
fn the_loop_knows_nothing_of_what_is_built_on_traps() {
    assert_eq!(stray(&LOOP, &[&LOOP, &TRAPS, &PARTS, &FACTS]), [""; 0]);
}

#[test]
fn only_traps_lead_into_the_kernel() {
    let mut stray = Vec::new();
    let below: [&[&str]; 5] = [&FACTS, &PARTS, &TRAPS, &LOOP, &ENTRANCES];
    for (file, imports) in imports(&sources("runtime/src")) {
        if below.iter().any(|places| is_in(&file, places)) {
            continue;
        }
        for import in imports {
            if (is_in(&import, &PARTS) || is_in(&import, &LOOP)) && !is_in(&import, &SEEN_FROM_ABOVE) {
                stray.push(format!("{file} imports {import}"));
            }
        }
    }
    assert_eq!(stray, [""; 0]);
}

#[test]
fn no_circle_of_imports_is_larger_than_two_files() {
    let imports = imports(&sources("runtime/src"));
    let circles = circles_larger_than(2, &imports);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_room_imports_only_from_rooms_below_it() {
    let rank = |name: &str| {
        ROOMS.iter().position(|room| *room == name).unwrap_or_else(|| panic!("{name} has no rank"))
    };
    let mut upward = Vec::new();
    for (room, imports) in rooms() {
        upward.extend(
            imports
                .iter()
                .filter(|import| rank(import) > rank(&room))
                .map(|import| format!("{room} → {import}")),
        );
    }
    assert_eq!(upward, [""; 0]);
}

#[test]
fn the_picture_in_the_docs_is_that_of_the_imports() {
    // Every room may import facts.
    let shown: Vec<_> = ROOMS.iter().rev().copied().filter(|room| *room != "facts").collect();
    check_picture("## The runtime", &shown, &rooms());
}

#[test]
fn the_docs_explain_each_room_and_each_file_beside_them() {
    check_table("## The runtime", "runtime/src");
}

#[test]
fn every_file_of_the_kernel_is_a_part_or_of_the_loop() {
    let sources = sources("runtime/src");
    let kernel: BTreeSet<_> = sources
        .iter()
        .map(|source| source.name.as_str())
        .filter(|name| name.starts_with("kernel/"))
        .collect();
    assert_eq!(kernel, PARTS.into_iter().chain(LOOP).collect());
    let all = FACTS
        .iter()
        .chain(&TRAPS)
        .chain(&ENTRANCES)
        .copied()
        .chain(EXCEPTIONS.iter().flat_map(|e| [e.0, e.1]));
    for place in all {
        assert!(sources.iter().any(|source| is_in(&source.name, &[place])), "{place} is gone");
    }
}

/// `cargo nextest run -p curio-rt --test imports lines --no-capture` prints them.
#[test]
fn the_kernel_the_traps_and_sync_stay_small_in_lines_of_code() {
    let sources = sources("runtime/src");
    // Asking tasks what they wait for takes 400 of the kernel's: nothing outside of it can poll a task.
    for (room, most) in [("kernel/", 4280), ("traps/", 1100), ("sync/", 2700)] {
        let lines: usize = sources
            .iter()
            .filter(|source| source.name.starts_with(room))
            .map(|source| source.code().count())
            .sum();
        println!("{room:8} {lines:5} lines of code");
        assert!(lines <= most, "{room} has {lines} lines of code; {most} were enough so far");
    }
}

#[test]
fn nothing_is_unsafe() {
    let word = concat!("un", "safe");
    for folder in ["runtime/src", "http/src"] {
        let sources = sources(folder);
        let root = sources.iter().find(|source| source.name == "lib.rs").unwrap();
        let forbidden = format!("#![forbid({word}_code)]");
        assert!(root.text.lines().any(|line| line == forbidden), "{folder} forbids it");
        for source in &sources {
            for (number, line) in source.text.lines().enumerate() {
                let prose = line.trim_start().starts_with("//");
                let ok = !line.contains(word) || prose || line == forbidden;
                assert!(ok, "{folder}/{}:{}: {line}", source.name, number + 1);
            }
        }
    }
}

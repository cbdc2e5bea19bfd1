//! The layout of `http/src`, held to.
//!
//! - A room (a folder, or a file beside `lib.rs`) imports only from rooms below it.
//! - No circle of imports is larger than two files.

#[path = "../../runtime/tests/import_graph/mod.rs"]
mod import_graph;

use import_graph::{circles_larger_than, imports, sources};

/// The rooms, from the bottom upwards. Those of one line may import each other: an error names the URL it is about, and
/// parsing a URL fails with an error. `lib.rs` and `fuzzing.rs` see all of them.
const ROOMS: [&[&str]; 14] = [
    &["random"],
    &["encoding"],
    &["error", "url"],
    &["trace"],
    &["atomic_file"],
    &["h1"],
    &["cookies"],
    &["request"],
    &["connections"],
    &["response"],
    &["settings"],
    &["exchange"],
    &["session"],
    &["mock"],
];

/// The room of a file.
fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

#[test]
fn imports_between_rooms_point_downwards() {
    let rank = |file: &str| ROOMS.iter().position(|rooms| rooms.contains(&room(file)));
    let mut upward = Vec::new();
    for (file, imports) in imports(&sources("http/src")) {
        if ["lib", "fuzzing"].contains(&room(&file)) {
            continue;
        }
        let own = rank(&file).unwrap_or_else(|| panic!("{file} is in no room of the list"));
        for import in imports {
            if rank(&import).is_some_and(|other| other > own) {
                upward.push(format!("{file} imports {import}"));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_circle_of_imports_is_larger_than_two_files() {
    let imports = imports(&sources("http/src"));
    let circles = circles_larger_than(2, &imports);
    assert!(circles.is_empty(), "{circles:#?}");
}

//! The layout of `http/src`, held to.
//!
//! - A room (a folder, or a file beside `lib.rs`) imports only from rooms below it.
//! - No circle of imports is larger than two files.
//! - The picture in `docs/architecture.md` is that of the imports, and its table has a row for each room.
//! - The head of a folder's `mod.rs` names each of its files.
//! - The map at the head of `lib.rs` names each room, in this order.
//! - Each file in the walk below it exists, and has the function that stands beside it.

#[path = "../../runtime/tests/import_graph/mod.rs"]
mod import_graph;

use import_graph::{check_picture, check_table, circles_larger_than, imports, sources};
use std::collections::{BTreeMap, BTreeSet};

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

/// Rooms that every room above them may import from, and that the picture leaves out.
const PLAIN: [&str; 6] = ["random", "encoding", "error", "url", "trace", "atomic_file"];

#[test]
fn the_picture_in_the_docs_is_that_of_the_imports() {
    let shown: Vec<_> = ROOMS.concat().into_iter().rev().filter(|room| !PLAIN.contains(room)).collect();
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, imports) in imports(&sources("http/src")) {
        let others = imports.iter().map(|import| room(import)).filter(|other| *other != room(&file));
        rooms.entry(room(&file).to_owned()).or_default().extend(others.map(str::to_owned));
    }
    check_picture("## The client", &shown, &rooms);
}

#[test]
fn the_docs_explain_each_room_and_each_file_beside_them() {
    check_table("## The client", "http/src");
}

#[test]
fn the_head_of_a_folder_names_each_of_its_files() {
    let sources = sources("http/src");
    let folder = |file: &str| file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    for room in sources.iter().filter(|source| source.name.ends_with("/mod.rs")) {
        let own = folder(&room.name).unwrap_or_default();
        let head =
            room.text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        let words: BTreeSet<&str> =
            head.split(|c: char| !(c.is_alphanumeric() || "_./".contains(c))).collect();
        for file in sources.iter().filter(|file| file.name != room.name) {
            let Some(path) = file.name.strip_prefix(&format!("{own}/")) else { continue };
            let entry = match path.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => path.to_owned(),
            };
            assert!(
                entry == "tests.rs" || words.contains(entry.as_str()),
                "the head of {} does not name {entry}",
                room.name
            );
        }
    }
}

/// The rows of the table in the documentation of `lib.rs` that follows the heading `title`, as cells.
fn table(title: &str) -> Vec<Vec<String>> {
    let sources = sources("http/src");
    let lib = sources.iter().find(|source| source.name == "lib.rs").expect("lib.rs");
    let lines = lib.text.lines().map(|line| line.trim_start_matches("//!").trim());
    let section = lines.skip_while(|line| !line.starts_with("# ") || !line.contains(title)).skip(1);
    let rows = section.take_while(|line| !line.starts_with("# ")).filter(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

/// The names in backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_map_names_each_room_from_the_top_downwards() {
    let mapped: Vec<String> = table("rooms of the source")
        .iter()
        .map(|row| names(&row[0]).map(room).collect::<Vec<_>>().join(" "))
        .collect();
    let rooms: Vec<String> =
        ROOMS.iter().rev().map(|rooms| rooms.iter().rev().copied().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(mapped, rooms);
    for source in sources("http/src") {
        let name = room(&source.name);
        let known = ["lib", "fuzzing"].contains(&name) || ROOMS.iter().any(|rooms| rooms.contains(&name));
        assert!(known, "{} is in no room", source.name);
    }
}

#[test]
fn the_way_of_a_response_leads_through_files_and_functions_that_exist() {
    let sources = sources("http/src");
    let walk = table("way of a response");
    assert_eq!(walk.len(), 8);
    for step in walk {
        let (file, function) = (step[0].trim_matches('`'), step[1].trim_matches('`'));
        let source = sources.iter().find(|source| source.name == file);
        let source = source.unwrap_or_else(|| panic!("{file} is gone"));
        let mut code = source.code();
        assert!(
            code.any(
                |line| line.contains(&format!("fn {function}(")) || line.contains(&format!("fn {function}<"))
            ),
            "{file} has no function {function}"
        );
    }
}

//! The map at the head of `runtime/src/lib.rs` and of each room, held to: every folder, file and function that they
//! name is there, and every file is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documentation at the head of a file.
fn head(path: &Path) -> String {
    let text = read(path);
    let lines = text.lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(|line| format!("{}\n", line.trim())).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn rooms() -> Vec<PathBuf> {
    let rooms: Vec<_> = entries(&src()).into_iter().filter(|path| path.is_dir()).collect();
    assert!(rooms.len() > 10, "the rooms are found: {rooms:?}");
    rooms
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_string()
}

/// The steps of a wake, as `lib.rs` lists them: file, type, function.
fn steps_of_a_wake() -> Vec<(String, String, String)> {
    let head = head(&src().join("lib.rs"));
    let (_, walk) = head.split_once("# A wake in six files").expect("lib.rs has the walk");
    let lines = walk.lines().skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```");
    let step = |line: &str| {
        let mut words = line.split_whitespace();
        let file = words.next().unwrap_or_default().to_string();
        let (kind, function) =
            words.next().and_then(|path| path.split_once("::")).expect("a `Type::function`");
        assert!(words.count() > 3, "`{line}` says what happens there");
        (file, kind.to_string(), function.to_string())
    };
    lines.map(step).collect()
}

#[test]
fn a_wake_passes_through_six_files_that_hold_what_the_walk_names() {
    let steps = steps_of_a_wake();
    let files: BTreeSet<_> = steps.iter().map(|(file, ..)| file).collect();
    assert_eq!((steps.len(), files.len()), (6, 6));
    for (file, kind, function) in &steps {
        let text = read(&src().join(file));
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        assert!(code.contains(&format!("fn {function}(")), "{file} has the function {function}");
        let is_of_type = text.lines().any(|line| {
            line.starts_with("impl") && line.split(|c: char| !c.is_alphanumeric()).any(|word| word == kind)
        });
        assert!(is_of_type, "{file} has an `impl` of {kind}");
    }
}

#[test]
fn every_room_has_a_row_on_the_map_and_every_row_a_room() {
    let head = head(&src().join("lib.rs"));
    let rows = head.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("/` |"));
    let rows: BTreeSet<String> = rows.map(|(room, _)| room.to_string()).collect();
    assert_eq!(rows, rooms().iter().map(|room| name(room)).collect());
}

#[test]
fn the_head_of_a_room_names_each_of_its_files() {
    let mut rooms = rooms();
    while let Some(room) = rooms.pop() {
        let head = head(&room.join("mod.rs"));
        let words: BTreeSet<&str> =
            head.split(|c: char| !(c.is_alphanumeric() || "_./".contains(c))).collect();
        for path in entries(&room).into_iter().filter(|path| !path.ends_with("mod.rs")) {
            // A folder inside a room belongs to the file of its name, or is a room itself.
            let file = name(&path);
            let names =
                if path.is_dir() { [format!("{file}.rs"), format!("{file}/")] } else { [file.clone(), file] };
            let named = names.iter().any(|name| words.contains(name.as_str()));
            assert!(named, "the head of {}/mod.rs names {}", name(&room), names[0]);
            rooms.extend(path.join("mod.rs").exists().then_some(path));
        }
    }
}

/// The words in `text` that are paths of documents in the repository.
fn documents_named_in(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || "-_./".contains(c)));
    words.filter(|word| word.starts_with("docs/")).map(|word| word.trim_end_matches('.')).collect()
}

#[test]
fn every_document_that_the_source_refers_to_is_in_the_repository() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut folders, mut named) = (vec![src()], 0);
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for document in documents_named_in(&read(&path)) {
                named += 1;
                assert!(repository.join(document).exists(), "{} refers to {document}", path.display());
            }
        }
    }
    assert!(named > 10, "the crate's page refers to the chapters of the tour");
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let lines = read(&path).lines().count();
                assert!(lines <= 500, "{} has {lines} lines", path.display());
            }
        }
    }
}

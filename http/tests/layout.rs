//! The layout of `http/src`, held to.
//!
//! - A room (a folder, or a file beside `lib.rs`) imports only from rooms below it.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the bottom upwards. `lib` and `fuzzing` see all of them.
const ROOMS: [&str; 15] = [
    "random",
    "encoding",
    "url",
    "error",
    "trace",
    "atomic_file",
    "h1",
    "cookies",
    "request",
    "connections",
    "response",
    "settings",
    "exchange",
    "session",
    "mock",
];

/// Files that import from a room above their own, and that room.
const UPWARD: [(&str, &str); 9] = [
    ("connections/dialer.rs", "session"),
    ("connections/dialer.rs", "settings"),
    ("exchange/mod.rs", "session"),
    ("exchange/retry.rs", "session"),
    ("request/digest.rs", "response"),
    ("request/options.rs", "session"),
    ("response/mod.rs", "exchange"),
    ("settings/mod.rs", "exchange"),
    ("url", "error"),
];

/// All files of the crate with their code: no comments, and no tests, which stand at the end.
fn files() -> Vec<(String, Vec<String>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let parts = path.strip_prefix(&source).expect("a file below it").iter();
            let name =
                parts.map(|part| part.to_str().expect("a name in UTF-8")).collect::<Vec<_>>().join("/");
            let text = fs::read_to_string(&path).expect("a source file");
            let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
            let lines = lines.map(|line| line.split("//").next().unwrap_or_default().to_owned());
            files.push((name, lines.collect()));
        }
    }
    files.sort();
    files
}

/// The room of a file, or of a path of modules.
fn room(path: &str) -> &str {
    path.split(['/', ':', '.', ';']).next().unwrap_or_default()
}

#[test]
fn imports_between_rooms_point_downwards() {
    let rank = |name: &str| ROOMS.iter().position(|room| *room == name);
    let mut upward = Vec::new();
    for (name, lines) in files() {
        if ["lib", "fuzzing"].contains(&room(&name)) {
            continue;
        }
        let own = rank(room(&name)).unwrap_or_else(|| panic!("{name} is in no room of the list"));
        for line in &lines {
            for (at, word) in line.match_indices("crate::") {
                let imported = room(&line[at + word.len()..]);
                if rank(imported).is_some_and(|other| other > own)
                    && !UPWARD.iter().any(|(file, room)| name.starts_with(file) && *room == imported)
                {
                    upward.push(format!("{name} imports {imported}"));
                }
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

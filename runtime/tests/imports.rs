//! The rooms of `runtime/src`, held to: imports point downwards, no circle is larger than two files, and nothing is
//! `unsafe`.
//!
//! These tests read the sources. An import is followed to the file it comes from, through the `pub use` of a room's
//! `mod.rs`; a re-export by itself is no import. Tests inside the sources do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Plain values that every room may know, and that know no other room.
const FACTS: [&str; 3] = ["error.rs", "task/info.rs", "debug/"];
/// What the loop works on. These files know each other and the facts, nothing else.
const PARTS: [&str; 17] = [
    "kernel/cancel_tree.rs",
    "kernel/clock.rs",
    "kernel/grants.rs",
    "kernel/inbox.rs",
    "kernel/join_wakers.rs",
    "kernel/locals.rs",
    "kernel/maintenance.rs",
    "kernel/random.rs",
    "kernel/reactor.rs",
    "kernel/reports.rs",
    "kernel/run_queue.rs",
    "kernel/state.rs",
    "kernel/task_record.rs",
    "kernel/task_table.rs",
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
const LOOP: [&str; 7] = [
    "kernel/builder.rs",
    "kernel/cycle.rs",
    "kernel/deadlock.rs",
    "kernel/mod.rs",
    "kernel/poll.rs",
    "kernel/run.rs",
    "kernel/shutdown.rs",
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
const EXCEPTIONS: [(&str, &str, &str); 1] =
    [("kernel/run.rs", "signals/ctrl_c.rs", "Ctrl-C cancels the main task while `run` is running")];

/// One file of `src`.
struct Source {
    /// Below `src`, with `/`.
    name: String,
    path: PathBuf,
    text: String,
}

impl Source {
    /// Code only: no tests, no comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().take_while(|line| {
            !["#[cfg(test)]", "#[cfg(all(test"].iter().any(|start| line.trim_start().starts_with(start))
        });
        lines.map(|line| line.split("//").next().unwrap_or("").trim()).filter(|line| !line.is_empty())
    }

    /// The module this file is, as the names on the way to it.
    fn module(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.name.trim_end_matches(".rs").split('/').collect();
        if matches!(names.last(), Some(&"mod" | &"lib")) {
            names.pop();
        }
        names
    }
}

/// All sources below a folder of this repository.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let parts = path.strip_prefix(&root).unwrap().iter();
                let name = parts.map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/");
                found.push(Source { name, text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(found.len() > 10, "{folder} holds the sources");
    found
}

fn is_in(name: &str, places: &[&str]) -> bool {
    places.iter().any(|place| name == *place || place.ends_with('/') && name.starts_with(place))
}

/// The names in a piece of code that follow each other with `::` between them, and the rest behind them.
fn path_at(code: &str) -> (Vec<&str>, &str) {
    let (mut names, mut rest) = (Vec::new(), code);
    loop {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        names.push(&rest[..end]);
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) if more.starts_with(|c: char| c.is_alphabetic() || c == '_') => rest = more,
            _ => return (names, rest),
        }
    }
}

/// The paths of `use a::{b, c}` and the like: `a::b` and `a::c`. One level of braces, as `rustfmt` keeps them here.
fn expand<'a>(path: &[&'a str], rest: &'a str) -> Vec<Vec<&'a str>> {
    let Some(group) = rest.strip_prefix("::{") else { return vec![path.to_vec()] };
    let group = group.split('}').next().unwrap_or_default();
    assert!(!group.contains('{'), "one level of braces in an import, please: {group}");
    let names = group.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names = names.map(|name| path_at(name).0);
    names
        .map(|names| path.iter().copied().chain(names.into_iter().filter(|name| *name != "self")).collect())
        .collect()
}

/// Which files a crate has, and what each `mod.rs` re-exports from where.
struct Crate<'a> {
    files: BTreeMap<Vec<&'a str>, &'a str>,
    exports: BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a str>>>,
}

impl<'a> Crate<'a> {
    fn new(sources: &'a [Source], codes: &'a BTreeMap<&'a str, String>) -> Crate<'a> {
        let files = sources.iter().map(|source| (source.module(), source.name.as_str())).collect();
        let mut exports: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for source in sources {
            let code = &codes[source.name.as_str()];
            for (start, word) in code.match_indices("pub use ").chain(code.match_indices("pub(crate) use ")) {
                let (path, rest) = path_at(&code[start + word.len()..]);
                for path in expand(&path, rest) {
                    let from = if path[0] == "crate" {
                        path[1..].to_vec()
                    } else {
                        [source.module(), path].concat()
                    };
                    let name = *from.last().unwrap();
                    exports.entry(source.name.as_str()).or_default().insert(name, from);
                }
            }
        }
        Crate { files, exports }
    }

    /// The file that an absolute path leads to.
    fn file(&self, path: &[&'a str]) -> Option<&'a str> {
        for length in (0..=path.len()).rev() {
            let Some(file) = self.files.get(&path[..length]) else { continue };
            let exported = path.get(length).and_then(|name| self.exports.get(file)?.get(name));
            return match exported {
                Some(from) if from[..] != path[..] => self.file(from),
                _ => Some(file),
            };
        }
        None
    }

    /// The files that one file imports from.
    fn imports(&self, source: &'a Source, code: &'a str) -> BTreeSet<&'a str> {
        let module = source.module();
        let above = &module[..module.len().saturating_sub(1)];
        let mut paths = Vec::new();
        let mut aliases = Vec::new();
        for (word, base) in [("crate::", &[][..]), ("super::", above), ("use ", &module[..])] {
            for (start, _) in code.match_indices(word) {
                let before = &code[..start];
                let statement = code[..start + word.len()].rsplit([';', '}']).next().unwrap_or_default();
                // A re-export is no import, and `$crate::…` is expanded elsewhere.
                let is_other = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
                if is_other || statement.contains("pub use ") || statement.contains("pub(crate) use ") {
                    continue;
                }
                let (path, rest) = path_at(&code[start + word.len()..]);
                let is_child = self.files.contains_key(&[&module[..], &path[..1]].concat());
                // `use` without `crate` or `super` names a child of this module, or another crate.
                if word == "use " && !is_child {
                    continue;
                }
                let expanded = expand(&path, rest);
                for path in expanded.into_iter().map(|path| [base, &path[..]].concat()) {
                    if self.files.contains_key(&path) {
                        aliases.push(path.clone());
                    }
                    paths.push(path);
                }
            }
        }
        // What is reached through an imported module: `use crate::traps;` and then `traps::now()`.
        for alias in aliases {
            let called = format!("{}::", alias.last().unwrap());
            for (start, _) in code.match_indices(&called) {
                if !code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                    paths.push([&alias[..], &path_at(&code[start + called.len()..]).0].concat());
                }
            }
        }
        paths.iter().filter_map(|path| self.file(path)).filter(|file| *file != source.name).collect()
    }
}

/// For each file of the runtime, the files it imports from.
fn imports(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let codes =
        sources.iter().map(|source| (source.name.as_str(), source.code().collect::<Vec<_>>().join(" ")));
    let codes = codes.collect();
    let all = Crate::new(sources, &codes);
    let imports = sources.iter().map(|source| {
        let imports = all.imports(source, &codes[source.name.as_str()]);
        (source.name.clone(), imports.into_iter().map(str::to_string).collect())
    });
    imports.collect()
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
        ("task/mod.rs", "task/cell.rs"),
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
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports
        .keys()
        .map(|file| {
            let (mut reached, mut left) = (BTreeSet::new(), vec![file.as_str()]);
            while let Some(file) = left.pop() {
                left.extend(
                    imports[file].iter().map(String::as_str).filter(|import| reached.insert(*import)),
                );
            }
            (file.as_str(), reached)
        })
        .collect();
    let circle = |file: &str| -> BTreeSet<&str> {
        reached[file].iter().copied().filter(|other| reached[other].contains(file)).collect()
    };
    let circles: BTreeSet<_> =
        imports.keys().map(|file| circle(file)).filter(|circle| circle.len() > 2).collect();
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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let page = fs::read_to_string(&path).expect("docs/architecture.md");
    let (before, section) = page.split_once("## The runtime").expect("a section of the runtime");
    let mut parts = section.splitn(3, "```");
    let (introduction, picture, after) =
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let picture = picture.trim_start_matches("text").trim();
    let rooms = rooms();
    // Every room may import facts. An import that follows from the others of its room is left out.
    let stacked = || ROOMS.iter().rev().filter(|room| **room != "facts");
    let reaches = |from: &str, to: &str| {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(room) = left.pop() {
            left.extend(rooms[room].iter().map(String::as_str).filter(|import| seen.insert(*import)));
        }
        seen.contains(to)
    };
    let line = |room: &&str| {
        let imports: Vec<_> = stacked().filter(|other| rooms[*room].contains(**other)).copied().collect();
        let direct = imports.iter().filter(|to| !imports.iter().any(|via| reaches(via, to)));
        let direct: Vec<_> = direct.copied().collect();
        format!("{room:<11}→ {}", direct.join(" ")).trim_end_matches("→ ").trim().to_string()
    };
    let drawn = stacked().map(line).collect::<Vec<_>>().join("\n");
    if picture != drawn && std::env::var_os("CURIO_BLESS").is_some() {
        let page = format!("{before}## The runtime{introduction}```text\n{drawn}\n```{after}");
        return fs::write(path, page).expect("docs/architecture.md can be written");
    }
    assert!(picture == drawn, "with CURIO_BLESS=1 this draws docs/architecture.md anew:\n{drawn}");
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
    for (room, most) in [("kernel/", 2600), ("traps/", 800), ("sync/", 2700)] {
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
        let root = sources.iter().find(|source| source.path.ends_with("src/lib.rs")).unwrap();
        let forbidden = format!("#![forbid({word}_code)]");
        assert!(root.text.lines().any(|line| line == forbidden), "{folder} forbids it");
        for source in &sources {
            for (number, line) in source.text.lines().enumerate() {
                let prose = line.trim_start().starts_with("//");
                let ok = !line.contains(word) || prose || line == forbidden;
                assert!(ok, "{}:{}: {line}", source.path.display(), number + 1);
            }
        }
    }
}

//! The map at the head of `runtime/src/lib.rs`, held to: imports point one way, and nothing is `unsafe`.
//!
//! These tests read the sources. A module that is not named here is one of those built on traps; nothing below
//! may import it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What the kernel is made of. They know each other and nothing else.
const PARTS: [&str; 18] = [
    "chores",
    "clock",
    "debug",
    "error",
    "grants",
    "locals",
    "random",
    "reactor",
    "ready",
    "report",
    "scopes",
    "state",
    "table",
    "task_info",
    "timers",
    "waiters",
    "waker",
    "workers",
];
/// What runs the parts.
const DRIVERS: [&str; 4] = ["kernel", "builder", "testing", "lib"];
/// Parts that are nobody's business but the kernel's and the traps'.
const INSIDE: [&str; 9] =
    ["chores", "clock", "random", "ready", "report", "state", "timers", "workers", "kernel"];
/// Where the kernel reaches up, and why.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    ("kernel", "task", "`MainTask`, the record of the future on its own stack"),
    ("kernel", "signals", "`CtrlC`, which cancels the main task"),
];

/// One file: the module it belongs to, and what it says.
struct Source {
    module: String,
    path: PathBuf,
    text: String,
}

impl Source {
    /// Code only: no tests, no comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
        let code = lines.map(|line| line.split("//").next().unwrap_or(""));
        code.enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim().is_empty())
    }

    /// The modules of its own crate that it names.
    fn imports(&self) -> BTreeSet<String> {
        let mut imports = BTreeSet::new();
        for (number, line) in self.code() {
            for (position, _) in line.match_indices("crate::") {
                // `$crate::…` is what a macro of ours leaves in somebody else's code.
                if line[..position].ends_with('$') || line[..position].ends_with(char::is_alphanumeric) {
                    continue;
                }
                let rest = &line[position + "crate::".len()..];
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                assert!(!name.is_empty(), "{}:{number}: one import a line, please", self.path.display());
                imports.insert(name);
            }
        }
        imports
    }
}

/// All sources under a folder of this repository; files of a folder belong to the module of that name.
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
                let inside = path.strip_prefix(&root).unwrap();
                let module = inside.components().next().unwrap().as_os_str().to_string_lossy();
                let module = module.trim_end_matches(".rs").to_string();
                found.push(Source { module, text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    assert!(found.len() > 10, "{folder} holds the sources");
    found
}

/// The modules that a crate has.
fn modules(sources: &[Source]) -> BTreeSet<String> {
    sources.iter().map(|source| source.module.clone()).collect()
}

#[test]
fn the_kernels_parts_import_nothing_but_each_other() {
    let sources = sources("runtime/src");
    let modules = modules(&sources);
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| PARTS.contains(&source.module.as_str())) {
        for import in source.imports().iter().filter(|import| modules.contains(*import)) {
            let allowed =
                PARTS.contains(&import.as_str()) || (source.module == "debug" && import == "builder");
            if !allowed {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn traps_import_nothing_but_the_kernels_parts() {
    let sources = sources("runtime/src");
    let modules = modules(&sources);
    let traps: Vec<_> = sources.iter().filter(|source| source.module == "traps").collect();
    assert!(!traps.is_empty());
    for source in traps {
        let above: Vec<_> = source.imports().into_iter().filter(|import| modules.contains(import)).collect();
        let above: Vec<_> = above.iter().filter(|import| !PARTS.contains(&import.as_str())).collect();
        assert!(above.iter().all(|import| *import == "traps"), "{} imports {above:?}", source.path.display());
    }
}

#[test]
fn the_kernel_knows_nothing_of_what_is_built_on_traps() {
    let sources = sources("runtime/src");
    let modules = modules(&sources);
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| ["kernel", "builder"].contains(&source.module.as_str())) {
        for import in source.imports().iter().filter(|import| modules.contains(*import)) {
            let import = import.as_str();
            let below = PARTS.contains(&import) || DRIVERS.contains(&import) || import == "traps";
            let excepted = EXCEPTIONS.iter().any(|(from, to, _)| source.module == *from && import == *to);
            if !below && !excepted {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_traps_lead_into_the_kernel() {
    let sources = sources("runtime/src");
    let mut wrong = Vec::new();
    for source in &sources {
        let module = source.module.as_str();
        if PARTS.contains(&module) || DRIVERS.contains(&module) || module == "traps" {
            continue;
        }
        for import in source.imports().iter().filter(|import| INSIDE.contains(&import.as_str())) {
            wrong.push(format!("{} imports {import}", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_named_module_exists() {
    let modules = modules(&sources("runtime/src"));
    let named = PARTS.iter().chain(&DRIVERS).chain(&INSIDE).copied();
    let missing: Vec<_> = named.filter(|name| !modules.contains(*name)).collect();
    assert!(missing.is_empty(), "the lists above name modules that are gone: {missing:?}");
}

/// What faces the user of the client; the rest is built without it.
const FACES_THE_USER: [&str; 17] = [
    "again",
    "builder",
    "connect",
    "digest",
    "download",
    "events",
    "extras",
    "lib",
    "mock",
    "multipart",
    "pieces",
    "redirect",
    "request",
    "response",
    "send",
    "session",
    "settings",
];

#[test]
fn a_clients_connections_know_nothing_of_sessions_requests_and_responses() {
    let sources = sources("http/src");
    let modules = modules(&sources);
    let missing: Vec<_> = FACES_THE_USER.iter().filter(|name| !modules.contains(**name)).collect();
    assert!(missing.is_empty(), "the list above names modules that are gone: {missing:?}");
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !FACES_THE_USER.contains(&source.module.as_str())) {
        for import in source.imports().iter().filter(|import| FACES_THE_USER.contains(&import.as_str())) {
            wrong.push(format!("{} imports {import}", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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

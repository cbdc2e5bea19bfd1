//! The imports of a crate's files, read from their sources, for the tests of both crates.
//!
//! An import is followed to the file it comes from, through the `pub use` of a room's `mod.rs`; a re-export by itself is
//! no import. Tests inside the sources do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// One file of `src`.
pub(crate) struct Source {
    /// Below `src`, with `/`.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    /// Code only: no tests, no comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = &str> {
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
pub(crate) fn sources(folder: &str) -> Vec<Source> {
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
                found.push(Source { name, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(found.len() > 10, "{folder} holds the sources");
    found
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

/// For each file of a crate, the files it imports from.
pub(crate) fn imports(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
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

/// The circles of more than `most` files that import each other, directly or by way of others.
pub(crate) fn circles_larger_than(
    most: usize,
    imports: &BTreeMap<String, BTreeSet<String>>,
) -> BTreeSet<BTreeSet<&str>> {
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
    imports.keys().map(|file| circle(file)).filter(|circle| circle.len() > most).collect()
}

/// A picture of rooms, from the top downwards: a line for each, with those it imports from. An import that follows from
/// the others of its room is left out.
fn drawn(rooms: &[&str], imports: &BTreeMap<String, BTreeSet<String>>) -> String {
    let reaches = |from: &str, to: &str| {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(room) = left.pop() {
            left.extend(imports[room].iter().map(String::as_str).filter(|import| seen.insert(*import)));
        }
        seen.contains(to)
    };
    let width = rooms.iter().map(|room| room.len()).max().unwrap_or_default() + 1;
    let line = |room: &&str| {
        let all: Vec<_> = rooms.iter().filter(|other| imports[*room].contains(**other)).copied().collect();
        let direct = all.iter().filter(|to| !all.iter().any(|via| reaches(via, to)));
        let direct: Vec<_> = direct.copied().collect();
        format!("{room:<width$}→ {}", direct.join(" ")).trim_end_matches("→ ").trim().to_string()
    };
    rooms.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Holds the table below a heading of `docs/architecture.md` to the sources in `folder`: it has a row for each folder and each
/// file in it, and for nothing else. What the files inside the folders hold is said in the heads of their `mod.rs`.
pub(crate) fn check_table(heading: &str, folder: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let page = fs::read_to_string(&path).expect("docs/architecture.md");
    let (_, section) = page.split_once(heading).expect("the page has a section of this crate");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut explained = BTreeSet::new();
    for row in section.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (name, text) = row.split_once('`').expect("a name in backticks");
        let words = text.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic));
        assert!(words.count() > 1, "docs/architecture.md says nothing of {name}");
        explained.insert(name.to_owned());
    }
    let entry = |source: &Source| match source.name.split_once('/') {
        Some((room, _)) => format!("{room}/"),
        None => source.name.clone(),
    };
    let entries: BTreeSet<_> = sources(folder).iter().map(entry).collect();
    assert_eq!(
        explained, entries,
        "the rows of docs/architecture.md below {heading}, and what is in {folder}"
    );
}

/// Holds the picture below a heading of `docs/architecture.md` to the imports. `CURIO_BLESS=1` draws it anew.
pub(crate) fn check_picture(heading: &str, rooms: &[&str], imports: &BTreeMap<String, BTreeSet<String>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let page = fs::read_to_string(&path).expect("docs/architecture.md");
    let (before, section) = page.split_once(heading).expect("the page has a section of this crate");
    let parts: Vec<&str> = section.splitn(3, "```").collect();
    let [introduction, picture, after] = parts[..] else { panic!("there is no picture below {heading}") };
    let drawn = drawn(rooms, imports);
    if picture.trim_start_matches("text").trim() == drawn {
        return;
    }
    assert!(
        std::env::var_os("CURIO_BLESS").is_some(),
        "docs/architecture.md should show this picture below {heading}; CURIO_BLESS=1 draws it anew:\n{drawn}"
    );
    let page = format!("{before}{heading}{introduction}```text\n{drawn}\n```{after}");
    fs::write(path, page).expect("docs/architecture.md can be written");
}

//! What the documents say of the sources is true: quotes stand in their files, and the files, functions and tests that are named
//! exist. All documents are looked at, not only the tour.
#![forbid(unsafe_code)]

mod marks;

use marks::{blocks, chapters, documents, read, root};
use std::fs;
use std::path::Path;

/// A quote is to be read in one look; for more there is the file.
const LONGEST_QUOTE: usize = 10;

#[test]
fn each_quote_stands_in_its_file() {
    let mut wrong = Vec::new();
    for document in documents() {
        for block in blocks(&document).iter().filter(|block| block.kind == "quote") {
            let file = root().join(&block.of);
            let is_there = file.is_file() && holds(&read(&file), &block.text);
            if !is_there {
                wrong.push(format!("{}:{} is no longer in {}", document.display(), block.line, block.of));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_quote_in_the_tour_has_at_most_ten_lines() {
    for chapter in chapters() {
        for block in blocks(&chapter).iter().filter(|block| block.kind == "quote") {
            let lines = block.text.lines().count();
            assert!(lines <= LONGEST_QUOTE, "{}:{}: {lines} lines", chapter.display(), block.line);
        }
    }
}

/// Every Rust block of a chapter is run as a doctest, is marked as a quote, or says that it must not compile.
#[test]
fn no_code_in_the_tour_is_unchecked() {
    for chapter in chapters() {
        let text = read(&chapter);
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("```rust,ignore"))
        {
            let above = number.checked_sub(1).map_or("", |above| lines[above]);
            assert!(above.starts_with("<!-- quote: "), "{}:{}: {line}", chapter.display(), number + 1);
        }
    }
}

/// Whether `text` has the lines of `quote` one after the other, whatever the indentation of the whole.
fn holds(text: &str, quote: &str) -> bool {
    let quote: Vec<&str> = quote.lines().collect();
    let wanted = without_common_indent(&quote);
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(quote.len()).any(|window| without_common_indent(window) == wanted)
}

fn without_common_indent<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let indent_of = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent_of).min().unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or("").trim_end()).collect()
}

/// `` `runtime/src/kernel/cycle.rs` `` names a file, `` `runtime/src/kernel/cycle.rs: poll_io, Kernel` `` items in it.
#[test]
fn each_file_and_item_that_is_named_exists() {
    let mut wrong = Vec::new();
    for document in documents() {
        for (number, line) in prose(&read(&document)) {
            for code in inline_code(&line) {
                let (path, items) = code.split_once(": ").unwrap_or((code, ""));
                if !names_a_file(path) {
                    continue;
                }
                let place = format!("{}:{number}", document.display());
                let file = root().join(path.trim_end_matches('/'));
                if !file.exists() {
                    wrong.push(format!("{place}: {path} does not exist"));
                    continue;
                }
                let items = items.split(", ").filter(|item| !item.is_empty());
                for item in items.filter(|item| !defines(&read(&file), item)) {
                    wrong.push(format!("{place}: {path} has no {item}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lines outside of fenced blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut in_fence = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        in_fence ^= line.trim_start().starts_with("```");
        if !in_fence {
            lines.push((number + 1, line.to_string()));
        }
    }
    lines
}

fn inline_code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Whether it is a path from the root of the repository, of a folder that holds sources, without a placeholder.
fn names_a_file(code: &str) -> bool {
    let folders = ["runtime/", "http/", "examples/", "tests/", "docs/", "bench/", ".ci/"];
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    folders.iter().any(|folder| code.starts_with(folder))
        && code.chars().all(is_plain)
        && !code.contains("..")
}

/// Whether Rust source defines a function, type or constant of this name. Of `Kernel::poll_io` the last part counts.
fn defines(source: &str, item: &str) -> bool {
    let name = item.rsplit("::").next().unwrap_or(item).trim_end_matches("()");
    let kinds = ["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "macro_rules!"];
    kinds.iter().any(|kind| {
        let definition = format!("{kind} {name}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        source.match_indices(&definition).any(|(at, _)| ends(&source[at + definition.len()..]))
    })
}

#[test]
fn each_document_is_in_the_index() {
    let index = read(&root().join("docs/README.md"));
    for entry in fs::read_dir(root().join("docs")).expect("the documents are there") {
        let name = entry.expect("a folder can be listed").file_name().to_string_lossy().into_owned();
        let is_listed = index.contains(&format!("]({name}")) || name == "README.md" || name.starts_with('.');
        assert!(is_listed, "docs/README.md does not list {name}");
    }
}

/// `[text](path)` and `[text](path#heading)`, to files of the repository.
#[test]
fn each_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        for (number, line) in prose(&read(&document)) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let (path, heading) = target.split_once('#').unwrap_or((target, ""));
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let file = if path.is_empty() {
                    document.clone()
                } else {
                    document.parent().expect("a file is in a folder").join(path)
                };
                let is_there = file.exists() && (heading.is_empty() || has_heading(&file, heading));
                if !is_there {
                    wrong.push(format!("{}:{number}: {target}", document.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "links to nothing:\n{}", wrong.join("\n"));
}

/// Whether a heading has this anchor, made as GitHub makes it: lower case, without punctuation, blanks as hyphens.
fn has_heading(file: &Path, anchor: &str) -> bool {
    let text = read(file);
    let headings = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| line.trim_start_matches('#').trim());
    headings.map(anchor_of).any(|heading| heading == anchor)
}

fn anchor_of(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

mod the_checks_themselves {
    use super::{anchor_of, defines, holds, names_a_file};

    #[test]
    fn a_quote_may_be_indented_otherwise_but_not_changed() {
        let source = "fn a() {\n    if b {\n        c();\n    }\n}\n";
        assert!(holds(source, "if b {\n    c();\n}"));
        assert!(!holds(source, "if b {\n    d();\n}"));
        assert!(!holds(source, "if b {\n}"), "lines that were left out");
    }

    #[test]
    fn an_item_is_found_by_its_whole_name() {
        let source = "pub fn poll_io(&self) {}\nstruct Kernel;";
        assert!(defines(source, "poll_io") && defines(source, "Kernel"));
        assert!(!defines(source, "poll"), "a part of a name");
    }

    #[test]
    fn a_placeholder_is_no_path() {
        assert!(names_a_file("runtime/src/lib.rs"));
        assert!(!names_a_file("examples/NAME.rs …") && !names_a_file("cargo test"));
    }

    #[test]
    fn anchors_are_those_of_github() {
        assert_eq!(anchor_of("What goes wrong without it?"), "what-goes-wrong-without-it");
    }
}

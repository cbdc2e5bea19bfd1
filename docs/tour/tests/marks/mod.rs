//! Reads the marks in Markdown files: comments, invisible to readers, that say where the block below them comes from.
//!
//! ```text
//! <!-- program: ch03_turns -->      the block is the file docs/tour/examples/ch03_turns.rs
//! <!-- output: ch03_turns -->       ... what the program prints
//! <!-- trace: ch03_turns -->        ... what it prints with CURIO_DEBUG=schedtrace
//! <!-- part of trace: ch03_turns -->  ... lines of that, in their order
//! <!-- picture: ch03_turns -->      the image below it is drawn by the program with CURIO_TRACE
//! <!-- quote: runtime/src/lib.rs --> the block stands in that file
//! ```
#![allow(dead_code, reason = "each test file uses a part of this module")]

use std::fs;
use std::path::{Path, PathBuf};

/// A block of text with the mark above it.
#[derive(Debug)]
pub(crate) struct Block {
    /// `trace`, `quote` and so on.
    pub(crate) kind: String,
    /// What it is of: a program or a path.
    pub(crate) of: String,
    /// Without the fence, if it has one.
    pub(crate) text: String,
    /// The line of the mark, from 1.
    pub(crate) line: usize,
    /// Where the text is in the file, in lines from 0, for drawing up the file anew.
    pub(crate) range: std::ops::Range<usize>,
}

pub(crate) const KINDS: [&str; 6] = ["program", "output", "trace", "part of trace", "picture", "quote"];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let tour = Path::new(env!("CARGO_MANIFEST_DIR"));
    tour.ancestors().nth(2).expect("docs/tour is two folders deep").to_path_buf()
}

/// The chapters, in their order.
pub(crate) fn chapters() -> Vec<PathBuf> {
    let files = markdown_below(&root().join("docs/tour"));
    files.into_iter().filter(|path| name(path).starts_with(|c: char| c.is_ascii_digit())).collect()
}

/// Every Markdown file of the project that is written for readers.
pub(crate) fn documents() -> Vec<PathBuf> {
    let mut files = markdown_below(&root().join("docs"));
    files.extend(["README.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    files
}

fn markdown_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() && name(&path) != "target" {
            files.extend(markdown_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A file's text, with line ends as on Unix.
pub(crate) fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.replace("\r\n", "\n")
}

/// The marked blocks of a document.
///
/// # Panics
/// At a mark of an unknown kind, and at one without a block below it: a mark with a mistake in it would check nothing.
pub(crate) fn blocks(path: &Path) -> Vec<Block> {
    let text = read(path);
    let lines: Vec<&str> = text.lines().collect();
    let mut blocks = Vec::new();
    let mut in_fence = false;
    for (number, line) in lines.iter().enumerate() {
        in_fence ^= line.trim_start().starts_with("```");
        let mark = line.trim().strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
        let Some((kind, of)) = mark.and_then(|mark| mark.split_once(": ")).filter(|_| !in_fence) else {
            continue;
        };
        let place = format!("{}:{}", path.display(), number + 1);
        assert!(KINDS.contains(&kind), "{place}: no such mark: {kind}");
        let (range, is_fenced) = range_of_block(&lines, number + 1);
        assert!(is_fenced || !range.is_empty(), "{place}: the mark has no block below it");
        let text = lines[range.clone()].join("\n");
        blocks.push(Block { kind: kind.to_string(), of: of.to_string(), text, line: number + 1, range });
    }
    blocks
}

/// The lines inside of the fence that begins at `start`, or without a fence the lines up to the next empty one; and whether it has
/// one. A block in a fence may be empty, to be filled in.
fn range_of_block(lines: &[&str], start: usize) -> (std::ops::Range<usize>, bool) {
    let is_fenced = lines.get(start).is_some_and(|line| line.trim_start().starts_with("```"));
    let start = start + usize::from(is_fenced);
    let ends = |line: &&str| if is_fenced { line.trim() == "```" } else { line.trim().is_empty() };
    let rest = lines.get(start..).unwrap_or_default();
    (start..start + rest.iter().position(ends).unwrap_or(rest.len()), is_fenced)
}

/// The document with other text in one of its blocks.
pub(crate) fn with_block(document: &str, block: &Block, text: &str) -> String {
    let lines: Vec<&str> = document.lines().collect();
    let before = lines[..block.range.start].iter().copied();
    let after = lines[block.range.end..].iter().copied();
    let all: Vec<&str> = before.chain(text.trim_end().lines()).chain(after).collect();
    all.join("\n") + "\n"
}

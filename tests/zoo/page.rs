//! docs/zoo.md: its table, its entries, and the blocks of code in them.

use curio_support::Failure;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// `examples/zoo`.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join("zoo")
}

/// The programs in a folder.
pub(crate) fn names_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".rs").filter(|name| !["main", "mod"].contains(name)) {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// Whether `part`, moved to the right, is a sequence of whole lines of `text`.
pub(crate) fn indented_alike(text: &str, part: &str) -> bool {
    let depths = [0, 4, 8, 12, 16];
    let moved = |depth: usize| -> Vec<String> {
        let blank = |line: &str| if line.is_empty() { String::new() } else { " ".repeat(depth) + line };
        part.lines().map(blank).collect()
    };
    let lines: Vec<&str> = text.lines().collect();
    depths.iter().any(|depth| {
        let part = moved(*depth);
        lines.windows(part.len()).any(|window| window == part)
    })
}

pub(crate) struct Page {
    text: String,
    /// What stands on it and is not true, with what is.
    wrong: Vec<(Block, String)>,
}

/// The text between two lines of fences.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) text: String,
    /// Where it begins in the page.
    start: usize,
}

/// The section of one program.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// The program, what it prints, and parts of the repaired program.
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    pub(crate) fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
    }

    fn path() -> PathBuf {
        Page::folder().join("zoo.md")
    }

    pub(crate) fn read() -> io::Result<Page> {
        Ok(Page { text: fs::read_to_string(Page::path())?.replace("\r\n", "\n"), wrong: Vec::new() })
    }

    /// The sections whose title begins with the name of a program.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let (mut place, mut open) = (0, None::<Block>);
        for line in self.text.split_inclusive('\n') {
            place += line.len();
            let line = line.trim_end();
            match open.take() {
                Some(block) if line == "```" => {
                    let text = self.text[block.start..place - "```\n".len()].trim_end().to_owned();
                    if let Some(entry) = entries.last_mut() {
                        entry.blocks.push(Block { text, ..block });
                    }
                }
                Some(block) => open = Some(block),
                None if line.starts_with("```") => open = Some(Block { text: String::new(), start: place }),
                None => {
                    if let Some((name, _)) = line.strip_prefix("## `").and_then(|title| title.split_once('`'))
                    {
                        entries.push(Entry { name: name.to_owned(), blocks: Vec::new() });
                    }
                }
            }
        }
        entries
    }

    /// The programs that the table of symptoms leads to.
    pub(crate) fn in_the_table(&self) -> BTreeSet<String> {
        let rows = self.text.lines().filter(|line| line.starts_with("| "));
        let links = rows.flat_map(|row| row.split("[`").skip(1));
        links.filter_map(|link| Some(link.split_once("`](#")?.0.to_owned())).collect()
    }

    /// The files that are linked to, from the folder of the page.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        links.filter(|link| !link.is_empty()).map(str::to_owned).collect()
    }

    /// Notes what `block` should say, if it is not true.
    pub(crate) fn check(&mut self, block: &Block, truth: &str, is_true: bool) {
        if !is_true {
            self.wrong.push((block.clone(), truth.trim_end().to_owned()));
        }
    }

    /// Fails if something was not true, or makes it so.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        if std::env::var_os("CURIO_BLESS").is_some() {
            for (block, truth) in self.wrong.iter().rev() {
                self.text.replace_range(block.start..block.start + block.text.len(), truth);
                if block.text.is_empty() {
                    self.text.insert(block.start + truth.len(), '\n');
                }
            }
            return Ok(fs::write(Page::path(), self.text)?);
        }
        let wrong = self
            .wrong
            .iter()
            .map(|(block, truth)| format!("docs/zoo.md says\n{}\n\nbut it is\n{truth}", block.text));
        let wrong: Vec<String> = wrong.collect();
        assert!(wrong.is_empty(), "{}\n\nCURIO_BLESS=1 writes it anew", wrong.join("\n\n"));
        Ok(())
    }
}

impl Entry {
    fn block(&self, number: usize, what: &str) -> Result<&Block, Failure> {
        Ok(self.blocks.get(number).ok_or_else(|| format!("the entry of {} shows no {what}", self.name))?)
    }

    pub(crate) fn program(&self) -> Result<&Block, Failure> {
        self.block(0, "program")
    }

    pub(crate) fn console(&self) -> Result<&Block, Failure> {
        self.block(1, "command")
    }

    pub(crate) fn program_file(&self) -> io::Result<String> {
        Ok(fs::read_to_string(folder().join(self.name.clone() + ".rs"))?.replace("\r\n", "\n"))
    }
}

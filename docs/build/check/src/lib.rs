//! The steps of `docs/build` and the files in them, for the tests that hold them together.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).expect("it is three folders up").to_path_buf()
}

/// A file as text, with line ends of one kind.
pub fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("\r\n", "\n")
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its number.
    pub number: usize,
    /// Its folder.
    pub folder: PathBuf,
}

/// All steps, in order.
pub fn steps() -> Vec<Step> {
    let folder = |number| root().join("docs").join("build").join(format!("step{number}"));
    let steps: Vec<_> = (0..)
        .map(|number| Step { number, folder: folder(number) })
        .take_while(|step| step.folder.is_dir())
        .collect();
    assert!(steps.len() > 2, "the steps are found");
    steps
}

/// The file names in a folder that end with `.rs`, in order; none if there is no such folder.
pub fn rust_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().expect("file names are text")).collect();
    names.retain(|name| name.ends_with(".rs"));
    names.sort();
    names
}

impl Step {
    /// The text of a file of this step.
    pub fn read(&self, path: &str) -> String {
        read(&self.folder.join(path))
    }

    /// The names of its source files.
    pub fn sources(&self) -> Vec<String> {
        rust_files(&self.folder.join("src"))
    }

    /// The text of one of its source files.
    pub fn source(&self, name: &str) -> String {
        read(&self.folder.join("src").join(name))
    }

    /// All of its code: the library, its tests and its examples.
    pub fn all_code(&self) -> String {
        let folders = ["src", "tests", "examples"].map(|name| self.folder.join(name));
        let texts = folders
            .iter()
            .flat_map(|folder| rust_files(folder).into_iter().map(move |name| read(&folder.join(name))));
        texts.collect()
    }

    /// How many lines of its library are neither blank nor comments.
    pub fn lines_of_code(&self) -> usize {
        let count = |name: &String| self.source(name).lines().filter(|line| is_code(line)).count();
        self.sources().iter().map(count).sum()
    }
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

/// Whether a text defines something with this name, or a method or field of this name.
pub fn defines(text: &str, name: &str) -> bool {
    let kinds = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "const ",
        "static ",
        "mod ",
        "type ",
        "macro_rules! ",
        "union ",
    ];
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    kinds.iter().any(|kind| {
        let wanted = format!("{kind}{name}");
        text.match_indices(&wanted).any(|(at, _)| is_end(&text[at + wanted.len()..]))
    })
}

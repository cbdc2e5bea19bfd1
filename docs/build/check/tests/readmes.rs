//! The READMEs of the steps, held to: what they name and call unchanged is so. That their quotes stand in their files, and that
//! what they name in the real source exists, is checked by the tests of the tour, for all documents.

use build_check::{Step, defines, read, root, steps};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A README, and the step that it is of, if it is of one.
struct Readme {
    name: String,
    step: Option<Step>,
    text: String,
}

fn readmes() -> Vec<Readme> {
    let all = Readme {
        name: String::from("README.md"),
        step: None,
        text: read(&root().join("docs").join("build").join("README.md")),
    };
    let of_step = |step: Step| Readme {
        name: format!("step{}/README.md", step.number),
        text: step.read("README.md"),
        step: Some(step),
    };
    [all].into_iter().chain(steps().into_iter().map(of_step)).collect()
}

impl Readme {
    /// The text without its fenced blocks.
    fn prose(&self) -> String {
        let mut inside = false;
        let is_prose = |line: &&str| {
            let is_fence = line.starts_with("```");
            inside ^= is_fence;
            !is_fence && !inside
        };
        self.text.lines().filter(is_prose).map(|line| format!("{line}\n")).collect()
    }
}

/// What stands in backquotes.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn is_name(span: &str) -> bool {
    span.starts_with(|c: char| c.is_alphabetic()) && span.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The fenced blocks, each with the line before it and the language.
fn blocks(text: &str) -> Vec<(String, String, String)> {
    let mut blocks = Vec::new();
    let (mut before, mut lines) = ("", text.lines());
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let content: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push((before.to_string(), language.to_string(), content));
        }
        before = line;
    }
    blocks
}

#[test]
fn each_step_asks_one_question_and_has_its_sections() {
    for readme in readmes() {
        let Some(step) = &readme.step else { continue };
        let title = readme.text.lines().next().unwrap_or_default();
        let begins = title.starts_with(&format!("# Step {}: ", step.number));
        assert!(begins && title.ends_with('?'), "{}: `{title}` asks a question", readme.name);
        let sections = ["What is missing", "The idea", "The new pieces", "Exercises"];
        let sections = if step.number == 9 { &sections[..1] } else { &sections[..] };
        for section in sections {
            let heading = format!("\n## {section}\n");
            assert!(readme.text.contains(&heading), "{} has a section `{section}`", readme.name);
        }
    }
}

/// The tests of the tour look for each quote in its file. Here every block has to be one.
#[test]
fn each_block_of_rust_is_a_quote_or_says_that_it_is_a_sketch() {
    let mut quotes = 0;
    for readme in readmes() {
        for (before, language, content) in blocks(&readme.text) {
            let is_quote = before.starts_with("<!-- quote: docs/build/step") && before.ends_with(" -->");
            let is_right = language != "rust" || is_quote || before == "<!-- sketch -->";
            assert!(is_right, "{}: this block says neither `quote` nor `sketch`:\n{content}", readme.name);
            quotes += usize::from(is_quote);
        }
    }
    assert!(quotes > 20, "the quotes are found");
}

/// Every span `….rs`: a file of the step, of the step before it, or of the repository.
#[test]
fn every_file_that_is_named_exists() {
    let mut files = 0;
    for readme in readmes() {
        let prose = readme.prose();
        for path in code_spans(&prose).into_iter().filter(|span| span.ends_with(".rs")) {
            let mut folders = vec![root()];
            if let Some(step) = &readme.step {
                let before = steps().into_iter().find(|other| other.number + 1 == step.number);
                for step in [Some(step.clone()), before].into_iter().flatten() {
                    folders.extend([step.folder.clone(), step.folder.join("src")]);
                }
            }
            let exists = folders.iter().any(|folder| folder.join(path).is_file());
            assert!(exists, "{}: there is no {path}", readme.name);
            files += 1;
        }
    }
    assert!(files > 5, "the names of files are found");
}

/// Names in the text of a step, such as `` `run_ready` `` and `` `Reactor::poll` ``, occur in its code, in that of the step before,
/// or in the real source.
#[test]
fn what_is_named_occurs_in_the_code() {
    let real = below(&root().join("runtime").join("src"));
    let real = words(&real);
    for readme in readmes() {
        let Some(step) = &readme.step else { continue };
        let before = step.number.checked_sub(1).map(|number| steps()[number].all_code()).unwrap_or_default();
        let code = [step.all_code(), before].concat();
        let here = words(&code);
        for span in code_spans(&readme.prose()) {
            let names: Vec<&str> = span.split("::").collect();
            if names.iter().all(|name| is_name(name)) {
                let occur = names.iter().all(|name| here.contains(name) || real.contains(name));
                assert!(occur, "{}: what is `{span}`?", readme.name);
            }
        }
    }
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}

/// The Rust code in a folder and all folders in it.
fn below(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&read(&path));
        }
    }
    text
}

/// The first column of the tables names what is here.
#[test]
fn what_is_said_to_be_here_is_here() {
    for readme in readmes() {
        let Some(step) = readme.step.as_ref().filter(|step| step.number < 9) else { continue };
        let code = step.all_code();
        for line in readme.text.lines().filter(|line| line.contains("| `runtime/")) {
            let here = line.trim_start_matches('|').split('|').next().unwrap_or_default();
            for name in code_spans(here).into_iter().filter(|span| is_name(span)) {
                assert!(defines(&code, name), "{}: {name} is not here", readme.name);
            }
        }
    }
}

/// A long name in lower case is that of a test.
#[test]
fn every_test_that_is_named_exists() {
    let is_test = |span: &&str| is_name(span) && span.matches('_').count() > 3;
    let runtime_tests = root().join("runtime").join("tests");
    let of_runtime: String =
        build_check::rust_files(&runtime_tests).iter().map(|name| read(&runtime_tests.join(name))).collect();
    for readme in readmes() {
        let Some(step) = &readme.step else { continue };
        let code = step.all_code();
        for name in code_spans(&readme.prose()).into_iter().filter(is_test) {
            let exists = defines(&code, name) || defines(&of_runtime, name);
            assert!(exists, "{}: there is no test {name}", readme.name);
        }
    }
}

#[test]
fn step_9_has_a_row_for_each_of_its_tests() {
    let (tests, readme) = (steps()[9].read("tests/step9.rs"), steps()[9].read("README.md"));
    let after_marks = tests.split("#[test]\nfn ").skip(1);
    let names: Vec<&str> = after_marks.filter_map(|rest| rest.split('(').next()).collect();
    assert!(names.len() > 10, "the tests are found");
    for name in names {
        assert!(readme.contains(&format!("`{name}`")), "step9/README.md does not name {name}");
    }
}

#[test]
fn the_path_has_a_row_for_each_step() {
    let all = &readmes()[0].text;
    for step in steps() {
        let row = format!("| [{0}](step{0}/README.md) |", step.number);
        assert!(all.contains(&row), "README.md has a row `{row} …`");
    }
}

#[test]
fn each_step_adds_40_to_150_lines() {
    let lines: Vec<usize> = steps().iter().map(Step::lines_of_code).collect();
    for (number, pair) in lines.windows(2).enumerate() {
        let added = pair[1].saturating_sub(pair[0]);
        // Step 9 is no longer a copy of the step before it: it runs on the real source.
        let added = if number + 1 == 9 { pair[1] } else { added };
        assert!((40..=150).contains(&added), "step {} adds {added} lines", number + 1);
    }
    assert!((40..=150).contains(&lines[0]), "step 0 has {} lines", lines[0]);
}

/// The sentences with the word "unchanged", and the files that they name.
fn called_unchanged(prose: &str) -> BTreeSet<String> {
    let text = prose.replace('\n', " ");
    let sentences = text.split(". ").filter(|sentence| sentence.contains("unchanged"));
    sentences
        .flat_map(|sentence| {
            let files = code_spans(sentence).into_iter().filter(|span| span.ends_with(".rs"));
            files.map(str::to_string).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn what_is_called_unchanged_is_and_what_has_changed_is_mentioned() {
    let (steps, readmes) = (steps(), readmes());
    for pair in steps.windows(2).filter(|pair| pair[1].number < 9) {
        let [before, after] = pair else { unreachable!("windows of two") };
        let readme = &readmes[after.number + 1];
        let prose = readme.prose();
        let (unchanged, kept) = (called_unchanged(&prose), before.sources());
        for name in after.sources().iter().filter(|name| *name != "lib.rs") {
            let is_same = kept.contains(name) && before.source(name) == after.source(name);
            let says = if unchanged.contains(name) { "unchanged" } else { "changed or new" };
            if is_same {
                assert!(unchanged.contains(name), "{}: {name} is not called unchanged, but is", readme.name);
            } else {
                assert!(!unchanged.contains(name), "{}: {name} is called {says}", readme.name);
                let named = code_spans(&prose).contains(&name.as_str());
                assert!(named, "{}: {name} is {says} and not mentioned", readme.name);
            }
        }
    }
}

/// The text of a function, from its signature to the brace that closes it.
fn function<'t>(text: &'t str, name: &str) -> &'t str {
    let begin = text.find(&format!("async fn {name}(")).unwrap_or_else(|| panic!("there is no {name}"));
    let end = text[begin..].find("\n}\n").expect("a function ends");
    &text[begin..begin + end]
}

#[test]
fn the_program_of_step_8_is_that_of_the_article_line_by_line() {
    let article = read(&root().join("examples").join("concurrent.rs"));
    let ours = steps()[8].read("examples/four_requests.rs");
    for name in ["fetch_one", "main_task"] {
        // The small client knows text and no JSON, and the program imports `spawn`.
        let article = function(&article, name).replace("Value", "String").replace(".json()", ".text()");
        assert_eq!(function(&ours, name), article.replace("curio::spawn", "spawn"));
    }
}

//! The READMEs of the steps, held to: what they quote, name and call unchanged is so.

use build_check::{Step, defines, read, root, steps};
use std::collections::BTreeSet;
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

/// The lines without the indentation that all of them share.
fn without_indentation(text: &str) -> String {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let common = lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    text.lines().map(|line| format!("{}\n", line.get(common..).unwrap_or_default())).collect()
}

/// Whether these lines stand in the file one after the other, however far they are indented there.
fn is_quoted_from(quote: &str, file: &str) -> bool {
    let quote = without_indentation(quote);
    let (count, lines): (usize, Vec<&str>) = (quote.lines().count(), file.lines().collect());
    lines.windows(count).any(|window| without_indentation(&window.join("\n")) == quote)
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

#[test]
fn what_is_quoted_is_in_its_file() {
    let mut quotes = 0;
    for readme in readmes() {
        for (before, language, content) in blocks(&readme.text) {
            if language != "rust" || before == "<!-- sketch -->" {
                continue;
            }
            let path = before.strip_prefix("<!-- quote: ").and_then(|rest| rest.strip_suffix(" -->"));
            let Some(path) = path else {
                panic!("{}: this block says neither `quote` nor `sketch`:\n{content}", readme.name)
            };
            let step = readme.step.as_ref().expect("only the READMEs of steps quote");
            let own = step.folder.join(path);
            let file = read(&if own.is_file() { own } else { root().join(path) });
            assert!(is_quoted_from(&content, &file), "{}: not in {path}:\n{content}", readme.name);
            quotes += 1;
        }
    }
    assert!(quotes > 5, "the quotes are found");
}

#[test]
fn a_quote_is_recognised_wherever_it_is_indented_and_nowhere_else() {
    let file = "fn a() {\n    if b {\n        c();\n    }\n}\n";
    assert!(is_quoted_from("if b {\n    c();\n}\n", file));
    assert!(!is_quoted_from("if b {\nc();\n}\n", file), "the indentation inside counts");
    assert!(!is_quoted_from("if b {\n}\n", file), "no line is left out");
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

/// `` `runtime/src/kernel/waker.rs`: `TaskWaker`, `wake_all` ``: the names are defined there.
#[test]
fn what_the_real_source_is_said_to_hold_is_there() {
    let mut names = 0;
    for readme in readmes() {
        for line in readme.prose().lines() {
            let parts: Vec<&str> = line.split('`').collect();
            for (index, path) in parts.iter().enumerate().skip(1).step_by(2) {
                if !path.ends_with(".rs") || parts.get(index + 1) != Some(&": ") {
                    continue;
                }
                let file = read(&root().join(path));
                for at in (index + 2..parts.len()).step_by(2) {
                    let name = parts[at].rsplit("::").next().unwrap_or_default();
                    assert!(defines(&file, name), "{}: {path} does not define {name}", readme.name);
                    names += 1;
                    if parts.get(at + 1) != Some(&", ") && parts.get(at + 1) != Some(&" and ") {
                        break;
                    }
                }
            }
        }
    }
    assert!(names > 5, "the names are found");
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
fn links_lead_somewhere() {
    for readme in readmes() {
        let folder =
            readme.step.as_ref().map_or(root().join("docs").join("build"), |step| step.folder.clone());
        for link in readme.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            let exists = link.starts_with("https://") || folder.join(Path::new(path)).exists();
            assert!(exists, "{}: the link {link} leads nowhere", readme.name);
        }
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

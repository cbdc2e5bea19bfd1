//! Each chapter has the same parts in the same order, so that a reader knows where to look.
#![forbid(unsafe_code)]

mod marks;

use marks::{blocks, chapters, name, read, root};

const PARTS: [&str; 5] = [
    "## The program",
    "## In the source",
    "## What always holds",
    "## What goes wrong without it",
    "## Check yourself",
];

#[test]
fn each_chapter_asks_one_question_in_its_title() {
    for chapter in chapters() {
        let text = read(&chapter);
        let title = text.lines().next().unwrap_or_default();
        assert!(title.starts_with("# ") && title.ends_with('?'), "{}: {title}", chapter.display());
    }
}

#[test]
fn each_chapter_has_the_parts_in_this_order() {
    for chapter in chapters() {
        let text = read(&chapter);
        let headings: Vec<&str> = text.lines().filter(|line| PARTS.contains(line)).collect();
        assert_eq!(headings, PARTS, "{}", chapter.display());
    }
}

#[test]
fn each_chapter_shows_a_program_its_trace_its_picture_and_the_source() {
    for chapter in chapters() {
        let kinds: Vec<String> = blocks(&chapter).into_iter().map(|block| block.kind).collect();
        for wanted in ["program", "trace", "picture", "quote"] {
            let is_there = kinds.iter().any(|kind| kind.ends_with(wanted));
            assert!(is_there, "{} has no {wanted}", chapter.display());
        }
    }
}

/// A row for each: what holds, and the test that holds it.
#[test]
fn each_invariant_names_its_test() {
    for chapter in chapters() {
        let text = read(&chapter);
        let (_, part) = text.split_once("## What always holds").expect("checked above");
        let (part, _) = part.split_once("\n## ").expect("another part follows");
        let rows: Vec<&str> =
            part.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| what")).collect();
        assert!(rows.len() >= 3, "{}: three at least", chapter.display());
        for row in rows {
            let names_test = row.contains("/tests/") || row.contains("`tests/") || row.contains("/src/");
            assert!(names_test && row.contains(".rs: "), "{}: no test in {row}", chapter.display());
        }
    }
}

#[test]
fn each_chapter_ends_with_three_questions_whose_answers_are_folded() {
    for chapter in chapters() {
        let text = read(&chapter);
        let (_, part) = text.split_once("## Check yourself").expect("checked above");
        let count = |what: &str| part.matches(what).count();
        assert_eq!(
            (count("<details>"), count("<summary>"), count("</details>")),
            (3, 3, 3),
            "{}",
            chapter.display()
        );
    }
}

#[test]
fn each_chapter_is_in_the_list_and_mounted() {
    let (list, mounted) =
        (read(&root().join("docs/tour/README.md")), read(&root().join("docs/tour/src/lib.rs")));
    for chapter in chapters() {
        let file = name(&chapter);
        assert!(list.contains(&format!("]({file})")), "docs/tour/README.md does not list {file}");
        assert!(mounted.contains(&format!("\"../{file}\"")), "docs/tour/src/lib.rs does not mount {file}");
    }
}

#[test]
fn the_chapters_lead_from_one_to_the_next() {
    let chapters = chapters();
    for pair in chapters.windows(2) {
        let text = read(&pair[0]);
        let last = text.trim_end().lines().last().unwrap_or_default();
        assert!(last.contains(&format!("]({})", name(&pair[1]))), "{} does not lead on", pair[0].display());
    }
}

//! Compares pictures that the runtime has drawn of the same program at different times.

use crate::without_numbers;

/// What a picture says: the tasks, how long main took, and how many seconds each state and each region lasts. The numbers that
/// change from run to run (ports, source lines, milliseconds) are left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// The names of the tasks, from top to bottom.
    pub tasks: Vec<String>,
    /// How long main took.
    pub summary: Vec<String>,
    /// The bars that last at least half a second, sorted.
    pub stretches: Vec<String>,
}

impl Shown {
    /// Of the text of an SVG file.
    #[must_use]
    pub fn of(picture: &str) -> Shown {
        let texts = |class: &str| -> Vec<String> {
            let mark = format!("<text class=\"{class}\"");
            let lines = picture.lines().filter(|line| line.starts_with(&mark));
            lines.map(|line| between(line, ">", "<").to_string()).collect()
        };
        let mut stretches: Vec<String> =
            picture.lines().filter(|line| line.starts_with("<rect")).filter_map(stretch).collect();
        stretches.sort();
        let mut summary: Vec<String> = texts("summary").iter().map(|line| in_seconds(line)).collect();
        // The server is in the same program, and both ends of a connection wait equally long: which of them the path goes through
        // depends on what the machine polls last.
        summary.truncate(1);
        Shown { tasks: texts("name"), summary, stretches }
    }
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_once(from).unwrap_or(("", ""));
    rest.split_once(to).map_or(rest, |(found, _)| found)
}

/// The title of a bar that lasts at least half a second, without its source line.
fn stretch(line: &str) -> Option<String> {
    let title = between(line, "<title>", "</title>");
    let title = title.split_once(" at ").map_or(title, |(what, _)| what);
    let text = in_seconds(&without_numbers(title));
    (text.ends_with(" s") && !text.ends_with(" 0 s")).then_some(text)
}

/// `4.01 s` and `3999 ms` to `4 s`, and `66.6 %` to `67 %`.
fn in_seconds(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let unit = word.trim_end_matches([':', ',']);
        let number = words.last().and_then(|number| number.parse::<f64>().ok());
        if let (Some(number), "s" | "ms" | "µs" | "%") = (number, unit) {
            words.pop();
            let scale = match unit {
                "ms" => 1e-3,
                "µs" => 1e-6,
                _ => 1.0,
            };
            words.push((number * scale).round().to_string());
            words.push(if unit == "%" { "%" } else { "s" }.to_string());
        } else {
            words.push(word.to_string());
        }
    }
    words.join(" ")
}

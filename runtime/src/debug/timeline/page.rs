//! The picture as an HTML page: one file that holds its style, its script and the run as data, and loads nothing.

use super::critical_path::{self, Stretch};
use super::escape::{Json, Xml};
use super::model::{Doing, End, Lane, Model, Span};
use super::words::{LOOKS, Look, of_cause};
use std::collections::HashMap;
use std::fmt;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
/// In the order in which they use each other.
const SCRIPTS: [&str; 5] = [
    include_str!("page/run.js"),
    include_str!("page/scale.js"),
    include_str!("page/drawing.js"),
    include_str!("page/details.js"),
    include_str!("page/controls.js"),
];

/// The whole page.
pub(super) fn write(model: &Model, title: &str, out: &mut impl fmt::Write) -> fmt::Result {
    let path = critical_path::of(model);
    // The marks are comments of the page's own languages, so that its files can be read and checked as what they are.
    let (before_title, rest) = split_at_mark(PAGE, "<!-- TITLE -->");
    let (before_style, rest) = split_at_mark(rest, "/* STYLE */");
    let (before_data, rest) = split_at_mark(rest, "<!-- DATA -->");
    let (before_script, rest) = split_at_mark(rest, "/* SCRIPT */");
    write!(out, "{before_title}{}{before_style}{STYLE}{before_data}", Xml(title))?;
    Data::new(model, &path).write(title, out)?;
    write!(out, "{before_script}{}{rest}", SCRIPTS.concat())
}

fn split_at_mark<'t>(text: &'t str, mark: &str) -> (&'t str, &'t str) {
    text.split_once(mark).expect("page.html has its marks")
}

/// The run as JSON. Texts that recur are written once, and named by their place.
struct Data<'m> {
    model: &'m Model,
    path: &'m [Stretch],
    texts: Vec<String>,
    known: HashMap<String, usize>,
}

impl<'m> Data<'m> {
    fn new(model: &'m Model, path: &'m [Stretch]) -> Data<'m> {
        Data { model, path, texts: Vec::new(), known: HashMap::new() }
    }

    fn text(&mut self, text: String) -> usize {
        if let Some(index) = self.known.get(&text) {
            return *index;
        }
        self.texts.push(text.clone());
        self.known.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }

    fn optional(&mut self, text: Option<String>) -> String {
        text.map_or("-1".into(), |text| self.text(text).to_string())
    }

    fn write(mut self, title: &str, out: &mut impl fmt::Write) -> fmt::Result {
        let model = self.model;
        write!(out, "{{\"title\":{},", Json(title))?;
        write!(out, "\"start\":{},\"end\":{},", model.start.as_nanos(), model.end.as_nanos())?;
        write!(out, "\"forgotten\":{},", model.forgotten)?;
        out.write_str("\"looks\":")?;
        list(out, LOOKS, |out, (_, name, words)| write!(out, "[{},{}]", Json(name), Json(words)))?;
        out.write_str(",\n\"lanes\":")?;
        list(out, &model.lanes, |out, lane| self.write_lane(lane, out))?;
        out.write_str(",\n\"arrows\":")?;
        list(out, &model.arrows, |out, arrow| {
            let kind = arrow.kind.name();
            write!(out, "[{},{},{},\"{kind}\"]", arrow.time.as_nanos(), arrow.from, arrow.to)
        })?;
        out.write_str(",\n\"path\":")?;
        list(out, self.path, |out, stretch| {
            let what = self.text(stretch.held_up_by.to_string());
            write!(out, "[{},{},{},{what}]", stretch.task, stretch.from.as_nanos(), stretch.to.as_nanos())
        })?;
        out.write_str(",\n\"summary\":")?;
        list(out, critical_path::summary(model, self.path), |out, line| write!(out, "{}", Json(&line)))?;
        out.write_str(",\n\"texts\":")?;
        list(out, &self.texts, |out, text| write!(out, "{}", Json(text)))?;
        out.write_str("}")
    }

    fn write_lane(&mut self, lane: &Lane, out: &mut impl fmt::Write) -> fmt::Result {
        let end = match lane.end {
            None => "",
            Some(End::Returned) => "returned",
            Some(End::Panicked) => "panicked",
            Some(End::Cancelled) => "cancelled",
        };
        let spawned_at = self.optional(lane.spawned_at.map(|at| at.to_string()));
        let parent = lane.parent.unwrap_or(0);
        write!(out, "\n{{\"id\":{},\"name\":{},", lane.id, Json(&lane.name))?;
        write!(out, "\"depth\":{},\"parent\":{parent},\"at\":{spawned_at},\"end\":\"{end}\",", lane.depth)?;
        out.write_str("\"spans\":")?;
        list(out, &lane.spans, |out, span| self.write_span(lane, span, out))?;
        out.write_str(",\"regions\":")?;
        list(out, &lane.regions, |out, bar| {
            let (label, at) = (self.text(bar.label.clone()), self.text(bar.at.to_string()));
            let (from, to) = (bar.from.as_nanos(), bar.to.as_nanos());
            write!(out, "[{from},{to},{},{label},{at}]", bar.depth)
        })?;
        out.write_str("}")
    }

    /// `[from, to, look, what it does, where, woken by task, why, real time of the poll]`
    fn write_span(&mut self, lane: &Lane, span: &Span, out: &mut impl fmt::Write) -> fmt::Result {
        let what = match span.doing {
            Doing::Running => "RUNNING".into(),
            Doing::Ready => "READY".into(),
            Doing::Waiting(state) => state.to_string(),
        };
        let region = span.region.and_then(|region| lane.region(region));
        let at = span.at.map(|at| match region {
            Some(region) => format!("{at}, in {}", region.label),
            None => at.to_string(),
        });
        let (what, at) = (self.text(what), self.optional(at));
        let by = span.woken.as_ref().and_then(|woken| woken.by).unwrap_or(0);
        let cause = self.optional(span.woken.as_ref().map(|woken| of_cause(&woken.cause)));
        let look = Look::of(span.doing).index();
        let (from, to, took) = (span.from.as_nanos(), span.to.as_nanos(), span.took.as_nanos());
        write!(out, "[{from},{to},{look},{what},{at},{by},{cause},{took}]")
    }
}

fn list<T, W: fmt::Write>(
    out: &mut W,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut W, T) -> fmt::Result,
) -> fmt::Result {
    out.write_char('[')?;
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.write_char(',')?;
        }
        write(out, item)?;
    }
    out.write_char(']')
}

//! The picture as a trace in the Trace Event Format, which Perfetto (<https://ui.perfetto.dev>) and `chrome://tracing` open.
//!
//! A task is a thread of one process; its states are slices (`B` and `E`); its regions are asynchronous slices (`b` and `e`),
//! because a region may begin in one poll and end in another; a wake by another task, a spawn and a cancellation are flows
//! (`s` and `f`) from the slice of the one to the slice of the other. Times are microseconds and ascend.

use super::escape::Json;
use super::model::{Doing, Lane, Model, Span};
use super::words::of_cause;
use std::fmt::{self, Display, Write};
use std::time::Duration;

/// Which of several events of the same time comes first: a slice ends before the next one begins, and a flow begins inside
/// of its slice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    EndOfSlice,
    BeginOfSlice,
    Inside,
}

struct Line {
    time: Duration,
    order: Order,
    text: String,
}

/// The whole file.
pub(super) fn write(model: &Model, out: &mut impl fmt::Write) -> fmt::Result {
    let mut lines = Vec::new();
    for lane in &model.lanes {
        add_spans(lane, &mut lines);
        add_regions(lane, &mut lines);
    }
    add_flows(model, &mut lines);
    // Stable: of one task, what began earlier ends earlier.
    lines.sort_by_key(|line| (line.time, line.order));
    out.write_str("{\"displayTimeUnit\":\"ms\",\"otherData\":{")?;
    write!(out, "\"producer\":\"curio\",\"forgotten events\":{}", model.forgotten)?;
    out.write_str("},\"traceEvents\":[\n")?;
    out.write_str("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"curio\"}}")?;
    for (index, lane) in model.lanes.iter().enumerate() {
        let (id, name) = (lane.id, format!("{} {}", lane.id, lane.name));
        write!(
            out,
            ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{id},\"name\":\"thread_name\",\"args\":{{\"name\":{}}}}}",
            Json(&name)
        )?;
        write!(
            out,
            ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{id},\"name\":\"thread_sort_index\",\"args\":{{\"sort_index\":{index}}}}}"
        )?;
    }
    for line in &lines {
        write!(out, ",\n{}", line.text)?;
    }
    out.write_str("\n]}\n")
}

fn add_spans(lane: &Lane, lines: &mut Vec<Line>) {
    for span in &lane.spans {
        let mut args = String::new();
        for (name, value) in details(span) {
            let _ = write!(args, "{}{}:{}", if args.is_empty() { "" } else { "," }, Json(name), Json(&value));
        }
        let head = Head { kind: 'B', time: span.from, task: lane.id };
        lines.push(Line {
            time: span.from,
            order: Order::BeginOfSlice,
            text: format!("{{{head},\"name\":{},\"args\":{{{args}}}}}", Json(&name_of(span))),
        });
        let order = if span.length().is_zero() { Order::BeginOfSlice } else { Order::EndOfSlice };
        let head = Head { kind: 'E', time: span.to, task: lane.id };
        lines.push(Line { time: span.to, order, text: format!("{{{head}}}") });
    }
}

fn name_of(span: &Span) -> String {
    match span.doing {
        Doing::Running => "running".into(),
        Doing::Ready => "ready".into(),
        Doing::Waiting(state) => state.to_string(),
    }
}

fn details(span: &Span) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    details.extend(span.at.map(|at| ("at", at.to_string())));
    if let Some(woken) = &span.woken {
        let by = woken.by.map(|by| format!("task {by}"));
        details.push(("woken by", by.unwrap_or_else(|| of_cause(&woken.cause))));
    }
    if span.is_long_poll() {
        details.push(("blocked the loop for", format!("{:?}", span.took)));
    }
    details
}

fn add_regions(lane: &Lane, lines: &mut Vec<Line>) {
    for bar in &lane.regions {
        let mut push = |kind, time, order| {
            let head = Head { kind, time, task: lane.id };
            let (label, at, id) = (Json(&bar.label), bar.at.to_string(), bar.id);
            let text = format!(
                "{{{head},\"cat\":\"region\",\"id\":{id},\"name\":{label},\"args\":{{\"at\":{}}}}}",
                Json(&at)
            );
            lines.push(Line { time, order, text });
        };
        push('b', bar.from, Order::Inside);
        push('e', bar.to.max(bar.from), Order::Inside);
    }
}

fn add_flows(model: &Model, lines: &mut Vec<Line>) {
    for (id, arrow) in model.arrows.iter().enumerate() {
        // An arrow needs a slice at both ends.
        if model.lane(arrow.from).is_none() || model.lane(arrow.to).is_none() {
            continue;
        }
        let name = arrow.kind.name();
        for (kind, task, binding) in [('s', arrow.from, ""), ('f', arrow.to, ",\"bp\":\"e\"")] {
            let head = Head { kind, time: arrow.time, task };
            let text = format!("{{{head},\"cat\":\"wake\",\"id\":{id},\"name\":\"{name}\"{binding}}}");
            lines.push(Line { time: arrow.time, order: Order::Inside, text });
        }
    }
}

/// The fields that every event has.
struct Head {
    kind: char,
    time: Duration,
    task: u64,
}

impl Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.time.as_nanos();
        write!(
            f,
            "\"ph\":\"{}\",\"pid\":1,\"tid\":{},\"ts\":{}.{:03}",
            self.kind,
            self.task,
            nanos / 1000,
            nanos % 1000
        )
    }
}

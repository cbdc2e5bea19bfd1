//! The picture as an SVG image of fixed size, for a README: light and dark in one file, by the reader's preference.

use super::critical_path;
use super::escape::Xml;
use super::model::{Arrow, Lane, Model, Span};
use super::words::{LOOKS, Look, duration};
use std::fmt::{self, Write};
use std::time::Duration;

const STYLE: &str = include_str!("svg.css");
const WIDTH: usize = 880;
/// The column with the names of the tasks.
const NAMES: usize = 168;
const MARGIN: usize = 12;
const BAR: usize = 12;
/// The height of a region.
const REGION: usize = 12;
/// How many levels of regions a lane has room for.
const MOST_LEVELS: usize = 2;
/// The width of a letter of a label, about.
const LETTER: f64 = 5.4;
/// More tasks than this make an image too tall for a README.
const MOST_LANES: usize = 30;
/// More arrows than this hide what they connect.
const MOST_ARROWS: usize = 400;
const TICKS: usize = 8;

/// The whole image.
pub(super) fn write(model: &Model, title: &str, out: &mut impl fmt::Write) -> fmt::Result {
    Image { model, out }.write(title)
}

struct Image<'m, W> {
    model: &'m Model,
    out: &'m mut W,
}

fn height(lane: &Lane) -> usize {
    let levels = lane.regions.iter().map(|bar| bar.depth + 1).max().unwrap_or(0);
    14 + BAR + levels.min(MOST_LEVELS) * REGION
}

impl<W: Write> Image<'_, W> {
    fn write(&mut self, title: &str) -> fmt::Result {
        let path = critical_path::of(self.model);
        let summary = critical_path::summary(self.model, &path);
        let lanes = &self.model.lanes[..self.model.lanes.len().min(MOST_LANES)];
        let top = 34 + 16 * summary.len().min(3) + 18;
        // Where each lane begins, and where the last one ends.
        let mut tops = vec![top];
        tops.extend(lanes.iter().scan(top, |y, lane| {
            *y += height(lane);
            Some(*y)
        }));
        let bottom = tops[lanes.len()];
        let height = bottom + 80;
        write!(
            self.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"title summary\">\n<title id=\"title\">{}</title>\n\
             <desc id=\"summary\">{}</desc>\n<style>{STYLE}</style>\n",
            Xml(title),
            Xml(&summary.join(" "))
        )?;
        self.write_patterns()?;
        writeln!(self.out, "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>")?;
        self.text(MARGIN, 22, "head", title)?;
        for (line, text) in summary.iter().take(3).enumerate() {
            self.text(MARGIN, 40 + 16 * line, "summary", text)?;
        }
        self.write_axis(top, bottom)?;
        for (row, lane) in lanes.iter().enumerate() {
            self.write_lane(lane, tops[row])?;
        }
        let row = |id| lanes.iter().position(|lane| lane.id == id);
        for stretch in &path {
            if let Some(row) = row(stretch.task) {
                let (from, to) = (self.x(stretch.from), self.x(stretch.to));
                let y = tops[row] + 3;
                writeln!(self.out, "<path class=\"path\" d=\"M{from:.1} {y}H{to:.1}\"/>")?;
            }
        }
        for arrow in self.model.arrows.iter().take(MOST_ARROWS) {
            if let (Some(from), Some(to)) = (row(arrow.from), row(arrow.to)) {
                self.write_arrow(arrow, tops[from], tops[to])?;
            }
        }
        self.write_legend(bottom + 22)?;
        self.write_notes(lanes.len(), height - 10)?;
        self.out.write_str("</svg>\n")
    }

    fn x(&self, time: Duration) -> f64 {
        let whole = self.model.length().as_secs_f64().max(1e-9);
        let since = time.saturating_sub(self.model.start).as_secs_f64();
        (NAMES as f64) + since / whole * ((WIDTH - NAMES - MARGIN) as f64)
    }

    fn text(&mut self, x: usize, y: usize, class: &str, text: &str) -> fmt::Result {
        writeln!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", Xml(text))
    }

    /// Each state has a pattern as well as a colour, so that the picture can be read without colours.
    fn write_patterns(&mut self) -> fmt::Result {
        self.out.write_str("<defs>\n")?;
        for (_, name, _) in LOOKS {
            let marks = match name {
                "ready" => "<path d=\"M-1 7L7 -1M5 13L13 5\"/>",
                "sleeping" => "<circle cx=\"3\" cy=\"3\" r=\"1\"/>",
                "socket" => "<path d=\"M3 0V6\"/>",
                "joining" => "<path d=\"M0 3H6\"/>",
                "resource" => "<path d=\"M0 3H6M3 0V6\"/>",
                "thread" => "<path d=\"M0 4L1.5 1L4.5 5L6 2\"/>",
                "other" => "<circle cx=\"3\" cy=\"3\" r=\"2\"/>",
                _ => "",
            };
            writeln!(
                self.out,
                "<pattern id=\"{name}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
                 <rect class=\"{name}\" width=\"6\" height=\"6\"/><g class=\"mark\">{marks}</g></pattern>"
            )?;
        }
        self.out.write_str(
            "<marker id=\"tip\" viewBox=\"0 0 6 6\" refX=\"5\" refY=\"3\" markerWidth=\"5\" markerHeight=\"5\" \
             orient=\"auto\"><path class=\"tip\" d=\"M0 0L6 3L0 6Z\"/></marker>\n</defs>\n",
        )
    }

    fn write_axis(&mut self, top: usize, bottom: usize) -> fmt::Result {
        let step = round_step(self.model.length() / TICKS as u32);
        let mut time = Duration::ZERO;
        while !step.is_zero() && time <= self.model.length() {
            let x = self.x(self.model.start + time);
            writeln!(self.out, "<path class=\"grid\" d=\"M{x:.1} {top}V{bottom}\"/>")?;
            // The last one must not leave the image.
            if x < (WIDTH - MARGIN - 24) as f64 {
                let text = duration(time);
                writeln!(
                    self.out,
                    "<text class=\"tick\" x=\"{:.1}\" y=\"{}\">{text}</text>",
                    x + 3.0,
                    top - 4
                )?;
            }
            time += step;
        }
        Ok(())
    }

    fn write_lane(&mut self, lane: &Lane, y: usize) -> fmt::Result {
        let indent = MARGIN + 10 * lane.depth.min(5);
        let name: String = lane.name.chars().take(18 - lane.depth.min(5)).collect();
        self.text(indent, y + 16, "name", &format!("{} {name}", lane.id))?;
        let mut drawn = f64::MIN;
        for span in &lane.spans {
            let (from, to) = (self.x(span.from), self.x(span.to));
            // What is narrower than half a pixel is drawn only if there is room for it.
            if to - from < 0.5 && from < drawn + 0.5 {
                continue;
            }
            drawn = to.max(from + 0.8);
            self.write_span(span, from, drawn, y + 6)?;
        }
        for bar in lane.regions.iter().filter(|bar| bar.depth < MOST_LEVELS) {
            let (from, to) = (self.x(bar.from), self.x(bar.to));
            if to - from < 0.5 {
                continue;
            }
            let y = y + 6 + BAR + 1 + bar.depth * REGION;
            writeln!(
                self.out,
                "<rect class=\"region\" x=\"{from:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{}\"><title>{}</title></rect>",
                to - from,
                REGION - 1,
                Xml(&format!("{}: {}", bar.label, duration(bar.to.saturating_sub(bar.from))))
            )?;
            let room = ((to - from - 6.0) / LETTER).max(0.0) as usize;
            if room > 3 {
                let label: String = bar.label.chars().take(room).collect();
                let (x, y) = (from + 3.0, y + 9);
                writeln!(self.out, "<text class=\"label\" x=\"{x:.1}\" y=\"{y}\">{}</text>", Xml(&label))?;
            }
        }
        Ok(())
    }

    fn write_span(&mut self, span: &Span, from: f64, to: f64, y: usize) -> fmt::Result {
        let look = Look::of(span.doing);
        let blocks = if span.is_long_poll() { " blocks" } else { "" };
        let at = span.at.map(|at| format!(" at {at}")).unwrap_or_default();
        writeln!(
            self.out,
            "<rect class=\"span{blocks}\" fill=\"url(#{})\" x=\"{from:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\"><title>{}</title></rect>",
            look.name(),
            to - from,
            Xml(&format!("{} for {}{at}", LOOKS[look.index()].2, duration(span.length())))
        )
    }

    fn write_arrow(&mut self, arrow: &Arrow, from: usize, to: usize) -> fmt::Result {
        let class = arrow.kind.name();
        let x = self.x(arrow.time);
        let (from, to) = if from < to { (from + 6 + BAR, to + 6) } else { (from + 6, to + 6 + BAR) };
        writeln!(
            self.out,
            "<path class=\"arrow {class}\" marker-end=\"url(#tip)\" d=\"M{x:.1} {from}V{to}\"/>"
        )
    }

    fn write_legend(&mut self, y: usize) -> fmt::Result {
        let used = |look| {
            self.model.lanes.iter().flat_map(|lane| &lane.spans).any(|span| Look::of(span.doing) == look)
        };
        let used: Vec<_> = LOOKS.into_iter().filter(|(look, ..)| used(*look)).collect();
        let (mut x, mut y) = (MARGIN, y);
        for (_, name, words) in used {
            let width = 23 + 6 * words.len() + 20;
            if x + width > WIDTH {
                (x, y) = (MARGIN, y + 18);
            }
            writeln!(
                self.out,
                "<rect class=\"span\" fill=\"url(#{name})\" x=\"{x}\" y=\"{}\" width=\"18\" height=\"{BAR}\"/>",
                y - 10
            )?;
            self.text(x + 23, y, "legend", words)?;
            x += width;
        }
        Ok(())
    }

    fn write_notes(&mut self, shown: usize, y: usize) -> fmt::Result {
        let mut notes = vec![
            "Arrows: one task spawns, wakes or cancels another. Thick line: what main waited for."
                .to_string(),
        ];
        let hidden = self.model.lanes.len() - shown;
        notes.extend((hidden > 0).then(|| format!("{hidden} more tasks are not drawn.")));
        let forgotten = self.model.forgotten;
        notes.extend((forgotten > 0).then(|| format!("{forgotten} earlier events were forgotten.")));
        self.text(MARGIN, y, "legend", &notes.join(" "))
    }
}

/// The next larger of 1, 2 and 5 times a power of ten.
fn round_step(step: Duration) -> Duration {
    let nanos = step.as_nanos();
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if power * factor >= nanos {
                return Duration::from_nanos(u64::try_from(power * factor).unwrap_or(u64::MAX));
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_at_round_times() {
        for (step, rounded) in [(0, 1), (1, 1), (3, 5), (6, 10), (137, 200), (400_500_000, 500_000_000)] {
            assert_eq!(round_step(Duration::from_nanos(step)), Duration::from_nanos(rounded));
        }
    }
}

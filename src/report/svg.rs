//! Plots as SVG, to stand inside an HTML page that gives the colours.
//!
//! Every plot is drawn twice, for a wide and for a narrow page, so that letters keep their size on a phone; the page
//! shows the one that fits. Lines differ by dash and weight as well as by colour. Numbers are written with fixed
//! decimals, so that the same values give the same text.

mod scores;

use std::fmt::Write;

pub(super) use scores::{HeatRow, ScoreRow, heat_map, score_bars};

use super::figures::{NONE, SHORT_S, clock, frequency, number};

/// The page that a plot is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A screen or a sheet of paper.
    Wide,
    /// A phone.
    Narrow,
}

/// Sizes of a layout, in SVG units.
struct Sizes {
    class: &'static str,
    width: f64,
    left: f64,
    right: f64,
    /// Height of a line of text.
    line: f64,
    /// Height of a panel over that of the wide layout.
    stretch: f64,
    /// Room for a frequency or a time under the axis.
    tick_width: f64,
}

impl Layout {
    fn sizes(self) -> Sizes {
        match self {
            Self::Wide => Sizes {
                class: "wide",
                width: 900.0,
                left: 48.0,
                right: 128.0,
                line: 18.0,
                stretch: 1.0,
                tick_width: 70.0,
            },
            Self::Narrow => Sizes {
                class: "narrow",
                width: 360.0,
                left: 34.0,
                right: 10.0,
                line: 16.0,
                stretch: 0.8,
                tick_width: 52.0,
            },
        }
    }
}

/// Horizontal axis of all panels of a chart.
#[derive(Debug, Clone, Copy)]
pub(super) enum XAxis {
    /// From 0 to so many seconds.
    Time(f64),
    /// 20 Hz to 20 kHz.
    Frequency,
}

/// From here on times are told in hours and minutes, s.
const LONG_S: f64 = 3_600.0;

/// How times are told on an axis of some length: in which unit, and how.
fn times_on(length_s: f64) -> (&'static str, fn(f64) -> String) {
    if length_s < SHORT_S {
        ("seconds", |time_s| number(time_s, 1))
    } else if length_s < LONG_S {
        ("minutes:seconds", clock)
    } else {
        // Hours and minutes are to each other as minutes and seconds.
        ("hours:minutes", |time_s| clock(time_s / 60.0))
    }
}

impl XAxis {
    /// Where a value lies, 0 to 1.
    fn share(self, x: f64) -> f64 {
        match self {
            Self::Time(length_s) => x / length_s.max(1.0),
            Self::Frequency => (x / 20.0).log10() / 3.0,
        }
    }

    /// Values to mark, with their text.
    fn ticks(self, room: f64, tick_width: f64) -> Vec<(f64, String)> {
        match self {
            Self::Time(length_s) => {
                const STEPS_S: [f64; 18] = [
                    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
                    7200.0, 14_400.0,
                ];
                let length_s = length_s.max(1.0);
                let most = (room / tick_width).floor().max(2.0);
                let mut steps = STEPS_S.into_iter().filter(|step| *step >= 1.0 || length_s < SHORT_S);
                let step = steps.find(|step| length_s / step <= most).unwrap_or(length_s / most);
                let count = (length_s / step).floor().clamp(0.0, 50.0) as usize;
                let (_, told) = times_on(length_s);
                (0..=count).map(|k| k as f64 * step).map(|time_s| (time_s, told(time_s))).collect()
            }
            Self::Frequency => {
                [20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4].map(|hz| (hz, frequency(hz))).to_vec()
            }
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Time(length_s) => times_on(length_s).0,
            Self::Frequency => "Hz",
        }
    }
}

/// Vertical range of a panel. `top` may lie under `bottom`: gain reduction grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct YRange {
    /// Value at the upper edge.
    pub(super) top: f64,
    /// Value at the lower edge.
    pub(super) bottom: f64,
}

impl YRange {
    /// A range on whole steps around the values, at most `span` high, which keeps the largest. `None` for no values.
    pub(super) fn around(values: impl Iterator<Item = f64>, step: f64, span: f64) -> Option<Self> {
        let values = values.filter(|value| value.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return None;
        }
        let top = ((high + 0.1 * step) / step).ceil() * step;
        let bottom = ((low - 0.1 * step) / step).floor() * step;
        Some(Self { top, bottom: bottom.max(top - span).min(top - 2.0 * step) })
    }

    fn share(self, y: f64) -> f64 {
        (y - self.top) / (self.bottom - self.top)
    }

    fn ticks(self, most: f64) -> Vec<f64> {
        const STEPS: [f64; 10] = [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 20.0, 50.0];
        let (low, high) = (self.top.min(self.bottom), self.top.max(self.bottom));
        let mut fitting = STEPS.into_iter().filter(|step| (high - low) / step <= most);
        // Rather a step that ends at the edges.
        let step = fitting.clone().find(|step| low % step == 0.0 && high % step == 0.0).or_else(|| fitting.next());
        let step = step.unwrap_or((high - low) / most);
        let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
        (first..=last).take(50).map(|k| k as f64 * step).collect()
    }
}

/// A line of a panel.
pub(super) struct Line {
    /// Style: `before`, `after`, `reference`, `curve`, `aim`.
    pub(super) class: &'static str,
    /// Its label.
    pub(super) label: String,
    /// Points, rising in x. A value that is not finite makes a gap.
    pub(super) points: Vec<(f64, f64)>,
    /// Height of the label; that of the last point if `None`.
    pub(super) label_at: Option<f64>,
    /// Whether the area from the upper edge down to the line is filled.
    pub(super) filled: bool,
}

/// A plot over a common horizontal axis.
pub(super) struct Panel {
    /// What is shown, and in what unit.
    pub(super) title: &'static str,
    /// Height of the plot in the wide layout.
    pub(super) height: f64,
    /// Vertical range; `None` if there is nothing to show.
    pub(super) range: Option<YRange>,
    /// Lines in the order in which they are named.
    pub(super) lines: Vec<Line>,
    /// Whether each line is told by its label; not needed for a single one.
    pub(super) labelled: bool,
}

/// Panels under each other, on a common horizontal axis.
pub(super) fn chart(layout: Layout, description: &str, axis: XAxis, panels: &[Panel]) -> String {
    let sizes = layout.sizes();
    let room = sizes.width - sizes.left - sizes.right;
    let mut body = String::new();
    let mut y = 0.0;
    for (index, panel) in panels.iter().enumerate() {
        y += sizes.line;
        text(&mut body, "title", (2.0, y - 5.0), panel.title);
        if layout == Layout::Narrow && panel.labelled {
            y += sizes.line;
            key(&mut body, &panel.lines, y - 5.0);
        }
        let area = Area { left: sizes.left, top: y + 6.0, width: room, height: panel.height * sizes.stretch };
        area.panel(&mut body, &sizes, axis, panel, index + 1 == panels.len());
        if layout == Layout::Wide && panel.labelled {
            area.labels(&mut body, &sizes, panel);
        }
        y = area.top + area.height + if index + 1 == panels.len() { 2.0 * sizes.line } else { sizes.line };
    }
    frame(&sizes, y, description, &body)
}

fn frame(sizes: &Sizes, height: f64, description: &str, body: &str) -> String {
    let description = escape(description);
    format!(
        "<svg class=\"{}\" viewBox=\"0 0 {:.0} {height:.0}\" role=\"img\" aria-label=\"{description}\">{body}</svg>",
        sizes.class, sizes.width
    )
}

/// The rectangle of a panel's lines.
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Area {
    fn panel(&self, out: &mut String, sizes: &Sizes, axis: XAxis, panel: &Panel, with_ticks: bool) {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        for (x, label) in axis.ticks(self.width, sizes.tick_width) {
            let at = self.left + self.width * axis.share(x);
            line(out, "grid", (at, self.top), (at, bottom));
            if with_ticks {
                text(out, "tick middle", (at, bottom + sizes.line), &label);
            }
        }
        if with_ticks {
            text(out, "tick end", (right, bottom + 2.0 * sizes.line - 2.0), axis.unit());
        }
        let Some(range) = panel.range else {
            text(out, "tick middle", (self.left + 0.5 * self.width, self.top + 0.5 * self.height), "no values");
            return;
        };
        let ticks = range.ticks((self.height / (1.6 * sizes.line)).max(2.0));
        let decimals = if ticks.iter().all(|value| value.fract() == 0.0) { 0 } else { 1 };
        for value in ticks {
            let at = self.top + self.height * range.share(value);
            line(out, if value == 0.0 { "zero" } else { "grid" }, (self.left, at), (right, at));
            text(out, "tick end", (self.left - 6.0, at + 4.0), &number(value, decimals));
        }
        // A nested drawing cuts off what lies outside of it.
        let Self { left, top, width, height } = self;
        let _ = write!(out, "<svg x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">");
        // The master is the thickest line: the others show on top of it even where they coincide.
        let (thick, thin): (Vec<_>, Vec<_>) = panel.lines.iter().partition(|line| line.class == "after");
        for line in thick.into_iter().chain(thin) {
            self.line(out, axis, range, line);
        }
        out.push_str("</svg>");
    }

    /// A line in the coordinates of the nested drawing. Of the points that share a column of pixels, the first lowest
    /// and highest are kept.
    fn line(&self, out: &mut String, axis: XAxis, range: YRange, line: &Line) {
        for run in line.points.split(|(x, y)| !(x.is_finite() && y.is_finite())) {
            let points: Vec<(f64, f64)> =
                run.iter().map(|&(x, y)| (self.width * axis.share(x), self.height * range.share(y))).collect();
            let columns = points.chunk_by(|a, b| a.0.floor() == b.0.floor());
            let kept: Vec<(f64, f64)> = columns.flat_map(|column| extremes(column, line.filled)).collect();
            let (Some(first), Some(last)) = (kept.first(), kept.last()) else { continue };
            let mut path = String::new();
            for (index, (x, y)) in kept.iter().enumerate() {
                // Far outside, a coordinate only has to stay outside.
                let y = y.clamp(-self.height, 2.0 * self.height);
                let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
            }
            if line.filled {
                let _ =
                    write!(out, "<path class=\"fill {}\" d=\"{path}L{:.1} 0V0H{:.1}Z\"/>", line.class, last.0, first.0);
            }
            let _ = write!(out, "<path class=\"line {}\" d=\"{path}\"/>", line.class);
        }
    }

    /// Labels at the right of the lines' ends, pushed apart where they would overlap.
    fn labels(&self, out: &mut String, sizes: &Sizes, panel: &Panel) {
        let Some(range) = panel.range else { return };
        let height_of = |line: &Line| {
            let last = line.points.iter().rev().map(|point| point.1).find(|y| y.is_finite());
            line.label_at.or(last).map(|value| self.top + self.height * range.share(value).clamp(0.02, 0.98))
        };
        let mut labels: Vec<(f64, &Line)> =
            panel.lines.iter().filter_map(|line| height_of(line).map(|y| (y, line))).collect();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut lowest = f64::NEG_INFINITY;
        for (y, _) in &mut labels {
            *y = y.max(lowest + sizes.line);
            lowest = *y;
        }
        // What was pushed out at the bottom moves up again.
        let mut highest = self.top + self.height;
        for (y, _) in labels.iter_mut().rev() {
            *y = y.min(highest);
            highest = *y - sizes.line;
        }
        let left = self.left + self.width + 8.0;
        for (y, label) in labels {
            swatch(out, label.class, (left, y));
            text(out, &format!("label {}", label.class), (left + 28.0, y + 4.0), &label.label);
        }
    }
}

/// Names of the lines in a row.
fn key(out: &mut String, lines: &[Line], y: f64) {
    let mut left = 2.0;
    for line in lines {
        swatch(out, line.class, (left, y - 4.0));
        text(out, &format!("label {}", line.class), (left + 26.0, y), &line.label);
        left += 40.0 + 6.2 * line.label.chars().count() as f64;
    }
}

fn swatch(out: &mut String, class: &str, (x, y): (f64, f64)) {
    line(out, &format!("line {class}"), (x, y), (x + 22.0, y));
}

/// The lowest and the highest point in their order; for a filled line only the lowest on the page, which is the most.
fn extremes(column: &[(f64, f64)], filled: bool) -> Vec<(f64, f64)> {
    let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
    let most = column.iter().max_by(by_height);
    if filled || column.len() < 3 {
        return if filled { most.into_iter().copied().collect() } else { column.to_vec() };
    }
    let mut ends: Vec<_> = column.iter().min_by(by_height).into_iter().chain(most).copied().collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    ends
}

/// A group of bars.
pub(super) struct BarGroup {
    /// What the group is.
    pub(super) title: String,
    /// Style and name of each bar, and its value if it has one.
    pub(super) bars: Vec<(&'static str, Option<f64>)>,
}

/// Groups of horizontal bars, each with its name at the left and its value at its end.
pub(super) fn bars(layout: Layout, description: &str, unit: &str, groups: &[BarGroup]) -> String {
    let sizes = layout.sizes();
    let left = if layout == Layout::Wide { 96.0 } else { 70.0 };
    let room = sizes.width - left - 64.0;
    let values = || groups.iter().flat_map(|group| &group.bars).filter_map(|bar| bar.1).filter(|db| db.is_finite());
    // Up to 0 dB at the least, and no further than needed.
    let range = YRange::around(values(), 3.0, 60.0).map(|range| YRange { top: values().fold(0.0, f64::max), ..range });
    let mut body = String::new();
    let bar_height = sizes.line - 4.0;
    let height = groups.iter().map(|group| (1.4 + group.bars.len() as f64) * sizes.line).sum::<f64>();
    let position = |value: f64| range.map_or(left, |range| left + room * (1.0 - range.share(value)).clamp(0.0, 1.0));
    for value in range.map_or_else(Vec::new, |range| range.ticks((room / sizes.tick_width).floor())) {
        let at = position(value);
        line(&mut body, if value == 0.0 { "zero" } else { "grid" }, (at, sizes.line), (at, height));
        text(&mut body, "tick middle", (at, height + sizes.line - 2.0), &number(value, 0));
    }
    text(&mut body, "tick end", (sizes.width, height + sizes.line - 2.0), unit);
    let mut y = 0.0;
    for group in groups {
        y += 1.4 * sizes.line;
        text(&mut body, "title backed", (2.0, y - 6.0), &group.title);
        for (class, value) in &group.bars {
            text(&mut body, &format!("label end {class}"), (left - 6.0, y + bar_height - 3.0), class);
            let value = value.filter(|value| value.is_finite());
            let end = value.map_or(left, position);
            if value.is_some() {
                let _ = write!(
                    body,
                    "<rect class=\"bar {class}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{bar_height:.1}\"/>",
                    end - left
                );
            }
            let label = value.map_or_else(|| NONE.to_owned(), |value| number(value, 1));
            text(&mut body, "backed", (end + 6.0, y + bar_height - 3.0), &label);
            y += sizes.line;
        }
    }
    frame(&sizes, height + 1.4 * sizes.line, description, &body)
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = write!(out, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

fn text(out: &mut String, class: &str, (x, y): (f64, f64), content: &str) {
    let _ = write!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(content));
}

/// Text as it may stand in an element or an attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(points: Vec<(f64, f64)>) -> Panel {
        let range = YRange::around(points.iter().map(|point| point.1), 3.0, 30.0);
        let line = Line { class: "after", label: "a<b".into(), points, label_at: None, filled: false };
        Panel { title: "Level, dB", height: 100.0, range, lines: vec![line], labelled: true }
    }

    #[test]
    fn values_that_do_not_exist_leave_gaps() {
        let points =
            vec![(0.0, -3.0), (30.0, -4.0), (60.0, f64::NEG_INFINITY), (70.0, f64::NAN), (90.0, -2.0), (99.0, -3.0)];
        let svg = chart(Layout::Wide, "level", XAxis::Time(100.0), &[panel(points)]);
        assert_eq!(svg.matches("<path class=\"line after\"").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn nothing_to_show_is_said() {
        let svg = chart(Layout::Narrow, "level", XAxis::Frequency, &[panel(vec![(100.0, f64::NAN)])]);
        assert!(svg.contains("no values"));
    }

    #[test]
    fn labels_are_escaped() {
        let svg = chart(Layout::Wide, "\"x\"", XAxis::Frequency, &[panel(vec![(100.0, 1.0), (200.0, 2.0)])]);
        assert!(svg.contains("a&lt;b") && svg.contains("aria-label=\"&quot;x&quot;\""));
    }

    #[test]
    fn a_long_line_keeps_its_extremes_and_few_points() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|k| (f64::from(k) / 10.0, -10.0)).collect();
        points[54_321].1 = -1.0;
        let svg = chart(Layout::Narrow, "level", XAxis::Time(10_000.0), &[panel(points)]);
        assert!(svg.matches('L').count() < 800, "{}", svg.matches('L').count());
        // -1 lies 1 dB under the top of a range of 12 dB, 80 high.
        assert!(svg.contains(" 6.7L"), "{svg}");
    }

    #[test]
    fn axes_have_round_ticks() {
        let range = YRange::around([-20.4, -9.2].into_iter(), 5.0, 30.0);
        assert_eq!(range, Some(YRange { top: -5.0, bottom: -25.0 }));
        assert_eq!(YRange { top: -5.0, bottom: -25.0 }.ticks(5.0), [-25.0, -20.0, -15.0, -10.0, -5.0]);
        assert_eq!(YRange { top: 0.0, bottom: 6.0 }.ticks(3.0), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(YRange { top: -5.0, bottom: -25.0 }.ticks(7.0).len(), 5, "steps of 3 would miss the edges");
        let times: Vec<String> = XAxis::Time(222.0).ticks(720.0, 70.0).into_iter().map(|tick| tick.1).collect();
        assert_eq!(times.last().map(String::as_str), Some("3:30"));
        let ends_of = |axis: XAxis, room, width| {
            let ticks: Vec<String> = axis.ticks(room, width).into_iter().map(|tick| tick.1).collect();
            [ticks[0].clone(), ticks[1].clone(), ticks[ticks.len() - 1].clone(), axis.unit().to_owned()]
        };
        assert_eq!(ends_of(XAxis::Time(0.45), 720.0, 70.0), ["0.0", "0.1", "1.0", "seconds"]);
        assert_eq!(ends_of(XAxis::Time(4.0), 316.0, 52.0), ["0.0", "1.0", "4.0", "seconds"]);
        assert_eq!(ends_of(XAxis::Time(5.0), 720.0, 70.0), ["0:00", "0:01", "0:05", "minutes:seconds"]);
        assert_eq!(ends_of(XAxis::Time(4_500.0), 720.0, 70.0), ["0:00", "0:10", "1:10", "hours:minutes"]);
        assert_eq!(XAxis::Frequency.share(20_000.0), 1.0);
    }
}

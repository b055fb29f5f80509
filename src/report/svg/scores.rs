//! Scores by device: what is left of each band, and bars before and after.

use std::fmt::Write;

use super::{Layout, Sizes, escape, frame, line, text};
use crate::report::figures::{frequency, number, signed};

/// Height of a row over that of a line of text.
const ROW: f64 = 1.25;
/// Change that has the full colour, dB.
const FULL_DB: f64 = 24.0;

/// A device in a heat map.
pub(in crate::report) struct HeatRow<'a> {
    /// Its name.
    pub(in crate::report) name: &'a str,
    /// Change of each band, dB; `None` where there is nothing.
    pub(in crate::report) values: &'a [Option<f64>],
}

/// A device with its scores.
pub(in crate::report) struct ScoreRow<'a> {
    /// Its name.
    pub(in crate::report) name: &'a str,
    /// Score of the programme, 0 to 100.
    pub(in crate::report) after: Option<f64>,
    /// Score of the mix.
    pub(in crate::report) before: Option<f64>,
    /// What it gained over the mix, points.
    pub(in crate::report) change: Option<f64>,
    /// Score of the reference.
    pub(in crate::report) reference: Option<f64>,
}

fn name_width(layout: Layout) -> f64 {
    if layout == Layout::Wide { 200.0 } else { 146.0 }
}

fn name(out: &mut String, layout: Layout, sizes: &Sizes, y: f64, name: &str) {
    let most = if layout == Layout::Wide { 30 } else { 24 };
    let cut: String = name.chars().take(most).collect();
    let cut = if cut.chars().count() < name.chars().count() { format!("{}\u{2026}", cut.trim_end()) } else { cut };
    text(out, "end", (name_width(layout) - 8.0, y + sizes.line - 5.0), &cut);
}

/// Colour of a change, and how full it is. The root lets changes of a few dB be seen beside those of 24.
fn shade(db: f64) -> (&'static str, f64) {
    (if db < 0.0 { "less" } else { "more" }, (db.abs() / FULL_DB).min(1.0).sqrt())
}

/// Changes that the key of a heat map shows, dB.
const KEY_DB: [f64; 9] = [-24.0, -12.0, -6.0, -3.0, 0.0, 3.0, 6.0, 12.0, 24.0];

/// What the colours mean: a swatch for each of some changes.
fn key(out: &mut String, layout: Layout, sizes: &Sizes, y: f64) {
    let left = name_width(layout);
    let width = ((sizes.width - left - 4.0) / KEY_DB.len() as f64).min(40.0);
    text(out, "tick end", (left - 8.0, y + sizes.line - 5.0), "dB");
    for (index, db) in KEY_DB.into_iter().enumerate() {
        let (x, (class, share)) = (left + index as f64 * width, shade(db));
        let _ = write!(
            out,
            "<rect class=\"key {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"6.0\" fill-opacity=\"{share:.2}\"/>",
            width - 1.0
        );
        let told = if db == 0.0 { "0".to_owned() } else { format!("{db:+.0}") };
        text(out, "tick middle", (x + 0.5 * width, y + 6.0 + sizes.line - 4.0), &told);
    }
}

/// Devices by bands: blue is less than in the file, red is more.
pub(in crate::report) fn heat_map(
    layout: Layout,
    description: &str,
    centers_hz: &[f64],
    rows: &[HeatRow<'_>],
) -> String {
    let sizes = layout.sizes();
    let left = name_width(layout);
    let width = (sizes.width - left - 4.0) / centers_hz.len().max(1) as f64;
    let height = ROW * sizes.line;
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let y = index as f64 * height;
        name(&mut body, layout, &sizes, y, row.name);
        for (band, (value, hz)) in row.values.iter().zip(centers_hz).enumerate() {
            let Some(db) = value.filter(|db| db.is_finite()) else { continue };
            let (class, share) = shade(db);
            let x = left + band as f64 * width;
            let _ = write!(
                body,
                "<rect class=\"cell {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill-opacity=\"{share:.2}\"><title>{}</title></rect>",
                width - 1.0,
                height - 1.0,
                escape(&format!("{}, {} Hz: {db:+.1} dB", row.name, frequency(*hz)))
            );
        }
    }
    let bottom = rows.len() as f64 * height;
    let every = if layout == Layout::Wide { 3 } else { 6 };
    for (band, hz) in centers_hz.iter().enumerate().filter(|(band, _)| band % every == 0) {
        let x = left + (band as f64 + 0.5) * width;
        text(&mut body, "tick middle", (x, bottom + sizes.line - 3.0), &frequency(*hz));
    }
    text(&mut body, "tick end", (left - 8.0, bottom + sizes.line - 3.0), "Hz");
    key(&mut body, layout, &sizes, bottom + 1.5 * sizes.line);
    frame(&sizes, bottom + 3.0 * sizes.line, description, &body)
}

/// A bar for each device's score, and marks for the mix and the reference; in numbers the score and, where there is a mix, its score and
/// the change.
pub(in crate::report) fn score_bars(layout: Layout, description: &str, rows: &[ScoreRow<'_>]) -> String {
    let sizes = layout.sizes();
    let left = name_width(layout);
    let has_before = rows.iter().any(|row| row.before.is_some());
    let heads: &[&str] = if has_before { &["score", "before", "change"] } else { &["score"] };
    // In columns of their own: beside the bar they would stand at the reference's mark.
    let column_width = if layout == Layout::Wide { 54.0 } else { 42.0 };
    let column_end = |index: usize| sizes.width - 2.0 - (heads.len() - 1 - index) as f64 * column_width;
    let room = column_end(0) - 38.0 - left;
    // A single column needs no head.
    let top = if has_before { sizes.line } else { 0.0 };
    let height = ROW * sizes.line;
    let bottom = top + rows.len() as f64 * height;
    let position = |score: f64| left + room * score.clamp(0.0, 100.0) / 100.0;
    let mut body = String::new();
    for value in [0.0, 25.0, 50.0, 75.0, 100.0] {
        line(&mut body, if value == 0.0 { "zero" } else { "grid" }, (position(value), top), (position(value), bottom));
        text(&mut body, "tick middle", (position(value), bottom + sizes.line - 3.0), &number(Some(value), 0));
    }
    for (index, head) in heads.iter().enumerate().filter(|_| has_before) {
        text(&mut body, "tick end", (column_end(index), sizes.line - 5.0), head);
    }
    for (index, row) in rows.iter().enumerate() {
        let y = top + index as f64 * height;
        name(&mut body, layout, &sizes, y, row.name);
        let bar = |out: &mut String, class: &str, value: Option<f64>, top: f64, high: f64| {
            if let Some(value) = value {
                let _ = write!(
                    out,
                    "<rect class=\"bar {class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"/>",
                    y + top,
                    position(value) - left
                );
            }
        };
        let half = if row.before.is_some() { 0.5 * (height - 5.0) } else { height - 5.0 };
        bar(&mut body, "before", row.before, 2.0, half);
        bar(&mut body, "after", row.after, height - 3.0 - half, half);
        if let Some(reference) = row.reference {
            line(&mut body, "line reference", (position(reference), y + 1.0), (position(reference), y + height - 2.0));
        }
        let told = [number(row.after, 0), number(row.before, 0), signed(row.change, 0)];
        for (column, told) in told.iter().take(heads.len()).enumerate() {
            text(&mut body, "end", (column_end(column), y + sizes.line - 4.0), told);
        }
    }
    frame(&sizes, bottom + 1.2 * sizes.line, description, &body)
}

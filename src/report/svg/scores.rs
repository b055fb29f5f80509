//! Scores by device: what is left of each band, and bars before and after.

use std::fmt::Write;

use super::{Layout, Sizes, escape, frame, line, text};
use crate::report::figures::{NONE, frequency, number};

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
    /// Score of the reference.
    pub(in crate::report) reference: Option<f64>,
}

fn name_width(layout: Layout) -> f64 {
    if layout == Layout::Wide { 200.0 } else { 124.0 }
}

fn name(out: &mut String, layout: Layout, sizes: &Sizes, y: f64, name: &str) {
    let most = if layout == Layout::Wide { 30 } else { 17 };
    let cut: String = name.chars().take(most).collect();
    let cut = if cut.chars().count() < name.chars().count() { format!("{}\u{2026}", cut.trim_end()) } else { cut };
    text(out, "end", (name_width(layout) - 8.0, y + sizes.line - 5.0), &cut);
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
            let (class, share) = (if db < 0.0 { "less" } else { "more" }, (db.abs() / FULL_DB).min(1.0));
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
    text(&mut body, "tick end", (sizes.width, bottom + 2.0 * sizes.line - 4.0), "Hz");
    frame(&sizes, bottom + 2.0 * sizes.line, description, &body)
}

/// A bar for each device's score, and marks for the mix and the reference.
pub(in crate::report) fn score_bars(layout: Layout, description: &str, rows: &[ScoreRow<'_>]) -> String {
    let sizes = layout.sizes();
    let left = name_width(layout);
    let room = sizes.width - left - 40.0;
    let height = ROW * sizes.line;
    let bottom = rows.len() as f64 * height;
    let position = |score: f64| left + room * score.clamp(0.0, 100.0) / 100.0;
    let mut body = String::new();
    for value in [0.0, 25.0, 50.0, 75.0, 100.0] {
        line(&mut body, if value == 0.0 { "zero" } else { "grid" }, (position(value), 0.0), (position(value), bottom));
        text(&mut body, "tick middle", (position(value), bottom + sizes.line - 3.0), &number(Some(value), 0));
    }
    for (index, row) in rows.iter().enumerate() {
        let y = index as f64 * height;
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
        let told = row.after.map_or_else(|| NONE.to_owned(), |score| number(Some(score), 0));
        let end = row.after.into_iter().chain(row.before).chain(row.reference).fold(0.0, f64::max);
        text(&mut body, "backed", (position(end) + 6.0, y + sizes.line - 4.0), &told);
    }
    frame(&sizes, bottom + 1.2 * sizes.line, description, &body)
}

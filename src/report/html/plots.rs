//! The pictures of the page, in sections with their captions.

use maud::{Markup, PreEscaped, html};

use super::which_reference;
use crate::measure::wide_bands::WIDE_BANDS;
use crate::report::figures::{hertz_range, number, programmes};
use crate::report::svg::{BarGroup, Layout, Line, Panel, XAxis, YRange, bars, chart};
use crate::report::{AnalysisDocument, MasterReport};
use crate::slots::{SHORT_TERM_S, SLOT_S};
use crate::statistics::quantile;
use crate::suggest::CurvePoint;

/// A chart in both layouts; the page shows the one that fits.
pub(super) fn figure(caption: &Markup, draw: impl Fn(Layout) -> String) -> Markup {
    html! {
        figure {
            (PreEscaped(draw(Layout::Wide)))
            (PreEscaped(draw(Layout::Narrow)))
            figcaption { (caption) }
        }
    }
}

/// Which of several references is drawn; nothing where there is one.
fn named_reference(report: &MasterReport) -> Markup {
    html! { @if let Some(named) = which_reference(report) { " " (named) } }
}

/// Loudness of all programmes, and below it what leveler and limiter did.
pub(super) fn over_time(report: &MasterReport) -> Markup {
    let MasterReport { before, after, reference, curves, .. } = report;
    let own_s = before.file.duration_s.max(after.file.duration_s);
    let reference_s = reference.as_ref().map_or(0.0, |reference| reference.file.duration_s);
    // A reference much longer than the song would squeeze it into a corner.
    let shown_s = own_s.max(reference_s.min(2.0 * own_s));
    let line = |class: &'static str, document: &AnalysisDocument, lufs: &[f64]| {
        let integrated_lufs = document.analysis.loudness.integrated_lufs;
        Line {
            class,
            label: format!("{class} {}", number(integrated_lufs, 1)),
            points: lufs.iter().enumerate().map(|(k, &lufs)| (k as f64 * SLOT_S + SHORT_TERM_S, lufs)).collect(),
            label_at: integrated_lufs,
            filled: false,
        }
    };
    let mut lines = vec![
        line("before", before, &curves.before_short_term_lufs),
        line("after", after, &curves.after_short_term_lufs),
    ];
    if let Some(reference) = reference {
        lines.push(line("reference", reference, &curves.reference_short_term_lufs));
    }
    // Fades and pauses may leave the plot at the bottom, or they would flatten everything else.
    let ends = lines.iter().flat_map(|line| {
        let mut levels: Vec<f64> = line.points.iter().map(|point| point.1).filter(|lufs| lufs.is_finite()).collect();
        [0.02, 1.0].map(|share| quantile(&mut levels, share))
    });
    let range = YRange::around(ends.flatten(), 5.0, 30.0);
    let loudness = Panel { title: "Short-term loudness, LUFS", height: 260.0, range, lines, labelled: true };

    let reductions =
        [("before", "leveler", &curves.leveler_reduction_db), ("after", "limiter", &curves.limiter_reduction_db)];
    let reductions: Vec<_> = reductions.into_iter().filter(|(_, _, values)| !values.is_empty()).collect();
    let values = reductions.iter().flat_map(|(_, _, values)| values.iter().copied());
    let deepest_db = values.filter(|db| db.is_finite()).fold(0.0, f64::max);
    let reduction = Panel {
        title: "Gain reduction, dB",
        height: 90.0,
        range: (!reductions.is_empty())
            .then(|| YRange { top: 0.0, bottom: ((deepest_db + 0.3) / 2.0).ceil().max(2.0) * 2.0 }),
        labelled: reductions.len() > 1,
        lines: reductions
            .into_iter()
            .map(|(class, label, values)| Line {
                class,
                label: label.into(),
                points: values.iter().enumerate().map(|(k, &db)| ((k as f64 + 0.5) * SLOT_S, db)).collect(),
                label_at: None,
                filled: class == "after",
            })
            .collect(),
    };
    let panels = [loudness, reduction];
    let caption = html! {
        "Each point of the loudness is the 3 s before it; the numbers are the integrated loudness. "
        "The limiter took at most " span.number { (number(report.reductions.limiter_db, 1)) " dB" }
        @if report.settings.leveler.is_some() {
            ", the leveler before it " span.number { (number(report.reductions.leveler_db, 1)) " dB" }
        }
        "."
        @if reference_s > shown_s { " The reference goes on beyond the plot." }
        (named_reference(report))
    };
    let description = "Short-term loudness and gain reduction over time";
    html! {
        section #time {
            h2 { "Loudness over time" }
            (figure(&caption, |layout| chart(layout, description, XAxis::Time(shown_s), &panels)))
        }
    }
}

/// Spectra at the same loudness, and below them the equaliser.
pub(super) fn spectrum(report: &MasterReport) -> Markup {
    let MasterReport { before, after, reference, curves, .. } = report;
    let line = |(class, document): (&'static str, &AnalysisDocument)| {
        let spectrum = &document.analysis.spectrum;
        // Without a loudness there is nothing to align by: the line stays away.
        let lufs = document.analysis.loudness.integrated_lufs.unwrap_or(f64::NAN);
        let levels = spectrum.mid_db.iter().map(|level| level.map_or(f64::NAN, |db| db - lufs));
        Line {
            class,
            label: class.into(),
            points: spectrum.center_hz.iter().copied().zip(levels).collect(),
            label_at: None,
            filled: false,
        }
    };
    let lines: Vec<Line> = programmes(before, after, reference.as_ref()).into_iter().map(line).collect();
    let levels = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let range = YRange::around(levels, 6.0, 54.0);
    let mut panels = vec![Panel {
        title: "Level in third octaves over own loudness, dB",
        height: 300.0,
        range,
        lines,
        labelled: true,
    }];
    let has_eq = !report.settings.eq.is_empty();
    if has_eq {
        panels.push(eq_panel(&curves.eq_response, &curves.eq_target));
    }
    let caption = html! {
        "Long-term spectrum of the mid in the loud parts, each programme shifted by its integrated loudness, so that "
        "shapes compare."
        (named_reference(report))
        (equaliser_words(report))
    };
    let description = "Third-octave spectrum and equaliser curve";
    html! {
        section #spectrum {
            h2 { "Spectrum" @if has_eq { " and equaliser" } }
            (figure(&caption, |layout| chart(layout, description, XAxis::Frequency, &panels)))
        }
    }
}

/// What the equaliser was made for: the curve that it was fitted to, and devices.
fn equaliser_words(report: &MasterReport) -> Markup {
    let applied = report.translation.iter().flat_map(|translation| &translation.applied);
    let (mut for_devices, mut bands) = (Vec::new(), 0);
    for fix in applied {
        let own = fix.change.eq().len();
        if own > 0 {
            for_devices.push(format!("{} for {}", fix.setting, fix.name));
            bands += own;
        }
    }
    let is_fitted = !report.curves.eq_target.is_empty() && report.settings.eq.len() > bands;
    html! {
        @if report.settings.eq.is_empty() { " No equaliser was used." }
        @if is_fitted { " The equaliser was fitted to the dotted curve." }
        @if !for_devices.is_empty() {
            @if is_fitted { " Added to it: " } @else { " The equaliser is what was added for devices: " }
            (for_devices.join("; ")) "."
        }
    }
}

fn eq_panel(response: &[CurvePoint], target: &[CurvePoint]) -> Panel {
    let points = |curve: &[CurvePoint]| curve.iter().map(|point| (point.frequency_hz, point.gain_db)).collect();
    let line = |class, label: &str, curve| Line {
        class,
        label: label.into(),
        points: points(curve),
        label_at: None,
        filled: false,
    };
    let mut lines = vec![line("curve", "EQ, mid", response)];
    if !target.is_empty() {
        lines.insert(0, line("aim", "aimed for", target));
    }
    let gains = response.iter().chain(target).map(|point| point.gain_db.abs());
    let most_db = gains.filter(|db| db.is_finite()).fold(0.0, f64::max);
    let edge = ((most_db + 0.2) / 3.0).ceil().max(1.0) * 3.0;
    let range = Some(YRange { top: edge, bottom: -edge });
    Panel { title: "Equaliser gain, dB", height: 130.0, range, lines, labelled: true }
}

/// Width in the four wide bands.
pub(super) fn width(report: &MasterReport) -> Markup {
    let MasterReport { before, after, reference, .. } = report;
    let programmes = programmes(before, after, reference.as_ref());
    let bands = WIDE_BANDS.iter().zip(&after.analysis.stereo.bands).enumerate();
    let groups: Vec<BarGroup> = bands
        .map(|(index, (wide_band, band))| BarGroup {
            title: format!("{}, {}", wide_band.name(), hertz_range(band.low_hz, band.high_hz)),
            bars: programmes
                .iter()
                .map(|(name, document)| {
                    (*name, document.analysis.stereo.bands.get(index).and_then(|band| band.width_db))
                })
                .collect(),
        })
        .collect();
    let caption = html! {
        "Power of the side over the mid, loud parts. At 0 dB the side is as strong as the mid."
        (named_reference(report))
    };
    html! {
        section #width {
            h2 { "Width by band" }
            (figure(&caption, |layout| bars(layout, "Width by band", "dB", &groups)))
        }
    }
}

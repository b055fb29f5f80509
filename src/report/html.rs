//! The HTML report: one page that needs nothing else, for a screen, a phone or paper, light or dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::{
    KEY_FIGURES, NONE, Outcome, PromiseWords, change, describe_file, file_name, frequency, number, programmes, signed,
    verdict, wide_band_name,
};
use super::svg::{BarGroup, Layout, Line, Panel, XAxis, YRange, bars, chart};
use super::{AnalysisDocument, MasterReport, Promise, SuggestionDocument};
use crate::dsp::compressor::CompressorSettings;
use crate::dsp::eq::{BandChannel, BandKind};
use crate::dsp::multiband::MultibandSettings;
use crate::io::SampleFormat;
use crate::measure::analysis::quantile;
use crate::suggest::CurvePoint;

/// The style sheet of the page.
const STYLE: &str = include_str!("report.css");
/// Time from one value of a loudness or reduction curve to the next, s.
const SLOT_S: f64 = 0.1;
/// Length of the window of short-term loudness, s.
const WINDOW_S: f64 = 3.0;

/// One self-contained page about a master: no scripts, nothing to load.
pub fn master_html(report: &MasterReport) -> String {
    let title = file_name(&report.after.file.path);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " \u{2013} halfspeed" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head(report, &title))
                    (promises(report))
                    (key_numbers(report))
                    (over_time(report))
                    (spectrum(report))
                    (width(report))
                    (suggestions(report))
                    (settings(report))
                    (notes(report))
                    (recipe(report))
                }
                footer { "halfspeed " (report.version) }
            }
        }
    };
    page.into_string()
}

fn head(report: &MasterReport, title: &str) -> Markup {
    let MasterReport { before, after, reference, .. } = report;
    html! {
        header {
            h1 title=(after.file.path) { (title) }
            dl.files {
                @for (name, document) in programmes(before, after, reference.as_ref()) {
                    dt.(name) { (name) }
                    dd {
                        span.path title=(document.file.path) { (file_name(&document.file.path)) }
                        " " span.quiet { (describe_file(&document.file)) }
                    }
                }
            }
        }
    }
}

fn promises(report: &MasterReport) -> Markup {
    let missed = report.verified.iter().any(|promise| !promise.met);
    let off = report.suggestions.iter().filter(|document| Outcome::of(document).is_bad()).count();
    html! {
        section.verdict.missed[missed] #verdict {
            h2 { (mark(!missed)) " " (verdict(&report.verified)) }
            ul { @for kept in report.verified.iter().filter(|promise| !promise.met) { (promise(kept)) } }
            ul { @for kept in report.verified.iter().filter(|promise| promise.met) { (promise(kept)) } }
            p.quiet {
                "Measured on the written file."
                @if off > 0 {
                    " " a href="#changes" {
                        (off) " of " (report.suggestions.len()) " changes did not come about as predicted."
                    }
                }
            }
        }
    }
}

fn promise(promise: &Promise) -> Markup {
    let words = PromiseWords::of(promise);
    html! {
        li.missed[!promise.met] {
            (mark(promise.met)) " "
            strong { (words.name) @if !promise.met { " missed" } }
            " " span.number { (words.measured) } ", wanted " span.number { (words.wanted) }
            @if !words.reason.is_empty() { div.reason { "Why: " (words.reason) } }
        }
    }
}

fn mark(kept: bool) -> Markup {
    let (symbol, word) = if kept { ("\u{2713}", "kept") } else { ("\u{2717}", "missed") };
    html! { span.mark.bad[!kept] role="img" aria-label=(word) { (symbol) } }
}

fn key_numbers(report: &MasterReport) -> Markup {
    let MasterReport { before, after, reference, .. } = report;
    html! {
        section #numbers {
            h2 { "Key numbers" }
            table.numbers {
                thead {
                    tr {
                        td {}
                        th.before scope="col" { "before" }
                        th.after scope="col" { "after" }
                        th scope="col" { "change" }
                        @if reference.is_some() { th.reference scope="col" { "reference" } }
                    }
                }
                tbody {
                    @for figure in &KEY_FIGURES {
                        @let of = |document: &AnalysisDocument| (figure.of)(&document.analysis);
                        tr {
                            th scope="row" title=(figure.help) {
                                (figure.name) @if !figure.unit.is_empty() { " " span.unit { (figure.unit) } }
                            }
                            td { (number(of(before), figure.decimals)) }
                            td.after { (number(of(after), figure.decimals)) }
                            td { (signed(change(of(before), of(after)), figure.decimals)) }
                            @if let Some(reference) = reference { td { (number(of(reference), figure.decimals)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A chart in both layouts; the page shows the one that fits.
fn figure(caption: &Markup, draw: impl Fn(Layout) -> String) -> Markup {
    html! {
        figure {
            (PreEscaped(draw(Layout::Wide)))
            (PreEscaped(draw(Layout::Narrow)))
            figcaption { (caption) }
        }
    }
}

fn over_time(report: &MasterReport) -> Markup {
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
            points: lufs.iter().enumerate().map(|(k, &lufs)| (k as f64 * SLOT_S + WINDOW_S, lufs)).collect(),
            label_at: integrated_lufs,
            filled: false,
        }
    };
    let mut lines = vec![line("before", before, &curves.before_short_term_lufs)];
    if let Some(reference) = reference {
        lines.push(line("reference", reference, &curves.reference_short_term_lufs));
    }
    lines.push(line("after", after, &curves.after_short_term_lufs));
    // Fades and pauses may leave the plot at the bottom, or they would flatten everything else.
    let ends = lines.iter().flat_map(|line| {
        let mut levels: Vec<f64> = line.points.iter().map(|point| point.1).filter(|lufs| lufs.is_finite()).collect();
        levels.sort_by(f64::total_cmp);
        [quantile(&levels, 0.02), levels.last().copied()]
    });
    let range = YRange::around(ends.flatten(), 5.0, 30.0);
    let loudness = Panel { title: "Short-term loudness, LUFS", height: 260.0, range, lines, labelled: true };

    let reduction = &curves.limiter_reduction_db;
    let deepest_db = reduction.iter().copied().filter(|db| db.is_finite()).fold(0.0, f64::max);
    let limiting = Panel {
        title: "Limiter gain reduction, dB",
        height: 90.0,
        range: (!reduction.is_empty())
            .then(|| YRange { top: 0.0, bottom: ((deepest_db + 0.3) / 2.0).ceil().max(2.0) * 2.0 }),
        lines: vec![Line {
            class: "after",
            label: String::new(),
            points: reduction.iter().enumerate().map(|(k, &db)| ((k as f64 + 0.5) * SLOT_S, db)).collect(),
            label_at: None,
            filled: true,
        }],
        labelled: false,
    };
    let panels = [loudness, limiting];
    let caption = html! {
        "Each point of the loudness is the 3 s before it; the numbers are the integrated loudness. "
        "The limiter took at most " span.number { (number(report.reductions.limiter_db, 1)) " dB" } "."
        @if reference_s > shown_s { " The reference goes on beyond the plot." }
    };
    let description = "Short-term loudness and limiter gain reduction over time";
    html! {
        section #time {
            h2 { "Loudness over time" }
            (figure(&caption, |layout| chart(layout, description, XAxis::Time(shown_s), &panels)))
        }
    }
}

fn spectrum(report: &MasterReport) -> Markup {
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
    let mut lines: Vec<Line> = programmes(before, after, reference.as_ref()).into_iter().map(line).collect();
    // The master on top.
    lines.sort_by_key(|line| line.class == "after");
    let levels = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let range = YRange::around(levels, 5.0, 50.0);
    let mut panels = vec![Panel {
        title: "Level in third octaves over own loudness, dB",
        height: 280.0,
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
        @if has_eq && !curves.eq_target.is_empty() {
            " The equaliser was fitted to the dotted curve."
        } @else if !has_eq { " No equaliser was used." }
    };
    let description = "Third-octave spectrum and equaliser curve";
    html! {
        section #spectrum {
            h2 { "Spectrum" @if has_eq { " and equaliser" } }
            (figure(&caption, |layout| chart(layout, description, XAxis::Frequency, &panels)))
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

fn width(report: &MasterReport) -> Markup {
    let MasterReport { before, after, reference, .. } = report;
    let programmes = programmes(before, after, reference.as_ref());
    let bands = after.analysis.stereo.bands.iter().enumerate();
    let groups: Vec<BarGroup> = bands
        .map(|(index, band)| BarGroup {
            title: format!("{}, {} to {} Hz", wide_band_name(index), frequency(band.low_hz), frequency(band.high_hz)),
            bars: programmes
                .iter()
                .map(|(name, document)| {
                    (*name, document.analysis.stereo.bands.get(index).and_then(|band| band.width_db))
                })
                .collect(),
        })
        .collect();
    let caption = html! { "Power of the side over the mid, loud parts. At 0 dB the side is as strong as the mid." };
    html! {
        section #width {
            h2 { "Width by band" }
            (figure(&caption, |layout| bars(layout, "Width by band", "dB", &groups)))
        }
    }
}

fn suggestions(report: &MasterReport) -> Markup {
    let has_reference = report.reference.is_some();
    html! {
        section #changes {
            h2 { "What was done, and why" }
            @if report.suggestions.is_empty() {
                p { "Tone, width and dynamics were left alone; only loudness and peaks were set." }
            } @else {
                table.changes {
                    thead {
                        tr {
                            th scope="col" { "change" }
                            th scope="col" { "measured by" }
                            th.before scope="col" { "before" }
                            th scope="col" { "predicted" }
                            th.after scope="col" { "achieved" }
                            @if has_reference { th.reference scope="col" { "reference" } }
                            th scope="col" { "outcome" }
                        }
                    }
                    tbody { @for document in &report.suggestions { (suggestion(document, has_reference)) } }
                }
                p.quiet {
                    "Levels are those of the mid over its mean in all third octaves. Marked: what moved the wrong way, "
                    "and what is more than 1 dB off its prediction."
                }
            }
            p.quiet {
                "Suggested by " (report.model.name) "."
                @if let Some(likeness) = report.model.likeness_ratio {
                    " Likeness of mix and reference: " (number(likeness, 2))
                    " (0: different songs, 1: the same recording). The more alike, the more was taken over."
                }
            }
        }
    }
}

fn suggestion(document: &SuggestionDocument, has_reference: bool) -> Markup {
    let SuggestionDocument { suggestion, unit, .. } = document;
    let outcome = Outcome::of(document);
    html! {
        tr.off[outcome.is_bad()] {
            th scope="row" title=(suggestion.id) { (suggestion.setting) div.cause { (suggestion.cause) } }
            td.words data-label="measured by" { (document.measure) ", " (unit) }
            td data-label="before" { (number(suggestion.before, 1)) }
            td data-label="predicted" { (number(suggestion.predicted, 1)) }
            td.after data-label="achieved" { (number(document.achieved, 1)) }
            @if has_reference { td data-label="reference" { (number(document.reference, 1)) } }
            td.words data-label="outcome" {
                @match outcome {
                    Outcome::Unknown => {}
                    _ => { (mark(!outcome.is_bad())) " " }
                }
                (outcome.describe(unit))
            }
        }
    }
}

fn settings(report: &MasterReport) -> Markup {
    let recipe = &report.settings;
    let limiter = &recipe.limiter;
    let row = |name: &str, value: String, unit: &str| {
        html! { dt { (name) } dd { (value) " " (unit) } }
    };
    html! {
        section #settings {
            h2 { "Settings" }
            div.stages {
                @if !recipe.eq.is_empty() {
                    div.stage.broad {
                        h3 { "Equaliser" }
                        table.numbers {
                            thead {
                                tr {
                                    th scope="col" { "band" }
                                    th scope="col" { "shape" }
                                    th scope="col" { "Hz" }
                                    th scope="col" { "gain, dB" }
                                    th scope="col" { "Q" }
                                }
                            }
                            tbody {
                                @for band in &recipe.eq {
                                    tr {
                                        th scope="row" { (band.name) }
                                        td.words { (shape(band.kind, band.channel)) }
                                        td { (number(band.frequency_hz, 0)) }
                                        td {
                                            @if band.kind == BandKind::HighPass { (NONE) } @else { (signed(band.gain_db, 2)) }
                                        }
                                        td { (number(band.q, 2)) }
                                    }
                                }
                            }
                        }
                    }
                }
                @if let Some(multiband) = &recipe.multiband { (multiband_stage(multiband, &report.reductions.multiband_db)) }
                @if let Some(glue) = &recipe.glue {
                    div.stage {
                        h3 { "Glue compressor" }
                        dl.values {
                            (row("threshold", number(glue.threshold_db, 1), "dB"))
                            (row("ratio", number(glue.ratio, 2), ": 1"))
                            (row("knee", number(glue.knee_db, 1), "dB"))
                            (row("attack", number(glue.attack_ms, 0), "ms"))
                            (row("release", number(glue.release_ms, 0), "ms"))
                            (row("makeup", signed(glue.makeup_db, 1), "dB"))
                            (row("deepest reduction", number(report.reductions.glue_db, 1), "dB"))
                        }
                    }
                }
                div.stage {
                    h3 { "Limiter" }
                    dl.values {
                        (row("drive", signed(limiter.drive_db, 2), "dB"))
                        (row("ceiling", number(limiter.ceiling_dbtp, 2), "dBTP"))
                        (row("look-ahead", number(limiter.lookahead_ms, 1), "ms"))
                        (row("hold", number(limiter.hold_ms, 1), "ms"))
                        (row("release", number(limiter.release_ms, 0), "ms"))
                        (row("release, sustained", number(limiter.sustained_release_ms, 0), "ms"))
                        (row("deepest reduction", number(report.reductions.limiter_db, 1), "dB"))
                    }
                }
                div.stage {
                    h3 { "Output" }
                    dl.values {
                        (row("sample format", sample_format(recipe.output.format).into(), ""))
                        (row("sample rate", report.after.file.sample_rate_hz.to_string(), "Hz"))
                    }
                }
            }
        }
    }
}

fn multiband_stage(multiband: &MultibandSettings, reductions_db: &[f64]) -> Markup {
    let compressor = |band: Option<&CompressorSettings>, of: fn(&CompressorSettings) -> String| {
        band.map_or_else(|| NONE.to_owned(), of)
    };
    let [low, middle, high] = multiband.corners_hz.map(frequency);
    let ranges =
        [format!("to {low}"), format!("{low} to {middle}"), format!("{middle} to {high}"), format!("from {high}")];
    html! {
        div.stage.broad {
            h3 { "Four bands: width, then compression" }
            table.numbers {
                thead {
                    tr {
                        th scope="col" { "band, Hz" }
                        th scope="col" { "side, dB" }
                        th scope="col" { "threshold, dB" }
                        th scope="col" { "ratio" }
                        th scope="col" { "attack, ms" }
                        th scope="col" { "release, ms" }
                        th scope="col" { "deepest, dB" }
                    }
                }
                tbody {
                    @for ((band, range), reduction_db) in multiband.bands.iter().zip(ranges).zip(reductions_db) {
                        @let of = |of| compressor(band.compressor.as_ref(), of);
                        tr {
                            th scope="row" { (range) }
                            td { (signed(band.side_gain_db, 1)) }
                            td { (of(|c| number(c.threshold_db, 1))) }
                            td { (of(|c| number(c.ratio, 2))) }
                            td { (of(|c| number(c.attack_ms, 0))) }
                            td { (of(|c| number(c.release_ms, 0))) }
                            td { @if band.compressor.is_some() { (number(*reduction_db, 1)) } @else { (NONE) } }
                        }
                    }
                }
            }
        }
    }
}

fn shape(kind: BandKind, channel: BandChannel) -> String {
    let kind = match kind {
        BandKind::Bell => "bell",
        BandKind::LowShelf => "low shelf",
        BandKind::HighShelf => "high shelf",
        BandKind::HighPass => "high-pass",
    };
    match channel {
        BandChannel::Stereo => kind.into(),
        BandChannel::Mid => format!("{kind}, mid only"),
        BandChannel::Side => format!("{kind}, side only"),
    }
}

fn sample_format(format: SampleFormat) -> &'static str {
    match format {
        SampleFormat::Int16 => "16 bits, dithered",
        SampleFormat::Int24 => "24 bits, dithered",
        SampleFormat::Float32 => "32 bits, floating point",
    }
}

fn notes(report: &MasterReport) -> Markup {
    html! {
        @if !report.notes.is_empty() {
            section #notes {
                h2 { "Notes" }
                ul { @for note in &report.notes { li { (note) } } }
            }
        }
    }
}

fn recipe(report: &MasterReport) -> Markup {
    html! {
        section #recipe {
            details {
                summary { "The recipe: every setting, to edit and apply again" }
                pre { (report.settings.to_toml()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    const SECTIONS: [&str; 8] = ["verdict", "numbers", "time", "spectrum", "width", "changes", "settings", "recipe"];

    /// Whether every tag is closed in its order.
    fn is_balanced(page: &str) -> bool {
        let style = page.find("<style>").zip(page.find("</style>"));
        let page = style.map_or(page.to_owned(), |(from, to)| format!("{}{}", &page[..from], &page[to + 8..]));
        let mut open = Vec::new();
        for tag in page.split('<').skip(1) {
            let Some((tag, _)) = tag.split_once('>') else { return false };
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            if let Some(closed) = tag.strip_prefix('/') {
                if open.pop() != Some(closed) {
                    return false;
                }
            } else if !(tag.ends_with('/') || tag.starts_with('!') || name == "meta") {
                open.push(name);
            }
        }
        open.is_empty()
    }

    #[test]
    fn a_page_has_every_section_and_closes_its_tags() {
        for report in [sample::report(), sample::missed(), sample::bare()] {
            let page = master_html(&report);
            for section in SECTIONS {
                assert!(page.contains(&format!("id=\"{section}\"")), "{section}");
            }
            assert!(is_balanced(&page));
            assert!(page.contains("halfspeed 0.1.0"));
        }
        assert!(!is_balanced("<p><b></p></b>"));
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let page = master_html(&sample::report());
        for foreign in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_same_report_gives_the_same_page() {
        assert_eq!(master_html(&sample::report()), master_html(&sample::report()));
    }

    #[test]
    fn names_are_escaped_and_shortened_to_the_file() {
        let mut report = sample::report();
        report.after.file.path = "/home/me/a <b>&\" \u{1b}.wav".into();
        report.notes = vec!["<script>".into()];
        report.settings.eq[0].name = "<i>".into();
        let page = master_html(&report);
        assert!(is_balanced(&page) && !page.contains("<b>") && !page.contains("<script>") && !page.contains("<i>"));
        assert!(page.contains("a &lt;b&gt;&amp;&quot;") && page.contains("title=\"/home/me/a &lt;b&gt;&amp;&quot;"));
    }

    #[test]
    fn a_missed_promise_comes_with_its_reason() {
        let page = master_html(&sample::missed());
        assert!(page.contains("1 of 3 promises is missed") && page.contains("Loudness missed"));
        assert!(page.contains("--force-loudness goes on"));
        let kept = master_html(&sample::report());
        assert!(kept.contains("All 3 promises are kept") && !kept.contains("Loudness missed"));
    }

    #[test]
    fn unexpected_outcomes_are_marked() {
        let page = master_html(&sample::report());
        assert_eq!(page.matches("moved the wrong way").count(), 2, "one suggestion, and the legend");
        assert!(page.contains("+1.5 dB off the prediction") && page.contains("not measurable"));
        assert_eq!(page.matches("<tr class=\"off\">").count(), 2);
        assert!(page.contains("2 of 6 changes did not come about as predicted"));
    }

    #[test]
    fn what_does_not_exist_is_a_dash_and_never_a_number() {
        let page = master_html(&sample::bare());
        assert!(page.contains(NONE) && page.contains("no values") && page.contains("No equaliser was used"));
        let curves = MasterReport { reference: None, ..sample::report() };
        for page in [page, master_html(&curves)] {
            let drawings = page.split("<svg").skip(1).map(|svg| svg.split("</svg>").next().unwrap_or_default());
            assert!(drawings.into_iter().all(|svg| !svg.contains("NaN") && !svg.contains("inf")));
            assert!(!page.contains(">NaN") && !page.contains("-inf<") && !page.contains("class=\"line reference"));
        }
    }

    /// For eyes: `cargo test writes_pages -- --ignored`, then open them in a browser.
    #[test]
    #[ignore = "writes files into the folder for temporary files"]
    fn writes_pages_to_look_at() {
        let folder = std::env::temp_dir().join("report-demo");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, report) in [("full", sample::report()), ("missed", sample::missed()), ("bare", sample::bare())] {
            std::fs::write(folder.join(format!("{name}.html")), master_html(&report)).unwrap();
        }
    }
}

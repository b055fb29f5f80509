//! The page about measured files.

use maud::{Markup, html};

use super::plots::figure;
use super::{number_heads, page, scrolling};
use crate::measure::Measurement;
use crate::measure::wide_bands::WIDE_BANDS;
use crate::quality::Severity;
use crate::report::figures::{KEY_FIGURES, clock_fine, describe_file, file_names, help, hertz_range, number, places};
use crate::report::readings::{Reading, sections};
use crate::report::svg::{Line, Panel, XAxis, YRange, chart};
use crate::report::verdicts::{Mood, Verdict};
use crate::report::{AlbumDocument, AnalysisDocument};
use crate::slots::{SHORT_TERM_S, SLOT_S};

/// From what is squeezed flat to what is open: where it stands says more than how it moves.
const PSR_RANGE_DB: YRange = YRange { top: 20.0, bottom: 0.0 };

/// One self-contained page about measured files: no scripts, nothing to load.
pub fn analysis_html(files: &[(&AnalysisDocument, &Measurement)], album: Option<&AlbumDocument>) -> String {
    let names = file_names(files.iter().map(|(document, _)| document.file.path.as_str()));
    let title = match &names[..] {
        [name] => name.clone(),
        names => format!("{} files", names.len()),
    };
    let content = html! {
        @if let [(document, _)] = files { h1 title=(document.file.path) { (title) } } @else { h1 { (title) } }
        @if let Some(album) = album { (overview(files, &names, album)) }
        @for ((document, measurement), name) in files.iter().zip(&names) {
            section {
                // A single file's name is the title already.
                @if names.len() > 1 { h2 title=(document.file.path) { (name) } }
                (file(document, measurement))
            }
        }
    };
    page(&title, &content)
}

fn overview(files: &[(&AnalysisDocument, &Measurement)], names: &[String], album: &AlbumDocument) -> Markup {
    let table = html! {
        table.numbers.overview {
            thead {
                tr { td {} @for figure in &KEY_FIGURES { th scope="col" title=(figure.help) { (figure.short) br; span.quiet { (figure.unit) } } } }
            }
            tbody {
                @for ((document, _), name) in files.iter().zip(names) {
                    tr {
                        th scope="row" { (name) }
                        @for figure in &KEY_FIGURES {
                            td { (number((figure.of)(&document.analysis), figure.decimals)) }
                        }
                    }
                }
                tr {
                    th scope="row" { "album" }
                    @for figure in &KEY_FIGURES { td { (number(album.figure(figure.id), figure.decimals)) } }
                }
            }
        }
    };
    html! {
        section {
            h2 { "Album" }
            (scrolling("Key numbers of the files and the album", &table))
        }
    }
}

fn file(document: &AnalysisDocument, measurement: &Measurement) -> Markup {
    let analysis = &document.analysis;
    html! {
        p.quiet { (describe_file(&document.file)) }
        table.numbers {
            @for (title, readings) in sections(analysis) {
                tbody {
                    tr { th.group scope="rowgroup" colspan="3" { (title) } }
                    @for Reading { id, name, value, decimals, unit } in readings {
                        tr {
                            th scope="row" title=[help(id)] {
                                (name) @if !unit.is_empty() { " " span.unit { (unit) } }
                            }
                            td { (number(value, decimals)) }
                            td.words {
                                @if let Some(verdict) = Verdict::of(id, value, document) { (words(&verdict)) }
                            }
                        }
                    }
                }
            }
        }
        @if !analysis.peak.highest.is_empty() {
            p.quiet {
                "Highest true peaks: "
                @for (index, peak) in analysis.peak.highest.iter().enumerate() {
                    @if index > 0 { ", " }
                    (number(peak.true_dbtp, 2)) " dBTP at " (clock_fine(peak.time_s)) " (" (peak.channel) ")"
                }
                "."
            }
        }
        (quality(document))
        (over_time(document, measurement))
        (spectrum(document))
        (bands(document))
    }
}

fn quality(document: &AnalysisDocument) -> Markup {
    html! {
        h3 { "Quality" }
        @if document.quality.is_empty() {
            p.quiet { "Nothing found." }
        } @else {
            table.findings {
                tbody {
                    @for finding in &document.quality {
                        tr {
                            th scope="row" {
                                (finding.id) " "
                                @match finding.severity {
                                    Severity::Fail => span.severity.fail { "fail" },
                                    Severity::Warning => span.severity.warning { "warning" },
                                    Severity::Info => span.severity { "info" },
                                }
                            }
                            td.words { (finding.message) }
                            td.words { (places(&finding.times_s)) }
                        }
                    }
                }
            }
        }
    }
}

fn words(verdict: &Verdict) -> Markup {
    let mark = match verdict.mood {
        Mood::Good => Some(("\u{2713}", false)),
        Mood::Warning | Mood::Bad => Some(("!", true)),
        Mood::Plain => None,
    };
    html! {
        @if let Some((symbol, bad)) = mark { span.mark.bad[bad] { (symbol) } " " }
        (verdict.text)
    }
}

fn curve(label: String, points: Vec<(f64, f64)>) -> Line {
    Line { class: "after", label, points, label_at: None, filled: false }
}

fn over_time(document: &AnalysisDocument, measurement: &Measurement) -> Markup {
    let ending = |values: &[f64]| -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(k, &value)| (k as f64 * SLOT_S + SHORT_TERM_S, value)).collect()
    };
    let loudness = ending(&measurement.loudness.short_term_lufs());
    let psr_db: Vec<f64> = measurement.psr_db().into_iter().map(|psr_db| psr_db.unwrap_or(f64::NAN)).collect();
    let correlation: Vec<(f64, f64)> = (0..)
        .zip(&measurement.levels.slots)
        .map(|(k, slot)| ((f64::from(k) + 0.5) * SLOT_S, slot.correlation().unwrap_or(f64::NAN)))
        .collect();
    let panel = |title, height, range, points| Panel {
        title,
        height,
        range,
        lines: vec![curve(String::new(), points)],
        labelled: false,
    };
    let around = |points: &[(f64, f64)], step, span| YRange::around(points.iter().map(|point| point.1), step, span);
    let psr = ending(&psr_db);
    let has_psr = psr.iter().any(|point| point.1.is_finite());
    let has_correlation = correlation.iter().any(|point| point.1.is_finite());
    let panels = [
        panel("Short-term loudness, LUFS", 200.0, around(&loudness, 5.0, 30.0), loudness),
        panel("PSR, dB", 90.0, has_psr.then_some(PSR_RANGE_DB), psr),
        panel("Correlation", 90.0, has_correlation.then_some(YRange { top: 1.0, bottom: -1.0 }), correlation),
    ];
    let caption = html! { "Loudness and PSR are those of the 3 s before each point, the correlation that of 100 ms." };
    let axis = || XAxis::Time(document.file.duration_s);
    figure(&caption, |layout| chart(layout, "Loudness, PSR and correlation over time", axis(), &panels))
}

fn spectrum(document: &AnalysisDocument) -> Markup {
    let spectrum = &document.analysis.spectrum;
    let line = |class: &'static str, label: &str, levels: &[Option<f64>]| Line {
        class,
        label: label.into(),
        points: spectrum.center_hz.iter().zip(levels).map(|(&hz, level)| (hz, level.unwrap_or(f64::NAN))).collect(),
        label_at: None,
        filled: false,
    };
    let lines = vec![line("after", "mid", &spectrum.mid_db), line("reference", "side", &spectrum.side_db)];
    let range = YRange::around(lines.iter().flat_map(|line| &line.points).map(|point| point.1), 12.0, 84.0);
    let panels = [Panel { title: "Level in third octaves, dB", height: 260.0, range, lines, labelled: true }];
    let caption = html! { "Long-term spectrum of the loud parts." };
    figure(&caption, |layout| chart(layout, "Third-octave spectrum", XAxis::Frequency, &panels))
}

fn bands(document: &AnalysisDocument) -> Markup {
    let analysis = &document.analysis;
    let table = html! {
        table.numbers {
            (number_heads(&["width dB", "correlation", "balance dB", "lost in mono dB", "spread dB", "hits dB"]))
            tbody {
                @for (band, (stereo, dynamics)) in
                    WIDE_BANDS.iter().zip(analysis.stereo.bands.iter().zip(&analysis.dynamics.bands))
                {
                    tr {
                        th scope="row" { (band.name()) ", " (hertz_range(stereo.low_hz, stereo.high_hz)) }
                        td { (number(stereo.width_db, 1)) }
                        td { (number(stereo.correlation, 2)) }
                        td { (number(stereo.balance_db, 1)) }
                        td { (number(stereo.mono_loss_db, 1)) }
                        td { (number(dynamics.spread_db, 1)) }
                        td { (number(dynamics.short_to_long_p95_db, 1)) }
                    }
                }
            }
        }
    };
    html! {
        (scrolling("Stereo and dynamics by band", &table))
        p.quiet { "Spread: 95th over 10th percentile of 0.2 s. Hits: 0.2 s over 3 s, 95th percentile." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::measure::Meter;
    use crate::measure::loudness::AlbumLoudness;
    use crate::report::sample;

    fn measurement(amplitude: f32) -> Measurement {
        let sine: Vec<f32> = (0..4 * 48_000).map(|n| amplitude * (n as f32 * 0.1309).sin()).collect();
        let mut meter = Meter::new(48_000);
        meter.push(&AudioBuffer::from_channels(48_000, sine.clone(), sine));
        meter.finish()
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere_and_has_no_impossible_numbers() {
        for (document, amplitude) in [(sample::before(), 0.1), (sample::bare().before, 0.0)] {
            let page = analysis_html(&[(&document, &measurement(amplitude))], None);
            for foreign in ["http:", "https:", "src=", "<script", "<link", "NaN", ">inf", ">-inf"] {
                assert!(!page.contains(foreign), "{foreign}");
            }
            assert!(page.contains("max momentary (400 ms)") && page.contains("halfspeed 0.1.0"));
        }
    }

    #[test]
    fn the_name_of_a_single_file_is_the_title_and_no_other_heading() {
        let mut document = sample::before();
        document.file.path = "songs/a <b>.wav".into();
        let page = analysis_html(&[(&document, &measurement(0.1))], None);
        assert!(page.contains("<h1 title=\"songs/a &lt;b&gt;.wav\">a &lt;b&gt;.wav</h1>") && !page.contains("<h2"));
        assert_eq!(page.matches(">a &lt;b&gt;.wav<").count(), 1);
        // A chart keeps its distance from what stands above it, and what follows from the chart.
        assert!(page.contains("table + figure, p + figure, figure + figure, figure + .scroll { margin-top: 22px; }"));
    }

    #[test]
    fn several_files_have_an_album() {
        let (loud, quiet) = (measurement(0.1), measurement(0.05));
        let mut document = sample::before();
        document.file.path = "a <b>.wav".into();
        let documents = [document, sample::after()];
        let album = AlbumDocument::new(&documents, &AlbumLoudness::default());
        let page = analysis_html(&[(&documents[0], &loud), (&documents[1], &quiet)], Some(&album));
        // The album's table and each file's by band scroll on a phone.
        assert_eq!(page.matches("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=").count(), 3);
        assert!(page.contains("2 files") && page.contains(">album<") && page.contains("a &lt;b&gt;.wav"));
        // A shadow shows that there is more, and no name of a column breaks at its hyphen.
        let css =
            ["background-attachment: local, local, scroll, scroll", ".overview thead th { white-space: nowrap; }"];
        assert!(css.iter().all(|rule| page.contains(rule)) && page.contains("<table class=\"numbers overview\">"));
    }
}

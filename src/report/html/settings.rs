//! The section of the page that lists every setting.

use maud::{Markup, html};

use crate::dsp::compressor::{BandCompressorSettings, CompressorSettings};
use crate::dsp::eq::{BandChannel, BandKind, EqBand};
use crate::dsp::eq_fir::EqMode;
use crate::dsp::multiband::{Crossover, MultibandSettings};
use crate::dsp::noise_shaping::NoiseShaping;
use crate::engine::OutputSettings;
use crate::io::SampleFormat;
use crate::report::MasterReport;
use crate::report::figures::{NONE, frequency, number, signed};

/// Settings of every stage with what it did at the most.
pub(super) fn settings(report: &MasterReport) -> Markup {
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
                        h3 { "Equaliser" @if let Some(mode) = eq_mode(recipe.eq_mode) { ", " (mode) } }
                        table.numbers {
                            thead {
                                tr {
                                    th scope="col" { "band" }
                                    th.words scope="col" { "shape" }
                                    th scope="col" { "Hz" }
                                    th scope="col" { "gain, dB" }
                                    th scope="col" { "Q" }
                                }
                            }
                            tbody {
                                @for band in &recipe.eq {
                                    tr {
                                        th scope="row" { (band.name) }
                                        td.words { (shape(band)) }
                                        td { (number(band.frequency_hz, 0)) }
                                        td {
                                            @if matches!(band.kind, BandKind::HighPass | BandKind::LowPass | BandKind::Notch) { (NONE) } @else { (signed(band.gain_db, 2)) }
                                        }
                                        td { (number(band.q, 2)) }
                                    }
                                }
                            }
                        }
                    }
                }
                @if let Some(multiband) = &recipe.multiband { (multiband_stage(multiband, &report.reductions.multiband_db)) }
                @if let Some(width) = &recipe.width {
                    div.stage {
                        h3 { "Width" }
                        dl.values { (row("side", signed(width.side_gain_db, 2), "dB")) }
                    }
                }
                @if let Some(harmonics) = &recipe.bass_harmonics {
                    div.stage {
                        h3 { "Bass harmonics" }
                        dl.values {
                            (row("bass below", number(harmonics.corner_hz, 0), "Hz"))
                            (row("each harmonic", number(harmonics.level_db, 1), "dB"))
                        }
                    }
                }
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
                            @for (name, value, unit) in compressor_options(glue) { (row(name, value, unit)) }
                            (row("deepest reduction", number(report.reductions.glue_db, 1), "dB"))
                        }
                    }
                }
                @if let Some(leveler) = &recipe.leveler {
                    div.stage {
                        h3 { "Leveler" }
                        dl.values {
                            (row("threshold", number(leveler.threshold_db, 1), "dBFS"))
                            (row("ratio", number(leveler.ratio, 2), ": 1"))
                            (row("attack", number(leveler.attack_ms, 1), "ms"))
                            (row("release", number(leveler.release_ms, 0), "ms"))
                            (row("stereo link", number(leveler.stereo_link_percent, 0), "%"))
                            (row("deepest reduction", number(report.reductions.leveler_db, 1), "dB"))
                        }
                    }
                }
                @if let Some(soft_clip) = &recipe.soft_clip {
                    div.stage {
                        h3 { "Soft clip" }
                        dl.values {
                            (row("ceiling", number(soft_clip.ceiling_db, 1), "dBFS"))
                            (row("knee", number(soft_clip.knee_db, 1), "dB"))
                            (row("oversampling", soft_clip.oversampling.to_string(), "times"))
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
                        (row("sustained after", number(limiter.sustained_after_ms, 0), "ms"))
                        (row("attack, sustained", number(limiter.sustained_attack_ms, 0), "ms"))
                        (row("release, sustained", number(limiter.sustained_release_ms, 0), "ms"))
                        (row("release, transient", number(limiter.transient_release_ms, 1), "ms"))
                        (row("stereo link", number(limiter.stereo_link_percent, 0), "%"))
                        (row("deepest reduction", number(report.reductions.limiter_db, 1), "dB"))
                    }
                }
                div.stage {
                    h3 { "Output" }
                    dl.values {
                        (row("sample format", sample_format(&recipe.output), ""))
                        (row("sample rate", report.after.file.sample_rate_hz.to_string(), "Hz"))
                    }
                }
            }
        }
    }
}

fn multiband_stage(multiband: &MultibandSettings, reductions_db: &[f64]) -> Markup {
    let compressor = |band: Option<&BandCompressorSettings>, of: fn(&BandCompressorSettings) -> String| {
        band.map_or_else(|| NONE.to_owned(), of)
    };
    let [low, middle, high] = multiband.corners_hz.map(frequency);
    let ranges =
        [format!("to {low}"), format!("{low} to {middle}"), format!("{middle} to {high}"), format!("from {high}")];
    html! {
        div.stage.broad {
            h3 { "Four bands: width, then compression" @if multiband.crossover == Crossover::LinearPhase { ", linear phase" } }
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

fn eq_mode(mode: EqMode) -> Option<&'static str> {
    match mode {
        EqMode::MinimumPhaseIir => None,
        EqMode::LinearPhase => Some("linear phase"),
        EqMode::MinimumPhaseFir => Some("minimum phase by convolution"),
    }
}

/// Name, value and unit of every option of a compressor that is not as usual.
fn compressor_options(settings: &CompressorSettings) -> Vec<(&'static str, String, &'static str)> {
    let usual = CompressorSettings::default();
    let high_pass_hz = settings.side_chain_high_pass_hz;
    let options = [
        (settings.detector != usual.detector, "level", "peak".to_owned(), ""),
        (
            settings.stereo_link_percent != usual.stereo_link_percent,
            "stereo link",
            number(settings.stereo_link_percent, 0),
            "%",
        ),
        (settings.look_ahead_ms != usual.look_ahead_ms, "look-ahead", number(settings.look_ahead_ms, 1), "ms"),
        (settings.mix_percent != usual.mix_percent, "mix", number(settings.mix_percent, 0), "%"),
        (high_pass_hz.is_some(), "side-chain high-pass", number(high_pass_hz, 0), "Hz"),
        (settings.program_dependent_release, "release", "slower after long reductions".to_owned(), ""),
    ];
    let shown = options.into_iter().filter(|(is_unusual, ..)| *is_unusual);
    shown.map(|(_, name, value, unit)| (name, value, unit)).collect()
}

fn shape(band: &EqBand) -> String {
    let pass = |name: &str| format!("{name}, {} dB/octave", band.slope_db_per_octave);
    let kind = match band.kind {
        BandKind::Bell => "bell",
        BandKind::LowShelf => "low shelf",
        BandKind::HighShelf => "high shelf",
        BandKind::HighPass => &pass("high-pass"),
        BandKind::LowPass => &pass("low-pass"),
        BandKind::Tilt => "tilt",
        BandKind::Notch => "notch",
    };
    match band.channel {
        BandChannel::Stereo => kind.into(),
        BandChannel::Mid => format!("{kind}, mid only"),
        BandChannel::Side => format!("{kind}, side only"),
        BandChannel::Left => format!("{kind}, left only"),
        BandChannel::Right => format!("{kind}, right only"),
    }
}

fn sample_format(output: &OutputSettings) -> String {
    let dither = match output.noise_shaping {
        NoiseShaping::None => "dithered",
        NoiseShaping::Lipshitz => "dithered, noise shaped after Lipshitz",
        NoiseShaping::Wannamaker => "dithered, noise shaped after Wannamaker",
    };
    match output.format {
        SampleFormat::Int16 | SampleFormat::Int24 => format!("{} bits, {dither}", output.format.bits()),
        SampleFormat::Float32 => "32 bits, floating point".into(),
    }
}

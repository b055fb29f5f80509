//! What all writers share: which numbers are told under which names, and how a number, a time or a file is written.

use std::path::{Component, Path, PathBuf};

use super::{AnalysisDocument, FileDocument, MasterReport};
use crate::master::{Promise, Promised};
use crate::measure::analysis::Analysis;

/// What a key number says, in a sentence, by its field.
pub(super) fn help(id: &str) -> Option<&'static str> {
    KEY_FIGURES.iter().find(|figure| figure.id == id).map(|figure| figure.help)
}

/// Stands for a value that does not exist.
pub(super) const NONE: &str = "\u{2013}";

/// What is said of a master for which nothing was proposed.
pub(super) fn nothing_proposed(report: &MasterReport) -> &'static str {
    if report.translation.as_ref().is_some_and(|translation| !translation.applied.is_empty()) {
        "No equaliser, width or compression: but for what was changed for devices, loudness and peaks alone were set."
    } else {
        "No equaliser, width or compression: loudness and peaks alone were set, by gain and limiter."
    }
}

/// A number that is told of every programme.
pub(super) struct Figure {
    /// Its field in the JSON.
    pub(super) id: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// Its name at the head of a narrow column.
    pub(super) short: &'static str,
    /// What it says, in a sentence.
    pub(super) help: &'static str,
    /// Its unit; empty for a plain number.
    pub(super) unit: &'static str,
    /// Digits after the point.
    pub(super) decimals: usize,
    /// Where it stands.
    pub(super) of: fn(&Analysis) -> Option<f64>,
}

/// The key numbers, in the order in which they are told.
pub(super) const KEY_FIGURES: [Figure; 12] = [
    Figure {
        id: "integrated_lufs",
        name: "Integrated loudness",
        short: "LUFS-I",
        help: "Gated loudness of the whole programme (BS.1770).",
        unit: "LUFS",
        decimals: 1,
        of: |analysis| analysis.loudness.integrated_lufs,
    },
    Figure {
        id: "range_lu",
        name: "Loudness range",
        short: "LRA",
        help: "How far quiet and loud passages lie apart (EBU Tech 3342).",
        unit: "LU",
        decimals: 1,
        of: |analysis| analysis.loudness.range_lu,
    },
    Figure {
        id: "max_short_term_lufs",
        name: "Max short-term",
        short: "max S",
        help: "Loudness of the loudest 3 s.",
        unit: "LUFS",
        decimals: 1,
        of: |analysis| analysis.loudness.max_short_term_lufs,
    },
    Figure {
        id: "true_dbtp",
        name: "True peak",
        short: "TP",
        help: "Largest value of the signal, between samples too.",
        unit: "dBTP",
        decimals: 2,
        of: |analysis| analysis.peak.true_dbtp,
    },
    Figure {
        id: "plr_db",
        name: "PLR",
        short: "PLR",
        help: "True peak minus integrated loudness.",
        unit: "dB",
        decimals: 1,
        of: |analysis| analysis.loudness.plr_db,
    },
    Figure {
        id: "psr_min_db",
        name: "PSR, least",
        short: "PSR",
        help: "Least true peak minus loudness within 3 s: the most squeezed passage.",
        unit: "dB",
        decimals: 1,
        of: |analysis| analysis.loudness.psr_min_db,
    },
    Figure {
        id: "crest_db",
        name: "Crest",
        short: "crest",
        help: "Peak over RMS of the whole programme.",
        unit: "dB",
        decimals: 1,
        of: |analysis| analysis.dynamics.crest_db,
    },
    Figure {
        id: "dr14",
        name: "DR14",
        short: "DR14",
        help: "Dynamic range of the loudest fifth, as the DR meter measures it.",
        unit: "dB",
        decimals: 0,
        of: |analysis| analysis.dynamics.dr14,
    },
    Figure {
        id: "width_db",
        name: "Width",
        short: "width",
        help: "Power of the side over the mid.",
        unit: "dB",
        decimals: 1,
        of: |analysis| analysis.stereo.width_db,
    },
    Figure {
        id: "correlation",
        name: "Correlation",
        short: "corr",
        help: "Of left and right: 1 is mono, below 0 cancels in mono.",
        unit: "",
        decimals: 2,
        of: |analysis| analysis.stereo.correlation,
    },
    Figure {
        id: "balance_db",
        name: "Balance",
        short: "bal",
        help: "Left over right: positive leans to the left.",
        unit: "dB",
        decimals: 1,
        of: |analysis| analysis.stereo.balance_db,
    },
    Figure {
        id: "tilt_db_per_octave",
        name: "Spectral tilt",
        short: "tilt",
        help: "Slope of the spectrum from 100 Hz to 10 kHz: 0 for pink noise, lower is darker.",
        unit: "dB/oct",
        decimals: 1,
        of: |analysis| analysis.spectrum.tilt_db_per_octave,
    },
];

/// A number with fixed decimals, never `-0.0`; a dash if there is none.
pub(super) fn number(value: impl Into<Option<f64>>, decimals: usize) -> String {
    written(value.into(), |value| format!("{value:.decimals$}"))
}

/// The same with its sign.
pub(super) fn signed(value: impl Into<Option<f64>>, decimals: usize) -> String {
    written(value.into(), |value| format!("{value:+.decimals$}"))
}

fn written(value: Option<f64>, write: impl Fn(f64) -> String) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return NONE.into() };
    let text = write(value);
    let is_zero = !text.contains(|character: char| character.is_ascii_digit() && character != '0');
    if is_zero { text.trim_start_matches(['-', '+']).to_owned() } else { text }
}

/// How far `after` lies above `before`.
pub(super) fn change(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    after.zip(before).map(|(after, before)| after - before)
}

/// A time: `3:42`, `1:02:07`.
pub(super) fn clock(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.round().max(0.0) as u64 } else { 0 };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A time to the millisecond: `1:02.345`, `1:00:28.226`.
pub(super) fn clock_fine(seconds: f64) -> String {
    let ms = if seconds.is_finite() { (1000.0 * seconds).round().max(0.0) as u64 } else { 0 };
    format!("{}.{:03}", clock((ms / 1000) as f64), ms % 1000)
}

/// Where a finding is, in words: the first places, a tenth of a second or more apart, and how many more; nothing where it
/// holds throughout.
pub(super) fn places(times_s: &[f64]) -> String {
    const SHOWN: usize = 3;
    const APART_S: f64 = 0.1;
    let mut apart: Vec<f64> = Vec::new();
    for &time_s in times_s {
        if apart.last().is_none_or(|last| time_s - last >= APART_S) {
            apart.push(time_s);
        }
    }
    let mut text: String = apart.iter().take(SHOWN).map(|&time_s| clock_fine(time_s)).collect::<Vec<_>>().join(", ");
    if apart.len() > SHOWN {
        text += &format!(" and {} more", apart.len() - SHOWN);
    }
    text
}

/// A frequency as axes and band tables have it: `31.5`, `250`, `1k`, `12.5k`. Third-octave centres get their nominal
/// names.
pub(super) fn frequency(hz: f64) -> String {
    const NOMINAL: [f64; 10] = [1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0];
    if !(hz.is_finite() && hz > 0.0) {
        return NONE.into();
    }
    let decade = 10f64.powf((hz * 1.01).log10().floor());
    let near = NOMINAL.iter().map(|step| step * decade).find(|nominal| (nominal / hz - 1.0).abs() < 0.015);
    let hz = near.unwrap_or(hz);
    let (value, suffix) = if hz >= 999.5 { (hz / 1000.0, "k") } else { (hz, "") };
    // Three digits tell any two apart that matter.
    let text = match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

/// A frequency with its unit: `310 Hz`, `12.5 kHz`.
pub(super) fn hertz(hz: f64) -> String {
    let text = frequency(hz);
    text.strip_suffix('k').map_or_else(|| format!("{text} Hz"), |thousands| format!("{thousands} kHz"))
}

/// A range of frequencies: `20 to 120 Hz`, `700 Hz to 5 kHz`, `5 to 20 kHz`.
pub(super) fn hertz_range(low_hz: f64, high_hz: f64) -> String {
    let (low, high) = (hertz(low_hz), hertz(high_hz));
    match (low.split_once(' '), high.split_once(' ')) {
        (Some((value, unit)), Some((_, same))) if unit == same => format!("{value} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// The last part of a path, with control characters made visible.
pub(super) fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name().map_or_else(|| path.into(), |name| name.to_string_lossy());
    printable(&name)
}

/// Names for files side by side: of each as many last parts of its path as tell it from the others.
pub(super) fn file_names<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let paths: Vec<Vec<_>> = paths.into_iter().map(|path| Path::new(path).components().rev().collect()).collect();
    let tell_apart = |path: &[Component<'_>]| {
        let has_twin = |parts: usize| {
            paths.iter().filter(|other| other.len() >= parts && other[..parts] == path[..parts]).count() > 1
        };
        (1..path.len()).find(|&parts| !has_twin(parts)).unwrap_or(path.len())
    };
    let last_parts = |path: &Vec<Component<'_>>| path[..tell_apart(path)].iter().rev().collect::<PathBuf>();
    paths.iter().map(|path| printable(&last_parts(path).to_string_lossy())).collect()
}

/// Text without characters that control: a file name must not steer a terminal, break a line or turn what follows around.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if controls(character) { '\u{fffd}' } else { character }).collect()
}

/// Whether a character is a control character, a line or paragraph separator, or one that sets the direction of text (Unicode
/// Standard Annex 9).
fn controls(character: char) -> bool {
    const SEPARATORS: [char; 2] = ['\u{2028}', '\u{2029}'];
    const MARKS: [char; 3] = ['\u{061c}', '\u{200e}', '\u{200f}'];
    character.is_control()
        || SEPARATORS.contains(&character)
        || MARKS.contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2066}'..='\u{2069}').contains(&character)
}

/// What [`printable`] makes of each line.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// What is shorter is told in parts of a second, s.
pub(super) const SHORT_S: f64 = 5.0;

/// A file in a line: `WAV, 44.1 kHz, 24 bits, stereo, 3:42`.
pub(super) fn describe_file(file: &FileDocument) -> String {
    let rate = format!("{:.3}", f64::from(file.sample_rate_hz) / 1000.0);
    let rate = rate.trim_end_matches('0').trim_end_matches('.').to_owned();
    let bits = file.bits.map_or(String::new(), |bits| format!(", {bits} bits"));
    let channels = if file.channels == 1 { "mono" } else { "stereo" };
    let length = if file.duration_s < SHORT_S { format!("{:.2} s", file.duration_s) } else { clock(file.duration_s) };
    format!("{}, {rate} kHz{bits}, {channels}, {length}", printable(&file.format))
}

/// The programmes of a report by name, those that there are.
pub(super) fn programmes<'a>(
    before: &'a AnalysisDocument,
    after: &'a AnalysisDocument,
    reference: Option<&'a AnalysisDocument>,
) -> Vec<(&'static str, &'a AnalysisDocument)> {
    let named = [("before", Some(before)), ("after", Some(after)), ("reference", reference)];
    named.into_iter().filter_map(|(name, document)| document.map(|document| (name, document))).collect()
}

/// A promise in words: what, wanted, measured.
pub(super) struct PromiseWords {
    /// What was promised.
    pub(super) name: &'static str,
    /// `-9.00 LUFS`, `at most -1.00 dBTP`.
    pub(super) wanted: String,
    /// `-9.02 LUFS`.
    pub(super) measured: String,
    /// Why it was missed; empty if it was kept.
    pub(super) reason: String,
    /// Why it was promised; empty where that goes without saying.
    pub(super) wanted_because: String,
}

impl PromiseWords {
    /// Words of a promise.
    pub(super) fn of(promise: &Promise) -> Self {
        let Promise { unit, wanted, tolerance, .. } = promise;
        let (name, decimals, limit) = match promise.id {
            Promised::IntegratedLoudness => ("Loudness", 2, ""),
            Promised::TruePeak => ("True peak", 2, "at most "),
            Promised::Length => ("Length", 0, ""),
        };
        // A distance from a loudness is one in LU.
        let of_distance = unit.replace("LUFS", "LU");
        let tolerance = if *tolerance > 0.0 { format!(" \u{b1} {tolerance} {of_distance}") } else { String::new() };
        let reason = promise.reason.as_deref().unwrap_or("no reason is known");
        Self {
            name,
            wanted: format!("{limit}{} {unit}{tolerance}", number(*wanted, decimals)),
            measured: format!("{} {unit}", number(promise.measured, decimals)),
            reason: if promise.met { String::new() } else { printable(reason) },
            wanted_because: promise.wanted_because.as_deref().map(printable).unwrap_or_default(),
        }
    }
}

/// What was measured of a promise, with its unit, and what was wanted.
pub fn promise_words(promise: &Promise) -> String {
    let PromiseWords { name, wanted, measured, .. } = PromiseWords::of(promise);
    format!("{name}: {measured}, wanted {wanted}")
}

/// The verdict in a sentence.
pub(super) fn verdict(promises: &[Promise]) -> String {
    let missed = promises.iter().filter(|promise| !promise.met).count();
    match (missed, promises.len()) {
        (_, 0) => "Nothing was promised".into(),
        (0, 1) => "The promise is kept".into(),
        (0, all) => format!("All {all} promises are kept"),
        (missed, all) => format!("{missed} of {all} promises {} missed", if missed == 1 { "is" } else { "are" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn numbers_have_fixed_decimals_and_no_negative_zero() {
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(signed(0.04, 1), "0.0");
        assert_eq!(signed(0.06, 1), "+0.1");
        assert_eq!(number(f64::NEG_INFINITY, 1), NONE);
        assert_eq!(number(None, 1), NONE);
    }

    #[test]
    fn times_and_frequencies_read_as_on_a_console() {
        assert_eq!([clock(0.4), clock(222.0), clock(3727.0)], ["0:00", "3:42", "1:02:07"]);
        assert_eq!(
            [clock_fine(0.0004), clock_fine(62.345), clock_fine(3727.9996)],
            ["0:00.000", "1:02.345", "1:02:08.000"]
        );
        let third_octaves = [-16, -15, -3, 0, 1, 5, 11, 13].map(|k| 1000.0 * 10f64.powf(f64::from(k) / 10.0));
        assert_eq!(third_octaves.map(frequency), ["25", "31.5", "500", "1k", "1.25k", "3.15k", "12.5k", "20k"]);
        assert_eq!([hertz_range(20.0, 120.0), hertz_range(700.0, 5e3)], ["20 to 120 Hz", "700 Hz to 5 kHz"]);
        assert_eq!([hertz_range(5e3, 2e4), hertz(12_589.0)], ["5 to 20 kHz", "12.5 kHz"]);
    }

    #[test]
    fn a_file_name_cannot_steer_a_terminal() {
        assert_eq!(file_name("dir/a\u{1b}[2Jb.wav"), "a\u{fffd}[2Jb.wav");
        assert_eq!(file_names(["a\u{1b}.wav"]), ["a\u{fffd}.wav"]);
        // What would show as abcexe.wav, and what would begin a line.
        assert_eq!(file_name("abc\u{202e}vaw.exe"), "abc\u{fffd}vaw.exe");
        for character in "\u{61c}\u{200e}\u{200f}\u{202a}\u{2066}\u{2069}\u{2028}\u{2029}\u{85}".chars() {
            assert_eq!(printable(&character.to_string()), "\u{fffd}", "{character:?}");
        }
        assert_eq!(printable("\u{5e9}\u{5d9}\u{5e8} e\u{301}.wav"), "\u{5e9}\u{5d9}\u{5e8} e\u{301}.wav");
    }

    #[test]
    fn a_short_file_has_a_length_too() {
        let mut file = sample::before().file;
        assert!(describe_file(&file).ends_with(", 3:42"));
        file.duration_s = 0.45;
        assert!(describe_file(&file).ends_with(", 0.45 s"));
    }

    #[test]
    fn a_promise_is_told_with_its_unit() {
        let mut promise = sample::report().verified.remove(1);
        promise.measured = Some(-0.957);
        assert_eq!(promise_words(&promise), "True peak: -0.96 dBTP, wanted at most -1.00 dBTP");
        promise.measured = None;
        assert_eq!(promise_words(&promise), "True peak: \u{2013} dBTP, wanted at most -1.00 dBTP");
    }

    #[test]
    fn files_of_one_name_are_told_apart_by_their_folders() {
        let names = file_names(["/x/one/mix.wav", "/x/two/mix.wav", "/y/two/mix.wav", "/x/two/song.wav", "mix.wav"]);
        assert_eq!(names, ["one/mix.wav", "x/two/mix.wav", "y/two/mix.wav", "song.wav", "mix.wav"]);
        assert_eq!(file_names(["a/b.wav", "a/b.wav"]), ["a/b.wav", "a/b.wav"]);
    }
}

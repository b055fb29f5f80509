//! What was measured of files.

use super::{WIDTH, columns, line, pad, shorten, wrap};
use crate::measure::wide_bands::WIDE_BANDS;
use crate::quality::Severity;
use crate::report::figures::{
    KEY_FIGURES, clock_fine, describe_file, file_name, file_names, frequency, hertz_range, number, places, printable,
};
use crate::report::readings::{Reading, sections};
use crate::report::verdicts::{Mood, Verdict};
use crate::report::{AlbumDocument, AnalysisDocument};

/// Everything that was measured: of one file in sections with a verdict for each line, of several, or of an album of which one alone
/// could be measured, in a table with a row for each and one for all as an album.
pub fn analysis_text(documents: &[AnalysisDocument], album: Option<&AlbumDocument>, colors: Colors) -> String {
    match (documents, album) {
        ([document], None) => one_file(document, colors),
        _ => many_files(documents, album),
    }
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colors {
    /// Escape sequences of ANSI X3.64.
    Ansi,
    /// Plain text.
    None,
}

impl Colors {
    fn paint(self, mood: Mood, text: &str) -> String {
        let code = match mood {
            Mood::Good => "32",
            Mood::Plain => "2",
            Mood::Warning => "33",
            Mood::Bad => "1;31",
        };
        if self == Self::None || text.is_empty() { text.into() } else { format!("\u{1b}[{code}m{text}\u{1b}[0m") }
    }
}

fn one_file(document: &AnalysisDocument, colors: Colors) -> String {
    let mut out = String::new();
    let analysis = &document.analysis;
    line(&mut out, &shorten(&file_name(&document.file.path), WIDTH));
    line(&mut out, &describe_file(&document.file));
    for (title, readings) in sections(analysis) {
        line(&mut out, "");
        line(&mut out, title);
        for Reading { id, name, value, decimals, unit } in readings {
            let value_text = format!("  {name:<26}{:>9} {unit:<5}", number(value, decimals));
            let verdict = Verdict::of(id, value, document);
            let verdict = verdict.map_or(String::new(), |verdict| colors.paint(verdict.mood, &verdict.text));
            line(&mut out, &format!("{value_text} {verdict}"));
        }
    }
    highest(&mut out, document);
    quality(&mut out, document, colors);
    by_band(&mut out, document);
    spectrum(&mut out, document);
    out
}

fn highest(out: &mut String, document: &AnalysisDocument) {
    let places =
        document.analysis.peak.highest.iter().map(|peak| {
            format!("{} dBTP at {} ({})", number(peak.true_dbtp, 2), clock_fine(peak.time_s), peak.channel)
        });
    let places: Vec<String> = places.collect();
    if !places.is_empty() {
        line(out, "");
        wrap(out, &format!("Highest: {}", places.join(", ")), 0);
    }
}

fn quality(out: &mut String, document: &AnalysisDocument, colors: Colors) {
    line(out, "");
    if document.quality.is_empty() {
        line(out, &format!("Quality: {}", colors.paint(Mood::Good, "nothing found")));
        return;
    }
    line(out, "Quality");
    for finding in &document.quality {
        let (name, mood) = told(finding.severity);
        let places = places(&finding.times_s);
        let place = if places.is_empty() { String::new() } else { format!(" at {places}") };
        line(out, &format!("  {} {}{place}", colors.paint(mood, &format!("{name:<8}")), finding.id));
        wrap(out, &finding.message, 11);
    }
}

fn by_band(out: &mut String, document: &AnalysisDocument) {
    line(out, "");
    let head = ["width dB", "corr", "bal dB", "mono dB", "median dB", "spread dB", "hits dB"]
        .map(|name| format!("{name:>10}"));
    line(out, &format!("{:<27}{}", "By band", head.concat()));
    let analysis = &document.analysis;
    for (band, (stereo, dynamics)) in WIDE_BANDS.iter().zip(analysis.stereo.bands.iter().zip(&analysis.dynamics.bands))
    {
        let range = hertz_range(stereo.low_hz, stereo.high_hz);
        let values = [
            number(stereo.width_db, 1),
            number(stereo.correlation, 2),
            number(stereo.balance_db, 1),
            number(stereo.mono_loss_db, 1),
            number(dynamics.p50_db, 1),
            number(dynamics.spread_db, 1),
            number(dynamics.short_to_long_p95_db, 1),
        ];
        let values = values.map(|value| format!("{value:>10}")).concat();
        line(out, &format!("  {:<9} {range:<15}{values}", band.name()));
    }
    line(out, "  mono: lost in the sum; spread: 95th over 10th percentile of 0.2 s; hits: 95th of 0.2 s over 3 s");
}

fn spectrum(out: &mut String, document: &AnalysisDocument) {
    const BAR: f64 = 60.0;
    let spectrum = &document.analysis.spectrum;
    let loudest = spectrum.mid_db.iter().flatten().copied().filter(|db| db.is_finite()).fold(f64::MIN, f64::max);
    let tilt = number(spectrum.tilt_db_per_octave, 1);
    line(out, "");
    line(out, &format!("Spectrum of the loud parts: mid and side in third octaves; tilt {tilt} dB/octave"));
    line(out, &format!("{:>8} {:>8} {:>8}   mid, 1 dB a character", "Hz", "mid dB", "side dB"));
    for ((hz, mid), side) in spectrum.center_hz.iter().zip(&spectrum.mid_db).zip(&spectrum.side_db) {
        let length = mid.map_or(0.0, |db| (BAR + db - loudest).round().clamp(0.0, BAR)) as usize;
        let bar = "=".repeat(length);
        line(out, &format!("{:>8} {:>8} {:>8}   {bar}", frequency(*hz), number(*mid, 1), number(*side, 1)));
    }
}

/// Room for names, however wide the numbers are.
const LEAST_NAME: usize = 16;

fn many_files(documents: &[AnalysisDocument], album: Option<&AlbumDocument>) -> String {
    let mut out = String::new();
    let names = file_names(documents.iter().map(|document| document.file.path.as_str()));
    let rows: Vec<[String; KEY_FIGURES.len()]> = documents
        .iter()
        .map(|document| KEY_FIGURES.each_ref().map(|figure| number((figure.of)(&document.analysis), figure.decimals)))
        .chain(album.map(|album| KEY_FIGURES.each_ref().map(|figure| number(album.figure(figure.id), figure.decimals))))
        .collect();
    let widths: [usize; KEY_FIGURES.len()] = std::array::from_fn(|column| {
        let figure = &KEY_FIGURES[column];
        let widest = rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
        1 + widest.max(figure.short.len()).max(figure.unit.len()).max(5)
    });
    let room = WIDTH - widths.iter().sum::<usize>().min(WIDTH - LEAST_NAME);
    let names: Vec<String> = names.iter().map(|name| shorten(name, room)).chain(["album".into()]).collect();
    let longest = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    let mut row = |name: &str, cells: &[&str]| {
        let cells: String = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        line(&mut out, &format!("{}{cells}", pad(name, longest)));
    };
    row("file", &KEY_FIGURES.each_ref().map(|figure| figure.short));
    row("", &KEY_FIGURES.each_ref().map(|figure| figure.unit));
    for (name, cells) in names.iter().zip(&rows) {
        row(name, &cells.each_ref().map(String::as_str));
    }
    let found = documents.iter().zip(&names).filter_map(|(document, name)| Some((name, serious(document)?)));
    let found: Vec<String> = found.map(|(name, ids)| format!("{name}: {ids}")).collect();
    if !found.is_empty() {
        line(&mut out, "");
        line(&mut out, "Quality control (each file by itself tells more)");
        found.iter().for_each(|found| wrap(&mut out, &printable(found), 2));
    }
    out
}

/// How bad a finding is, in a word and a colour.
fn told(severity: Severity) -> (&'static str, Mood) {
    match severity {
        Severity::Fail => ("fail", Mood::Bad),
        Severity::Warning => ("warning", Mood::Warning),
        Severity::Info => ("info", Mood::Plain),
    }
}

/// What quality control found that is more than a remark; `None` for nothing.
fn serious(document: &AnalysisDocument) -> Option<String> {
    let of_kind = |severity: Severity| {
        let of_it = document.quality.iter().filter(|finding| finding.severity == severity);
        let ids: Vec<String> = of_it.map(|finding| finding.id.to_string()).collect();
        (!ids.is_empty()).then(|| format!("{} {}", told(severity).0, ids.join(", ")))
    };
    let kinds: Vec<String> = [Severity::Fail, Severity::Warning].into_iter().filter_map(of_kind).collect();
    (!kinds.is_empty()).then(|| kinds.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::NONE;
    use crate::report::sample;
    use crate::report::text::tests::assert_fits;

    fn text_of(documents: &[AnalysisDocument]) -> String {
        analysis_text(documents, None, Colors::None)
    }

    #[test]
    fn one_file_is_told_in_sections() {
        let text = text_of(&[sample::before()]);
        assert_fits(&text);
        for wanted in ["Loudness\n", "Peak\n", "Dynamics\n", "Stereo\n", "By band", "Spectrum", "31.5", "44.1 kHz"] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        assert!(text.contains("  true peak                     -3.12 dBTP"), "{text}");
        // Width, correlation, balance, loss in mono, median, spread and hits of the lowest band.
        let (before, lowest) = (sample::before().analysis, text.lines().find(|line| line.contains("20 to 120 Hz")));
        let (stereo, dynamics) = (&before.stereo.bands[0], &before.dynamics.bands[0]);
        let values = [stereo.width_db, stereo.correlation, stereo.balance_db, stereo.mono_loss_db];
        let values = values.into_iter().chain([dynamics.p50_db, dynamics.spread_db, dynamics.short_to_long_p95_db]);
        let told = lowest.expect("a row").split_whitespace().rev().take(7).collect::<Vec<_>>().into_iter().rev();
        for (told, value) in told.zip(values) {
            let told: f64 = told.replace('\u{2212}', "-").parse().expect("a number");
            assert!((told - value.expect("a value")).abs() <= 0.051, "{lowest:?}");
        }
        assert!(text_of(&[sample::bare().before]).contains(NONE));
    }

    #[test]
    fn several_files_stand_in_rows() {
        let mut long = sample::after();
        long.file.path = format!("{}.wav", "very long name ".repeat(10));
        let mut twin = sample::before();
        twin.file.path = "other/Night Drive mix 7.wav".into();
        let text = text_of(&[sample::before(), twin, long]);
        assert_fits(&text);
        let (table, quality) = text.split_once("\n\nQuality control").expect("something was found");
        assert_eq!(table.lines().count(), 5);
        assert!(table.contains('\u{2026}') && table.contains("LUFS-I"), "{text}");
        assert!(quality.contains("mix 7.wav: warning clipping"), "{text}");
        assert_eq!(text_of(&[]).lines().count(), 2);
    }

    #[test]
    fn rows_of_any_script_stand_under_their_heads() {
        let mut wide = sample::after();
        wide.file.path = "\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{66f2}.wav".into();
        let text = text_of(&[sample::before(), wide]);
        let ends: Vec<usize> = text.lines().take(4).map(columns).collect();
        assert!(ends.iter().all(|end| *end == ends[1]), "{text}");
    }

    #[test]
    fn colours_are_for_verdicts_only_and_only_on_demand() {
        let colored = analysis_text(&[sample::before()], None, Colors::Ansi);
        assert!(colored.contains("\u{1b}[32m") && !text_of(&[sample::before()]).contains('\u{1b}'));
        let mut plain = colored;
        for code in ["32", "2", "33", "1;31", "0"] {
            plain = plain.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(plain, text_of(&[sample::before()]));
    }
}

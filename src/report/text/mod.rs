//! Reports for the terminal: aligned columns, at most 100 wide.

mod advice;
mod album_translation;
mod analysis;
mod processors;
mod translation;

pub use advice::advice_text;
pub use album_translation::album_translation_text;
pub use analysis::{Colors, analysis_text};
pub use processors::processors_text;
pub use translation::translation_text;

use unicode_width::UnicodeWidthStr;

use super::figures::{
    KEY_FIGURES, NONE, PromiseWords, change, describe_file, file_name, file_names, frequency, hertz, nothing_proposed,
    number, printable, signed, verdict,
};
use super::{AnalysisDocument, ComparisonDocument, MasterReport, Outcome, SuggestionDocument};
use crate::measure::wide_bands::WIDE_BANDS;

/// Most columns of a line.
const WIDTH: usize = 100;
/// Key numbers that a master is told by here; the others are in the page and in the JSON.
const MASTER_FIGURES: [&str; 10] = [
    "integrated_lufs",
    "range_lu",
    "true_dbtp",
    "plr_db",
    "psr_min_db",
    "crest_db",
    "width_db",
    "correlation",
    "balance_db",
    "tilt_db_per_octave",
];
/// Columns for a setting in a row of changes.
const SETTING_WIDTH: usize = 40;
/// Unit of the changes' values, but where another one stands beside them.
const USUAL_UNIT: &str = "dB";
/// The balance is told where it moved by as much, dB.
const BALANCE_MOVED_DB: f64 = 0.5;

/// What became of a master: promises, numbers, changes with their reasons, notes.
pub fn master_text(report: &MasterReport) -> String {
    let mut out = String::new();
    let MasterReport { before, after, reference, .. } = report;
    let name = |document: &AnalysisDocument| shorten(&file_name(&document.file.path), WIDTH - 12);
    line(&mut out, &format!("{}: {}", name(after), verdict(&report.verified).to_lowercase()));
    line(&mut out, &format!("  mix        {}", name(before)));
    if let Some(name) = report.reference_names().first() {
        let role = report.reference_role().map_or(String::new(), |role| format!(", {role}"));
        line(&mut out, &format!("  reference  {}{role}", shorten(name, WIDTH - 13 - columns(&role))));
    }
    if let Some(profile) = &report.profile {
        line(&mut out, &shorten(&printable(&format!("  profile    {}", profile.words())), WIDTH));
    }
    line(&mut out, "");
    // What was missed comes first.
    for met in [false, true] {
        for promise in report.verified.iter().filter(|promise| promise.met == met) {
            let PromiseWords { name, wanted, measured, reason, wanted_because } = PromiseWords::of(promise);
            let mark = if met { "kept  " } else { "MISSED" };
            line(&mut out, &format!("  {mark}  {name:<10} {measured:>14}, wanted {wanted}"));
            wrap(&mut out, &reason, 10);
            if !wanted_because.is_empty() {
                wrap(&mut out, &format!("because {wanted_because}"), 10);
            }
        }
    }
    line(&mut out, "");
    let head = |reference: &str| format!("{:<30}{:>10}{:>10}{:>10}{reference:>12}", "", "before", "after", "change");
    line(&mut out, &head(if reference.is_some() { "reference" } else { "" }));
    for figure in KEY_FIGURES.iter().filter(|figure| MASTER_FIGURES.contains(&figure.id)) {
        let of = |document: &AnalysisDocument| (figure.of)(&document.analysis);
        let name = with_unit(figure.name, figure.unit);
        let (was, is) = (of(before), of(after));
        if figure.id == "balance_db" && change(was, is).is_none_or(|change| change.abs() < BALANCE_MOVED_DB) {
            continue;
        }
        let reference = reference.as_ref().map_or(String::new(), |document| number(of(document), figure.decimals));
        let (was, is, by) =
            (number(was, figure.decimals), number(is, figure.decimals), signed(change(was, is), figure.decimals));
        line(&mut out, &format!("  {name:<28}{was:>10}{is:>10}{by:>10}{reference:>12}"));
    }
    line(&mut out, "");
    changes(&mut out, report);
    line(&mut out, "");
    if let Some(refinement) = &report.model.refinement {
        wrap(&mut out, &refinement.describe(), 0);
    }
    line(&mut out, &format!("Deepest reduction: {}", reductions(report)));
    if let Some(translation) = &report.translation {
        translation::in_master(&mut out, translation);
    }
    for note in &report.notes {
        wrap(&mut out, &format!("Note: {}", printable(note)), 0);
    }
    out
}

fn changes(out: &mut String, report: &MasterReport) {
    if report.suggestions.is_empty() {
        wrap(out, nothing_proposed(report), 0);
        return;
    }
    let reference = report.held_against().unwrap_or_default();
    let title = format!("What was done, and why (values in {USUAL_UNIT})");
    line(out, &format!("{title:<42}{:>8}{:>11}{:>10}{reference:>11}", "before", "predicted", "achieved"));
    for document in &report.suggestions {
        let SuggestionDocument { suggestion, achieved, unit, measure, .. } = document;
        let unit = if *unit == USUAL_UNIT { String::new() } else { format!("  {unit}") };
        let mark = match document.outcome {
            Outcome::WrongWay => "  ! wrong way".into(),
            Outcome::Off => format!("  ! {} off", signed(document.miss(), 1)),
            Outcome::AsPredicted | Outcome::Unknown => String::new(),
        };
        let values = [suggestion.before, suggestion.predicted, *achieved].map(|value| number(value, 1));
        let reference = report.reference.as_ref().map_or(String::new(), |_| number(document.held_against(), 1));
        let [before, predicted, achieved] = values;
        let setting = printable(&suggestion.setting);
        if columns(&setting) > SETTING_WIDTH {
            wrap(out, &setting, 2);
        }
        let label = row_label(&setting, measure);
        line(out, &format!("  {label:<40}{before:>8}{predicted:>11}{achieved:>10}{reference:>11}{unit}{mark}"));
        // A cause says what was read; without one, that stands here.
        wrap(out, &printable(if suggestion.cause.is_empty() { measure } else { &suggestion.cause }), 6);
        wrap(out, &document.reference_words().unwrap_or_default(), 6);
    }
}

/// What a row of changes begins with: its setting and what is measured, as far as there is room; without the setting where that is too
/// long, and stands above.
fn row_label(setting: &str, measure: &str) -> String {
    let both = format!("{setting}; {measure}");
    let fitting = |label: &&str| columns(label) <= SETTING_WIDTH;
    [both.as_str(), setting, measure].into_iter().find(fitting).unwrap_or_default().into()
}

fn reductions(report: &MasterReport) -> String {
    let mut parts = vec![format!("limiter {} dB", number(report.reductions.limiter_db, 1))];
    if report.settings.leveler.is_some() {
        parts.push(format!("leveler {} dB", number(report.reductions.leveler_db, 1)));
    }
    if report.settings.glue.is_some() {
        parts.push(format!("glue {} dB", number(report.reductions.glue_db, 1)));
    }
    let bands = report.settings.multiband.iter().flat_map(|multiband| &multiband.bands);
    for (wide_band, (band, reduction_db)) in WIDE_BANDS.iter().zip(bands.zip(report.reductions.multiband_db)) {
        if band.compressor.is_some() {
            parts.push(format!("{} {} dB", wide_band.name(), number(reduction_db, 1)));
        }
    }
    parts.join(", ")
}

/// Two files side by side: numbers with their differences, then third octaves at the same loudness.
pub fn comparison_text(comparison: &ComparisonDocument) -> String {
    let mut out = String::new();
    let ComparisonDocument { a, b, .. } = comparison;
    let names = file_names([a, b].map(|document| document.file.path.as_str()));
    for ((letter, document), name) in [("A", a), ("B", b)].into_iter().zip(&names) {
        let file = describe_file(&document.file);
        let room = (WIDTH - 6).saturating_sub(columns(&file));
        line(&mut out, &format!("{letter}  {}  {file}", shorten(name, room)));
    }
    line(&mut out, "");
    line(&mut out, &format!("{:<40}{:>10}{:>10}{:>10}", "", "A", "B", "B - A"));
    for row in &comparison.numbers {
        let [a, b] = [row.a, row.b].map(|value| number(value, row.decimals));
        let difference = signed(row.difference, row.decimals);
        let measure = with_unit(&row.measure, row.unit);
        line(&mut out, &format!("  {measure:<38}{a:>10}{b:>10}{difference:>10} {}", unit_of_difference(row.unit)));
    }
    line(&mut out, "");
    let Some(gain_db) = comparison.match_gain_db else {
        line(&mut out, "One of them has no loudness: their spectra can't be matched.");
        return out;
    };
    line(
        &mut out,
        &format!("Spectrum of B over A in third octaves, at the same loudness (B {} dB)", signed(gain_db, 1)),
    );
    if comparison.worst.is_empty() {
        line(&mut out, "  no difference that would show in tenths of a dB");
    } else {
        let worst: Vec<String> = comparison
            .worst
            .iter()
            .map(|w| format!("{} {} {} dB", w.channel, hertz(w.center_hz), signed(w.difference_db, 1)))
            .collect();
        wrap(&mut out, &format!("largest: {}", worst.join(", ")), 2);
    }
    let largest_db = comparison.worst.first().map_or(0.0, |worst| worst.difference_db.abs());
    let step_db = [1.0, 2.0, 5.0].into_iter().find(|step| largest_db <= 10.0 * step).unwrap_or(5.0);
    let edge = format!("{:.0}", 10.0 * step_db);
    let scale = format!("{:<10}0{:>10}", format!("-{edge}"), format!("+{edge}"));
    line(&mut out, &format!("{:>8}{:>9}  {scale}  {:>11}  {scale}", "Hz", "mid dB", "side dB"));
    for band in &comparison.bands {
        let column = |channel: &str, value: Option<f64>| {
            let is_worst =
                comparison.worst.iter().any(|worst| worst.channel == channel && worst.center_hz == band.center_hz);
            format!("{:>9}  {} {}", signed(value, 1), needle(value, step_db), if is_worst { '<' } else { ' ' })
        };
        let (mid, side) = (column("mid", band.mid_db), column("side", band.side_db));
        line(&mut out, &format!("{:>8}{mid}  {side}", frequency(band.center_hz)));
    }
    line(&mut out, &format!("  <: among the largest.  {NONE}: nothing there to compare."));
    out
}

/// A number's name with its unit, if it has one.
fn with_unit(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.into() } else { format!("{name}, {unit}") }
}

/// The unit of the difference of two values (EBU Tech 3341, 2.1: levels differ by LU or dB).
fn unit_of_difference(unit: &str) -> &str {
    match unit {
        "LUFS" => "LU",
        "dBTP" | "dBFS" => "dB",
        other => other,
    }
}

/// A bar of 21 characters from the middle to a difference.
fn needle(value: Option<f64>, step_db: f64) -> String {
    const HALF: i32 = 10;
    let Some(value) = value.filter(|value| value.is_finite()) else { return " ".repeat(2 * HALF as usize + 1) };
    let end = (value / step_db).round().clamp(f64::from(-HALF), f64::from(HALF)) as i32;
    let inside = |place: i32| (place > 0 && place <= end) || (place < 0 && place >= end);
    (-HALF..=HALF)
        .map(|place| {
            if place == 0 {
                '|'
            } else if inside(place) {
                '='
            } else {
                ' '
            }
        })
        .collect()
}

/// Appends a line without the blanks at its end.
pub(super) fn line(out: &mut String, content: &str) {
    out.push_str(content.trim_end());
    out.push('\n');
}

/// Appends text in lines of at most [`WIDTH`], the following ones further indented; nothing where there is no text.
pub(super) fn wrap(out: &mut String, content: &str, indent: usize) {
    if content.is_empty() {
        return;
    }
    fill(out, " ".repeat(indent), content, indent + 2);
}

/// Appends a row with words behind it, or in lines under it where there is no room.
fn line_with_words(out: &mut String, row: &str, words: &str) {
    if columns(row) + 2 + columns(words) <= WIDTH {
        line(out, &format!("{row}  {words}"));
    } else {
        line(out, row);
        wrap(out, words, 6);
    }
}

/// Appends text beside a lead that ends in blanks, in lines of at most [`WIDTH`].
fn wrap_beside(out: &mut String, lead: &str, content: &str) {
    let indent = columns(lead);
    fill(out, lead.into(), content, indent);
}

fn fill(out: &mut String, mut current: String, content: &str, following_indent: usize) {
    let mut is_empty = true;
    for word in content.split_whitespace() {
        if !is_empty && columns(&current) + 1 + columns(word) > WIDTH {
            line(out, &current);
            current = " ".repeat(following_indent);
            is_empty = true;
        }
        if !is_empty {
            current.push(' ');
        }
        current.push_str(word);
        is_empty = false;
    }
    line(out, &current);
}

/// Columns that a terminal gives to a text (Unicode Standard Annex 11): two for a Chinese or Japanese character, none for an accent
/// that is written behind its letter.
fn columns(text: &str) -> usize {
    text.width()
}

/// Text with blanks behind it, up to a number of columns.
fn pad(text: &str, width: usize) -> String {
    format!("{text}{:1$}", "", width.saturating_sub(columns(text)))
}

/// At most `width` columns; what is cut out of the middle leaves an ellipsis.
fn shorten(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.into();
    }
    let head = width.saturating_sub(1) / 3;
    let tail = width.saturating_sub(1) - head;
    let cuts = || text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let head_end = cuts().take_while(|&at| columns(&text[..at]) <= head).last().unwrap_or(0);
    let tail_start = cuts().find(|&at| columns(&text[at..]) <= tail).unwrap_or(text.len());
    // An accent whose letter is cut off goes too.
    let tail =
        text[tail_start..].trim_start_matches(|character: char| columns(character.encode_utf8(&mut [0; 4])) == 0);
    format!("{}\u{2026}{tail}", &text[..head_end])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::sample;
    use crate::suggest::{Quantity, Suggestion};

    pub(in crate::report) fn assert_fits(text: &str) {
        for line in text.lines() {
            assert!(columns(line) <= WIDTH && !line.ends_with(' '), "{} {line:?}", columns(line));
            assert!(!line.contains("NaN") && !line.contains("inf"), "{line}");
        }
    }

    #[test]
    fn names_take_the_columns_that_a_terminal_gives_them() {
        // Two columns a character; a letter and its accent in one.
        let (wide, accented) = ("\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{66f2}.wav", "e\u{301}te\u{301} a\u{300} Paris.wav");
        assert_eq!([columns(wide), columns(accented)], [14, 15]);
        assert_eq!([pad(wide, 16), pad(accented, 16)], [format!("{wide}  "), format!("{accented} ")]);
        assert_eq!([shorten(wide, 14), shorten(accented, 15)], [wide, accented]);
        assert_eq!(shorten(wide, 11), "\u{65e5}\u{2026}\u{66f2}.wav", "a character is not cut in half");
        assert_eq!(shorten("abcde\u{301}\u{301}fg", 4), "a\u{2026}fg");
        let mut out = String::new();
        wrap(&mut out, &format!("{0} {0} {0}", "\u{65e5}".repeat(20)), 0);
        assert_fits(&out);
        assert_eq!(out.lines().count(), 2);
    }

    #[test]
    fn a_master_is_told_on_one_screen() {
        for report in [sample::report(), sample::missed(), sample::bare()] {
            let text = master_text(&report);
            assert_fits(&text);
            assert!((15..=40).contains(&text.lines().count()), "{text}");
            assert_eq!(text, master_text(&report));
        }
        let text = master_text(&sample::report());
        for wanted in [
            "Night Drive master.wav: all 3 promises are kept",
            "  kept    Loudness       -9.04 LUFS, wanted -9.00 LUFS \u{b1} 0.1 LU",
            "  Integrated loudness, LUFS        -18.4      -9.0      +9.4        -8.6",
            "  -2.1 dB at 310 Hz, Q 0.8                     5.2        3.3       3.4        2.6\n",
            "\n      170 to 565 Hz lie 2.6 dB above the reference\n",
            "! wrong way",
            "! +1.5 off",
            "Deepest reduction: limiter 4.6 dB, leveler 5.2 dB, glue 1.8 dB, bass 2.4 dB",
            "Note: The mix is MP3",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
    }

    #[test]
    fn a_change_says_what_its_numbers_are() {
        let mut report = sample::report();
        let offset = Suggestion {
            id: "eq.offset".into(),
            setting: "high-pass at 10 Hz".into(),
            cause: String::new(),
            quantity: Quantity::Offset,
            before: Some(6.2),
            predicted: Some(0.0),
        };
        report.suggestions.push(SuggestionDocument::new(offset, Some(0.1), Some(0.3)));
        let text = master_text(&report);
        assert_fits(&text);
        for wanted in [
            "\nWhat was done, and why (values in dB)       before  predicted  achieved  reference\n",
            "\n  side +3.2 dB; width, 120 to 5000 Hz        -11.2       -8.0      -8.1       -6.3\n",
            "\n  high-pass at 10 Hz                           6.2        0.0       0.1        0.3  %\n",
            "\n      offset of the waveform\n",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        let long = "leveler 2.50:1 from -20.5 dBFS, 50 % linked";
        assert_eq!(row_label(long, "peak to loudness ratio"), "peak to loudness ratio");
        assert_eq!(row_label(long, "loud moments over the median, 120 to 700 Hz"), "");
    }

    #[test]
    fn a_missed_promise_comes_first_and_says_why() {
        let text = master_text(&sample::missed());
        let (missed, kept) = (text.find("MISSED  Loudness").unwrap(), text.find("kept    True peak").unwrap());
        assert!(missed < kept && text.contains("--force-loudness goes on"), "{text}");
    }

    #[test]
    fn a_promise_that_needs_a_reason_has_it_beside_it() {
        let mut report = sample::report();
        report.verified[0].wanted_because = Some("the reference has -8.6 LUFS and peaks over the ceiling".into());
        let text = master_text(&report);
        assert_fits(&text);
        let wanted = "0.1 LU\n          because the reference has -8.6 LUFS and peaks over the ceiling\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_density_after_a_reference_that_clips_stands_beside_the_number_that_was_used() {
        let mut report = sample::report();
        report.suggestions =
            vec![SuggestionDocument { reference_by_samples: Some(1.9), ..report.suggestions.swap_remove(0) }];
        let text = master_text(&report);
        assert_fits(&text);
        assert!(text.contains("Q 0.8                     5.2        3.3       3.4        1.9\n"), "{text}");
        assert!(
            text.contains(
                "      A reference counts by the samples its limiter held; by true peak it would be 2.6 dB.\n"
            )
        );
    }

    #[test]
    fn of_several_references_one_is_named_and_the_others_count_in_the_median() {
        let mut report = sample::report();
        report.other_references = vec![sample::before().file, sample::after().file];
        let text = master_text(&report);
        assert_fits(&text);
        assert!(text.contains("\n  reference  Some Hit.flac, the middle one of 3 in loudness\n"), "{text}");
        assert_eq!(text.matches("    change   reference\n").count(), 1, "{text}");
        assert_eq!(text.matches("  achieved     median\n").count(), 1, "{text}");
        report.other_references.truncate(1);
        assert!(master_text(&report).contains("Some Hit.flac, the quieter of two\n"));
    }

    #[test]
    fn a_comparison_marks_the_worst() {
        let text = comparison_text(&ComparisonDocument::new(sample::before(), sample::after()));
        assert_fits(&text);
        assert!(text.contains("B - A") && text.contains("largest: ") && text.contains(" <\n"), "{text}");
        assert!(text.contains("at the same loudness (B -9.4 dB)"), "{text}");
        let silent = ComparisonDocument::new(sample::before(), sample::bare().after);
        assert!(comparison_text(&silent).contains("can't be matched"));
    }

    #[test]
    fn differences_are_drawn_from_the_middle() {
        assert_eq!(needle(Some(2.6), 1.0), "          |===       ");
        assert_eq!(needle(Some(-8.2), 2.0), "      ====|          ");
        assert_eq!(needle(Some(-99.0), 1.0), "==========|          ");
        assert_eq!(needle(None, 1.0).trim(), "");
    }
}

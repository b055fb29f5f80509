//! How a programme translates, for the terminal.

use super::super::TranslationDocument;
use super::super::figures::{NONE, clock, describe_file, file_name, hertz_range, number, printable, signed};
use super::super::translation::{
    bass_note, ceiling_outcome, codec_need, encoder_note, fix_hint, fix_outcome, level_notes, part_head, section_words,
    service_words, summary, unheard,
};
use super::{WIDTH, columns, line, line_with_words, pad, shorten, wrap};
use crate::translate::{DeviceScore, DeviceTranslation, Part, Translation};

/// Times that are written out; the JSON has them all.
const TIMES: usize = 4;

/// Scores by device, what is lost in mono, services and codecs, and what would help.
pub fn translation_text(document: &TranslationDocument) -> String {
    let mut out = String::new();
    line(&mut out, &shorten(&file_name(&document.file.path), WIDTH));
    line(&mut out, &format!("  {}", describe_file(&document.file)));
    for (role, file) in [("before", &document.before), ("reference", &document.reference)] {
        if let Some(file) = file {
            line(&mut out, &format!("  {role:<9}  {}", shorten(&file_name(&file.path), WIDTH - 13)));
        }
    }
    line(&mut out, "");
    devices(&mut out, &document.translation);
    unscored(&mut out, &document.translation);
    section_notes(&mut out, &document.translation);
    lost(&mut out, &document.translation);
    platforms(&mut out, &document.translation);
    codecs(&mut out, &document.translation);
    fixes(&mut out, &document.translation);
    out
}

/// What a master's report says of its translation.
pub(super) fn in_master(out: &mut String, translation: &Translation) {
    wrap(out, &printable(&summary(translation)), 0);
    wrap(out, &bass_note(translation).unwrap_or_default(), 2);
    if let Some(weakest) = translation.weakest() {
        let score = number(weakest.own.score, 0);
        let fix = weakest.fix().filter(|fix| !fix.is_left_out());
        let fix = fix.map_or(String::new(), |fix| format!("; {} would help", fix.setting));
        wrap(out, &format!("Weakest: {} ({score} of 100){fix}.", printable(&weakest.name)), 2);
    }
    unscored(out, translation);
    let passing: Vec<&str> =
        translation.codecs.iter().filter(|check| check.passes).map(|check| check.id.as_str()).collect();
    if !passing.is_empty() {
        wrap(out, &format!("Doesn't clip behind {}.", passing.join(", ")), 2);
    }
    match &translation.ceiling {
        Some(fix) => wrap(out, &format!("For the codecs: {}.", ceiling_outcome(fix, translation)), 2),
        None => {
            let clipping = translation.codecs.iter().filter_map(|check| Some((check, codec_need(check)?)));
            clipping.for_each(|(check, need)| wrap(out, &format!("Behind {} it {need}.", check.id), 2));
            wrap(out, encoder_note(translation).unwrap_or_default(), 2);
        }
    }
    absent(out, translation);
    for fix in &translation.applied {
        let gain = signed(Some(fix.gain), 1);
        wrap(out, &format!("Changed for {}: {}, {gain} points.", printable(&fix.name), fix.setting), 2);
    }
}

fn devices(out: &mut String, translation: &Translation) {
    let any = |of: fn(&DeviceTranslation) -> bool| translation.devices.iter().any(of);
    let (has_before, has_reference) = (any(|d| d.before.is_some()), any(|d| d.reference.is_some()));
    let column = |shown: bool, text: &str| if shown { format!("{text:>8}") } else { String::new() };
    line(
        out,
        &format!(
            "{:<26}{:>6}{}{}{}  {}",
            "What is left, 0 to 100",
            "score",
            column(has_before, "before"),
            column(has_before, "change"),
            column(has_reference, "ref."),
            Part::ALL.map(|part| format!("{:>7}", part_head(part))).concat()
        ),
    );
    let score = |score: &Option<DeviceScore>| number(score.as_ref().and_then(|score| score.score), 0);
    for device in &translation.devices {
        let parts = Part::ALL.map(|part| format!("{:>7}", number(device.own.parts.of(part), 0))).concat();
        line(
            out,
            &format!(
                "  {}{:>6}{}{}{}  {parts}",
                pad(&shorten(&printable(&device.name), 24), 24),
                number(device.own.score, 0),
                column(has_before, &score(&device.before)),
                column(has_before, &signed(device.change, 0)),
                column(has_reference, &score(&device.reference)),
            ),
        );
    }
    line(
        out,
        &format!("  {NONE}: does not apply. Devices are models, not measurements: compare versions of one song."),
    );
    unheard(translation).for_each(|note| wrap(out, &note, 2));
}

fn unscored(out: &mut String, translation: &Translation) {
    for unscored in &translation.unscored {
        wrap(out, &format!("No {} score: {}.", unscored.part, unscored.reason), 2);
    }
}

fn section_notes(out: &mut String, translation: &Translation) {
    let Some(weakest) = translation.weakest().filter(|device| device.sections.len() > 1) else { return };
    let told: Vec<String> = weakest.sections.iter().map(section_words).collect();
    wrap(out, &format!("By section on {}: {}.", printable(&weakest.name), told.join(", ")), 2);
}

fn lost(out: &mut String, translation: &Translation) {
    if translation.lost_in_mono.is_empty() {
        return;
    }
    line(out, "");
    line(out, "Lost in mono");
    for element in &translation.lost_in_mono {
        let times: Vec<String> = element
            .times_s
            .iter()
            .take(TIMES)
            .map(|[from, to]| format!("{} to {}", clock(*from), clock(*to)))
            .collect();
        let more = element.times_s.len().saturating_sub(TIMES);
        let more = if more > 0 { format!(" and {more} more times") } else { String::new() };
        let [low, high] = element.band_hz;
        wrap(
            out,
            &format!(
                "{} is mostly in the side: up to {} dB less, {}{more}",
                hertz_range(low.round(), high.round()),
                number(Some(element.loss_db), 0),
                times.join(", ")
            ),
            2,
        );
    }
}

fn platforms(out: &mut String, translation: &Translation) {
    line(out, "");
    line(
        out,
        &format!("{:<28}{:>7}{:>7}{:>7}  services as of {}", "", "gain", "LUFS", "dBTP", translation.platforms_as_of),
    );
    for service in &translation.platforms {
        let row = format!(
            "  {:<26}{:>7}{:>7}{:>7}",
            service.name,
            signed(Some(service.gain_db), 1),
            number(service.played_lufs, 1),
            number(service.true_dbtp, 1),
        );
        let told = service_words(service);
        line_with_words(out, &row, &told);
    }
}

fn codecs(out: &mut String, translation: &Translation) {
    let checks = &translation.codecs;
    if !checks.is_empty() {
        line(out, "");
        line(
            out,
            &format!(
                "{:<14}{:>9}{:>8}{:>11}{:>9}{:>12}{:>9}  {}",
                "Codec", "dBTP", "rise", "band to", "side dB", "noise/mask", "ceiling", "encoder"
            ),
        );
        for check in checks {
            let edge = check.band_limit_hz.map_or_else(|| NONE.to_owned(), |hz| format!("{:.1} kHz", hz / 1000.0));
            let ceiling = check.passing_ceiling_dbtp.map_or_else(
                || if check.passes { "passes".to_owned() } else { NONE.to_owned() },
                |dbtp| format!("{dbtp:.1}"),
            );
            let row = format!(
                "  {:<12}{:>9}{:>8}{edge:>11}{:>9}{:>12}{ceiling:>9}",
                check.id,
                number(check.true_dbtp, 2),
                signed(check.rise_db, 2),
                signed(check.side_change_db, 1),
                number(check.worst_noise_to_mask_db, 1)
            );
            let room = WIDTH.saturating_sub(columns(&row) + 2);
            line(out, &format!("{row}  {}", shorten(&printable(&check.encoder), room)));
        }
        level_notes(translation).for_each(|note| wrap(out, &note, 2));
        wrap(out, encoder_note(translation).unwrap_or_default(), 2);
    }
    absent(out, translation);
}

fn absent(out: &mut String, translation: &Translation) {
    for absent in &translation.codecs_absent {
        wrap(out, &format!("Not checked: {}", printable(absent)), 2);
    }
}

fn fixes(out: &mut String, translation: &Translation) {
    let mut proposed = translation.fixes().peekable();
    let mut clipping = translation.codecs.iter().filter_map(|check| Some((check, codec_need(check)?))).peekable();
    if proposed.peek().is_none() && clipping.peek().is_none() {
        return;
    }
    line(out, "");
    line(out, "What would help");
    for (device, fix) in proposed {
        let outcome = fix_outcome(fix, translation);
        wrap(out, &format!("{}: {}; {outcome}", printable(&device.name), fix.setting), 2);
    }
    for (check, need) in clipping {
        wrap(out, &format!("{}: {need}", check.id), 2);
    }
    wrap(out, fix_hint(translation).unwrap_or_default(), 2);
}

#[cfg(test)]
mod tests {
    use super::super::tests::assert_fits;
    use super::*;
    use crate::report::sample;

    fn document() -> TranslationDocument {
        TranslationDocument {
            schema: "halfspeed.translation/1",
            file: sample::after().file,
            before: Some(sample::before().file),
            reference: None,
            translation: sample::translation(),
        }
    }

    #[test]
    fn everything_that_was_found_is_told() {
        let text = translation_text(&document());
        assert_fits(&text);
        for wanted in [
            "Phone, one speaker            41      33      +8      47",
            "By section on Phone, one speaker: 0:00 38 (was 30), 1:01 44 (was 36).",
            "1.78 to 2.82 kHz is mostly in the side: up to 9 dB less, 0:00 to 0:03",
            "and 2 more times",
            "you give up 5.0 dB",
            "opus-128         0.40   +1.40",
            "-1.6  opus-pure",
            "opus-128 comes out 0.44 LU quieter: at equal loudness its peak rises by that much more.",
            "Not checked: mp3",
            "harmonics of the bass below 110 Hz at -12 dB; +4.0 points predicted, +3.1 rendered, -2.6 on Car <\u{fffd}motorway>: \
             left out",
        ] {
            assert!(
                text.split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .contains(&wanted.split_whitespace().collect::<Vec<_>>().join(" ")),
                "{wanted}\n{text}"
            );
        }
        assert!(!text.contains('\u{1b}') && !text.contains("--translate-fix"), "what was left out is nothing to do");
        let mut document = document();
        document.translation.devices[0].fixes[0].verified = None;
        let text = translation_text(&document);
        assert_fits(&text);
        assert!(
            text.ends_with("when rendered.\n") && text.contains("master --translate-fix makes such changes"),
            "{text}"
        );
    }

    #[test]
    fn what_mastering_changed_is_told_in_a_sentence() {
        assert_eq!(
            summary(&sample::translation()),
            "Translates better on: Phone, one speaker +8; worse on: Car <\u{1b}motorway> -6."
        );
        let mut same = sample::translation();
        same.devices.iter_mut().for_each(|device| device.change = Some(0.0));
        assert!(summary(&same).contains("within 5 points"));
    }

    #[test]
    fn bass_that_is_lacking_is_told_under_the_scores_and_in_a_masters_report() {
        let mut document = document();
        document.translation.bass_lack_db = Some(14.2);
        document.translation.plr_change_db = Some(-4.0);
        let text = translation_text(&document);
        assert_fits(&text);
        assert!(
            text.contains("It lacks 14 dB of the mix's bass") && text.contains("Dynamics and distortion"),
            "{text}"
        );
        let mut out = String::new();
        in_master(&mut out, &document.translation);
        assert!(out.contains("It lacks 14 dB of the mix's bass") && !out.contains("Dynamics and distortion"), "{out}");
    }
}

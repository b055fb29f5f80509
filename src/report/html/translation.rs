//! How a programme translates: pictures and tables.

use maud::{Markup, html};

use super::plots::figure;
use super::{number_heads, page, prose, scrolling};
use crate::report::TranslationDocument;
use crate::report::figures::{NONE, clock, describe_file, file_name, hertz_range, number, signed};
use crate::report::svg::{HeatRow, ScoreRow, heat_map, score_bars};
use crate::report::translation::{
    ceiling_outcome, codec_need, encoder_note, fix_hint, fix_outcome, level_notes, part_head, section_words,
    service_words, unheard,
};
use crate::translate::{DeviceTranslation, Part, Translation};

/// One self-contained page about how a programme translates: no scripts, nothing to load.
pub fn translation_html(document: &TranslationDocument) -> String {
    let title = file_name(&document.file.path);
    let content = html! {
        header {
            h1 title=(document.file.path) { (title) }
            p.quiet { (describe_file(&document.file)) }
            dl.files {
                @for (role, file) in [("before", &document.before), ("reference", &document.reference)] {
                    @if let Some(file) = file {
                        dt.(role) { (role) }
                        dd { span.path title=(file.path) { (file_name(&file.path)) } " " span.quiet { (describe_file(file)) } }
                    }
                }
            }
        }
        (sections(&document.translation, None))
    };
    page(&title, &content)
}

/// The part of a page that is about translation. `named` says which of several references is scored.
pub(super) fn sections(translation: &Translation, named: Option<&str>) -> Markup {
    html! {
        section.translation #translation {
            h2 { "Will it translate?" }
            (parts_of(translation, named))
        }
    }
}

/// Pictures and tables, without a heading of their own.
pub(super) fn parts_of(translation: &Translation, named: Option<&str>) -> Markup {
    html! {
        (scores(translation, named))
        (bands(translation))
        (parts(translation))
        (lost(translation))
        (applied(translation))
        (fixes(translation))
        (platforms(translation))
        (codecs(translation))
    }
}

fn of_other(score: Option<&crate::translate::DeviceScore>) -> Option<f64> {
    score.and_then(|score| score.score)
}

fn scores(translation: &Translation, named: Option<&str>) -> Markup {
    let rows: Vec<ScoreRow<'_>> = translation
        .devices
        .iter()
        .map(|device| ScoreRow {
            name: &device.name,
            after: device.own.score,
            before: of_other(device.before.as_ref()),
            change: device.change,
            reference: of_other(device.reference.as_ref()),
        })
        .collect();
    let (has_before, has_reference) =
        (rows.iter().any(|row| row.before.is_some()), rows.iter().any(|row| row.reference.is_some()));
    let caption = html! {
        "What is left on each device, 0 (lost) to 100 (as it was meant)."
        @if has_before { " Grey: the mix. Blue: the master." }
        @if has_reference { " Dashed: the reference." }
        " Devices are models, not measurements: compare versions of one song."
        @if let Some(named) = named.filter(|_| has_reference) { " " (named) }
    };
    html! {
        h3 { "Scores" }
        (figure(&caption, |layout| score_bars(layout, "Translation scores by device", &rows)))
        @for note in unheard(translation) { p { (note) } }
    }
}

fn bands(translation: &Translation) -> Markup {
    let rows: Vec<HeatRow<'_>> =
        translation.devices.iter().map(|device| HeatRow { name: &device.name, values: &device.own.bands }).collect();
    let caption = html! {
        "Level of each third octave at the ear over that in the file, at equal loudness. Blue: less, red: more."
    };
    html! {
        h3 { "What each device makes of the bands" }
        (figure(&caption, |layout| heat_map(layout, "Level changes by device and band", &translation.center_hz, &rows)))
    }
}

fn parts(translation: &Translation) -> Markup {
    let any = |of: fn(&DeviceTranslation) -> bool| translation.devices.iter().any(of);
    let (has_before, has_reference) = (any(|device| device.before.is_some()), any(|device| device.reference.is_some()));
    let compared = [("before", has_before), ("change", has_before), ("reference", has_reference)];
    let compared = compared.into_iter().filter_map(|(head, is_told)| is_told.then_some(head));
    let heads: Vec<&str> = std::iter::once("score").chain(compared).chain(Part::ALL.map(part_head)).collect();
    let table = html! {
        table.numbers {
            (number_heads(&heads))
            tbody {
                @for device in &translation.devices {
                    tr {
                        th scope="row" { (device.name) }
                        td.after { (number(device.own.score, 0)) }
                        @if has_before {
                            td { (number(of_other(device.before.as_ref()), 0)) }
                            td { (signed(device.change, 0)) }
                        }
                        @if has_reference { td { (number(of_other(device.reference.as_ref()), 0)) } }
                        @for part in Part::ALL { td { (number(device.own.parts.of(part), 0)) } }
                    }
                }
            }
        }
    };
    html! {
        details {
            summary { "The parts of the scores" }
            (scrolling("Parts of the scores by device", &table))
            p.quiet { (NONE) ": does not apply. Bass: whether its pitch is heard. Lead: the centre over the rest and the noise. "
                "Mono: what summing leaves. Tone: nearness to the file's balance. Noise: what stands out of it. "
                "Stress: what the device's own limiter leaves." }
            @for unscored in &translation.unscored { p.quiet { "No " (unscored.part) " score: " (unscored.reason) "." } }
            @if let Some(weakest) = translation.weakest().filter(|device| device.sections.len() > 1) { (by_section(weakest)) }
        }
    }
}

fn by_section(device: &DeviceTranslation) -> Markup {
    html! {
        p.quiet {
            "By section on " (device.name) ": "
            @for (index, section) in device.sections.iter().enumerate() {
                @if index > 0 { ", " }
                (section_words(section))
            }
            "."
        }
    }
}

fn lost(translation: &Translation) -> Markup {
    html! {
        @if !translation.lost_in_mono.is_empty() {
            h3 { "Lost in mono" }
            ul {
                @for element in &translation.lost_in_mono {
                    li {
                        (hertz_range(element.band_hz[0].round(), element.band_hz[1].round())) " is mostly in the side: up to "
                        (number(Some(element.loss_db), 0)) " dB less, at "
                        @for (index, [from, to]) in element.times_s.iter().take(6).enumerate() {
                            @if index > 0 { ", " }
                            (clock(*from)) " to " (clock(*to))
                        }
                        @if element.times_s.len() > 6 { " and " (element.times_s.len() - 6) " more times" }
                    }
                }
            }
        }
    }
}

fn applied(translation: &Translation) -> Markup {
    html! {
        @if !translation.applied.is_empty() || translation.ceiling.is_some() {
            h3 { "What was changed for it" }
            ul {
                @for fix in &translation.applied {
                    li { (fix.setting) ", for " (fix.name) ": " (signed(Some(fix.gain), 1)) " points" }
                }
                @if let Some(fix) = &translation.ceiling { li { "For the codecs: " (ceiling_outcome(fix, translation)) } }
            }
        }
    }
}

fn fixes(translation: &Translation) -> Markup {
    let mut proposed = translation.fixes().peekable();
    let mut clipping = translation.codecs.iter().filter_map(|check| Some((check, codec_need(check)?))).peekable();
    html! {
        @if proposed.peek().is_some() || clipping.peek().is_some() {
            h3 { "What would help" }
            table {
                tbody {
                    @for (device, fix) in proposed {
                        tr { th scope="row" { (device.name) } td.words { (fix.setting) } td.words { (fix_outcome(fix, translation)) } }
                    }
                    @for (check, need) in clipping {
                        tr { th scope="row" { (check.id) } td.words { "ceiling" } td.words { (need) } }
                    }
                }
            }
            @if let Some(hint) = fix_hint(translation) { p.quiet { (prose(hint)) } }
        }
    }
}

fn platforms(translation: &Translation) -> Markup {
    html! {
        h3 { "Services, as of " (translation.platforms_as_of) }
        table.numbers {
            (number_heads(&["gain dB", "LUFS", "dBTP"]))
            tbody {
                @for service in &translation.platforms {
                    tr {
                        th scope="row" { (service.name) div.cause { (service_words(service)) } }
                        td { (signed(Some(service.gain_db), 1)) }
                        td { (number(service.played_lufs, 1)) }
                        td { (number(service.true_dbtp, 1)) }
                    }
                }
            }
        }
    }
}

fn codecs(translation: &Translation) -> Markup {
    let table = html! {
        table.numbers {
            (number_heads(&["dBTP", "rise dB", "band to kHz", "side dB", "noise over mask dB", "ceiling that passes"]))
            tbody {
                @for check in &translation.codecs {
                    tr {
                        th scope="row" { span.number { (check.id) } " " span.quiet { (check.encoder) } }
                        td { (number(check.true_dbtp, 2)) }
                        td { (signed(check.rise_db, 2)) }
                        td { (number(check.band_limit_hz.map(|hz| hz / 1000.0), 1)) }
                        td { (signed(check.side_change_db, 1)) }
                        td { (number(check.worst_noise_to_mask_db, 1)) }
                        td { @if check.passes { "as it is" } @else { (number(check.passing_ceiling_dbtp, 1)) } }
                    }
                }
            }
        }
    };
    html! {
        @if !translation.codecs.is_empty() {
            h3 { "Codecs" }
            (scrolling("What codecs do", &table))
            @for note in level_notes(translation) { p.quiet { (note) } }
            @if let Some(note) = encoder_note(translation) { p.quiet { (note) } }
        }
        @if !translation.codecs_absent.is_empty() {
            ul { @for absent in &translation.codecs_absent { li.quiet { "Not checked: " (absent) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_numbers_of_the_mix_and_the_reference_stand_beside_the_scores_where_there_are_any() {
        let mut translation = sample::translation();
        let page = parts(&translation).into_string();
        let heads =
            "score</th><th scope=\"col\">before</th><th scope=\"col\">change</th><th scope=\"col\">reference</th>";
        assert!(page.contains(heads), "{page}");
        assert!(page.contains("<td class=\"after\">41</td><td>33</td><td>+8</td><td>47</td>"), "{page}");
        // A device that has no reference keeps its place.
        assert!(page.contains("<td class=\"after\">66</td><td>72</td><td>-6</td><td>\u{2013}</td>"), "{page}");
        for device in &mut translation.devices {
            (device.before, device.change, device.reference) = (None, None, None);
        }
        let page = parts(&translation).into_string();
        assert!(page.contains("score</th><th scope=\"col\">bass</th>"), "{page}");
    }

    #[test]
    fn scores_of_the_mix_and_changes_stand_beside_the_bars_where_there_are_any() {
        let mut translation = sample::translation();
        let numbers = |translation: &Translation| -> Vec<String> {
            let page = scores(translation, None).into_string();
            let texts = page.split("<text class=\"end\"").skip(1).filter_map(|text| text.split(['>', '<']).nth(1));
            texts.map(str::to_owned).collect()
        };
        let of_layout = ["Phone, one speaker", "41", "33", "+8", "Car &lt;\u{1b}motorway&gt;", "66", "72", "-6"];
        assert_eq!(numbers(&translation), of_layout.repeat(2));
        assert_eq!(scores(&translation, None).into_string().matches(">change</text>").count(), 2);
        for device in &mut translation.devices {
            (device.before, device.change) = (None, None);
        }
        assert_eq!(numbers(&translation), ["Phone, one speaker", "41", "Car &lt;\u{1b}motorway&gt;", "66"].repeat(2));
        assert!(!scores(&translation, None).into_string().contains(">score</text>"));
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere_and_has_both_pictures() {
        let document = TranslationDocument {
            schema: "halfspeed.translation/1",
            file: sample::after().file,
            before: Some(sample::before().file),
            reference: None,
            translation: sample::translation(),
        };
        let page = translation_html(&document);
        for foreign in ["http:", "https:", "src=", "<script", "<link", "NaN", ">inf", ">-inf", "Car <"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert_eq!(page.matches("<svg class=\"wide\"").count(), 2);
        // A cell for every band of every device, in both layouts.
        assert_eq!(page.matches("class=\"cell").count(), 2 * 2 * document.translation.center_hz.len());
        assert!(
            page.contains("Phone, one speaker, 100 Hz: -55.")
                && page.contains("is mostly in the side: up to 9 dB less, at 0:00")
        );
        assert!(page.contains("-2.6 on Car &lt;\u{fffd}motorway&gt;: left out") && !page.contains("--translate-fix"));
        assert!(page.contains("opus-128 comes out 0.44 LU quieter"));
        let mut document = document;
        document.translation.devices[0].fixes[0].verified = None;
        let option = "master <span class=\"option\">--translate-fix</span> makes such changes";
        assert!(translation_html(&document).contains(option));
    }
}

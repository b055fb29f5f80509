//! What else the user of a master should know.

use super::ProfileDocument;
use super::figures::file_names;
use crate::advise::thresholds::RELEASE_RATE_HZ;
use crate::engine::Recipe;
use crate::io::is_same_place;
use crate::master::{MasterJob, Mastered, References};
use crate::quality::{Check, Finding, Severity};
use crate::source::Source;

/// Under this, a reference tells little of a song, seconds.
const SHORT_REFERENCE_S: f64 = 20.0;
/// A loudness range so far under both the mix's and the reference's, or so far under the mix's where there is no reference, is told, LU.
const EVENED_LU: f64 = 1.0;
const EVENED_ALONE_LU: f64 = 3.0;
/// From here on it is told that peaks are held under the ceiling, dB: more than what meters may differ by takes of it.
const HELD_LOWER_DB: f64 = 0.6;
/// Failures of quality control that make a reference a poor one; others are a matter of its own.
const MISLEADING: [Check; 3] = [Check::DeadChannel, Check::Dc, Check::Polarity];

/// Whether a channel of a reference that is upside down was turned before it was measured.
fn was_turned_over(reference: &Source) -> bool {
    let correlation = reference.measurement.levels.whole().correlation();
    reference.findings.iter().any(|finding| finding.id == Check::Polarity) && correlation.is_some_and(|r| r > 0.0)
}

/// What makes a reference, called `name`, a poor one.
fn reference_notes(mix: &Source, reference: &Source, name: &str, keeps_width: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if is_same_place(&mix.info.path, &reference.info.path) {
        notes.push(format!("The {name} is the mix itself: there is nothing to come near to."));
    }
    if reference.info.channels == 1 || reference.findings.iter().any(|finding| finding.id == Check::DualMono) {
        let so = if keeps_width { "the width was left alone" } else { "it says nothing of the width" };
        notes.push(format!("The {name} is mono: {so}."));
    } else if was_turned_over(reference) {
        notes
            .push(format!("A channel of the {name} is upside down, none of the mix's: it was taken the right way up."));
    }
    let duration_s = reference.measurement.duration_s();
    if duration_s < SHORT_REFERENCE_S {
        notes.push(format!(
            "The {name} is only {duration_s:.1} s long: its loudness and tone are those of a moment; a whole song tells more."
        ));
    }
    let misleading = reference
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fail && MISLEADING.contains(&finding.id))
        .filter(|finding| finding.id != Check::Polarity || !was_turned_over(reference));
    notes.extend(misleading.map(|finding| format!("In the {name}: {}.", finding.message)));
    notes
}

/// The same of all references, each by its name where there are several.
fn notes_on_all(mix: &Source, references: &References, keeps_width: bool) -> Vec<String> {
    let paths: Vec<_> = references.all().map(|reference| reference.info.path.to_string_lossy()).collect();
    let is_only = paths.len() == 1;
    let names = file_names(paths.iter().map(|path| &**path));
    let named = |name: &String| if is_only { "reference".into() } else { format!("reference {name}") };
    let all = references.all().zip(&names);
    all.flat_map(|(reference, name)| reference_notes(mix, reference, &named(name), keeps_width)).collect()
}

/// What is set where there is nothing to hold the mix against.
fn set_alone(mastered: &Mastered) -> String {
    let offset = if mastered.proposal.eq.is_empty() { "" } else { "the offset, " };
    let is_changed = mastered.translation.as_ref().is_some_and(|translation| !translation.applied.is_empty());
    let devices = if is_changed { ", and what devices ask for" } else { "" };
    format!("only {offset}loudness and peaks were set{devices}")
}

/// Whether a finding is worth a note: a warning or a failure. A small offset is none, as nobody hears it.
fn matters(finding: &Finding) -> bool {
    finding.severity == Severity::Fail || finding.severity == Severity::Warning && finding.id != Check::Dc
}

/// What quality control finds in the master that it did not find in the mix, or found less grave there: what the listener gets,
/// whoever caused it. Harmonics that were made for a bass at the mains frequency are no hum.
fn master_notes(mix: &Source, written: &Source, recipe: &Recipe) -> Vec<String> {
    let is_new = |finding: &&Finding| {
        let is_known = mix.findings.iter().any(|known| known.id == finding.id && known.severity >= finding.severity);
        let is_ours = finding.id == Check::Hum && recipe.bass_harmonics.is_some();
        matters(finding) && !is_known && !is_ours
    };
    written.findings.iter().filter(is_new).map(|finding| format!("In the master: {}.", finding.message)).collect()
}

/// What became of loud and quiet parts, by loudness ranges, where that is more than anybody asked for.
fn evened(was_lu: f64, is_lu: f64, reference_lu: Option<f64>, is_levelled: bool) -> Option<String> {
    let least_lu = reference_lu.map_or(was_lu - EVENED_ALONE_LU, |reference_lu| was_lu.min(reference_lu) - EVENED_LU);
    let beside = reference_lu.map_or(String::new(), |reference_lu| format!(" (the reference has {reference_lu:.1})"));
    let leveler = if is_levelled { "a higher leveler.threshold_db in its recipe, or " } else { "" };
    (is_lu < least_lu).then(|| {
        format!(
            "Loud and quiet parts came nearer to each other: the loudness range fell from {was_lu:.1} to {is_lu:.1} LU{beside}; \
             {leveler}less loudness (--loudness) keeps more of it."
        )
    })
}

/// That peaks are held where a reference has its own, so far under the ceiling that one would ask why.
fn held_lower(job: &MasterJob<'_>, mastered: &Mastered) -> Option<String> {
    let held_dbtp = mastered.recipe.limiter.ceiling_dbtp;
    let is_fixed = mastered.translation.as_ref().is_some_and(|translation| translation.ceiling.is_some());
    (!is_fixed && held_dbtp < job.ceiling_dbtp - HELD_LOWER_DB).then(|| {
        format!(
            "Peaks are held at {held_dbtp:.1} dBTP, as the reference's are: so the master is as dense at its loudness."
        )
    })
}

/// What the user should know beside the numbers: what is wrong with the master first, then with what it was made from.
pub(super) fn notes(job: &MasterJob<'_>, mastered: &Mastered) -> Vec<String> {
    let Mastered { mix, proposal, written, recipe, .. } = mastered;
    let mut notes = master_notes(mix, written, recipe);
    let range_lu = |source: &Source| source.measurement.loudness.range_lu();
    let reference_lu = mastered.references.middle.as_ref().and_then(range_lu);
    notes.extend(
        range_lu(mix)
            .zip(range_lu(written))
            .and_then(|(was_lu, is_lu)| evened(was_lu, is_lu, reference_lu, recipe.leveler.is_some())),
    );
    if mix.info.channels == 1 {
        notes.push("The mix is mono; the master holds it as two equal channels.".into());
    }
    if mix.info.lossy {
        notes.push(format!("The mix is {}, a lossy format; a lossless export makes a better master.", mix.info.format));
    }
    if mix.info.sample_rate_hz < RELEASE_RATE_HZ {
        notes.push(format!(
            "The mix has {} Hz, so that nothing above {:.1} kHz is in the master; an export at 44.1 kHz or more makes a better one.",
            mix.info.sample_rate_hz,
            0.5e-3 * f64::from(mix.info.sample_rate_hz)
        ));
    }
    let grave = mix.findings.iter().filter(|finding| matters(finding));
    notes.extend(grave.map(|finding| format!("In the mix: {}.", finding.message)));
    notes.extend(held_lower(job, mastered));
    if mastered.is_turned_against {
        notes.push(
            "With a channel of the mix upside down, its middle measures as its side: only loudness and peaks were set. Turn it the right \
             way up, and master it again."
                .into(),
        );
    }
    if let Some((verdict, reason)) =
        proposal.model.as_ref().and_then(|verdict| verdict.fallback.as_ref().map(|reason| (verdict, reason)))
    {
        let sign = if verdict.is_left_to_rules() { ":" } else { "" };
        notes.push(format!("The classical rules were used instead of the model{sign} {reason}."));
    }
    match &mastered.references.middle {
        None if job.profile.is_some() => {}
        None => notes.push(format!(
            "There was no reference: {}. (--profile auto holds the mix against songs of its kind.)",
            set_alone(mastered)
        )),
        Some(_) => notes.extend(notes_on_all(mix, &mastered.references, recipe.width.is_none())),
    }
    if let Some(rate) = job.output_settings.sample_rate_hz.filter(|rate| *rate > mix.info.sample_rate_hz) {
        notes.push(format!(
            "The master has {rate} Hz, the mix {} Hz: converting upwards adds nothing to the sound.",
            mix.info.sample_rate_hz
        ));
    }
    let chosen = mastered.chosen.as_ref().filter(|chosen| chosen.profile.is_none());
    notes.extend(
        chosen.map(|chosen| format!("Profile: {}: {}.", ProfileDocument::new(chosen).words(), set_alone(mastered))),
    );
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_below_both_mix_and_reference_is_told() {
        assert_eq!(evened(6.7, 4.0, Some(4.5), true), None);
        assert_eq!(evened(6.7, 4.0, None, false), None);
        let told = evened(6.7, 2.6, Some(4.5), true).expect("below both");
        assert!(told.contains("from 6.7 to 2.6 LU (the reference has 4.5); a higher leveler.threshold_db"), "{told}");
        assert!(
            evened(9.7, 4.6, None, false)
                .is_some_and(|told| told.ends_with("LU; less loudness (--loudness) keeps more of it."))
        );
    }
}

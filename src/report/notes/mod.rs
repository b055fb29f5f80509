//! What else the user of a master should know.

mod faults;
mod moved;
#[cfg(test)]
mod tests;

use faults::Found;
use moved::moved_notes;

use super::ProfileDocument;
use super::figures::{change, file_names, signed};
use crate::advise::thresholds::RELEASE_RATE_HZ;
use crate::advise::{Advice, side_bass_of};
use crate::io::is_same_place;
use crate::master::{MasterJob, Mastered, References};
use crate::paths::path_text;
use crate::quality::{Check, Severity};
use crate::source::Source;
use crate::suggest::image::ImageChange;

/// Under this, a reference tells little of a song, seconds.
const SHORT_REFERENCE_S: f64 = 20.0;
/// Failures of quality control that make a reference a poor one; others are a matter of its own.
const MISLEADING: [Check; 3] = [Check::DeadChannel, Check::Dc, Check::Polarity];

/// What takes the bass out of the side, as the advice for a mix has it, in the words of a recipe.
const MONO_BASS: &str = "[[eq]] kind = \"high_pass\", channel = \"side\", frequency_hz = 120, slope_db_per_octave = 24";

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
        notes.push(format!(
            "A channel of the {name} is probably upside down, none of the mix's: it was taken the right way up."
        ));
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
    let paths: Vec<String> = references.all().map(|reference| path_text(&reference.info.path)).collect();
    let is_only = paths.len() == 1;
    let names = file_names(paths.iter().map(String::as_str));
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

/// Bass in the side of the master, and of the mix if it was there.
fn side_bass(master: &Advice, mix: Option<&Advice>) -> String {
    let known = mix.map_or(String::new(), |known| {
        let width_db = known.evidence.get("side_over_mid_db").copied();
        format!(" The mix has it already (side over mid {} dB).", signed(width_db, 1))
    });
    format!(
        "In the master: {}.{known} In its recipe, {MONO_BASS} takes it out; panned to the centre of the mix, it is kept.",
        master.message
    )
}

/// What is wrong with the master.
fn wrong_notes(found: &Found<'_>, mastered: &Mastered) -> Vec<String> {
    let mut notes = found.master_notes();
    let wide_bass = |source: &Source| side_bass_of(&source.findings, &source.measurement);
    notes
        .extend(wide_bass(&mastered.written).map(|of_master| side_bass(&of_master, wide_bass(&mastered.mix).as_ref())));
    if mastered.is_turned_against {
        notes.push(
            "With a channel of the mix upside down, or a side that a widener raised far over its middle, the one measures as the other: \
             only loudness and peaks were set. Turn it the right way up, or the widener down, and master it again."
                .into(),
        );
    }
    notes
}

/// What the mix has, as a file and as a sound.
fn mix_notes(found: &Found<'_>, mix: &Source) -> Vec<String> {
    let mut notes = Vec::new();
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
    notes.extend(found.mix_notes());
    notes
}

/// What the settings were made from, and what that leaves open.
fn source_notes(job: &MasterJob<'_>, mastered: &Mastered) -> Vec<String> {
    let Mastered { mix, proposal, recipe, .. } = mastered;
    let mut notes = Vec::new();
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

/// What the user should know beside the numbers: what is wrong with the master first, then what was moved in it, then what the mix has,
/// then what the settings were made from.
pub(super) fn notes(job: &MasterJob<'_>, mastered: &Mastered) -> Vec<String> {
    let Mastered { mix, written, recipe, .. } = mastered;
    let [was_lufs, is_lufs] = [mix, written].map(|source| source.measurement.loudness.integrated_lufs());
    let found = Found {
        mix: &mix.findings,
        master: &written.findings,
        louder_lu: change(was_lufs, is_lufs).unwrap_or_default(),
        makes_harmonics: recipe.bass_harmonics.is_some(),
        side_gain_db: recipe.width.map_or(0.0, |width| width.side_gain_db),
        eq_width_db: ImageChange::of(&mix.measurement, &recipe.eq, 0.0).width_db.unwrap_or(0.0),
    };
    let groups = [
        wrong_notes(&found, mastered),
        moved_notes(job, mastered),
        mix_notes(&found, mix),
        source_notes(job, mastered),
    ];
    groups.concat()
}

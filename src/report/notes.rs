//! What else the user of a master should know.

use super::ProfileDocument;
use super::figures::{change, file_names, number, signed};
use crate::advise::thresholds::RELEASE_RATE_HZ;
use crate::advise::{Advice, side_bass_of};
use crate::engine::Recipe;
use crate::io::is_same_place;
use crate::master::{CEILING_RANGE_DBTP, DEFAULT_LOUDNESS_LUFS, MasterJob, Mastered, References};
use crate::measure::Measurement;
use crate::paths::path_text;
use crate::quality::thresholds::FAR_DOWN_LUFS;
use crate::quality::{Check, Finding, Severity};
use crate::source::Source;
use crate::suggest::Quantity;
use crate::suggest::image::ImageChange;

/// Under this, a reference tells little of a song, seconds.
const SHORT_REFERENCE_S: f64 = 20.0;
/// A loudness range so far under both the mix's and the reference's, or so far under the mix's where there is no reference, is told, LU.
const EVENED_LU: f64 = 1.0;
const EVENED_ALONE_LU: f64 = 3.0;
/// From here on it is told that peaks are held under the ceiling, dB: more than what meters may differ by takes of it.
const HELD_LOWER_DB: f64 = 0.6;
/// From here on it is told what leveler and limiter together take from the loud parts, dB: a third more than the limiter alone may.
const SQUEEZED_DB: f64 = 8.0;
/// From here on it is told that the stereo image moved where nothing was set for that, dB.
const IMAGE_MOVED_DB: f64 = 0.5;
/// What of a fault grows by as much is told again, a share or a number of times by the factor, a level by dB.
const GROWN_RATIO: f64 = 1.5;
const GROWN_DB: f64 = 3.0;
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

/// Whether a finding is worth a note: a warning or a failure. A small offset is none, as nobody hears it.
fn matters(finding: &Finding) -> bool {
    finding.severity == Severity::Fail || finding.severity == Severity::Warning && finding.id != Check::Dc
}

/// What quality control finds in mix and master.
struct Found<'a> {
    mix: &'a [Finding],
    master: &'a [Finding],
    /// How much louder the master is.
    louder_lu: f64,
    /// Whether harmonics were made for the bass: those of one at the mains frequency are no hum.
    makes_harmonics: bool,
    /// Gain of the side.
    side_gain_db: f64,
    /// By how much its equaliser makes it wider, dB.
    eq_width_db: f64,
}

impl Found<'_> {
    /// Whether the mix has as grave a fault as the master.
    fn is_known(&self, found: &Finding) -> bool {
        self.mix.iter().any(|known| known.id == found.id && known.severity >= found.severity)
    }

    /// What the master has and the mix had not, or less grave: what the listener gets, whoever caused it.
    fn master_notes(&self) -> Vec<String> {
        let is_ours = |found: &Finding| found.id == Check::Hum && self.makes_harmonics;
        let told = |found: &Finding| {
            of_the_mix(found).or_else(|| self.widened(found)).unwrap_or_else(|| {
                let known = self.mix.iter().find(|known| known.id == found.id);
                format!("In the master: {}.{}", found.message, self.growth(known, Some(found)))
            })
        };
        let is_new = |found: &&Finding| matters(found) && !self.is_known(found) && !is_ours(found);
        self.master.iter().filter(is_new).map(told).collect()
    }

    /// Channels that work against each other by what was set, for which there is nothing to look for in the mix.
    fn widened(&self, found: &Finding) -> Option<String> {
        let (side_gain_db, by_eq_db) = (self.side_gain_db, self.eq_width_db);
        let is_opposed = |finding: &Finding| matches!(finding.id, Check::Phase | Check::Polarity);
        (is_opposed(found) && side_gain_db.max(by_eq_db) > 0.0 && !self.mix.iter().any(is_opposed)).then(|| {
            let in_parts = found.value.filter(|_| found.id == Check::Phase);
            let share = in_parts.map_or(String::new(), |percent| format!(" in {percent:.0} % of the loud parts"));
            let (means, remedy) = if side_gain_db >= by_eq_db {
                let means = format!("the {side_gain_db:+.1} dB of the side");
                (means, "--amount-width 0, or a lower width.side_gain_db in its recipe, leaves that out")
            } else {
                let means = format!("the equaliser, which widens by {by_eq_db:.1} dB");
                (means, "less of it (--amount-eq), or a lower width.side_gain_db in its recipe, opposes them less")
            };
            format!(
                "In the master: left and right work against each other{share}, mostly through {means}: in mono it gets quieter; {remedy}."
            )
        })
    }

    /// What the mix has, and how much more of it is in the master.
    fn mix_notes(&self) -> Vec<String> {
        let told = |known: &Finding| {
            // What has become graver is told of the master.
            let found = self.master.iter().find(|found| found.id == known.id && known.severity >= found.severity);
            format!("In the mix: {}.{}", known.message, self.growth(Some(known), found))
        };
        self.mix.iter().filter(|known| matters(known)).map(told).collect()
    }

    /// A sentence on a fault of which there is clearly more in the master.
    fn growth(&self, known: Option<&Finding>, found: Option<&Finding>) -> String {
        known
            .zip(found)
            .filter(|(known, found)| has_grown(known, found, self.louder_lu))
            .filter(|(known, _)| known.id != Check::Hum || !self.makes_harmonics)
            .map_or(String::new(), |(known, found)| {
                format!(" It has grown: in the mix {}, in the master {}.", amount(known), amount(found))
            })
    }
}

/// What only comes to light in the master, and is the mix's. What is to be done about such a file is no advice on one that was just
/// written.
fn of_the_mix(found: &Finding) -> Option<String> {
    let value = found.value?;
    match found.id {
        Check::LossySource => Some(format!("The mix ends at {:.1} kHz, which shows in the master.", 1e-3 * value)),
        Check::UpSampled => Some(format!("The mix holds nothing above {:.2} kHz.", 0.5e-3 * value)),
        Check::PaddedBits => Some(format!("The mix uses {value:.0} bits.")),
        _ => None,
    }
}

/// Whether there is clearly more of a fault in a master that is so much louder.
fn has_grown(known: &Finding, found: &Finding, louder_lu: f64) -> bool {
    let Some((value, was)) = found.value.zip(known.value) else { return false };
    let more = value - was;
    match found.id {
        Check::Dc | Check::Clipping | Check::Phase => value.abs() >= GROWN_RATIO * was.abs(),
        Check::Balance => value.abs() - was.abs() >= GROWN_DB,
        Check::InterSampleOvers | Check::Click | Check::SubSonic => more >= GROWN_DB,
        // Heard beside the music, which grows too.
        Check::Hum | Check::Noise | Check::CutStart | Check::CutEnd => more - louder_lu >= GROWN_DB,
        // There or not, or nothing that mastering adds to.
        Check::Silent
        | Check::HeadSilence
        | Check::TailSilence
        | Check::Dropout
        | Check::Polarity
        | Check::DualMono
        | Check::DeadChannel
        | Check::ChannelDelay
        | Check::UpSampled
        | Check::PaddedBits
        | Check::LossySource => false,
    }
}

/// How much there is of a fault: `1.4 %`, `12 peaks`, `-48.3 dBFS`.
fn amount(finding: &Finding) -> String {
    match finding.unit {
        "percent" => format!("{} %", number(finding.value, 1)),
        "peaks" => format!("{} peaks", number(finding.value, 0)),
        unit => format!("{} {unit}", number(finding.value, 1)),
    }
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

/// What became of balance and width, where that is more than anybody asked for.
fn image_notes(mix: &Measurement, master: &Measurement, recipe: &Recipe) -> Vec<String> {
    let side_gain_db = recipe.width.map_or(0.0, |width| width.side_gain_db);
    let set = ImageChange::of(mix, &recipe.eq, side_gain_db);
    let balance_db = change(mix.loudness.balance_db(), master.loudness.balance_db());
    let width_db = change(Quantity::Width.of(mix), Quantity::Width.of(master)).map(|db| db - side_gain_db);
    let balance = Moved::of(balance_db, set.balance_db).map(|moved| moved.balance_note(recipe));
    let width = Moved::of(width_db, set.width_db.map(|db| db - side_gain_db)).map(|moved| moved.width_note(recipe));
    balance.into_iter().chain(width).collect()
}

/// A movement of the stereo image for which nothing was set.
struct Moved {
    by_db: f64,
    /// Whether most of it comes from the equaliser and the gain of the side, and not from what follows them.
    is_set: bool,
}

impl Moved {
    /// `None` where it is too little to be told, or can't be known. `set_db` is what the equaliser and the gain of the side account for.
    fn of(by_db: Option<f64>, set_db: Option<f64>) -> Option<Self> {
        let by_db = by_db.filter(|db| db.abs() > IMAGE_MOVED_DB)?;
        Some(Self { by_db, is_set: set_db.is_some_and(|set_db| (by_db - set_db).abs() < set_db.abs()) })
    }

    fn balance_note(&self, recipe: &Recipe) -> String {
        let (means, remedy) = match (self.is_set, recipe.width) {
            (true, Some(_)) => ("equaliser and width", "a width.side_gain_db nearer 0 in its recipe moves it less"),
            (true, None) => ("the equaliser", "less of that (--amount-eq) moves it less"),
            (false, _) if levels_apart(recipe) => {
                (density_means(recipe), "a leveler.stereo_link_percent nearer 100 in its recipe keeps it")
            }
            (false, _) => (density_means(recipe), "less loudness (--loudness) moves it less"),
        };
        let side = if self.by_db > 0.0 { "left" } else { "right" };
        format!("The balance moved to the {side} by {:.1} dB, mostly through {means}; {remedy}.", self.by_db.abs())
    }

    fn width_note(&self, recipe: &Recipe) -> String {
        let means = if self.is_set { "the equaliser" } else { density_means(recipe) };
        let beyond = if recipe.width.is_some() { "beyond the gain of the side" } else { "without a gain of the side" };
        format!(
            "The width, 120 to 5000 Hz, moved by {:+.1} dB {beyond}, mostly through {means}; width.side_gain_db in its recipe takes \
             that back.",
            self.by_db
        )
    }
}

/// Whether each channel is levelled for itself, at least in part.
fn levels_apart(recipe: &Recipe) -> bool {
    recipe.leveler.is_some_and(|leveler| leveler.stereo_link_percent < 100.0)
}

/// What of a recipe makes a master dense.
fn density_means(recipe: &Recipe) -> &'static str {
    match recipe {
        _ if levels_apart(recipe) => "levelling each channel for itself",
        Recipe { leveler: Some(_), .. } => "levelling and limiting",
        Recipe { multiband: Some(_), .. } => "compression and limiting",
        Recipe { soft_clip: Some(_), .. } => "cutting peaks off and limiting",
        _ => "limiting",
    }
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

/// That peaks are held where a reference has its own, so far under the ceiling that one would ask why; or higher, and what for. Nothing
/// where they are held under all that can be wished for, or the limiter has nothing to hold: then they say nothing of the density.
fn held_lower(job: &MasterJob<'_>, mastered: &Mastered) -> Option<String> {
    let held_dbtp = mastered.recipe.limiter.ceiling_dbtp;
    let reference_dbtp = held_dbtp - mastered.raised_db;
    let is_fixed = mastered.translation.as_ref().is_some_and(|translation| translation.ceiling.is_some());
    let is_low = reference_dbtp < job.ceiling_dbtp - HELD_LOWER_DB;
    let is_clamped = reference_dbtp < CEILING_RANGE_DBTP.0;
    let is_limited = mastered.limiter_log.reduction_db.iter().any(|&db| db > 0.0);
    let so = if mastered.raised_db > 0.0 {
        format!(", {:.1} dB higher than for the reference's density: the loudness asks for it", mastered.raised_db)
    } else {
        ", as the reference's are: so the master is as dense at its loudness".into()
    };
    (is_low && is_limited && !is_clamped && !is_fixed).then(|| format!("Peaks are held at {held_dbtp:.1} dBTP{so}."))
}

/// What levelling and limiting cost together, where that is much: the promise on limiting counts the limiter alone.
fn squeezed(mastered: &Mastered) -> Option<String> {
    let p95_db = mastered.p95_reduction_db;
    (mastered.recipe.leveler.is_some() && p95_db >= SQUEEZED_DB).then(|| {
        format!(
            "Leveler and limiter together take {p95_db:.1} dB and more for 5 % of the loud parts; --amount-dynamics 0 leaves the \
             leveler off, and less loudness (--loudness) asks less of both."
        )
    })
}

/// That a master is as quiet as a reference that nobody would listen to so.
fn quiet_reference(job: &MasterJob<'_>, mastered: &Mastered) -> Option<String> {
    let reference = mastered.references.middle.as_ref().filter(|_| job.loudness_lufs.is_none())?;
    let lufs = reference.measurement.loudness.integrated_lufs().filter(|lufs| *lufs < FAR_DOWN_LUFS)?;
    Some(format!(
        "The reference has only {lufs:.1} LUFS, and the master is as quiet; --loudness={DEFAULT_LOUDNESS_LUFS:.0} makes it as loud as \
         streaming services play."
    ))
}

/// What is wrong with the master.
fn wrong_notes(found: &Found<'_>, mastered: &Mastered) -> Vec<String> {
    let mut notes = found.master_notes();
    let wide_bass = |source: &Source| side_bass_of(&source.findings, &source.measurement);
    notes
        .extend(wide_bass(&mastered.written).map(|of_master| side_bass(&of_master, wide_bass(&mastered.mix).as_ref())));
    if mastered.is_turned_against {
        notes.push(
            "With a channel of the mix upside down, its middle measures as its side: only loudness and peaks were set. Turn it the right \
             way up, and master it again."
                .into(),
        );
    }
    notes
}

/// What became of level, dynamics and stereo image beside what was asked for.
fn moved_notes(job: &MasterJob<'_>, mastered: &Mastered) -> Vec<String> {
    let Mastered { mix, written, recipe, .. } = mastered;
    let range_lu = |source: &Source| source.measurement.loudness.range_lu();
    let reference_lu = mastered.references.middle.as_ref().and_then(range_lu);
    let ranges_lu = range_lu(mix).zip(range_lu(written));
    let evened = ranges_lu.and_then(|(was_lu, is_lu)| evened(was_lu, is_lu, reference_lu, recipe.leveler.is_some()));
    let levels = [quiet_reference(job, mastered), squeezed(mastered), evened, held_lower(job, mastered)];
    levels.into_iter().flatten().chain(image_notes(&mix.measurement, &written.measurement, recipe)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioBuffer;
    use crate::advise::{Mend, Problem};
    use crate::dsp::eq::{BandChannel, response_db};
    use crate::dsp::leveler::LevelerSettings;
    use crate::dsp::limiter::LimiterSettings;
    use crate::dsp::testing::Noise;
    use crate::dsp::width::WidthSettings;
    use crate::engine::render::{ChainLog, LimiterLog};
    use crate::io::SourceInfo;
    use crate::measure::Meter;
    use crate::suggest::Proposal;

    fn finding(id: Check, severity: Severity, value: f64, unit: &'static str) -> Finding {
        Finding {
            id,
            severity,
            value: Some(value),
            unit,
            threshold: 0.0,
            times_s: Vec::new(),
            frequencies_hz: Vec::new(),
            message: "it is so; mend it".into(),
        }
    }

    fn found<'a>(mix: &'a [Finding], master: &'a [Finding]) -> Found<'a> {
        Found { mix, master, louder_lu: 9.0, makes_harmonics: false, side_gain_db: 0.0, eq_width_db: 0.0 }
    }

    #[test]
    fn a_fault_that_has_grown_is_told_once_with_both_values() {
        let offset = |severity, percent| [finding(Check::Dc, severity, percent, "percent")];
        let (mix, master) = (offset(Severity::Fail, -1.4), offset(Severity::Fail, -3.2));
        let grown = "In the mix: it is so; mend it. It has grown: in the mix -1.4 %, in the master -3.2 %.";
        assert_eq!(found(&mix, &master).mix_notes(), [grown]);
        assert!(found(&mix, &master).master_notes().is_empty());
        let same = offset(Severity::Fail, -1.5);
        assert_eq!(found(&mix, &same).mix_notes(), ["In the mix: it is so; mend it."]);
        // One that nobody tells of the mix.
        let small = offset(Severity::Warning, 0.5);
        let grown = "In the master: it is so; mend it. It has grown: in the mix 0.5 %, in the master -3.2 %.";
        assert_eq!(found(&small, &master).master_notes(), [grown]);
        assert!(found(&small, &master).mix_notes().is_empty());
    }

    #[test]
    fn bass_in_the_side_of_a_master_is_told_with_the_mix_and_the_settings_that_mend_it() {
        let advice = |width_db| Advice {
            id: Problem::SideBass,
            severity: crate::advise::Severity::High,
            confidence: 0.8,
            message: "the side is loud".into(),
            band_hz: None,
            times_s: Vec::new(),
            evidence: [("side_over_mid_db", width_db)].into(),
            fix: String::new(),
            mend: Mend::Master,
        };
        let alone = side_bass(&advice(5.0), None);
        assert!(alone.starts_with("In the master: the side is loud. In its recipe, [[eq]] kind"), "{alone}");
        let known = side_bass(&advice(5.0), Some(&advice(4.6)));
        assert!(known.contains("is loud. The mix has it already (side over mid +4.6 dB). In its"), "{known}");
    }

    #[test]
    fn the_settings_that_mend_bass_in_the_side_are_those_of_a_recipe() {
        let lines = MONO_BASS.replace("[[eq]] ", "[[eq]]\n").replace(", ", "\n");
        let recipe = format!("schema = \"halfspeed.recipe/1\"\n{lines}\n");
        let recipe: Recipe = toml::from_str(&recipe).expect("a recipe");
        let [band] = &recipe.eq[..] else { panic!("{recipe:?}") };
        let side_db = |hz| response_db(&recipe.eq, BandChannel::Side, hz, 44_100);
        assert!((side_db(120.0) + 3.0).abs() < 0.1 && side_db(60.0) < -23.0, "{band:?}");
        assert_eq!(response_db(&recipe.eq, BandChannel::Mid, 60.0, 44_100), 0.0);
    }

    #[test]
    fn what_is_raised_with_the_music_has_not_grown() {
        let hum = |dbfs| [finding(Check::Hum, Severity::Warning, dbfs, "dBFS")];
        let (mix, as_much, more) = (hum(-60.0), hum(-51.0), hum(-47.0));
        assert!(!found(&mix, &as_much).mix_notes()[0].contains("grown"));
        assert!(found(&mix, &more).mix_notes()[0].ends_with("in the mix -60.0 dBFS, in the master -47.0 dBFS."));
        let side = |lu| [finding(Check::Balance, Severity::Warning, lu, "LU")];
        let (mix, more) = (side(-3.1), side(-6.4));
        assert!(found(&mix, &more).mix_notes()[0].contains("grown"));
    }

    #[test]
    fn what_a_master_has_from_its_mix_is_told_of_that() {
        let told = |id, value, unit| found(&[], &[finding(id, Severity::Warning, value, unit)]).master_notes();
        let edge = told(Check::LossySource, 14_000.0, "Hz");
        assert_eq!(edge, ["The mix ends at 14.0 kHz, which shows in the master."]);
        assert_eq!(told(Check::UpSampled, 44_100.0, "Hz"), ["The mix holds nothing above 22.05 kHz."]);
        assert_eq!(told(Check::Click, 45.0, "dB"), ["In the master: it is so; mend it."]);
        let hum = [finding(Check::Hum, Severity::Warning, -50.0, "dBFS")];
        let behind_harmonics = |mix| Found { makes_harmonics: true, ..found(mix, &hum) };
        assert!(behind_harmonics(&[]).master_notes().is_empty(), "harmonics that were made are no hum");
        let softer = [finding(Check::Hum, Severity::Warning, -90.0, "dBFS")];
        assert!(found(&softer, &hum).mix_notes()[0].contains("grown"));
        assert!(!behind_harmonics(&softer).mix_notes()[0].contains("grown"));
    }

    #[test]
    fn channels_that_a_gain_of_the_side_opposes_are_told_as_its_doing() {
        let opposed = [finding(Check::Phase, Severity::Warning, 37.0, "percent")];
        let wider = |mix| Found { side_gain_db: 4.0, ..found(mix, &opposed) };
        let notes = wider(&[]).master_notes();
        let [told] = &notes[..] else { panic!("one note: {notes:?}") };
        assert!(told.contains("in 37 % of the loud parts, mostly through the +4.0 dB of the side"), "{told}");
        assert!(told.contains("--amount-width 0, or a lower width.side_gain_db"), "{told}");
        let told = Found { eq_width_db: 6.0, ..wider(&[]) }.master_notes().concat();
        assert!(told.contains("mostly through the equaliser, which widens by 6.0 dB"), "{told}");
        assert_eq!(found(&[], &opposed).master_notes(), ["In the master: it is so; mend it."]);
        assert!(wider(&opposed).master_notes().is_empty(), "the mix has it already");
    }

    fn source(measurement: Measurement, findings: Vec<Finding>) -> Source {
        let info = SourceInfo {
            path: "song.wav".into(),
            format: "WAV".into(),
            sample_rate_hz: 48_000,
            channels: 2,
            bits: Some(24),
            float: false,
            lossy: false,
            frames: None,
        };
        Source { info, measurement, findings }
    }

    /// A master after a reference whose channels have these gains, with peaks held so high by a limiter that works.
    fn mastered(reference_gains: [f64; 2], held_dbtp: f64) -> Mastered {
        let limiter = LimiterSettings { ceiling_dbtp: held_dbtp, ..LimiterSettings::default() };
        Mastered {
            mix: source(leaning([0.5, 0.5]), Vec::new()),
            references: References { middle: Some(source(leaning(reference_gains), Vec::new())), others: Vec::new() },
            chosen: None,
            proposal: Proposal::default(),
            refinement: None,
            recipe: Recipe { limiter, leveler: Some(LevelerSettings::default()), ..Recipe::default() },
            written: source(leaning([1.0, 1.0]), Vec::new()),
            chain_log: ChainLog::default(),
            limiter_log: LimiterLog { reduction_db: vec![0.0, 2.0] },
            p95_reduction_db: 5.0,
            raised_db: 0.0,
            is_turned_against: false,
            promises: Vec::new(),
            translation: None,
        }
    }

    #[test]
    fn peaks_are_held_as_the_references_only_where_that_is_so() {
        let job = MasterJob::new("song.wav", "master.wav");
        let as_dense = mastered([1.0, 1.0], -9.1);
        let told = held_lower(&job, &as_dense).expect("under the ceiling");
        assert!(told.starts_with("Peaks are held at -9.1 dBTP, as the reference's are"), "{told}");
        let raised = Mastered { raised_db: 5.1, ..mastered([1.0, 1.0], -4.0) };
        let wanted =
            "Peaks are held at -4.0 dBTP, 5.1 dB higher than for the reference's density: the loudness asks for it.";
        assert_eq!(held_lower(&job, &raised).as_deref(), Some(wanted));
        assert_eq!(held_lower(&job, &mastered([1.0, 1.0], -19.1)), None, "the reference's are lower still");
        let resting = LimiterLog { reduction_db: vec![0.0; 2] };
        assert_eq!(held_lower(&job, &Mastered { limiter_log: resting, ..as_dense }), None);
    }

    #[test]
    fn a_reference_that_is_far_down_is_told_unless_a_loudness_is_wished_for() {
        let faint = mastered([0.01, 0.01], -19.1);
        let job = MasterJob::new("song.wav", "master.wav");
        let told = quiet_reference(&job, &faint).expect("far down");
        assert!(told.contains("as quiet; --loudness=-14 makes it as loud"), "{told}");
        let wishing = MasterJob { loudness_lufs: Some(-14.0), ..job };
        assert_eq!(quiet_reference(&wishing, &faint), None);
        assert_eq!(quiet_reference(&MasterJob::new("song.wav", "master.wav"), &mastered([1.0, 1.0], -9.1)), None);
    }

    #[test]
    fn notes_tell_the_master_first_then_what_moved_then_the_mix() {
        let hum = |dbfs| vec![finding(Check::Hum, Severity::Warning, dbfs, "dBFS")];
        let click = finding(Check::Click, Severity::Warning, 45.0, "dB");
        let made = Mastered { p95_reduction_db: 8.4, ..mastered([1.0, 1.0], -9.1) };
        let made = Mastered {
            mix: source(leaning([0.5, 0.5]), hum(-60.0)),
            written: source(leaning([1.0, 1.0]), [hum(-54.0), vec![click]].concat()),
            ..made
        };
        let told = notes(&MasterJob::new("mix.wav", "master.wav"), &made);
        let begins = ["In the master:", "Leveler and limiter together take 8.4 dB", "Peaks are held", "In the mix:"];
        let places = begins.map(|begin| told.iter().position(|note| note.starts_with(begin)).expect(begin));
        assert!(places.is_sorted(), "{told:#?}");
        assert_eq!(squeezed(&mastered([1.0, 1.0], -9.1)), None, "5 dB are not much");
    }

    /// Noise whose channels have much in common, with a gain for each of them.
    fn leaning(gains: [f64; 2]) -> Measurement {
        let (mut common, mut own) = (Noise(3), Noise(4));
        let mut audio = AudioBuffer::new(48_000);
        for _ in 0..48_000 {
            let (mid, side) = (0.2 * common.next(), 0.05 * own.next());
            audio.push((gains[0] * (mid + side)) as f32, (gains[1] * (mid - side)) as f32);
        }
        let mut meter = Meter::new(48_000);
        meter.push(&audio);
        meter.finish()
    }

    #[test]
    fn an_image_that_nobody_asked_to_move_is_told_with_what_moved_it() {
        let (mix, master) = (leaning([1.0, 1.0]), leaning([1.0, 0.85]));
        let leveler = LevelerSettings { stereo_link_percent: 50.0, ..LevelerSettings::default() };
        let apart = Recipe { leveler: Some(leveler), ..Recipe::default() };
        let told = image_notes(&mix, &master, &apart);
        let wanted = "The balance moved to the left by 1.4 dB, mostly through levelling each channel for itself; a \
                      leveler.stereo_link_percent nearer 100 in its recipe keeps it.";
        assert_eq!(told[0], wanted);
        let told = image_notes(&mix, &master, &Recipe::default());
        assert!(told[0].contains("mostly through limiting; less loudness"), "{told:?}");
        assert!(image_notes(&mix, &leaning([0.5, 0.5]), &apart).is_empty());
    }

    #[test]
    fn a_width_that_was_set_is_no_movement() {
        let (mix, wider) = (leaning([1.0, 1.0]), WidthSettings { side_gain_db: 3.0 });
        let recipe = Recipe { width: Some(wider), ..Recipe::default() };
        let told = image_notes(&mix, &mix, &recipe);
        assert!(told.iter().any(|note| note.contains("moved by -3.0 dB beyond the gain of the side")), "{told:?}");
        assert!(Moved::of(Some(0.4), Some(0.4)).is_none());
        assert!(Moved::of(Some(1.0), Some(0.8)).is_some_and(|moved| moved.is_set));
        assert!(Moved::of(Some(1.0), Some(-0.8)).is_some_and(|moved| !moved.is_set));
    }

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

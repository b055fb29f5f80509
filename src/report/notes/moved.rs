//! What became of level, dynamics and stereo image of a master beside what was asked for.

use crate::engine::Recipe;
use crate::master::{CEILING_RANGE_DBTP, DEFAULT_LOUDNESS_LUFS, MasterJob, Mastered};
use crate::measure::Measurement;
use crate::quality::thresholds::FAR_DOWN_LUFS;
use crate::report::figures::change;
use crate::source::Source;
use crate::suggest::Quantity;
use crate::suggest::image::ImageChange;

/// A loudness range so far under both the mix's and the reference's, or so far under the mix's where there is no reference, is told, LU.
const EVENED_LU: f64 = 1.0;
const EVENED_ALONE_LU: f64 = 3.0;
/// From here on it is told that peaks are held under the ceiling, dB: more than what meters may differ by takes of it.
const HELD_LOWER_DB: f64 = 0.6;
/// From here on it is told what leveler and limiter together take from the loud parts, dB: a third more than the limiter alone may.
const SQUEEZED_DB: f64 = 8.0;
/// From here on it is told that the stereo image moved where nothing was set for that, dB.
const IMAGE_MOVED_DB: f64 = 0.5;

/// What became of level, dynamics and stereo image beside what was asked for.
pub(super) fn moved_notes(job: &MasterJob<'_>, mastered: &Mastered) -> Vec<String> {
    let Mastered { mix, written, recipe, .. } = mastered;
    let range_lu = |source: &Source| source.measurement.loudness.range_lu();
    let reference_lu = mastered.references.middle.as_ref().and_then(range_lu);
    let ranges_lu = range_lu(mix).zip(range_lu(written));
    let evened = ranges_lu.and_then(|(was_lu, is_lu)| evened(was_lu, is_lu, reference_lu, recipe.leveler.is_some()));
    let levels = [quiet_reference(job, mastered), squeezed(mastered), evened, held_lower(job, mastered)];
    levels.into_iter().flatten().chain(image_notes(&mix.measurement, &written.measurement, recipe)).collect()
}

/// What became of loud and quiet parts, by loudness ranges, where that is more than anybody asked for.
pub(super) fn evened(was_lu: f64, is_lu: f64, reference_lu: Option<f64>, is_levelled: bool) -> Option<String> {
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
pub(super) fn image_notes(mix: &Measurement, master: &Measurement, recipe: &Recipe) -> Vec<String> {
    let side_gain_db = recipe.width.map_or(0.0, |width| width.side_gain_db);
    let set = ImageChange::of(mix, &recipe.eq, side_gain_db);
    let balance_db = change(mix.loudness.balance_db(), master.loudness.balance_db());
    let width_db = change(Quantity::Width.of(mix), Quantity::Width.of(master)).map(|db| db - side_gain_db);
    let balance = Moved::of(balance_db, set.balance_db).map(|moved| moved.balance_note(recipe));
    let width = Moved::of(width_db, set.width_db.map(|db| db - side_gain_db)).map(|moved| moved.width_note(recipe));
    balance.into_iter().chain(width).collect()
}

/// A movement of the stereo image for which nothing was set.
pub(super) struct Moved {
    by_db: f64,
    /// Whether most of it comes from the equaliser and the gain of the side, and not from what follows them.
    pub(super) is_set: bool,
}

impl Moved {
    /// `None` where it is too little to be told, or can't be known. `set_db` is what the equaliser and the gain of the side account for.
    pub(super) fn of(by_db: Option<f64>, set_db: Option<f64>) -> Option<Self> {
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

/// That peaks are held where a reference has its own, so far under the ceiling that one would ask why; or higher, and what for. Nothing
/// where they are held under all that can be wished for, or the limiter has nothing to hold: then they say nothing of the density.
pub(super) fn held_lower(job: &MasterJob<'_>, mastered: &Mastered) -> Option<String> {
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
pub(super) fn squeezed(mastered: &Mastered) -> Option<String> {
    let p95_db = mastered.p95_reduction_db;
    (mastered.recipe.leveler.is_some() && p95_db >= SQUEEZED_DB).then(|| {
        format!(
            "Leveler and limiter together take {p95_db:.1} dB and more for 5 % of the loud parts; --amount-dynamics 0 leaves the \
             leveler off, and less loudness (--loudness) asks less of both."
        )
    })
}

/// That a master is as quiet as a reference that nobody would listen to so.
pub(super) fn quiet_reference(job: &MasterJob<'_>, mastered: &Mastered) -> Option<String> {
    let reference = mastered.references.middle.as_ref().filter(|_| job.loudness_lufs.is_none())?;
    let lufs = reference.measurement.loudness.integrated_lufs().filter(|lufs| *lufs < FAR_DOWN_LUFS)?;
    Some(format!(
        "The reference has only {lufs:.1} LUFS, and the master is as quiet; --loudness={DEFAULT_LOUDNESS_LUFS:.0} makes it as loud as \
         streaming services play."
    ))
}

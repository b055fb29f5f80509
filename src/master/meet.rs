//! Writes a master, measures it and corrects it until it keeps what was promised.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::MasterJob;
use crate::dsp::limiter::LimiterSettings;
use crate::engine::Recipe;
use crate::engine::drive::{DRIVE_RANGE_DB, DriveSearch, MAX_P95_REDUCTION_DB, Outcome};
use crate::engine::render::{LimiterLog, Processed};
use crate::error::{Error, Result};
use crate::io::{OutputFile, Tags};
use crate::measure::Measurement;
use crate::progress::{Step, StepProgress};
use crate::source::{Source, measure_file};
use crate::units::db_to_amplitude;

/// How near the written file comes to the wished loudness, LU.
pub const LOUDNESS_TOLERANCE_LU: f64 = 0.1;
/// Times a master is written at the most for the sake of its loudness.
const MAX_ATTEMPTS: usize = 6;
/// How far meters may differ on the same file: on dense masters a resampler at 8 points a sample read up to 0.07 dB more
/// than the meter at 16. This much under the ceiling is aimed for, so that any of them finds it kept.
const METER_MARGIN_DB: f64 = 0.08;
/// How much farther they may differ where peaks are cut off: flat tops have much treble up to half the sample rate, where meters with
/// short filters read up to 0.17 dB more.
const CUT_MARGIN_DB: f64 = 0.12;
/// What dither may add to a peak at the ceiling, dB.
const QUANTISING_MARGIN_DB: f64 = 0.005;
/// So far under the threshold that is expected, true peaks are sought too: another drive may need them, dB.
const FLOOR_MARGIN_DB: f64 = 0.6;

/// What is promised of the written file.
// JSON has the names in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promised {
    /// The wished loudness.
    IntegratedLoudness,
    /// No true peak above the ceiling.
    TruePeak,
    /// The length of the mix.
    Length,
}

impl fmt::Display for Promised {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

/// Something the written file has to keep.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Promise {
    /// What was promised.
    pub id: Promised,
    /// Unit of the values: `LUFS`, `dBTP` or `frames`.
    pub unit: &'static str,
    /// The value that was promised; of the true peak, a ceiling.
    pub wanted: f64,
    /// What the written file measures; `None` where it has no such value, as silence has no loudness.
    pub measured: Option<f64>,
    /// How far off still counts as kept, in that unit.
    pub tolerance: f64,
    /// Whether it was kept.
    pub met: bool,
    /// Why not, and what to do; `None` where it was kept.
    pub reason: Option<String>,
    /// Why this was promised; `None` where it is what was asked for.
    pub wanted_because: Option<String>,
}

/// Where the limiter starts, so that the written file keeps a ceiling on any meter; lower where peaks are cut off ahead of it.
pub(super) fn limiter_ceiling(ceiling_dbtp: f64, is_cut: bool) -> f64 {
    ceiling_dbtp - METER_MARGIN_DB - QUANTISING_MARGIN_DB - if is_cut { CUT_MARGIN_DB } else { 0.0 }
}

/// Frames of a programme at a sample rate: those that begin before its end.
pub(super) fn frames_at(source: &Source, sample_rate_hz: u32) -> u64 {
    let Measurement { frames, sample_rate_hz: own_hz, .. } = source.measurement;
    (u128::from(frames) * u128::from(sample_rate_hz)).div_ceil(u128::from(own_hz)) as u64
}

/// What the written file has to meet.
#[derive(Clone, Copy)]
pub(super) struct Goal<'a> {
    /// The job that it is for.
    pub(super) job: &'a MasterJob<'a>,
    /// What the mix says of its music, and the master too.
    pub(super) tags: &'a Tags,
    pub(super) wished_lufs: f64,
    /// The job's own, or a lower one for the sake of codecs.
    pub(super) ceiling_dbtp: f64,
}

/// A master under its temporary name, measured.
pub(super) struct Written {
    pub(super) file: OutputFile,
    pub(super) source: Source,
    pub(super) log: LimiterLog,
}

impl Written {
    fn lufs(&self) -> Option<f64> {
        self.source.measurement.loudness.integrated_lufs()
    }

    fn true_dbtp(&self) -> Option<f64> {
        self.source.measurement.peaks.true_dbtp()
    }
}

/// A master that keeps its ceiling, and how near to its loudness it came.
pub(super) struct Met {
    pub(super) written: Written,
    /// Reduction by leveler and limiter together that is exceeded 5 % of the time in the loud parts, dB.
    pub(super) p95_with_leveler_db: f64,
    /// What the search said of the drive, for the reason why a wish was not met.
    outcome: Outcome,
    /// The loudness that was aimed for in the end.
    target_lufs: f64,
}

impl Met {
    fn new(
        written: Written,
        outcome: Outcome,
        target_lufs: f64,
        processed: &Processed,
        limiter: &LimiterSettings,
    ) -> Self {
        let p95_with_leveler_db = DriveSearch::new(processed, limiter).p95_with_leveler_db(limiter.drive_db);
        Self { written, p95_with_leveler_db, outcome, target_lufs }
    }

    /// How far the written file stays under a loudness because of limiting, LU; `None` where it doesn't, or the gain is at its most.
    fn short_lu(&self, wished_lufs: f64) -> Option<f64> {
        let is_driven = self.outcome.drive_db < DRIVE_RANGE_DB.1;
        let short_lu = wished_lufs - self.written.lufs()?;
        (is_driven && short_lu > LOUDNESS_TOLERANCE_LU).then_some(short_lu)
    }
}

/// Finds the drive, writes, measures, corrects, until the written file meets the goal. Where its peaks are held under the ceiling so that
/// it is as dense as a reference, and limiting keeps it from its loudness, they are held higher: loudness goes before density.
pub(super) fn meet(
    goal: &Goal<'_>,
    processed: &mut Processed,
    recipe: &mut Recipe,
    on_progress: StepProgress<'_>,
) -> Result<Met> {
    let highest_dbtp = limiter_ceiling(goal.ceiling_dbtp, recipe.soft_clip.is_some());
    let has_room = highest_dbtp - recipe.limiter.ceiling_dbtp > LOUDNESS_TOLERANCE_LU;
    let met = meet_under(goal, processed, recipe, on_progress)?;
    let Some(short_lu) = met.short_lu(goal.wished_lufs).filter(|_| has_room) else { return Ok(met) };
    // As much drive more leaves the limiter with the same to do, and the rest is for what the search stops short of.
    let raised_dbtp = recipe.limiter.ceiling_dbtp + short_lu + 0.5 * LOUDNESS_TOLERANCE_LU;
    recipe.limiter.ceiling_dbtp = raised_dbtp.min(highest_dbtp);
    log::info!("{short_lu:.2} LU short: peaks are held at {:.2} dBTP instead", recipe.limiter.ceiling_dbtp);
    meet_under(goal, processed, recipe, on_progress)
}

/// The same under the recipe's own ceiling.
fn meet_under(
    goal: &Goal<'_>,
    processed: &mut Processed,
    recipe: &mut Recipe,
    on_progress: StepProgress<'_>,
) -> Result<Met> {
    let silent = || Error::content(&goal.job.mix, "nothing is left of it after processing; check the recipe");
    // Sample peaks tell about where the threshold will be, so that true peaks are sought only above it.
    let rough = DriveSearch::new(processed, &recipe.limiter);
    let unlimited_db = rough.drive_without_limiting(goal.wished_lufs).ok_or_else(silent)?;
    let mut near = rough.drive_for_loudness(goal.wished_lufs, 1.0, rough.outcome(unlimited_db)).ok_or_else(silent)?;
    let mut floor_db = recipe.limiter.ceiling_dbtp - near.drive_db - FLOOR_MARGIN_DB;
    processed.find_true_peaks(db_to_amplitude(floor_db) as f32)?;
    let mut correction_lu = 0.0;
    let mut tried = None;
    let mut attempt = 1;
    loop {
        let search = DriveSearch::new(processed, &recipe.limiter);
        near = Outcome { lu_per_db: near.lu_per_db, ..search.outcome(near.drive_db) };
        near = search.drive_for_loudness(goal.wished_lufs + correction_lu, 0.05, near).ok_or_else(silent)?;
        let held = if goal.job.force_loudness { None } else { search.held(&near) };
        let is_held = held.is_some();
        let outcome = held.unwrap_or(near);
        recipe.limiter.drive_db = outcome.drive_db;
        let threshold_db = recipe.limiter.ceiling_dbtp - outcome.drive_db;
        if threshold_db < floor_db {
            floor_db = threshold_db - FLOOR_MARGIN_DB;
            processed.find_true_peaks(db_to_amplitude(floor_db) as f32)?;
        }
        let written = write(processed, recipe, goal, on_progress)?;
        let written_lufs = written.lufs().ok_or_else(silent)?;
        // Where limiting is held, no correction of the wish changes the drive.
        let target_lufs = if is_held { written_lufs } else { goal.wished_lufs };
        let miss_lu = target_lufs - written_lufs;
        let over_db = written.true_dbtp().map_or(0.0, |peak| peak - (goal.ceiling_dbtp - METER_MARGIN_DB));
        log::info!("attempt {attempt}: {miss_lu:+.3} LU to go, {over_db:+.3} dB off the ceiling's margin");
        // Where the limiter takes back what more drive adds, the search ends where it ended before.
        let settings = (recipe.limiter.drive_db, recipe.limiter.ceiling_dbtp);
        let is_stuck = tried.replace(settings) == Some(settings);
        let is_near = miss_lu.abs() <= 0.5 * LOUDNESS_TOLERANCE_LU;
        if over_db <= 0.0 && (is_near || is_stuck || attempt == MAX_ATTEMPTS) {
            return Ok(Met::new(written, outcome, target_lufs, processed, &recipe.limiter));
        }
        if attempt == MAX_ATTEMPTS {
            // Drive and ceiling together scale the output and nothing else: the ceiling holds, at the cost of loudness.
            recipe.limiter.ceiling_dbtp -= over_db + QUANTISING_MARGIN_DB;
            recipe.limiter.drive_db = (recipe.limiter.drive_db - over_db - QUANTISING_MARGIN_DB).max(DRIVE_RANGE_DB.0);
            let written = write(processed, recipe, goal, on_progress)?;
            return Ok(Met::new(written, outcome, target_lufs, processed, &recipe.limiter));
        }
        if over_db > 0.0 {
            // Each time with more to spare: a new drive moves other peaks to the top.
            recipe.limiter.ceiling_dbtp -= over_db + 0.01 * attempt as f64;
        }
        correction_lu += miss_lu;
        attempt += 1;
    }
}

/// Writes the programme as the recipe says, and measures what was written.
fn write(processed: &Processed, recipe: &Recipe, goal: &Goal<'_>, on_progress: StepProgress<'_>) -> Result<Written> {
    let (file, log) = processed.write(&recipe.limiter, recipe.output, goal.tags, &goal.job.output)?;
    let source = read_back(&file, on_progress)?;
    Ok(Written { file, source, log })
}

pub(super) fn read_back(file: &OutputFile, on_progress: StepProgress<'_>) -> Result<Source> {
    measure_file(file.temporary(), &|done, total| on_progress(Step::Verify, done, total))
}

impl Goal<'_> {
    /// Whether the ceiling is lower than the job's, for the sake of codecs.
    fn is_lowered(&self) -> bool {
        self.ceiling_dbtp < self.job.ceiling_dbtp
    }

    /// Holds the written file to what was promised.
    pub(super) fn judge(&self, met: &Met, wanted_frames: u64, wished_because: Option<String>) -> Vec<Promise> {
        let loudness = met.written.lufs();
        let loudness_met = loudness.is_some_and(|lufs| (lufs - self.wished_lufs).abs() <= LOUDNESS_TOLERANCE_LU);
        let peak = met.written.true_dbtp();
        let frames = met.written.source.measurement.frames;
        let reason = (!loudness_met).then(|| self.shortfall(met));
        vec![
            Promise {
                id: Promised::IntegratedLoudness,
                unit: "LUFS",
                wanted: self.wished_lufs,
                measured: loudness,
                tolerance: LOUDNESS_TOLERANCE_LU,
                met: loudness_met,
                reason,
                wanted_because: wished_because,
            },
            Promise {
                id: Promised::TruePeak,
                unit: "dBTP",
                wanted: self.ceiling_dbtp,
                measured: peak,
                tolerance: 0.0,
                met: peak.is_none_or(|peak| peak <= self.ceiling_dbtp),
                reason: None,
                wanted_because: self.is_lowered().then(|| {
                    let asked_dbtp = self.job.ceiling_dbtp;
                    format!("with the ceiling of {asked_dbtp:.1} dBTP, a codec's decoder would go over full scale")
                }),
            },
            Promise {
                id: Promised::Length,
                unit: "frames",
                wanted: wanted_frames as f64,
                measured: Some(frames as f64),
                tolerance: 0.0,
                met: frames == wanted_frames,
                reason: None,
                wanted_because: None,
            },
        ]
    }

    /// Why the wished loudness was not met.
    fn shortfall(&self, met: &Met) -> String {
        let drive_db = met.outcome.drive_db;
        let (least_db, most_db) = DRIVE_RANGE_DB;
        if drive_db >= most_db && met.outcome.p95_reduction_db < MAX_P95_REDUCTION_DB {
            format!("the mix is too quiet for it: {most_db:.0} dB is the most gain there is; export it louder")
        } else if drive_db <= least_db {
            format!("the mix is too loud for it: it is turned down by {:.0} dB and no more; export it lower", -least_db)
        } else if met.target_lufs == self.wished_lufs {
            format!(
                "the limiter takes back what more drive adds, of which {drive_db:.1} dB were tried; ask for less, or for a higher \
                 --ceiling"
            )
        } else {
            format!(
                "more would take over {MAX_P95_REDUCTION_DB:.0} dB of limiting in the loud parts; it stops at {:.1} LUFS \
                 ({:.1} LU short); --force-loudness goes on",
                met.target_lufs,
                self.wished_lufs - met.target_lufs
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::AudioBuffer;
    use crate::engine::render::process;
    use crate::io::Spool;

    /// Bursts of a tone over a quieter one, 3 s of them.
    fn bursts() -> Processed {
        let sample = |n: usize| {
            let burst = if n % 12_000 < 1500 { 0.7 } else { 0.1 };
            burst * (n as f32 * 0.06).sin() + 0.05 * (n as f32 * 0.21).sin()
        };
        let samples: Vec<f32> = (0..3 * 48_000).map(sample).collect();
        let mut spool = Spool::new(48_000);
        spool.push(&AudioBuffer::from_channels(48_000, samples.clone(), samples)).expect("memory");
        process(spool, &Recipe::default(), &|_, _| {}).expect("neutral settings")
    }

    #[test]
    fn peaks_that_are_held_for_density_rise_where_the_loudness_asks_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let job = MasterJob::new("mix.wav", folder.path().join("master.wav"));
        let held = || {
            let limiter = LimiterSettings { ceiling_dbtp: limiter_ceiling(-9.0, false), ..LimiterSettings::default() };
            Recipe { limiter, ..Recipe::default() }
        };
        let mut processed = bursts();
        processed.find_true_peaks(0.0).expect("memory");
        let most = DriveSearch::new(&processed, &held().limiter).drive_for_reduction(MAX_P95_REDUCTION_DB, 40.0);
        let most_lufs = most.integrated_lufs.expect("loud");
        let mut met = |louder_lu: f64| {
            let mut recipe = held();
            let goal =
                Goal { job: &job, tags: &Tags::default(), wished_lufs: most_lufs + louder_lu, ceiling_dbtp: -1.0 };
            let met = meet(&goal, &mut processed, &mut recipe, &|_, _, _| {}).expect("written");
            let promises = goal.judge(&met, 3 * 48_000, None);
            let [loudness, peak, _] = &promises[..] else { panic!("three promises") };
            assert!(peak.met, "{peak:?}");
            (loudness.met, recipe.limiter.ceiling_dbtp - held().limiter.ceiling_dbtp)
        };
        assert_eq!(met(-1.0), (true, 0.0), "what can be had so is not changed");
        let (is_met, raised_db) = met(1.5);
        assert!(is_met && (1.4..1.8).contains(&raised_db), "{raised_db}");
        // No higher than the ceiling, whatever is missed.
        let (is_met, raised_db) = met(14.0);
        assert!(!is_met && (raised_db - 8.0).abs() < 0.3, "{raised_db}");
    }

    #[test]
    fn a_ceiling_that_codecs_ask_for_is_told_as_theirs() {
        let folder = tempfile::tempdir().expect("a folder");
        let job = MasterJob::new("mix.wav", folder.path().join("master.wav"));
        let because = |ceiling_dbtp: f64| {
            let goal = Goal { job: &job, tags: &Tags::default(), wished_lufs: -20.0, ceiling_dbtp };
            let limiter = LimiterSettings { ceiling_dbtp: limiter_ceiling(-3.0, false), ..LimiterSettings::default() };
            let mut recipe = Recipe { limiter, ..Recipe::default() };
            let met = meet(&goal, &mut bursts(), &mut recipe, &|_, _, _| {}).expect("written");
            goal.judge(&met, 3 * 48_000, None)[1].wanted_because.clone()
        };
        assert_eq!(because(job.ceiling_dbtp), None);
        let told = because(job.ceiling_dbtp - 1.0).expect("it isn't what was asked for");
        assert!(told.starts_with("with the ceiling of -1.0 dBTP"), "{told}");
    }

    #[test]
    fn documents_call_each_promise_as_they_always_did() {
        for (promised, name) in [
            (Promised::IntegratedLoudness, "integrated_loudness"),
            (Promised::TruePeak, "true_peak"),
            (Promised::Length, "length"),
        ] {
            assert_eq!(serde_json::to_value(promised).expect("a name"), name);
            assert_eq!(promised.to_string(), name);
        }
    }
}

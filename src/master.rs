//! The main job: measure, suggest, render, verify, correct, report.

mod audition;
mod fixes;
mod offset;
mod refine;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::audition::Audition;
pub use self::refine::{Candidate, Refinement};
use self::refine::{Effort, Refiner};
use crate::dsp::limiter::LimiterSettings;
use crate::engine::drive::{DRIVE_RANGE_DB, DriveSearch, MAX_P95_REDUCTION_DB, Outcome};
use crate::engine::render::{LimiterLog, Processed, process};
use crate::engine::source::{Source, load_audio, load_file, measure_file};
use crate::engine::{OutputSettings, Recipe};
use crate::error::{Error, Result};
use crate::io::{OutputFile, Spool, check_output};
use crate::measure::Measurement;
use crate::report::{MasterReport, Promise};
use crate::suggest::profile::{Chosen, Fit, Profile, ProfileChoice};
use crate::suggest::{Amounts, Plan, Proposal, Quantity, Suggester, Suggestion, Target, corridor};
use crate::translate::codecs::Selection;
use crate::translate::{Devices, Translation};
use crate::units::db_to_amplitude;

/// Loudness without a reference or a wish, LUFS: what most streaming services play at.
pub const DEFAULT_LOUDNESS_LUFS: f64 = -14.0;
/// Ceiling without a wish, dBTP: what the services' own advice and AES TD1008 ask for ahead of lossy encoding.
pub const DEFAULT_CEILING_DBTP: f64 = -1.0;
/// Loudness that can be wished for, LUFS.
pub const LOUDNESS_RANGE_LUFS: (f64, f64) = (-60.0, -3.0);
/// Ceilings that can be wished for, dBTP.
pub const CEILING_RANGE_DBTP: (f64, f64) = (-19.0, 0.0);
/// How near the written file comes to the wished loudness, LU.
pub const LOUDNESS_TOLERANCE_LU: f64 = 0.1;
/// Times a master is written at the most for the sake of its loudness.
const MAX_ATTEMPTS: usize = 6;
/// How far meters may differ on the same file: on dense masters a resampler at 8 points a sample read up to 0.07 dB more
/// than the meter at 16. This much under the ceiling is aimed for, so that any of them finds it kept.
const METER_MARGIN_DB: f64 = 0.08;
/// What dither may add to a peak at the ceiling, dB.
const QUANTISING_MARGIN_DB: f64 = 0.005;

/// What to do.
pub struct MasterJob<'a> {
    /// The mix.
    pub mix: PathBuf,
    /// The references, if there are any. Of several, the master comes into the corridor that they make.
    pub references: Vec<PathBuf>,
    /// What to hold the mix against where there is no reference. `None`: nothing, only loudness and peaks are set.
    pub profile: Option<ProfileChoice>,
    /// The master.
    pub output: PathBuf,
    /// Replace the output if it exists.
    pub force: bool,
    /// Who proposes the settings before the limiter.
    pub suggester: &'a dyn Suggester,
    /// How much of the proposal to take.
    pub amounts: Amounts,
    /// Try settings on more of the mix, and correct them more often.
    pub thorough: bool,
    /// Wished loudness, within [`LOUDNESS_RANGE_LUFS`]; if `None`, the reference's, less what its peaks stand over the ceiling, so that the master is as
    /// dense; without a reference -14 LUFS, or what of a profile's range is nearest to that.
    pub loudness_lufs: Option<f64>,
    /// Go on to the wished loudness whatever it costs.
    pub force_loudness: bool,
    /// Highest true peak of the written file, within [`CEILING_RANGE_DBTP`].
    pub ceiling_dbtp: f64,
    /// Form of the written file.
    pub output_settings: OutputSettings,
    /// Devices that mix, master and reference are scored on. `None`: no scores.
    pub devices: Option<&'a Devices>,
    /// Take over changes that make the master translate better; needs devices.
    pub translate_fix: bool,
    /// Codecs that the master is encoded and decoded with; needs devices. With `translate_fix` the master gets the ceiling
    /// at which they pass.
    pub codecs: &'a Selection,
}

impl MasterJob<'_> {
    /// Checks what needs no file to be read.
    fn check(&self) -> Result<()> {
        let Amounts { eq_ratio, dynamics_ratio, width_ratio } = self.amounts;
        let settings = [
            ("loudness_lufs", self.loudness_lufs.unwrap_or(DEFAULT_LOUDNESS_LUFS), LOUDNESS_RANGE_LUFS),
            ("ceiling_dbtp", self.ceiling_dbtp, CEILING_RANGE_DBTP),
            ("amounts.eq_ratio", eq_ratio, (0.0, 1.0)),
            ("amounts.dynamics_ratio", dynamics_ratio, (0.0, 1.0)),
            ("amounts.width_ratio", width_ratio, (0.0, 1.0)),
        ];
        for (name, value, (low, high)) in settings {
            if !(low..=high).contains(&value) {
                return Err(Error::setting(
                    name,
                    format!("{value} is outside {low} to {high}; choose a value in that range"),
                ));
            }
        }
        let inputs: Vec<&Path> = std::iter::once(&self.mix).chain(&self.references).map(PathBuf::as_path).collect();
        check_output(&self.output, &inputs, self.force)
    }
}

/// A step of a job, for progress bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Decoding and measuring the mix.
    Mix,
    /// Decoding and measuring the reference.
    Reference,
    /// Equalising and compressing.
    Process,
    /// Reading back the written master.
    Verify,
}

/// Told which step has done how many frames, of how many if that is known.
pub type OnProgress<'a> = &'a (dyn Fn(Step, u64, Option<u64>) + Sync);

/// Makes a master and says everything about it. The output appears only when it is complete and measured.
///
/// # Errors
/// A file that can't be read, mastered or written; a setting out of range. Missing a promise is not an error: it is
/// reported.
pub fn master(job: &MasterJob<'_>, on_progress: OnProgress<'_>) -> Result<MasterReport> {
    job.check()?;
    let (mix, references) = rayon::join(
        || load_file(&job.mix, job.output_settings.sample_rate_hz, &|done, total| on_progress(Step::Mix, done, total)),
        || {
            let progress = |done, total| on_progress(Step::Reference, done, total);
            job.references.par_iter().map(|path| measure_file(path, &progress)).collect::<Result<Vec<Source>>>()
        },
    );
    let ((mix, audio), references) = (mix?, References::new(references?)?);
    loudness_of(&mix)?;

    let chosen = job.profile.as_ref().filter(|_| references.middle.is_none()).map(|wish| wish.choose(&mix.measurement));
    let natural_lufs = natural_loudness_lufs(&references, chosen.as_ref(), job.ceiling_dbtp, job.loudness_lufs);
    let wished_lufs = job.loudness_lufs.unwrap_or(natural_lufs);
    // What goes beyond the density of the reference is the limiter's alone, and that is held. A reference that was turned
    // down is as dense as it was.
    let as_dense_lufs =
        natural_lufs + references.middle.as_ref().map_or(0.0, |source| turned_down_lu(source, job.ceiling_dbtp));
    let dense_lufs = match job.loudness_lufs {
        None => as_dense_lufs,
        Some(wished_lufs) if job.force_loudness => wished_lufs,
        Some(wished_lufs) => wished_lufs.min(as_dense_lufs),
    };
    let (mut proposal, refinement) = propose(job, &mix.measurement, &audio, &references, chosen.as_ref(), dense_lufs)?;
    if job.amounts.eq_ratio > 0.0 {
        offset::centre(&mix, &mut proposal);
    }
    note_limiting(&mut proposal, job.ceiling_dbtp - wished_lufs);
    let mut recipe = recipe_of(job, &proposal);
    let mut processed = process(audio, &recipe, &|done, total| on_progress(Step::Process, done, total))?;

    let mut goal = Goal { wished_lufs, force_loudness: job.force_loudness, ceiling_dbtp: job.ceiling_dbtp };
    let met = meet(&goal, &mut processed, &mut recipe, job, on_progress)?;
    let mut made = Made { recipe, processed, met };
    let reference = references.middle.as_ref().map(|reference| &reference.measurement);
    let translate = |made: &Made| {
        job.devices.and_then(|devices| Translation::new(devices, made.measurement(), Some(&mix.measurement), reference))
    };
    let mut translation = translate(&made);
    if let (Some(devices), Some(proposed)) = (job.devices, &translation) {
        let mut applied = Vec::new();
        let unfixed =
            proposal.suggestions.iter().map(|suggestion| suggestion.quantity.of(made.measurement())).collect();
        if job.translate_fix {
            (made, applied) = fixes::with_changes(job, devices, &goal, made, proposed, on_progress)?;
        }
        let behind = fixes::behind_codecs(job, devices, goal, made, on_progress)?;
        (goal, made) = (behind.goal, behind.made);
        if job.translate_fix {
            translation = translate(&made);
            fixes::note_moves(&mut proposal, unfixed, made.measurement());
        }
        if let Some(translation) = &mut translation {
            translation.note_applied(applied);
            translation.codecs = behind.checks;
            translation.codecs_absent.clone_from(&job.codecs.absent);
            translation.ceiling = behind.fix;
        }
    }
    let followed = references.middle.as_ref().filter(|_| job.loudness_lufs.is_none());
    let wished_because = followed.and_then(|reference| quieter_than(reference, job.ceiling_dbtp));
    let promises = goal.judge(&made.met, frames_at(&mix, made.processed.sample_rate_hz()), wished_because);
    let Made { recipe, processed, met } = made;
    let Written { file, source, log } = met.written;
    file.commit(job.force)?;
    let mut report = MasterReport::new(job, mix, references, source, recipe, &proposal, &processed, log, promises);
    report.translation = translation;
    report.note_profile(chosen.as_ref());
    report.model.refinement = refinement;
    Ok(report)
}

/// What was proposed for the density of the reference becomes denser where the wished loudness leaves less room: by the limiter.
fn note_limiting(proposal: &mut Proposal, wished_plr_db: f64) {
    let of_density = |suggestion: &&mut Suggestion| suggestion.quantity == Quantity::PeakToLoudness;
    for suggestion in proposal.suggestions.iter_mut().filter(of_density) {
        let Some(predicted_db) = suggestion.predicted.filter(|plr_db| *plr_db > wished_plr_db) else { continue };
        suggestion.predicted = Some(wished_plr_db);
        if predicted_db - wished_plr_db >= LOUDNESS_TOLERANCE_LU {
            suggestion
                .cause
                .push_str(&format!("; the wished loudness leaves {wished_plr_db:.1} dB: the limiter does the rest"));
        }
    }
}

/// The loudness at which a master under the ceiling is as dense as the reference; else what of the profile's range is nearest to
/// the wish, or to the usual loudness; else these themselves.
fn natural_loudness_lufs(
    references: &References,
    chosen: Option<&Chosen>,
    ceiling_dbtp: f64,
    wished_lufs: Option<f64>,
) -> f64 {
    let of_reference = || {
        let reference = references.middle.as_ref()?;
        Some(reference.measurement.loudness.integrated_lufs()? - over_ceiling_db(reference, ceiling_dbtp))
    };
    let wished_lufs = wished_lufs.unwrap_or(DEFAULT_LOUDNESS_LUFS);
    let of_profile = || Some(corridor::loudness_within(&chosen?.profile.as_ref()?.0, wished_lufs));
    of_reference().or_else(of_profile).unwrap_or(wished_lufs)
}

/// Where the limiter of a reference held it, dBFS: its highest sample, which is what most limiters of releases hold. What a
/// lossy decoder adds to full scale, no limiter left.
fn held_at_dbfs(reference: &Source) -> Option<f64> {
    let peak_dbfs = reference.measurement.peaks.sample_dbfs()?;
    Some(if reference.info.lossy { peak_dbfs.min(0.0) } else { peak_dbfs })
}

/// How far the reference's peaks stand over the ceiling, dB: by so much a master that is as dense has to be quieter, as if
/// the reference itself were turned down to the ceiling.
fn over_ceiling_db(reference: &Source, ceiling_dbtp: f64) -> f64 {
    held_at_dbfs(reference).map_or(0.0, |peak_dbfs| (peak_dbfs - ceiling_dbtp).max(0.0))
}

/// How much louder the reference would be with its peaks at the ceiling, LU.
fn turned_down_lu(reference: &Source, ceiling_dbtp: f64) -> f64 {
    reference.measurement.peaks.true_dbtp().map_or(0.0, |peak_dbtp| (ceiling_dbtp - peak_dbtp).max(0.0))
}

/// Why a master is quieter than its reference, and how it becomes as loud.
fn quieter_than(reference: &Source, ceiling_dbtp: f64) -> Option<String> {
    let quieter_lu = over_ceiling_db(reference, ceiling_dbtp);
    let (lufs, held_dbfs) = (reference.measurement.loudness.integrated_lufs()?, held_at_dbfs(reference)?);
    let is_over_scale = reference.measurement.peaks.sample_dbfs()? > held_dbfs;
    let peaks = if is_over_scale {
        "its limiter held 0.0 dBFS at the most".into()
    } else {
        format!("it peaks at {held_dbfs:.1} dBFS")
    };
    (quieter_lu >= LOUDNESS_TOLERANCE_LU).then(|| {
        format!(
            "the reference measures {lufs:.1} LUFS, and {peaks}, over the ceiling of {ceiling_dbtp:.1} dBTP; to be as dense and no \
             denser, the master is {quieter_lu:.1} LU quieter; --loudness={lufs:.1} makes it as loud"
        )
    })
}

/// The settings that a proposal leads to; the limiter's drive is found later.
fn recipe_of(job: &MasterJob<'_>, proposal: &Proposal) -> Recipe {
    Recipe {
        output: job.output_settings,
        limiter: LimiterSettings { ceiling_dbtp: limiter_ceiling(job.ceiling_dbtp), ..LimiterSettings::default() },
        leveler: proposal.leveler,
        width: proposal.width,
        multiband: proposal.multiband.clone(),
        eq: proposal.eq.clone(),
        ..Recipe::default()
    }
}

/// Everything before the limiter: after the references, else after the profile, else nothing. And what became of trying it,
/// where there are references.
fn propose(
    job: &MasterJob<'_>,
    mix: &Measurement,
    audio: &Spool,
    references: &References,
    chosen: Option<&Chosen>,
    loudness_lufs: f64,
) -> Result<(Proposal, Option<Refinement>)> {
    let (ceiling_dbtp, sample_rate_hz) = (job.ceiling_dbtp, audio.sample_rate_hz());
    if let Some(reference) = &references.middle {
        let others: Vec<&Measurement> = references.others.iter().map(|source| &source.measurement).collect();
        let target =
            Target { reference: &reference.measurement, others: &others, loudness_lufs, ceiling_dbtp, sample_rate_hz };
        let plan = job.suggester.plan(mix, target);
        let (plan, refinement) = tried(job, plan, audio)?;
        return Ok((plan.propose(&job.amounts), refinement));
    }
    let towards = |(profile, fit): &(Profile, Fit)| {
        let goal = corridor::Goal { loudness_lufs, ceiling_dbtp, sample_rate_hz };
        corridor::towards_profile(mix, profile, *fit, goal, &job.amounts)
    };
    Ok((chosen.and_then(|chosen| chosen.profile.as_ref()).map_or_else(Proposal::default, towards), None))
}

/// A plan as it comes out of trying it on excerpts of the mix, if there is something to try.
fn tried<'a>(job: &MasterJob<'_>, plan: Plan<'a>, audio: &Spool) -> Result<(Plan<'a>, Option<Refinement>)> {
    let name = job.suggester.name();
    let untried = |reason| Some(Refinement::untried(name, reason));
    let Effort { excerpts, longest_s, rounds } = if job.thorough { Effort::THOROUGH } else { Effort::USUAL };
    match plan.references() {
        0 => return Ok((plan, None)),
        1 => {}
        _ => return Ok((plan, untried("several references leave a range, and excerpts can't be held against that"))),
    }
    let Some(audition) = Audition::new(plan.mix, audio, excerpts, longest_s, plan.target.loudness_lufs) else {
        return Ok((plan, untried("the mix is too short or too quiet for that")));
    };
    let refiner = Refiner { audition, recipe: &|proposal| recipe_of(job, proposal), rounds };
    let (plan, refinement) = refiner.refine(name, plan)?;
    Ok((plan, Some(refinement)))
}

/// A master with everything that it was made from.
struct Made {
    recipe: Recipe,
    processed: Processed,
    met: Met,
}

impl Made {
    fn measurement(&self) -> &Measurement {
        &self.met.written.source.measurement
    }
}

/// Measured references.
#[derive(Default)]
pub(crate) struct References {
    /// The one of middle loudness, which stands for all where only one can; `None` without any.
    pub(crate) middle: Option<Source>,
    /// The others.
    pub(crate) others: Vec<Source>,
}

impl References {
    fn new(sources: Vec<Source>) -> Result<Self> {
        let mut by_loudness = sources
            .into_iter()
            .map(|source| Ok((loudness_of(&source)?, source)))
            .collect::<Result<Vec<(f64, Source)>>>()?;
        by_loudness.sort_by(|a, b| a.0.total_cmp(&b.0));
        if by_loudness.is_empty() {
            return Ok(Self::default());
        }
        // The quieter of two in the middle.
        let (_, middle) = by_loudness.remove((by_loudness.len() - 1) / 2);
        let others = by_loudness.into_iter().map(|(_, source)| source).collect();
        Ok(Self { middle: Some(middle), others })
    }
}

/// Applies a recipe and writes the result.
///
/// # Errors
/// A file that can't be read or written; a setting out of range.
pub fn render(mix: &Path, recipe: &Recipe, output: &Path, force: bool, on_progress: OnProgress<'_>) -> Result<Source> {
    check_output(output, &[mix], force)?;
    let audio = load_audio(mix, recipe.output.sample_rate_hz, &|done, total| on_progress(Step::Mix, done, total))?;
    let mut processed = process(audio, recipe, &|done, total| on_progress(Step::Process, done, total))?;
    let floor = db_to_amplitude(recipe.limiter.ceiling_dbtp - recipe.limiter.drive_db) as f32;
    processed.find_true_peaks(floor)?;
    let (file, _) = processed.write(&recipe.limiter, recipe.output.format, output)?;
    let mut source = read_back(&file, on_progress)?;
    file.commit(force)?;
    source.info.path = output.to_owned();
    Ok(source)
}

fn loudness_of(source: &Source) -> Result<f64> {
    source.measurement.loudness.integrated_lufs().ok_or_else(|| {
        let reason = if source.measurement.duration_s() < 0.4 {
            "it is shorter than 0.4 s, too short to have a loudness"
        } else {
            "it is silent (nothing above -70 LUFS); is this the right export?"
        };
        Error::content(&source.info.path, reason)
    })
}

/// Where the limiter starts, so that the written file keeps a ceiling on any meter.
fn limiter_ceiling(ceiling_dbtp: f64) -> f64 {
    ceiling_dbtp - METER_MARGIN_DB - QUANTISING_MARGIN_DB
}

/// Frames of a programme at a sample rate: those that begin before its end.
fn frames_at(source: &Source, sample_rate_hz: u32) -> u64 {
    let Measurement { frames, sample_rate_hz: own_hz, .. } = source.measurement;
    (u128::from(frames) * u128::from(sample_rate_hz)).div_ceil(u128::from(own_hz)) as u64
}

/// What the written file has to meet.
#[derive(Clone, Copy)]
struct Goal {
    wished_lufs: f64,
    force_loudness: bool,
    ceiling_dbtp: f64,
}

/// A master under its temporary name, measured.
struct Written {
    file: OutputFile,
    source: Source,
    log: LimiterLog,
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
struct Met {
    written: Written,
    /// What the search said of the drive, for the reason why a wish was not met.
    outcome: Outcome,
    /// The loudness that was aimed for in the end.
    target_lufs: f64,
}

/// Finds the drive, writes, measures, corrects, until the written file meets the goal.
fn meet(
    goal: &Goal,
    processed: &mut Processed,
    recipe: &mut Recipe,
    job: &MasterJob<'_>,
    on_progress: OnProgress<'_>,
) -> Result<Met> {
    let silent = || Error::content(&job.mix, "nothing is left of it after processing; check the recipe");
    // Sample peaks tell about where the threshold will be, so that true peaks are sought only above it.
    let rough = DriveSearch::new(processed, &recipe.limiter);
    let unlimited_db = rough.drive_without_limiting(goal.wished_lufs).ok_or_else(silent)?;
    let mut near = rough.drive_for_loudness(goal.wished_lufs, 1.0, rough.outcome(unlimited_db)).ok_or_else(silent)?;
    let floor_db = recipe.limiter.ceiling_dbtp - near.drive_db - 0.6;
    processed.find_true_peaks(db_to_amplitude(floor_db) as f32)?;
    let mut correction_lu = 0.0;
    let mut attempt = 1;
    loop {
        let search = DriveSearch::new(processed, &recipe.limiter);
        near = Outcome { lu_per_db: near.lu_per_db, ..search.outcome(near.drive_db) };
        near = search.drive_for_loudness(goal.wished_lufs + correction_lu, 0.05, near).ok_or_else(silent)?;
        let held = if goal.force_loudness { None } else { search.held(&near) };
        let is_held = held.is_some();
        let outcome = held.unwrap_or(near);
        recipe.limiter.drive_db = outcome.drive_db;
        if recipe.limiter.ceiling_dbtp - outcome.drive_db < floor_db {
            processed.find_true_peaks(db_to_amplitude(recipe.limiter.ceiling_dbtp - outcome.drive_db) as f32)?;
        }
        let written = write(processed, recipe, job, on_progress)?;
        let written_lufs = written.lufs().ok_or_else(silent)?;
        // Where limiting is held, no correction of the wish changes the drive.
        let target_lufs = if is_held { written_lufs } else { goal.wished_lufs };
        let miss_lu = target_lufs - written_lufs;
        let over_db = written.true_dbtp().map_or(0.0, |peak| peak - (goal.ceiling_dbtp - METER_MARGIN_DB));
        log::info!("attempt {attempt}: {miss_lu:+.3} LU to go, {over_db:+.3} dB off the ceiling's margin");
        if over_db <= 0.0 && (miss_lu.abs() <= 0.5 * LOUDNESS_TOLERANCE_LU || attempt == MAX_ATTEMPTS) {
            return Ok(Met { written, outcome, target_lufs });
        }
        if attempt == MAX_ATTEMPTS {
            // Drive and ceiling together scale the output and nothing else: the ceiling holds, at the cost of loudness.
            recipe.limiter.ceiling_dbtp -= over_db + QUANTISING_MARGIN_DB;
            recipe.limiter.drive_db -= over_db + QUANTISING_MARGIN_DB;
            let written = write(processed, recipe, job, on_progress)?;
            return Ok(Met { written, outcome, target_lufs });
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
fn write(processed: &Processed, recipe: &Recipe, job: &MasterJob<'_>, on_progress: OnProgress<'_>) -> Result<Written> {
    let (file, log) = processed.write(&recipe.limiter, recipe.output.format, &job.output)?;
    let source = read_back(&file, on_progress)?;
    Ok(Written { file, source, log })
}

fn read_back(file: &OutputFile, on_progress: OnProgress<'_>) -> Result<Source> {
    measure_file(file.temporary(), &|done, total| on_progress(Step::Verify, done, total))
}

impl Goal {
    /// Holds the written file to what was promised.
    fn judge(&self, met: &Met, wanted_frames: u64, wished_because: Option<String>) -> Vec<Promise> {
        let loudness = met.written.lufs();
        let loudness_met = loudness.is_some_and(|lufs| (lufs - self.wished_lufs).abs() <= LOUDNESS_TOLERANCE_LU);
        let peak = met.written.true_dbtp();
        let frames = met.written.source.measurement.frames;
        let reason = (!loudness_met).then(|| self.shortfall(met));
        vec![
            Promise {
                id: "integrated_loudness",
                unit: "LUFS",
                wanted: self.wished_lufs,
                measured: loudness,
                tolerance: LOUDNESS_TOLERANCE_LU,
                met: loudness_met,
                reason,
                wanted_because: wished_because,
            },
            Promise {
                id: "true_peak",
                unit: "dBTP",
                wanted: self.ceiling_dbtp,
                measured: peak,
                tolerance: 0.0,
                met: peak.is_none_or(|peak| peak <= self.ceiling_dbtp),
                reason: None,
                wanted_because: None,
            },
            Promise {
                id: "length",
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
        if drive_db >= most_db {
            format!("the mix is too quiet for it: {most_db:.0} dB is the most gain there is; export it louder")
        } else if drive_db <= least_db {
            format!("the mix is too loud for it: it is turned down by {:.0} dB and no more; export it lower", -least_db)
        } else if met.target_lufs == self.wished_lufs {
            format!("the limiter takes back what more drive adds; {drive_db:.1} dB were tried")
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

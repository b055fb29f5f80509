//! The main job: measure, suggest, render, verify, correct.

mod aim;
mod audition;
mod dense;
mod fixes;
mod meet;
mod offset;
mod refine;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::aim::Aim;
pub(crate) use self::aim::held_plr_db;
use self::audition::Audition;
use self::meet::{Goal, Met, Written, frames_at, limiter_ceiling, meet, read_back};
pub use self::meet::{LOUDNESS_TOLERANCE_LU, Promise, Promised};
pub use self::refine::{Candidate, Refinement};
use self::refine::{Effort, Refiner};
use crate::dsp::limiter::LimiterSettings;
use crate::dsp::parameter::Bounds;
use crate::engine::render::{ChainLog, LimiterLog, Processed, process};
use crate::engine::{OutputSettings, Recipe};
use crate::error::Result;
use crate::io::{Decoder, Spool, check_output};
use crate::measure::Measurement;
use crate::parallel::in_order;
use crate::progress::{Step, StepProgress};
use crate::source::{Source, load_audio, load_file, measure_file, turned_over};
use crate::suggest::profile::{Chosen, Fit, Profile, ProfileChoice};
use crate::suggest::width::{is_opposed, is_upside_down};
use crate::suggest::{Amounts, Classical, Learned, Plan, Proposal, Quantity, Suggester, Suggestion, Target, corridor};
pub use crate::targets::{CEILING_RANGE_DBTP, DEFAULT_CEILING_DBTP, DEFAULT_LOUDNESS_LUFS, LOUDNESS_RANGE_LUFS};
use crate::translate::codecs::Selection;
use crate::translate::{Devices, Translation};
use crate::units::db_to_amplitude;

/// No codecs.
const NO_CODECS: &Selection = &Selection { codecs: Vec::new(), absent: Vec::new() };

/// What to do. A literal that ends in `..MasterJob::new(mix, output)` names what is not as usual.
pub struct MasterJob<'a> {
    /// The mix.
    pub mix: PathBuf,
    /// The references, if there are any. Of several, the master comes into the corridor that they make. Default: none.
    pub references: Vec<PathBuf>,
    /// What to hold the mix against where there is no reference. `None`: nothing, only loudness and peaks are set. Default:
    /// none.
    pub profile: Option<ProfileChoice>,
    /// The master.
    pub output: PathBuf,
    /// Replace the output if it exists. Default: no.
    pub force: bool,
    /// Who proposes the settings before the limiter. Default: [`Learned`].
    pub suggester: &'a dyn Suggester,
    /// How much of the proposal to take. Default: 0.5 of each.
    pub amounts: Amounts,
    /// Try settings on more of the mix, and correct them more often. Default: no.
    pub thorough: bool,
    /// Wished loudness, within [`LOUDNESS_RANGE_LUFS`]; if `None`, the reference's, less what its peaks stand over the
    /// ceiling, so that the master is as dense; without a reference -14 LUFS, or what of a profile's range is nearest to that.
    /// Default: none.
    pub loudness_lufs: Option<f64>,
    /// Go on to the wished loudness whatever it costs. Default: no.
    pub force_loudness: bool,
    /// Highest true peak of the written file, within [`CEILING_RANGE_DBTP`]. Default: [`DEFAULT_CEILING_DBTP`].
    pub ceiling_dbtp: f64,
    /// Form of the written file. Default: 24 bits, dithered, at the rate of the mix.
    pub output_settings: OutputSettings,
    /// Devices that mix, master and reference are scored on. `None`: no scores. Default: none.
    pub devices: Option<&'a Devices>,
    /// Take over changes that make the master translate better; needs devices. Default: no.
    pub translate_fix: bool,
    /// Codecs that the master is encoded and decoded with; needs devices. With `translate_fix` the master gets the ceiling
    /// at which they pass. Default: none.
    pub codecs: &'a Selection,
}

impl MasterJob<'_> {
    /// A job with the default of every other field.
    pub fn new(mix: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            mix: mix.into(),
            references: Vec::new(),
            profile: None,
            output: output.into(),
            force: false,
            suggester: &Learned,
            amounts: Amounts::default(),
            thorough: false,
            loudness_lufs: None,
            force_loudness: false,
            ceiling_dbtp: DEFAULT_CEILING_DBTP,
            output_settings: OutputSettings::default(),
            devices: None,
            translate_fix: false,
            codecs: NO_CODECS,
        }
    }

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
            Bounds::Within(low, high).check(name, value, None)?;
        }
        self.output_settings.validate()?;
        let inputs: Vec<&Path> = std::iter::once(&self.mix).chain(&self.references).map(PathBuf::as_path).collect();
        check_output(&self.output, &inputs, self.force)
    }
}

/// A master, with all that was found on the way to it.
pub struct Mastered {
    /// The mix.
    pub mix: Source,
    /// The references, if there were any.
    pub references: References,
    /// What was found for the profile that was asked for; `None` where none was, or a reference was given.
    pub chosen: Option<Chosen>,
    /// What was proposed.
    pub proposal: Proposal,
    /// What became of trying it; `None` where no single reference was held against it.
    pub refinement: Option<Refinement>,
    /// The settings as applied.
    pub recipe: Recipe,
    /// The written file, measured.
    pub written: Source,
    /// What the stages before the limiter did.
    pub chain_log: ChainLog,
    /// What the limiter did.
    pub limiter_log: LimiterLog,
    /// Reduction by leveler and limiter together that is exceeded 5 % of the time in the loud parts, dB (0 or more).
    pub p95_reduction_db: f64,
    /// How much higher its peaks are held than for the reference's density, for the sake of the loudness, dB (0 or more).
    pub raised_db: f64,
    /// Whether nothing was suggested because a channel of the mix is upside down and no reference's is.
    pub is_turned_against: bool,
    /// What the written file had to keep, and whether it does.
    pub promises: Vec<Promise>,
    /// How it translates; `None` where that was not asked for.
    pub translation: Option<Translation>,
}

/// Makes a master and says everything about it. The output appears only when it is complete and measured.
///
/// # Errors
/// A file that can't be read, mastered or written; a setting out of range. Missing a promise is not an error: it is
/// reported.
pub fn master(job: &MasterJob<'_>, on_progress: StepProgress<'_>) -> Result<Mastered> {
    job.check()?;
    let (mix, references) = rayon::join(
        || load_file(&job.mix, job.output_settings.sample_rate_hz, &|done, total| on_progress(Step::Mix, done, total)),
        || {
            let progress = |done, total| on_progress(Step::Reference, done, total);
            in_order(job.references.par_iter().map(|path| measure_file(path, &progress)))
        },
    );
    let (mix, audio) = mix?;
    let upright = |reference: Source| {
        let is_opposed = is_opposed(&mix.measurement, &reference.measurement);
        let again = |done, total| on_progress(Step::Reference, done, total);
        if is_opposed { turned_over(reference, &again) } else { Ok(reference) }
    };
    let references = references?.into_iter().map(upright).collect::<Result<Vec<Source>>>()?;
    let references = References::new(references)?;
    let mix_lufs = mix.integrated_lufs()?;

    let chosen = job.profile.as_ref().filter(|_| references.middle.is_none()).map(|wish| wish.choose(&mix.measurement));
    let aim = Aim::of(job, &references, chosen.as_ref());
    let gain_db = aim.wished_lufs - mix_lufs;
    let (mut proposal, (refinement, is_turned_against)) =
        offset::propose_centred(&mix, gain_db, |measurement, is_centred| {
            if is_turned_against(measurement, &references) {
                return Ok((Proposal::default(), (None, true)));
            }
            let mix = Judged { measurement, audio: &audio, is_centred };
            let (proposal, refinement) = propose(job, mix, &references, chosen.as_ref(), aim.dense_lufs)?;
            Ok((proposal, (refinement, false)))
        })?;
    // Who wants no density of the reference's is not held to its peaks.
    let is_dense = proposal.leveler.is_some() || proposal.soft_clip.is_some();
    let held_dbtp = if is_dense { aim.held_dbtp } else { job.ceiling_dbtp };
    note_limiting(&mut proposal, held_dbtp - aim.wished_lufs);
    let mut recipe = recipe_of(job, &proposal, held_dbtp);
    let dense_dbtp = recipe.limiter.ceiling_dbtp;
    let mut processed = process(audio, &recipe, &|done, total| on_progress(Step::Process, done, total))?;

    let mut goal = Goal { job, tags: &mix.info.tags, wished_lufs: aim.wished_lufs, ceiling_dbtp: job.ceiling_dbtp };
    let met = meet(&goal, &mut processed, &mut recipe, on_progress)?;
    note_raised(&mut proposal, recipe.limiter.ceiling_dbtp - dense_dbtp, held_dbtp - aim.wished_lufs);
    let mut made = Made::new(recipe, processed, met);
    let reference = references.middle.as_ref().map(|reference| &reference.measurement);
    let translate = |made: &Made| {
        job.devices.and_then(|devices| Translation::new(devices, made.measurement(), Some(&mix.measurement), reference))
    };
    let mut translation = translate(&made);
    if let (Some(devices), Some(proposed)) = (job.devices, &translation) {
        let mut tried = fixes::Tried::default();
        let unfixed = job.translate_fix.then(|| fixes::quantities(&proposal, made.measurement()));
        if job.translate_fix {
            (made, tried) = fixes::with_changes(&goal, devices, made, proposed, on_progress)?;
        }
        let behind = fixes::behind_codecs(goal, devices, made, on_progress)?;
        (goal, made) = (behind.goal, behind.made);
        if let Some(unfixed) = unfixed {
            translation = translate(&made);
            fixes::note_moves(&mut proposal, unfixed, made.measurement());
        }
        if let Some(translation) = &mut translation {
            translation.note_tried(devices, tried.applied, &tried.rejected);
            translation.codecs = behind.checks;
            translation.codecs_absent.clone_from(&job.codecs.absent);
            translation.ceiling = behind.fix;
        }
    }
    let promises = goal.judge(&made.met, frames_at(&mix, made.measurement().sample_rate_hz), aim.because);
    let Made { recipe, chain_log, met, .. } = made;
    let (raised_db, p95_reduction_db) = ((recipe.limiter.ceiling_dbtp - dense_dbtp).max(0.0), met.p95_with_leveler_db);
    let Written { file, source: mut written, log: limiter_log } = met.written;
    file.commit(job.force)?;
    written.info.path.clone_from(&job.output);
    Ok(Mastered {
        mix,
        references,
        chosen,
        proposal,
        refinement,
        recipe,
        written,
        chain_log,
        limiter_log,
        p95_reduction_db,
        raised_db,
        is_turned_against,
        promises,
        translation,
    })
}

/// What was proposed for the density of the reference.
fn of_density(proposal: &mut Proposal) -> impl Iterator<Item = &mut Suggestion> {
    proposal.suggestions.iter_mut().filter(|suggestion| suggestion.quantity == Quantity::PeakToLoudness)
}

/// What was proposed for the density of the reference becomes denser where the wished loudness leaves less room: by the limiter.
fn note_limiting(proposal: &mut Proposal, wished_plr_db: f64) {
    for suggestion in of_density(proposal) {
        let Some(predicted_db) = suggestion.predicted.filter(|plr_db| *plr_db > wished_plr_db) else { continue };
        suggestion.predicted = Some(wished_plr_db);
        if predicted_db - wished_plr_db >= LOUDNESS_TOLERANCE_LU {
            suggestion
                .cause
                .push_str(&format!("; the wished loudness leaves {wished_plr_db:.1} dB: the limiter does the rest"));
        }
    }
}

/// And less dense where peaks had to be held higher than the reference's, of which the loudness leaves `wished_plr_db`.
fn note_raised(proposal: &mut Proposal, raised_db: f64, wished_plr_db: f64) {
    if raised_db <= 0.0 {
        return;
    }
    for suggestion in of_density(proposal) {
        suggestion.predicted = suggestion.predicted.map(|_| wished_plr_db + raised_db);
        suggestion
            .cause
            .push_str(&format!("; the loudness asks for peaks {raised_db:.1} dB higher than that density does"));
    }
}

/// The settings that a proposal leads to, with peaks held there; the limiter's drive is found later.
fn recipe_of(job: &MasterJob<'_>, proposal: &Proposal, held_dbtp: f64) -> Recipe {
    Recipe {
        output: job.output_settings,
        limiter: LimiterSettings {
            ceiling_dbtp: limiter_ceiling(held_dbtp, proposal.soft_clip.is_some()),
            ..LimiterSettings::default()
        },
        leveler: proposal.leveler,
        soft_clip: proposal.soft_clip,
        width: proposal.width,
        multiband: proposal.multiband.clone(),
        eq: proposal.eq.clone(),
        ..Recipe::default()
    }
}

/// A mix as suggestions see it.
#[derive(Clone, Copy)]
struct Judged<'a> {
    measurement: &'a Measurement,
    audio: &'a Spool,
    /// Whether it is measured without an offset, which the audio still has and the master won't.
    is_centred: bool,
}

/// Everything before the limiter: after the references, else after the profile, else nothing. And what became of trying it,
/// where there are references.
fn propose(
    job: &MasterJob<'_>,
    mix: Judged<'_>,
    references: &References,
    chosen: Option<&Chosen>,
    loudness_lufs: f64,
) -> Result<(Proposal, Option<Refinement>)> {
    let (ceiling_dbtp, sample_rate_hz) = (job.ceiling_dbtp, mix.audio.sample_rate_hz());
    if let Some(reference) = &references.middle {
        let others: Vec<&Measurement> = references.others.iter().map(|source| &source.measurement).collect();
        let target =
            Target { reference: &reference.measurement, others: &others, loudness_lufs, ceiling_dbtp, sample_rate_hz };
        let plan = job.suggester.plan(mix.measurement, target);
        let (plan, refinement) = tried(job, plan, mix)?;
        return Ok((plan.propose(&job.amounts), refinement));
    }
    let towards = |(profile, fit): &(Profile, Fit)| {
        let goal = corridor::Goal { loudness_lufs, ceiling_dbtp, sample_rate_hz };
        corridor::towards_profile(mix.measurement, profile, *fit, goal, &job.amounts)
    };
    Ok((chosen.and_then(|chosen| chosen.profile.as_ref()).map_or_else(Proposal::default, towards), None))
}

/// Whether a channel of the mix is upside down and no reference's is: equaliser and width would take its side for the middle.
fn is_turned_against(mix: &Measurement, references: &References) -> bool {
    is_upside_down(mix) && !references.all().any(|reference| is_upside_down(&reference.measurement))
}

/// A plan as it comes out of trying it on excerpts of the mix, if there is something to try.
fn tried<'a>(job: &MasterJob<'_>, plan: Plan<'a>, mix: Judged<'_>) -> Result<(Plan<'a>, Option<Refinement>)> {
    let name = if plan.is_left_to_rules() { Classical.name() } else { job.suggester.name() };
    let why_uncorrected = match plan.references() {
        0 => return Ok((plan, None)),
        1 if job.amounts.follow_production() => None,
        1 => Some("at these amounts, tone and width don't follow what is put down to production"),
        _ => Some("several references leave a range, and excerpts can't be held against that"),
    };
    let untried = |reason| Some(Refinement::untried(name, reason));
    let Effort { excerpts, longest_s, rounds } = if job.thorough { Effort::THOROUGH } else { Effort::USUAL };
    let Some(audition) = Audition::new(plan.mix, mix.audio, excerpts, longest_s, plan.target.loudness_lufs) else {
        let reason = why_uncorrected.unwrap_or("the mix is too short or too quiet for that");
        return Ok((plan, untried(reason)));
    };
    let recipe = |proposal: &Proposal| {
        // As dense as the master, and as loud as that is under the ceiling.
        let mut recipe = recipe_of(job, proposal, job.ceiling_dbtp);
        if mix.is_centred {
            recipe.eq.insert(0, offset::high_pass());
        }
        recipe
    };
    let refiner = Refiner { audition, recipe: &recipe, rounds };
    let Some(reason) = why_uncorrected else {
        let (plan, refinement) = refiner.refine(name, plan)?;
        return Ok((plan, Some(refinement)));
    };
    let (plan, _) = if job.amounts.dynamics_ratio > 0.0 { refiner.dense(plan)? } else { (plan, None) };
    Ok((plan, untried(reason)))
}

/// A master with everything that it was made from.
struct Made {
    recipe: Recipe,
    /// The mix behind all but the limiter; `None` once it had to make room for another's, since of a long mix there is room
    /// for one only.
    processed: Option<Processed>,
    chain_log: ChainLog,
    met: Met,
}

impl Made {
    fn new(recipe: Recipe, processed: Processed, met: Met) -> Self {
        Self { recipe, chain_log: processed.log.clone(), processed: Some(processed), met }
    }

    fn measurement(&self) -> &Measurement {
        &self.met.written.source.measurement
    }

    /// The mix behind all but the limiter, made again if need be.
    fn processed(&mut self, job: &MasterJob<'_>, on_progress: StepProgress<'_>) -> Result<&mut Processed> {
        let processed = match self.processed.take() {
            Some(processed) => processed,
            None => process_again(job, &self.recipe, on_progress)?,
        };
        Ok(self.processed.insert(processed))
    }
}

/// Reads the mix again and takes it through everything before the limiter.
fn process_again(job: &MasterJob<'_>, recipe: &Recipe, on_progress: StepProgress<'_>) -> Result<Processed> {
    let audio = load_audio(&job.mix, job.output_settings.sample_rate_hz, &|_, _| {})?;
    process(audio, recipe, &|done, total| on_progress(Step::Process, done, total))
}

/// Measured references.
#[derive(Default)]
pub struct References {
    /// The one of middle loudness, which stands for all where only one can; `None` without any.
    pub middle: Option<Source>,
    /// The others.
    pub others: Vec<Source>,
}

impl References {
    /// All of them, the middle one first.
    pub fn all(&self) -> impl Iterator<Item = &Source> {
        self.middle.iter().chain(&self.others)
    }

    fn new(sources: Vec<Source>) -> Result<Self> {
        let mut by_loudness = sources
            .into_iter()
            .map(|source| Ok((source.integrated_lufs()?, source)))
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
pub fn render(
    mix: &Path,
    recipe: &Recipe,
    output: &Path,
    force: bool,
    on_progress: StepProgress<'_>,
) -> Result<Source> {
    recipe.output.validate()?;
    check_output(output, &[mix], force)?;
    let audio = load_audio(mix, recipe.output.sample_rate_hz, &|done, total| on_progress(Step::Mix, done, total))?;
    let mut processed = process(audio, recipe, &|done, total| on_progress(Step::Process, done, total))?;
    let floor = db_to_amplitude(recipe.limiter.ceiling_dbtp - recipe.limiter.drive_db) as f32;
    processed.find_true_peaks(floor)?;
    let tags = Decoder::open(mix)?.info().tags.clone();
    let (file, _) = processed.write(&recipe.limiter, recipe.output, &tags, output)?;
    let mut source = read_back(&file, on_progress)?;
    file.commit(force)?;
    source.info.path = output.to_owned();
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_that_are_held_higher_make_the_prediction_less_dense() {
        let predicted = |raised_db: f64| {
            let suggestion = Suggestion {
                id: "compression.leveler".into(),
                setting: String::new(),
                cause: "peaks stand far out".into(),
                quantity: Quantity::PeakToLoudness,
                before: Some(12.0),
                predicted: Some(5.8),
            };
            let mut proposal = Proposal { suggestions: vec![suggestion], ..Proposal::default() };
            note_raised(&mut proposal, raised_db, 5.8);
            let [Suggestion { predicted, cause, .. }] = &proposal.suggestions[..] else { panic!("one suggestion") };
            (*predicted, cause.ends_with("asks for peaks 1.5 dB higher than that density does"))
        };
        assert_eq!([predicted(0.0), predicted(1.5)], [(Some(5.8), false), (Some(7.3), true)]);
    }
}

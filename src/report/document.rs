//! The documents behind every form of report, and their JSON.

use serde::Serialize;

use super::{AlbumDocument, ProfileDocument};
use crate::dsp::eq::{BandChannel, response_db};
use crate::engine::Recipe;
use crate::engine::render::{ChainLog, LimiterLog, Processed};
use crate::engine::source::Source;
use crate::io::{SourceInfo, is_same_place};
use crate::master::{MasterJob, References, Refinement};
use crate::measure::Measurement;
use crate::measure::analysis::Analysis;
use crate::quality::{Finding, Severity};
use crate::suggest::profile::Chosen;
use crate::suggest::width::is_opposed;
use crate::suggest::{Amounts, CurvePoint, ModelVerdict, Proposal, Quantity, Suggestion};
use crate::translate::Translation;

/// Under this, a reference tells little of a song, seconds.
const SHORT_REFERENCE_S: f64 = 20.0;
/// Failures of quality control that make a reference a poor one; others are a matter of its own.
const MISLEADING: [&str; 3] = ["dead_channel", "dc", "polarity"];

/// `halfspeed.analysis/1`: everything measured of a file.
#[derive(Debug, Clone, Serialize)]
pub struct AnalysisDocument {
    /// Always `halfspeed.analysis/1`.
    pub schema: &'static str,
    /// The file.
    pub file: FileDocument,
    /// What it measures.
    #[serde(flatten)]
    pub analysis: Analysis,
    /// What quality control found, worst first.
    pub quality: Vec<Finding>,
}

/// A file.
#[derive(Debug, Clone, Serialize)]
pub struct FileDocument {
    /// Path as it was given.
    pub path: String,
    /// Format by content.
    pub format: String,
    /// Sample rate.
    pub sample_rate_hz: u32,
    /// Channels in the file; mono is measured as two equal channels.
    pub channels: u32,
    /// Bits of a sample, where the format has such.
    pub bits: Option<u32>,
    /// Length.
    pub duration_s: f64,
}

impl FileDocument {
    /// The document of a measured file.
    pub fn new(source: &Source) -> Self {
        let SourceInfo { path, format, sample_rate_hz, channels, bits, .. } = &source.info;
        Self {
            path: path.display().to_string(),
            format: format.clone(),
            sample_rate_hz: *sample_rate_hz,
            channels: *channels,
            bits: *bits,
            duration_s: source.measurement.duration_s(),
        }
    }
}

/// `halfspeed.album-analysis/1`: several files, and what they are together.
#[derive(Debug, Serialize)]
pub struct AlbumAnalysisDocument<'a> {
    /// Always `halfspeed.album-analysis/1`.
    pub schema: &'static str,
    /// All files together.
    pub album: &'a AlbumDocument,
    /// Each by itself, in order.
    pub tracks: &'a [AnalysisDocument],
}

impl<'a> AlbumAnalysisDocument<'a> {
    /// Of measured files.
    pub fn new(album: &'a AlbumDocument, tracks: &'a [AnalysisDocument]) -> Self {
        Self { schema: "halfspeed.album-analysis/1", album, tracks }
    }
}

impl AnalysisDocument {
    /// The document of a measured file.
    pub fn new(source: &Source) -> Self {
        Self {
            schema: "halfspeed.analysis/1",
            file: FileDocument::new(source),
            analysis: source.measurement.analysis(),
            quality: source.findings.clone(),
        }
    }
}

/// `halfspeed.master/1`: everything about a master.
#[derive(Debug, Clone, Serialize)]
pub struct MasterReport {
    /// Always `halfspeed.master/1`.
    pub schema: &'static str,
    /// Version of halfspeed.
    pub version: &'static str,
    /// The mix.
    pub before: AnalysisDocument,
    /// The written master, measured on the file.
    pub after: AnalysisDocument,
    /// The reference, if there was one; of several, the one of middle loudness.
    pub reference: Option<AnalysisDocument>,
    /// The other references.
    pub other_references: Vec<FileDocument>,
    /// The profile that the mix was held against; `null` where none was asked for.
    pub profile: Option<ProfileDocument>,
    /// The recipe as applied.
    pub settings: Recipe,
    /// What was changed and why, and whether it came about.
    pub suggestions: Vec<SuggestionDocument>,
    /// Each promise, and whether the written file keeps it.
    pub verified: Vec<Promise>,
    /// How the master translates, against mix and reference; `null` where it was not asked for.
    pub translation: Option<Translation>,
    /// Who made the suggestions.
    pub model: ModelDocument,
    /// Deepest gain reductions.
    pub reductions: ReductionsDocument,
    /// What else the user should know.
    pub notes: Vec<String>,
    /// Curves for pictures; not part of the JSON.
    #[serde(skip)]
    pub curves: MasterCurves,
}

/// Deepest gain reductions of a master, dB (0 or more).
#[derive(Debug, Clone, Serialize)]
pub struct ReductionsDocument {
    /// Of the four bands, lowest first.
    pub multiband_db: [f64; 4],
    /// Of the glue compressor.
    pub glue_db: f64,
    /// Of the leveler.
    pub leveler_db: f64,
    /// Of the limiter.
    pub limiter_db: f64,
}

/// A suggestion with what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct SuggestionDocument {
    /// The suggestion.
    #[serde(flatten)]
    pub suggestion: Suggestion,
    /// What is measured, in words: "width, 120 to 700 Hz".
    pub measure: String,
    /// Unit of `before`, `predicted`, `achieved` and `reference`.
    pub unit: &'static str,
    /// Value in the written master.
    pub achieved: Option<f64>,
    /// Value in the reference, or mean of the profile where it has one.
    pub reference: Option<f64>,
}

/// Something the written file has to keep.
#[derive(Debug, Clone, Serialize)]
pub struct Promise {
    /// `integrated_loudness`, `true_peak`, `length`.
    pub id: &'static str,
    /// Unit of the values.
    pub unit: &'static str,
    /// What was promised; a ceiling for `true_peak`.
    pub wanted: f64,
    /// What the written file measures.
    pub measured: Option<f64>,
    /// How far off still counts as kept.
    pub tolerance: f64,
    /// Whether it was kept.
    pub met: bool,
    /// Why not, and what to do.
    pub reason: Option<String>,
    /// Why this was promised, where it is not what a user would expect.
    pub wanted_because: Option<String>,
}

/// Who made the suggestions.
#[derive(Debug, Clone, Serialize)]
pub struct ModelDocument {
    /// Name of the suggester.
    pub name: &'static str,
    /// How alike mix and reference are, 0 (different songs) to 1 (the same recording).
    pub likeness_ratio: Option<f64>,
    /// Share of moments of the mix that have a twin in the reference, on which that judgement rests.
    pub matched_ratio: Option<f64>,
    /// What the network said and what the classical rules would have done; absent where no network was asked.
    #[serde(flatten)]
    pub verdict: Option<ModelVerdict>,
    /// What became of trying the suggestions on excerpts of the mix; `null` without a reference.
    pub refinement: Option<Refinement>,
}

/// Curves for the pictures of a report.
#[derive(Debug, Clone, Default)]
pub struct MasterCurves {
    /// Short-term loudness every 100 ms, LUFS, from 3 s on; `-inf` for silence.
    pub before_short_term_lufs: Vec<f64>,
    /// The same of the written master.
    pub after_short_term_lufs: Vec<f64>,
    /// The same of the reference; empty without one.
    pub reference_short_term_lufs: Vec<f64>,
    /// Deepest leveler reduction within each 100 ms, dB (0 or more); empty without a leveler.
    pub leveler_reduction_db: Vec<f64>,
    /// Deepest limiter reduction within each 100 ms, dB (0 or more).
    pub limiter_reduction_db: Vec<f64>,
    /// The equaliser's response on the mid, 20 Hz to 20 kHz.
    pub eq_response: Vec<CurvePoint>,
    /// The curve that the equaliser was fitted to; empty where there was none.
    pub eq_target: Vec<CurvePoint>,
}

impl MasterReport {
    /// Puts together what the steps of a job found.
    #[allow(clippy::too_many_arguments)] // One argument for each step of the job, used once.
    pub(crate) fn new(
        job: &MasterJob<'_>,
        mix: Source,
        references: References,
        mut written: Source,
        settings: Recipe,
        proposal: &Proposal,
        processed: &Processed,
        log: LimiterLog,
        verified: Vec<Promise>,
    ) -> Self {
        let References { middle: reference, others, .. } = references;
        written.info.path.clone_from(&job.output);
        let ChainLog { multiband_db, glue_db, leveler_db } = &processed.log;
        let deepest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let reductions = ReductionsDocument {
            multiband_db: *multiband_db,
            glue_db: *glue_db,
            leveler_db: deepest(leveler_db),
            limiter_db: deepest(&log.reduction_db),
        };
        let suggestions = proposal.suggestions.iter().map(|suggestion| SuggestionDocument {
            suggestion: suggestion.clone(),
            measure: suggestion.quantity.describe(),
            unit: suggestion.quantity.unit(),
            achieved: suggestion.quantity.of(&written.measurement),
            reference: reference.as_ref().and_then(|reference| suggestion.quantity.of(&reference.measurement)),
        });
        let short_term = |measurement: &Measurement| measurement.loudness.short_term_lufs();
        Self {
            schema: "halfspeed.master/1",
            version: env!("CARGO_PKG_VERSION"),
            suggestions: suggestions.collect(),
            verified,
            translation: None,
            model: ModelDocument {
                name: job.suggester.name(),
                likeness_ratio: proposal.likeness_ratio,
                matched_ratio: proposal.matched_ratio,
                verdict: proposal.model.clone(),
                refinement: None,
            },
            reductions,
            notes: [master_notes(&mix, &written), notes(job, &mix, reference.as_ref(), proposal)].concat(),
            curves: MasterCurves {
                before_short_term_lufs: short_term(&mix.measurement),
                after_short_term_lufs: short_term(&written.measurement),
                reference_short_term_lufs: reference
                    .as_ref()
                    .map_or(Vec::new(), |source| short_term(&source.measurement)),
                leveler_reduction_db: leveler_db.clone(),
                limiter_reduction_db: log.reduction_db,
                eq_response: eq_response(&settings, written.measurement.sample_rate_hz),
                eq_target: proposal.target_curve.clone(),
            },
            before: AnalysisDocument::new(&mix),
            after: AnalysisDocument::new(&written),
            reference: reference.as_ref().map(AnalysisDocument::new),
            other_references: others.iter().map(FileDocument::new).collect(),
            profile: None,
            settings,
        }
    }

    /// Says which profile was followed, if one was asked for, and what it holds.
    pub(crate) fn note_profile(&mut self, chosen: Option<&Chosen>) {
        let Some(chosen) = chosen else { return };
        let document = ProfileDocument::new(chosen);
        match &chosen.profile {
            None => self.notes.push(format!("Profile: {}: only loudness and peaks were set.", document.words())),
            Some((profile, _)) => {
                self.model.name = "profile";
                for suggestion in &mut self.suggestions {
                    suggestion.reference = match suggestion.suggestion.quantity {
                        // A profile's levels are over the mean of its own bands.
                        Quantity::BandLevel { .. } => None,
                        quantity => quantity.of_profile(profile),
                    };
                }
            }
        }
        self.profile = Some(document);
    }
}

fn eq_response(recipe: &Recipe, sample_rate_hz: u32) -> Vec<CurvePoint> {
    const POINTS: i32 = 200;
    let top_hz = 20_000f64.min(0.49 * f64::from(sample_rate_hz));
    let frequencies = (0..POINTS).map(|k| 20.0 * (top_hz / 20.0).powf(f64::from(k) / f64::from(POINTS - 1)));
    frequencies
        .map(|frequency_hz| CurvePoint {
            frequency_hz,
            gain_db: response_db(&recipe.eq, BandChannel::Mid, frequency_hz, sample_rate_hz),
        })
        .collect()
}

/// What makes a reference a poor one.
fn reference_notes(mix: &Source, reference: &Source) -> Vec<String> {
    let mut notes = Vec::new();
    if is_same_place(&mix.info.path, &reference.info.path) {
        notes.push("The reference is the mix itself: there is nothing to come near to.".into());
    }
    if reference.info.channels == 1 {
        notes.push("The reference is mono: the width was left alone.".into());
    } else if is_opposed(&mix.measurement, &reference.measurement) {
        notes.push("A channel of the reference is upside down, none of the mix's: the width was left alone.".into());
    }
    let duration_s = reference.measurement.duration_s();
    if duration_s < SHORT_REFERENCE_S {
        notes.push(format!(
            "The reference is only {duration_s:.1} s long: its loudness and tone are those of a moment; a whole song tells more."
        ));
    }
    let misleading = reference
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fail && MISLEADING.contains(&finding.id));
    notes.extend(misleading.map(|finding| format!("In the reference: {}.", finding.message)));
    notes
}

/// What was done without anything to hold the mix against, and what was not.
fn alone(job: &MasterJob<'_>, proposal: &Proposal) -> String {
    let what = if proposal.eq.is_empty() {
        "only loudness and peaks were set"
    } else {
        "only the offset, loudness and peaks were set"
    };
    let is_asked = job.thorough || job.amounts != Amounts::default();
    let ignored = if is_asked { " Amounts and --thorough change nothing without one." } else { "" };
    format!("There was no reference: {what}.{ignored} (--profile auto holds the mix against songs of its kind.)")
}

/// What quality control finds in the master that it did not find in the mix: what the listener gets, whoever caused it. A
/// small offset grows with the gain, and nobody hears it.
fn master_notes(mix: &Source, written: &Source) -> Vec<String> {
    let is_new = |finding: &&Finding| {
        let matters = finding.severity == Severity::Fail || finding.severity == Severity::Warning && finding.id != "dc";
        matters && mix.findings.iter().all(|known| known.id != finding.id)
    };
    written.findings.iter().filter(is_new).map(|finding| format!("In the master: {}.", finding.message)).collect()
}

fn notes(job: &MasterJob<'_>, mix: &Source, reference: Option<&Source>, proposal: &Proposal) -> Vec<String> {
    let mut notes = Vec::new();
    if mix.info.channels == 1 {
        notes.push("The mix is mono; the master holds it as two equal channels.".into());
    }
    if mix.info.lossy {
        notes.push(format!("The mix is {}, a lossy format; a lossless export makes a better master.", mix.info.format));
    }
    let failures = mix.findings.iter().filter(|finding| finding.severity == Severity::Fail);
    notes.extend(failures.map(|finding| format!("In the mix: {}.", finding.message)));
    if let Some(reason) = proposal.model.as_ref().and_then(|verdict| verdict.fallback.as_ref()) {
        notes.push(format!("The classical rules were used instead of the model: {reason}."));
    }
    match reference {
        None if job.profile.is_some() => {}
        None => notes.push(alone(job, proposal)),
        Some(reference) => notes.extend(reference_notes(mix, reference)),
    }
    if let Some(rate) = job.output_settings.sample_rate_hz.filter(|rate| *rate > mix.info.sample_rate_hz) {
        notes.push(format!(
            "The master has {rate} Hz, the mix {} Hz: converting upwards adds nothing to the sound.",
            mix.info.sample_rate_hz
        ));
    }
    notes
}

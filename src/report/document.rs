//! The documents behind every form of report, and their JSON.

use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::figures::file_names;
use super::notes::notes;
use super::{AlbumDocument, ProfileDocument, SuggestionDocument};
use crate::dsp::eq::{BandChannel, response_db};
use crate::engine::Recipe;
use crate::engine::processors::catalogue::inlined_schema_of;
use crate::engine::render::ChainLog;
use crate::error::Error;
use crate::io::SourceInfo;
use crate::master::{MasterJob, Mastered, Promise, References, Refinement, held_plr_db};
use crate::measure::Measurement;
use crate::measure::analysis::Analysis;
use crate::paths::path_text;
use crate::quality::Finding;
use crate::source::Source;
use crate::statistics::median;
use crate::suggest::{Classical, CurvePoint, ModelVerdict, Quantity, Suggester};
use crate::translate::Translation;

/// `halfspeed.analysis/1`: everything measured of a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FileDocument {
    /// Path as it was given; bytes of it that are not UTF-8 as `\xff`.
    pub path: String,
    /// Format by content, not by name: `WAV`, `FLAC`, `MP3`.
    pub format: String,
    /// Sample rate of the file.
    pub sample_rate_hz: u32,
    /// Channels in the file; mono is measured as two equal channels.
    pub channels: u32,
    /// Bits of a sample; `None` where the format has no such thing, as lossy ones.
    pub bits: Option<u32>,
    /// Whether the format discards parts of the audio.
    pub lossy: bool,
    /// Length.
    pub duration_s: f64,
}

impl FileDocument {
    /// The document of a measured file.
    pub fn new(source: &Source) -> Self {
        let SourceInfo { path, format, sample_rate_hz, channels, bits, lossy, .. } = &source.info;
        Self {
            path: path_text(path),
            format: format.clone(),
            sample_rate_hz: *sample_rate_hz,
            channels: *channels,
            bits: *bits,
            lossy: *lossy,
            duration_s: source.measurement.duration_s(),
        }
    }
}

/// `halfspeed.album-analysis/1`: several files, and what they are together.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AlbumAnalysisDocument<'a> {
    /// Always `halfspeed.album-analysis/1`.
    pub schema: &'static str,
    /// All files together.
    pub album: &'a AlbumDocument,
    /// Each by itself, in order.
    pub tracks: &'a [AnalysisDocument],
    /// Those that could not be measured, in order; left out where all were.
    #[serde(skip_serializing_if = "<[FailedFile]>::is_empty")]
    pub failed: &'a [FailedFile],
}

/// A file of several that could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FailedFile {
    /// Path as it was given; bytes of it that are not UTF-8 as `\xff`.
    pub path: String,
    /// What went wrong, and what to do about it.
    pub error: String,
}

impl FailedFile {
    /// What became of a file.
    pub fn new(path: &Path, error: &Error) -> Self {
        Self { path: path_text(path), error: error.to_string() }
    }
}

/// `halfspeed.failure/1`: what went wrong, where there is no other document; in lines, in its place among files that could be measured.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FailureDocument<'a> {
    /// Always `halfspeed.failure/1`.
    pub schema: &'static str,
    /// Path of the file that it is about, as it was given; bytes of it that are not UTF-8 as `\xff`. `None` where it is about no file.
    pub path: Option<&'a str>,
    /// What went wrong, and what to do about it.
    pub error: &'a str,
}

impl<'a> FailureDocument<'a> {
    /// The document of an error, about a file if there is one.
    pub fn new(path: Option<&'a str>, error: &'a str) -> Self {
        Self { schema: "halfspeed.failure/1", path, error }
    }

    /// The document of a file that failed.
    pub fn of_file(failed: &'a FailedFile) -> Self {
        Self::new(Some(&failed.path), &failed.error)
    }
}

impl<'a> AlbumAnalysisDocument<'a> {
    /// Of measured files, and those that could not be.
    pub fn new(album: &'a AlbumDocument, tracks: &'a [AnalysisDocument], failed: &'a [FailedFile]) -> Self {
        Self { schema: "halfspeed.album-analysis/1", album, tracks, failed }
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    /// The recipe as applied, in the form of a recipe's file: what has its default may be absent.
    #[schemars(schema_with = "recipe_schema")]
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReductionsDocument {
    /// Of the four bands, lowest first.
    pub multiband_db: [f64; 4],
    /// Of the glue compressor.
    pub glue_db: f64,
    /// Of the leveler.
    pub leveler_db: f64,
    /// Of the limiter.
    pub limiter_db: f64,
    /// Of leveler and limiter together: what is exceeded 5 % of the time in the loud parts, and not the deepest.
    pub leveler_and_limiter_p95_db: f64,
}

/// A recipe's form is that of its file, which leaves out what has its default.
fn recipe_schema(_: &mut SchemaGenerator) -> Schema {
    inlined_schema_of::<Recipe>()
}

/// Name of the suggester where there was nothing to hold the mix against.
const NOBODY: &str = "none";

/// Who made the suggestions.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ModelDocument {
    /// Name of the suggester: `model`, `classical`, `loudness` or `profile`; `none` where there was nothing to hold the mix
    /// against.
    pub name: &'static str,
    /// How alike mix and reference are, 0 (different songs) to 1 (the same recording); `None` where that wasn't asked.
    pub likeness_ratio: Option<f64>,
    /// Share of moments of the mix that have a twin in the reference, on which that judgement rests, 0 to 1; `None` where it
    /// wasn't asked.
    pub matched_ratio: Option<f64>,
    /// What the network said and what the classical rules would have done; absent where no network was asked.
    #[serde(flatten)]
    pub verdict: Option<ModelVerdict>,
    /// What became of trying the suggestions on excerpts of the mix; `null` where no single
    /// reference was held against it.
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

impl ModelDocument {
    /// Whether anybody was asked for suggestions.
    pub(super) fn is_asked(&self) -> bool {
        self.name != NOBODY
    }
}

impl MasterReport {
    /// Tells what a job has made.
    pub fn new(job: &MasterJob<'_>, mastered: Mastered) -> Self {
        let notes = notes(job, &mastered);
        let Mastered { mix, references, chosen, proposal, refinement, recipe, written, .. } = mastered;
        let ChainLog { multiband_db, glue_db, leveler_db } = mastered.chain_log;
        let reduction_db = mastered.limiter_log.reduction_db;
        let measured: Vec<&Measurement> = references.all().map(|source| &source.measurement).collect();
        let reference = &references.middle;
        let deepest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let reductions = ReductionsDocument {
            multiband_db,
            glue_db,
            leveler_db: deepest(&leveler_db),
            limiter_db: deepest(&reduction_db),
            leveler_and_limiter_p95_db: mastered.p95_reduction_db,
        };
        let profile = chosen.as_ref().and_then(|chosen| chosen.profile.as_ref());
        let held_against = |quantity: Quantity| match (reference, profile) {
            (Some(_), _) => quantity.median_of(&measured),
            // A profile's levels are over the mean of its own bands.
            (None, Some((profile, _))) if !matches!(quantity, Quantity::BandLevel { .. }) => {
                quantity.of_profile(profile)
            }
            _ => None,
        };
        let suggestions = proposal.suggestions.into_iter().map(|suggestion| {
            let quantity = suggestion.quantity;
            let reference_by_samples = density_by_samples(quantity, &references);
            SuggestionDocument {
                reference_by_samples,
                ..SuggestionDocument::new(suggestion, quantity.of(&written.measurement), held_against(quantity))
            }
        });
        let short_term = |source: &Source| source.measurement.loudness.short_term_lufs();
        Self {
            schema: "halfspeed.master/1",
            version: env!("CARGO_PKG_VERSION"),
            suggestions: suggestions.collect(),
            verified: mastered.promises,
            translation: mastered.translation,
            model: ModelDocument {
                name: match (reference, profile) {
                    (Some(_), _) if proposal.model.as_ref().is_some_and(ModelVerdict::is_left_to_rules) => {
                        Classical.name()
                    }
                    (Some(_), _) => job.suggester.name(),
                    (None, Some(_)) => "profile",
                    (None, None) => NOBODY,
                },
                likeness_ratio: proposal.likeness_ratio,
                matched_ratio: proposal.matched_ratio,
                verdict: proposal.model,
                refinement,
            },
            reductions,
            notes,
            curves: MasterCurves {
                before_short_term_lufs: short_term(&mix),
                after_short_term_lufs: short_term(&written),
                reference_short_term_lufs: reference.as_ref().map_or(Vec::new(), short_term),
                leveler_reduction_db: leveler_db,
                limiter_reduction_db: reduction_db,
                eq_response: eq_response(&recipe, written.measurement.sample_rate_hz),
                eq_target: proposal.target_curve,
            },
            before: AnalysisDocument::new(&mix),
            after: AnalysisDocument::new(&written),
            reference: reference.as_ref().map(AnalysisDocument::new),
            other_references: references.others.iter().map(FileDocument::new).collect(),
            profile: chosen.as_ref().map(ProfileDocument::new),
            settings: recipe,
        }
    }
}

impl MasterReport {
    /// Names of all references. The first one's numbers and curves are told.
    pub(super) fn reference_names(&self) -> Vec<String> {
        let given = self.reference.iter().map(|document| &document.file).chain(&self.other_references);
        file_names(given.map(|file| file.path.as_str()))
    }

    /// Why the first of several references is told; `None` where it is the only one, or there is none.
    pub(super) fn reference_role(&self) -> Option<String> {
        match self.other_references.len() {
            0 => None,
            1 => Some("the quieter of two".into()),
            others => Some(format!("the middle one of {} in loudness", others + 1)),
        }
    }

    /// What changes are held against: the reference, or the median of several.
    pub(super) fn held_against(&self) -> Option<&'static str> {
        let is_only = self.other_references.is_empty();
        self.reference.as_ref().map(|_| if is_only { "reference" } else { "median" })
    }
}

/// A density of the references, the median of several, where the true peak of one of them says nothing of it.
fn density_by_samples(quantity: Quantity, references: &References) -> Option<f64> {
    let is_asked = quantity == Quantity::PeakToLoudness && references.all().any(|source| held_plr_db(source).is_some());
    let of = |source: &Source| held_plr_db(source).or_else(|| quantity.of(&source.measurement));
    if is_asked { median(references.all().filter_map(of).collect()) } else { None }
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

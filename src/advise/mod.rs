//! What to fix in a mix before it is mastered.
//!
//! An [`Advisor`] sees the programme block by block, next to a [`Meter`], and gives its
//! [`Advice`] once the measurement is done, worst first. Faults that quality control knows are taken from there; tonal
//! balance, resonances, bass in the side, level and the lead are judged here. Every threshold stands in [`thresholds`].
//!
//! Tone without a reference is a matter of taste and of genre: what is called mud in one song is warmth in another, and
//! engineers who are asked for resonances agree on fewer than half. Such advice is a hint, with a low confidence, and its
//! words say so. A reference says what is wanted, and makes the same advice firmer.

pub mod hints;
mod lead;
mod level;
mod prior;
mod problem;
mod quality;
mod resonance;
mod stereo;
#[cfg(test)]
mod tests;
pub mod thresholds;
pub mod tonal;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::audio::{AudioBuffer, assert_rate};
use crate::error::Result;
use crate::io::Decoder;
use crate::measure::{Measurement, Meter};
use crate::progress::Progress;
use crate::quality::{Check, Finding, Format, Inspector};
use crate::source::{Source, format_of, measure_file, read};
use crate::suggest::profile::{Chosen, Profile, ProfileChoice};
use hints::Listener;
pub use problem::Problem;
pub(crate) use stereo::side_bass_of;
pub use tonal::UntoldTone;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AdviceSeverity")]
pub enum Severity {
    /// Worth a look.
    Low,
    /// Better mended before mastering.
    Medium,
    /// Spoils the master, or can't be mended later.
    High,
}

/// Where a fault can be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mend {
    /// Mastering could, though the mix is the better place.
    Master,
    /// Only the mix, or the recording.
    Mix,
}

/// One thing to fix.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Advice {
    /// What to fix.
    pub id: Problem,
    /// How much it matters.
    pub severity: Severity,
    /// How sure it is, 0 to 1. Hints about taste stay under 0.6 without a reference.
    pub confidence: f64,
    /// What was found, in plain English.
    pub message: String,
    /// Lower and upper frequency of what is meant. `None` where no frequencies are meant.
    pub band_hz: Option<[f64; 2]>,
    /// From and to, in seconds. Empty: throughout.
    pub times_s: Vec<[f64; 2]>,
    /// The numbers behind it, by name; names end in their unit.
    pub evidence: BTreeMap<&'static str, f64>,
    /// What to do, in settings that can be dialled in anywhere.
    pub fix: String,
    /// Whether mastering could mend it.
    pub mend: Mend,
}

/// What a mix's tone is held against.
#[derive(Debug, Clone, Copy, Default)]
pub enum Standard<'a> {
    /// Music in general.
    #[default]
    Music,
    /// A finished production.
    Reference(&'a Measurement),
    /// Songs of a kind.
    Profile(&'a Profile),
}

impl<'a> Standard<'a> {
    fn reference(self) -> Option<&'a Measurement> {
        if let Self::Reference(reference) = self { Some(reference) } else { None }
    }
}

impl<'a> From<Option<&'a Measurement>> for Standard<'a> {
    fn from(reference: Option<&'a Measurement>) -> Self {
        reference.map_or(Self::Music, Self::Reference)
    }
}

/// A file and what to fix in it.
pub struct Advised {
    /// The mix.
    pub mix: Source,
    /// The reference, if there was one.
    pub reference: Option<Source>,
    /// Which profile it was held against, if one was asked for.
    pub chosen: Option<Chosen>,
    /// What to fix, worst first.
    pub findings: Vec<Advice>,
    /// What came of holding its tone against the reference, if nothing of that is among the findings.
    pub untold_tone: Option<UntoldTone>,
}

/// What is told of a mix.
struct Judgement {
    findings: Vec<Advice>,
    untold_tone: Option<UntoldTone>,
}

/// Looks a mix over.
///
/// ```
/// use halfspeed::AudioBuffer;
/// use halfspeed::advise::{Advisor, Problem};
/// use halfspeed::measure::Meter;
/// use halfspeed::quality::{Format, Inspector};
///
/// let tone = |n: i32| 0.02 + 0.1 * (n as f32 * 0.1309).sin();
/// let block = AudioBuffer::from_channels(48_000, (0..96_000).map(tone).collect(), (0..96_000).map(tone).collect());
/// let mut meter = Meter::new(48_000);
/// let format = Format { sample_rate_hz: 48_000, channels: 1, bits: None, lossy: false };
/// let mut inspector = Inspector::new(format);
/// let mut advisor = Advisor::new(48_000);
/// meter.push(&block);
/// inspector.push(&block);
/// advisor.push(&block);
/// let measurement = meter.finish();
/// let known = inspector.finish(&measurement);
/// let findings = advisor.finish(&measurement, &known, format, None);
/// let offset = findings.iter().find(|advice| advice.id == Problem::Dc).expect("it is told");
/// assert!((offset.evidence["offset_percent"] - 2.0).abs() < 0.1);
/// ```
pub struct Advisor {
    listener: Listener,
}

impl Advisor {
    /// An advisor that has seen nothing.
    ///
    /// # Panics
    /// If the sample rate is outside 8 to 384 kHz.
    pub fn new(sample_rate_hz: u32) -> Self {
        assert_rate(sample_rate_hz);
        Self { listener: Listener::new(sample_rate_hz) }
    }

    /// Takes the next block. How a programme is cut into blocks changes nothing.
    pub fn push(&mut self, block: &AudioBuffer) {
        self.listener.push(block);
    }

    /// Ends the programme and tells what to fix, worst first. `measurement` is that of the same programme, `known` what
    /// quality control found in it, `format` what its file says of it, `standard` what the tone is held against.
    pub fn finish<'a>(
        self,
        measurement: &Measurement,
        known: &[Finding],
        format: Format,
        standard: impl Into<Standard<'a>>,
    ) -> Vec<Advice> {
        self.judge(measurement, known, format, standard.into()).findings
    }

    fn judge(self, measurement: &Measurement, known: &[Finding], format: Format, standard: Standard<'_>) -> Judgement {
        let mut findings = Vec::new();
        // What is silent and has a loudness is a mix at a level that nobody meant.
        if measurement.loudness.integrated_lufs().is_none() && known.iter().any(|finding| finding.id == Check::Silent) {
            return Judgement { findings, untold_tone: None };
        }
        quality::advice(known, measurement, &mut findings);
        findings.extend(quality::lossy_format(format));
        findings.extend(quality::low_sample_rate(format));
        let hints = self.listener.finish();
        let untold_tone = tonal::advice(measurement, &hints, standard, &mut findings);
        findings.extend(resonance::advice(&hints.resonances()));
        level::advice(known, measurement, format, &mut findings);
        if format.channels > 1 {
            stereo::advice(known, measurement, &mut findings);
            // What both channels share tells nothing where one is dead, late or upside down.
            let hides_lead =
                |finding: &Finding| matches!(finding.id, Check::DeadChannel | Check::ChannelDelay | Check::Polarity);
            if !known.iter().any(hides_lead) {
                findings.extend(lead::advice(measurement, standard.reference()));
            }
        }
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.confidence.total_cmp(&a.confidence)));
        Judgement { findings, untold_tone }
    }
}

/// Measures and judges a mix in memory, as [`advise_file`] does with a file.
///
/// # Panics
/// If the sample rate is outside 8 to 384 kHz.
pub fn advise_audio(mix: &AudioBuffer, format: Format, reference: Option<&Measurement>) -> Vec<Advice> {
    judge_audio(mix, format, reference).findings
}

fn judge_audio(mix: &AudioBuffer, format: Format, reference: Option<&Measurement>) -> Judgement {
    const BLOCK_FRAMES: usize = 5_000;
    let rate = mix.sample_rate_hz();
    let (mut meter, mut inspector, mut advisor) = (Meter::new(rate), Inspector::new(format), Advisor::new(rate));
    let mut block = AudioBuffer::new(rate);
    for (left, right) in mix.left().chunks(BLOCK_FRAMES).zip(mix.right().chunks(BLOCK_FRAMES)) {
        block.clear();
        block.extend(left, right);
        meter.push(&block);
        inspector.push(&block);
        advisor.push(&block);
    }
    let measurement = meter.finish();
    let known = inspector.finish(&measurement);
    advisor.judge(&measurement, &known, format, reference.into())
}

/// Decodes, measures and judges a mix, holding none of it. Without a reference, the tone is held against the profile that
/// is chosen, and against music in general where none is near enough.
///
/// # Errors
/// Those of decoding either file; a mix or reference that is silent.
pub fn advise_file(
    mix: &Path,
    reference: Option<&Path>,
    profile: Option<&ProfileChoice>,
    progress: Progress<'_>,
) -> Result<Advised> {
    let decoder = Decoder::open(mix)?;
    let mut advisor = Advisor::new(decoder.info().sample_rate_hz);
    let (judged, measured) = rayon::join(
        || {
            read(decoder, progress, |block| {
                advisor.push(block);
                Ok(())
            })
        },
        || reference.map(|path| measure_file(path, &|_, _| ())).transpose(),
    );
    let (mix_source, reference_source) = (judged?, measured?);
    mix_source.integrated_lufs()?;
    reference_source.as_ref().map(Source::integrated_lufs).transpose()?;
    let Source { info, measurement, findings: known } = &mix_source;
    let chosen = profile.filter(|_| reference.is_none()).map(|wish| wish.choose(measurement));
    let near = chosen.as_ref().and_then(|chosen| chosen.profile.as_ref());
    let standard = match (&reference_source, near) {
        (Some(source), _) => Standard::Reference(&source.measurement),
        (None, Some((profile, _))) => Standard::Profile(profile),
        (None, None) => Standard::Music,
    };
    let Judgement { findings, untold_tone } = advisor.judge(measurement, known, format_of(info), standard);
    Ok(Advised { mix: mix_source, reference: reference_source, chosen, findings, untold_tone })
}

/// The numbers behind an advice, by name.
fn evidence<const N: usize>(numbers: [(&'static str, f64); N]) -> BTreeMap<&'static str, f64> {
    numbers.into_iter().filter(|(_, value)| value.is_finite()).collect()
}

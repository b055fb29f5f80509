//! From measurements to settings.
//!
//! A [`Suggester`] sees what was measured of the mix and of the reference, and decides what to aim for: a [`Plan`]. From it
//! follow settings of everything up to the limiter, each with its cause, its numbers and the change that it predicts.
//! What became of the prediction is measured afterwards with the same [`Quantity`].

mod classical;
pub mod corridor;
mod dynamics;
mod eq_fit;
pub mod features;
mod forecast;
pub(crate) mod image;
mod learned;
mod link;
mod loudness_only;
mod plan;
pub mod profile;
mod quantity;
mod registration;
mod residual;
mod stages;
mod tone;
pub(crate) mod width;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dsp::eq::EqBand;
use crate::dsp::leveler::LevelerSettings;
use crate::dsp::multiband::MultibandSettings;
use crate::dsp::soft_clip::SoftClipSettings;
use crate::dsp::width::WidthSettings;
use crate::measure::Measurement;

pub use classical::Classical;
pub use learned::Learned;
pub use loudness_only::LoudnessOnly;
pub use plan::Plan;
pub use quantity::Quantity;
pub use residual::Residual;
pub(crate) use stages::loudness_change_lu;

/// Decides what to aim for.
pub trait Suggester: Sync {
    /// Name for reports, and to ask for it.
    fn name(&self) -> &'static str;

    /// What to aim for, so that `mix` comes near to `target`.
    fn plan<'a>(&self, mix: &'a Measurement, target: Target<'a>) -> Plan<'a>;
}

/// What a master is to come near to.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The reference; of several, the one that stands for them where only one can.
    pub reference: &'a Measurement,
    /// The other references. With any, tone and width become a corridor about the median: only what lies outside is moved.
    pub others: &'a [&'a Measurement],
    /// Loudness that says how dense the master is to be ahead of the limiter, which may be driven beyond it, LUFS.
    pub loudness_lufs: f64,
    /// True peak that the limiter will hold, dBTP.
    pub ceiling_dbtp: f64,
    /// Rate at which the settings will be applied, Hz: nothing is set above its band.
    pub sample_rate_hz: u32,
}

/// How far to go, 0 to 1 each. 0 changes nothing. 0.5 takes over all that the suggester puts down to production. 1 takes over
/// all that the reference has other than the mix, its arrangement included: a clone. Between them, a blend.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Amounts {
    /// Of the equaliser.
    pub eq_ratio: f64,
    /// Of the compression.
    pub dynamics_ratio: f64,
    /// Of the change in width.
    pub width_ratio: f64,
}

impl Amounts {
    /// Whether tone or width follow what is put down to production at all: at 0 nothing is changed, and at 1 all that the
    /// reference has is taken, whatever it is put down to.
    pub fn follow_production(&self) -> bool {
        [self.eq_ratio, self.width_ratio].into_iter().any(|ratio| Shares::of(ratio).proven > 0.0)
    }
}

impl Default for Amounts {
    fn default() -> Self {
        Self { eq_ratio: 0.5, dynamics_ratio: 0.5, width_ratio: 0.5 }
    }
}

/// What an amount takes of two wishes: of what is proven, and of the whole difference.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shares {
    proven: f64,
    whole: f64,
}

impl Shares {
    fn of(amount_ratio: f64) -> Self {
        let whole = (2.0 * amount_ratio - 1.0).max(0.0);
        Self { proven: (2.0 * amount_ratio).min(1.0) - whole, whole }
    }

    /// Whether all of it is put down to production.
    fn is_proven(self) -> bool {
        self.whole == 0.0
    }

    /// Both wishes together.
    fn blend(self, proven: f64, whole: f64) -> f64 {
        self.proven * proven + self.whole * whole
    }
}

/// What follows from a plan: the stages before the limiter, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Proposal {
    /// Equaliser bands.
    pub eq: Vec<EqBand>,
    /// Width of the whole signal.
    pub width: Option<WidthSettings>,
    /// Four-band compression.
    pub multiband: Option<MultibandSettings>,
    /// Levelling ahead of the limiter.
    pub leveler: Option<LevelerSettings>,
    /// Cutting of peaks ahead of the limiter, instead of levelling or after it.
    pub soft_clip: Option<SoftClipSettings>,
    /// What each of them is for.
    pub suggestions: Vec<Suggestion>,
    /// How alike mix and reference are, 0 (another song) to 1 (the same recording); `None` where that wasn't asked.
    pub likeness_ratio: Option<f64>,
    /// Share of moments of the mix that have a twin in the reference, on which that judgement rests.
    pub matched_ratio: Option<f64>,
    /// What the network said, or why it was not asked; `None` where none was meant to be.
    pub model: Option<ModelVerdict>,
    /// The equaliser curve that was aimed for: centre frequency and gain. Empty where there was none.
    pub target_curve: Vec<CurvePoint>,
}

/// What became of asking the network, and what the classical rules would have done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct ModelVerdict {
    /// Version of the network; `None` where it was not followed.
    pub version: Option<String>,
    /// How far it can be trusted with such a pair, 0 to 1: less, the farther the pair lies from what it was trained on.
    pub confidence_ratio: Option<f64>,
    /// How far it was followed, 0 to 1: less, the more content mix and reference share. The rest is the classical rules'.
    pub share_ratio: Option<f64>,
    /// Its own estimate of its error in tone: mean standard deviation over the bands, dB.
    pub tone_deviation_db: Option<f64>,
    /// Its own estimate of its error in width: standard deviation, dB.
    pub width_deviation_db: Option<f64>,
    /// How much farther it expects the true master's peaks to stand over its loudness than the reference's, dB: below 0
    /// for a denser master.
    pub headroom_db: Option<f64>,
    /// Its own estimate of its error in that: standard deviation, dB.
    pub headroom_deviation_db: Option<f64>,
    /// How far the pair lies from what it was trained on; a twentieth of the validation pairs exceeds 1.
    pub novelty_ratio: Option<f64>,
    /// Why the classical rules were used instead of it; beside a version, with which of several references.
    pub fallback: Option<String>,
    /// The equaliser curve of the classical rules.
    pub classical_curve: Vec<CurvePoint>,
    /// The side gain of the classical rules, dB; `None` where mix or reference is mono.
    pub classical_side_gain_db: Option<f64>,
}

impl ModelVerdict {
    /// Whether the classical rules were used instead of it throughout.
    pub fn is_left_to_rules(&self) -> bool {
        self.version.is_none() && self.fallback.is_some()
    }
}

/// A point of a frequency response.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CurvePoint {
    /// Frequency.
    pub frequency_hz: f64,
    /// Gain.
    pub gain_db: f64,
}

/// One change: where, why, and what it is to bring about.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Suggestion {
    /// Which change: `eq.low_mids`, `width.air`.
    pub id: String,
    /// The setting in a few words: "-2.1 dB at 310 Hz, Q 0.8".
    pub setting: String,
    /// What was found.
    pub cause: String,
    /// What is measured to see whether it worked.
    pub quantity: Quantity,
    /// Value in the mix, in `unit`. `None` where there is none.
    pub before: Option<f64>,
    /// Value that the change should lead to, in `unit`. `None` where that can't be told.
    pub predicted: Option<f64>,
}

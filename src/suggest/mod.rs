//! From measurements to settings.
//!
//! A [`Suggester`] sees what was measured of the mix and of the reference, and proposes everything up to the limiter,
//! each proposal with its cause, its numbers and the change that it predicts. What became of the prediction is
//! measured afterwards with the same [`Quantity`].

mod classical;
mod dynamics;
mod eq_fit;
pub mod features;
mod loudness_only;
mod quantity;
mod registration;
mod tone;
mod width;

use serde::Serialize;

use crate::dsp::eq::EqBand;
use crate::dsp::leveler::LevelerSettings;
use crate::dsp::multiband::MultibandSettings;
use crate::dsp::width::WidthSettings;
use crate::measure::Measurement;

pub use classical::Classical;
pub use loudness_only::LoudnessOnly;
pub use quantity::Quantity;

/// Proposes settings.
pub trait Suggester: Sync {
    /// Name for reports and for `--suggester`.
    fn name(&self) -> &'static str;

    /// Proposes settings that bring `mix` towards `target`.
    fn suggest(&self, mix: &Measurement, target: &Target<'_>, amounts: &Amounts) -> Proposal;
}

/// What a master is to come near to.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The reference.
    pub reference: &'a Measurement,
    /// Loudness that the limiter will be driven to, LUFS.
    pub loudness_lufs: f64,
    /// True peak that the limiter will hold, dBTP.
    pub ceiling_dbtp: f64,
}

/// How much of what is found to take over, 0 to 1 each. 1 is what the suggester believes in, not a clone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Amounts {
    /// Of the equaliser's gains.
    pub eq_ratio: f64,
    /// Of the compression.
    pub dynamics_ratio: f64,
    /// Of the change in width.
    pub width_ratio: f64,
}

impl Default for Amounts {
    fn default() -> Self {
        Self { eq_ratio: 1.0, dynamics_ratio: 1.0, width_ratio: 1.0 }
    }
}

/// What a suggester proposes: the stages before the limiter, and why.
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
    /// What each of them is for.
    pub suggestions: Vec<Suggestion>,
    /// How alike mix and reference are, 0 (another song) to 1 (the same recording); `None` where that wasn't asked.
    pub likeness_ratio: Option<f64>,
    /// Share of moments of the mix that have a twin in the reference, on which that judgement rests.
    pub matched_ratio: Option<f64>,
    /// The equaliser curve that was aimed for: centre frequency and gain. Empty where there was none.
    pub target_curve: Vec<CurvePoint>,
}

/// A point of a frequency response.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Frequency.
    pub frequency_hz: f64,
    /// Gain.
    pub gain_db: f64,
}

/// One change: where, why, and what it is to bring about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// Which change: `eq.low_mids`, `width.air`.
    pub id: String,
    /// The setting in a few words: "-2.1 dB at 310 Hz, Q 0.8".
    pub setting: String,
    /// What was found.
    pub cause: String,
    /// What is measured to see whether it worked.
    pub quantity: Quantity,
    /// Value in the mix. `None` where there is none.
    pub before: Option<f64>,
    /// Value that the change should lead to.
    pub predicted: Option<f64>,
}

/// Names of the four wide bands, lowest first: those of the multiband stage.
pub const WIDE_BAND_NAMES: [&str; 4] = ["bass", "low_mids", "presence", "air"];

/// The numbers of wide band `index` in words: "120 to 700 Hz".
fn wide_band_range(index: usize) -> String {
    let (low, high) = crate::measure::analysis::wide_band_edges_hz()[index];
    format!("{low:.0} to {high:.0} Hz")
}

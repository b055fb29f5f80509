//! What can be set of a compressor, and the static curve that follows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsp::parameter::{Parameters, describe, parameters};
use crate::error::Result;

/// How a compressor works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct CompressorSettings {
    /// Level where compression begins, -80 to 0 dB of mean square (a full-scale sine is at -3.01) or, of a peak
    /// detector, dBFS. Default: -18.
    pub threshold_db: f64,
    /// Input change over output change above the threshold, 1 (none) to 20. Default: 2.
    pub ratio: f64,
    /// Width of the range around the threshold over which the ratio sets in, 0 to 24 dB. Default: 6.
    pub knee_db: f64,
    /// Time to 63 % of a rise in gain reduction, 2 to 500 ms. Default: 20.
    pub attack_ms: f64,
    /// Time to 63 % of a fall in gain reduction, 10 to 5000 ms. Default: 150.
    pub release_ms: f64,
    /// Gain after compression, -24 to 24 dB. Default: 0.
    pub makeup_db: f64,
    /// What the level is. Default: RMS.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub detector: Detector,
    /// How far the louder channel's level counts in the other one, 0 (each for itself) to 100 %. Default: 100.
    #[serde(skip_serializing_if = "is_hundred")]
    #[schemars(!skip_serializing_if)]
    pub stereo_link_percent: f64,
    /// How long the gain moves ahead of what moves it, 0 to 20 ms; all of it is latency. Default: 0.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub look_ahead_ms: f64,
    /// Share of the compressed signal in the output, 0 to 100 %. Default: 100.
    #[serde(skip_serializing_if = "is_hundred")]
    #[schemars(!skip_serializing_if)]
    pub mix_percent: f64,
    /// Corner of a high-pass ahead of the detector, 12 dB per octave, 20 to 2000 Hz. Default: none.
    #[serde(skip_serializing_if = "is_default")]
    pub side_chain_high_pass_hz: Option<f64>,
    /// Whether a release takes up to five times longer the longer the reduction lasted. Default: no.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub program_dependent_release: bool,
}

/// How one band of several compresses: as a compressor does that takes the mean square of the louder channel for both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct BandCompressorSettings {
    /// Level where compression begins, -80 to 0 dB of mean square (a full-scale sine is at -3.01). Default: -18.
    pub threshold_db: f64,
    /// Input change over output change above the threshold, 1 (none) to 20. Default: 2.
    pub ratio: f64,
    /// Width of the range around the threshold over which the ratio sets in, 0 to 24 dB. Default: 6.
    pub knee_db: f64,
    /// Time to 63 % of a rise in gain reduction, 2 to 500 ms. Default: 20.
    pub attack_ms: f64,
    /// Time to 63 % of a fall in gain reduction, 10 to 5000 ms. Default: 150.
    pub release_ms: f64,
    /// Gain after compression, -24 to 24 dB. Default: 0.
    pub makeup_db: f64,
    /// Share of the compressed signal in the output, 0 to 100 %. Default: 100.
    #[serde(skip_serializing_if = "is_hundred")]
    #[schemars(!skip_serializing_if)]
    pub mix_percent: f64,
    /// Whether a release takes up to five times longer the longer the reduction lasted. Default: no.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if)]
    pub program_dependent_release: bool,
}

/// What a compressor takes for the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Mean square, averaged over 5 ms.
    #[default]
    Rms,
    /// The largest sample of each control interval.
    Peak,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn hundred() -> f64 {
    100.0
}

// The signature is serde's.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_hundred(percent: &f64) -> bool {
    *percent == hundred()
}

impl Default for CompressorSettings {
    fn default() -> Self {
        Self {
            threshold_db: -18.0,
            ratio: 2.0,
            knee_db: 6.0,
            attack_ms: 20.0,
            release_ms: 150.0,
            makeup_db: 0.0,
            detector: Detector::default(),
            stereo_link_percent: hundred(),
            look_ahead_ms: 0.0,
            mix_percent: hundred(),
            side_chain_high_pass_hz: None,
            program_dependent_release: false,
        }
    }
}

impl Default for BandCompressorSettings {
    fn default() -> Self {
        let usual = CompressorSettings::default();
        Self {
            threshold_db: usual.threshold_db,
            ratio: usual.ratio,
            knee_db: usual.knee_db,
            attack_ms: usual.attack_ms,
            release_ms: usual.release_ms,
            makeup_db: usual.makeup_db,
            mix_percent: usual.mix_percent,
            program_dependent_release: usual.program_dependent_release,
        }
    }
}

impl From<&BandCompressorSettings> for CompressorSettings {
    fn from(band: &BandCompressorSettings) -> Self {
        Self {
            threshold_db: band.threshold_db,
            ratio: band.ratio,
            knee_db: band.knee_db,
            attack_ms: band.attack_ms,
            release_ms: band.release_ms,
            makeup_db: band.makeup_db,
            mix_percent: band.mix_percent,
            program_dependent_release: band.program_dependent_release,
            detector: Detector::default(),
            stereo_link_percent: hundred(),
            look_ahead_ms: 0.0,
            side_chain_high_pass_hz: None,
        }
    }
}

parameters!(BandCompressorSettings {
    threshold_db: Within(-80.0, 0.0),
    ratio: Within(1.0, 20.0),
    knee_db: Within(0.0, 24.0),
    attack_ms: Within(2.0, 500.0),
    release_ms: Within(10.0, 5000.0),
    makeup_db: Within(-24.0, 24.0),
    mix_percent: Within(0.0, 100.0),
});

parameters!(CompressorSettings {
    threshold_db: Within(-80.0, 0.0),
    ratio: Within(1.0, 20.0),
    knee_db: Within(0.0, 24.0),
    attack_ms: Within(2.0, 500.0),
    release_ms: Within(10.0, 5000.0),
    makeup_db: Within(-24.0, 24.0),
    stereo_link_percent: Within(0.0, 100.0),
    look_ahead_ms: Within(0.0, 20.0),
    mix_percent: Within(0.0, 100.0),
    side_chain_high_pass_hz: Within(20.0, 2000.0),
});

impl CompressorSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names `stage` and the first field out of range.
    pub fn validate(&self, stage: &str) -> Result<()> {
        self.check(stage, None)
    }

    /// Reduction in dB (0 or more) that a steady level calls for.
    pub fn static_reduction_db(&self, level_db: f64) -> f64 {
        let over = level_db - self.threshold_db;
        let slope = 1.0 - 1.0 / self.ratio;
        if over <= -0.5 * self.knee_db {
            0.0
        } else if over >= 0.5 * self.knee_db {
            slope * over
        } else {
            slope * (over + 0.5 * self.knee_db).powi(2) / (2.0 * self.knee_db)
        }
    }
}

//! What can be set of a multiband stage: of four bands in a recipe, of any number elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dsp::compressor::BandCompressorSettings;
use crate::dsp::crossover::BANDS;
use crate::dsp::parameter::{Parameters, describe, exactly, parameters};
use crate::error::{Error, Result};

/// How the four-band stage works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct MultibandSettings {
    /// Corner frequencies between the bands, rising, 20 Hz to 0.45 of the sample rate. Default: 120, 700, 5000.
    #[serde(deserialize_with = "exactly")]
    pub corners_hz: [f64; BANDS - 1],
    /// How the bands are split: recursively, which turns phases around the corners, or with linear phase, which takes a
    /// quarter of a second. Default: linkwitz_riley.
    #[serde(skip_serializing_if = "Crossover::is_default")]
    #[schemars(!skip_serializing_if)]
    pub crossover: Crossover,
    /// The bands, lowest first. Default: four that change nothing.
    #[serde(deserialize_with = "exactly")]
    pub bands: [MultibandBand; BANDS],
}

/// How a multiband stage splits its bands. Magnitudes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Crossover {
    /// Recursive, without latency; the bands sum to an allpass.
    #[default]
    LinkwitzRiley,
    /// By kernels symmetrical in time; the bands sum to a delay.
    LinearPhase,
}

impl Crossover {
    /// Whether this is the usual kind.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One band of the four-band stage.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct MultibandBand {
    /// Gain of the side signal (left minus right), -24 to 12 dB; the mid is left alone. Default: 0.
    pub side_gain_db: f64,
    /// Compression of the band; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressor: Option<BandCompressorSettings>,
}

/// Where the bands meet unless a recipe says otherwise: bass, low mids, presence, air.
pub const DEFAULT_CORNERS_HZ: [f64; BANDS - 1] = [120.0, 700.0, 5000.0];

impl Default for MultibandSettings {
    fn default() -> Self {
        Self { corners_hz: DEFAULT_CORNERS_HZ, crossover: Crossover::default(), bands: Default::default() }
    }
}

parameters!(MultibandSettings { corners_hz: ToRate(20.0, 0.45) });

impl MultibandSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        self.check("multiband", Some(sample_rate_hz))?;
        validate_bands(&self.corners_hz, &self.bands)
    }

    /// Whether the stage would only delay phases: then it is left out, and no bit changes.
    pub fn is_neutral(&self) -> bool {
        self.bands.iter().all(MultibandBand::is_neutral)
    }
}

parameters!(MultibandBand { side_gain_db: Within(-24.0, 12.0) });

impl MultibandBand {
    fn is_neutral(&self) -> bool {
        let compresses = self.compressor.as_ref().is_some_and(|c| c.ratio != 1.0 || c.makeup_db != 0.0);
        !compresses && self.side_gain_db == 0.0
    }
}

/// How a stage of two to six bands works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = describe::<Self>)]
pub struct BandsSettings {
    /// One to five corner frequencies between the bands, rising, 20 Hz to 0.45 of the sample rate. Default: 120, 700, 5000.
    #[schemars(length(min = 1, max = 5))]
    pub corners_hz: Vec<f64>,
    /// How the bands are split: recursively, which turns phases around the corners, or with linear phase, which takes a
    /// quarter of a second. Default: linkwitz_riley.
    #[serde(skip_serializing_if = "Crossover::is_default")]
    #[schemars(!skip_serializing_if)]
    pub crossover: Crossover,
    /// The bands, lowest first, one more than corners. Default: four that change nothing.
    #[schemars(length(min = 2, max = 6))]
    pub bands: Vec<MultibandBand>,
}

parameters!(BandsSettings { corners_hz: ToRate(20.0, 0.45) });

impl Default for BandsSettings {
    fn default() -> Self {
        let MultibandSettings { corners_hz, crossover, bands } = MultibandSettings::default();
        Self { corners_hz: corners_hz.to_vec(), crossover, bands: bands.to_vec() }
    }
}

impl BandsSettings {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first field out of range.
    pub fn validate(&self, sample_rate_hz: u32) -> Result<()> {
        let (corners, bands) = (self.corners_hz.len(), self.bands.len());
        if !(1..=5).contains(&corners) {
            return Err(Error::setting("multiband.corners_hz", format!("{corners} corners are not 1 to 5")));
        }
        if bands != corners + 1 {
            let reason = format!("{bands} bands do not fit {corners} corners; there must be {}", corners + 1);
            return Err(Error::setting("multiband.bands", reason));
        }
        self.check("multiband", Some(sample_rate_hz))?;
        validate_bands(&self.corners_hz, &self.bands)
    }
}

fn validate_bands(corners_hz: &[f64], bands: &[MultibandBand]) -> Result<()> {
    if !corners_hz.is_sorted_by(|low, high| low < high) {
        return Err(Error::setting("multiband.corners_hz", format!("{corners_hz:?} must rise; sort them")));
    }
    for (index, band) in bands.iter().enumerate() {
        band.check(&format!("multiband.bands[{index}]"), None)?;
        if let Some(compressor) = &band.compressor {
            compressor.check(&format!("multiband.bands[{index}].compressor"), None)?;
        }
    }
    Ok(())
}

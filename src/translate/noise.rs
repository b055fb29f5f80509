//! Noise that music is heard in, by third octaves.

use serde::{Deserialize, Serialize};

use crate::dsp::parameter::{Parameters, parameters};
use crate::error::Result;
use crate::measure::weighting::a_weighting_db;
use crate::units::{db_to_power, power_to_db};

/// Noise at the ear.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// A-weighted level, 0 to 110 dB.
    pub dba: f64,
    /// Shape of the spectrum. Default: by slope.
    #[serde(default)]
    pub shape: NoiseShape,
    /// What a third octave has more than the one an octave below it, -12 to 6 dB. Not used with a shape of its own.
    /// Default: -5, as in rooms and streets.
    #[serde(default = "default_slope")]
    pub slope_db_per_octave: f64,
}

fn default_slope() -> f64 {
    -5.0
}

/// Shape of a noise spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseShape {
    /// Third octaves that fall or rise steadily.
    #[default]
    Slope,
    /// A car on a motorway.
    Road,
}

/// Third-octave levels in a car at 120 km/h, dB SPL, from 80 Hz to 10 kHz; 68.0 dBA in all. A model.
const ROAD_DB: [f64; 22] = [
    74.3, 72.7, 71.1, 69.3, 67.7, 66.1, 64.4, 62.7, 61.1, 59.4, 57.7, 56.1, 53.9, 51.4, 49.1, 46.9, 44.5, 42.1, 39.9,
    37.5, 35.1, 32.9,
];
/// All lower third octaves of it, dB SPL.
const ROAD_BELOW_DB: f64 = 76.1;
/// Band of 1 kHz in [`ROAD_DB`].
const ROAD_1_KHZ: i32 = 11;
/// What it has in all, dBA.
const ROAD_DBA: f64 = 68.0;
/// What the upper ones fall by, dB from one to the next.
const ROAD_FALL_DB: f64 = 2.3;

/// Third octaves around 1 kHz that the A-weighted level is taken over: 25 Hz to 20 kHz.
const BANDS: std::ops::RangeInclusive<i32> = -16..=13;

parameters!(Noise { dba: Within(0.0, 110.0), slope_db_per_octave: Within(-12.0, 6.0) });

impl Noise {
    /// Checks the ranges that the field docs give.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] names `stage` and the first field out of range.
    pub fn validate(&self, stage: &str) -> Result<()> {
        self.check(stage, None)
    }

    /// Its third octaves.
    pub fn bands(&self) -> NoiseBands {
        match self.shape {
            NoiseShape::Road => NoiseBands { slope_db: None, level_db: self.dba - ROAD_DBA },
            NoiseShape::Slope => {
                // Third octaves of IEC 61260-1 are tenths of a decade.
                let slope_db = self.slope_db_per_octave * 0.1 * std::f64::consts::LOG2_10;
                let weighted = |band| db_to_power(slope_db * f64::from(band) + a_weighting_db(center_hz(band)));
                NoiseBands { slope_db: Some(slope_db), level_db: self.dba - power_to_db(BANDS.map(weighted).sum()) }
            }
        }
    }
}

/// The third octaves of a noise.
#[derive(Debug, Clone, Copy)]
pub struct NoiseBands {
    /// From one to the next, dB; `None` on a road.
    slope_db: Option<f64>,
    /// Of that at 1 kHz, or over the table of the road, dB.
    level_db: f64,
}

impl NoiseBands {
    /// Level of the third octave at `10^(band / 10)` kHz, dB SPL.
    pub fn level_db(&self, band: i32) -> f64 {
        self.level_db + self.slope_db.map_or_else(|| road_db(band), |slope_db| slope_db * f64::from(band))
    }
}

fn road_db(band: i32) -> f64 {
    match usize::try_from(band + ROAD_1_KHZ) {
        Err(_) => ROAD_BELOW_DB,
        Ok(index) => ROAD_DB
            .get(index)
            .copied()
            .unwrap_or_else(|| ROAD_DB[ROAD_DB.len() - 1] - ROAD_FALL_DB * (index + 1 - ROAD_DB.len()) as f64),
    }
}

fn center_hz(band: i32) -> f64 {
    1000.0 * 10f64.powf(f64::from(band) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted(noise: &Noise) -> f64 {
        power_to_db(BANDS.map(|band| db_to_power(noise.bands().level_db(band) + a_weighting_db(center_hz(band)))).sum())
    }

    #[test]
    fn road_noise_sums_to_68_0_dba() {
        let road = Noise { dba: 68.0, shape: NoiseShape::Road, slope_db_per_octave: 0.0 };
        assert_eq!((weighted(&road) * 10.0).round() / 10.0, 68.0);
        // The figures of its table: 1 kHz, 80 Hz, and everything below.
        for (band, expected_db) in [(0, 56.1), (-11, 74.3), (-12, 76.1), (10, 32.9)] {
            assert!((road.bands().level_db(band) - expected_db).abs() < 1e-9, "band {band}");
        }
        let all = power_to_db((-16..=10).map(|band| db_to_power(road.bands().level_db(band))).sum());
        assert!((all - 84.6).abs() < 0.05, "{all} dB unweighted");
    }

    #[test]
    fn a_slope_has_its_level_and_its_slope() {
        let room = Noise { dba: 45.0, shape: NoiseShape::Slope, slope_db_per_octave: -5.0 };
        assert!((weighted(&room) - 45.0).abs() < 1e-9);
        assert!((room.bands().level_db(10) - room.bands().level_db(0) + 5.0 * std::f64::consts::LOG2_10).abs() < 1e-9);
    }
}

//! What a suggestion is measured by, before and after.

use std::ops::{Range, RangeInclusive};

use schemars::JsonSchema;
use serde::Serialize;

use super::profile::Profile;
use super::width;
use crate::measure::Measurement;
use crate::measure::wide_bands::{WIDE_BANDS, WideBand};
use crate::statistics::{mean, median};
use crate::units::power_to_db_checked;

/// Third octaves in whose mean a band's level is told, Hz: those of 100 Hz to 3.15 kHz, which programmes of all sample rates hold.
const OVERALL_HZ: RangeInclusive<f64> = 95.0..=3_300.0;
/// Where width is told, Hz: in the middle two of the wide bands.
pub(super) const WIDTH_HZ: Range<f64> = WIDE_BANDS[1].low_hz..WIDE_BANDS[2].high_hz;

/// A number that a change is meant to move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Quantity {
    /// Level of the mid between two frequencies over its mean level in the third octaves from 100 Hz to 3.15 kHz, over the loud
    /// parts, dB.
    BandLevel {
        /// Lower edge.
        low_hz: f64,
        /// Upper edge.
        high_hz: f64,
    },
    /// Power of the side over the mid, 120 Hz to 5 kHz, over the loud parts, dB.
    Width,
    /// How far loud moments stand over usual ones in a wide band: 95th percentile of the level minus its median, dB.
    Spread {
        /// Which band, 0 to 3.
        band: usize,
    },
    /// True peak over integrated loudness, dB.
    PeakToLoudness,
    /// Mean of the waveform, of the channel that has more, percent of full scale.
    Offset,
}

impl Quantity {
    /// Its unit.
    pub fn unit(self) -> &'static str {
        if self == Self::Offset { "%" } else { "dB" }
    }

    /// What it is, for people.
    pub fn describe(self) -> String {
        match self {
            Self::BandLevel { low_hz, high_hz } => format!("level, {low_hz:.0} to {high_hz:.0} Hz"),
            Self::Width => "width, 120 to 5000 Hz".into(),
            Self::Spread { band } => format!("loud moments over the median, {}", WIDE_BANDS[band].range()),
            Self::PeakToLoudness => "peak to loudness ratio".into(),
            Self::Offset => "offset of the waveform".into(),
        }
    }

    /// Its value in a measured programme; `None` where it has none.
    pub fn of(self, measurement: &Measurement) -> Option<f64> {
        match self {
            Self::BandLevel { low_hz, high_hz } => band_level_db(measurement, low_hz, high_hz),
            Self::Width => width::within(measurement, WIDTH_HZ.start, WIDTH_HZ.end),
            Self::Spread { band } => {
                let WideBand { low_hz, high_hz, .. } = WIDE_BANDS[band];
                measurement.level_quantiles_db(low_hz, high_hz).map(|[_, p50, p95]| p95 - p50)
            }
            Self::PeakToLoudness => measurement.plr_db(),
            Self::Offset => measurement.levels.dc().into_iter().map(|mean| 100.0 * mean.abs()).reduce(f64::max),
        }
    }

    /// The median of what several programmes have of it; `None` where none of them has a value.
    pub fn median_of(self, measurements: &[&Measurement]) -> Option<f64> {
        median(measurements.iter().filter_map(|measurement| self.of(measurement)).collect())
    }

    /// Its mean over the songs of a profile; `None` where the profile doesn't hold it. A band's level is that over
    /// the mean of the profile's own bands from 100 Hz to 3.15 kHz.
    pub fn of_profile(self, profile: &Profile) -> Option<f64> {
        match self {
            Self::BandLevel { low_hz, high_hz } => level_over_all_db(&profile_levels_db(profile), low_hz, high_hz),
            Self::Width => mean(profile.width_db[1..3].iter().flatten().map(|width| width.mean)),
            Self::Spread { .. } | Self::Offset => None,
            Self::PeakToLoudness => Some(profile.plr_db.mean),
        }
    }
}

/// The level of a range over the overall one. `levels` are centres with their level.
fn level_over_all_db(levels: &[(f64, f64)], low_hz: f64, high_hz: f64) -> Option<f64> {
    Some(mean_within(levels, low_hz..=high_hz)? - mean_within(levels, OVERALL_HZ)?)
}

fn mean_within(levels: &[(f64, f64)], range_hz: RangeInclusive<f64>) -> Option<f64> {
    mean(levels.iter().filter(|(hz, _)| range_hz.contains(hz)).map(|(_, db)| *db))
}

fn band_level_db(measurement: &Measurement, low_hz: f64, high_hz: f64) -> Option<f64> {
    level_over_all_db(&levels_db(measurement), low_hz, high_hz)
}

/// The level over which [`Quantity::BandLevel`] is told, dB.
pub(super) fn overall_level_db(measurement: &Measurement) -> Option<f64> {
    mean_within(&levels_db(measurement), OVERALL_HZ)
}

/// The same of a profile.
pub(super) fn overall_level_of_profile_db(profile: &Profile) -> Option<f64> {
    mean_within(&profile_levels_db(profile), OVERALL_HZ)
}

/// Whether a third octave is one of those in whose mean that is.
pub(super) fn is_overall(center_hz: f64) -> bool {
    OVERALL_HZ.contains(&center_hz)
}

/// Centres of a profile's bands with their level.
fn profile_levels_db(profile: &Profile) -> Vec<(f64, f64)> {
    profile.tone.iter().map(|band| (band.center_hz, band.mean_db)).collect()
}

/// Centres of the third octaves with the level of the mid.
fn levels_db(measurement: &Measurement) -> Vec<(f64, f64)> {
    let bands = measurement.loud_bands();
    bands.filter_map(|(hz, band)| Some((hz, power_to_db_checked(f64::from(band.mid))?))).collect()
}

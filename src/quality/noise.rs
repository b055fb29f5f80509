//! Noise that is left where the music pauses.

use std::ops::Range;

use super::thresholds::{NOISE_DBFS_A, NOISE_PAUSE_LU};
use super::{Check, Finding, Severity, floor};
use crate::measure::Measurement;
use crate::measure::spectrum::{BandPower, SpectralFrames};
use crate::measure::weighting::a_weighting_db;
use crate::slots::SLOTS_PER_S;
use crate::units::{db_to_power, power_to_db};

/// Noise has a smooth spectrum: third octaves from 500 Hz to 8 kHz differ from the next by no more than this, dB.
const SMOOTH_DB: f64 = 6.0;
const SMOOTH_HZ: Range<f64> = 490.0..8_100.0;

/// Digital silence, with dither, lies below this.
const BLACK_DBFS_A: f64 = -110.0;

pub(super) fn finding(measurement: &Measurement) -> Option<Finding> {
    let integrated_lufs = measurement.loudness.integrated_lufs()?;
    let spectrum = &measurement.spectrum;
    let weights = a_weights(spectrum);
    let power = |frame: &[BandPower]| {
        frame.iter().zip(&weights).map(|(band, weight)| weight * f64::from(band.mid + band.side)).sum::<f64>()
    };
    let levels_db: Vec<f64> = spectrum.iter().map(|frame| power_to_db(power(frame))).collect();
    // One channel's mean square, where loudness adds both.
    let highest_db = integrated_lufs - 3.0 - NOISE_PAUSE_LU;
    let is_wanted = |frames| is_noise(measurement, frames);
    let (start, level_db) = floor::quietest(&levels_db, &(NOISE_DBFS_A..highest_db), BLACK_DBFS_A, is_wanted)?;
    let message = format!(
        "noise of {level_db:.0} dBFS (A-weighted) is left in a pause; gate or clean the noisy tracks, and fade the pauses"
    );
    Some(
        Finding::new(Check::Noise, Severity::Warning, level_db, NOISE_DBFS_A, message)
            .at(vec![start as f64 / f64::from(SLOTS_PER_S)]),
    )
}

/// A-weighting of the power of each third octave.
fn a_weights(spectrum: &SpectralFrames) -> Vec<f64> {
    spectrum.bands.centers_hz().iter().map(|&hz| db_to_power(a_weighting_db(hz))).collect()
}

/// Whether a stretch, by its frames, is noise: smooth, and heard there more than below. Of a low chord, only what spills over is smooth.
pub(super) fn is_noise(measurement: &Measurement, range: Range<usize>) -> bool {
    let spectrum = &measurement.spectrum;
    let band_power = |band: usize| -> f64 {
        let frames = spectrum.iter().skip(range.start).take(range.len());
        frames.map(|frame| f64::from(frame[band].mid + frame[band].side)).sum()
    };
    let smooth = spectrum.bands.within(SMOOTH_HZ);
    let heard: Vec<f64> =
        a_weights(spectrum).iter().enumerate().map(|(band, weight)| weight * band_power(band)).collect();
    let levels_db: Vec<f64> = smooth.clone().map(|band| power_to_db(band_power(band))).collect();
    levels_db.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= SMOOTH_DB)
        && heard[smooth.clone()].iter().sum::<f64>() > heard[..smooth.start].iter().sum::<f64>()
}

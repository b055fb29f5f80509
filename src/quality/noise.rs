//! Noise that is left where the music pauses.

use std::ops::Range;

use super::thresholds::{NOISE_DBFS_A, NOISE_PAUSE_LU};
use super::{Check, Finding, Severity};
use crate::measure::Measurement;
use crate::measure::spectrum::BandPower;
use crate::measure::weighting::a_weighting_db;
use crate::slots::SLOTS_PER_S;
use crate::units::{db_to_power, power_to_db};

/// Noise is steady for at least this long, in tenths of a second, to within this, dB.
const STEADY_FRAMES: usize = 10;
const STEADY_DB: f64 = 2.0;
/// Noise has a smooth spectrum: third octaves from 500 Hz to 8 kHz differ from the next by no more than this, dB.
const SMOOTH_DB: f64 = 6.0;
const SMOOTH_HZ: Range<f64> = 490.0..8_100.0;

/// Digital silence, with dither, lies below this.
const BLACK_DBFS_A: f64 = -110.0;
/// What is so much quieter than a noise, dB, for more than this share of the time, disproves it.
const QUIETER_DB: f64 = 6.0;
const QUIETER_SHARE: f64 = 0.01;

pub(super) fn finding(measurement: &Measurement) -> Option<Finding> {
    let integrated_lufs = measurement.loudness.integrated_lufs()?;
    let spectrum = &measurement.spectrum;
    let weights: Vec<f64> = spectrum.bands.centers_hz().iter().map(|&hz| db_to_power(a_weighting_db(hz))).collect();
    let power = |frame: &[BandPower]| {
        frame.iter().zip(&weights).map(|(band, weight)| weight * f64::from(band.mid + band.side)).sum::<f64>()
    };
    let levels_db: Vec<f64> = spectrum.iter().map(|frame| power_to_db(power(frame))).collect();
    // One channel's mean square, where loudness adds both.
    let highest_db = integrated_lufs - 3.0 - NOISE_PAUSE_LU;
    let pauses = levels_db.windows(STEADY_FRAMES).enumerate().filter_map(|(start, levels)| {
        let (low, high) = levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
        let is_pause = high < highest_db && low > NOISE_DBFS_A && high - low <= STEADY_DB;
        (is_pause && is_smooth(measurement, start..start + STEADY_FRAMES)).then_some((start, 0.5 * (low + high)))
    });
    let (start, level_db) = pauses.min_by(|a, b| a.1.total_cmp(&b.1))?;
    // Noise of the equipment lies under everything: where something is quieter and not black, this is part of the music.
    let quieter = levels_db.iter().filter(|db| (BLACK_DBFS_A..level_db - QUIETER_DB).contains(*db)).count();
    if quieter as f64 > QUIETER_SHARE * levels_db.len() as f64 {
        return None;
    }
    Some(Finding {
        id: Check::Noise,
        severity: Severity::Warning,
        value: level_db,
        unit: "dBFS(A)",
        threshold: NOISE_DBFS_A,
        times_s: vec![start as f64 / f64::from(SLOTS_PER_S)],
        frequencies_hz: Vec::new(),
        message: format!(
            "noise of {level_db:.0} dBFS (A-weighted) is left in a pause; gate or clean the noisy tracks, and fade the pauses"
        ),
    })
}

fn is_smooth(measurement: &Measurement, range: Range<usize>) -> bool {
    let spectrum = &measurement.spectrum;
    let bands = spectrum.bands.within(SMOOTH_HZ);
    let levels_db: Vec<f64> = bands
        .map(|band| {
            let frames = spectrum.iter().skip(range.start).take(range.len());
            power_to_db(frames.map(|frame| f64::from(frame[band].mid + frame[band].side)).sum())
        })
        .collect();
    levels_db.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= SMOOTH_DB)
}

//! Which gain curve to aim for.
//!
//! Taking over a reference's long-term spectrum takes over its arrangement too: on another song that leaves more error
//! to the true production EQ than doing nothing. So two pieces of evidence are weighed by how much content both
//! programmes share: the difference of the long-term spectra, and the registration of matched frames.

use super::registration::{Cloud, Registration, register};
use crate::measure::Measurement;
use crate::units::power_to_db;

/// What tone was asked for, and how sure that is.
#[derive(Debug, Clone)]
pub(super) struct Tone {
    /// Third-octave centres.
    pub(super) centers_hz: Vec<f64>,
    /// Gain to aim for, dB.
    pub(super) curve_db: Vec<f64>,
    /// How much each point matters: 0 where the reference or the mix holds nothing.
    pub(super) weights: Vec<f64>,
    /// Level of the mix over that of the reference, both without their means, dB: the cause to tell.
    pub(super) excess_db: Vec<f64>,
    /// Share of matched frames.
    pub(super) likeness_ratio: f64,
}

/// Bands from here to there take part: below, there is rumble; above, codecs and hiss.
const RANGE_HZ: (f64, f64) = (35.0, 17_000.0);
/// A band this far under a programme's strongest band holds nothing to be matched, dB.
const EMPTY_DB: f64 = 60.0;
/// A fall by more than this from one band to the next, above 8 kHz, is a codec's or converter's low-pass, dB.
const EDGE_DB: f64 = 12.0;
/// Largest gain to aim for, dB.
const MAX_GAIN_DB: f64 = 6.0;

impl Tone {
    /// Weighs the evidence. `None` if either programme is silent.
    pub(super) fn between(mix: &Measurement, reference: &Measurement) -> Option<Self> {
        let all_hz = mix.spectrum.bands.centers_hz();
        let count = all_hz.len().min(reference.spectrum.bands.centers_hz().len());
        let bands: Vec<usize> = (0..count).filter(|&band| (RANGE_HZ.0..RANGE_HZ.1).contains(&all_hz[band])).collect();
        let levels = |measurement: &Measurement| -> Vec<f64> {
            let spectrum = &measurement.loud_spectrum;
            bands.iter().map(|&band| power_to_db(f64::from(spectrum[band].mid) + 1e-20)).collect()
        };
        let (mix_db, reference_db) = (levels(mix), levels(reference));
        let centers_hz: Vec<f64> = bands.iter().map(|&band| all_hz[band]).collect();
        let mix_holds = holding(&centers_hz, &mix_db)?;
        let reference_holds = holding(&centers_hz, &reference_db)?;
        let weights: Vec<f64> =
            mix_holds.iter().zip(&reference_holds).map(|(a, b)| if *a && *b { 1.0 } else { 0.0 }).collect();

        let mut difference: Vec<f64> = reference_db.iter().zip(&mix_db).map(|(r, m)| r - m).collect();
        center(&weights, &mut difference);
        let excess_db = difference.iter().map(|db| -db).collect();
        for (difference, weight) in difference.iter_mut().zip(&weights) {
            *difference *= weight;
        }
        smooth(&mut difference);

        let half: Vec<f64> = difference.iter().map(|db| 0.5 * db).collect();
        let starts = [vec![0.0; bands.len()], half, difference.clone()];
        let registration = register(&cloud(mix, &bands), &cloud(reference, &bands), &starts);
        let likeness_ratio = registration.as_ref().map_or(0.0, |found| found.pair_share);
        let mut curve_db = weigh(&difference, registration.as_ref());
        smooth(&mut curve_db);
        for (gain, weight) in curve_db.iter_mut().zip(&weights) {
            *gain = (*gain * weight).clamp(-MAX_GAIN_DB, MAX_GAIN_DB);
        }
        Some(Self { centers_hz, curve_db, weights, excess_db, likeness_ratio })
    }
}

/// Shares of the differences in width and density to take over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
    pub(super) width: f64,
    pub(super) dynamics: f64,
}

impl Tone {
    /// How much of a difference is production rather than arrangement, as far as likeness tells.
    pub(super) fn share_of_differences(&self) -> Shares {
        let trust = trust(self.likeness_ratio);
        Shares { width: 0.1 + 0.6 * trust, dynamics: 0.1 + 0.5 * trust }
    }
}

/// 0 for different songs, 1 for the same. Up to 6 % of frames find a partner by chance in any two songs; from 20 % on
/// it is the same one.
fn trust(pair_share: f64) -> f64 {
    ((pair_share - 0.06) / 0.14).clamp(0.0, 1.0)
}

/// The curve that the evidence supports.
fn weigh(difference: &[f64], registration: Option<&Registration>) -> Vec<f64> {
    let trust = trust(registration.map_or(0.0, |found| found.pair_share));
    let of_difference = 0.1 * (1.0 - trust);
    let of_registration = 0.8 * trust;
    let shift = |band: usize| registration.map_or(0.0, |found| found.shift_db[band]);
    difference.iter().enumerate().map(|(band, db)| of_difference * db + of_registration * shift(band)).collect()
}

/// Which bands hold something: not empty, and not past a codec's edge. `None` for a silent programme.
fn holding(centers_hz: &[f64], levels_db: &[f64]) -> Option<Vec<bool>> {
    let strongest_db = levels_db.iter().copied().fold(f64::MIN, f64::max);
    if strongest_db < -120.0 {
        return None;
    }
    let edge =
        (1..levels_db.len()).find(|&band| centers_hz[band] > 8000.0 && levels_db[band] < levels_db[band - 1] - EDGE_DB);
    let edge = edge.unwrap_or(levels_db.len());
    Some(levels_db.iter().enumerate().map(|(band, db)| band < edge && *db > strongest_db - EMPTY_DB).collect())
}

fn cloud(measurement: &Measurement, bands: &[usize]) -> Cloud {
    let frames: Vec<Vec<f32>> = measurement
        .spectrum
        .iter()
        .zip(&measurement.loud_frames)
        .filter(|(_, loud)| **loud)
        .map(|(frame, _)| bands.iter().map(|&band| 10.0 * (frame[band].mid + 1e-12).log10()).collect())
        .collect();
    Cloud::new(frames.iter().map(Vec::as_slice))
}

fn center(weights: &[f64], values: &mut [f64]) {
    let total: f64 = weights.iter().sum();
    let mean = weights.iter().zip(values.iter()).map(|(w, v)| w * v).sum::<f64>() / total.max(f64::MIN_POSITIVE);
    values.iter_mut().for_each(|value| *value -= mean);
}

/// Weights 1/4, 1/2, 1/4 over neighbouring bands; the outermost stand in for their missing neighbours.
fn smooth(values: &mut [f64]) {
    let original = values.to_vec();
    for (index, value) in values.iter_mut().enumerate() {
        let before = original[index.saturating_sub(1)];
        let after = original[(index + 1).min(original.len() - 1)];
        *value = 0.25 * before + 0.5 * original[index] + 0.25 * after;
    }
}

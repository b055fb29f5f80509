//! How far the tonal balance at the ear is from that of the file.

use super::super::ear::Ear;
use crate::units::power_to_db;

/// Deviations beyond this count as this, dB: what is gone can't be more gone.
const MOST_DB: f64 = 30.0;
/// A deviation by this much leaves 1/e of the score.
const SCALE_DB: f64 = 12.0;
/// Loudness grows with this power of sound intensity (S. Stevens, "On the psychophysical law", 1957).
const STEVENS: f64 = 0.3;

/// Level of each band at the ear over that in the file, both over their K-weighted wholes, dB.
pub(super) fn changes_db(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Vec<Option<f64>> {
    let heard: Vec<f64> = mean
        .iter()
        .zip(ear.response.mid.iter().zip(&ear.response.side))
        .map(|(power, (mid, side))| power[0] * mid + power[1] * side)
        .collect();
    let weights = &ear.programme.weights;
    let all: f64 = mean.iter().zip(weights).map(|(power, weight)| weight * (power[0] + power[1])).sum();
    let left: f64 = heard.iter().zip(weights).map(|(power, weight)| weight * power).sum();
    mean.iter()
        .zip(&heard)
        .map(|(power, heard)| {
            let source = power[0] + power[1];
            (source > 0.0 && left > 0.0).then(|| {
                let db = power_to_db(heard / left * all / source);
                db.max(-2.0 * MOST_DB)
            })
        })
        .collect()
}

/// 100 for the same balance, falling with the deviation: its root mean square over third octaves, each weighted by its
/// part in the loudness.
pub(super) fn score(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for ((change, power), weight) in changes_db(ear, mean).into_iter().zip(mean).zip(&ear.programme.weights) {
        if let Some(change_db) = change {
            let loudness = (weight * (power[0] + power[1])).powf(STEVENS);
            sum += loudness * change_db.clamp(-MOST_DB, MOST_DB).powi(2);
            weights += loudness;
        }
    }
    (weights > 0.0).then(|| 100.0 * (-(sum / weights).sqrt() / SCALE_DB).exp())
}

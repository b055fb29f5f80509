//! How far the tonal balance at the ear is from that of the file.

use super::super::ear::Ear;
use super::super::programme::Programme;
use crate::units::power_to_db;

/// Deviations beyond this count as this, dB: what is gone can't be more gone.
const MOST_DB: f64 = 30.0;
/// A deviation by this much leaves 1/e of the score.
const SCALE_DB: f64 = 12.0;

/// Level of each band at the ear over that in the file, both over their K-weighted wholes, dB.
pub(super) fn changes_db(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Vec<Option<f64>> {
    let heard = ear.response.of(mean);
    let (all, left) = (ear.programme.weighted(mean), ear.programme.weighted(&heard));
    mean.iter()
        .zip(&heard)
        .map(|(power, heard)| {
            let source = power[0] + power[1];
            (source > 0.0 && left > 0.0).then(|| {
                let db = power_to_db((heard[0] + heard[1]) / left * all / source);
                db.max(-2.0 * MOST_DB)
            })
        })
        .collect()
}

/// 100 for the same balance, falling with the deviation: its root mean square over third octaves, each weighted by its
/// part in the loudness.
pub(super) fn score(ear: &Ear<'_>, mean: &[[f64; 2]]) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (change, loudness) in changes_db(ear, mean).into_iter().zip(ear.programme.loudness_parts(mean)) {
        if let Some(change_db) = change {
            sum += loudness * change_db.clamp(-MOST_DB, MOST_DB).powi(2);
            weights += loudness;
        }
    }
    (weights > 0.0).then(|| points((sum / weights).sqrt()))
}

/// What a deviation leaves of 100.
fn points(deviation_db: f64) -> f64 {
    100.0 * (-deviation_db / SCALE_DB).exp()
}

/// What a change takes from the music itself, points: as [`score`] counts, but of bands that it makes weaker alone, wherever they
/// are played.
pub(in super::super) fn loss(programme: &Programme, changed: &Programme) -> f64 {
    let powers = programme.whole.iter().zip(&changed.whole);
    let (mut sum, mut weights) = (0.0, 0.0);
    for ((was, is), loudness) in powers.zip(programme.loudness_parts(&programme.whole)) {
        let change_db = power_to_db((is[0] + is[1]) / (was[0] + was[1]));
        if !change_db.is_nan() {
            sum += loudness * change_db.clamp(-MOST_DB, 0.0).powi(2);
            weights += loudness;
        }
    }
    if weights > 0.0 { 100.0 - points((sum / weights).sqrt()) } else { 0.0 }
}
